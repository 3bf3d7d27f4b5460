"""Packet: everything a rep needs to act on a lead, in words (R14).

Built once per decision, from what was decided and what the CRM shows; plain JSON values, under 20 kB however long the
CRM's texts are. Which destination gets it whole and which gets it masked is decided by notifications.yaml.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from connector.domain.activity import Activity
from connector.domain.answer import CLAIMED
from connector.domain.contact import Contact
from connector.domain.decision import Decision, Score
from connector.domain.episode import Episode, State
from connector.domain.owner import Owner
from connector.rules.countries import country_name
from connector.rules.local_time import in_zone, local_time, portal_zone
from connector.rules.patterns import phrase
from connector.rules.scanners import DROPPED
from connector.rules.suppression import Allowed
from connector.rules.words import day

LATEST = 10
TOP = 5
SHORT, LONG = 200, 2_000
"""Longest texts, in bytes as JSON writes them: a title, and what the contact wrote to us."""

SAID_AS: Mapping[str, str] = {
    "company": "company",
    "job_title": "job title",
    "country": "country",
    "employees": "number of employees",
    "industry": "industry",
    "phone": "phone number",
    "email": "e-mail address",
}
"""Fields whose change since the last handover is worth a word."""


def build_packet(
    *,
    decision: Decision,
    contact: Contact,
    activities: Sequence[Activity],
    owner: Owner | None,
    previous: Episode | None,
    ended_because: str = "",
    portal_time_zone: str,
    record_url: str,
    allowed: Allowed,
    due_at: datetime | None,
    called_by: str = "",
) -> dict[str, object]:
    """One lead's packet.

    Args:
        activities: in any order; those of machines and those after the decision are left out.
        owner: who has it; None where nobody does (the triage desk).
        previous: the contact's last ended episode; None on the first handover. It makes `since_last_time`.
        ended_because: why it ended, in words; empty where nobody said.
        portal_time_zone: for dates in words, and for the local time of contacts without a country.
        record_url: the contact's page in the CRM.
        due_at: when the first reaction is due; None where no clock runs.
        called_by: who at telequalification passes the lead on with this decision; empty where nobody does (R12).
    Returns:
        Plain JSON values; texts that are missing are empty, parts that do not apply are None or empty lists.
    """
    zone = portal_zone(portal_time_zone)
    seen = sorted(
        (row for row in activities if not row.automatic and row.occurred_at <= decision.as_of),
        key=lambda row: row.occurred_at,
    )
    episode = decision.episode
    return {
        "why_now": clip(decision.sentence or (episode.reason if episode else ""), 2 * SHORT),
        "reasons": [clip(reason, SHORT) for verdict in decision.verdicts for reason in verdict.reasons][:LATEST],
        "lane": episode.lane if episode else "",
        "state": episode.state.value if episode else "",
        "contact": _person(contact),
        "history": [
            {"at": row.occurred_at.isoformat(), "when": in_zone(row.occurred_at, zone), "what": _what(row)}
            for row in seen[-LATEST:]
        ],
        "score": _score(decision.score) if decision.score else None,
        "allowed": {
            "call": allowed.call,
            "mail": allowed.personal_mail,
            "marketing_mail": allowed.marketing_mail,
            "basis": [clip(reason, SHORT) for reason in allowed.reasons][:TOP],
        },
        "local_time": local_time(contact.text("country"), portal_time_zone, at=decision.as_of),
        "since_last_time": [
            *(_since(previous, ended_because, contact, seen) if previous and _again(previous, episode) else ()),
            *(_called(called_by, contact, decision, zone) if called_by else ()),
        ],
        "owner": _owner(owner) if owner else None,
        "due": due_in_words(due_at, portal_time_zone),
        "routed": clip(decision.route.sentence, 2 * SHORT) if decision.route else "",
        "link": record_url,
        "episode": episode.id if episode else None,
        "decided_at": decision.as_of.isoformat(),
        "rules": decision.fingerprint[:12],
        "definition": decision.definition,
    }


def due_in_words(due_at: datetime | None, portal_time_zone: str) -> dict[str, object] | None:
    """An instant that matters, for machines and for people; None where there is none."""
    if due_at is None:
        return None
    return {"at": due_at.isoformat(), "when": in_zone(due_at, portal_zone(portal_time_zone))}


def clip(text: str, most: int) -> str:
    """The text on one line, cut to so many bytes as JSON writes it (an emoji counts 12), with an ellipsis where cut."""
    if len(text) <= most and text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return " ".join(text.split())  # as JSON writes it, too; spelt out since a packet has many of them
    line = " ".join(text[: 4 * most].encode("utf-8", "replace").decode().split())
    if len(json.dumps(line)) - 2 <= most:
        return line
    size = 0
    for place, sign in enumerate(line):
        size += len(json.dumps(sign)) - 2
        if size > most - 6:
            return line[:place].rstrip() + "…"
    return line


def _person(contact: Contact) -> dict[str, object]:
    first, last = (clip(contact.text(name), SHORT) for name in ("first_name", "last_name"))
    country = contact.text("country")
    return {
        "id": contact.id,
        "name": f"{first} {last}".strip(),
        "first_name": first,
        "last_name": last,
        "email": clip(contact.text("email"), 2 * SHORT),
        "phone": clip(contact.text("phone"), SHORT),
        "company": clip(contact.text("company"), SHORT),
        "job_title": clip(contact.text("job_title"), SHORT),
        "country": clip(country_name(country), SHORT) if country else "",
        "message": clip(contact.text("message"), LONG),
    }


def _owner(owner: Owner) -> dict[str, object]:
    return {"id": owner.id, "name": clip(owner.name, SHORT), "email": clip(owner.email, SHORT)}


def _what(row: Activity) -> str:
    claimed = ", as sales says" if row.stream == CLAIMED else ""
    return clip(phrase(row.kind, row.name, _path(row.url)), SHORT) + claimed


def _path(url: str | None) -> str:
    """Without query and fragment, where forms and mailings put people's addresses."""
    return (url or "").partition("?")[0].partition("#")[0]


def _score(score: Score) -> dict[str, object]:
    """The strongest lines, and what all others come to, so that the figures add up to the score."""
    counted = (line for line in score.contributions if line.group != DROPPED)
    lines = sorted(counted, key=lambda line: (-abs(line.points), line.label))
    top, rest = lines[:TOP], lines[TOP:]
    return {
        "points": score.points,
        "fit": score.fit / 100,
        "engagement": score.engagement / 100,
        "grade": score.grade,
        "top": [
            {
                "label": clip(line.label, SHORT),
                "points": line.points / 100,
                "at": line.occurred_at.isoformat() if line.occurred_at else None,
            }
            for line in top
        ],
        "others": {"lines": len(rest), "points": sum(line.points for line in rest) / 100},
    }


# -- a second handover -----------------------------------------------------------------------------------------


def _again(previous: Episode, episode: Episode | None) -> bool:
    return episode is not None and previous.id != episode.id and previous.ended_at is not None


def _called(by: str, contact: Contact, decision: Decision, zone: ZoneInfo) -> Iterator[str]:
    """Why telequalification had the lead, and what it did and said before it passed it on."""
    before, after = decision.before, decision.episode
    if before is not None and before.reason:
        yield clip(f"Why it was called: {before.reason}", SHORT)
    touched = after.caller_touched_at if after is not None else None
    yield f"{clip(by, SHORT)} {f'called first, on {in_zone(touched, zone)}' if touched else 'had it first'}."
    comment = clip(contact.text("comment"), SHORT)
    if comment:
        yield f"They noted: {comment.rstrip('.')}."


def _since(previous: Episode, because: str, contact: Contact, seen: Sequence[Activity]) -> Iterator[str]:
    """What happened between the end of the last episode and now, one sentence each."""
    ended = previous.ended_at
    assert ended is not None
    why = f": {clip(because, SHORT)}" if because and previous.state is not State.WON else ""
    yield f"Last time it ended as {previous.state.value.replace('_', ' ')} on {day(ended)}{why}."
    for field, words in SAID_AS.items():
        changed = contact.changed_at.get(field)
        if changed is not None and changed > ended:
            value = country_name(contact.text(field)) if field == "country" else contact.text(field)
            yield f"New {words}: {clip(value, SHORT)}." if value else f"The {words} was removed."
    fresh = [row for row in seen if row.occurred_at > ended]
    if fresh:
        count = "one activity" if len(fresh) == 1 else f"{len(fresh)} activities, the latest"
        yield f"Since then: {count}: {_what(fresh[-1])}."


# -- shared channels -------------------------------------------------------------------------------------------

_MAILBOX = re.compile(r"[^\s@<>()“”\"]+@[^\s@<>()“”\"]+")
_PRIVATE = ("email", "phone", "message", "last_name")


def mask(packet: Mapping[str, object]) -> dict[str, object]:
    """The packet for a channel that others read too: no e-mail, no phone, no message, last names as initials (R15).

    Texts are searched as well: a form's or page's name may hold what the person typed.
    """
    if packet.get("masked"):
        return dict(packet)
    person = packet.get("contact")
    facts = dict(person) if isinstance(person, Mapping) else {}
    hide = _hider(facts)
    masked = {key: value if key == "link" else _apply(hide, value) for key, value in packet.items()}
    if facts:
        name = hide(initials(str(facts.get("name") or "")))
        masked["contact"] = {
            **{key: _apply(hide, value) for key, value in facts.items()},
            **dict.fromkeys(_PRIVATE, ""),
            "name": name,
            "first_name": name.partition(" ")[0],
        }
    return {**masked, "masked": True}


def initials(name: str) -> str:
    """`Ana van Sample` is `Ana v. S.`"""
    first, *others = name.split() or ["Somebody"]
    return " ".join([first, *(f"{word[0]}." for word in others)])


def _hider(facts: Mapping[str, object]) -> Callable[[str], str]:
    """A function that takes this person's particulars out of a text."""
    whole = [str(facts.get(name) or "") for name in ("email", "phone", "last_name")]
    words = str(facts.get("name") or "").split()[1:]
    parts = sorted({part for part in (*whole, *words) if len(part) > 1}, key=len, reverse=True)
    known = re.compile("|".join(rf"(?<!\w){re.escape(part)}(?!\w)" for part in parts), re.IGNORECASE) if parts else None

    def hide(text: str) -> str:
        text = _MAILBOX.sub("…", text)
        return known.sub("…", text) if known else text

    return hide


def _apply(hide: Callable[[str], str], value: object) -> object:
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, Mapping):
        return {key: _apply(hide, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_apply(hide, item) for item in value]
    return value
