"""Each template lives through ninety days on the sandbox, and ends with what its own page states beforehand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from book_life import begun
from book_page import stated_ends, stated_leads, stated_teams
from book_story import read_story

from connector.config.templates import TEMPLATES

BACK = {"recycled", "junk", "unreachable", "lost"}


@pytest.mark.timeout(900)  # a dozen runs and more; machines of tests are slow and shared
@pytest.mark.parametrize("name", TEMPLATES)
def test_ninety_days_end_as_the_page_states_beforehand(name: str, tmp_path: Path) -> None:
    """R01-R03, R05-R08, R11, R12, R16, R20-R24, R39: who goes to sales, who comes back and why, who is held and why.

    What notices tell is held against the portal's own journal. The sandbox watches the invariants all the while.
    """
    story = read_story(name)
    with begun(story, tmp_path) as life:
        life.live()

        ends, leads, states = life.ends(), life.leads(), life.shown_states()

        assert {lead: end.words for lead, end in leads.items()} == stated_leads(name)
        assert ends == stated_ends(name)
        teams = stated_teams(name)
        assert {lead: leads[lead].team for lead in teams} == teams
        assert _sum(ends, "handed to sales") == states["handed_off"]
        assert _sum(ends, "handed back") == sum(states[state] for state in BACK)
        assert life.world.violations() == []


def _sum(ends: Counter[tuple[str, str]], what: str) -> int:
    return sum(number for (one, _), number in ends.items() if one == what)
