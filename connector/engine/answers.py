"""Answers: what holders of leads said by link becomes what stands in the CRM, or a touch that counts (R20).

The server stored them (engine/answering.py). They are taken up by whoever runs the portal, once a lead has been decided
on what stands in the CRM: so whatever people did there meanwhile comes first (I2). A verdict is written like any other
change, and read back; rules/follow.py then finds it where it would have found the rep's own. An answer waits until its
write has an outcome, so a kill in between repeats nothing and loses nothing (I7, P1).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from connector.domain.activity import Activity, ActivityKind, Channel
from connector.domain.answer import CLAIMED, Answer, AnswerKind, AnswerStatus
from connector.domain.change import Change, ChangeKind
from connector.domain.contact import Contact, ContactId, Value
from connector.domain.effect import effect_id
from connector.domain.episode import Episode
from connector.engine.context import BATCH, Context
from connector.engine.ports import AuditRow, Intent, StoredContact, UnitOfWork
from connector.engine.races import SHARED
from connector.rules import answers
from connector.rules.fields import property_of
from connector.rules.plan import ANSWERS

ANSWERED = "answered"
"""Source of values that a holder set by link: somebody's word, and no echo of ours."""
A_MOMENT = timedelta(milliseconds=1)


def is_answer(intent: Intent) -> bool:
    """Whether it carries an answer by link, and no episode."""
    names = {one.field for one in intent.changes}
    return intent.episode is None and "verdict" in names and names <= set(ANSWERS)


def take_up(context: Context, among: Collection[ContactId] | None = None) -> int:
    """Take up the answers that wait; gives of how many something came that is to be written or decided.

    Answers of one contact go one after the other, in the order in which they came in; one whose contact is being
    written to waits for the next look, and one that the CRM refused for the next run (P5).

    Args:
        among: only those of these contacts; None for all.
    """
    taken, seen = 0, set[str]()
    while True:
        with context.store.reading() as uow:
            waiting = uow.waiting_answers(BATCH, seen)
        seen |= {one.id for one in waiting}
        mine = [one for one in waiting if among is None or one.contact in among]
        if mine:
            with context.store.transaction() as uow:
                taken += _take(context, uow, mine)
        if len(waiting) < BATCH:
            return taken


def settle_answers(context: Context, uow: UnitOfWork, rows: Sequence[Intent]) -> None:
    """What became of writes that carry answers (T2). One that did not come through waits, and says why."""
    written = {row.id: row for row in rows if is_answer(row)}
    if not written:
        return
    found = []
    for one in uow.answers([row.contact for row in written.values()]):
        row = written.get(one.intent or "")
        if row is None or one.status is not AnswerStatus.WAITING:
            continue
        if row.status == "written" and not _empties(row):
            found.append(replace(one, status=AnswerStatus.DONE, detail=""))
        elif row.status == "rejected":
            found.append(replace(one, detail=f"the CRM refused it: {row.detail}"))
    uow.settle_answers(found)
    uow.mark_dirty([row.contact for row in written.values() if row.status == "written"], ANSWERED)


def _empties(row: Intent) -> bool:
    """The same word stood there unheard: it goes first, so that the CRM records the new one."""
    return all(one.after is None for one in row.changes)


@dataclass(slots=True)
class _Taken:
    """What a batch of answers comes to."""

    answers: list[Answer] = field(default_factory=list)
    touches: list[Activity] = field(default_factory=list)
    intents: list[Intent] = field(default_factory=list)


def _take(context: Context, uow: UnitOfWork, waiting: Sequence[Answer]) -> int:
    ids = list(dict.fromkeys(one.contact for one in waiting))
    intents = uow.intents_of(ids)
    aside = context.unread | context.unclear | context.out_of_turn | context.on_the_way
    aside |= {row.contact for row in intents if row.status == "open"}
    aside |= {
        row.contact for row in intents if row.status == "rejected" and row.run == context.run.id and is_answer(row)
    }
    table = _Table(context, uow.contacts(ids), uow.episodes(ids), uow.answers(ids))
    taken = _Taken()
    for one in waiting:
        if one.contact not in aside and table.take(one, taken):
            aside.add(one.contact)
    _store(context, uow, taken)
    return len(taken.answers)


@dataclass(slots=True)
class _Table:
    """The contacts of some answers, as they are stored."""

    context: Context
    stored: Mapping[ContactId, StoredContact]
    episodes: Mapping[ContactId, Sequence[Episode]]
    given: Sequence[Answer]

    def take(self, one: Answer, taken: _Taken) -> bool:
        """Work one out; whether others of its contact must wait until it is written."""
        stored = self.stored.get(one.contact)
        there = stored is not None and not stored.gone
        episode = next((row for row in self.episodes.get(one.contact, ()) if there and row.id == one.episode), None)
        if stored is None or episode is None or not episode.is_open:
            self._end(one, AnswerStatus.ENDED, taken)
            return False
        one = replace(one, answered_at=self._answered_at(one, episode))
        if not answers.is_still_theirs(one, episode):
            self._end(one, AnswerStatus.MOVED, taken)
            return False
        if one.kind is AnswerKind.CALLED:
            taken.touches.append(_touch(one))
            self._end(one, AnswerStatus.DONE, taken)
            return False
        return self._say(one, episode, stored, taken)

    def _say(self, one: Answer, episode: Episode, stored: StoredContact, taken: _Taken) -> bool:
        book, contact = self.context.book, stored.contact
        wanted = answers.values(one.kind, one.said, book)
        ours = frozenset(
            answers.word_of(other.kind, book.recycling)
            for other in self.given
            if other.episode == one.episode and other.status is AnswerStatus.DONE
        )
        if one.intent is not None:
            ours |= {""}  # the word that stood there unheard was emptied for this very answer
        if not wanted:
            self._end(one, AnswerStatus.REFUSED, taken)
            return False
        if one.answered_at is not None and answers.is_overtaken(contact, one.answered_at, ours):
            self._end(one, AnswerStatus.OVERTAKEN, taken)
            return False
        if answers.stands_unheard(contact, episode, str(wanted["verdict"]), book.recycling):
            wanted = {"verdict": None}
        changes = _differing(wanted, contact)
        if not changes:
            self._end(one, AnswerStatus.DONE, taken)
            return False
        intent = self._intent(one, changes, stored)
        taken.intents.append(intent)
        taken.answers.append(replace(one, intent=intent.id, detail=""))
        return True

    def _end(self, one: Answer, status: AnswerStatus, taken: _Taken) -> None:
        at = one.answered_at or self.context.clock.latest() - one.age
        taken.answers.append(replace(one, status=status, answered_at=at, detail=""))

    def _answered_at(self, one: Answer, episode: Episode) -> datetime:
        """By the CRM's clock, as long ago as it was by ours; within what the run sees, and after they got the lead."""
        at = min(self.context.clock.latest() - one.age, self.context.now)
        return max(at, episode.held_since + A_MOMENT) if episode.held_since is not None else at

    def _intent(self, one: Answer, changes: tuple[Change, ...], stored: StoredContact) -> Intent:
        rules = self.context.book.fields
        guarded = {property_of(name, rules) for name in (*SHARED, *ANSWERS, "episode") if name in rules.fields}
        return Intent(
            id=effect_id(self.context.portal.id, None, None, "write", one.id, "crm"),
            run=self.context.run.id,
            contact=one.contact,
            episode=None,
            changes=changes,
            expected={prop: stored.raw.get(prop) for prop in sorted(guarded)},
        )


def _differing(wanted: Mapping[str, Value], contact: Contact) -> tuple[Change, ...]:
    """The verdict goes with each write, be it as it was: by it a write is known for an answer's."""
    found = [
        Change(contact=contact.id, kind=ChangeKind.FIELD, field=name, before=contact.get(name), after=value)
        for name, value in wanted.items()
        if name == "verdict" or contact.get(name) != value
    ]
    return tuple(found) if any(one.before != one.after for one in found) else ()


def _touch(one: Answer) -> Activity:
    """A call that its holder says they made; `ref` is whoever said so."""
    assert one.answered_at is not None
    return Activity(
        stream=CLAIMED,
        id=one.id,
        contact=one.contact,
        kind=ActivityKind.TOUCH,
        occurred_at=one.answered_at,
        name=Channel.CALL.value,
        ref=one.owner or "",
    )


def _store(context: Context, uow: UnitOfWork, taken: _Taken) -> None:
    """T1: answers, writes, touches and the audit trail (P6)."""
    uow.settle_answers(taken.answers)
    uow.put_intents(taken.intents)
    context.on_the_way.update(row.contact for row in taken.intents)
    uow.mark_dirty(uow.put_activities(taken.touches, context.now), ANSWERED)
    late = [row.contact for row in taken.touches if row.contact and row.occurred_at > context.now]
    uow.mark_retry(late)  # by a clock that hardly moves: the next run counts it
    uow.audit(context.run.id, [_audit(one) for one in taken.answers], context.now)


def _audit(one: Answer) -> AuditRow:
    return AuditRow(
        effect=one.id,
        contact=one.contact,
        episode=one.episode,
        rule="answer by link",
        inputs={"answer": one.kind.value, "owner": one.owner or ""},
        outcome="planned" if one.status is AnswerStatus.WAITING else one.status.value,
    )
