"""Adopt: what a living portal had before Handoff comes to life, by cohort and at a pace (R41)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from connector.domain.contact import ContactId, OwnerId
from connector.domain.episode import Episode, State
from connector.engine.context import Context, Pace
from connector.engine.ports import UnitOfWork

COHORTS: Mapping[str, tuple[State, ...]] = {
    "mql": (State.QUALIFIED, State.HANDED_OFF, State.TELEQUALIFIED, State.WORKING, State.ACCEPTED),
    "sql": (State.SALES_QUALIFIED,),
    "opportunity": (State.OPPORTUNITY,),
}
"""Cohorts of silent episodes by state; the cohort `qualified` are leads that qualified before Handoff began."""
QUALIFIED = "qualified"
PAGE = 200
SPARE = 5


def choose(context: Context) -> tuple[frozenset[ContactId], Pace]:
    """The contacts that may come to life in this run, and how many of them each rep may still get today.

    They are put on the work list; deciding them is consider's.
    """
    with context.store.reading() as uow:
        state = uow.portal_state()
        if state is None or not state.adopting or context.past is None:
            return frozenset(), Pace()
        today = uow.adopted_on(context.midnight)
        chosen = frozenset(_choose(uow, state.adopting, Counter(today)))
    if chosen:
        with context.store.transaction() as uow:
            uow.mark_dirty(chosen, "adopt")
    return chosen, Pace(today, max(state.adopting.values()))


def _choose(uow: UnitOfWork, adopting: Mapping[str, int], today: Counter[OwnerId]) -> Iterator[ContactId]:
    active = sum(not owner.archived for owner in uow.owners())
    for cohort, pace in adopting.items():
        if cohort == QUALIFIED:
            room = max(0, pace * active - sum(today.values()))
            # More than there is room for: routing gives some to reps who have had their share, and those wait.
            yield from uow.predating(room * SPARE, "") if room else ()
            continue
        for episode in _silent(uow, COHORTS[cohort]):
            owner = episode.owner or OwnerId("")
            # Those without an owner are shared out among all.
            free = today[owner] < pace if episode.owner else sum(today.values()) < pace * active
            if free:
                today[owner] += 1
                yield episode.contact


def _silent(uow: UnitOfWork, states: tuple[State, ...]) -> Iterator[Episode]:
    after = ""
    while page := uow.silent_episodes([state.value for state in states], PAGE, after):
        yield from page
        after = page[-1].id
