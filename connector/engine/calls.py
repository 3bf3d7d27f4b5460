"""Calls of a run that goes on after it was cut off: those of the processes before count, too (R38).

Kept with the run's progress, page by page of its pull, in which most calls are made.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from connector.domain.run import RunCounts
from connector.engine.backfill import CALLS
from connector.engine.context import Context

BY_PATH, BY_PURPOSE, THROTTLED = "by path", "by purpose", "throttled"


def go_on(context: Context, marks: Mapping[str, str]) -> None:
    """Take up what earlier processes called for this run."""
    context.calls_before = json.loads(marks.get(CALLS, "{}"))


def keep(context: Context, marks: dict[str, str]) -> None:
    """Put the figures among the marks that are about to be stored."""
    so_far = RunCounts()
    count(context, so_far)
    told = {BY_PATH: so_far.api_calls, BY_PURPOSE: so_far.quota.by_purpose, THROTTLED: {THROTTLED: so_far.throttled}}
    marks[CALLS] = json.dumps(told, separators=(",", ":"))


def count(context: Context, counts: RunCounts) -> None:
    """The whole run's calls: of this process and of those before."""
    spent = context.crm.spent()
    counts.api_calls = _sum(context, BY_PATH, context.crm.api_calls())
    counts.throttled = _sum(context, THROTTLED, {THROTTLED: context.crm.throttled()}).get(THROTTLED, 0)
    counts.quota = replace(spent, by_purpose=_sum(context, BY_PURPOSE, spent.by_purpose))


def _sum(context: Context, name: str, now: Mapping[str, int]) -> dict[str, int]:
    return dict(Counter(now) + Counter(context.calls_before.get(name, {})))
