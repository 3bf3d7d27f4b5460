"""Doubts: rules that are right by themselves and hardly what the admin means. Said by `check`; nothing stops for them.

Looked for here: limits by the wall clock that run out before the rep may hear of the lead (R15, R18), and calendars
that no limit asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from connector.rules.durations import Duration, DurationKind, in_words
from connector.rules.notifications import Urgent
from connector.rules.rulebook import Complaint, RuleBook
from connector.rules.sla import ClockRules

ASKING = (("lanes", "hand_raiser"), ("lanes", "customer"))
"""Limits of leads that asked for sales themselves."""


def doubts(book: RuleBook) -> list[Complaint]:
    """Every place with what to write instead; empty where nothing is doubtful."""
    return [*_in_quiet_hours(book), *_calendars_nobody_asks(book)]


def _in_quiet_hours(book: RuleBook) -> Iterator[Complaint]:
    """A lead that comes as its rep's quiet hours begin is told of when they end; a shorter limit is over by then."""
    quiet = book.notifications.quiet_hours
    if quiet.outside is None or Urgent.CLOCK in quiet.unless:  # then the first warning tells of the lead
        return
    names = {quiet.outside, *(person.calendar for person in book.routing.people if person.calendar)}
    name = max(sorted(names), key=lambda one: book.sla.calendars[one].longest_closed)
    closed = book.sla.calendars[name].longest_closed
    for clock, rules in book.sla.clocks.items():
        for path, limit in rules.limits():
            at_once = path in ASKING and Urgent.HAND_RAISER in quiet.unless
            if limit.kind is DurationKind.WALL and limit.time <= closed and not at_once:
                yield Complaint(
                    file="sla",
                    path=("clocks", clock, *path),
                    message=f"runs by the wall and may be over before the rep hears of the lead: `{name}` is closed "
                    f"for up to {in_words(closed)}, and notifications.yaml has quiet hours then",
                    advice=f"write business time, such as {_in_business_time(limit)}, or let clocks through with "
                    "`unless: [clock]` there",
                )


def _calendars_nobody_asks(book: RuleBook) -> Iterator[Complaint]:
    for clock, rules in book.sla.clocks.items():
        if rules.calendar is not None and _is_by_the_wall(rules):
            _, limit = next(rules.limits())
            yield Complaint(
                file="sla",
                path=("clocks", clock, "calendar"),
                message="is never asked: all limits of this clock run by the wall, at night and on days off, too",
                advice=f"write business time, such as {_in_business_time(limit)} for {limit}, or take the calendar out",
            )


def _is_by_the_wall(rules: ClockRules) -> bool:
    return all(limit.kind is DurationKind.WALL for _, limit in rules.limits())


def _in_business_time(limit: Duration) -> str:
    """What an admin most likely means by it: `2h` → `2bh`, `48h` → `2bd`."""
    days, rest = divmod(limit.time, timedelta(days=1))
    if days:
        return f"{days + bool(rest)}bd"
    minutes = -(-limit.amount // 60)
    return f"{minutes}bm" if minutes % 60 else f"{minutes // 60}bh"
