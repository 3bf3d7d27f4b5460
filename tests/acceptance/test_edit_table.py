"""I2: a person's edit at any boundary between read and write stands; `make faults` tries every place."""

from __future__ import annotations

import pytest
from edit_table import EDITS, LEADS, Edits
from fault_table import Lab

MOMENTS = ("contacts/search", "memberships/add", "batch/read", "batch/update", "memberships/remove")


@pytest.fixture(scope="module")
def edits(tmp_path_factory: pytest.TempPathFactory) -> Edits:
    return Edits(Lab(tmp_path_factory.mktemp("lab")))


@pytest.mark.parametrize("lead", LEADS)
@pytest.mark.parametrize("edit", EDITS)
def test_the_persons_value_stands_and_there_is_one_handover(edits: Edits, edit: str, lead: str) -> None:
    """I2, P3: each kind of edit at one of the boundaries here, chosen so that all of them come up."""
    number = list(EDITS).index(edit) + list(LEADS).index(lead)
    places = [place for place in edits.places() if (place.edit, place.lead) == (edit, lead)]
    moments = [found for moment in MOMENTS if (found := [place for place in places if moment in place.what])]
    chosen = moments[number % len(moments)][-1]
    assert edits.try_one(chosen) == "", chosen.name


