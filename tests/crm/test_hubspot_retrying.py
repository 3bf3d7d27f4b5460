"""What is sent again, and after how long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.hubspot.paths import Route, Work
from connector.crm.hubspot.refusals import UnavailableError
from connector.crm.hubspot.retrying import LONGEST_SECONDS, may_repeat, wait_seconds
from connector.errors import AuthenticationError, CrmUnavailableError, QuotaExhaustedError, RateLimitedError

LIMITED = RateLimitedError("", policy="TEN_SECONDLY_ROLLING", retry_after_seconds=None)
LOST = CrmUnavailableError("", unclear=True)
NOT_SENT = CrmUnavailableError("", unclear=False)
GATEWAY = UnavailableError("", status=502, unclear=True, advice="")
LOCKED = UnavailableError("", status=423, unclear=False, advice="")
MOVING = UnavailableError("", status=477, unclear=False, retry_after_seconds=7200.0, advice="")


@pytest.mark.parametrize(
    ("error", "works"),
    [
        (LIMITED, {Work.READ, Work.REPEATABLE, Work.UPDATE, Work.CREATE}),
        (LOCKED, {Work.READ, Work.REPEATABLE, Work.UPDATE, Work.CREATE}),
        (NOT_SENT, {Work.READ, Work.REPEATABLE, Work.UPDATE, Work.CREATE}),
        (GATEWAY, {Work.READ, Work.REPEATABLE, Work.UPDATE}),
        (LOST, {Work.READ, Work.REPEATABLE}),
        (MOVING, set()),
        (QuotaExhaustedError(""), set()),
        (AuthenticationError(""), set()),
        (KeyError(""), set()),
    ],
)
def test_a_call_is_repeated_only_where_that_is_harmless(error: Exception, works: set[Work]) -> None:
    """I7"""
    assert {work for work in Work if may_repeat(error, Route("POST", "/x", "/x", work))} == works


ERRORS = st.one_of(
    st.builds(
        lambda policy, wait: RateLimitedError("", policy=policy, retry_after_seconds=wait),
        st.sampled_from([None, "SECONDLY", "TEN_SECONDLY_ROLLING", "CONCURRENT"]),
        st.none() | st.floats(0, 10_000),
    ),
    st.builds(
        lambda status, wait: UnavailableError("", status=status, unclear=True, retry_after_seconds=wait, advice=""),
        st.sampled_from([423, 477, 500, 502, 503, 504, 524]),
        st.none() | st.floats(0, 10_000),
    ),
    st.builds(lambda: CrmUnavailableError("", unclear=False)),
)


@given(ERRORS, st.integers(1, 30))
def test_waiting_never_shrinks_and_has_an_end(error: Exception, attempt: int) -> None:
    now, later = wait_seconds(error, attempt), wait_seconds(error, attempt + 1)
    assert 0 <= now <= later <= LONGEST_SECONDS * 2


def test_waits_follow_what_hubspot_says() -> None:
    """P8: Retry-After first, then the policy; a lock lasts two seconds."""
    asked = RateLimitedError("", policy="SECONDLY", retry_after_seconds=17.0)
    assert [wait_seconds(error, 1) for error in (asked, LIMITED, LOCKED)] == [17.0, 2.0, 2.0]
    assert wait_seconds(RateLimitedError("", policy=None, retry_after_seconds=900.0), 1) == 60.0
    assert [wait_seconds(LIMITED, n) for n in range(1, 6)] == [2.0, 4.0, 8.0, 10.0, 10.0]
