"""Activity streams: what is read, what is left out, when they end and when they are off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import requests
from responses import matchers

from connector.crm.hubspot.forms import submitted_email
from connector.domain.activity import ActivityKind
from connector.engine.ports import StreamOff, Window
from connector.errors import ContractError, CrmUnavailableError

EVENTS = "/events/v3/events"
FORMS = "/marketing/v3/forms"
NEWSLETTER = "/form-integrations/v1/submissions/forms/a0000000-0000-0000-0000-000000000001"
DEMO = "/form-integrations/v1/submissions/forms/b0000000-0000-0000-0000-000000000002"
EMAILS = "/email/public/v1/events"
NOW = datetime(2026, 3, 2, 10, 16, tzinfo=UTC)
WINDOW = Window(since=NOW - timedelta(hours=24), until=NOW)


def query(**values: str) -> object:
    return matchers.query_param_matcher(values, strict_match=False)


def test_streams_are_those_the_rules_need_in_one_order(build) -> None:
    assert build().streams() == ("page_views", "forms", "emails")
    assert build(streams=["emails", "page_views"]).streams() == ("page_views", "emails")


def test_an_unknown_stream_is_a_defect(gateway) -> None:
    with pytest.raises(ValueError, match="page_views"):
        list(gateway.pull_activities("faxes", WINDOW, cursor=None))


def test_page_views_come_portal_wide_with_a_second_of_overlap(wire, gateway) -> None:
    asked = query(eventType="e_visited_page", occurredAfter="2026-03-01T10:15:59.000Z", limit="100")
    wire.answer("GET", EVENTS, "page-views", match=(asked,))
    wire.answer("GET", EVENTS, "page-views-end", match=(query(after="MTAw"),))
    first, last = gateway.pull_activities("page_views", WINDOW, cursor=None)
    (view,) = first.rows
    assert (view.id, view.contact, view.kind) == ("ev-1", "501", ActivityKind.PAGE_VIEW)
    assert (view.url, view.name) == ("https://www.seller.example/pricing", "Pricing")
    assert (first.cursor, last.cursor) == ("MTAw", None)
    assert last.rows[0].url is None


@pytest.mark.parametrize(("status", "body"), [(403, {}), (403, "scope-missing"), (400, {}), (404, {})])
def test_a_portal_without_single_page_views_says_so_once(wire, gateway, status, body) -> None:
    wire.answer("GET", EVENTS, status=status, json=wire.sample(body, 403) if isinstance(body, str) else body)
    (off,) = gateway.pull_activities("page_views", WINDOW, cursor=None)
    assert isinstance(off, StreamOff)
    assert off.stream == "page_views" and off.why


def test_views_of_one_contact_are_asked_for_where_those_of_all_are_refused(wire, gateway) -> None:
    """R06: a 400 to a question that names no contact is no refusal for ever."""
    wire.answer("GET", EVENTS, status=400, json={})
    (off,) = gateway.pull_activities("page_views", WINDOW, cursor=None)
    assert isinstance(off, StreamOff) and off.by_contact
    asked = query(objectType="contact", objectId="501", eventType="e_visited_page")
    wire.answer("GET", EVENTS, "page-views-end", match=(asked,))
    (page,) = gateway.pull_views("501", WINDOW)
    assert not isinstance(page, StreamOff) and page.cursor is None
    wire.answer("GET", EVENTS, status=404, json={})
    assert list(gateway.pull_views("501", WINDOW)) == [], "the contact is gone"
    wire.answer("GET", EVENTS, status=403, json={})
    (off,) = gateway.pull_views("501", WINDOW)
    assert isinstance(off, StreamOff) and not off.by_contact


@pytest.mark.parametrize(("stream", "path"), [("forms", FORMS), ("emails", EMAILS)])
def test_a_missing_scope_switches_its_stream_off_and_is_named(wire, gateway, stream, path) -> None:
    """Fault table: 403 stops that feature only."""
    wire.answer("GET", path, "scope-missing", status=403)
    (off,) = gateway.pull_activities(stream, WINDOW, cursor=None)
    assert isinstance(off, StreamOff) and "crm.lists.write" in off.why


def test_an_outage_does_not_switch_a_stream_off(wire, gateway) -> None:
    for _ in range(2):
        wire.mock.add("GET", "https://api.hubapi.com" + EVENTS, body=requests.ConnectionError("reset"))
    with pytest.raises(CrmUnavailableError):
        list(gateway.pull_activities("page_views", WINDOW, cursor=None))


def test_submissions_are_read_newest_first_until_the_window_begins(wire, gateway) -> None:
    wire.answer("GET", FORMS, "forms")
    wire.answer("GET", NEWSLETTER, "submissions-none", match=(query(limit="50"),))
    wire.answer("GET", DEMO, "submissions", match=(query(limit="50"),))
    page, end = gateway.pull_activities("forms", WINDOW, cursor=None)
    ada, bob = page.rows
    assert (ada.id, ada.email, ada.contact, ada.ref) == (
        "c-9",
        "ada@buyer.example",
        None,
        "b0000000-0000-0000-0000-000000000002",
    )
    assert (ada.name, ada.url) == ("Demo request", "https://www.seller.example/demo")
    assert ada.occurred_at.timestamp() == 1772442000
    assert len(bob.id) == 32, "a submission without an id gets one that stays the same"
    assert (end.rows, end.cursor) == ((), None)
    assert len(wire.sent) == 3, "one call for the forms, one per form"


def test_forms_resume_where_a_page_was_done(wire, gateway) -> None:
    for _ in range(2):
        wire.answer("GET", FORMS, "forms")
    wire.answer("GET", NEWSLETTER, "submissions-none")
    more = {"results": wire.sample("submissions")["results"][:1], "paging": {"next": {"after": "HERE"}}}
    wire.answer("GET", DEMO, json=more, match=(query(limit="50"),))
    wire.answer("GET", DEMO, "submissions", match=(query(after="HERE"),))
    pages = gateway.pull_activities("forms", WINDOW, cursor=None)
    cursor = next(pages).cursor
    pages.close()
    assert len(list(gateway.pull_activities("forms", WINDOW, cursor=cursor))) == 2


def test_a_form_that_was_deleted_meanwhile_is_passed_over(wire, gateway) -> None:
    wire.answer("GET", FORMS, "forms")
    wire.answer("GET", NEWSLETTER, status=404, json={})
    wire.answer("GET", DEMO, "submissions-none")
    (end,) = gateway.pull_activities("forms", WINDOW, cursor=None)
    assert end.cursor is None


def test_a_submission_page_that_repeats_stops_the_stream(wire, gateway) -> None:
    wire.answer("GET", FORMS, "forms")
    wire.answer("GET", NEWSLETTER, "submissions-none")
    endless = {"results": wire.sample("submissions")["results"][:1], "paging": {"next": {"after": "SAME"}}}
    for _ in range(2):
        wire.answer("GET", DEMO, json=endless)
    with pytest.raises(ContractError, match="twice"):
        list(gateway.pull_activities("forms", WINDOW, cursor=None))


@pytest.mark.parametrize(
    "row", [{}, {"values": None}, {"values": ["x"]}, {"values": [{"name": "email", "value": None}]}]
)
def test_a_submission_without_address_has_none(row) -> None:
    assert submitted_email(row) == ""


def test_email_events_follow_the_offset_and_know_machines(wire, gateway) -> None:
    """R09: what a mail scanner clicked is automatic."""
    asked = query(startTimestamp="1772360160000", limit="1000")
    wire.answer("GET", EMAILS, "email-events", match=(asked,))
    wire.answer("GET", EMAILS, "email-events-end", match=(query(offset="Zm9v"),))
    first, last = gateway.pull_activities("emails", WINDOW, cursor=None)
    (click,) = first.rows
    assert (click.kind, click.automatic, click.email, click.ref) == ("email_click", True, "ada@buyer.example", "77")
    assert click.id == "1772442000000-e-1"
    assert (last.rows[0].kind, last.rows[0].name, last.cursor) == ("email_sent", "Hello", None)
