"""Seeds: the same number gives the same portal; stages can be wished for; messy rows are there; nothing real is."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from connector.sandbox import handlers
from connector.sandbox.clock import Clock, parse_instant
from connector.sandbox.control import make_portal
from connector.sandbox.portal import Portal, Sandbox

NOW = parse_instant("2026-03-02T09:00:00Z")
assert handlers.LOADED


def _portal(contacts: int, seed: int = 1, **spec: object) -> Portal:
    clock = Clock()
    clock.freeze(NOW)
    return make_portal(Sandbox(clock), {"contacts": contacts, "seed": seed, **spec})


@pytest.fixture(scope="module")
def thousand() -> Portal:
    return _portal(1000)


def _everything(portal: Portal) -> list[object]:
    rows = [
        (r.id, r.props, r.created, r.modified, r.history) for s in portal.objects.values() for r in s.records.values()
    ]
    place = portal.directory
    return [rows, place.owners, place.forms, place.page_views, place.submissions, place.email_events]


def test_one_number_gives_one_portal() -> None:
    assert _everything(_portal(300, 7)) == _everything(_portal(300, 7))
    assert _everything(_portal(300, 7)) != _everything(_portal(300, 8))


def test_stages_come_in_the_wished_counts_with_owners_and_statuses() -> None:
    """The adoption run needs 20,000 contacts of which 3,000 are at MQL or SQL; here a tenth of that."""
    portal = _portal(2000, stages={"marketingqualifiedlead": 200, "salesqualifiedlead": 100})
    people = portal.objects["contacts"].records.values()
    counts = Counter(record.props["lifecyclestage"] for record in people)
    assert (counts["marketingqualifiedlead"], counts["salesqualifiedlead"]) == (200, 100)
    assert set(counts) == {"subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead"}
    for record in people:
        if record.props["lifecyclestage"] in ("marketingqualifiedlead", "salesqualifiedlead"):
            assert record.props["hubspot_owner_id"] in portal.directory.owners
            assert record.props["hs_lead_status"]


def test_histories_end_in_the_present_value_and_never_go_back_in_time(thousand: Portal) -> None:
    for record in thousand.objects["contacts"].records.values():
        assert record.created <= record.modified <= NOW
        for name, line in (record.history or {}).items():
            assert [change.at for change in line] == sorted(change.at for change in line)
            assert line[-1].value == record.props.get(name, "")


def test_messy_rows_are_among_them(thousand: Portal) -> None:
    people = [record.props for record in thousand.objects["contacts"].records.values()]
    assert sum("email" not in props for props in people) >= 5
    assert any(props["phone"] == "call me after six" for props in people)
    assert any(props["country"] == "Atlantis" for props in people)
    assert any("🦊" in props["firstname"] for props in people)
    assert sum(len(props.get("message", "")) >= 60_000 for props in people) == 1


def test_there_are_owners_with_one_archived_forms_deals_and_activity(thousand: Portal) -> None:
    place = thousand.directory
    assert [owner.archived for owner in place.owners.values()].count(True) == 1
    assert {form.name for form in place.forms.values()} >= {"Request a demo", "Contact us"}
    assert place.page_views
    assert place.submissions
    assert place.email_events
    stages = {record.props["dealstage"] for record in thousand.objects["deals"].records.values()}
    assert stages == {"closedwon", "closedlost", "appointmentscheduled"}


def test_nothing_points_at_anybody_real(thousand: Portal) -> None:
    """Only .example addresses, and phones from ranges reserved for fiction."""
    phone = re.compile(r"\+1 202 555 01\d\d|\+44 20 7946 0\d{3}|call me after six")
    for kind in ("contacts", "companies"):
        for record in thousand.objects[kind].records.values():
            assert record.props.get("email", "x.example").endswith(".example")
            assert record.props.get("domain", "x.example").endswith(".example")
            assert phone.fullmatch(record.props["phone"])
    assert all(owner.email.endswith(".example") for owner in thousand.directory.owners.values())


def test_seeding_leaves_no_journal_and_search_sees_all_at_once() -> None:
    portal = _portal(50, switches={"lag_seconds": 60})
    assert portal.journal == []
    assert portal.objects["contacts"].lagging == {}
    assert portal.switches.lag_seconds == 60
