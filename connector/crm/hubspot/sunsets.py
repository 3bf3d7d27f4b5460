"""Sunsets: which of the calls that Handoff makes lose HubSpot's support, and when. `handoff check` tells of it early.

"Unsupported" is no shut-off: calls may go on for a while, and nobody mends them. A dated version is supported for 18
months. Where HubSpot's pages disagree the earlier day stands here.
Source: hubspot-facts, section 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta

from connector.crm.hubspot.paths import ROUTES, VERSIONS
from connector.rules.words import day, many

ENDS: Mapping[str, date] = {
    "v4": date(2027, 3, 30),
    "v3": date(2027, 9, 1),
    "v1": date(2027, 9, 1),
    "2026-03": date(2027, 9, 30),
}
"""Version as it stands in a path -> the first day without support; of a month, its first."""
AHEAD = timedelta(days=180)
_VERSION = re.compile(r"/(v\d|\d{4}-\d\d)(?=/|$)")


def fading(version: str, today: date) -> list[str]:
    """One sentence for each version in use that loses support within 180 days, or has lost it; the first to go first.

    Args:
        version: HUBSPOT_API_VERSION.
    """
    paths: dict[str, dict[str, bool]] = {}
    for route in ROUTES:
        path = route.template(version)
        found = _VERSION.search(path)
        if found is not None:
            paths.setdefault(found[1], {})[path] = any(route.template(other) != path for other in VERSIONS)
    ending = sorted((ENDS[one], one) for one in paths if ENDS[one] - AHEAD <= today)
    return [_sentence(one, paths[one], ends, today, version) for ends, one in ending]


def _sentence(one: str, paths: Mapping[str, bool], ends: date, today: date, version: str) -> str:
    when = f"stopped supporting {one} on" if today >= ends else f"stops supporting {one} on"
    stay = [path for path, has_another in paths.items() if not has_another]
    what = f"Handoff calls {many(len(paths), 'endpoint')} of it, such as {next(iter(paths))}"
    newest = VERSIONS[-1]
    todo = "update Handoff" if version == newest else f"set HUBSPOT_API_VERSION={newest}"
    if len(stay) == len(paths):
        todo = "HubSpot has no newer path for them yet; update Handoff when it has"
    elif stay:
        todo += f"; {', '.join(stay)} has no newer path yet"
    return f"HubSpot {when} {day(ends)}: {what}; {todo}."
