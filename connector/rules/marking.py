"""Marking: which abandoned form stands on a contact in the CRM, so that marketing's workflow can mail (R08).

The mark is an absolute value of a property of ours: worked out from what the contact did, set once for each abandoned
form, and taken off when the form is sent, when sales takes the lead, when marketing may not mail, or when its time is
over. Whoever else takes it off (a workflow that has mailed, a person, an undone run) has the last word. What an
abandoned form is, is rules/abandonment.py's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.domain.change import Change, ChangeKind
from connector.domain.contact import Contact
from connector.domain.decision import Decision
from connector.domain.episode import Episode
from connector.rules import suppression
from connector.rules.abandonment import Abandoned, abandoned
from connector.rules.case import Case
from connector.rules.rulebook import RuleBook
from connector.rules.situation import Situation

FIELD = "abandoned_form"
FRESH = timedelta(days=2)
"""So long after it was due a mark may still be set: a reminder of a form that comes later does more harm than good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marking:
    """What is to be done about the mark of one contact.

    Attributes:
        change: None where it stands as it should.
        since: when the form became abandoned whose mark is set; of one taken off, when it had been set, where known.
        look_at: when time alone changes it next; None: never.
    """

    change: Change | None = None
    since: datetime | None = None
    look_at: datetime | None = None


NOTHING = Marking()


def marking(situation: Situation, decision: Decision | None, book: RuleBook, *, now: datetime) -> Marking:
    """How the mark must stand once the decision does; None for one where nothing was decided just now."""
    rules, contact, field = book.qualification.abandoned_forms, situation.contact, book.fields.fields.get(FIELD)
    present = contact.text(FIELD)
    if field is None or not field.may_write() or not (rules or present):
        return NOTHING
    visits = _visits(situation, decision, book, now)
    wanted, due_at = _wanted(contact, visits, now)
    to_come = [at for visit in visits for at in (visit.due_at, visit.over_at) if at > now]
    if wanted == present:
        return Marking(look_at=min(to_come, default=None))
    change = Change(
        contact=contact.id, kind=ChangeKind.FIELD, field=FIELD, before=present or None, after=wanted or None
    )
    since = due_at if wanted else contact.changed_at.get(FIELD)
    return Marking(change=change, since=since, look_at=min(to_come, default=None))


def standing(situation: Situation, book: RuleBook, *, now: datetime) -> tuple[Abandoned, ...]:
    """Visits to a form's page after which it was not sent: of those to come the mark is still to be set.

    Without those whose time is over; empty where no mark would be set.
    """
    field = book.fields.fields.get(FIELD)
    if field is None or not field.may_write():
        return ()
    return tuple(one for one in _visits(situation, None, book, now) if one.over_at > now)


def _visits(situation: Situation, decision: Decision | None, book: RuleBook, now: datetime) -> Sequence[Abandoned]:
    if not _may_be_mailed(situation, decision, book):
        return ()
    case = Case(situation, book, now)
    since = max((mark for mark in (case.floor, case.past) if mark is not None), default=None)
    return abandoned(situation.contact, situation.activities, book.qualification.abandoned_forms, since=since)


def _may_be_mailed(situation: Situation, decision: Decision | None, book: RuleBook) -> bool:
    """Not while sales has the lead, nor while the marketing hold or the person's own wish forbids it (I1, R11)."""
    after = decision.episode if decision is not None else None
    others = [one for one in situation.episodes if after is None or one.id != after.id]
    if any(_is_sales(one) for one in (*others, *([after] if after else []))):
        return False
    contact = situation.contact
    return bool(contact.text("email")) and suppression.allow(
        contact, book.suppression, asked_for_contact=False
    ).marketing_mail


def _is_sales(episode: Episode) -> bool:
    return episode.is_open or episode.marketing_held


def _wanted(contact: Contact, visits: Sequence[Abandoned], now: datetime) -> tuple[str, datetime | None]:
    """The mark that must stand, empty for none, and since when it is due. The newest counts."""
    present, changed_at = contact.text(FIELD), contact.changed_at.get(FIELD)
    standing = sorted((one for one in visits if one.certain_at <= now < one.over_at), key=lambda one: one.due_at)
    fresh = [one for one in standing if one.due_at <= now < one.due_at + FRESH]
    fresh = [one for one in fresh if changed_at is None or changed_at < one.due_at]  # else it was set for it already
    if fresh:
        return fresh[-1].mark, fresh[-1].due_at
    return (present, None) if any(one.mark == present for one in standing) else ("", None)
