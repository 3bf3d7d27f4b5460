#!/usr/bin/env python3
"""The replay of scripts/olist.py --replay: stored decisions of lived worlds against replayed ones, digest by digest.

    olist_replay.py DATABASE MAPPINGS DATABASE_OF_TRUTH

Replays the whole past of DATABASE by the rules in MAPPINGS and compares each decision with those stored in
DATABASE_OF_TRUTH: the same database for the same rules, or that of another world which lived by MAPPINGS from its first
day. Prints one JSON object. Reads only.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Set
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from connector.config.mappings import load_rulebook
from connector.domain.contact import ContactId, OwnerId
from connector.domain.decision import Decision
from connector.domain.timer import Timer
from connector.engine.replay.lived import make_setting, make_world, read, step
from connector.engine.replay.past import moments
from connector.store import SqlStore, open_store, this_process
from connector.store.decisions import digest_of
from connector.store.tables import decision

MOST_SHOWN = 10
AFTER_ALL = "9999"
Said = tuple[str, str, str, str]
"""Instant, contact, action, digest."""


class Scribe:
    """Writes down what was decided, as the store would: the same answer twice in one run is one decision."""

    def __init__(self) -> None:
        self.said: Counter[Said] = Counter()
        self.failed_with: Counter[str] = Counter()

    def decided(self, decision: Decision) -> None:
        key = (decision.as_of.isoformat(), decision.contact, decision.action.value, digest_of(decision))
        self.said[key] = 1

    def broke(self, owner: OwnerId | None, timer: Timer) -> None: ...

    def failed(self, contact: ContactId, error: Exception) -> None:
        self.failed_with[type(error).__name__] += 1


def open_one(path: str) -> SqlStore:
    return open_store(f"sqlite:///{path}", None, holder=this_process(), wall_clock=lambda: datetime.now(UTC))


def complete_until(path: str) -> datetime:
    """The last instant of which every decision is stored: a run that is still under way does not count."""
    store = open_one(path)
    with store.reading() as uow:
        state, unfinished = uow.portal_state(), uow.unfinished_run()
    store.close()
    assert state is not None and state.as_of is not None
    return unfinished[0].as_of - timedelta(seconds=1) if unfinished else state.as_of


def replayed(path: str, mappings: Path, until: datetime) -> tuple[Scribe, int]:
    """Every decision of the past by these rules, and the activities that were read."""
    store, scribe, book = open_one(path), Scribe(), load_rulebook(mappings)
    with store.reading() as uow:
        state, first = uow.portal_state(), uow.first_sight()
        assert state is not None and first is not None
        since = min(first, state.handoff_since or first) - timedelta(seconds=1)
        world = make_world(uow, book, make_setting(uow, since), scribe, in_full=True)
        reader = read(uow, [world], since, until)
        for moment in moments(uow, since, until):
            if moment.kept:
                step(world, moment, reader.until(moment.as_of))
    store.close()
    return scribe, reader.activities


def stored(path: str, until: datetime) -> Iterator[Said]:
    store = open_one(path)
    with store.database.reading() as connection:
        wanted = select(decision.c.as_of, decision.c.contact, decision.c.action, decision.c.digest)
        for row in connection.execute(wanted.where(decision.c.portal == store.portal, decision.c.as_of <= until)):
            yield (row.as_of.isoformat(), row.contact, row.action, row.digest)
    store.close()


def passed_over(lived: Set[Said], found: Set[Said]) -> set[Said]:
    """What came to nothing before anything was ever decided about the contact: a live run stores no such decision."""
    first: dict[str, str] = {}
    for at, contact, _, _ in lived:
        first[contact] = min(at, first.get(contact, at))
    return {said for said in found - lived if said[2] == "nothing" and said[0] < first.get(said[1], AFTER_ALL)}


def main() -> int:
    """0: all agree; 1: some differ."""
    path, mappings, truth = sys.argv[1:4]
    until = min(complete_until(path), complete_until(truth))
    began = time.process_time()
    scribe, activities = replayed(path, Path(mappings), until)
    seconds = time.process_time() - began
    lived = set(stored(truth, until))
    found = set(scribe.said)
    idle = passed_over(lived, found)
    found -= idle
    result: dict[str, Any] = {
        "decisions": len(lived),
        "leads": len({contact for _, contact, _, _ in lived}),
        "handovers": sum(action == "hand_over" for _, _, action, _ in lived),
        "same": len(lived & found),
        "missing": len(lived - found),
        "invented": len(found - lived),
        "idle": len(idle),
        "activities": activities,
        "cpu_seconds": round(seconds, 1),
        "failures": dict(scribe.failed_with),
        "differences": [*sorted(lived ^ found)[:MOST_SHOWN]],
    }
    print(json.dumps(result))
    return 0 if lived == found and lived else 1


if __name__ == "__main__":
    sys.exit(main())
