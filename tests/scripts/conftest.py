"""Makes `scripts/` importable, as it is for the scripts themselves; the Olist files where the machine has them."""

import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
if str(SCRIPTS) not in sys.path:
    sys.path.insert(0, str(SCRIPTS))


@pytest.fixture(scope="session")
def olist_folder() -> Path:
    """The folder with both files; tests that need them are skipped, and say so, where they are absent."""
    from olist.data import DataMissingError, find_folder

    try:
        return find_folder()
    except DataMissingError as error:
        pytest.skip(f"OLIST DATA ABSENT: {error}")
