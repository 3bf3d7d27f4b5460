"""Search by what changed: a frozen window, rising ids, any number of rows.

HubSpot's search stops at 10,000 rows of one query, and bulk updates stamp thousands of rows alike. So each page asks
for ids above the last one seen instead of paging by offset (hubspot-facts, section 3.3; pitfall 1 of section 10).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from connector.crm.hubspot.client import raw
from connector.crm.hubspot.protocol import parse_rows, to_milliseconds
from connector.engine.ports import Window
from connector.errors import ContractError

PAGE = 200
ID = re.compile(r"[0-9]{1,20}")


def pull_by_id(
    api: Any, modified: str, window: Window, properties: Sequence[str], cursor: str | None
) -> Iterator[tuple[list[dict[str, Any]], str | None]]:
    """Pages of at most 200 rows with the cursor after each: the last id, or None when that was all.

    Args:
        api: a search API of the client library.
        modified: the object's name for its modification instant.
        cursor: resumes after this id.
    """
    for rows, last, _ in pull_counted(api, modified, window, properties, cursor):
        yield rows, last


def pull_counted(
    api: Any, modified: str, window: Window, properties: Sequence[str], cursor: str | None
) -> Iterator[tuple[list[dict[str, Any]], str | None, int | None]]:
    """The same, each with how many rows HubSpot counts from this page's first on; None where it does not say."""
    last = cursor
    while True:
        payload = raw(api.do_search, build_search(modified, window, properties, last)).payload
        rows = parse_rows(payload)
        last = _last_id(rows, last)
        total = payload.get("total")
        left = total if isinstance(total, int) else None
        ended = _was_all(rows, left)
        yield rows, None if ended else last, left
        if ended:
            return


def _was_all(rows: Sequence[dict[str, Any]], left: int | None) -> bool:
    """Whether nothing is left above these rows.

    A page may be short in the middle, for HubSpot promises no full ones; without a count there is no other sign. And a
    full last page needs no call more.

    Raises:
        ContractError: no rows though there are some; taken for the end, they would be lost without a word.
    """
    if left is None:
        return len(rows) < PAGE
    if left > 0 and not rows:
        raise ContractError(
            f"HubSpot's search says that {left} more rows match and shows none of them; the pull stopped",
            advice="Run again; what was read so far is kept.",
        )
    return left <= len(rows)


def build_search(modified: str, window: Window, properties: Sequence[str], after_id: str | None) -> dict[str, Any]:
    """The body; every key that HubSpot's specification requires is there."""
    until = window.until + timedelta(microseconds=999)  # rounded up to the millisecond: the end is part of the window
    filters = [
        {"propertyName": modified, "operator": "GTE", "value": str(to_milliseconds(window.since))},
        {"propertyName": modified, "operator": "LTE", "value": str(to_milliseconds(until))},
    ]
    if after_id is not None:
        filters.append({"propertyName": "hs_object_id", "operator": "GT", "value": after_id})
    return {
        "filterGroups": [{"filters": filters}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": list(properties),
        "limit": PAGE,
        "after": "0",
    }


def _last_id(rows: Sequence[dict[str, Any]], last: str | None) -> str | None:
    """The highest id so far.

    Raises:
        ContractError: ids that are no numbers or do not rise; paging on would skip rows or go round in circles.
    """
    before = -1 if last is None else int(last)
    for row in rows:
        identity = str(row.get("id"))
        if not ID.fullmatch(identity) or int(identity) <= before:
            raise ContractError(
                "HubSpot's search did not give rising ids, or the same page twice; the pull stopped",
                advice="Run again; what was read so far is kept.",
            )
        before, last = int(identity), identity
    return last
