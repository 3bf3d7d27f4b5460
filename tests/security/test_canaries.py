"""The canaries themselves: a leak that is planted on purpose is heard, and fails its test by name (I10)."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
from pathlib import Path

import canaries
import pytest

LOG = logging.getLogger("connector.engine.somewhere")
TESTS = Path(__file__).parents[1]

LEAKS = {
    "a_secret_in_a_log": 'LOG.info("calling with %s", canaries.TOKEN)',
    "a_secret_among_facts": 'LOG.debug("calling", extra={"note": canaries.WEBHOOK_SECRET})',
    "a_person_in_a_log": 'LOG.warning("skipped", extra={"who": canaries.PERSON["lastname"]})',
    "any_address_in_a_log": 'LOG.warning("skipped ana@acme.example")',
    "a_secret_on_stdout": "print(canaries.SLACK_URL)",
    "a_secret_in_argv": 'canaries.look_at_command(["sync", canaries.TOKEN], "", "")',
    "a_person_on_stderr": 'canaries.look_at_command(["sync"], "", "no such lead: bo@acme.example")',
    "a_secret_in_a_database": '(tmp_path / "x.db").write_text(canaries.TOKEN); canaries.look_at_files(tmp_path)',
    "a_secret_in_a_traceback": (
        "\n    try: raise ValueError(canaries.TOKEN[:-1] + canaries.TOKEN[-1])"
        '\n    except ValueError as error: LOG.error("x", extra={"why": str(error)})'
    ),
}
FINE = {
    "what_was_asked_for": 'canaries.look_at_command(["explain", "bo@acme.example"], "Bo", "bo@acme.example?")',
    "ids": 'LOG.info("done", extra={"contact_id": "501", "run_id": "run_1"})',
    "the_sandbox_is_no_part_of_it": 'logging.getLogger("connector.sandbox.app").info(canaries.TOKEN)',
    "on_purpose": 'LOG.info(canaries.TOKEN)',
}


def test_every_planted_leak_fails_its_test_by_name_and_nothing_else_does(tmp_path: Path) -> None:
    lines = ["import logging", "import canaries", "import pytest", 'LOG = logging.getLogger("connector.somewhere")']
    for name, line in {**LEAKS, **FINE}.items():
        mark = "@pytest.mark.canaries_may_sing\n" if name == "on_purpose" else ""
        lines.append(f"{mark}def test_{name}(tmp_path):\n    {line}\n")
    (tmp_path / "test_leaks.py").write_text("\n".join(lines))
    (tmp_path / "conftest.py").write_text((TESTS / "conftest.py").read_text())
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {TESTS}\n")
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "-p", "no:randomly", "."]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100).stdout
    for name in LEAKS:
        assert f"FAILED test_leaks.py::test_{name}\n" in said or f"FAILED test_leaks.py::test_{name} " in said, said
        assert f"test_leaks.py::test_{name}: canaries were heard: " in said, said
    for name in FINE:
        assert f"PASSED test_leaks.py::test_{name}" in said, said


@pytest.fixture
def silence() -> None:
    canaries.heard()


def test_a_secret_within_a_real_database_file_is_heard(tmp_path: Path, silence: None) -> None:
    with sqlite3.connect(tmp_path / "handoff.db") as connection:
        connection.execute("CREATE TABLE x (y TEXT)")
        connection.execute("INSERT INTO x VALUES (?)", ("a" * 500 + canaries.SLACK_URL,))
    connection.close()
    canaries.look_at_files(tmp_path)
    assert canaries.heard() == ["Slack's address in handoff.db"]


def test_planted_ones_are_heard_and_short_ones_are_not_taken(silence: None) -> None:
    canaries.plant_secret("s3cret-of-one-world", "its token")
    canaries.plant_secret("ab", "nothing")
    canaries.look("abab s3cret-of-one-world", "a text", people=False)
    assert canaries.heard() == ["its token in a text"]
