"""Views: page views for one contact at a time, where the CRM gives them in no other way (R06, R08).

Asked for are contacts that wait to be decided and whose record tells of a visit later than the views that are known;
where no field tells of visits, all that wait, and those in hand by turns. A run asks for so many and no more; whoever
it did not come to is asked for by the next one, and meanwhile nothing is concluded from views that did not come (P7).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from connector.domain.contact import ContactId
from connector.domain.quota import Purpose
from connector.engine.context import BATCH, Context
from connector.engine.intake import store_activities
from connector.engine.ports import StreamOff, Window
from connector.engine.stand_ins import BY_CONTACT, PAGE_VIEWS, by_contact, refused
from connector.errors import ContractError, CrmUnavailableError, QuotaExhaustedError
from connector.rules.words import many

MOST = 100
"""Contacts asked for in one run, each with a call or more."""
LOOKED_AT = 2_000
"""Contacts on the work list among which those are found; a first sync has all of them there."""
SHOWN_LATE = timedelta(hours=1)
"""So long after a visit its views are asked for again where they are not shown yet."""
VISIT = "last_visit_at"
STOPS = (CrmUnavailableError, ContractError, QuotaExhaustedError)


def pull_views_of_due(context: Context) -> None:
    """Read the views of contacts whose turn it is; nothing where the CRM gives those of all, or gives none."""
    if context.covered is None or context.options.approval is not None:
        return  # in a first run all wait, and what they did is the past
    with context.store.reading() as uow:
        if not by_contact(uow):
            return
    context.unseen.pop(PAGE_VIEWS, None)  # of an earlier run, which did not come to all
    told = VISIT in context.book.fields.fields
    asked = _due(context, told=told)
    if not told and len(asked) < MOST:
        asked |= {one: since for one, since in _in_turn(context).items() if one not in asked}
    read, why = 0, ""
    for contact, since in list(asked.items())[:MOST]:
        try:
            if why := _read(context, contact, since):
                break
        except STOPS as error:
            why = str(error)
            break
        read += 1
        context.between_pages()
    _left(context, list(asked)[read:], why)


def _due(context: Context, *, told: bool) -> dict[ContactId, datetime]:
    """Who waits and may have views that are not known → since when to ask."""
    with context.store.reading() as uow:
        ids = uow.dirty(LOOKED_AT)
    found: dict[ContactId, datetime] = {}
    for start in range(0, len(ids), BATCH):
        found.update(_since(context, ids[start : start + BATCH], told=told))
    return found


def _in_turn(context: Context) -> dict[ContactId, datetime]:
    """Some of those in hand; how far it got stands beside the watermark."""
    with context.store.transaction() as uow:
        page = uow.in_hand(BATCH // 5, uow.place(BY_CONTACT) or "")
        uow.put_place(BY_CONTACT, page[-1].contact if page else "")
    return _since(context, list(dict.fromkeys(episode.contact for episode in page)), told=False)


def _since(context: Context, ids: Sequence[ContactId], *, told: bool) -> dict[ContactId, datetime]:
    """`told`: only those whose record tells of a later visit."""
    start = context.now - context.book.scoring.look_back
    with context.store.reading() as uow:
        views, rows = uow.activities(ids, start), uow.contacts(ids)
    found = {}
    for one, row in rows.items():
        newest = max((view.occurred_at for view in views.get(one, ()) if view.stream == PAGE_VIEWS), default=start)
        visit = row.contact.instant(VISIT)
        if not (row.gone or row.merged_into) and (not told or (visit is not None and visit > newest)):
            found[one] = newest
    return found


def _read(context: Context, contact: ContactId, since: datetime) -> str:
    """One contact's views; why the CRM gives none, where it does not."""
    newest = since
    with context.crm.spend(Purpose.STREAMS):
        for page in context.source.pull_views(contact, Window(since=since, until=context.now)):
            if isinstance(page, StreamOff):
                with context.store.transaction() as uow:
                    uow.put_watermark(refused(PAGE_VIEWS), context.now + timedelta(milliseconds=1))
                return page.why
            newest = max([newest, *(row.occurred_at for row in page.rows)])
            if page.rows:
                with context.store.transaction() as uow:
                    store_activities(context, uow, page.rows, PAGE_VIEWS)
                context.counts.activities_pulled += len(page.rows)
    with context.store.transaction() as uow:
        row = uow.contacts([contact]).get(contact)
        visit = row.contact.instant(VISIT) if row is not None else None
        if visit is not None and visit > newest and context.now - visit < SHOWN_LATE:
            uow.mark_retry([contact])
    return ""


def _left(context: Context, ids: Sequence[ContactId], why: str) -> None:
    """Whom this run did not come to is asked for by the next one."""
    if not ids:
        return
    context.unseen[PAGE_VIEWS] = None
    with context.store.transaction() as uow:
        uow.mark_retry(uow.dirty_among(ids))
    because = f": {why}" if why else f", for a run asks for {MOST} and no more"
    context.troubles.append(
        f"page views of {many(len(ids), 'contact')} were not asked for{because}; the next run goes on with them"
    )
