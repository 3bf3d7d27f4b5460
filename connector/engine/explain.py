"""Explain: why a lead did or did not go to sales, in words a rep understands (R34). Reads only.

The answer rests on stored decisions, not on deciding again: what was decided is what is told, for any day (P6).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from connector.domain.contact import ContactId
from connector.domain.episode import Episode
from connector.domain.timer import Timer, TimerKind
from connector.engine.ports import StoredContact, UnitOfWork
from connector.rules import sla
from connector.rules.rulebook import RuleBook
from connector.rules.words import day

STATE_WORDS: Mapping[str, str] = {
    "qualified": "qualified",
    "handed_off": "handed to sales",
    "working": "being worked by sales",
    "accepted": "accepted by sales",
    "sales_qualified": "qualified by sales",
    "opportunity": "a sales opportunity",
    "won": "won",
    "lost": "lost",
    "recycled": "handed back to marketing",
    "junk": "called junk by sales",
    "unreachable": "could not be reached",
}
ANSWERS: Mapping[str, str] = {
    "hand_over": "Yes, handed to sales.",
    "adopt": "Yes, in sales' hands.",
    "advance": "Yes, in sales' hands.",
    "signal": "Yes, in sales' hands.",
    "end": "It was handed to sales, and sales has ended it.",
    "triage": "Not to a rep: the triage desk looks at it.",
    "infer": "Sales had it before Handoff began.",
    "predates": "Not yet: it qualified before Handoff began and waits to be adopted.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One lead explained.

    Attributes:
        answer: yes or no, in one sentence; why: the cause.
        score: in points; lines: (points, words, day or empty), which sum to it exactly.
        owner: who has it and why just this person; candidates: (name, why not) of the others.
        path: what the rules said, in order, each with whether it let the lead through.
        history: one line per episode.
    """

    contact: ContactId
    name: str
    answer: str
    why: str
    decided_at: datetime | None
    score: float | None
    grade: str
    lines: tuple[tuple[float, str, str], ...]
    missing: tuple[str, ...]
    path: tuple[tuple[bool, str], ...]
    owner: str
    candidates: tuple[tuple[str, str], ...]
    clocks: tuple[str, ...]
    history: tuple[str, ...]
    problems: tuple[str, ...]
    rules: str

    def as_dict(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def explain(
    uow: UnitOfWork, contact: ContactId, book: RuleBook, *, as_of: datetime | None = None, time_zone: str = "UTC"
) -> Explanation | None:
    """Explain one lead as it stood at `as_of` (None: now); None where the contact is not known."""
    stored = uow.contacts([contact]).get(contact)
    if stored is None:
        return None
    decisions = [row for row in uow.decisions(contact) if as_of is None or _at(row["as_of"]) <= as_of]
    last, cause = _last_and_cause(decisions)
    names = {owner.id: owner.name or owner.email or "an owner without a name" for owner in uow.owners()}
    episodes = [e for e in uow.episodes([contact]).get(contact, []) if as_of is None or e.opened_at <= as_of]
    score: Mapping[str, Any] = (cause or {}).get("score") or {}
    zone = ZoneInfo(time_zone)
    timers = uow.timers(contact) if as_of is None else []
    return Explanation(
        contact=contact,
        name=_name(stored),
        answer=_answer(last),
        why=str(cause["sentence"]) if cause else "It was not decided on yet; the next run will.",
        decided_at=_at(cause["as_of"]) if cause else None,
        score=score["total"] / 100 if score else None,
        grade=str(score.get("grade", "")),
        lines=tuple(_line(row) for row in score.get("contributions", ())),
        missing=tuple(str(text) for text in (cause or {}).get("missing", ())),
        path=tuple(_steps(cause, book)),
        owner=_owner(cause, episodes, names),
        candidates=tuple(_candidates(cause, names)),
        clocks=tuple(_clocks(timers, book, zone)),
        history=tuple(_history(episodes, names, book)),
        problems=stored.contact.problems,
        rules=str(cause["fingerprint"]) if cause else "",
    )


def _last_and_cause(decisions: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
    """The latest decision, and the one that says why: of a lead in sales' hands, the one that put it there."""
    if not decisions:
        return None, None
    last = decisions[-1]
    opened = [d for d in decisions if d["action"] in ("hand_over", "adopt") and d["episode"] == last["episode"]]
    in_work = last["episode"] is not None and last["state"] not in _ENDED and last["action"] != "predates"
    return last, opened[-1] if opened and in_work else last


_ENDED = ("won", "lost", "recycled", "junk", "unreachable")


def _at(value: object) -> datetime:
    assert isinstance(value, datetime)
    return value


def _name(stored: StoredContact) -> str:
    first, last = stored.contact.text("first_name"), stored.contact.text("last_name")
    return " ".join(part for part in (first, last) if part) or stored.contact.text("email") or "A contact without a name"


def _answer(last: Mapping[str, Any] | None) -> str:
    if last is None:
        return "Not decided yet."
    if last["action"] == "nothing":
        in_hand = last["episode"] is not None and last["state"] not in _ENDED
        return "Yes, in sales' hands." if in_hand else "No, not handed to sales."
    return ANSWERS[str(last["action"])]


def _line(row: Mapping[str, Any]) -> tuple[float, str, str]:
    at = row["occurred_at"]
    return row["points"] / 100, str(row["label"]), day(at) if isinstance(at, datetime) else ""


def _steps(cause: Mapping[str, Any] | None, book: RuleBook) -> Iterator[tuple[bool, str]]:
    for verdict in (cause or {}).get("verdicts", ()):
        words = "; ".join(str(reason) for reason in verdict["reasons"])
        yield bool(verdict["passed"]), words or _passed_words(str(verdict["rule"]))


def _passed_words(rule: str) -> str:
    return f"passed: {rule.rsplit('.', 1)[-1].replace('_', ' ').replace('-', ' ')}"


def _owner(cause: Mapping[str, Any] | None, episodes: Sequence[Episode], names: Mapping[Any, str]) -> str:
    route = (cause or {}).get("route")
    if route:
        return f"{names.get(route['owner'], 'a former owner')}: {route['sentence']}"
    owner = episodes[-1].owner if episodes and episodes[-1].is_open else None
    return names.get(owner, "a former owner") if owner else ""


def _candidates(cause: Mapping[str, Any] | None, names: Mapping[Any, str]) -> Iterator[tuple[str, str]]:
    for row in ((cause or {}).get("route") or {}).get("candidates", ()):
        if row["why_not"]:
            yield names.get(row["owner"], "a former owner"), str(row["why_not"])


def _clocks(timers: Sequence[Timer], book: RuleBook, zone: ZoneInfo) -> Iterator[str]:
    for timer in sorted(timers, key=lambda item: item.due_at):
        local = timer.due_at.astimezone(zone)
        if timer.kind is TimerKind.SLA and timer.level == sla.BREACH and timer.name in book.sla.clocks:
            yield f"{book.sla.clocks[timer.name].label}: due {day(local)}, {local:%H:%M}"
        elif timer.kind is TimerKind.RETURN:
            yield f"may come back on {day(local)}"


def _history(episodes: Sequence[Episode], names: Mapping[Any, str], book: RuleBook) -> Iterator[str]:
    for number, episode in enumerate(episodes, start=1):
        began = day(episode.handed_off_at or episode.opened_at)
        owner = f" to {names.get(episode.owner, 'a former owner')}" if episode.owner else ""
        reason = book.recycling.reasons.get(episode.exit_reason)
        end = f"; {STATE_WORDS[episode.state.value]} on {day(episode.ended_at)}" if episode.ended_at else ""
        why = f" ({reason.label})" if reason and episode.ended_at and episode.state.value != "won" else ""
        silent = ", not adopted yet" if episode.silent else ""
        yield f"{number}. {began}{owner}{silent}: {episode.reason.rstrip('.')}{end}{why}."


def as_text(explanation: Explanation) -> str:
    """The explanation as plain text, to read or to mail."""
    e = explanation
    parts = [f"{e.name}\n\nDid it go to sales? {e.answer}\nWhy: {e.why}"]
    if e.decided_at:
        parts[0] += f"\nDecided on {day(e.decided_at)}."
    if e.missing:
        parts.append("What was missing: " + "; ".join(e.missing) + ".")
    if e.score is not None:
        rows = [f"  {points:>8.2f}  {words}{f' ({on})' if on else ''}" for points, words, on in e.lines]
        parts.append("\n".join([f"Score {e.score:g} points, grade {e.grade}:", *rows, f"  {e.score:>8.2f}  in all"]))
    if e.path:
        parts.append("\n".join(["What was looked at:", *(f"  {'yes' if ok else 'NO '}  {words}" for ok, words in e.path)]))
    if e.owner:
        rest = [f"  not {name}: {why}" for name, why in e.candidates[:12]]
        more = [f"  and {len(e.candidates) - 12} more"] if len(e.candidates) > 12 else []
        parts.append("\n".join([f"With whom: {e.owner}", *rest, *more]))
    for title, lines in (("Clock", e.clocks), ("History", e.history), ("Could not be read", e.problems)):
        if lines:
            parts.append("\n".join([f"{title}:", *(f"  {line}" for line in lines)]))
    return "\n\n".join(parts) + "\n"
