"""A short run between scheduled ones: only the hints that wait. No stream is pulled and no watermark moves (I4).

What the CRM says of itself (account, owners, properties) is asked for once a minute at most, so that a hint costs only
the calls for its contact. Where a whole run must come first, nothing is done here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connector.domain.owner import Owner
from connector.domain.run import SyncRun
from connector.engine import drift, preflight
from connector.engine.begin import rules_changed
from connector.engine.clock import CrmClock
from connector.engine.context import Options, Ports, build_context
from connector.engine.hints import ALONE, MOST_AT_ONCE, drain_all
from connector.engine.ports import Crm, PortalInfo, PortalState, Progress, Schema, Store
from connector.engine.pull import CONTACTS
from connector.rules.rulebook import RuleBook

FRESH = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the CRM said of itself, and when."""

    portal: PortalInfo
    owners: tuple[Owner, ...]
    schema: Schema
    clock: CrmClock

    @property
    def are_fresh(self) -> bool:
        return self.clock.age_seconds < FRESH.total_seconds()


def ask(crm: Crm, *, companies: bool = False) -> Answers:
    """Three calls, and one more where rules read companies."""
    portal = crm.portal()
    clock = CrmClock(portal.now)
    return Answers(portal=portal, owners=crm.owners(), schema=crm.schema(companies=companies), clock=clock)


def has_hints(store: Store) -> bool:
    with store.reading() as uow:
        return bool(uow.waiting_hints(1))


def sync_hints(
    ports: Ports, book: RuleBook, answers: Answers, options: Options, progress: Progress | None = None
) -> int | None:
    """Look at the hints that wait; gives how many, None where a whole run is due first.

    A whole run is due before the first one is complete, after one was cut off, when the rules changed, and when a
    property is gone or back.

    Raises:
        AlreadyRunningError: another process works on the portal; the hints wait.
        What the CRM's door raises; hints that are not done yet wait.
    """
    with ports.store.reading() as uow:
        state, covered = uow.portal_state(), uow.watermark(CONTACTS)
        unread = uow.unread()
        cut_off = uow.unfinished_run() is not None
    if state is None or covered is None or cut_off or rules_changed(state, book, options):
        return None
    gone = preflight.require(book, answers.schema, answers.owners, drift.known_properties(ports.store))
    with ports.store.reading() as uow:
        if drift.moved(uow, gone):
            return None
    with ports.store.lease() as epoch:
        context = build_context(
            ports,
            book,
            answers.portal,
            answers.schema,
            _run(book, answers, state, epoch),
            options=options,
            clock=answers.clock,
            past=state.handoff_since,
            covered=covered,
            unread=unread,
            progress=progress,
            gone=gone,
        )
        return drain_all(context, most=MOST_AT_ONCE)


def _run(book: RuleBook, answers: Answers, state: PortalState, epoch: int) -> SyncRun:
    """Under it no row is kept: each batch of hints is a run of its own."""
    now = max(answers.clock.latest(), state.as_of or datetime.min.replace(tzinfo=UTC))
    fingerprint = book.fingerprint
    return SyncRun(id=ALONE, started_at=now, as_of=now, fingerprint=fingerprint, seed=epoch, epoch=epoch)
