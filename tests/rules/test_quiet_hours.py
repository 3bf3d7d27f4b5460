"""Quiet hours: which notice waits, for whom, and until when (R15)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from factories import KIM, make_book, make_owner

from connector.config.mappings import load_part
from connector.domain.contact import OwnerId
from connector.domain.notice import Notice, NoticeKind
from connector.rules.quiet import disturbs, quiet_until
from connector.rules.rulebook import RuleBook, cross_check

SLA = {
    "calendars": {
        "office": {"zone": "Europe/Berlin", "hours": {"mon-fri": ["08:00-18:00"]}},
        "late": {"zone": "Europe/Berlin", "hours": {"mon-sun": ["12:00-22:00"]}},
    },
    "clocks": {},
}
NIGHT = datetime(2026, 3, 6, 21, tzinfo=UTC)
"""A Friday, ten in the evening in Berlin."""
MONDAY = datetime(2026, 3, 9, 7, tzinfo=UTC)


def book(*, unless: tuple[str, ...] = (), to: tuple[str, ...] = ("rep",), **more: Any) -> RuleBook:
    where = {"url": "https://hooks.company.example/a", "secret_env": "HANDOFF_WEBHOOK_SECRET"}
    reps = {"type": "webhook", "to": to, **where}
    rules = {"quiet_hours": {"outside": "office", "unless": unless}, "destinations": {"reps": reps}, **more}
    return make_book(notifications=rules, sla=SLA)


def waits(rules: RuleBook, kind: str = "lead.handed_off", *, at: datetime = NIGHT, **facts: Any) -> datetime | None:
    """Until when; None where it goes at once."""
    given: dict[str, Any] = {"owner": OwnerId("7"), "packet": {}, **facts}
    notice = Notice(kind=NoticeKind(kind), contact=KIM, episode=None, key="1", occurred_at=at, **given)
    destination = rules.notifications.destinations["reps"]
    until = quiet_until(notice, destination, rules.notifications, rules.sla, now=at)
    return None if disturbs(notice, rules.notifications) else until


def test_a_notice_of_the_evening_waits_for_the_next_opening() -> None:
    rules = book()
    kinds = ("lead.handed_off", "lead.signal", "lead.moved", "lead.withdrawn", "sla.at_risk")
    assert {waits(rules, kind) for kind in kinds} == {MONDAY}
    assert waits(rules, at=MONDAY) is None and waits(rules, at=MONDAY - timedelta(seconds=1)) == MONDAY


@pytest.mark.parametrize(
    ("unless", "passing"),
    [
        ((), set()),
        (("hand_raiser",), {"asked"}),
        (("clock",), {"clock"}),
        (("hand_raiser", "clock"), {"asked", "clock"}),
    ],
)
def test_what_is_urgent_goes_at_once_where_the_admin_says_so(unless: tuple[str, ...], passing: set[str]) -> None:
    rules = book(unless=unless)
    asked = waits(rules, urgent_since=NIGHT)
    clock = waits(rules, "sla.breached", urgent_since=NIGHT)
    found = {"asked": asked, "clock": clock, "score": waits(rules)}
    assert {name for name, until in found.items() if until is None} == passing


def test_others_than_reps_are_told_as_ever() -> None:
    """A channel that a manager reads, too, is the rep's alone where only the rep is concerned."""
    assert waits(book(to=("ops",)), "run.held", owner=None) is None
    shared = book(to=("rep", "manager"))
    assert waits(shared, "sla.breached") is None and waits(shared) == MONDAY
    assert waits(book(to=("telequalification",)), packet={"tell": ["telequalification"]}) == MONDAY


def test_a_rep_with_a_calendar_of_their_own_has_quiet_hours_of_their_own() -> None:
    rules = make_book(
        notifications={"quiet_hours": {"outside": "office"}, "destinations": book().notifications.destinations},
        sla=SLA, routing={"people": [{"owner": "7", "calendar": "late"}]},
    ).in_zone("UTC", [make_owner("7"), make_owner("8")])  # fmt: skip
    assert waits(rules) == datetime(2026, 3, 7, 11, tzinfo=UTC)
    assert waits(rules, owner=OwnerId("8")) == waits(rules, owner=None) == MONDAY


def test_without_quiet_hours_nothing_waits() -> None:
    assert waits(book(quiet_hours={})) is None


def test_a_calendar_that_is_not_there_is_told_with_the_nearest_name() -> None:
    (wrong,) = cross_check(book(quiet_hours={"outside": "ofice"}))
    assert (wrong.file, wrong.path) == ("notifications", ("quiet_hours", "outside")) and "office" in wrong.advice
    assert load_part("notifications", b"quiet_hours: {outside: office, unless: [hand_raiser]}\n")
