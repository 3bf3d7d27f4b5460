"""The benches, one entrance: named figures, one object each; never a test.

    python scripts/bench/run.py NAME [options] [--times N] [--json]

Each NAME is a module beside this file with `add_options(parser)` and `run(options) -> (figures, good)`; exit code 1
where what it measures is not as it must be. What was measured is told in docs/performance.md.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

BENCHES = {
    "again": ("again", "what a second sync costs right after a first one that handed many over"),
    "changed": ("changed", "a run after a few hundred of many contacts changed: calls for contacts"),
    "clocks": ("clocks", "due times in business hours and days per CPU second, beside walking over days"),
    "fast": ("pull", "a full pull without limits or distance: what the CPU does"),
    "flood": ("flood", "the webhook receiver under floods: memory, answers, delay of the good ones"),
    "memory": ("memory", "the largest memory of a full pull of a million contacts, stored and decided"),
    "peers": ("peers", "a first read of all contacts by us and by four clients of others"),
    "pull": ("pull", "a full pull, stored and decided, at 190 requests in ten seconds, 120 ms away"),
    "quiet": ("quiet", "a run with nothing changed at 10,000 and at 1,000,000 contacts: calls, memory, CPU"),
    "replay": ("replay", "the past lived through once more, when only outcomes are kept"),
    "rules": ("rules", "leads that the rules judge per CPU second, beside the same by hand and rule-engine"),
    "sandbox": ("sandbox", "what the sandbox itself costs at 100,000 contacts"),
    "signal": ("signal_notice", "from a form in the portal to the notice, at several rates"),
    "stamped": ("stamped", "25,000 contacts stamped alike while a run reads, an index that lags: is each seen?"),
    "tight": ("pull", "the same at 50 requests in ten seconds"),
    "views": ("views", "many page views of a first pull, at 190 requests in ten seconds, 120 ms away"),
    "write": ("write", "what many handovers cost in calls, beside the fewest that keep the promises"),
}
"""Name, module, what it measures. The module of `signal` has another name: that of the standard library is taken."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure one thing about Handoff.")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    names = parser.add_subparsers(dest="name", required=True, metavar="NAME")
    for name, (module, what) in BENCHES.items():
        one = names.add_parser(name, help=what, description=what.capitalize() + ".")
        if name in sys.argv:  # the others' imports would count as memory of the commands that are measured
            importlib.import_module(module).add_options(one)
        one.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON object")
        one.add_argument("--times", type=int, default=1, help="measure so often, and give the medians (default 1)")
    options = parser.parse_args()
    bench = importlib.import_module(BENCHES[options.name][0])
    measured = [bench.run(options) for _ in range(options.times)]
    figures = medians([figures for figures, _ in measured])
    if options.times > 1:
        figures["times"] = options.times
    if options.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:<36} {value}")
    return 0 if all(good for _, good in measured) else 1


def medians(measured: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of each figure the median, also within objects of figures; of what is no number the last."""
    return {name: _median([one.get(name) for one in measured]) for name in measured[-1]}


def _median(values: Sequence[Any]) -> Any:
    if len(values) == 1 or all(value == values[0] for value in values):
        return values[-1]
    if all(isinstance(value, dict) for value in values):
        return medians(values)
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return round(median(values), 3)
    return values[-1]


if __name__ == "__main__":
    sys.exit(main())
