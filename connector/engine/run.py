"""One run: pull → normalise → decide → plan → write → notify → record → report.

A run that a kill left open is gone on with: its id, its `as_of`, its seed (I9). Everything in between stands in the
database: what was pulled, which contacts still wait to be decided, which writes have no clear answer yet.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

from connector.domain.notice import Notice, NoticeKind
from connector.domain.owner import Owner
from connector.domain.run import RunCounts, RunId, RunStatus, SyncRun
from connector.engine import preflight
from connector.engine.adopt import choose
from connector.engine.alarms import raise_alarms
from connector.engine.answers import take_up
from connector.engine.approval import Approval
from connector.engine.clock import CrmClock
from connector.engine.consider import consider_batch
from connector.engine.context import BATCH, OVERLAP, Context, Options, Ports, build_context
from connector.engine.guard import Guard, allowance, refuses_too_much
from connector.engine.hints import MOST_AT_ONCE, drain, drain_all
from connector.engine.hold import keep_to_list, leave_former
from connector.engine.leaks import look_for_leaks
from connector.engine.new_rules import RULES_CHANGED, cause_of_held, held_before, keep_held, look_at_new_rules
from connector.engine.notify import entries
from connector.engine.outgoing import send
from connector.engine.ports import PortalInfo, PortalState, Progress, Store, UnitOfWork
from connector.engine.proof import begin_proof, end_proof, first_proof
from connector.engine.pull import CONTACTS, pull, trailing
from connector.engine.report import RunReport
from connector.engine.retention import forget_old
from connector.engine.sweep import sweep
from connector.engine.vanished import erase_vanished
from connector.engine.write import write_open_intents
from connector.errors import SettingsError
from connector.rules.definition import review
from connector.rules.rulebook import RuleBook

WAIT_AT_MOST = 1_000
"""Writes wait for a full batch, but no longer than so many decisions: calls are dear, and so is a lead's time."""


A_MOMENT = timedelta(milliseconds=1)
FAR_AHEAD = timedelta(minutes=10)
"""By so much may the CRM's clock have stepped back before a run says so."""
SHADOW = "shadow:"
"""Before the rules' version in the portal's state: the last run decided by them and wrote nothing."""


def sync(
    ports: Ports, book: RuleBook, portal: PortalInfo, options: Options, progress: Progress | None = None
) -> RunReport:
    """One run over one portal.

    Args:
        portal: as the CRM just answered; its clock becomes the run's `as_of`.
    Raises:
        AlreadyRunningError, UnknownPropertyError (nothing was begun), or what the CRM's door raises: the run then stays
        open in the database and the next call goes on with it.
    """
    began, clock = time.monotonic(), CrmClock(portal.now)
    if options.approval is not None:
        options.approval.require(portal.id, book.fingerprint, portal.now)
    with ports.store.lease() as epoch:
        portal = _what_time_it_is(ports, portal, clock)
        context, marks = _begin(ports, book, portal, options, progress, epoch, clock)
        new_rules = look_at_new_rules(context)
        if context.writes:
            write_open_intents(context)  # what a kill left without an answer
        streams = _pull(context, marks)
        if context.options.approval is not None:
            return _carry_out(context, context.options.approval, began)
        look_for_leaks(context)
        if context.writes and keep_to_list(context):
            write_open_intents(context)
        night = begin_proof(context)
        _adopt(context)
        guard = _guard(context)
        _decide_and_write(context, guard)
        while context.writes and take_up(context):
            _decide_and_write(context, guard)
        if not context.options.shadow and sweep(context):  # what comes due in shadow mode is told once live again
            _decide_and_write(context, guard)
        if context.writes:
            leave_former(context)
        if not context.options.dry_run:
            erase_vanished(context)
        if night is not None:
            raise_alarms(context, end_proof(context, night))
        _tell_ops(context, guard)
        context.counts.notices_sent += send(context) if context.writes else 0
        if not context.options.dry_run:
            forget_old(context)
        return replace(_end(context, guard, streams, time.monotonic() - began), rule_change=new_rules)


# -- begin -----------------------------------------------------------------------------------------------------


def _what_time_it_is(ports: Ports, portal: PortalInfo, clock: CrmClock) -> PortalInfo:
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


def _begin(
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
    preflight.require(book, schema, owners)
    with ports.store.transaction() as uow:
        known = uow.portal_state()
        if asked:
            uow.put_watermark(preflight.SCOPES, portal.now)
        before = known if known is not None and known.as_of is not None else None
        state = _state(before, portal, options)
        run, marks = _run(uow, portal, state, book, epoch)
        uow.put_portal_state(replace(state, as_of=run.as_of))
        _keep_owners(uow, owners)
        uow.put_rulebook(book.fingerprint, book.as_dict(), portal.now)
        changed = rules_changed(before, book, options)
        if changed:
            uow.mark_all_dirty(changed)
        uow.mark_retries_dirty()
        covered, unread = uow.watermark(CONTACTS), uow.unread()
    anew = bool(before and before.fingerprint and changed and _reads_differ(ports.store, _rules_of(before), book))
    context = build_context(
        ports,
        book,
        portal,
        schema,
        run,
        options=replace(options, full=True) if anew else options,
        clock=clock,
        past=state.handoff_since,
        covered=covered,
        unread=unread,
        progress=progress,
        renormalise=anew,
    )
    context.remarks += [*preflight.remarks(book, owners), *preflight.silence(context.destinations)]
    if before is not None and changed == RULES_CHANGED:
        context.former = _rules_of(before)
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
    if stored is not None and stored[0].id != run.id:
        uow.finish_run(stored[0].id, RunStatus.FAILED, RunCounts(), portal.now, "cut off; the rules changed since")
    uow.put_run(run)
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
    if _rules_of(before) != book.fingerprint:
        return RULES_CHANGED
    return "live after shadow" if before.fingerprint.startswith(SHADOW) and not options.shadow else ""


def _rules_of(before: PortalState) -> str:
    return before.fingerprint.removeprefix(SHADOW)


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


# -- pull ------------------------------------------------------------------------------------------------------


def _pull(context: Context, marks: Mapping[str, str]) -> frozenset[str]:
    """All streams. Hints that come meanwhile do not wait for the end of them.

    In the first run they do: deals are pulled last, and what is not known yet may say that a lead is sales' own (P7).
    """
    if context.options.dry_run or context.options.approval is not None:
        return pull(context, marks)
    if context.covered is not None:
        context.between_pages = partial(drain, context)
    streams = pull(context, marks)
    context.between_pages = partial(drain, context)
    drain_all(context, most=MOST_AT_ONCE)
    return streams


def _adopt(context: Context) -> None:
    context.adopt, context.pace = choose(context)


def _guard(context: Context) -> Guard:
    released = context.options.release_mass_change
    with context.store.reading() as uow:
        to_decide, before = uow.dirty_count(), held_before(uow)
    new_since = context.covered - OVERLAP if context.covered else None
    return Guard(
        new_since=new_since,
        allowance=allowance(to_decide, released=released),
        waiting=frozenset() if released else before,
    )


# -- decide, write ---------------------------------------------------------------------------------------------


def _carry_out(context: Context, approval: Approval, began: float) -> RunReport:
    """What a person approved, lead by lead, and nothing else; the window stays open for the next run (R33).

    The guard lets it pass: somebody looked at each of them.
    """
    if context.run.resumed:
        raise SettingsError("a run was cut off before its end", advice="Run `handoff sync` first, then preview again.")
    _adopt(context)
    leads = sorted(approval.leads)
    guard = Guard(new_since=None, allowance=len(leads))
    for start in range(0, len(leads), BATCH):
        if halted(context):
            break
        consider_batch(context, guard, leads[start : start + BATCH])
        write_open_intents(context)
    approval.close(context.overtaken)
    erase_vanished(context)
    _tell_ops(context, guard)
    context.counts.notices_sent += send(context)
    return _end(context, guard, frozenset(), time.monotonic() - began)


def _decide_and_write(context: Context, guard: Guard) -> None:
    """Batches until the work list is empty; contacts that people edited meanwhile come round again."""
    waiting = 0
    while True:
        batch = consider_batch(context, guard)
        waiting += batch
        if context.writes:
            write_open_intents(context, at_least=BATCH if batch and waiting < WAIT_AT_MOST else 1)
        if halted(context):
            return
        waiting %= WAIT_AT_MOST
        context.between_pages()
        if batch:
            context.progress.step("deciding", context.counts.decided)
        elif not _comes_round(context, guard):
            return


def halted(context: Context) -> bool:
    """Whether the CRM refuses so much that nothing more is written in this run."""
    return refuses_too_much(
        context.attempted, context.refused, released=context.options.release_mass_change
    )


def _comes_round(context: Context, guard: Guard) -> bool:
    """Whether the last writes put somebody on the work list again who may still be decided in this run."""
    aside = guard.held | context.unclear | context.out_of_turn | context.on_the_way
    with context.store.reading() as uow:
        return any(contact not in aside for contact in uow.dirty(len(aside) + 1))


# -- end -------------------------------------------------------------------------------------------------------


def _tell_ops(context: Context, guard: Guard) -> None:
    """Shadow mode and the guard speak to ops alone."""
    facts: dict[NoticeKind, dict[str, object]] = {}
    if guard.held:
        facts[NoticeKind.RUN_HELD] = {"held": len(guard.held), "allowed": guard.allowance}
        if cause := cause_of_held(context, guard):
            facts[NoticeKind.RUN_HELD]["cause"] = cause
    if halted(context):
        context.troubles.append(
            f"{context.refused} of {context.attempted} changes were refused, so no more were sent; look at "
            "the contacts named above, mend the cause, then run `handoff sync --release-mass-change`"
        )
        facts[NoticeKind.RUN_HELD] = {"refused": context.refused, "attempted": context.attempted}
    if context.options.shadow and context.planned:
        facts[NoticeKind.RUN_SHADOW] = {
            "would_hand_over": context.counts.handed_off,
            "would_change": len(context.planned),
        }
    if not facts or context.options.dry_run:
        return
    told = [
        Notice(
            kind=kind,
            contact=None,
            episode=None,
            owner=None,
            key=context.run.id,
            occurred_at=context.now,
            packet=packet,
        )
        for kind, packet in facts.items()
    ]
    with context.store.transaction() as uow:
        context.counts.notices_queued += uow.put_entries(entries(context, told, None, due_at=context.now))
    if context.options.shadow:
        context.counts.notices_sent += context.delivery.deliver(context.now)


def _end(context: Context, guard: Guard, streams: frozenset[str], seconds: float) -> RunReport:
    """T2 of the whole run: the watermarks move only when nothing of the window is open (I4)."""
    counts = context.counts
    counts.held = len(guard.held)
    counts.api_calls, counts.throttled = context.crm.api_calls(), context.crm.throttled()
    with context.store.transaction() as uow:
        keep_held(uow, guard)
        first_proof(context, uow)
        still_open = bool(uow.intents("open", 1))
        left = [contact for contact in uow.dirty(len(guard.held) + 1) if contact not in guard.held]
        settled = not still_open and (not left or context.options.approval is not None)
        if settled:
            for stream in streams:
                uow.put_watermark(stream, context.now)
                if stream in context.places:
                    uow.put_place(stream, context.places[stream])
                if stream in context.trailed or uow.watermark(trailing(stream)) is None:
                    uow.put_watermark(trailing(stream), context.now)
        status = _status(context, guard, settled)
        state = uow.portal_state()
        assert state is not None
        uow.put_portal_state(
            replace(state, fingerprint=_mark(context), ready_at=state.ready_at or context.now)
        )
        uow.finish_run(context.run.id, status, counts, context.now, "; ".join(context.troubles[:20]))
    return RunReport(
        run=context.run,
        status=status,
        seconds=seconds,
        counts=counts,
        watermark=context.now if settled and streams else None,
        planned=tuple(
            replace(lead, basis=context.basis.get(lead.decision.contact, {})) for lead in context.planned
        ),
        troubles=tuple(context.troubles),
        held_because=cause_of_held(context, guard),
        remarks=(*([due] if (due := _review(context)) else []), *context.remarks),
    )


def _review(context: Context) -> str:
    return review(context.book.qualification.definition, context.now.date())


def _mark(context: Context) -> str:
    """By which rules the work list was done, and whether only in shadow: then the next live run does it again."""
    return (SHADOW if context.options.shadow else "") + context.book.fingerprint


def _status(context: Context, guard: Guard, settled: bool) -> RunStatus:
    if guard.held or halted(context):
        return RunStatus.HELD
    failed = context.counts.changes_rejected or context.counts.quarantined or not settled
    return RunStatus.COMPLETED_WITH_ERRORS if failed else RunStatus.COMPLETED
