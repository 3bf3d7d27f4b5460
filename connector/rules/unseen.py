"""Unseen: what must not be concluded while a stream of signals could not be read to its end (P7).

What a lead does speaks for it, so that most answers come late without a stream, and never wrong. Wrong are those that
rest on something not having happened: a filter or a trigger that asks whether somebody did it, points that are taken
off, clicks whose mail or fellow clicks may not have come, a form that was opened and, as far as is known, not sent.
These wait; whoever waits is decided again by each run until the stream is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from connector.domain.activity import LIST_NAMED, LIST_NUMBERED, MEETINGS, TOUCHES, ActivityKind
from connector.domain.decision import Action, Decision
from connector.domain.verdict import Verdict
from connector.rules.condition import Condition
from connector.rules.lists import stream_in_words, stream_of
from connector.rules.patterns import ActivityPattern
from connector.rules.qualification import THRESHOLD
from connector.rules.rulebook import RuleBook
from connector.rules.situation import Situation
from connector.rules.words import sentence

RULE = "unseen"
"""Of the verdict that a lead waits."""
BY_SCORE = "score"
"""Evidence of a decision that rests on points, key pages or triggers."""

Unseen = Mapping[str, datetime | None]
"""Stream → up to where it was read; None: never."""

_MAILS = frozenset({ActivityKind.EMAIL_SENT, ActivityKind.EMAIL_OPEN, ActivityKind.EMAIL_CLICK})
_BRINGS: Mapping[str, frozenset[ActivityKind]] = MappingProxyType(
    {
        "page_views": frozenset({ActivityKind.PAGE_VIEW}),
        "forms": frozenset({ActivityKind.FORM_SUBMISSION}),
        "emails": _MAILS,
    }
)
STOOD_IN_FOR = ("page_views", "forms")
"""Streams of which the contact itself keeps what matters: where a portal never gives them, that stands in (R06)."""
LATE = timedelta(days=1)
"""A click may have been shown so late, and come without what else belongs to it."""


def kinds_of(stream: str) -> frozenset[ActivityKind]:
    """What a stream may bring; anything, where it is not known here."""
    if stream.startswith((LIST_NAMED, LIST_NUMBERED)):
        return frozenset({ActivityKind.LIST_JOINED})
    return _BRINGS.get(stream, frozenset(ActivityKind))


def waiting(decision: Decision, situation: Situation, book: RuleBook, unseen: Unseen) -> Decision:
    """The decision, or that the lead waits where the decision could be another one with all streams read."""
    why = next((words for stream in unseen if (words := _why(decision, situation, book, stream, unseen[stream]))), "")
    return until(decision, situation, RULE, why) if why else decision


def until(decision: Decision, situation: Situation, rule: str, why: str) -> Decision:
    """That the lead waits, in place of a decision that cannot be made yet."""
    verdict = Verdict(rule=rule, passed=False, reasons=(why,), then="hold")
    return replace(
        decision,
        action=Action.NOTHING,
        sentence=sentence((f"waits: {why}",)),
        verdicts=(*decision.verdicts, verdict),
        route=None,
        episode=situation.open_episode or situation.last_ended,
        before=situation.open_episode,
        signal_at=None,
        evidence="",
    )


def why_it_waits(decision: Decision, *rules: str) -> str:
    """Where `until` made it an answer for now, by one of these rules; else empty."""
    last = decision.verdicts[-1] if decision.verdicts else None
    return last.reasons[0] if last is not None and last.rule in rules else ""


def rules_that_go_by(book: RuleBook, stream: str) -> list[str]:
    """Rules that ask about what only this stream brings, by kind and name; none of what has a stand-in or is of sales.

    Where a portal never gives it, they go by nothing of the kind having happened: `handoff check` and reports say so.
    """
    if stream in (*STOOD_IN_FOR, TOUCHES, MEETINGS):
        return []
    whens = [(f"filter `{name}`", when) for name, when in _filters(book)]
    whens += [(f"trigger `{rule.name}`", rule.when) for rule in book.qualification.triggers]
    asked = [(name, one) for name, when in whens for one, _ in _clauses(when, denied=False)]
    asked += [(f"points “{rule.say}”", rule.pattern) for rule in book.scoring.engagement.rules if rule.pattern]
    return list(dict.fromkeys(name for name, pattern in asked if _meant(pattern, stream)))


def marks_wait(unseen: Unseen) -> bool:
    """Whether nobody can say just now that a form was opened and not sent (R08)."""
    wanted = {ActivityKind.PAGE_VIEW, ActivityKind.FORM_SUBMISSION}
    return any(kinds_of(stream) & wanted for stream in unseen)


def _why(decision: Decision, situation: Situation, book: RuleBook, stream: str, since: datetime | None) -> str:
    """Why the decision waits for this stream; empty where it stands without."""
    what = stream_in_words(stream)
    if decision.action not in (Action.HAND_OVER, Action.TRIAGE, Action.INTEREST):
        return ""
    if decision.action is not Action.INTEREST and any(_meant(one, stream) for one in _in_filters(book)):
        return f"{what} could not be read, and a filter asks about them"
    if decision.action is Action.HAND_OVER and decision.evidence != BY_SCORE:
        return ""
    if decision.action is Action.TRIAGE:
        return ""
    rule = decision.verdicts[-1].rule if decision.verdicts else THRESHOLD
    asked = list(_in_trigger(book, rule))
    if any(_meant(one, stream) for one, denied in asked if denied):
        return f"{what} could not be read, and the rule asks that there are none"
    by_points = decision.action is Action.INTEREST or rule == THRESHOLD
    if by_points and any(_meant(one, stream) for one in _taken_off(book)):
        return f"{what} could not be read, and some of them take points off"
    by_clicks = by_points or any(one.kind is ActivityKind.EMAIL_CLICK for one, _ in asked)
    if by_clicks and _clicked(situation, book, stream, since):
        return f"{what} could not be read, and by them it is known whether a mail scanner clicked"
    return ""


def _meant(pattern: ActivityPattern, stream: str) -> bool:
    if pattern.kind is ActivityKind.LIST_JOINED and stream.startswith((LIST_NAMED, LIST_NUMBERED)):
        return stream_of(pattern) == stream
    return pattern.kind in kinds_of(stream)


def _clicked(situation: Situation, book: RuleBook, stream: str, since: datetime | None) -> bool:
    """Whether a click counts that came, or may have come, with what was read last of the stream (R09)."""
    if not book.scoring.scanners.active or not kinds_of(stream) & _MAILS:
        return False
    clicks = (row.occurred_at for row in situation.activities if row.kind is ActivityKind.EMAIL_CLICK)
    return any(since is None or at > since - LATE for at in clicks)


# -- what the rules ask --------------------------------------------------------------------------------------------


def _filters(book: RuleBook) -> Iterator[tuple[str, Condition]]:
    """Name and condition of those that are active."""
    filters = book.qualification.filters
    yield from ((rule.name, rule.when) for rule in filters.rules if rule.active)
    for name, _, rule in filters.of_companies:
        if rule.active and rule.when is not None:
            yield name, rule.when


def _in_filters(book: RuleBook) -> Iterator[ActivityPattern]:
    for _, when in _filters(book):
        yield from (pattern for pattern, _ in _clauses(when, denied=False))


def _in_trigger(book: RuleBook, rule: str) -> Iterator[tuple[ActivityPattern, bool]]:
    """Each activity that the trigger of this verdict asks about, and whether it asks that there is none."""
    for trigger in book.qualification.triggers:
        if rule == f"qualification.{trigger.name}":
            yield from _clauses(trigger.when, denied=False)


def _taken_off(book: RuleBook) -> Iterator[ActivityPattern]:
    for rule in book.scoring.engagement.rules:
        if rule.points < 0 and rule.pattern is not None:
            yield rule.pattern


def _clauses(tree: Condition, *, denied: bool) -> Iterator[tuple[ActivityPattern, bool]]:
    if tree.activity is not None:
        yield tree.activity, denied
    for child in tree.children:
        yield from _clauses(child, denied=denied != (tree.not_ is not None))
