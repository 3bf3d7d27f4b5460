"""The simulated quarter itself, its first days: real sandbox, real connector, and the checker over their log."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import pytest

ACCEPTANCE = Path(__file__).resolve().parents[1] / "acceptance"
if str(ACCEPTANCE) not in sys.path:
    sys.path.append(str(ACCEPTANCE))

from quarter.check import judged  # noqa: E402 - the world of the acceptance tests is found by the path set above
from quarter.life import Wanted, live  # noqa: E402
from quarter.promises import BEGINS  # noqa: E402


@pytest.mark.timeout(600)  # machines of tests are slow and shared
def test_the_first_days_of_a_quarter_keep_every_promise(tmp_path: Path) -> None:
    """R12, R17, R20-R24, R40: scripts/quarter.py lives through all of it; here three days of it, twice a day."""
    moments = [BEGINS + timedelta(days=day, hours=hour) for day in range(3) for hour in (9, 16)]
    log = tmp_path / "quarter.jsonl"
    assert live(Wanted(weeks=1, leads=20, seed=4), tmp_path, log, moments=moments) == len(moments)
    judge = judged(log)
    assert judge.violations == []
    assert judge.counts["runs"] == len(moments) + 1
    assert judge.counts["handed over: hand_raiser"] >= 2
    assert judge.counts["lead.handed_off to reps"] >= 4
