"""Figures: the funnel as it stands, for `handoff report` and the demo (R26). Reads only."""

from __future__ import annotations

from dataclasses import asdict

from connector.engine.ports import Store
from connector.engine.reports.gather import steps_of
from connector.rules.definition import review
from connector.rules.funnel import funnel, mature_ones
from connector.rules.reporting.passed import states_of
from connector.rules.rulebook import RuleBook
from connector.rules.targets import measure, promise


def figures(store: Store, book: RuleBook) -> dict[str, object]:
    """Counts, targets and marketing's promise as one JSON object; `as_of` is the last run's, None before the first."""
    with store.reading() as uow:
        state = uow.portal_state()
        if state is None or state.as_of is None:
            return {"as_of": None, "funnel": {}, "kpis": [], "promise": None, "review": ""}
        paths, owners = list(uow.episodes_opened(state.as_of)), uow.owners()
    episodes = [episode for episode, _ in paths]
    reached = {episode.id: states_of(episode, steps_of(path)) for episode, path in paths}
    clocks = book.in_zone(state.time_zone, owners).sla
    counted = funnel(episodes, now=state.as_of, clocks=clocks, since=state.handoff_since, reached=reached)
    mature = funnel(
        mature_ones(episodes, state.as_of, book.reports.cohorts.mature_after),
        now=state.as_of, clocks=clocks, since=state.handoff_since, reached=reached,
    )  # fmt: skip
    kept = promise(
        episodes, book.reports, now=state.as_of, portal_time_zone=state.time_zone, since=state.handoff_since
    )
    kpis = [
        {
            "figure": result.kpi.figure.value,
            "label": result.kpi.label,
            "level": result.kpi.level.value,
            "shown": result.shown,
            "target": result.target,
            "met": result.met,
            "too_early": result.too_early,
        }
        for result in measure(counted, book.reports, mature)
    ]
    return {
        "as_of": state.as_of.isoformat(),
        "funnel": asdict(counted),
        "kpis": kpis,
        "promise": asdict(kept) if kept else None,
        "review": review(book.qualification.definition, state.as_of.date()),
    }
