"""Health of a destination: what one answer teaches about it; when it rests, and when it is switched off.

Pure; reads no clock. The state is stored with each try, so that a restart forgets nothing. Source: reliability.md,
section 3.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from connector.delivery.backoff import LONGEST_WAIT
from connector.engine.ports import DestinationState

SLOWING = frozenset({429, 502, 504})
GONE = 410
REST = timedelta(minutes=1)
UNANSWERED_IN_A_ROW = 3
"""After that many posts without any answer a destination rests: every further one would cost the full timeout."""
FAILING_FOR = timedelta(days=5)
FEWEST_FAILURES = 3
"""A single failure long ago and another one today are no five days of failing."""

BY_GONE, BY_FAILING, BY_PERSON = "gone", "failing", "person"


def learn(state: DestinationState, status: int | None, at: datetime, asked: timedelta | None) -> DestinationState:
    """The state after one try.

    Args:
        status: of HTTP; None where there was no answer.
        asked: what Retry-After says; kept up to 24 h where the receiver says that it is too much for it.
    """
    if status is not None and 200 <= status < 300:
        return replace(state, failing_since=None, failures=0, unanswered=0, rests_until=None)
    failing = replace(
        state,
        failing_since=state.failing_since or at,
        failures=state.failures + 1,
        unanswered=state.unanswered + 1 if status is None else 0,
    )
    return _off(_rested(failing, status, at, asked), status, at)


def _rested(state: DestinationState, status: int | None, at: datetime, asked: timedelta | None) -> DestinationState:
    if status in SLOWING:
        until = at + min(max(asked or REST, REST), LONGEST_WAIT)
    elif state.unanswered >= UNANSWERED_IN_A_ROW:
        until = at + REST
    else:
        return state
    return replace(state, rests_until=max(until, state.rests_until or until))


def _off(state: DestinationState, status: int | None, at: datetime) -> DestinationState:
    if state.off_at is not None:
        return state
    assert state.failing_since is not None
    if status == GONE:
        by = BY_GONE
    elif at - state.failing_since >= FAILING_FOR and state.failures >= FEWEST_FAILURES:
        by = BY_FAILING
    else:
        return state
    return replace(state, off_at=at, off_by=by, times_off=state.times_off + 1)
