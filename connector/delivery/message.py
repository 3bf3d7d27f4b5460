"""A notice as people read it: the reason, who it is, what they did, the score, what is allowed and until when.

Reads a packet (rules/packet.py) into lines of plain text; slack.py, teams.py and the like only lay them out. Texts from
the CRM are somebody else's words: controls are taken out here, markup is each layout's own care.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from connector.domain.notice import NoticeKind
from connector.rules.notifications import HEADLINES

Packet = Mapping[str, object]
OPS = (NoticeKind.RUN_HELD, NoticeKind.RUN_SHADOW, NoticeKind.DESTINATION_OFF, NoticeKind.TEST_PING)
MOST_SHOWN = 20
"""Of a digest's leads; the others are counted, and the CRM shows them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Everything in reading order; what does not apply is empty.

    Attributes:
        headline: fixed words, nothing of the CRM in them; an admin's title may hold values.
        markup: an admin's own text in the target's markup, values escaped; it stands for all that follows but the link.
        facts: label and value, such as ("Company", "Sample Ltd").
        history: when and what, newest first.
        score: points and label; `score_line` sums it up.
        leads: of a digest: what happened to one lead, and its page in the CRM or an empty text.
        more: how many further leads the digest tells of.
        link: the contact's page in the CRM, or empty.
        answers: what its holder may answer by link, and where (R20).
    """

    headline: str
    markup: str = ""
    reason: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    history: tuple[tuple[str, str], ...] = ()
    score_line: str = ""
    score: tuple[tuple[str, str], ...] = ()
    since: tuple[str, ...] = ()
    closing: tuple[tuple[str, str], ...] = ()
    leads: tuple[tuple[str, str], ...] = ()
    more: int = 0
    link: str = ""
    answers: tuple[tuple[str, str], ...] = ()


def read_message(kind: NoticeKind, packet: Packet) -> Message:
    if kind in OPS:
        return Message(headline=HEADLINES[kind], reason=_to_ops(kind, packet), facts=tuple(_ops_facts(kind, packet)))
    if kind is NoticeKind.LEAD_DIGEST:
        return _digest(packet)
    if kind is NoticeKind.MAIL_LEAKED:
        return _leak(packet)
    if kind is NoticeKind.ALARM_RAISED:
        return _alarm(packet)
    if kind is NoticeKind.REP_MORNING:
        return _morning(packet)
    score = _part(packet, "score")
    return Message(
        headline=HEADLINES[kind],
        reason=" ".join(part for part in (_clock(kind, packet), _text(packet, "why_now")) if part),
        facts=tuple(_facts(packet)),
        history=tuple((_text(row, "when"), _text(row, "what")) for row in reversed(_parts(packet, "history"))),
        score_line=_score_line(score) if score else "",
        score=tuple(_score(score)) if score else (),
        since=tuple(_clean(line) for line in _list(packet, "since_last_time")),
        closing=tuple(_closing(kind, packet)),
        link=_link(packet),
    )


def with_texts(message: Message, change: Callable[[str], str]) -> Message:
    """The message with every text from the CRM changed; headline, labels, markup and links stay."""

    def seconds(rows: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        return tuple((first, change(second)) for first, second in rows)

    return replace(
        message,
        reason=change(message.reason),
        facts=seconds(message.facts),
        history=seconds(message.history),
        score_line=change(message.score_line),
        score=seconds(message.score),
        since=tuple(change(line) for line in message.since),
        closing=seconds(message.closing),
        leads=tuple((change(said), link) for said, link in message.leads),
    )


def _clock(kind: NoticeKind, packet: Packet) -> str:
    clock = _text(packet, "clock")
    if not clock:
        return ""
    return f"{clock}: {'the time is up' if kind is NoticeKind.SLA_BREACHED else 'the time is nearly up'}."


def _to_ops(kind: NoticeKind, packet: Packet) -> str:
    if kind is NoticeKind.RUN_HELD and "refused" in packet:
        return (
            f"HubSpot refused {_number(packet, 'refused')} of {_number(packet, 'attempted')} changes, so no more were "
            "sent. Mend the cause, then run `handoff sync --release-mass-change`."
        )
    if kind is NoticeKind.RUN_HELD:
        return (
            f"{_number(packet, 'held')} contacts would move at once without a signal of their own, and "
            f"{_number(packet, 'allowed')} may. Nothing of that was done; `handoff preview` shows it."
            f"{' Why: ' + cause + '.' if (cause := _text(packet, 'cause')) else ''}"
        )
    if kind is NoticeKind.DESTINATION_OFF:
        name = _text(packet, "destination") or "a destination"
        return (
            f"Nothing more is sent to {name} until somebody has looked. Its notices are kept: mend the cause, then run "
            f"`{_text(packet, 'resume') or 'handoff outbox resume'}`."
        )
    if kind is NoticeKind.TEST_PING:
        return "Somebody runs `handoff notifications test`. If you can read this, notices arrive here."
    return (
        f"Shadow mode: {_number(packet, 'would_hand_over')} leads would have been handed over and "
        f"{_number(packet, 'would_change')} contacts changed. Nothing was written and no rep was told."
    )


def _ops_facts(kind: NoticeKind, packet: Packet) -> Iterator[tuple[str, str]]:
    if kind is NoticeKind.DESTINATION_OFF:
        for label, key in (("Why", "why"), ("Failing since", "since")):
            if told := _text(packet, key):
                yield label, told
        if waiting := _number(packet, "waiting"):
            yield "Notices waiting", waiting


def _digest(packet: Packet) -> Message:
    """Many notices of one rep in one; the ids of all stand in the body of a webhook, not here."""
    leads = _parts(packet, "leads")
    count = packet.get("count")
    told = max(int(count) if isinstance(count, int) else 0, len(leads))
    return Message(
        headline=HEADLINES[NoticeKind.LEAD_DIGEST],
        reason=f"{told} notices waited for you, so they come in one.",
        leads=tuple((_text(lead, "summary") or _said(lead), _link(lead)) for lead in leads[:MOST_SHOWN]),
        more=max(told - MOST_SHOWN, 0),
    )


def _morning(packet: Packet) -> Message:
    """All leads of one rep in numbers, and the strongest of them."""
    leads, count = _parts(packet, "leads"), packet.get("count")
    told = max(int(count) if isinstance(count, int) else 0, len(leads))
    waiting, late = _number(packet, "waiting") or "0", _number(packet, "late") or "0"
    wait = "waits" if waiting == "1" else "wait"
    return Message(
        headline=HEADLINES[NoticeKind.REP_MORNING],
        reason=f"You have {told} lead{'' if told == 1 else 's'}; {waiting} {wait} for a first call, {late} late.",
        leads=tuple((_text(lead, "summary"), _link(lead)) for lead in leads[:MOST_SHOWN]),
        more=max(told - len(leads[:MOST_SHOWN]), 0),
    )


def _leak(packet: Packet) -> Message:
    """One campaign and the leads that it should not have reached."""
    leads, count = _parts(packet, "leads"), packet.get("count")
    told = max(int(count) if isinstance(count, int) else 0, len(leads))
    known = (("E-mail", "mail"), ("Campaign", "campaign"), ("List", "list"))
    return Message(
        headline=HEADLINES[NoticeKind.MAIL_LEAKED],
        reason=_text(packet, "sentence"),
        facts=tuple((label, value) for label, key in known if (value := _text(packet, key))),
        leads=tuple((_text(lead, "summary"), _link(lead)) for lead in leads[:MOST_SHOWN]),
        more=max(told - MOST_SHOWN, 0),
    )


def _alarm(packet: Packet) -> Message:
    """What changed, with its likeliest cause, and the leads that it is about."""
    leads, count = _parts(packet, "leads"), packet.get("count")
    told = max(int(count) if isinstance(count, int) else 0, len(leads))
    return Message(
        headline=HEADLINES[NoticeKind.ALARM_RAISED],
        reason=_text(packet, "sentence"),
        leads=tuple((_text(lead, "summary"), _link(lead)) for lead in leads[:MOST_SHOWN]),
        more=max(told - MOST_SHOWN, 0),
    )


def _said(lead: Packet) -> str:
    """Where a lead came without words: what happened, at least."""
    known = next((headline for kind, headline in HEADLINES.items() if kind.value == lead.get("kind")), "A lead")
    return f"{known}: contact {_text(lead, 'contact_id')}"


def _facts(packet: Packet) -> Iterator[tuple[str, str]]:
    person = _part(packet, "contact") or {}
    titled = ", ".join(part for part in (_text(person, "name"), _text(person, "job_title")) if part)
    placed = ", ".join(part for part in (_text(person, "company"), _text(person, "country")) if part)
    yield "Name", titled or "not known"
    yield "Company", placed or "not known"
    if packet.get("masked") is True:
        yield "Phone, e-mail", "in the CRM (this channel is shared)"
    else:
        yield "Phone", _text(person, "phone") or "not known"
        yield "E-mail", _text(person, "email") or "not known"
    if message := _text(person, "message"):
        yield "They wrote", message
    if comment := _text(packet, "comment"):
        yield "Sales noted", comment
    if words := _text(_part(packet, "local_time") or {}, "words"):
        yield "Their time", words


def _score_line(score: Packet) -> str:
    parts = f"fit {_number(score, 'fit')}, engagement {_number(score, 'engagement')}"
    grade = _text(score, "grade")
    return f"{_number(score, 'points')} points{f', grade {grade}' if grade else ''} ({parts})"


def _score(score: Packet) -> Iterator[tuple[str, str]]:
    for line in _parts(score, "top"):
        yield _signed(line), _text(line, "label")
    others = _part(score, "others") or {}
    if (count := _number(others, "lines")) not in ("", "0"):
        yield _signed(others), "one other line" if count == "1" else f"{count} other lines"


def _closing(kind: NoticeKind, packet: Packet) -> Iterator[tuple[str, str]]:
    if allowed := _part(packet, "allowed"):
        yield "Allowed", _allowed(allowed)
    if due := _text(_part(packet, "due") or {}, "when"):
        yield "React until", due
    if kind is not NoticeKind.LEAD_WITHDRAWN and (owner := _text(_part(packet, "owner") or {}, "name")):
        yield "With", owner
    if routed := _text(packet, "routed"):
        yield "Why this rep", routed


def _allowed(allowed: Packet) -> str:
    words = {"call": "call", "mail": "personal mail", "marketing_mail": "marketing mail"}
    yes = [said for key, said in words.items() if allowed.get(key) is True]
    no = [said for key, said in words.items() if allowed.get(key) is not True]
    said = [", ".join(yes)] if yes else ["no contact at all"]
    if no and yes:
        said.append(f"not: {', '.join(no)}")
    basis = [_clean(reason) for reason in _list(allowed, "basis")]
    return "; ".join(said) + (f" ({'; '.join(basis)})" if basis else "")


# -- reading a packet without trusting its shape -------------------------------------------------------------------


def _text(packet: Packet, key: str) -> str:
    value = packet.get(key)
    return _clean(value) if isinstance(value, str) else ""


def _number(packet: Packet, key: str) -> str:
    value = packet.get(key)
    return f"{value:.12g}" if isinstance(value, int | float) and value else "0" if value is not None else ""


def _signed(line: Packet) -> str:
    value = line.get("points")
    return f"{value:+.12g}" if isinstance(value, int | float) else ""


def _part(packet: Packet, key: str) -> Packet | None:
    value = packet.get(key)
    return value if isinstance(value, Mapping) else None


def _parts(packet: Packet, key: str) -> list[Packet]:
    return [item for item in _list(packet, key) if isinstance(item, Mapping)]


def _list(packet: Packet, key: str) -> list[object]:
    value = packet.get(key)
    return list(value) if isinstance(value, list | tuple) else []


def _link(packet: Packet) -> str:
    link = _text(packet, "link")
    return link if link.startswith(("https://", "http://")) and not set(link) & set(" <>|\"") else ""


def _clean(value: object) -> str:
    """One line without signs that steer a terminal or turn the reading direction."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in str(value)).split())
