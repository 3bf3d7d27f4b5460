"""What people ask of the database at the command line: lists and counts as plain values; nothing is written."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, func, select

from connector.domain.episode import UNANSWERED
from connector.domain.timer import BREACH, TimerKind
from connector.engine.ports import DestinationState
from connector.engine.ports.proof import PROVED
from connector.store.codec import decode_values
from connector.store.decisions import PREDATES
from connector.store.destinations import Destinations
from connector.store.part import IDS, PORTAL, Part
from connector.store.portals import shown_run
from connector.store.store import SqlStore
from connector.store.tables import (
    audit,
    contact,
    decision,
    episode,
    outbox,
    outbox_attempt,
    owner,
    run,
    stranded,
    timer,
)

Row = Mapping[str, object]

_scored = decision.alias("scored")
_LAST_SCORED = (
    select(func.max(_scored.c.number))
    .where(_scored.c.portal == episode.c.portal, _scored.c.contact == episode.c.contact, _scored.c.score.is_not(None))
    .correlate(episode)
    .scalar_subquery()
)
_LIMITS = (
    select(timer.c.episode, timer.c.name, timer.c.assignment, timer.c.due_at, timer.c.fired_at)
    .where(
        timer.c.portal == PORTAL, timer.c.contact.in_(IDS), timer.c.kind == TimerKind.SLA.value,
        timer.c.level == BREACH,
    )
    .order_by(timer.c.due_at)
)
_LEADS = (
    select(episode, contact.c.fields, owner.c.name, decision.c.score, decision.c.grade)
    .select_from(episode)
    .outerjoin(contact, (contact.c.portal == episode.c.portal) & (contact.c.contact == episode.c.contact))
    .outerjoin(owner, (owner.c.portal == episode.c.portal) & (owner.c.owner == episode.c.owner))
    .outerjoin(
        decision,
        (decision.c.portal == episode.c.portal) & (decision.c.contact == episode.c.contact)
        & (decision.c.number == _LAST_SCORED),
    )
    .where(episode.c.portal == PORTAL, ~episode.c.silent)
    .limit(bindparam("most"))
)
_HOTTEST = (func.coalesce(decision.c.score, 0).desc(), episode.c.opened_at, episode.c.episode)
_NEWEST = (func.coalesce(episode.c.handed_off_at, episode.c.opened_at).desc(), episode.c.episode)
_SILENT = (
    select(episode.c.state, func.count().label("found"))
    .where(episode.c.portal == PORTAL, episode.c.is_open, episode.c.silent)
    .group_by(episode.c.state)
)
_STRANDED = (
    select(stranded, episode.c.state, episode.c.owner, owner.c.name)
    .join(episode, (episode.c.portal == stranded.c.portal) & (episode.c.episode == stranded.c.episode))
    .outerjoin(owner, (owner.c.portal == episode.c.portal) & (owner.c.owner == episode.c.owner))
    .where(stranded.c.portal == PORTAL, episode.c.is_open)
    .order_by(stranded.c.found_at, stranded.c.contact)
)
_PREDATING = select(func.count().label("found")).select_from(decision).where(PREDATES)
_OUTBOX = select(outbox).where(outbox.c.portal == PORTAL).order_by(outbox.c.sequence.desc()).limit(bindparam("most"))
_ENTRY = select(outbox).where(outbox.c.portal == PORTAL, outbox.c.entry == bindparam("entry_"))
_ATTEMPTS = (
    select(outbox_attempt)
    .where(outbox_attempt.c.portal == PORTAL, outbox_attempt.c.entry == bindparam("entry_"))
    .order_by(outbox_attempt.c.number)
)
_TOLD_BY = (
    select(outbox.c.entry)
    .where(outbox.c.portal == PORTAL, outbox.c.digest == bindparam("entry_"))
    .order_by(outbox.c.sequence)
)
_RUN = select(run).where(run.c.portal == PORTAL, run.c.run == bindparam("run_"))
_RUNS_SINCE = (
    select(run).where(run.c.portal == PORTAL, run.c.as_of >= bindparam("since_")).order_by(run.c.as_of, run.c.run)
)
_REFUSED = (
    select(audit)
    .where(
        audit.c.portal == PORTAL, audit.c.run == bindparam("run_"), audit.c.outcome == "rejected",
        audit.c.rule == "write",
    )
    .order_by(audit.c.at, audit.c.effect)
)
_STATUS_COUNTS = (
    select(outbox.c.status, func.count().label("found")).where(outbox.c.portal == PORTAL).group_by(outbox.c.status)
)


class Queries:
    """Over the database of one store. Times are aware UTC, scores are points."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    def leads(
        self, limit: int, state: str | None = None, hot: bool = False, reaction: Collection[str] = ()
    ) -> list[Row]:
        """Leads in sales' hands, silent ones not counted, the newest or (`hot`) the highest score first.

        Args:
            state: only those in this state, ended ones too; None: all that are open.
            reaction: the clocks that a touch stops. `due_at` is the limit of such a clock, as the rep was told, also
                when it has passed without a reaction; else the next limit of any clock. Reminders are no limits.
        """
        found = _LEADS.where(episode.c.is_open if state is None else episode.c.state == state)
        with self._store.database.reading() as connection:
            part = Part(connection, self._store.portal)
            rows = part.select(found.order_by(*(_HOTTEST if hot else _NEWEST)), most=limit)
            limits = list(part.select_by_id(_LIMITS, [row.contact for row in rows]))
        by_episode: dict[str, list[Any]] = {}
        for one in limits:
            by_episode.setdefault(one.episode, []).append(one)
        return [_lead(row, _due(row, by_episode.get(row.episode, []), reaction)) for row in rows]

    def stranded(self) -> tuple[list[Row], datetime | None]:
        """Leads that the newest nightly proof could not mend and that are open still, and when that was (R17)."""
        rows = self._select(_STRANDED)
        with self._store.reading() as uow:
            proved_at = uow.watermark(PROVED)
        return [
            {
                "contact": row.contact, "owner": row.name or row.owner or "", "state": row.state, "cause": row.cause,
                "since": row.found_at, "why": row.words,
            }
            for row in rows
        ], proved_at

    def time_zone(self) -> str:
        """The portal's; UTC before its first run."""
        with self._store.reading() as uow:
            state = uow.portal_state()
        return state.time_zone if state else "UTC"

    def cohorts(self) -> dict[str, int]:
        """What waits to be adopted (R41), by the cohorts of `handoff adopt`."""
        from connector.engine.adopt import COHORTS, QUALIFIED  # brings all the rules along

        silent = {row.state: row.found for row in self._select(_SILENT)}
        counted = {name: sum(silent.get(state.value, 0) for state in states) for name, states in COHORTS.items()}
        return {**counted, QUALIFIED: self._select(_PREDATING)[0].found}

    def run(self, run_id: str = "") -> Row | None:
        """One run with its counts, or the newest, a look at hints aside; None where there is no such."""
        if not run_id:
            with self._store.reading() as uow:
                return next(iter(uow.runs(1)), None)
        for row in self._select(_RUN, run_=run_id):
            return shown_run(row)
        return None

    def runs_since(self, as_of: datetime) -> list[Row]:
        """Runs of that instant or later, looks at hints and undone runs too, oldest first."""
        return [shown_run(row) for row in self._select(_RUNS_SINCE, since_=as_of)]

    def as_of(self) -> datetime | None:
        """Of the newest run; None before the first."""
        with self._store.reading() as uow:
            state = uow.portal_state()
        return state.as_of if state else None

    def refused(self, run_id: str) -> list[Row]:
        """Changes that the CRM refused in that run, one row for each record, with its reason; no values of people."""
        return [
            {
                "contact": row.contact, "reason": row.inputs.get("reason", ""), "fields": row.inputs.get("fields", []),
                "episode": row.episode, "at": row.at,
            }
            for row in self._select(_REFUSED, run_=run_id)
        ]

    def set_aside(self, run: Row) -> list[Row]:
        """Contacts that this run set aside and no other looked at since."""
        with self._store.reading() as uow:
            return [row for row in uow.quarantined() if row["last_at"] == run["as_of"]]

    def outbox_rows(self, status: str | None = None, limit: int = 50, destination: str | None = None) -> list[Row]:
        """Newest first, without their bodies."""
        found = _OUTBOX if status is None else _OUTBOX.where(outbox.c.status == status)
        found = found if destination is None else found.where(outbox.c.destination == destination)
        return [_notice(row) for row in self._select(found, most=limit)]

    def outbox_entry(self, entry: str) -> Row | None:
        """One notice with its body, its tries and, of a digest, whom it tells of; None where there is no such."""
        for row in self._select(_ENTRY, entry_=entry):
            tries = [
                {"at": one.at, "status": one.status, "error": one.error, "seconds": one.seconds}
                for one in self._select(_ATTEMPTS, entry_=entry)
            ]
            told = [one.entry for one in self._select(_TOLD_BY, entry_=entry)]
            facts = {"intent": row.intent, "tells_of": told, "attempts": tries, "body": row.body}
            return {**_notice(row), **facts}
        return None

    def outbox_counts(self) -> dict[str, int]:
        return {row.status: row.found for row in self._select(_STATUS_COUNTS)}

    def destinations(self) -> tuple[dict[str, DestinationState], dict[str, int]]:
        """Those that were ever tried or switched, and how many notices wait for each."""
        with self._store.database.reading() as connection:
            part = Destinations(connection, self._store.portal)
            states = part.destinations()
            return states, part.backlog(list(states))

    def _select(self, statement: Select[Any], **values: Any) -> Any:
        with self._store.database.reading() as connection:
            return Part(connection, self._store.portal).select(statement, **values)


def _due(row: Any, limits: Sequence[Any], reaction: Collection[str]) -> datetime | None:
    """Earliest first in `limits`. What a former owner owed is nobody's limit any more."""
    present = [limit for limit in limits if limit.assignment == row.assignment]
    unanswered = row.touched_at is None and (row.state in UNANSWERED or row.inherited)
    awaited = [one for one in present if one.name in reaction and (one.fired_at is None or unanswered)]
    ahead = [one for one in present if one.fired_at is None]
    return next((one.due_at for one in (*awaited, *ahead)), None)


def _lead(row: Any, due_at: datetime | None) -> Row:
    fields = decode_values(row.fields) if row.fields else {}
    name = " ".join(str(part) for part in (fields.get("first_name"), fields.get("last_name")) if part)
    return {
        "contact": row.contact, "name": name, "email": fields.get("email") or "",
        "company": fields.get("company") or "",
        "score": None if row.score is None else row.score / 100, "grade": row.grade or "",
        "state": row.state, "owner": row.name or row.owner or "", "handed_off_at": row.handed_off_at,
        "touched_at": row.touched_at, "due_at": due_at, "reason": row.reason, "episode": row.episode,
    }


def _notice(row: Any) -> dict[str, object]:
    return {
        "id": row.entry, "status": row.status, "kind": row.kind, "destination": row.destination,
        "contact": row.contact, "episode": row.episode, "tries": row.tries, "due_at": row.due_at,
        "sent_at": row.sent_at, "last_error": row.last_error, "queued_at": row.queued_at, "digest": row.digest,
    }
