"""Idle: contacts of whom nothing is known but values by which no rule could do anything; they cost no decision.

Most of a portal is such at first sight. That nothing comes of them is certain (rules/reach.py); what the rules say of
one is worked out when somebody asks, from the facts and by the rules of that day (P6).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from connector.domain.contact import ContactId
from connector.domain.decision import Action
from connector.engine.context import Context
from connector.engine.gathering import Gathered
from connector.engine.lacking import situation_then
from connector.engine.ports import StoredContact, UnitOfWork
from connector.engine.rules_then import rules_then
from connector.rules.decide import decide
from connector.rules.marking import FIELD
from connector.rules.rulebook import RuleBook
from connector.rules.shown import marks_of

MOST_COUNTED = 10_000
"""Memory stays flat. Where contacts are many the first time, what they did is known before most of them are seen."""


def of_whom_nothing_comes(context: Context, uow: UnitOfWork, gathered: Gathered) -> frozenset[ContactId]:
    """Those of a batch who did nothing, have neither deal nor episode nor mark, and of whom nothing was ever decided.

    None in a run that somebody looks at lead by lead, as in a preview (R33).
    """
    rows = [
        row
        for contact, row in gathered.stored.items()
        if not gathered.activities.get(contact)
        and not gathered.deals.get(contact)
        and not gathered.episodes.get(contact)
        and contact not in context.adopt
    ]
    found = _by_their_values(context, rows)
    return frozenset(found) - uow.decided(found) if found else frozenset()


def nothing_comes_at_first_sight(
    context: Context, uow: UnitOfWork, rows: Iterable[StoredContact]
) -> frozenset[ContactId]:
    """Those of contacts never seen before; they need not come on the work list at all.

    Who did something, or came out of a merge, may be heard of before the contact itself is.
    """
    found = _by_their_values(context, rows)
    return frozenset(found) - uow.heard_of(found) if found else frozenset()


def pass_over(context: Context, idle: Collection[ContactId]) -> None:
    """They count as decided."""
    context.counts.decided += len(idle)
    if len(context.counted) < MOST_COUNTED:
        context.counted.update(idle)


def _by_their_values(context: Context, rows: Iterable[StoredContact]) -> list[ContactId]:
    if context.options.dry_run or context.options.approval is not None:
        return []
    perhaps, now = context.reach.perhaps_at_first, context.now.timestamp()
    return [
        row.contact.id
        for row in rows
        if row.contact.id not in context.unread
        and not row.contact.text(FIELD)
        and marks_of(row.contact) is None
        and not perhaps(row.raw, now)
    ]


def said_of_idle(
    uow: UnitOfWork, stored: StoredContact, book: RuleBook, as_of: datetime | None
) -> Mapping[str, object] | None:
    """What the rules said at `as_of` (None: in the last run) of somebody about whom nothing is stored, as if it were.

    None where no run had looked yet, where the rules of that day are not known any more, or where something would have
    come of it: then nothing was decided.
    """
    contact, state = stored.contact.id, uow.portal_state()
    if state is None or state.as_of is None or uow.dirty_among([contact]):
        return None
    run = uow.run_before(as_of or state.as_of)
    then = rules_then(uow, run.fingerprint, book) if run is not None else None
    if run is None or then is None:
        return None
    now = run.as_of
    situation = situation_then(uow, contact, then, now, ())
    if situation is None:
        return None
    decision = replace(decide(situation, then, now=now), fingerprint=run.fingerprint)
    return uow.in_words(decision) if decision.action is Action.NOTHING else None
