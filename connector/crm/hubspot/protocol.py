"""HubSpot's answers in pure functions: pages to rows and cursors, instants and counts both ways. Errors: refusals.py.

Source: hubspot-facts, sections 2 and 3.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any

from connector.errors import ContractError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
MILLISECONDS = re.compile(r"-?[0-9]{1,19}")
COUNT = re.compile(r"[0-9]{1,12}")

# -- pages -------------------------------------------------------------------------------------------------------

NOT_ITS_SHAPE = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


@contextmanager
def understood(what: str) -> Iterator[None]:
    """For parsers, as a decorator or around a block: values of other shapes than documented end in ContractError.

    The whole answer is left alone then, never half-read (P7). `what` names it for people, such as `a deal`.
    """
    try:
        yield
    except NOT_ITS_SHAPE as error:
        raise ContractError(
            f"{what} in HubSpot's answer does not look as HubSpot documents it ({type(error).__name__})",
            advice="Run again; if it stays, report it with the API version in use.",
        ) from error


def parse_rows(payload: object, *, key: str = "results") -> list[dict[str, Any]]:
    """The rows of an answer.

    Raises:
        ContractError: no list of objects under `key`; the whole answer is left alone (P7).
    """
    rows = payload.get(key) if isinstance(payload, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ContractError(f"HubSpot's answer has no list of {key}", advice="Run again; if it stays, report it.")
    return rows


def parse_next(payload: object) -> str | None:
    """The opaque cursor after this page; None when it was the last."""
    paging = payload.get("paging") if isinstance(payload, dict) else None
    following = paging.get("next") if isinstance(paging, dict) else None
    after = following.get("after") if isinstance(following, dict) else None
    return str(after) if after not in (None, "") else None


class Cursors:
    """Watches the cursors of one query: one that comes twice is an error, not an endless loop."""

    def __init__(self, first: str | None = None) -> None:
        self._seen = {first} if first is not None else set()

    def next(self, cursor: str | None) -> str | None:
        if cursor is not None and cursor in self._seen:
            raise ContractError(
                "HubSpot sent the same page cursor twice; the pull stopped instead of going round in circles",
                advice="Run again; what was read so far is kept.",
            )
        if cursor is not None:
            self._seen.add(cursor)
        return cursor


# -- values ------------------------------------------------------------------------------------------------------


def parse_instant(value: object) -> datetime | None:
    """An ISO instant or epoch milliseconds, as text or number; None where it is empty or neither (section 3.4)."""
    if isinstance(value, str):
        if MILLISECONDS.fullmatch(value):
            return from_milliseconds(int(value))
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        return from_milliseconds(int(value))
    return None


def from_milliseconds(milliseconds: int) -> datetime | None:
    try:
        return EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None


def to_milliseconds(moment: datetime) -> int:
    """Whole epoch milliseconds, rounded down, without the loss of a float."""
    return (moment - EPOCH) // MILLISECOND


def to_iso(moment: datetime) -> str:
    """Such as 2026-03-01T09:30:00.000Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def parse_date_header(headers: Mapping[str, str]) -> datetime | None:
    """HubSpot's own clock (whole seconds); None where the header is missing or odd."""
    try:
        moment = parsedate_to_datetime(headers["Date"])
        # Without a zone it is UTC (RFC 9110); taken as local time it would shift our clock by hours.
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (KeyError, ValueError, OverflowError):
        return None


def parse_count(headers: Mapping[str, str], name: str) -> int | None:
    """A whole number in a header; None where it is missing or none."""
    text = headers.get(name, "")
    return int(text) if COUNT.fullmatch(text) else None
