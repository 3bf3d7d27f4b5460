"""Each template lives through ninety days on the sandbox, and ends with what its own page states beforehand."""

from __future__ import annotations

from pathlib import Path

import pytest
from book_life import begun
from book_page import differences
from book_story import read_story

from connector.config.templates import TEMPLATES


@pytest.mark.timeout(900)  # a dozen runs and more; machines of tests are slow and shared
@pytest.mark.parametrize("name", TEMPLATES)
def test_ninety_days_end_as_the_page_states_beforehand(name: str, tmp_path: Path) -> None:
    """R01-R03, R05-R08, R11, R12, R16, R20-R24, R39: who goes to sales, who comes back and why, who is held and why.

    What notices tell is held against the portal's own journal. The sandbox watches the invariants all the while.
    scripts/templates.py does the same with a run each evening.
    """
    with begun(read_story(name), tmp_path) as life:
        life.live()
        assert differences(name, life)[1] == []
