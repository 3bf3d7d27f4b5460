"""`handoff runs show`: what the CRM refused in a run, by its reason, on the page and as CSV (S11)."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest

from connector.cli.csv_text import csv_text
from connector.cli.run_page import NO_REASON, REFUSED_COLUMNS, by_error, counts_of, figures, refused_lines, show
from connector.domain.run import RunCounts

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BAD_OPTION = "VALIDATION_ERROR INVALID_OPTION on lifecyclestage"


def refused(contact: str, reason: str = BAD_OPTION, *fields: str) -> dict[str, object]:
    return {"contact": contact, "reason": reason, "fields": list(fields or ("stage",)), "episode": "ep_1", "at": AT}


def run(**more: object) -> dict[str, object]:
    counts = {"contacts_pulled": 12, "changes_rejected": 3, "api_calls": {"GET /crm/v3/owners": 2}}
    given = {"status": "completed_with_errors", "error": "", "fingerprint": "abc", "counts": counts}
    return {"run": "run_1", "started_at": AT, "as_of": AT, "finished_at": AT, "resumed": False, **given, **more}


def test_refused_records_are_grouped_by_reason_the_most_frequent_first() -> None:
    rows = [refused("3", "", "note"), refused("1", BAD_OPTION, "stage", "score"), refused("2")]
    assert by_error(rows) == [
        {"reason": BAD_OPTION, "records": 2, "fields": ["stage", "score"], "contacts": ["1", "2"]},
        {"reason": NO_REASON, "records": 1, "fields": ["note"], "contacts": ["3"]},
    ]


def test_the_csv_has_one_line_for_each_record_and_no_formula() -> None:
    """S11: a spreadsheet does not compute what it opens."""
    text = csv_text(REFUSED_COLUMNS, refused_lines("run_1", [refused("1"), refused("2", "=1+1")]))
    lines = list(csv.reader(io.StringIO(text)))
    assert lines[0] == list(REFUSED_COLUMNS)
    assert lines[1] == ["run_1", "1", BAD_OPTION, "stage", "ep_1", "2026-03-02T09:00:00+00:00"]
    assert lines[2][2] == "'=1+1"


def test_counts_of_another_version_are_read_as_far_as_they_are_known() -> None:
    found = counts_of({"decided": 4, "what_nobody_knows_yet": 1})
    assert (found.decided, found.contacts_pulled) == (4, 0)
    assert counts_of(None) == RunCounts()


def test_figures_name_what_is_rare_only_where_there_is_any() -> None:
    assert "held by the guard" not in figures(RunCounts()) and "seconds" not in figures(RunCounts())
    assert figures(RunCounts(held=2), 1.25)["held by the guard"] == 2


def test_the_page_says_what_to_do_and_names_no_more_than_a_few(capsys: pytest.CaptureFixture[str]) -> None:
    show(run(error="7 notes wait"), [refused(str(number)) for number in range(9)], [], "Europe/Berlin")
    said = capsys.readouterr()
    assert "2026-03-02 10:00" in said.out and "and 4 more" in said.out and "GET /crm/v3/owners\t2" in said.out
    assert "7 notes wait" in said.err and "handoff runs show run_1 --out refused.csv" in said.err
