"""What every CRM behind engine/ports.py must do: passed by the fake of the tests and by HubSpot's room on the sandbox.

A second CRM is done when it is a third place here and all of this is green. Values are wire values of the shipped
mapping; what a person does in the CRM is done by the place.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Protocol

import pytest
import requests
from factories import MINUTE, PORTAL, make_deal, shipped_book
from fakes import FakeCrm
from sandboxes import serving

from connector.crm.hubspot import owned
from connector.crm.hubspot.gateway import HubSpotGateway
from connector.domain.change import OutcomeKind
from connector.domain.contact import ContactId
from connector.domain.record import Record
from connector.engine.ports import Beside, Note, StreamOff, Task, Window, Write
from connector.errors import UnknownPropertyError
from connector.rules.fields import properties_to_read, property_of
from connector.sandbox.server import Server

FIELDS = shipped_book().fields
LIST = shipped_book().suppression.marketing_hold.list
ALL = properties_to_read(FIELDS)
STAGE, STATUS, OWNER = (property_of(name, FIELDS) for name in ("stage", "status", "owner"))
NOBODY = ContactId("999999999")


class Place(Protocol):
    """One CRM and the people in it. `crm` fulfils MarketingSource and Crm."""

    crm: Any

    def contact(self, **fields: str) -> ContactId: ...
    def edit(self, contact: ContactId, **fields: str) -> None: ...
    def archive(self, contact: ContactId) -> None: ...
    def merge(self, gone: ContactId, survivor: ContactId) -> None: ...
    def deal(self, *contacts: ContactId) -> None: ...


class InMemory:
    def __init__(self) -> None:
        self.crm = FakeCrm(page_size=100)

    def contact(self, **fields: str) -> ContactId:
        self.crm.clock.pass_by(MINUTE)
        return self.crm.add(str(101 + len(self.crm.rows)), **fields)

    def edit(self, contact: ContactId, **fields: str) -> None:
        self.crm.edit(contact, **fields)

    def archive(self, contact: ContactId) -> None:
        self.crm.archive(contact)

    def merge(self, gone: ContactId, survivor: ContactId) -> None:
        self.crm.merge(gone, survivor)

    def deal(self, *contacts: ContactId) -> None:
        number, at = len(self.crm.deals) + 1, self.crm.clock.now()
        self.crm.deals.append(make_deal(at=at, id=f"d{number}", contacts=contacts, amount=100.0))


class OnSandbox:
    """HubSpot's room against the local HubSpot, with all that `handoff init --apply` makes."""

    def __init__(self, server: Server, version: str) -> None:
        self.url = server.url
        switches = {"rate_per_10s": 0, "search_per_second": 0}
        made = requests.post(f"{self.url}/_sandbox/portals", json={"switches": switches}, timeout=60).json()
        self.portal, self.token, self.count = made["portalId"], made["token"], 0
        self.crm = HubSpotGateway(
            token=made["token"], base_url=self.url, api_version=version, rate_per_10s=0, search_per_second=0,
            sleep=lambda seconds: None, rng=random.Random(1),
        )  # fmt: skip
        choices = {"a": "A", "handed_off": "Handed off", "recycle": "Recycle"}
        definitions = owned.definitions(
            states=choices, tracks=choices, verdicts=choices, reasons=choices, requests=choices
        )
        self.crm.ensure_owned(definitions, LIST)

    def _act(self, **act: Any) -> Any:
        answer = requests.post(
            f"{self.url}/_sandbox/acts", json=[act], params={"portal": self.portal}, timeout=30
        )
        assert answer.status_code < 300, answer.text
        return answer.json()["results"][0]

    def contact(self, **fields: str) -> ContactId:
        self.count += 1
        given = {"email": f"kim{self.count}@acme.example", "stage": "lead"} | fields
        return ContactId(str(self._act(kind="contact", properties=_wire(given))["contact"]))

    def edit(self, contact: ContactId, **fields: str) -> None:
        self._act(kind="edit", contact=contact, properties=_wire(fields))

    def archive(self, contact: ContactId) -> None:
        self._act(kind="archive", contact=contact)

    def merge(self, gone: ContactId, survivor: ContactId) -> None:
        self._act(kind="merge", contact=survivor, other=gone)

    def deal(self, *contacts: ContactId) -> None:
        first, *others = contacts
        made = self._act(kind="deal", contact=first, properties={"amount": "100"})["deal"]
        for other in others:
            path = f"/crm/v4/objects/deals/{made}/associations/default/contacts/{other}"
            answer = requests.put(f"{self.url}{path}", headers={"Authorization": f"Bearer {self.token}"}, timeout=30)
            assert answer.status_code < 300, answer.text


def _wire(fields: dict[str, str]) -> dict[str, str]:
    return {property_of(name, FIELDS): value for name, value in fields.items()}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


@pytest.fixture(params=["memory", "hubspot v3", "hubspot 2026-03"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param == "memory":
        yield InMemory()
        return
    here = OnSandbox(request.getfixturevalue("server"), request.param.split()[1])
    yield here
    here.crm.close()


def read(place: Place, contact: ContactId, *history: str) -> Record:
    found: Record = place.crm.read_contacts([contact], ALL, history=history)[contact]
    return found


def write(place: Place, contact: ContactId, **properties: str) -> OutcomeKind:
    (result,) = place.crm.update_contacts([Write(contact=contact, properties=properties)])
    assert result.contact == contact
    return OutcomeKind(result.kind)


def everything(place: Place) -> Window:
    now = place.crm.portal().now
    return Window(since=now - timedelta(days=4000), until=now + timedelta(minutes=1))


# -- reading ---------------------------------------------------------------------------------------------------------


def test_a_contact_is_read_with_every_property_that_was_asked_for(place: Place) -> None:
    one = place.contact(first_name="Kim")
    record = read(place, one)
    assert (record.id, record.asked_id, set(record.properties)) == (one, one, set(ALL))
    assert (record.properties["firstname"], record.properties[STAGE]) == ("Kim", "lead")
    assert record.created_at.tzinfo is not None
    assert record.created_at <= record.modified_at


def test_ids_that_are_not_there_are_absent_from_the_answer(place: Place) -> None:
    one, gone = place.contact(), place.contact()
    place.archive(gone)
    assert set(place.crm.read_contacts([one, gone, NOBODY], ALL)) == {one}


def test_a_property_that_the_portal_has_not_is_said_and_never_taken_for_empty(place: Place) -> None:
    """P7: deleted in the middle of a run, it would say "may be contacted" of everybody."""
    contact, asked = place.contact(), [*ALL, "no_such_property"]
    for ask in (
        lambda: place.crm.read_contacts([contact], asked),
        lambda: list(place.crm.pull_changed_contacts(everything(place), asked, cursor=None)),
        lambda: list(place.crm.pull_all_contacts(asked, cursor=None)),
    ):
        with pytest.raises(UnknownPropertyError, match="no_such_property"):
            ask()


def test_history_tells_who_set_a_value_newest_first(place: Place) -> None:
    """I2"""
    one = place.contact()
    write(place, one, **{STATUS: "NEW"})
    place.edit(one, status="IN_PROGRESS")
    edits = read(place, one, STATUS).history[STATUS]
    assert [(edit.value, edit.by_person) for edit in edits[:2]] == [("IN_PROGRESS", True), ("NEW", False)]
    assert edits[0].at >= edits[1].at


def test_both_pulls_give_the_same_contacts_page_by_page(place: Place) -> None:
    """R31"""
    made = [place.contact() for _ in range(5)]
    pulled = place.crm.pull_changed_contacts(everything(place), ALL, cursor=None)
    changed = [row for page in pulled for row in page.records]
    full = [row for page in place.crm.pull_all_contacts(ALL, cursor=None) for row in page.records]
    assert sorted(row.id for row in changed) == sorted(made)
    assert {row.id: row.properties for row in changed} == {row.id: row.properties for row in full}


def test_the_last_page_has_no_cursor_and_an_earlier_one_resumes_after_itself(place: Place) -> None:
    """R31, P1"""
    made = [place.contact() for _ in range(230)]
    first, *others = place.crm.pull_changed_contacts(everything(place), ALL, cursor=None)
    assert others[-1].cursor is None
    resumed = place.crm.pull_changed_contacts(everything(place), ALL, cursor=first.cursor)
    again = [row.id for page in resumed for row in page.records]
    assert again == [row.id for page in others for row in page.records]
    assert sorted([*again, *(row.id for row in first.records)]) == sorted(made)


def test_only_what_changed_in_the_window_is_pulled(place: Place) -> None:
    place.contact()
    now = place.crm.portal().now + timedelta(minutes=5)
    window = Window(since=now, until=now + timedelta(minutes=1))
    assert [row for page in place.crm.pull_changed_contacts(window, ALL, cursor=None) for row in page.records] == []


def test_archived_contacts_are_named_once_they_are_gone(place: Place) -> None:
    since = everything(place).since
    one, _ = place.contact(), place.contact()
    place.archive(one)
    assert [ids for page in place.crm.pull_archived_contacts(since) for ids in page] == [one]


def test_a_merged_contact_is_found_under_its_survivor(place: Place) -> None:
    """I12"""
    gone, survivor = place.contact(), place.contact(email="other@acme.example")
    place.merge(gone, survivor)
    record = read(place, gone)
    assert (record.id, record.asked_id) == (survivor, gone)
    assert gone in read(place, survivor).merged_ids


# -- writing ---------------------------------------------------------------------------------------------------------


def test_a_written_value_is_read_back_and_an_empty_text_clears_it(place: Place) -> None:
    """I3"""
    one = place.contact()
    assert write(place, one, handoff_reason="Asked for a demo.", handoff_score="41.5") is OutcomeKind.WRITTEN
    assert read(place, one).properties["handoff_reason"] == "Asked for a demo."
    assert read(place, one).properties["handoff_score"] == "41.5"
    write(place, one, handoff_reason="")
    assert not read(place, one).properties["handoff_reason"]


def test_each_contact_of_a_batch_has_an_answer_of_its_own(place: Place) -> None:
    """P5"""
    made = [place.contact() for _ in range(4)]
    writes = [Write(contact=one, properties={"handoff_grade": "A1"}) for one in (*made, NOBODY)]
    kinds = {result.contact: result.kind for result in place.crm.update_contacts(writes)}
    assert kinds == {**dict.fromkeys(made, OutcomeKind.WRITTEN), NOBODY: OutcomeKind.GONE}


def test_a_stage_goes_back_silently_not_at_all_unless_it_was_cleared(place: Place) -> None:
    """I3: why plan and write take two requests."""
    one = place.contact(stage="marketingqualifiedlead")
    write(place, one, **{STAGE: "lead"})
    assert read(place, one).properties[STAGE] == "marketingqualifiedlead"
    write(place, one, **{STAGE: ""})
    write(place, one, **{STAGE: "lead"})
    assert read(place, one).properties[STAGE] == "lead"


@pytest.mark.parametrize("gone", ["archived", "unknown"])
def test_a_contact_that_is_gone_is_said_to_be(place: Place, gone: str) -> None:
    one = place.contact() if gone == "archived" else NOBODY
    if gone == "archived":
        place.archive(one)
    assert write(place, one, handoff_grade="A1") is OutcomeKind.GONE


# -- the list --------------------------------------------------------------------------------------------------------


def test_adding_to_the_list_twice_is_adding_once_and_removing_too(place: Place) -> None:
    """I1"""
    one, two = place.contact(), place.contact()
    for _ in range(2):
        assert place.crm.add_to_list(LIST, [one, two]) == {one, two}
    for _ in range(2):
        assert place.crm.remove_from_list(LIST, [one]) == {one}


def test_who_is_not_there_is_not_on_the_list(place: Place) -> None:
    """I1: so that nobody is told before the hold stands."""
    one, gone = place.contact(), place.contact()
    place.archive(gone)
    assert place.crm.add_to_list(LIST, [one, gone, NOBODY]) == {one}


# -- the portal ------------------------------------------------------------------------------------------------------


def test_the_portal_says_who_it_is_and_what_time_it_is(place: Place) -> None:
    """I9"""
    portal = place.crm.portal()
    assert portal.id
    assert portal.now.tzinfo is not None
    assert place.crm.record_url(ContactId("101")).endswith("101")


def test_owners_have_ids_and_the_schema_knows_what_the_rules_name(place: Place) -> None:
    """R32"""
    assert len({owner.id for owner in place.crm.owners()}) == len(place.crm.owners()) > 0
    known = set(place.crm.schema().properties)
    assert {name for name in ALL if name not in known} <= {"handoff_do_not_contact"}


def test_every_stream_gives_pages_or_says_in_one_line_why_not(place: Place) -> None:
    for stream in place.crm.streams():
        for page in place.crm.pull_activities(stream, everything(place), cursor=None):
            if isinstance(page, StreamOff):
                assert page.why
            else:
                assert all(row.stream == stream and row.occurred_at.tzinfo for row in page.rows)


def test_forms_and_their_newest_submissions_are_the_same_rows_as_the_streams(place: Place) -> None:
    """P4: a hint and the schedule find one activity, not two."""
    forms = place.crm.forms()
    since = everything(place).since
    sent = [page for form in forms for page in place.crm.recent_submissions(form, since)]
    recent = {(row.stream, row.id) for page in sent for row in page}
    pages = list(place.crm.pull_activities("forms", everything(place), cursor=None))
    assert recent == {(row.stream, row.id) for page in pages if not isinstance(page, StreamOff) for row in page.rows}
    for form in forms:
        at = [row.occurred_at for page in place.crm.recent_submissions(form, since) for row in page]
        assert at == sorted(at, reverse=True)


def test_deals_come_in_pages_and_calls_are_counted(place: Place) -> None:
    """R38"""
    before = sum(place.crm.api_calls().values())
    assert [deal for page in place.crm.pull_deals(everything(place), cursor=None) for deal in page.rows] == []
    assert sum(place.crm.api_calls().values()) > before
    assert place.crm.throttled() == 0


def test_the_past_of_every_contact_can_be_read(place: Place) -> None:
    """R25: what a property held, newest first, of all that are there; by no contact's id."""
    first, second, gone = place.contact(), place.contact(stage="marketingqualifiedlead"), place.contact()
    place.edit(first, stage="marketingqualifiedlead")
    place.archive(gone)
    pages = place.crm.pull_dated_contacts((STAGE,), cursor=None)
    found = {record.id: record for page in pages for record in page.records}
    assert set(found) == {first, second}
    assert [edit.value for edit in found[first].history[STAGE]] == ["marketingqualifiedlead", "lead"]
    assert [edit.value for edit in found[second].history[STAGE]] == ["marketingqualifiedlead"]
    assert dict(found[second].properties) == {STAGE: "marketingqualifiedlead"}


def test_deals_are_found_by_their_contacts(place: Place) -> None:
    """R25: each deal once for every contact of it that was asked about, whoever else it has."""
    first, second, third, without = (place.contact() for _ in range(4))
    place.deal(first, second)
    place.deal(first)
    place.deal(third)
    found = place.crm.deals_of([first, second, without])
    assert {one: len(deals) for one, deals in found.items()} == {first: 2, second: 1}
    (shared,) = found[second]
    assert shared in found[first] and set(shared.contacts) == {first, second} and shared.amount == 100
    assert place.crm.deals_of([]) == {}


def task(place: Place, contact: ContactId, key: str) -> Task:
    owner, due = place.crm.owners()[0].id, place.crm.portal().now + timedelta(hours=1)
    return Task(contact=contact, owner=owner, subject="Call Kim", body="Asked for a demo.", due_at=due, key=key)


def test_a_task_is_made_once_for_its_key(place: Place) -> None:
    """I5"""
    one, two = place.contact(), place.contact()
    first = place.crm.ensure_tasks([task(place, one, "fx_1")]).standing
    more = place.crm.ensure_tasks([task(place, one, "fx_1"), task(place, one, "fx_2"), task(place, two, "fx_3")])
    assert first.items() <= more.standing.items() and not more.refused
    assert more.standing.keys() == {"fx_1", "fx_2", "fx_3"} and len(set(more.standing.values())) == 3


def test_a_task_is_closed_once_and_stays_closed(place: Place) -> None:
    """R14: also where it is asked for again."""
    one = place.contact()
    made = place.crm.ensure_tasks([task(place, one, "fx_1")])
    said = [place.crm.finish_tasks({key: one}) for key in ("fx_2", "fx_1", "fx_1")]
    place.crm.ensure_tasks([task(place, one, "fx_1")])
    assert [*said, place.crm.finish_tasks({"fx_1": one})] == [Beside(), made, Beside(), Beside()]


def test_a_note_is_made_once_for_its_key(place: Place) -> None:
    """I5"""
    one, now = place.contact(), place.crm.portal().now
    notes = [Note(contact=one, owner=None, body="Asked for a demo.", at=now, key=key) for key in ("fx_1", "fx_2")]
    first = place.crm.ensure_notes(notes[:1]).standing
    more = place.crm.ensure_notes(notes).standing
    assert first.items() <= more.items() and len(set(more.values())) == 2


def test_the_fake_speaks_of_the_portal_of_the_tests() -> None:
    assert FakeCrm().portal().id == PORTAL
