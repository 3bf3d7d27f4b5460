"""What `handoff report` says of a finished run, next to the same figures computed from the two CSV files alone.

The reports are asked for on the command line, as anybody would; nothing here imports the connector.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console

from olist import connection
from olist.data import BLANK, Lead
from olist.figures import Line
from olist.state import load_state

CANNOT = 2
UNKNOWN = "(not known)"
"""How the reports call leads without a source."""
LATER = date(2018, 1, 1)
"""From then on the deals of the files are whole; before it most are missing."""


def compare(folder: Path, leads: Sequence[Lead], *, as_json: bool, console: Console) -> int:
    """0: all figures agree; 1: some differ; 2: there is no finished run."""
    state = load_state(folder)
    if state is None or not state.finished:
        console.print(f"olist: {folder} holds no finished run; live through one first: scripts/olist.py", markup=False)
        return CANNOT
    since = ("--since", LATER.isoformat(), "--by", "arrived")
    asked = {"funnel": ("funnel",), "sources": ("sources",), "later": ("funnel", *since)}
    env = connection.environment(state, folder)
    lines = list(lines_of({name: _report(words, env) for name, words in asked.items()}, leads))
    if as_json:
        print(json.dumps([{"name": one.name, "found": one.found, "expected": one.expected} for one in lines]))
    else:
        for one in lines:
            print(f"{'same   ' if one.right else 'DIFFERS'}  {one.name}: {one.found}, the files say {one.expected}")
    return 0 if all(one.right for one in lines) else 1


def _report(words: Sequence[str], env: Mapping[str, str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "connector.cli.app", "report", *words, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=dict(env))
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def lines_of(found: Mapping[str, Mapping[str, Any]], leads: Sequence[Lead]) -> Iterator[Line]:
    """Every figure of the reports that the files know, too.

    Args:
        found: `funnel` and `sources` over all leads, `later` over those that arrived from 2018 on; as in JSON.
    """
    yield from _funnel("all leads", found["funnel"], leads)
    yield from _funnel("leads from 2018", found["later"], [one for one in leads if one.arrived_on >= LATER])
    yield from _sources(found["sources"], leads)


def _funnel(name: str, found: Mapping[str, Any], leads: Sequence[Lead]) -> Iterator[Line]:
    won = days_to_won(leads)
    counted = found["counted"]
    yield _line(f"{name}, came in", found["arrived"], len(leads))
    yield _line(f"{name}, passed", counted["handed"], len(leads))
    yield _line(f"{name}, won", counted["won"], len(won))
    rate = 100 * counted["won"] / counted["handed"] if counted["handed"] else None
    yield _line(f"{name}, conversion", _rounded(rate), _rounded(100 * len(won) / len(leads)))
    way = next(leg for leg in found["legs"] if leg["name"] == "lead to won")
    yield _line(f"{name}, days to won, median", _rounded(way["median_days"]), _rounded(linear(won, 0.5)))
    yield _line(f"{name}, days to won, 90th percentile", _rounded(way["p90_days"]), _rounded(linear(won, 0.9)))


def _sources(found: Mapping[str, Any], leads: Sequence[Lead]) -> Iterator[Line]:
    said = {one["value"]: one for one in found["sources"]}
    came = Counter(one.origin for one in leads)
    yield _line("sources", len(said), len(came))
    for origin, number in came.most_common():
        own = [one for one in leads if one.origin == origin]
        won = days_to_won(own)
        row = said.get(UNKNOWN if origin == BLANK else origin) or {"arrived": 0, "won": {"part": 0}}
        yield _line(f"{origin}, came in", row["arrived"], number)
        yield _line(f"{origin}, won", row["won"]["part"], len(won))
        share = (row.get("won_of_arrived") or {}).get("percent")
        yield _line(f"{origin}, conversion", _rounded(share), _rounded(100 * len(won) / number))
        for words, key, part in (("median", "days_to_won_median", 0.5), ("90th percentile", "days_to_won_p90", 0.9)):
            yield _line(f"{origin}, days to won, {words}", _rounded(row.get(key)), _rounded(linear(won, part)))


def days_to_won(leads: Sequence[Lead]) -> list[int]:
    """Whole days from the first contact to the day on which each was won."""
    return sorted((one.won_on - one.arrived_on).days for one in leads if one.won_on is not None)


def linear(ordered: Sequence[int], share: float) -> float | None:
    """The quantile, linear between neighbours."""
    if not ordered:
        return None
    place = (len(ordered) - 1) * share
    low = int(place)
    return ordered[low] + (place - low) * (ordered[min(low + 1, len(ordered) - 1)] - ordered[low])


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _line(name: str, found: object, expected: object) -> Line:
    return Line(name=name, found=str(found), expected=str(expected), right=found == expected)
