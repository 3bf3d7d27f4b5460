"""Completeness: what a pull covered and what it saw there, for a person to check that nothing was missed (P1, I4).

How a page adds to the figures of its stream, and how they are told; who pulls keeps them (engine/completeness.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.domain.run import Seen
from connector.rules.words import many

CONTACTS = "contacts"
SECOND = timedelta(seconds=1)

Stamps = tuple[datetime, datetime | None]
"""When a row was last changed, by the CRM's own word; and the same of what is stored of it, None where nothing is."""


def add_rows(seen: Seen, rows: int, left: int | None = None, door: str = "") -> Seen:
    """`left`: how many rows the CRM counts from the first of these on; its first word counts. `door`: how they came."""
    counted = seen.rows + left if seen.counted is None and left is not None else seen.counted
    doors = {**seen.doors, door: seen.doors.get(door, 0) + rows} if door else seen.doors
    return replace(seen, rows=seen.rows + rows, counted=counted, doors=doors)


def add_contacts(seen: Seen, stamps: Iterable[Stamps], *, covered: datetime | None, until: datetime) -> Seen:
    """What rows say that are counted already.

    Args:
        covered: `as_of` of the run before: what was changed up to then is late, unless it is known; None for the first.
        until: where the window ends.
    """
    new = changed = known = overlap = late = outside = 0
    hidden = seen.latest * SECOND
    since = seen.since
    for at, stored in stamps:
        outside += at > until or (since is not None and at < since)
        before = covered is not None and at <= covered
        if stored is not None and stored >= at:
            known += 1
            overlap += before
            continue
        new += stored is None
        changed += stored is not None
        if covered is not None and before:
            late += 1
            hidden = max(hidden, covered - at)
    return replace(
        seen,
        new=seen.new + new,
        changed=seen.changed + changed,
        known=seen.known + known,
        overlap=seen.overlap + overlap,
        late=seen.late + late,
        latest=-(-hidden // SECOND),
        outside=seen.outside + outside,
    )


def restored(stored: object) -> dict[str, Seen]:
    """Figures by stream as they were stored, also by another version of Handoff; `since` as text or instant."""
    known = {one.name for one in fields(Seen)}
    figures = stored if isinstance(stored, dict) else {}
    return {name: _seen({one: facts[one] for one in facts if one in known}) for name, facts in figures.items()}


def _seen(facts: dict[str, Any]) -> Seen:
    since = facts.get("since")
    return Seen(**facts | {"since": datetime.fromisoformat(since) if isinstance(since, str) else since})


# -- told --------------------------------------------------------------------------------------------------------


def as_plain(streams: Mapping[str, Seen], until: datetime) -> dict[str, dict[str, object]]:
    """By stream, for JSON: the window, then the figures; those that are of contacts alone only there."""
    return {name: _plain(seen, until, whole=name == CONTACTS) for name, seen in streams.items()}


def _plain(seen: Seen, until: datetime, *, whole: bool) -> dict[str, object]:
    since = seen.since.isoformat() if seen.since else None
    facts = asdict(seen) | {"since": since}
    shown = facts if whole else {name: facts[name] for name in ("since", "trailing", "rows")}
    return {"since": since, "until": until.isoformat(), **shown}


def in_a_sentence(streams: Mapping[str, Seen], until: datetime, *, is_open: bool = False) -> str:
    """What the run saw of contacts, in one sentence; empty where it pulled none.

    Args:
        is_open: the window stays open, for something in it is not done yet.
    """
    seen = streams.get(CONTACTS)
    if seen is None:
        return ""
    parts = [_how_many(seen), *_compared(seen)]
    if seen.late:
        parts.append(f"{many(seen.late, 'change')} had been shown late, by up to {_span(seen.latest)}")
    if seen.erased:
        parts.append(f"{seen.erased:,} left out, erased here")
    end = " The window stays open: the next run reads it again." if is_open else ""
    return f"{_covered(seen, until)}: {'; '.join(parts)}.{end}"


def _covered(seen: Seen, until: datetime) -> str:
    end = until.astimezone(UTC)
    if seen.since is None:
        return f"All contacts as of {end:%Y-%m-%d %H:%M} UTC"
    start = seen.since.astimezone(UTC)
    day = "" if start.date() == end.date() else "%Y-%m-%d "
    return f"Contacts changed from {start:%Y-%m-%d %H:%M} to {end:{day}%H:%M} UTC"


def _how_many(seen: Seen) -> str:
    ways = ", ".join(f"{rows:,} by the {door}" for door, rows in seen.doors.items()) if len(seen.doors) > 1 else ""
    rows = f"{seen.rows:,} seen ({ways})" if ways else f"{seen.rows:,} seen"
    if seen.counted is None:
        return rows
    if seen.counted == seen.rows:
        return f"{rows}, as many as the CRM counts"
    return (
        f"{rows}, {seen.counted:,} counted by the CRM when the pull began (what changes meanwhile comes "
        "with the next run)"
    )


def _compared(seen: Seen) -> list[str]:
    kinds = {"new": seen.new, "changed": seen.changed, "known already": seen.known}
    told = [f"{number:,} {word}" for word, number in kinds.items() if number]
    if seen.overlap:
        told[-1] += f" ({seen.overlap:,} of them read again on purpose)"
    return [", ".join(told)] if told else []


def _span(seconds: int) -> str:
    """Rounded up."""
    for unit, length in (("hour", 3600), ("minute", 60)):
        if seconds >= 2 * length:
            return many(-(-seconds // length), unit)
    return many(seconds, "second")
