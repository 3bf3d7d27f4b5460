"""Figures: the funnel as it stands, for `handoff report` and the demo (R26). Reads only."""

from __future__ import annotations

from connector.engine.ports import Store
from connector.rules.reports import funnel
from connector.rules.rulebook import RuleBook


def figures(store: Store, book: RuleBook) -> dict[str, object]:
    """Counts, rates and targets as one JSON object; `as_of` is the last run's."""
    with store.reading() as uow:
        state = uow.portal_state()
        episodes = uow.all_episodes()
    if state is None or state.as_of is None:
        return {"as_of": None, "kpis": []}
    found = funnel(episodes, book.reports, now=state.as_of, time_zone=state.time_zone)
    return {"as_of": state.as_of.isoformat(), **found.as_dict()}
