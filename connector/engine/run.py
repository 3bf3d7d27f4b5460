"""One run: pull → normalise → decide → plan → write → notify → record → report.

How it begins is begin.py's. Everything in between stands in the database: what was pulled, which contacts still wait to
be decided, which writes have no clear answer yet.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from connector.domain.notice import Notice, NoticeKind
from connector.domain.quota import Purpose
from connector.domain.run import RunStatus
from connector.engine.absent import forms_gone
from connector.engine.adopt import choose
from connector.engine.alarms import raise_alarms
from connector.engine.answers import take_up
from connector.engine.approval import Approval
from connector.engine.begin import begin_run, what_time_it_is
from connector.engine.calls import count as count_calls
from connector.engine.clock import CrmClock
from connector.engine.consider import consider_batch
from connector.engine.context import BATCH, Context, Options, Ports
from connector.engine.drift import raise_alarm, read_again
from connector.engine.guard import Guard, begin_guard, news_since
from connector.engine.hints import MOST_AT_ONCE, drain, drain_all
from connector.engine.hold import keep_to_list, leave_former
from connector.engine.kept import told as told_of_kept
from connector.engine.leaks import look_for_leaks
from connector.engine.new_rules import cause_of_held, held_before, keep_held, look_at_new_rules
from connector.engine.notify import entries
from connector.engine.outgoing import send
from connector.engine.ports import PortalInfo, Progress
from connector.engine.ports.rows import SHADOW
from connector.engine.proof import begin_proof, close_proof, end_proof, first_proof
from connector.engine.pull import pull, trailing
from connector.engine.report import RunReport
from connector.engine.retention import forget_old
from connector.engine.sweep import sweep
from connector.engine.unseen import who_waits
from connector.engine.vanished import erase_vanished
from connector.engine.views import pull_views_of_due
from connector.engine.waiting import Waiting
from connector.engine.write import halted, write_open_intents
from connector.errors import QuotaExhaustedError, SettingsError
from connector.rules.definition import review
from connector.rules.rulebook import RuleBook


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
        portal = what_time_it_is(ports, portal, clock)
        context, marks = begin_run(ports, book, portal, options, progress, epoch, clock)
        with _telling_all_the_same(context):
            return _run(context, marks, began)


@contextmanager
def _telling_all_the_same(context: Context) -> Iterator[None]:
    """Notices cost the CRM no call: those that are due go out, be the day's calls used up or not (P2)."""
    try:
        yield
    except QuotaExhaustedError:
        if context.writes:
            send(context)
        raise


def _run(context: Context, marks: Mapping[str, str], began: float) -> RunReport:
    new_rules = look_at_new_rules(context)
    if context.writes:
        write_open_intents(context)  # what a kill left without an answer
    streams = _pull(context, marks)
    pull_views_of_due(context)
    context.remarks += forms_gone(context.book, context.source.listed_forms())
    raise_alarm(context)
    if context.options.approval is not None:
        return _carry_out(context, context.options.approval, began)
    look_for_leaks(context)
    if context.writes and _keep_to_list(context):
        write_open_intents(context)
    with context.crm.spend(Purpose.PROOF):
        night = begin_proof(context)
    _adopt(context)
    guard = _guard(context, marks)
    _decide_and_write(context, guard)
    while context.writes and take_up(context):
        _decide_and_write(context, guard)
    if not context.options.shadow and sweep(context):  # what comes due in shadow mode is told once live again
        _decide_and_write(context, guard)
    if context.writes:
        with context.crm.spend(Purpose.WRITE):
            leave_former(context)
    if not context.options.dry_run:
        with context.crm.spend(Purpose.PROOF):
            erase_vanished(context)
    if night is not None:
        with context.crm.spend(Purpose.PROOF):
            found = end_proof(context, night)
        raise_alarms(context, found)
        close_proof(context)
    _tell_ops(context, guard)
    context.counts.notices_sent += send(context) if context.writes else 0
    if not context.options.dry_run:
        forget_old(context)
    return replace(_end(context, guard, streams, time.monotonic() - began), rule_change=new_rules)


# -- pull ------------------------------------------------------------------------------------------------------


def _pull(context: Context, marks: Mapping[str, str]) -> frozenset[str]:
    """All streams. Hints that come meanwhile do not wait for the end of them.

    In the first run they do: deals are pulled last, and what is not known yet may say that a lead is sales' own (P7).
    Where contacts are many, they are decided in that run while the rest of them is on its way: then nobody waits.
    """
    if context.options.dry_run or context.options.approval is not None:
        return pull(context, marks)
    if context.covered is None:
        streams = pull(context, marks, meanwhile=partial(_decide_meanwhile, context))
    else:
        context.between_pages = partial(drain, context)
        streams = pull(context, marks)
    context.between_pages = partial(drain, context)
    drain_all(context, most=MOST_AT_ONCE)
    return streams


def _decide_meanwhile(context: Context) -> None:
    """A batch of those that are waiting, if it is full; in a first run the guard has nothing to hold."""
    if context.listed >= BATCH:
        with context.crm.spend(Purpose.DECIDE):
            context.listed -= consider_batch(context, Guard(new_since=None, allowance=0))


def _keep_to_list(context: Context) -> bool:
    with context.crm.spend(Purpose.WRITE):
        return keep_to_list(context)


def _adopt(context: Context) -> None:
    context.adopt, context.pace = choose(context)


def _guard(context: Context, marks: Mapping[str, str]) -> Guard:
    with context.store.reading() as uow:
        to_decide, before, since = uow.dirty_count(), held_before(uow), news_since(context, uow)
    to_decide += context.counts.decided  # whom the pull passed over (idle.py)
    return begin_guard(context, marks, to_decide=to_decide, waiting=before, since=since)


# -- decide, write ---------------------------------------------------------------------------------------------


def _carry_out(context: Context, approval: Approval, began: float) -> RunReport:
    """What a person approved, lead by lead, and nothing else; the window stays open for the next run (R33).

    The guard lets it pass: somebody looked at each of them.
    """
    if context.run.resumed:
        raise SettingsError("a run was cut off before its end", advice="Run `handoff sync` first, then preview again.")
    _adopt(context)
    leads = sorted(approval.leads)
    guard, waiting = Guard(new_since=None, allowance=len(leads)), Waiting(context)
    for start in range(0, len(leads), BATCH):
        if halted(context):
            break
        consider_batch(context, guard, leads[start : start + BATCH])
        write_open_intents(context, waiting.take())
    write_open_intents(context)
    approval.close(context.overtaken)
    erase_vanished(context)
    _tell_ops(context, guard)
    context.counts.notices_sent += send(context)
    return _end(context, guard, frozenset(), time.monotonic() - began)


def _decide_and_write(context: Context, guard: Guard) -> None:
    """Batches until the work list is empty; contacts that people edited meanwhile come round again."""
    waiting = Waiting(context)
    while True:
        with context.crm.spend(Purpose.DECIDE):
            batch = consider_batch(context, guard)
        if context.writes:
            write_open_intents(context, waiting.take() if batch else None)
        if halted(context):
            return
        context.between_pages()
        if batch:
            context.progress.step("deciding", context.counts.decided)
        elif not _comes_round(context, guard):
            return


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
    count_calls(context, counts)
    counts.unseen = sorted(context.unseen)
    context.troubles += who_waits(context)
    with context.store.transaction() as uow:
        context.troubles += told_of_kept(uow, context.whole)
        keep_held(uow, guard)
        first_proof(context, uow)
        still_open = bool(uow.intents("open", 1))
        left = [contact for contact in uow.dirty(len(guard.held) + 1) if contact not in guard.held]
        settled = not still_open and (not left or context.options.approval is not None)
        if settled:
            if context.returned and context.options.approval is None:
                read_again(uow, context.now)
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
    aside = context.counts.changes_rejected or context.counts.quarantined
    failed = aside or context.broken or context.gone or not settled
    return RunStatus.COMPLETED_WITH_ERRORS if failed else RunStatus.COMPLETED
