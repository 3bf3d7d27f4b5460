"""What people do to the outbox: switch a destination off and on again, and have notices sent once more.

A notice that is sent again keeps its id and its bytes (P2) and gets ten tries anew. Switching needs no lease: one row
says it, and the next claim obeys, also that of a run under way. Sending itself is delivery's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Boolean, bindparam, exists, func, literal, or_, select, update

from connector.engine.ports import DestinationState
from connector.store.again import AGAIN, send_again
from connector.store.destinations import DUE, Destinations
from connector.store.part import IDS, PORTAL
from connector.store.store import SqlStore
from connector.store.tables import outbox, outbox_attempt

_last_try = (
    select(func.max(outbox_attempt.c.at))
    .where(outbox_attempt.c.portal == outbox.c.portal, outbox_attempt.c.entry == outbox.c.entry)
    .correlate(outbox)
    .scalar_subquery()
)
_FOUND = (
    select(outbox.c.entry)
    .where(
        outbox.c.portal == PORTAL, outbox.c.status == bindparam("status_"), outbox.c.digest.is_(None),
        outbox.c.body != "",
        or_(bindparam("any_destination", type_=Boolean()), outbox.c.destination == bindparam("destination_")),
        or_(
            bindparam("any_time", type_=Boolean()),
            (_last_try >= bindparam("since", type_=outbox_attempt.c.at.type))
            & (_last_try < bindparam("until", type_=outbox_attempt.c.at.type)),
        ),
    )
    .order_by(outbox.c.sequence)
)
_NAMED = select(outbox.c.entry, outbox.c.status, outbox.c.digest, outbox.c.body, outbox.c.last_error).where(
    outbox.c.portal == PORTAL, outbox.c.entry.in_(IDS)
)
_GIVEN_UP_SINCE = (
    select(outbox.c.entry)
    .where(
        outbox.c.portal == PORTAL, outbox.c.destination == bindparam("destination_"),
        outbox.c.status == "exhausted", outbox.c.digest.is_(None), _last_try >= bindparam("since"),
    )
    .order_by(outbox.c.sequence)
)
_AT_ONCE = (
    update(outbox)
    .where(outbox.c.portal == PORTAL, outbox.c.destination == bindparam("destination_"), outbox.c.status == DUE)
    .values(due_at=None)
)
_HEARD_OF = exists().where(outbox.c.portal == PORTAL, outbox.c.destination == bindparam("destination_"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """What a switching on found: how the destination was, what waits now, and how much of it had been given up."""

    before: DestinationState
    waiting: int
    again: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A notice that cannot be sent again. `why` is a sentence's end: “it was cancelled: …”."""

    entry: str
    why: str


class Resending:
    """Over one store. Fulfils no port: only people ask for it."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    def knows(self, destination: str) -> bool:
        """Whether anything was ever queued for it; notifications.yaml may not name it any more."""
        with self._store.database.reading() as connection:
            part = Destinations(connection, self._store.portal)
            return bool(part.select(select(literal(1)).where(_HEARD_OF), destination_=destination))

    def pause(self, destination: str) -> DestinationState:
        """Nothing more is sent to it; gives how it was. One that is off stays off as it was."""
        with self._store.database.writing() as connection:
            part, was = Destinations(connection, self._store.portal), []

            def switch_off(state: DestinationState) -> DestinationState:
                was.append(state)
                if state.off_at is not None:
                    return state
                now = self._store.database.now(connection)
                return replace(state, off_at=now, off_by="person", times_off=state.times_off + 1)

            part.learn(destination, switch_off)
        return was[0]

    def resume(self, destination: str) -> Resumed:
        """On again, rested and well; what waits is due at once, and so is what was given up while it failed."""
        with self._store.database.writing() as connection:
            part, was = Destinations(connection, self._store.portal), []

            def switch_on(state: DestinationState) -> DestinationState:
                was.append(state)
                return replace(
                    state, off_at=None, off_by="", rests_until=None, failing_since=None, failures=0, unanswered=0
                )

            part.learn(destination, switch_on)
            before, given_up = was[0], list[str]()
            if before.failing_since is not None:
                rows = part.select(_GIVEN_UP_SINCE, destination_=destination, since=before.failing_since)
                given_up = [row.entry for row in rows]
            send_again(part, given_up, None)
            part.change(_AT_ONCE, destination_=destination)
            waiting = part.backlog([destination])[destination]
        return Resumed(before=before, waiting=waiting, again=len(given_up))

    def find(
        self, status: str, destination: str | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> list[str]:
        """Ids of what came to its end so, in order of queueing; of what stands in a digest, the digest's.

        Args:
            since, until: of the last try; `until` itself is not in it.
        """
        span = {"since": since or datetime.min.replace(tzinfo=UTC), "until": until or datetime.max.replace(tzinfo=UTC)}
        facts = {"any_destination": destination is None, "destination_": destination or ""}
        with self._store.database.reading() as connection:
            part = Destinations(connection, self._store.portal)
            no_span = since is None and until is None
            return [row.entry for row in part.select(_FOUND, status_=status, any_time=no_span, **facts, **span)]

    def look_up(self, ids: Sequence[str]) -> tuple[list[str], list[Refused]]:
        """What can be sent again of these, each once, and what cannot. One that stands in a digest means its digest."""
        with self._store.database.reading() as connection:
            part = Destinations(connection, self._store.portal)
            known = {row.entry: row for row in part.select_by_id(_NAMED, ids)}
            digests = {row.digest for row in known.values() if row.digest} - known.keys()
            known |= {row.entry: row for row in part.select_by_id(_NAMED, sorted(digests))}
        found, refused = list[str](), list[Refused]()
        for name in dict.fromkeys(ids):
            row = known.get(name)
            row = known.get(row.digest) if row is not None and row.digest else row
            if row is not None and row.status in ("due", *AGAIN) and row.body:
                found.append(row.entry)
            else:
                refused.append(Refused(entry=name, why=_why_not(row)))
        return list(dict.fromkeys(found)), refused

    def retry(self, entry: str, now: datetime) -> bool:
        """As `send_again`, for one that waits or was given up; False for any other, or none."""
        with self._store.database.writing() as connection:
            part = Destinations(connection, self._store.portal)
            rows = part.select(_NAMED, ids=[entry])
            name = rows[0].digest or entry if rows else entry
            told = part.select(_NAMED, ids=[name])
            return bool(told and told[0].status in ("due", "exhausted") and send_again(part, [name], now))

    def sent(self, ids: Sequence[str]) -> int:
        """How many of these are sent by now."""
        with self._store.database.reading() as connection:
            rows = Destinations(connection, self._store.portal).select_by_id(_NAMED, ids)
            return sum(row.status == "sent" for row in rows)

    def send_again(self, ids: Sequence[str], now: datetime) -> int:
        """Due at once, be it given up, sent, or waiting for its next try; gives how many."""
        with self._store.database.writing() as connection:
            return send_again(Destinations(connection, self._store.portal), ids, now)


def _why_not(row: Any) -> str:
    if row is None:
        return "there is no such notice"
    if row.status == "cancelled":
        return f"it was cancelled: {row.last_error or 'what it told of is no longer so'}"
    if row.status == "held":
        return "it waits for its write into the CRM"
    return "its body was removed, as the rules for keeping personal data say"
