"""How fast the past is lived through once more when only outcomes are kept, and that memory does not grow with it.

    python scripts/bench/run.py replay [--leads N] [--per-lead N] [--days N] [--seed N] [--json]

One past is made (replay_past.py): all leads come within its first stretch of days, and three more stretches follow.
The first stretch, the first two and all four are replayed, each in a process of its own, so that peak memory is its
own. The whole past is replayed once more by two rule books side by side, and gone through by the same rules written out
by hand and with rule-engine (replay_plain.py). All figures are of one run: compare them with each other.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STRETCHES = (1, 2, 4)
FLAT = 1.25
"""Peak memory of the whole past may be so much of that of its first stretch."""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--leads", type=int, default=2_000)
    parser.add_argument("--per-lead", type=int, default=25, help="activities of each lead in each stretch (default 25)")
    parser.add_argument("--days", type=int, default=90, help="days of a stretch (default 90)")
    parser.add_argument("--seed", type=int, default=1)


def run(options: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    """The figures, and whether memory is flat and the lead count is that of the rules by hand."""
    sys.path.insert(0, str(ROOT))
    import replay_past

    shape = replay_past.Shape(
        leads=options.leads, per_lead=options.per_lead, days=options.days, stretches=STRETCHES[-1], seed=options.seed
    )
    whole = shape.moment(STRETCHES[-1])
    with tempfile.TemporaryDirectory(prefix="handoff-replay-") as folder:
        path = Path(folder) / "past.db"
        began = time.process_time()
        replay_past.make(path, shape)
        made = time.process_time() - began
        replayed = [_child("one", path, shape.moment(stretch)) for stretch in STRETCHES]
        both = _child("two", path, whole)
        hand, engine = _child("by_hand", path, whole), _child("rule_engine", path, whole)
    last = replayed[-1]
    figures = {
        "leads": options.leads,
        "seconds_to_make_the_past": round(made, 1),
        "activities": [one["activities"] for one in replayed],
        "handed_over": [one["handed"] for one in replayed],
        "activities_per_cpu_second": [_rate(one) for one in replayed],
        "peak_mb": [one["peak_mb"] for one in replayed],
        "two_rule_books_per_cpu_second": _rate(both),
        "by_hand_per_cpu_second": _rate(hand),
        "by_hand_handed_over": hand["handed"],
        "times_by_hand": round(_rate(last) / _rate(hand), 2),
        "rule_engine_per_cpu_second": _rate(engine) if engine["activities"] else None,
        "times_rule_engine": round(_rate(last) / _rate(engine), 2) if engine["activities"] else None,
    }
    flat = last["peak_mb"] <= FLAT * replayed[0]["peak_mb"]
    return figures, flat and 0 < last["handed"] == hand["handed"]


def _rate(one: dict[str, Any]) -> int:
    return round(one["activities"] / one["seconds"])


# -- in a process of its own ---------------------------------------------------------------------------------------


def _child(what: str, path: Path, until: datetime) -> dict[str, Any]:
    """What the child said, and its peak memory in MB."""
    command = [sys.executable, __file__, what, str(path), until.isoformat()]
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out, env=os.environ | {"PYTHONPATH": str(ROOT)})
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read()
    if process.returncode:
        raise SystemExit(f"the replay ended with {process.returncode}")
    return {**json.loads(said), "peak_mb": used.ru_maxrss // 1024}


def child(what: str, path: str, until: datetime) -> dict[str, Any]:
    """Go through the past until then, and say how long it took and what came of it."""
    if what in ("one", "two"):
        return _replay(path, until, books=1 if what == "one" else 2)
    import replay_plain

    judge = dict(replay_plain.judges()).get(what)
    if judge is None:
        return {"seconds": 0.0, "activities": 0, "handed": 0}
    began = time.process_time()
    activities, handed = replay_plain.handed_over(path, until, judge)
    return {"seconds": time.process_time() - began, "activities": activities, "handed": handed}


def _replay(path: str, until: datetime, *, books: int) -> dict[str, Any]:
    from replay_past import BEGAN, make_book, open_past

    from connector.engine.replay.lived import live

    store, today = open_past(path), make_book()
    changed = make_book(changed=True) if books == 2 else None
    with store.reading() as uow:
        began = time.process_time()
        lived = live(uow, today, changed, since=BEGAN - timedelta(days=1), until=until)
        seconds = time.process_time() - began
    store.close()
    return {"seconds": seconds, "activities": lived.activities, "handed": len(lived.today.handed)}


if __name__ == "__main__":
    print(json.dumps(child(sys.argv[1], sys.argv[2], datetime.fromisoformat(sys.argv[3]))))
