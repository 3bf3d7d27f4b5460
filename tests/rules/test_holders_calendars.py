"""Each clock in its holder's calendar (R17, R18): routing.yaml says whose that is, by e-mail or id."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from factories import ANA, BEN, NOW, make_book, make_episode, make_owner

from connector.domain.timer import BREACH
from connector.rules import sla
from connector.rules.rulebook import RuleBook

CALENDARS = {
    "office": {"zone": "UTC", "hours": {"mon-fri": ["09:00-18:00"]}},
    "boston": {"zone": "America/New_York", "hours": {"mon-fri": ["08:00-16:00"]}},
    "thursdays": {"zone": "UTC", "hours": {"thu": ["10:00-12:00"]}},
}
CLOCK = {"label": "first call", "until": "touch", "limit": "2bh", "warn_at": [50], "calendar": "office"}
OWNERS = (make_owner(ANA, email="ana@company.example"), make_owner(BEN))


def book(*people: dict[str, str]) -> RuleBook:
    made = make_book(sla={"calendars": CALENDARS, "clocks": {"first": CLOCK}}, routing={"people": list(people)})
    return made.in_zone("UTC", OWNERS)


def due(rules: RuleBook, owner: str | None) -> dict[str, datetime]:
    episode = replace(make_episode(), owner=owner)
    return {timer.level: timer.due_at for timer in sla.clocks(episode, rules.sla, now=NOW)}


@pytest.mark.parametrize("name", ["ANA@company.example", "7"])
def test_business_time_passes_by_the_calendar_of_who_has_the_lead(name: str) -> None:
    """R18: Monday 09:00 in UTC is four in the morning in Boston, where work begins at 13:00 UTC."""
    rules = book({"owner": name, "calendar": "boston"})
    assert due(rules, ANA) == {
        "at_risk_50": datetime(2026, 3, 2, 14, tzinfo=UTC), BREACH: datetime(2026, 3, 2, 15, tzinfo=UTC),
    }  # fmt: skip
    assert due(rules, BEN)[BREACH] == due(rules, None)[BREACH] == NOW + timedelta(hours=2)


def test_the_first_reaction_that_the_crm_shows_is_due_by_the_same_calendar() -> None:
    rules = book({"owner": "7", "calendar": "thursdays"})
    assert sla.first_due(make_episode(), rules.sla, now=NOW) == datetime(2026, 3, 5, 12, tzinfo=UTC)


def test_a_pause_gives_back_the_holders_own_hours() -> None:
    rules = book({"owner": "7", "calendar": "boston"})
    episode = make_episode()
    breach = next(timer for timer in sla.clocks(episode, rules.sla, now=NOW) if timer.level == BREACH)
    paused = replace(breach, paused_at=datetime(2026, 3, 2, 14, tzinfo=UTC))
    again = sla.resumed(paused, episode, rules.sla, now=datetime(2026, 3, 2, 20, 30, tzinfo=UTC))
    assert again.due_at == datetime(2026, 3, 3, 13, 30, tzinfo=UTC)  # half an hour until 16:00 in Boston, half tomorrow


def test_the_version_of_the_rules_stays_the_same_and_so_do_clocks_without_people() -> None:
    plain = make_book()
    settled = plain.in_zone("UTC", OWNERS)
    assert settled.fingerprint == plain.fingerprint
    assert settled.sla == plain.in_zone("UTC").sla
