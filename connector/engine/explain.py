"""Explain: why a lead did or did not go to sales, in words a rep understands (R34). Reads only.

The answer rests on stored decisions, not on deciding again: what was decided is what is told, for any day (P6). Of whom
nothing could come nothing is stored, and the rules of that day are asked now (engine/idle.py). What was missing is
tried on the facts of that day (engine/lacking.py). The words for stored facts are wording.py's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from connector.domain.contact import ContactId
from connector.domain.decision import GIVEN
from connector.domain.episode import Episode
from connector.engine import kept
from connector.engine.as_it_stood import Paths, episodes_at
from connector.engine.idle import said_of_idle
from connector.engine.lacking import situation_then, was_missing
from connector.engine.named import name_of
from connector.engine.ports import UnitOfWork
from connector.engine.rules_then import rules_then
from connector.engine.wording import Wording
from connector.rules.marking import FIELD, standing
from connector.rules.rulebook import RuleBook
from connector.rules.words import day

ANSWERS: Mapping[str, str] = {
    "hand_over": "Yes, handed to sales.",
    "adopt": "Yes, in sales' hands.",
    "advance": "Yes, in sales' hands.",
    "signal": "Yes, in sales' hands.",
    "interest": "Yes, in sales' hands.",
    "corrected": "It was handed to sales, and sales has ended it.",
    "hold_changed": "Only its marketing hold changed, with the policy in suppression.yaml.",
    "end": "It was handed to sales, and sales has ended it.",
    "triage": "Not to a rep: the triage desk looks at it.",
    "infer": "Sales had it before Handoff began.",
    "predates": "Not yet: it qualified before Handoff began and waits for `handoff adopt`.",
}
_ENDED = ("won", "lost", "recycled", "junk", "unreachable")
MOST_NAMES = 8
"""Names in one line; of a large team the rest is counted."""

@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One lead explained.

    Attributes:
        as_of: the day that is told; None: today.
        answer: yes or no, in one sentence; why: the cause.
        score: in points; lines: (points, words, day or empty), which sum to it exactly.
        missing: how far it was from sales and what would have done, one part of a sentence each.
        path: what the rules looked at, in order, each with whether it let the lead through.
        seen: what rules of the admin's own asked, with what stood there; each with whether it was so.
        owner: who has it; routed: why just this person; candidates: (name, why not) of the others.
        clocks: what is due, by when, and what comes next.
        history: one line per episode. written: (when, what) of each write to the record of the CRM.
        answered: (when, what) of each answer by a link in a notice, and what became of it (R20).
        kept: what goes on counting though the CRM shows nothing there, today.
        rules: the version that decided; definition: which version of the agreement that was, a sentence (R10).
    """

    contact: ContactId
    name: str
    as_of: datetime | None
    answer: str
    why: str
    decided_at: datetime | None
    score: float | None
    grade: str
    lines: tuple[tuple[float, str, str], ...]
    missing: tuple[str, ...]
    path: tuple[tuple[bool, str], ...]
    seen: tuple[tuple[bool, str], ...]
    owner: str
    routed: str
    candidates: tuple[tuple[str, str], ...]
    clocks: tuple[str, ...]
    history: tuple[str, ...]
    written: tuple[tuple[str, str], ...]
    answered: tuple[tuple[str, str], ...]
    problems: tuple[str, ...]
    kept: tuple[str, ...]
    rules: str
    definition: str
    time_zone: str = "UTC"

    @property
    def decided_on(self) -> str:
        """The day of the decision where the portal is, and by which version of the agreement; empty for none."""
        if self.decided_at is None:
            return ""
        by = f", {self.definition}" if self.definition else ""
        return f"Decided on {day(self.decided_at.astimezone(ZoneInfo(self.time_zone)))}{by}."

    @property
    def written_title(self) -> str:
        return f"Written to the CRM (times: {self.time_zone})"

    def as_dict(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def explain(
    uow: UnitOfWork, contact: ContactId, book: RuleBook, *, as_of: datetime | None = None, time_zone: str = "UTC"
) -> Explanation | None:
    """Explain one lead as it stood at `as_of` (None: now); None where the contact is not known."""
    stored = uow.contacts([contact]).get(contact)
    if stored is None:
        return None
    family = uow.family(contact)
    every = uow.decisions(contact)
    decisions = [row for row in every if as_of is None or _at(row["as_of"]) <= as_of]
    if not decisions and (idle := said_of_idle(uow, stored, book, as_of)) is not None:
        decisions = [idle]
    known_since = _first_look(uow, contact, every) if not decisions else None
    too_early = as_of is not None and known_since is not None and as_of < known_since
    last, cause = _last_and_cause(decisions)
    score: Mapping[str, Any] = (cause or {}).get("score") or {}
    route = _route(cause, decisions)
    then = rules_then(uow, str(cause["fingerprint"]), book) if cause else None
    words = Wording(uow, (then if as_of else None) or book, time_zone, as_of=as_of)
    paths, episodes = uow.paths(family), uow.episodes([contact]).get(contact, [])
    if as_of is not None:
        episodes = episodes_at(episodes, paths, as_of)
    by_hand = _given_by_hand(decisions, episodes, route)
    return Explanation(
        contact=contact,
        name=name_of(stored.contact) or "A contact without a name",
        as_of=as_of,
        answer=_not_done(uow, contact, last, episodes, as_of) or _answer(last, episodes, too_early=too_early),
        why=str(cause["sentence"]) if cause else _not_decided(known_since if too_early else None, words),
        decided_at=_at(cause["as_of"]) if cause else None,
        score=score["total"] / 100 if score else None,
        grade=str(score.get("grade", "")),
        lines=tuple(words.line(row) for row in score.get("contributions", ())),
        missing=_missing(uow, contact, cause, then, paths),
        path=tuple(words.path(cause)) if cause else (),
        seen=tuple(words.seen(cause)) if cause else (),
        owner=words.owner(route, episodes),
        routed=by_hand or str(route.get("sentence", "")),
        candidates=() if by_hand else tuple(words.candidates(route)),
        clocks=(
            *words.next(cause, episodes[-1] if episodes else None, uow, paths),
            *_forms(uow, contact, (then if as_of else None) or book, as_of, episodes, words),
        ),
        history=tuple(words.history(episodes, decisions, paths)),
        written=tuple(words.written(uow.writes(family))),
        answered=tuple(words.answered(uow.answers([contact]))),
        problems=stored.contact.problems,
        kept=kept.told_of(stored, book) if as_of is None else (),
        rules=str(cause["fingerprint"]) if cause else "",
        definition=words.definition(cause, then),
        time_zone=time_zone,
    )


def _missing(
    uow: UnitOfWork, contact: ContactId, cause: Mapping[str, Any] | None, then: RuleBook | None, paths: Paths
) -> tuple[str, ...]:
    """Tried on the facts and by the rules of that day; only what was stored, where those are not known any more."""
    if cause is None or then is None:
        return tuple(str(text) for text in (cause or {}).get("missing", ()))
    before = episodes_at(uow.episodes([contact]).get(contact, []), paths, _at(cause["as_of"]))
    return was_missing(uow, contact, cause, then, before)


def _forms(
    uow: UnitOfWork,
    contact: ContactId,
    book: RuleBook,
    as_of: datetime | None,
    episodes: Sequence[Episode],
    words: Wording,
) -> Iterator[str]:
    """Forms that were opened and not sent, by the facts of the day that is told."""
    state = uow.portal_state()
    now = as_of or (state.as_of if state else None)
    if now is None or not book.qualification.abandoned_forms:
        return
    situation = situation_then(uow, contact, book, now, episodes)
    if situation is not None:
        yield from words.forms(standing(situation, book, now=now), situation.contact.text(FIELD))


def _last_and_cause(
    decisions: Sequence[Mapping[str, Any]],
) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
    """The latest decision, and the one that says why: of a lead in sales' hands, the one that put it there."""
    if not decisions:
        return None, None
    last = decisions[-1]
    opened = [d for d in decisions if d["action"] in GIVEN and d["episode"] == last["episode"]]
    in_work = last["episode"] is not None and last["state"] not in _ENDED and last["action"] != "predates"
    return last, opened[-1] if opened and in_work else last


def _route(cause: Mapping[str, Any] | None, decisions: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Of a lead in work the last time that somebody was looked for to have it; else of the decision itself."""
    if cause is None:
        return {}
    later = (row for row in reversed(decisions) if row["episode"] == cause["episode"] and row.get("route"))
    found = next(later, None) if cause["action"] in GIVEN else cause
    return (found or {}).get("route") or {}


def _given_by_hand(
    decisions: Sequence[Mapping[str, Any]], episodes: Sequence[Episode], route: Mapping[str, Any]
) -> str:
    """How whoever has the lead came to have it, where that was not by the rules; else empty."""
    now = episodes[-1] if episodes and episodes[-1].is_open else None
    if now is None or not now.owner or not route or route.get("owner") in (None, now.owner):
        return ""
    moves = (row for row in reversed(decisions) if row["episode"] == now.id and row["action"] == "advance")
    return next((str(row["sentence"]) for row in moves if (row["before"] or {}).get("owner") != now.owner), "")


def _at(value: object) -> datetime:
    assert isinstance(value, datetime)
    return value


def _not_done(
    uow: UnitOfWork,
    contact: ContactId,
    last: Mapping[str, Any] | None,
    episodes: Sequence[Episode],
    as_of: datetime | None,
) -> str:
    """A handover that was decided and did not come about; empty for all others."""
    if last is None or last["action"] not in GIVEN or any(episode.id == last["episode"] for episode in episodes):
        return ""
    if as_of is None and any(row["contact"] == contact for row in uow.quarantined()):
        return "Not yet: the CRM refused what was to be written; the next run tries again."
    return "Not yet: it would have been handed to sales, but nothing is written in shadow mode."


def _first_look(uow: UnitOfWork, contact: ContactId, every: Sequence[Mapping[str, Any]]) -> datetime | None:
    """When a run first looked at the lead; None where none has."""
    seen = [row.observed_at for row in uow.field_changes(contact)]
    return min([*seen, *(_at(row["as_of"]) for row in every[:1])], default=None)


def _not_decided(first_look: datetime | None, words: Wording) -> str:
    """Of a day before Handoff looked at the lead, when it first did; nothing from before that is known."""
    if first_look is None:
        return "It was not decided on yet; the next run will."
    return f"The first run that looked at this lead was on {words.day(first_look)}."


def _answer(last: Mapping[str, Any] | None, episodes: Sequence[Episode], *, too_early: bool) -> str:
    if last is None:
        return "Handoff did not know this lead on that day." if too_early else "Not decided yet."
    if episodes and episodes[-1].was_undone and last["action"] in ("end", "nothing"):
        return "No longer: it was handed to sales, and a person undid that."
    if last["action"] != "nothing":
        return ANSWERS[str(last["action"])]
    if episodes and episodes[-1].is_open and episodes[-1].silent:
        return ANSWERS["infer"]
    if last["episode"] is None:
        return "No, not handed to sales."
    return "Not again: sales had it before." if last["state"] in _ENDED else "Yes, in sales' hands."


def as_text(explanation: Explanation) -> str:
    """Blocks with an empty line between, each with its title."""
    return "\n\n".join(_blocks(explanation)) + "\n"


def _blocks(e: Explanation) -> Iterator[str]:
    decided = f"\n{e.decided_on}" if e.decided_on else ""
    told = f"{e.name}, as it stood on {day(e.as_of)}" if e.as_of else e.name
    yield f"{told}\n\nDid it go to sales? {e.answer}\nWhy: {e.why}{decided}"
    if e.missing:
        yield f"What was missing: {'; '.join(e.missing)}."
    if e.score is not None:
        rows = [f"  {points:>8.2f}  {words}{f' ({on})' if on else ''}" for points, words, on in e.lines]
        yield "\n".join([f"Score {e.score:g} points, grade {e.grade}:", *rows, f"  {e.score:>8.2f}  in all"])
    if e.path:
        yield "\n".join(["What was looked at:", *(f"  {'fine' if ok else 'stop'}  {words}" for ok, words in e.path)])
    if e.seen:
        yield "\n".join(["What was seen:", *(f"  {'yes' if held else 'no ':<4}  {words}" for held, words in e.seen)])
    if e.owner:
        why = [f"  {e.routed}"] if e.routed else []
        yield "\n".join([f"Who has it: {e.owner}", *why, *_others(e.candidates)])
    written = [f"{when}: {what}" for when, what in e.written]
    answered = [f"{when}: {what}" for when, what in e.answered]
    blocks = (
        ("What comes next", e.clocks),
        ("History", e.history),
        ("Answered by link", answered),
        (e.written_title, written),
        ("Could not be read", e.problems),
        ("Stays in force", e.kept),
    )
    for title, lines in blocks:
        if lines:
            yield "\n".join([f"{title}:", *(f"  {line}" for line in lines)])


def _others(candidates: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Those with the same reason in one line."""
    for why in dict.fromkeys(why for _, why in candidates):
        names = [name for name, reason in candidates if reason == why]
        more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        yield f"  not {', '.join(names[:MOST_NAMES])}{more}: {why}"
