"""CSV files that people open in a spreadsheet (S11)."""

from __future__ import annotations

import csv
import io

import pytest

from connector.cli.csv_text import csv_text


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠"])
def test_what_somebody_typed_is_no_formula(begins: str) -> None:
    text = csv_text(["a"], [[f"{begins}1+1"]])
    assert list(csv.reader(io.StringIO(text, newline="")))[1] == [f"'{begins}1+1"]


def test_quotes_commas_and_lines_survive_and_numbers_stay_numbers() -> None:
    text = csv_text(["a", "b", "c", "d"], [['say "hi", you\nthere', -2.5, None, True]])
    assert list(csv.reader(io.StringIO(text, newline="")))[1] == ['say "hi", you\nthere', "-2.5", "", "True"]
