"""docs/security.md says what is so: its paths exist, each id has its tests, and what it says of SQL and CSV holds."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from connector.cli.csv_text import csv_text

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
CELLS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines()]
ROWS = {cells[0]: cells for cells in CELLS if len(cells) == 4}
IN_SCOPE = ("S1", "S2", *(f"S{number}" for number in range(8, 16)), "I10")
PATH = re.compile(r"`((?:connector|tests|scripts|docs)/[\w./-]+|constraints\.txt)`")


@pytest.mark.parametrize("identity", IN_SCOPE)
def test_each_requirement_names_code_and_tests_that_exist(identity: str) -> None:
    _, _, code, tests = ROWS[identity]
    assert PATH.findall(code) and any(path.startswith("tests/") for path in PATH.findall(tests))
    assert not [path for path in PATH.findall(code + tests) if not (ROOT / path).exists()]


def test_every_path_on_the_page_exists() -> None:
    assert len(PATH.findall(PAGE)) > 30
    assert not [path for path in PATH.findall(PAGE) if not (ROOT / path).exists()]


def test_what_comes_later_is_said() -> None:
    assert "not yet" in ROWS["S3–S7"][2]


@pytest.mark.parametrize("identity", [one for one in IN_SCOPE if one != "S12"])
def test_the_tests_name_the_requirement_that_they_prove(identity: str) -> None:
    """Some test that the row names says the id in a docstring, or in the module's own."""
    paths = [ROOT / path for path in PATH.findall(ROWS[identity][3])]
    assert any(re.search(rf"\b{identity}\b", path.read_text("utf-8")) for path in paths), identity


def test_csv_is_written_in_one_place_which_quotes_what_a_spreadsheet_would_run() -> None:
    """S11"""
    sources = [path for path in (ROOT / "connector").rglob("*.py") if "sandbox" not in path.parts]
    uses = re.compile(r"^\s*(import csv|from csv )", re.MULTILINE)
    assert [path.name for path in sources if uses.search(path.read_text("utf-8"))] == ["csv_text.py"]
    assert csv_text(["name"], [["=1+1"], ["-Ann"], [-1], ['a "b"']]).splitlines() == [
        "name", "'=1+1", "'-Ann", "-1", '"a ""b"""',
    ]  # fmt: skip


def test_no_sql_is_put_together_from_texts() -> None:
    """S12: what ruff's S608 finds in the product is a constant, said so beside it."""
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "S608", "connector"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert said.returncode == 0, said.stdout


def test_no_regular_expression_comes_from_configuration() -> None:
    """S12: `re.compile` of the rules is given constants, or patterns that were escaped."""
    found = [
        f"{path.name}: {line.strip()}"
        for path in (ROOT / "connector" / "rules").rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if re.search(r"re\.compile\((?!r?f?[\"'\n])", line) and not line.rstrip().endswith("(")
    ]
    allowed = ("re.escape", "prefix", "international")       # the last two are tables of phonenumbers
    assert not [line for line in found if not any(word in line for word in allowed)], found
