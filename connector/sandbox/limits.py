"""Rate limits of one portal: ten-second window per token, search per second, requests a day.

Windows use the wall (monotonic) clock; the daily counter is reset at midnight of the portal's zone by the sandbox
clock. Refused calls are not counted. Source: hubspot-facts section 2.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from .app import ApiError
from .portal import Grant, Portal


@dataclass(slots=True)
class Usage:
    """What the portal has used; `day` is the portal's own date."""

    windows: dict[str, deque[float]] = field(default_factory=dict)
    searches: dict[str, deque[float]] = field(default_factory=dict)
    day: str = ""
    today: int = 0


def usage(portal: Portal) -> Usage:
    """Give the portal's usage, the daily counter turned over at its midnight."""
    found = portal.state("limits", Usage)
    day = local_now(portal).date().isoformat()
    if found.day != day:
        found.day, found.today = day, 0
    return found


def local_now(portal: Portal) -> datetime:
    """Give the present instant in the portal's zone."""
    return portal.clock.now().astimezone(ZoneInfo(portal.time_zone))


def admit(portal: Portal, grant: Grant, limit: str, correlation_id: str) -> None:
    """Count a call, or refuse it.

    Raises:
        ApiError: 429 with the policy that was met.
    """
    if limit == "none":
        return
    switches, used, now = portal.switches, usage(portal), time.monotonic()
    per_day = switches.requests_a_day
    if per_day and not grant.oauth and used.today >= per_day:
        raise _refusal(portal, "DAILY", "You have reached your daily limit.", correlation_id, 3600)
    if limit == "search":
        who = grant.token if switches.search_limit_scope == "token" else ""
        window, most, seconds = used.searches.setdefault(who, deque()), switches.search_per_second, 1.0
        refusal = ("SECONDLY", "You have reached your secondly limit.")
    else:
        most = switches.oauth_rate_per_10s if grant.oauth else switches.rate_per_10s
        window, seconds = used.windows.setdefault(grant.token, deque()), 10.0
        refusal = ("TEN_SECONDLY_ROLLING", "You have reached your ten_secondly_rolling limit.")
    _forget(window, now - seconds)
    if most and len(window) >= most:
        raise _refusal(portal, *refusal, correlation_id, max(1, round(window[0] + seconds - now + 0.5)))
    window.append(now)
    used.today += 1


def headers(portal: Portal, grant: Grant, limit: str) -> dict[str, str]:
    """Give the rate headers of an answer; searches carry none, OAuth calls lack the daily pair.

    A limit that is switched off has no headers.
    """
    if limit != "ten_secondly":
        return {}
    used, switches = usage(portal), portal.switches
    most = switches.oauth_rate_per_10s if grant.oauth else switches.rate_per_10s
    window = used.windows.get(grant.token, deque())
    found: dict[str, str] = {}
    if most:
        found = {
            "X-HubSpot-RateLimit-Max": str(most),
            "X-HubSpot-RateLimit-Remaining": str(max(0, most - len(window))),
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            "X-HubSpot-RateLimit-Secondly": str(most // 10),
            "X-HubSpot-RateLimit-Secondly-Remaining": str(max(0, most // 10 - 1)),
        }
    per_day = switches.requests_a_day
    if per_day and not grant.oauth:
        found["X-HubSpot-RateLimit-Daily"] = str(per_day)
        found["X-HubSpot-RateLimit-Daily-Remaining"] = str(max(0, per_day - used.today))
    return found


def _forget(window: deque[float], before: float) -> None:
    while window and window[0] <= before:
        window.popleft()


def _refusal(portal: Portal, policy: str, message: str, correlation_id: str, seconds: int) -> ApiError:
    extra = {"errorType": "RATE_LIMIT", "policyName": policy, "requestId": correlation_id}
    if policy == "TEN_SECONDLY_ROLLING":
        extra["groupName"] = f"privateapps:{portal.id}"
    sent = {"Retry-After": str(seconds)} if portal.switches.retry_after_header else {}
    return ApiError(429, "", message, extra=extra, headers=sent)
