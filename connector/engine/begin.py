"""The beginning of a run: what time it is, whether the portal suits the rules, and which run it is.

A run that a kill left open is gone on with: its id, its `as_of`, its seed (I9). What a run then does is run.py's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from connector.domain.owner import Owner
from connector.domain.run import RunCounts, RunId, RunStatus, SyncRun
from connector.engine import drift, fitting, preflight
from connector.engine.backfill import FORMER, FULL, IN_SHADOW
from connector.engine.clock import CrmClock
from connector.engine.context import Context, Options, Ports, build_context
from connector.engine.new_rules import RULES_CHANGED
from connector.engine.ports import PortalInfo, PortalState, Progress, Store, UnitOfWork
from connector.engine.ports.rows import SHADOW
from connector.engine.pull import CONTACTS, in_full
from connector.rules.rulebook import RuleBook

CUT_OFF = "cut off under other rules"
AFTER_SHADOW = "live after shadow"
A_MOMENT = timedelta(milliseconds=1)
FAR_AHEAD = timedelta(minutes=10)
"""By so much may the CRM's clock have stepped back before a run says so."""


def what_time_it_is(ports: Ports, portal: PortalInfo, clock: CrmClock) -> PortalInfo:
    """Asked again where it is known to be later: others worked while we stood still before we had the lease.

    Gives the same again where the CRM's clock has stepped back.
    """
    with ports.store.reading() as uow:
        known = uow.portal_state()
    if known is None or known.as_of is None or known.as_of <= portal.now:
        return portal
    again = ports.crm.portal()
    clock.hear(again.now)
    return again


def begin_run(
    ports: Ports,
    book: RuleBook,
    portal: PortalInfo,
    options: Options,
    progress: Progress | None,
    epoch: int,
    clock: CrmClock,
) -> tuple[Context, Mapping[str, str]]:
    asked = _ask_for_scopes(ports, book, portal, options)
    owners, schema = ports.crm.owners(), ports.crm.schema(companies=book.fields.reads_companies)
    gone = preflight.require(book, schema, owners, drift.known_properties(ports.store))
    with ports.store.transaction() as uow:
        known = uow.portal_state()
        if asked:
            uow.put_watermark(preflight.SCOPES, portal.now)
        before = known if known is not None and known.as_of is not None else None
        state = _state(before, portal, options)
        run, marks = _run(uow, portal, state, book, epoch)
        former = set(marks.get(FORMER, "").split())
        covered, unread = uow.watermark(CONTACTS), uow.unread()
        if options.full:
            marks = in_full(marks, first=covered is None)
            uow.put_progress(run.id, marks)  # now already: a kill before the first page must not forget it
        uow.put_portal_state(replace(state, as_of=run.as_of))
        _keep_owners(uow, owners)
        uow.put_rulebook(book.fingerprint, book.as_dict(), portal.now)
        changed = rules_changed(before, book, options) or _otherwise_before(marks, options)
        if options.shadow:
            marks = {**marks, IN_SHADOW: "yes"}
            uow.put_progress(run.id, marks)
        if changed:
            uow.mark_all_dirty(changed)
        uow.mark_retries_dirty()
        returned = drift.note(uow, book, gone, portal.now)
        if returned:
            marks = in_full(marks, first=covered is None)
            uow.put_progress(run.id, marks)
    if before is not None and before.fingerprint and changed:
        former.add(before.rules)
    anew = any(_reads_differ(ports.store, one, book) for one in former)
    if anew:
        marks = in_full(marks, first=covered is None)
    context = build_context(
        ports,
        book,
        portal,
        schema,
        run,
        options=replace(options, full=FULL in marks),
        clock=clock,
        past=state.handoff_since,
        covered=covered,
        unread=unread,
        progress=progress,
        renormalise=anew or bool(returned),
        gone=gone,
    )
    context.returned = returned
    context.troubles += drift.sentences(context.whole, gone)
    context.remarks += [*preflight.remarks(book, owners), *fitting.told(fitting.options_that_lack(book, schema))]
    context.remarks += preflight.silence(context.destinations)
    if before is not None and changed == RULES_CHANGED:
        context.former = before.rules
    if run.as_of - portal.now > FAR_AHEAD:
        context.troubles.append(_ahead(run.as_of, portal.now))
    return context, marks


def _ahead(as_of: datetime, now: datetime) -> str:
    """Time never goes back (I9), so one wrong answer of the CRM dates all that follows: that must not be silent."""
    then, today = (f"{at:%Y-%m-%d %H:%M} UTC" for at in (as_of, now))
    return (
        f"an earlier run was told by the CRM that it was {then}, and now it says {today}: until then everything counts "
        "as of that time, and new interest looks old; put back a copy of the database from before that run, or wait"
    )


def _ask_for_scopes(ports: Ports, book: RuleBook, portal: PortalInfo, options: Options) -> bool:
    """Before a run that writes, once a day and when the rules changed; gives whether the token was found to do (S2)."""
    if options.dry_run or options.shadow:
        return False
    with ports.store.reading() as uow:
        due = preflight.scopes_are_due(uow.watermark(preflight.SCOPES), portal.now)
        due = due or bool(rules_changed(uow.portal_state(), book, options))
    return due and preflight.require_scopes(ports.crm)


def _run(
    uow: UnitOfWork, portal: PortalInfo, state: PortalState, book: RuleBook, epoch: int
) -> tuple[SyncRun, Mapping[str, str]]:
    """The run to do, with its progress: the one that was cut off, else a new one."""
    stored = uow.unfinished_run()
    run, marks = _resume(stored, book, epoch) or (_new_run(portal, state, book, epoch), {})
    uow.put_run(run)
    if stored is not None and stored[0].id != run.id:
        uow.finish_run(stored[0].id, RunStatus.FAILED, RunCounts(), portal.now, "cut off; the rules changed since")
        marks = {FORMER: f"{stored[1].get(FORMER, '')} {stored[0].fingerprint}"}
        uow.put_progress(run.id, marks)
    return run, marks


def _keep_owners(uow: UnitOfWork, owners: Sequence[Owner]) -> None:
    """Whom the CRM does not name any more gets no leads either (P7)."""
    present = {owner.id for owner in owners}
    known = uow.owners()
    left = [replace(owner, archived=True) for owner in known if owner.id not in present]
    there = {owner.id for owner in known if not owner.archived}
    gone = [owner.id for owner in (*owners, *left) if owner.archived and owner.id in there]
    uow.put_owners([*owners, *left])
    if gone:
        uow.mark_dirty(uow.contacts_in_hand(gone), "owner left")


def _state(before: PortalState | None, portal: PortalInfo, options: Options) -> PortalState:
    """What we know of the portal; the past ends at the first run that is not a shadow run (R41)."""
    seen = before.as_of + A_MOMENT if before and before.as_of else portal.now  # what shadow mode saw is the past
    since = options.since or seen
    if before is None:
        return PortalState(
            id=portal.id,
            time_zone=portal.time_zone,
            ui_domain=portal.ui_domain,
            handoff_since=since,
            shadow=options.shadow,
        )
    state = replace(before, time_zone=portal.time_zone, ui_domain=portal.ui_domain)
    goes_live = before.shadow and not options.shadow
    return replace(state, handoff_since=since, shadow=False) if goes_live else state


def rules_changed(before: PortalState | None, book: RuleBook, options: Options) -> str:
    """Why every contact must be decided again; empty where only what changed must."""
    if before is None or not before.fingerprint:
        return ""
    if before.rules != book.fingerprint:
        return RULES_CHANGED
    return AFTER_SHADOW if before.fingerprint.startswith(SHADOW) and not options.shadow else ""


def _otherwise_before(marks: Mapping[str, str], options: Options) -> str:
    """Why what a run did before it was cut off does not count for this one; empty where it does."""
    if FORMER in marks:
        return CUT_OFF
    return AFTER_SHADOW if IN_SHADOW in marks and not options.shadow else ""


def _reads_differ(store: Store, fingerprint: str, book: RuleBook) -> bool:
    """Whether stored contacts were read by other fields or stages than today's."""
    with store.reading() as uow:
        old = uow.rulebook(fingerprint)
    now = book.as_dict()
    return old is None or any(old.get(part) != now[part] for part in ("fields", "stages"))


def _resume(
    stored: tuple[SyncRun, Mapping[str, str]] | None, book: RuleBook, epoch: int
) -> tuple[SyncRun, Mapping[str, str]] | None:
    """The run that was cut off, under our lease; none where the rules changed since: a new one covers its window."""
    if stored is None or stored[0].fingerprint != book.fingerprint:
        return None
    run, marks = stored
    return replace(run, epoch=epoch, resumed=True), marks


def _new_run(portal: PortalInfo, state: PortalState, book: RuleBook, epoch: int) -> SyncRun:
    as_of = max(portal.now, state.as_of or portal.now)
    run_id = RunId(f"run_{as_of:%Y%m%dT%H%M%S}_{uuid4().hex[:6]}")
    return SyncRun(id=run_id, started_at=portal.now, as_of=as_of, fingerprint=book.fingerprint, seed=epoch, epoch=epoch)
