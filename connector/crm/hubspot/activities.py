"""Activities: page views, form submissions and marketing e-mail events, each stream pulled by its own call.

A stream that this portal or token cannot give ends in one StreamOff with the reason in plain words; nothing else stops.
What an activity is worth is left to the rules.
Source: hubspot-facts, sections 5.1 (event occurrences), 5.3 (forms), 5.4 (e-mail events).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any

from connector.crm.hubspot import meetings, stretches, touches
from connector.crm.hubspot.client import Client, raw
from connector.crm.hubspot.forms import Form, pull_forms, pull_submissions, submitted_email
from connector.crm.hubspot.paths import EMAIL_EVENTS
from connector.crm.hubspot.protocol import (
    from_milliseconds,
    parse_instant,
    parse_next,
    parse_rows,
    to_iso,
    to_milliseconds,
    understood,
)
from connector.crm.hubspot.ranges import Fetched
from connector.crm.hubspot.refusals import QuestionRefusedError
from connector.crm.hubspot.spans import Plan, Span, Stretch
from connector.domain.activity import MEETINGS, TOUCHES, Activity, ActivityKind
from connector.domain.contact import ContactId
from connector.engine.ports import ActivityPage, StreamOff, Window
from connector.errors import ScopeError

PAGE_VIEWS, FORMS, EMAILS = "page_views", "forms", "emails"
STREAMS = (PAGE_VIEWS, FORMS, EMAILS)
"""In the order to pull them."""

PAGE_VIEW_TYPE = "e_visited_page"
OCCURRENCES_PAGE = 100
EMAIL_EVENTS_PAGE = 1000
OVERLAP = timedelta(seconds=1)  # whether `occurredAfter` includes its instant is not documented
EMAIL_KINDS = {"SENT": ActivityKind.EMAIL_SENT, "OPEN": ActivityKind.EMAIL_OPEN, "CLICK": ActivityKind.EMAIL_CLICK}
Pull = Iterator[ActivityPage | StreamOff]


def pull(client: Client, stream: str, window: Window, cursor: str | None) -> Pull:
    """Pages of one stream; the last one has no cursor and may be empty.

    Raises:
        ValueError: a stream that is not in STREAMS.
    """
    pulls: Mapping[str, Callable[[Client, Window, str | None], Iterator[ActivityPage]]] = {
        PAGE_VIEWS: _pull_page_views,
        FORMS: _pull_forms,
        EMAILS: _pull_emails,
        TOUCHES: touches.pull,
        MEETINGS: meetings.pull,
    }
    if stream not in pulls:
        raise ValueError(f"no stream called {stream!r}; there are {', '.join(STREAMS)}")
    begun = False
    try:
        for page in pulls[stream](client, window, cursor):
            begun = True
            yield page
    except ScopeError as error:
        yield StreamOff(stream=stream, why=_why(stream, error.scopes))
    except QuestionRefusedError as error:
        if error.refusal.status not in (400, 404):
            raise
        if cursor is not None:  # a place that was kept for too long
            yield stretches.ANEW
            yield from pull(client, stream, window, None)
        elif stream == PAGE_VIEWS and not begun:
            yield _off(error)
        else:
            raise


def _off(error: QuestionRefusedError) -> StreamOff:
    """A 400 to a question that names no contact: one that names one may be answered."""
    if error.refusal.status == 400:
        why = "HubSpot gives page views of this portal for one contact at a time only"
        return StreamOff(stream=PAGE_VIEWS, why=why, by_contact=True)
    return StreamOff(stream=PAGE_VIEWS, why=_why(PAGE_VIEWS, ()))


def _why(stream: str, scopes: tuple[str, ...]) -> str:
    lacks = f"the token lacks {', '.join(scopes)}" if scopes else "the portal or the token does not allow it"
    return {
        PAGE_VIEWS: f"single page views need an Enterprise portal ({lacks}); "
        "the contact's page counters stand in for them",
        FORMS: f"form submissions cannot be read: {lacks}; the contact's last form stands in for them",
        EMAILS: f"marketing e-mail events cannot be read: {lacks}",
        TOUCHES: f"calls, e-mails and meetings of sales cannot be counted, so clocks that ask for touches stop at an "
        f"answer only: {lacks}",
        MEETINGS: f"meetings cannot be read, so their hosts are not known: {lacks}",
    }[stream]


# -- page views --------------------------------------------------------------------------------------------------


def pull_views(client: Client, contact: ContactId, window: Window) -> Pull:
    """Page views of one contact; none of one who is gone."""
    try:
        read = partial(_read_page_views, client, object_type="contact", object_id=int(contact))
        yield from stretches.one_by_one(window, None, read)
    except ScopeError as error:
        yield StreamOff(stream=PAGE_VIEWS, why=_why(PAGE_VIEWS, error.scopes))
    except QuestionRefusedError as error:
        if error.refusal.status == 400:
            yield StreamOff(stream=PAGE_VIEWS, why=_why(PAGE_VIEWS, ()))
        elif error.refusal.status != 404:
            raise


def _pull_page_views(client: Client, window: Window, cursor: str | None) -> Iterator[ActivityPage]:
    _ = client.events  # built here: on other threads it might be built twice
    return stretches.pull(client, window, cursor, partial(_read_page_views, client))


def _read_page_views(
    client: Client, window: Window, cursor: str | None, **of_one: str | int
) -> tuple[tuple[Activity, ...], str | None]:
    """A page, and the cursor of the next."""
    payload = raw(
        client.events.get_page,
        event_type=PAGE_VIEW_TYPE,
        occurred_after=to_iso(window.since - OVERLAP),
        occurred_before=to_iso(window.until + OVERLAP),
        limit=OCCURRENCES_PAGE,
        **({} if cursor is None else {"after": cursor}),
        **of_one,
    ).payload
    views = [parse_page_view(row) for row in parse_rows(payload)]
    return tuple([one for one in views if one]), parse_next(payload)


@understood("a page view")
def parse_page_view(row: Mapping[str, Any]) -> Activity | None:
    """One event occurrence; None where it is no contact's or lacks id, contact or instant."""
    at = parse_instant(row.get("occurredAt"))
    is_contact = str(row.get("objectType") or "contact").lower() in ("contact", "contacts", "0-1")
    if at is None or not is_contact or not row.get("id") or not row.get("objectId"):
        return None
    properties = row.get("properties") or {}
    return Activity(
        stream=PAGE_VIEWS,
        id=str(row["id"]),
        contact=ContactId(str(row["objectId"])),
        kind=ActivityKind.PAGE_VIEW,
        occurred_at=at,
        name=str(properties.get("hs_title") or ""),
        url=_text_or_none(properties.get("hs_url")),
    )


# -- forms -------------------------------------------------------------------------------------------------------


def _pull_forms(client: Client, window: Window, cursor: str | None) -> Iterator[ActivityPage]:
    """All submissions in the window, form after form by rising GUID; of many, several forms side by side."""
    forms = {_number(form): form for form in sorted(pull_forms(client), key=lambda form: form.guid)}
    plan = stretches.resumed(cursor) or Plan([Stretch(number, number + 1) for number in forms])
    return stretches.follow(client, window, plan, partial(_fetch_submissions, client, forms, window))


def _number(form: Form) -> int:
    """By which a plan knows it, also when the pull is gone on with after others were added."""
    return int(sha256(form.guid.encode()).hexdigest()[:32], 16)


def _fetch_submissions(
    client: Client, forms: Mapping[int, Form], window: Window, span: Span
) -> Fetched[Activity]:
    """The next page of a form; one that was deleted meanwhile has none."""
    form = forms.get(span.low)
    pages = pull_submissions(client, form.guid, window.since, span.after) if form is not None else iter(())
    rows, following = next(pages, ([], None))
    found = [parse_submission(row, form) for row in rows] if form is not None else []
    return Fetched(stretches.of(window, [one for one in found if one]), (), following, following is None)


def pull_recent(client: Client, form: Form, since: datetime) -> Iterator[list[Activity]]:
    """Pages of the newest submissions of a form, back to `since`."""
    for rows, _ in pull_submissions(client, form.guid, since, None):
        yield [one for row in rows if (one := parse_submission(row, form)) and one.occurred_at >= since]


def parse_submission(row: Mapping[str, Any], form: Form) -> Activity | None:
    """One submission; None where it has no instant, or no e-mail address to know the contact by."""
    at = parse_instant(row.get("submittedAt"))
    email = submitted_email(row)
    if at is None or not email:
        return None
    identity = str(row.get("conversionId") or "")
    if not identity:
        digest = sha256(f"{form.guid}|{to_milliseconds(at)}|{email}".encode()).hexdigest()
        identity = digest[:32]
    return Activity(
        stream=FORMS,
        id=identity,
        contact=None,
        kind=ActivityKind.FORM_SUBMISSION,
        occurred_at=at,
        name=form.name,
        ref=form.guid,
        url=_text_or_none(row.get("pageUrl")),
        email=email,
    )


# -- marketing e-mail --------------------------------------------------------------------------------------------


def _pull_emails(client: Client, window: Window, cursor: str | None) -> Iterator[ActivityPage]:
    """All e-mail events of the window; kinds that nobody scores are dropped here."""
    return stretches.pull(client, window, cursor, partial(_read_emails, client))


def _read_emails(client: Client, window: Window, cursor: str | None) -> tuple[tuple[Activity, ...], str | None]:
    """A page, and the cursor of the next."""
    query: list[tuple[str, Any]] = [
        ("startTimestamp", to_milliseconds(window.since)),
        ("endTimestamp", to_milliseconds(window.until) + 1),
        ("limit", EMAIL_EVENTS_PAGE),
    ]
    if cursor is not None:
        query.append(("offset", cursor))
    payload = client.transport.call(EMAIL_EVENTS, query=query).payload
    events = [parse_email_event(event) for event in parse_rows(payload, key="events")]
    more = payload.get("hasMore") and payload.get("offset") not in (None, "")
    return tuple([one for one in events if one]), str(payload["offset"]) if more else None


@understood("an e-mail event")
def parse_email_event(event: Mapping[str, Any]) -> Activity | None:
    """One event of a kind that counts; None for others, and for one without key, instant or recipient.

    `filteredEvent` marks what a machine opened or clicked (R09).
    """
    kind = EMAIL_KINDS.get(str(event.get("type")))
    created, recipient = event.get("created"), str(event.get("recipient") or "").strip().lower()
    at = from_milliseconds(created) if isinstance(created, int) else parse_instant(created)
    if kind is None or at is None or not event.get("id") or not recipient:
        return None
    return Activity(
        stream=EMAILS,
        id=f"{to_milliseconds(at)}-{event['id']}",
        contact=None,
        kind=kind,
        occurred_at=at,
        name=str(event.get("emailCampaignName") or event.get("subject") or ""),
        ref=str(event.get("emailCampaignId") or ""),
        url=_text_or_none(event.get("url")),
        email=recipient,
        automatic=bool(event.get("filteredEvent")),
    )


def _text_or_none(value: object) -> str | None:
    return str(value) if value else None
