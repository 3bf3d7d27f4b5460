"""Lanes: the ways by which a lead comes to sales, in plain words; and a clock's limit as people say it."""

from __future__ import annotations

from collections.abc import Mapping

from connector.rules.sla import ClockRules

LANES: Mapping[str, str] = {
    "hand_raiser": "who asked for sales",
    "score": "who showed enough interest",
    "request": "whom a person handed over",
    "return": "who came back on the day that sales named",
    "customer": "customers",
    "inferred": "leads from before Handoff",
}


def limit_in_words(clock: ClockRules) -> str:
    """Such as `1 business hour for who asked for sales, 8 business hours for all others`."""
    special = [f"{limit.words()} for {LANES.get(lane, lane)}" for lane, limit in clock.lanes.items()]
    general = [f"{clock.limit.words()}{' for all others' if special else ''}"] if clock.limit is not None else []
    return ", ".join([*special, *general])
