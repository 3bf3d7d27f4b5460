"""When a call is sent again, and how long to wait before it. Pure but for the jitter's random source.

Source: fault table of reliability.md (section 7), hubspot-facts, section 2.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from tenacity import RetryCallState

from connector.crm.hubspot.paths import Route, Work
from connector.crm.hubspot.refusals import UnavailableError
from connector.errors import CrmUnavailableError, RateLimitedError

TRIES = 5
TRIES_LIMITED = 10
TRIES_NEVER_REACHED = 2
"""Of a host that never answered yet: a wrong address should be told soon."""
LONGEST_SECONDS = 60.0
LOCK_SECONDS = 2.0


def may_repeat(error: BaseException, route: Route) -> bool:
    """Whether sending the call again is harmless (I7)."""
    if isinstance(error, RateLimitedError):
        return True
    if not isinstance(error, CrmUnavailableError):
        return False
    if isinstance(error, UnavailableError) and (error.retry_after_seconds or 0) > LONGEST_SECONDS:
        return False  # a portal on the move asks for hours: the next run comes back
    if route.work in (Work.READ, Work.REPEATABLE) or not error.unclear:
        return True
    return route.work is Work.UPDATE and error.status is not None


def wait_seconds(error: BaseException, attempt: int) -> float:
    """Least seconds before try `attempt` + 1 (attempt from 1); never shrinks as attempts grow."""
    if isinstance(error, RateLimitedError):
        if error.retry_after_seconds is not None:
            return min(error.retry_after_seconds, LONGEST_SECONDS)
        if error.policy == "SECONDLY":
            return float(min(attempt, 10))
        if error.policy == "TEN_SECONDLY_ROLLING":
            return float(min(2**attempt, 10))
        return float(min(2 ** (attempt - 1), LONGEST_SECONDS))
    if isinstance(error, UnavailableError) and error.retry_after_seconds is not None:
        return min(error.retry_after_seconds, LONGEST_SECONDS)
    if isinstance(error, CrmUnavailableError) and error.status == 423:
        return LOCK_SECONDS * attempt
    return float(min(2 ** (attempt - 1), LONGEST_SECONDS)) / 2


def wait(rng: random.Random) -> Callable[[RetryCallState], float]:
    """For tenacity: `wait_seconds` plus up to a quarter of it, so that many clients do not return as one."""

    def seconds(state: RetryCallState) -> float:
        assert state.outcome is not None
        error = state.outcome.exception()
        assert error is not None
        least = wait_seconds(error, state.attempt_number)
        return least + rng.uniform(0, least / 4)

    return seconds


def is_enough(*, reached: Callable[[], bool]) -> Callable[[RetryCallState], bool]:
    """For tenacity: whether to give up. `reached` says whether the host ever answered."""

    def enough(state: RetryCallState) -> bool:
        assert state.outcome is not None
        error = state.outcome.exception()
        if isinstance(error, RateLimitedError):
            return state.attempt_number >= TRIES_LIMITED
        return state.attempt_number >= (TRIES if reached() else TRIES_NEVER_REACHED)

    return enough
