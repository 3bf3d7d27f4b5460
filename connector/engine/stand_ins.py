"""Stand-ins: page views of portals that give no single ones, from what the CRM keeps on the contact itself (R06, R08).

HubSpot gives single page views to Enterprise portals alone. Everywhere else each change of the last visit that a pull
sees is one view of the last page, kept as an activity, so that key pages, scores, forms that were opened, explain and
replay read it like any other. Of several pages between two pulls the last one is seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import Contact, ContactId
from connector.engine.ports import StoredContact, UnitOfWork

PAGE_VIEWS = "page_views"
LAST_PAGES = "last_pages"
"""The stream that single page views come by, and the one that stands in for it."""

BY_CONTACT = "page_views.by_contact"
"""When the CRM last said that it gives page views for one contact at a time; kept as a watermark, and no stream."""


def stand_ins(
    uow: UnitOfWork, before: Mapping[ContactId, StoredContact], after: Iterable[StoredContact]
) -> list[Activity]:
    """A view of the last page for each contact that came back; none where the portal gives single views.

    `before`: the same contacts as they were known; those seen for the first time are missing.
    """
    if not is_refused(uow, PAGE_VIEWS) or by_contact(uow):
        return []
    return [view for row in after if (view := _view(before.get(row.contact.id), row.contact)) is not None]


def refused(stream: str) -> str:
    """Name of the watermark that says when the CRM last refused a stream."""
    return f"{stream}.refused"


def is_refused(uow: UnitOfWork, stream: str) -> bool:
    """Whether the CRM's last word on the stream was a refusal."""
    said = uow.watermark(refused(stream))
    return said is not None and ((mark := uow.watermark(stream)) is None or mark <= said)


def by_contact(uow: UnitOfWork) -> bool:
    """Whether the CRM gives page views for one contact at a time, by its last word (engine/views.py)."""
    said, mark, off = (uow.watermark(name) for name in (BY_CONTACT, PAGE_VIEWS, refused(PAGE_VIEWS)))
    return said is not None and (mark is None or mark <= said) and (off is None or off <= said)


def _view(before: StoredContact | None, contact: Contact) -> Activity | None:
    at, url = contact.instant("last_visit_at"), contact.text("last_url")
    if at is None or not url or (before is not None and before.contact.instant("last_visit_at") == at):
        return None
    return Activity(
        stream=LAST_PAGES,
        id=f"{contact.id}-{at.isoformat()}",
        contact=contact.id,
        kind=ActivityKind.PAGE_VIEW,
        occurred_at=at,
        url=url,
    )
