"""Reports of a real funnel equal the figures of its two files (R26): the rules on real leads, without a world."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from factories import shipped_book
from olist.data import BLANK, Lead, load_leads
from olist.reported import LATER, days_to_won, linear, lines_of

from connector.cli.reporting.as_json import plain
from connector.domain.contact import ContactId
from connector.domain.episode import Episode, EpisodeId, State
from connector.rules.reporting.facts import Basis, Facts, Period
from connector.rules.reporting.passed import UNKNOWN, passed
from connector.rules.reporting.results import funnel_report, sources_report

END = datetime(2018, 11, 14, 22, tzinfo=UTC)


def facts_of(leads: tuple[Lead, ...]) -> Facts:
    """Every lead passed on its day at eight in the evening, and won on its day an hour later."""
    episodes = [
        Episode(
            id=EpisodeId(lead.id), contact=ContactId(str(place)), ordinal=1, lane="score",
            opened_at=at(lead.arrived_on, 10), handed_off_at=at(lead.arrived_on, 20),
            state=State.WON if lead.won_on else State.HANDED_OFF,
            ended_at=at(lead.won_on, 21) if lead.won_on else None,
        )
        for place, lead in enumerate(leads)
    ]  # fmt: skip
    kinds = [{} if lead.origin == BLANK else {"origin": lead.origin} for lead in leads]
    made = [
        passed(episode, [], [], arrived_at=at(lead.arrived_on, 10), kinds=kind)
        for lead, episode, kind in zip(leads, episodes, kinds, strict=True)
    ]
    arrived: dict[str, int] = {}
    for kind in kinds:
        arrived[kind.get("origin", UNKNOWN)] = arrived.get(kind.get("origin", UNKNOWN), 0) + 1
    return Facts(
        as_of=END, zone=ZoneInfo("America/Sao_Paulo"), since=None, book=shipped_book(),
        leads=[one for one in made if one is not None], episodes=episodes, reached={}, arrived=arrived, owners={},
        gone=frozenset(), limits=(), told_at={}, deals=(), versions={},
    )  # fmt: skip


def at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), UTC)


def test_the_reports_equal_the_files(olist_folder: Path) -> None:
    """R26: counts, rates, median and 90th percentile of whole days to won, over all and by origin."""
    leads = load_leads(olist_folder)
    facts = facts_of(leads)
    whole = Period(since=None, until=END + timedelta(hours=1), words="all")
    late = Period(since=at(LATER, 3), until=whole.until, words="from 2018", basis=Basis.ARRIVED)
    found: dict[str, Any] = {
        "funnel": plain(funnel_report(facts, whole)),
        "sources": plain(sources_report(facts, whole)),
        "later": plain(funnel_report(facts, late)) | {"arrived": sum(one.arrived_on >= LATER for one in leads)},  # type: ignore[operator]
    }
    lines = list(lines_of(found, leads))
    assert len(lines) == 2 * 6 + 1 + 11 * 5
    assert [f"{one.name}: {one.found}, not {one.expected}" for one in lines if not one.right] == []


def test_the_files_say_what_is_known_of_them(olist_folder: Path) -> None:
    leads = load_leads(olist_folder)
    everyone = days_to_won(leads)
    later = days_to_won([one for one in leads if one.arrived_on >= LATER])
    assert (len(everyone), linear(everyone, 0.5), linear(everyone, 0.9)) == (842, 14, pytest.approx(161.9))
    assert (len(later), linear(later, 0.5), linear(later, 0.9)) == (781, 12, 111)
