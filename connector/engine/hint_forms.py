"""Hints of forms: of those who just sent a form that asks for sales, the submission itself is looked up.

Their contact only tells of it. What earlier looks brought is not asked for again, so that in a rush each submission is
read once, whoever asked first. Deciding is left to hints.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import Contact, ContactId
from connector.domain.hint import Hint
from connector.engine.context import Context
from connector.engine.intake import store_activities
from connector.engine.ports import Form
from connector.engine.unseen import ALONE

ABOUT_THEN = timedelta(minutes=1)
"""So far apart may a contact's own word of a form and the submission itself be dated."""
JUST_THEN = timedelta(seconds=1)
"""So far apart they are taken for the same without asking."""
PAGES = 10
"""Of a form's newest submissions, for those that are not listed yet; further back only while pages bring news."""


def look_up(context: Context, hints: Sequence[Hint], contacts: Mapping[ContactId, Contact]) -> set[ContactId]:
    """Store the submissions that these contacts tell of; gives the contacts whose submission is not listed yet."""
    first: dict[ContactId, datetime] = {}
    for hint in hints:
        first[hint.contact] = min(hint.occurred_at, first.get(hint.contact, hint.occurred_at))
    sent = {
        one: contact
        for one, contact in contacts.items()
        if one in first and (at := contact.instant("last_form_at")) is not None and at >= first[one] - ABOUT_THEN
    }
    try:
        return _look_up(context, sent)
    except ALONE:  # they are looked for again within the minute, and pulled by the next run
        return set(sent)


def _look_up(context: Context, sent: Mapping[ContactId, Contact]) -> set[ContactId]:
    """`sent`: those who tell of a form."""
    forms = _wanted(context, list(sent.values())) if sent else []
    if not forms:
        return set()
    since = min(at for contact in sent.values() if (at := contact.instant("last_form_at"))) - ABOUT_THEN
    with context.store.reading() as uow:
        known = uow.activities(list(sent), since)
    asked = [contact for one, contact in sent.items() if not _is_known(contact, known[one], forms)]
    if not asked:
        return set()
    _store(context, forms, asked)
    with context.store.reading() as uow:
        known = uow.activities([contact.id for contact in asked], since)
    return {contact.id for contact in asked if _lacks(contact, known[contact.id], forms)}


def _store(context: Context, forms: Sequence[Form], asked: Sequence[Contact]) -> None:
    """Page by page, newest first, until each of those asked for is there."""
    since = min(at for contact in asked if (at := contact.instant("last_form_at"))) - ABOUT_THEN
    missing = {email for contact in asked if (email := contact.text("email"))}
    for form in forms:
        for number, page in enumerate(context.source.recent_submissions(form, since), start=1):
            past = [row for row in page if row.occurred_at <= context.now]  # a later one is for a later run
            with context.store.transaction() as uow:
                new = uow.unseen_activities(past)
                store_activities(context, uow, new, "forms")
            context.counts.activities_pulled += len(new)
            missing.difference_update(row.email for row in page)
            if not missing:
                return
            if number >= PAGES and not new:
                break


def _wanted(context: Context, contacts: Sequence[Contact]) -> list[Form]:
    """Forms whose senders ask for sales, and of these the ones that the contacts name; where one names none of
    them, it may be any (hubspot-facts, section 7: the name is that of the page and the form, or of either)."""
    rules = context.book.qualification.hand_raisers.forms
    if not rules:
        return []
    asking = [form for form in context.source.forms() if any(rule.fits(_sample(form)) for rule in rules)]
    texts = [contact.text("last_form").casefold() for contact in contacts]
    named = [form for form in asking if any(form.name.casefold() in text for text in texts)]
    return named if all(any(form.name.casefold() in text for form in named) for text in texts) else asking


def _sample(form: Form) -> Activity:
    """A submission of this form, to ask the rules about it."""
    at = datetime.min.replace(tzinfo=UTC)
    kind = ActivityKind.FORM_SUBMISSION
    return Activity(stream="", id="", contact=None, kind=kind, occurred_at=at, name=form.name, ref=form.ref)


def _is_known(contact: Contact, known: Sequence[Activity], forms: Sequence[Form]) -> bool:
    """Whether the submission that the contact tells of is stored already."""
    at, refs = contact.instant("last_form_at"), {form.ref for form in forms}
    return at is not None and any(row.ref in refs and abs(row.occurred_at - at) <= JUST_THEN for row in known)


def _lacks(contact: Contact, known: Sequence[Activity], forms: Sequence[Form]) -> bool:
    """Whether the contact tells of a form of these and its submission has not come yet."""
    at, text = contact.instant("last_form_at"), contact.text("last_form").casefold()
    if at is None or not any(form.name.casefold() in text for form in forms):
        return False
    sent = ActivityKind.FORM_SUBMISSION
    return not any(row.kind is sent and row.occurred_at >= at - ABOUT_THEN for row in known)
