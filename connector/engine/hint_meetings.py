"""Hints of meetings: of those who just booked one, the meeting is looked up, since it alone names the host (R12).

Only where routing.yaml asks for hosts. Deciding is left to hints.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from connector.domain.activity import MEETINGS, ActivityKind
from connector.domain.contact import Contact, ContactId
from connector.domain.hint import Hint
from connector.engine.context import Context
from connector.engine.intake import store_activities
from connector.engine.ports import StreamOff, Window
from connector.rules.meetings import FIELD

ABOUT_THEN = timedelta(minutes=1)
"""So far apart may a contact's own word of a meeting and the meeting itself be dated."""


def look_up(context: Context, hints: Sequence[Hint], contacts: Mapping[ContactId, Contact]) -> set[ContactId]:
    """Store the meetings that these contacts tell of; gives the contacts whose meeting is not listed yet."""
    if not context.book.routing.asks_for_hosts:
        return set()
    first = min((hint.occurred_at for hint in hints), default=context.now) - ABOUT_THEN
    booked = {one: at for one, contact in contacts.items() if (at := contact.instant(FIELD)) and at >= first}
    missing = _missing(context, booked)
    if not missing:
        return set()
    since = min(booked[one] for one in missing) - ABOUT_THEN
    for page in context.source.pull_activities(MEETINGS, Window(since=since, until=context.now), cursor=None):
        if isinstance(page, StreamOff):
            return set()  # the run says so; without a host the lead is routed as others are
        past = [row for row in page.rows if row.occurred_at <= context.now]
        with context.store.transaction() as uow:
            new = uow.unseen_activities(past)
            store_activities(context, uow, new, MEETINGS)
        context.counts.activities_pulled += len(new)
    return _missing(context, booked)


def _missing(context: Context, booked: Mapping[ContactId, datetime]) -> set[ContactId]:
    """Whose meeting is not stored."""
    if not booked:
        return set()
    with context.store.reading() as uow:
        known = uow.activities(list(booked), min(booked.values()) - ABOUT_THEN)
    return {
        one
        for one, at in booked.items()
        if not any(row.kind is ActivityKind.MEETING and row.occurred_at >= at - ABOUT_THEN for row in known[one])
    }
