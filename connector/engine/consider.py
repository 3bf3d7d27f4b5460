"""Consider: contacts that changed are decided again, a hundred at a time, and what follows is committed at once (T1).

Decision, episode, timers, intent, audit row and waiting notices stand in one transaction (I4); nothing is sent here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from connector.domain.change import Change, ChangeKind, Plan
from connector.domain.contact import ContactId
from connector.domain.decision import GIVEN, Action, Decision
from connector.domain.effect import effect_id
from connector.domain.episode import State
from connector.domain.notice import Notice
from connector.engine.approval import basis_of, oldest
from connector.engine.behind import forgotten, take_up
from connector.engine.context import BATCH, Context, PlannedLead
from connector.engine.gathering import Gathered, account_of, gather, situations_of, with_account
from connector.engine.guard import Guard, keep_passed, waited
from connector.engine.idle import of_whom_nothing_comes
from connector.engine.marks import keep_mark, mark_intent
from connector.engine.notify import entries, notices
from connector.engine.ports import AuditRow, Entry, Intent, UnitOfWork
from connector.engine.races import SHARED
from connector.engine.timers import add_new_clocks, keep_overrun, set_timers
from connector.engine.unread import GIVE_UP_AFTER, place_of
from connector.engine.unseen import mark_waits, whoever_waits, without_doubts
from connector.rules import sla
from connector.rules.decide import asks_still, decide, shows_more
from connector.rules.fields import property_of
from connector.rules.handing import NOBODY
from connector.rules.marking import Marking, marking
from connector.rules.met import met_at
from connector.rules.notes import beside
from connector.rules.plan import plan
from connector.rules.routing import take_turn
from connector.rules.rulebook import RuleBook
from connector.rules.situation import Situation
from connector.rules.touches import last_touch
from connector.rules.unseen import RULE as UNSEEN
from connector.rules.unseen import why_it_waits

STORED = frozenset(
    {
        Action.HAND_OVER, Action.ADOPT, Action.ADVANCE, Action.END, Action.SIGNAL, Action.INTEREST, Action.INFER,
        Action.HOLD_CHANGED, Action.CORRECTED,
    }
)
"""Actions that change an episode; the others only speak of one."""

LOOKED_AT_AGAIN = (Action.SIGNAL, Action.HOLD_CHANGED)
"""Actions after which the lead may ask for something else still; it is looked at once more in the same run.

So is one that people moved on while it showed new interest (`looks_again`)."""

IDLE_FOR_ONE = 10
"""Contacts of whom nothing comes that are passed over in the time of one decision."""

ASKED = ("request", "verdict", "verdict_reason")
"""What people say in fields of their own; a word said since the decision was made overtakes it (I2)."""


def consider_batch(context: Context, guard: Guard, among: Sequence[ContactId] | None = None) -> int:
    """Decide the next contacts of the work list; gives how many, 0 when the list is empty.

    Args:
        among: only these, wherever they stand on the list; None for its next hundred.
    """
    with context.store.transaction() as uow:
        aside = guard.held | context.unclear | context.out_of_turn | context.on_the_way
        listed = uow.dirty(BATCH + len(aside)) if among is None else uow.dirty_among(among)
        ids = [contact for contact in listed if contact not in aside][:BATCH]
        if not ids:
            return 0
        table = _gather(context, uow, ids)
        behind = forgotten(context, uow, table.situations)
        known = [contact for contact in ids if contact not in behind]
        idle, passed = of_whom_nothing_comes(context, uow, table.gathered), guard.passed
        sound = [one for one in known if one in idle or _consider_one(context, uow, table, one, guard)]
        _commit(context, uow, table.cases)
        if guard.passed != passed:
            keep_passed(uow, guard)
        uow.clear_quarantine(sound)
        uow.clear_dirty([contact for contact in known if contact not in guard.held])
        uow.mark_dirty(table.again, "signal")
    if behind:
        take_up(context, behind)  # decided with the next batch
    context.counts.decided += sum(one not in context.counted for one in known)
    context.counted.difference_update(known)
    context.counted.update(table.again)
    context.effort += (len(known) - len(idle)) * IDLE_FOR_ONE + len(idle)
    return len(ids)


@dataclass(slots=True)
class _Table:
    """What one batch looks at; owners' turns and accounts move on from lead to lead within it (R12)."""

    gathered: Gathered
    situations: dict[ContactId, Situation]
    cases: list[_Case] = field(default_factory=list)
    """What is to be stored of the contacts looked at so far."""
    again: list[ContactId] = field(default_factory=list)
    """To be looked at once more: a lead in work may have raised its hand twice."""


def _gather(context: Context, uow: UnitOfWork, ids: Sequence[ContactId]) -> _Table:
    gathered = gather(uow, ids, now=context.now, look_back=context.book.scoring.look_back)
    if context.book.routing.counts_days:
        gathered.given_today.update(uow.given_since(context.midnight))
    if sla.reassigns(context.book.sla):
        gathered.overdue.update(uow.fired_timers(ids, sla.REASSIGN))
    found = situations_of(
        gathered, context.book, portal=context.portal.id, past=context.past, adopt=context.adopt
    )
    return _Table(gathered, found)


def _consider_one(context: Context, uow: UnitOfWork, table: _Table, contact: ContactId, guard: Guard) -> bool:
    """Decide one contact; what follows is stored with the batch. Whether there is nothing to complain of any more."""
    if contact in context.unread:
        return False
    situation = table.situations.get(contact)
    if situation is None:
        return True
    situation = with_account(situation, table.gathered)
    if contact in context.adopt:
        situation = _with_room(context, situation)
    try:
        case = _work_out(context, table, situation)
    except Exception as error:  # around one contact: the others go on (P5)
        _set_aside(context, uow, contact, error)
        return False
    decision = case.decision
    approval = context.options.approval
    if approval is not None and not approval.agrees(decision, case.changes):
        table.again.append(contact)
        return True
    if guard.holds(decision, partial(waited, uow, contact)) or not _in_pace(context, decision):
        return True
    if context.options.shadow:
        _only_report(context, uow, case)
        return True
    table.cases.append(case)
    if looks_again(situation, decision, context.book):
        table.again.append(contact)
    ended = decision.episode if decision.action is Action.END else None
    if ended is not None and asks_still(situation, ended, context.book, now=context.now):
        uow.mark_retry([contact])  # not in this run: first the rep's word stands in the record
    if decision.route is not None and decision.episode is not None and decision.episode.owner is not None:
        _turn(uow, table.gathered, decision)
    elif decision.episode is not None:
        table.gathered.accounts.move(decision.episode, account_of(table.gathered.stored[contact]))
    return case.intent is None  # a write that was refused before stays set aside until it is done


def _with_room(context: Context, situation: Situation) -> Situation:
    """For a lead of the past, reps who have had their share of such today are no candidates, as long as others are."""
    desk = situation.desk
    free = tuple(owner for owner in desk.owners if owner.archived or context.pace.has_room(owner.id))
    somebody = any(not owner.archived for owner in free)
    return replace(situation, desk=replace(desk, owners=free)) if somebody else situation


def _in_pace(context: Context, decision: Decision) -> bool:
    """Leads of the past come to life at the pace that was asked for; whoever asks for sales does at once."""
    episode = decision.episode
    if decision.contact not in context.adopt or decision.action not in GIVEN:
        return True
    old = decision.signal_at is not None and context.past is not None and decision.signal_at < context.past
    if episode is None or episode.owner is None or not (old or episode.lane == "inferred"):
        return True
    return context.pace.allows(episode.owner)


@dataclass(frozen=True, slots=True)
class _Case:
    """One contact's decision with all that follows from it, before any of it is stored.

    Attributes:
        intent: the write of the decision; mark: that of the mark alone, where no decision's takes it along (R08).
        mark_waits: nobody can say yet whether it is to be set. touched: when sales last did something, with a signal.
        met: of each clock, should it stop with this, the instant of what it waited for.
    """

    decision: Decision
    planned: Plan
    marking: Marking
    intent: Intent | None
    mark: Intent | None
    told: Sequence[Notice]
    rows: Sequence[Entry]
    mark_waits: bool = False
    touched: datetime | None = None
    met: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def changes(self) -> tuple[Change, ...]:
        return self.planned.changes or (self.mark.changes if self.mark is not None else ())


def _work_out(context: Context, table: _Table, situation: Situation) -> _Case:
    """Everything that one strange contact could break, in one place; touches no database."""
    stored = table.gathered.stored[situation.contact.id]
    decision = _decide(context, situation, on_list=stored.on_list)
    planned = plan(decision, situation.contact, context.book, on_list=stored.on_list, now=context.now)
    found = marking(situation, decision, context.book, now=context.now)
    if decision.action in LOOKED_AT_AGAIN:
        found = Marking()  # then, for what it asks for still may change it
    later = mark_waits(context, found.change)
    if later:
        found = Marking()
    if found.change is not None and planned.changes:
        planned = replace(planned, changes=(*planned.changes, found.change))
    owners = table.gathered.owners
    told = list(notices(context, decision, situation.contact, situation.activities, situation.last_ended, owners))
    if extra := beside(decision, told, context.book.notifications.crm):
        planned = replace(planned, changes=(*planned.changes, *extra))
    intent = _intent(context, table, decision, planned)
    mark = None if intent is not None else mark_intent(context, stored.raw, found)
    rows = entries(context, told, intent, due_at=context.now)
    touched = last_touch(situation.contact, situation.activities) if decision.action is Action.SIGNAL else None
    met = met_at(situation, decision.before, decision.episode, context.book.sla, now=context.now)
    return _Case(decision, planned, found, intent, mark, told, rows, later, touched, met)


def _decide(context: Context, situation: Situation, *, on_list: bool) -> Decision:
    """By the rules; in a run of an approved preview as of that (R33)."""
    approval, book = context.options.approval, context.book
    if approval is not None:
        approved = approval.decide(situation, book, on_list=on_list, now=context.now)
        return without_doubts(context, approved, situation)
    if context.options.dry_run:
        since = oldest(context.now, book)
        context.basis[situation.contact.id] = basis_of(situation, on_list=on_list, since=since)
    return without_doubts(context, decide(situation, book, now=context.now), situation)


def _set_aside(context: Context, uow: UnitOfWork, contact: ContactId, error: Exception) -> None:
    """The others go on; this one is tried again in the next run (P5)."""
    where = place_of(error)
    tries = uow.put_quarantine(contact, where, context.now)
    if tries < GIVE_UP_AFTER:
        uow.mark_retry([contact])
    context.counts.quarantined += 1
    context.troubles.append(f"contact {contact} could not be decided ({where}); try {tries}")


def _only_report(context: Context, uow: UnitOfWork, case: _Case) -> None:
    decision = case.decision
    is_new = not _taken_in_before(uow, [case])
    uow.put_decision(context.run.id, decision)
    if case.mark is not None or decision.action not in (Action.NOTHING, Action.INFER, Action.PREDATES):
        context.planned.append(PlannedLead(decision=decision, changes=case.changes))
    _count(context, decision, is_new=is_new)


def _turn(uow: UnitOfWork, gathered: Gathered, decision: Decision) -> None:
    """The assignment moves its pool's pointer in its own transaction, and later leads of the batch see it."""
    route, episode = decision.route, decision.episode
    assert route is not None and episode is not None and episode.owner is not None
    take_turn(gathered.rotation, route)
    if route.rotation:
        uow.move_rotation(route.pool, route.rotation)
    gathered.given_today[episode.owner] = gathered.given_today.get(episode.owner, 0) + 1
    gathered.open_leads[episode.owner] = gathered.open_leads.get(episode.owner, 0) + 1
    account = account_of(gathered.stored[decision.contact])
    gathered.accounts.give(episode.hop, account, decision.contact, episode.owner)


def _commit(context: Context, uow: UnitOfWork, cases: Sequence[_Case]) -> None:
    """All that a batch of decisions leaves in the database, each kind of row at once."""
    before = _taken_in_before(uow, cases)
    for case in cases:
        decision = case.decision
        uow.put_decision(context.run.id, decision)
        if decision.episode is not None and decision.episode != decision.before and decision.action in STORED:
            adopted = decision.contact in context.adopt and decision.action is Action.HAND_OVER
            cause = Action.ADOPT if adopted else decision.action
            uow.put_episode(decision.episode, at=context.now, cause=cause.value)
            keep_overrun(context, uow, decision, case.met)
            set_timers(context, uow, decision, touched=case.touched)
        if context.former and decision.before is not None and decision.episode is not None:
            add_new_clocks(context, uow, decision.episode)
        keep_mark(context, uow, decision.contact, case.marking, case.mark)
        if case.intent is None or context.options.dry_run:
            # What waits for a write counts when it is written.
            _count(context, decision, is_new=decision.contact not in before)
    uow.mark_retry(
        [one.decision.contact for one in cases if one.mark_waits or comes_again(one.decision, context.book)]
    )
    whoever_waits(context, [case.decision for case in cases])
    if context.options.dry_run:
        context.planned += [
            PlannedLead(decision=case.decision, changes=case.changes)
            for case in cases
            if case.changes or (case.told and (not case.rows or uow.would_queue(case.rows)))
        ]
        return
    intents = [case.intent for case in cases if case.intent is not None]
    uow.put_intents(intents)
    context.on_the_way.update(intent.contact for intent in intents)
    context.counts.notices_queued += uow.put_entries([row for case in cases for row in case.rows])
    effects = [_audit(case.decision, case.intent) for case in cases if case.intent is not None or case.told]
    uow.audit(context.run.id, effects, context.now)


def looks_again(situation: Situation, decision: Decision, book: RuleBook) -> bool:
    """Whether the same run decides it once more, for what this decision says nothing of."""
    if decision.action is Action.ADVANCE and decision.episode is not None:
        return shows_more(situation, decision.episode, book, now=decision.as_of)
    if decision.action is Action.INFER and decision.before is None:
        return bool(situation.deals)  # sales may have finished it long ago
    return decision.action in LOOKED_AT_AGAIN


def comes_again(decision: Decision, book: RuleBook) -> bool:
    """Whether the next run decides it once more, though nothing should be heard of it until then.

    Nobody was there to take it, or it waits for a stream that could not be read. Or it has just come to sales: that
    sales waits for the customer from the beginning is known by the record as the handover leaves it (R17). Or sales
    corrected a hand-back, by which the lead may come back at once (R21).
    """
    if decision.action is Action.CORRECTED:
        return True
    if decision.action in GIVEN:
        return book.sla.waiting is not None
    if why_it_waits(decision, UNSEEN):
        return True
    return any(verdict.rule == NOBODY and not verdict.passed for verdict in decision.verdicts)


def _intent(context: Context, table: _Table, decision: Decision, planned: Plan) -> Intent | None:
    if not planned.changes or planned.episode is None or decision.episode is None:
        return None
    raw = table.gathered.stored[decision.contact].raw
    rules = context.book.fields
    names = {change.field for change in planned.changes if change.kind is ChangeKind.FIELD}
    asked = {name for name in (*ASKED, *context.book.suppression.do_not_contact) if name in rules.fields}
    guarded = names | set(SHARED) | asked
    episode, route = decision.episode, decision.route
    key = f"{decision.action.value}:{episode.state.value}:{episode.assignment}:{'t' if episode.touched_at else ''}"
    key += f":undone{episode.undone}" if episode.undone else ""
    return Intent(
        id=effect_id(context.portal.id, decision.contact, planned.episode, "write", key, "crm"),
        run=context.run.id,
        contact=decision.contact,
        episode=planned.episode,
        changes=planned.changes,
        expected={prop: raw.get(prop) for prop in sorted(property_of(name, rules) for name in guarded)},
        before=decision.before,
        turn=(route.pool, route.rotation) if route and route.rotation else None,
    )


def _audit(decision: Decision, intent: Intent | None) -> AuditRow:
    return AuditRow(
        effect=intent.id if intent else f"{decision.action.value}:{decision.evidence}",
        contact=decision.contact,
        episode=decision.episode.id if decision.episode else None,
        rule=decision.action.value,
        inputs={"evidence": decision.evidence, "rules": decision.fingerprint},
        outcome="planned" if intent else "told",
    )


def _taken_in_before(uow: UnitOfWork, cases: Sequence[_Case]) -> frozenset[ContactId]:
    """Those who qualified before Handoff began and of whom that was said before: they are taken in once."""
    ids = [case.decision.contact for case in cases if case.decision.action is Action.PREDATES]
    return uow.predating_among(ids) if ids else frozenset()


def _count(context: Context, decision: Decision, *, is_new: bool = True) -> None:
    if decision.action in GIVEN:
        context.counts.handed_off += 1
    elif decision.action is Action.END and decision.episode and decision.episode.state is State.RECYCLED:
        context.counts.recycled += 1
    elif decision.action is Action.HOLD_CHANGED:
        context.counts.holds_changed += 1
    elif decision.action is Action.PREDATES and not is_new:
        return
    elif decision.action is Action.PREDATES or (decision.action is Action.INFER and decision.before is None):
        context.counts.taken_in += 1
    elif decision.action is Action.INFER and decision.episode is not None and decision.episode.state.is_end:
        context.counts.taken_in -= decision.contact in context.counted  # its deal is over, so there is nothing to adopt


def situations(context: Context, uow: UnitOfWork, ids: Sequence[ContactId]) -> Mapping[ContactId, Situation]:
    """The same situations, for timers that come due."""
    return _gather(context, uow, ids).situations
