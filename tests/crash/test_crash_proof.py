"""A sample of the crash proof: of each kind of call one, killed in each phase; the planted bugs; a failing disk.

Each runs in a process of its own: the proof forks, and a test process has threads. All of it is `make crash`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from crash_points import parse, spell

ROOT = Path(__file__).resolve().parents[2]


def run(script: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / script), *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_at_a_call_of_each_kind_in_each_phase_it_ends_as_if_nothing_had_happened() -> None:
    """P1-P3, I4-I7: SIGKILL before a call, when it was done without a reply, and after it."""
    done = run("crash.py", "--sample", "--every", "8")  # all of it would take CI past its quarter of an hour
    assert done.returncode == 0, done.stdout + done.stderr[-8000:]
    assert done.stdout.splitlines()[-1].endswith(" points, 0 differences")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_planted_bug_is_caught_by_name() -> None:
    """The proof would show it, such as notices marked as sent before they are sent (I6)."""
    done = run("crash.py", "--planted")
    assert done.returncode == 0, done.stdout + done.stderr[-8000:]
    assert "caught: mark sent before sending at " in done.stdout and "NOT CAUGHT" not in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_disk_that_fails_within_a_commit_damages_nothing_and_loses_nothing_acknowledged() -> None:
    """I4: EIO, ENOSPC and a kill at writes and fsyncs of the database; a few of all that scripts/strace_db.py tries."""
    done = run("strace_db.py", "--every", "97")
    assert done.returncode == 0, done.stdout + done.stderr[-8000:]
    if done.stdout.startswith("SKIPPED"):
        pytest.skip(done.stdout.strip())
    assert "0 corruptions, 0 acknowledged commits lost" in done.stdout


def test_points_are_read_as_they_are_written() -> None:
    texts = ("ask/http/14/applied", "ask/http/14/500+", "ask/commit/3/before,~file/2/after", "work/webhook:reps/1/drop")
    for text in texts:
        assert spell(parse(text)) == text
    with pytest.raises(ValueError, match="step/port/number/how"):
        parse("ask/http/first/applied")
