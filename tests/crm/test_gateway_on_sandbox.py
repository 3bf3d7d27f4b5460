"""The gateway against the local HubSpot, in both API versions: what responses by hand cannot prove."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from connector.crm.hubspot import owned
from connector.crm.hubspot.gateway import HubSpotGateway
from connector.domain.change import OutcomeKind
from connector.domain.contact import ContactId
from connector.engine.ports import StreamOff, Window, Write
from connector.errors import AuthenticationError, ContractError, CrmUnavailableError, ScopeError, UnknownPropertyError
from connector.sandbox.server import Server

LIST = "Handoff: in sales' hands"
UNLIMITED = {"rate_per_10s": 0, "search_per_second": 0}
SOME = {"a": "A", "b": "B"}
OWNED = owned.definitions(states=SOME, tracks=SOME, verdicts=SOME, reasons=SOME, requests=SOME)
SEARCHES = r"/contacts/search$"


class Box:
    """One portal of the sandbox and the gateways that look at it."""

    def __init__(self, url: str, version: str, **spec: Any) -> None:
        self.url, self.version = url, version
        self.switches = {**UNLIMITED, **spec.pop("switches", {})}
        made = requests.post(f"{url}/_sandbox/portals", json={**spec, "switches": self.switches}, timeout=60).json()
        self.token, self.portal = made["token"], made["portalId"]
        self.slept: list[float] = []
        self.gateways: list[HubSpotGateway] = []

    def gateway(self, **more: Any) -> HubSpotGateway:
        defaults = {"token": self.token, "rate_per_10s": 0, "search_per_second": 0, "sleep": self.slept.append}
        arguments = {**defaults, "base_url": self.url, "api_version": self.version, "rng": random.Random(1), **more}
        self.gateways.append(HubSpotGateway(**arguments))
        return self.gateways[-1]

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(
            method, f"{self.url}/_sandbox/{path}", json=body, params={"portal": self.portal}, timeout=30
        )
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def act(self, **act: Any) -> Any:
        return self.control("POST", "acts", [act])["results"][0]

    def fault(self, **fault: Any) -> None:
        self.control("POST", "faults", [fault])


@pytest.fixture(params=["v3", "2026-03"])
def box(request: pytest.FixtureRequest, server: Server) -> Iterator[Callable[..., Box]]:
    """Makes portals, each empty and without limits unless told otherwise."""
    made: list[Box] = []

    def make(**spec: Any) -> Box:
        made.append(Box(server.url, request.param, **spec))
        return made[-1]

    server.sandbox.script.clear()
    yield make
    server.sandbox.script.clear()
    for one in made:
        for gateway in one.gateways:
            gateway.close()


def everything(gateway: HubSpotGateway) -> Window:
    now = gateway.portal().now
    return Window(since=now - timedelta(days=4000), until=now + timedelta(seconds=5))


def ids_of(pages: Any) -> list[str]:
    return [record.id for page in pages for record in page.records]


def test_both_pulls_see_the_same_contacts_at_the_least_cost(box) -> None:
    here = box(contacts=450, seed=3)
    gateway = here.gateway()
    window = everything(gateway)
    changed = list(gateway.pull_changed_contacts(window, ["email", "lifecyclestage"], cursor=None))
    resumed = list(gateway.pull_changed_contacts(window, ["email"], cursor=changed[0].cursor))
    full = list(gateway.pull_all_contacts(["email", "lifecyclestage"], cursor=None))
    assert ids_of(changed) == ids_of(full) and len(ids_of(full)) == 450
    assert ids_of(resumed) == ids_of(changed)[200:]
    assert [len(page.records) for page in changed] == [200, 200, 50]
    by_id = {record.id: record for page in full for record in page.records}
    assert all(by_id[record.id] == record for page in changed for record in page.records)


def test_a_quiet_run_costs_what_the_issue_allows(box) -> None:
    """At most 12 calls and one per form; the sandbox counts the same calls as the gateway."""
    here = box(contacts=20, enterprise=True, seed=3)
    gateway = here.gateway()
    portal = gateway.portal()
    window = Window(since=portal.now - timedelta(seconds=1), until=portal.now)
    list(gateway.pull_changed_contacts(window, ["email"], cursor=None))
    list(gateway.pull_archived_contacts(window.since))
    list(gateway.pull_deals(window, cursor=None))
    gateway.owners()
    for stream in gateway.streams():
        list(gateway.pull_activities(stream, window, cursor=None))
    calls = gateway.api_calls()
    per_form = sum(count for path, count in calls.items() if "submissions" in path)
    assert per_form >= 1
    assert sum(calls.values()) - per_form <= 9
    assert here.control("GET", "counters")["total"] == sum(calls.values())


def test_owned_things_are_made_once_then_written_and_read_back(box) -> None:
    here = box(contacts=30, seed=3)
    gateway = here.gateway()
    made = gateway.ensure_owned(OWNED, LIST)
    assert len(made) == 1 + len(OWNED) + 1
    assert gateway.ensure_owned(OWNED, LIST) == ()
    more = owned.definitions(states=SOME, tracks=SOME, verdicts=SOME, reasons={**SOME, "moved": "Moved"}, requests=SOME)
    assert gateway.ensure_owned(more, LIST) == (
        "added to the contact property “Handoff verdict reason” (handoff_verdict_reason): “Moved”",
    )
    assert gateway.schema().properties["handoff_verdict_reason"].options == (*SOME, "moved")
    assert gateway.ensure_owned(more, LIST) == gateway.ensure_owned(OWNED, LIST) == ()
    ids = ids_of(gateway.pull_all_contacts(["email"], cursor=None))
    writes = [Write(contact=one, properties={"handoff_state": "a", "handoff_score": "41.5"}) for one in ids]
    writes += [
        Write(contact=ContactId("999999999"), properties={"handoff_state": "a"}),
        Write(contact=ids[0], properties={"handoff_state": "nonsense"}),
    ]
    results = {result.contact: result for result in gateway.update_contacts(writes)}
    assert results[ids[0]].kind is OutcomeKind.REJECTED and "nonsense" not in results[ids[0]].detail
    assert results["999999999"].kind is OutcomeKind.GONE
    assert {results[one].kind for one in ids[1:]} == {OutcomeKind.WRITTEN}
    found = gateway.read_contacts(ids, ["handoff_state", "handoff_score"], history=["handoff_state"])
    assert found[ids[1]].properties == {"handoff_state": "a", "handoff_score": "41.5"}
    assert not found[ids[1]].history["handoff_state"][0].by_person
    assert found[ids[0]].properties["handoff_state"] is None


def test_a_persons_edit_is_told_from_ours(box) -> None:
    """I2"""
    here = box(contacts=3, seed=3)
    gateway = here.gateway()
    one = ids_of(gateway.pull_all_contacts(["email"], cursor=None))[0]
    gateway.update_contacts([Write(contact=one, properties={"hs_lead_status": "NEW"})])
    here.act(kind="edit", contact=one, properties={"hs_lead_status": "OPEN"})
    newest, ours, *_ = gateway.read_contacts([one], [], history=["hs_lead_status"])[one].history["hs_lead_status"]
    assert [(newest.value, newest.by_person), (ours.value, ours.by_person)] == [("OPEN", True), ("NEW", False)]


def test_list_members_are_added_and_removed_as_often_as_one_likes(box) -> None:
    here = box(contacts=10, seed=3)
    gateway = here.gateway()
    gateway.ensure_owned((), LIST)
    ids = ids_of(gateway.pull_all_contacts(["email"], cursor=None))
    for _ in range(2):
        assert gateway.add_to_list(LIST, [*ids, ContactId("999999999")]) == frozenset(ids)
    for _ in range(2):
        assert gateway.remove_from_list(LIST, ids[:4]) == frozenset(ids[:4])
    found = gateway.find_list(LIST)
    assert found is not None and found.is_writable
    assert gateway.has_list(LIST) and not gateway.has_list("nobody made this one")
    events = here.control("GET", "log?kinds=list_add,list_remove&limit=1000")["events"]
    members = {str(e["record_id"]) for e in events if e["kind"] == "list_add"}
    members -= {str(e["record_id"]) for e in events if e["kind"] == "list_remove"}
    assert members == set(ids[4:])


@pytest.mark.parametrize("kind", ["timeout_after", "reset_after", "truncate"])
def test_a_write_that_was_done_without_an_answer_is_unclear_and_found_by_reading(box, kind) -> None:
    """I7"""
    here = box(contacts=3, seed=3)
    gateway = here.gateway()
    one = ids_of(gateway.pull_all_contacts(["email"], cursor=None))[0]
    here.fault(path=r"/batch/update$", kind=kind, seconds=0.1)
    (result,) = gateway.update_contacts([Write(contact=one, properties={"jobtitle": "Buyer"})])
    assert result.kind is OutcomeKind.LATER
    assert gateway.read_contacts([one], ["jobtitle"])[one].properties == {"jobtitle": "Buyer"}


@pytest.mark.parametrize("kind", ["timeout_before", "reset", "truncate", "html"])
def test_a_read_that_went_wrong_is_asked_again(box, kind) -> None:
    here = box(contacts=250, seed=3)
    gateway = here.gateway()
    window = everything(gateway)
    here.fault(path=SEARCHES, kind=kind, seconds=0.1, times=2)
    assert len(ids_of(gateway.pull_changed_contacts(window, ["email"], cursor=None))) == 250
    assert len(here.slept) == 2


def test_a_page_that_comes_twice_stops_the_pull(box) -> None:
    here = box(contacts=450, seed=3)
    gateway = here.gateway()
    window = everything(gateway)
    here.fault(path=SEARCHES, kind="duplicate_page", nth=2)
    with pytest.raises(ContractError):
        list(gateway.pull_changed_contacts(window, ["email"], cursor=None))


def test_an_outage_ends_in_one_clear_error(box) -> None:
    here = box(contacts=3, seed=3)
    gateway = here.gateway()
    window = everything(gateway)
    here.fault(path=SEARCHES, kind="status", status=503, times=0)
    with pytest.raises(CrmUnavailableError, match="503"):
        list(gateway.pull_changed_contacts(window, ["email"], cursor=None))
    assert len(here.slept) == 4


@pytest.mark.parametrize("new_id", [False, True])
def test_a_merged_contact_is_found_under_both_old_ids(box, new_id) -> None:
    """I12"""
    here = box(contacts=5, seed=3, switches={"merge_new_id": new_id})
    gateway = here.gateway()
    first, second, third, *_ = ids_of(gateway.pull_all_contacts(["email"], cursor=None))
    survivor = str(here.act(kind="merge", contact=first, other=second)["contact"])
    found = gateway.read_contacts([first, second, third], ["email"])
    assert {one: found[one].id for one in (first, second, third)} == {first: survivor, second: survivor, third: third}
    assert (survivor != first) is new_id
    assert second in found[second].merged_ids


def test_an_archived_contact_is_gone_everywhere(box) -> None:
    here = box(contacts=5, seed=3)
    gateway = here.gateway()
    window = everything(gateway)
    one, *_ = ids_of(gateway.pull_all_contacts(["email"], cursor=None))
    here.act(kind="archive", contact=one)
    assert [list(page) for page in gateway.pull_archived_contacts(window.since)] == [[one]]
    assert gateway.read_contacts([one], ["email"]) == {}
    assert gateway.update_contacts([Write(contact=one, properties={"jobtitle": "x"})])[0].kind is OutcomeKind.GONE


def test_what_people_do_arrives_in_its_stream(box) -> None:
    here = box(contacts=3, enterprise=True, seed=3)
    gateway = here.gateway()
    record = next(iter(gateway.pull_all_contacts(["email"], cursor=None))).records[0]
    email = record.properties["email"]
    before = gateway.portal().now
    here.act(kind="page_view", contact=record.id, url="https://www.seller.example/pricing", title="Pricing")
    here.act(kind="form_submission", form="Contact us", email=email, values={"message": "Hello"})
    here.act(kind="email_event", type="CLICK", email=email, campaign_id=7, url="https://x.example/", filtered=True)
    window = Window(since=before - timedelta(seconds=1), until=before + timedelta(seconds=60))
    rows = {
        stream: [row for page in gateway.pull_activities(stream, window, cursor=None) for row in page.rows]  # type: ignore[union-attr] - no stream is off here
        for stream in gateway.streams()
    }
    assert "https://www.seller.example/pricing" in [row.url for row in rows["page_views"]]
    assert [(row.name, row.email) for row in rows["forms"]] == [("Contact us", email)]
    assert [(row.kind, row.automatic, row.email) for row in rows["emails"]] == [("email_click", True, email)]


def test_a_portal_without_enterprise_has_no_page_views_and_says_so(box) -> None:
    here = box(contacts=3, seed=3)
    gateway = here.gateway()
    (off,) = gateway.pull_activities("page_views", everything(gateway), cursor=None)
    assert isinstance(off, StreamOff) and "Enterprise" in off.why


def test_deals_come_with_their_contacts(box) -> None:
    here = box(contacts=3, seed=3)
    gateway = here.gateway()
    one = ids_of(gateway.pull_all_contacts(["email"], cursor=None))[0]
    here.act(
        kind="deal",
        contact=one,
        properties={"dealname": "Ten seats", "dealstage": "closedwon", "pipeline": "default", "amount": "900"},
    )
    deals = [deal for page in gateway.pull_deals(everything(gateway), cursor=None) for deal in page.rows]
    mine = [deal for deal in deals if one in deal.contacts and deal.amount == 900.0]
    assert [deal.state for deal in mine] == ["won"]


def test_paced_searches_are_never_refused_and_unpaced_ones_are_waited_out(box) -> None:
    """P8"""
    here = box(contacts=3, seed=3, switches={"search_per_second": 3})
    window = everything(here.gateway())
    paced = here.gateway(search_per_second=3, sleep=time.sleep)
    for _ in range(7):
        list(paced.pull_changed_contacts(window, ["email"], cursor=None))
    assert paced.throttled() == 0
    time.sleep(1.1)
    unpaced = here.gateway(sleep=time.sleep)
    for _ in range(4):
        list(unpaced.pull_changed_contacts(window, ["email"], cursor=None))
    assert unpaced.throttled() >= 1


def test_wrong_tokens_and_missing_scopes_are_told_apart(box) -> None:
    here = box(contacts=3, seed=3, scopes=["crm.objects.contacts.read", "oauth"])
    with pytest.raises(AuthenticationError):
        here.gateway(token="pat-nobody").portal()
    with pytest.raises(ScopeError) as caught:
        here.gateway().owners()
    assert here.gateway().scopes() == {"crm.objects.contacts.read", "oauth"}
    assert "crm.objects.owners.read" in caught.value.scopes


COMPANY = ["email", "company.domain", "company.lifecyclestage"]


def test_properties_of_the_primary_company_lie_beside_the_contacts(box) -> None:
    """R03, R32: two calls a page, no association read; a company that changed brings its contacts, and only those."""
    here = box(contacts=60, seed=4)
    gateway = here.gateway()
    window = everything(gateway)
    gateway.count_anew()
    found = [record for page in gateway.pull_changed_contacts(window, COMPANY, cursor=None) for record in page.records]
    assert sum(gateway.api_calls().values()) == 2
    with_one = [record for record in found if record.properties["company.domain"]]
    assert with_one and all(set(record.properties) == set(COMPANY) for record in found)
    asked = gateway.read_contacts([record.id for record in found], COMPANY, history=["email", "company.domain"])
    assert {one: record.properties for one, record in asked.items()} == {row.id: row.properties for row in found}

    head = {"Authorization": f"Bearer {here.token}"}
    first = gateway.read_contacts([with_one[0].id], ["associatedcompanyid", *COMPANY])[with_one[0].id]
    company = first.properties["associatedcompanyid"]
    since = gateway.portal().now
    address = f"{here.url}/crm/v3/objects/companies/{company}"
    body = {"properties": {"lifecyclestage": "customer"}}
    assert requests.patch(address, json=body, headers=head, timeout=30).status_code == 200
    later = Window(since=since - timedelta(seconds=1), until=gateway.portal().now + timedelta(seconds=5))
    pages = list(gateway.pull_contacts_of_changed_companies(later, COMPANY, cursor=None))
    changed = [record for page in pages for record in page.records]
    assert pages[-1].cursor is None and first.id in {record.id for record in changed}
    assert {record.properties["company.lifecyclestage"] for record in changed} == {"customer"}
    assert all((at := record.company_modified_at) is not None and at >= later.since for record in changed)

    assert requests.delete(address, headers=head, timeout=30).status_code == 204
    gone = gateway.read_contacts([first.id], COMPANY)[first.id]
    assert (gone.properties["company.domain"], gone.company_modified_at) == (None, None)


def test_a_company_property_that_the_portal_lacks_is_named(box) -> None:
    """P7: left out of an answer it would read as empty for everybody."""
    gateway = box(contacts=10, seed=4).gateway()
    schema = gateway.schema(companies=True).properties
    assert "company.lifecyclestage" in schema and "company.nowhere" not in schema and "email" in schema
    with pytest.raises(UnknownPropertyError, match="company property nowhere"):
        list(gateway.pull_all_contacts(["email", "company.nowhere"], cursor=None))
