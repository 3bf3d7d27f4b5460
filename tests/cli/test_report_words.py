"""What reports say of their own figures: one measure is told alike everywhere, and what is left out is named (R26)."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from factories import DAY, HOUR, MINUTE, NOW, make_episode, shipped_book

from connector.cli.reporting.as_csv import as_csv
from connector.cli.reporting.as_html import as_html
from connector.cli.reporting.as_markdown import as_markdown
from connector.cli.reporting.document import Cards, Document
from connector.cli.reporting.funnel import funnel_document
from connector.cli.reporting.owners import owners_document
from connector.cli.reporting.sla import MOST_MISSED, sla_document
from connector.domain.contact import OwnerId
from connector.domain.episode import State
from connector.rules.reporting.facts import Facts, Period
from connector.rules.reporting.late import Limit
from connector.rules.reporting.passed import passed
from connector.rules.reporting.results import funnel_report, owners_report, sla_report

HANDED = NOW - 4 * DAY
TOUCHED = timedelta(hours=27, minutes=31, seconds=40)
PERIOD = Period(since=None, until=NOW, words="All leads")


def portal(owners: int, *, missed: int = 0) -> Facts:
    """Each owner has one lead, touched after more than a day; the first so many missed the clock of the first touch."""
    episodes = [
        make_episode(
            contact=str(1000 + number), owner=OwnerId(str(number)), state=State.WORKING, lane="hand_raiser",
            opened_at=HANDED - MINUTE, handed_off_at=HANDED, touched_at=HANDED + TOUCHED,
        )
        for number in range(owners)
    ]  # fmt: skip
    leads = [passed(one, [], [], arrived_at=HANDED, kinds={}) for one in episodes]
    limits = [
        Limit(episode=one.id, clock="first_touch", assignment=1, due_at=HANDED + HOUR, missed_at=HANDED + HOUR)
        for one in episodes[:missed]
    ]
    return Facts(
        as_of=NOW, zone=ZoneInfo("UTC"), since=None, book=shipped_book(), leads=[one for one in leads if one],
        episodes=episodes, reached={}, arrived={"": owners}, owners={}, gone=frozenset(), limits=limits,
        told_at={}, deals=(), versions={},
    )  # fmt: skip


def cards(document: Document) -> dict[str, str]:
    return {
        card.label: card.value
        for section in document.sections
        for part in section.parts
        if isinstance(part, Cards)
        for card in part.cards
    }


def test_the_median_of_the_first_touch_is_one_figure_on_a_page() -> None:
    """R19: the tile, the figures against the targets and the table of follow-up; days of the calendar say so."""
    facts = portal(3)
    document = funnel_document(funnel_report(facts, PERIOD), facts)
    told = {table.name: table for table in document.tables()}
    (kpi,) = [row for row in told["kpis"].rows if "median" in str(row[1])]
    assert (cards(document)["First touch, median"], kpi[2]) == ("27 h 32 min", "27 h 32 min")
    assert told["followup"].rows[0][2] == TOUCHED
    assert "days of the calendar" in told["velocity"].note


def test_which_clocks_were_missed_is_said_and_how_to_list_the_leads() -> None:
    """R17"""
    facts = portal(MOST_MISSED + 20, missed=MOST_MISSED + 5)
    document = sla_document(sla_report(facts, PERIOD), facts)
    label = facts.book.sla.clocks["first_touch"].label
    assert f"{MOST_MISSED + 5} missed ({label} {MOST_MISSED + 5})" in document.answer
    assert "--table missed" in as_markdown(document)
    assert "and 5 older ones" in as_markdown(document)
    assert as_csv(document, "missed").count("\r\n") == 1 + MOST_MISSED + 5


def test_without_a_missed_clock_nothing_is_to_be_listed() -> None:
    facts = portal(1)
    document = sla_document(sla_report(facts, PERIOD), facts)
    assert "0 missed, " in document.answer and "--table missed" not in as_markdown(document)


@pytest.mark.parametrize(("owners", "said"), [(24, False), (30, True)])
def test_a_picture_that_leaves_owners_out_says_so(owners: int, said: bool) -> None:
    facts = portal(owners)
    document = owners_document(owners_report(facts, PERIOD), facts)
    assert (f"24 of {owners} shown" in as_html(document)) is said
    assert as_csv(document).count("\r\n") == 1 + owners
