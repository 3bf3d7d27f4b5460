"""Form definitions and submissions, as hubspot-facts section 5.3 tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.sandbox.conftest import Box, Client

FORMS = "/marketing/v3/forms"
SUBMISSIONS = "/form-integrations/v1/submissions/forms/"


@pytest.fixture
def portal(box: Box) -> Client:
    box.clock(now="2026-03-02T09:00:00Z")
    return box.new_portal()


def guid_of(portal: Client, name: str) -> str:
    return next(row["id"] for row in portal.get(FORMS, limit=100).json()["results"] if row["name"] == name)


def test_definitions_are_paged_and_read_by_guid(portal: Client) -> None:
    first = portal.get(FORMS, limit=2).json()
    second = portal.get(FORMS, limit=100, after=first["paging"]["next"]["after"]).json()
    ids = [row["id"] for row in first["results"] + second["results"]]
    assert ids == sorted(portal.portal.directory.forms)
    assert portal.get(f"{FORMS}/{ids[0]}").json() == first["results"][0]
    assert portal.get(f"{FORMS}/none").status_code == 404


def test_kinds_other_than_hubspot_must_be_asked_for(portal: Client) -> None:
    portal.control("POST", "forms", {"name": "Chat flow", "type": "flow"})
    names = {row["name"] for row in portal.get(FORMS, limit=100).json()["results"]}
    assert "Chat flow" not in names
    assert [row["name"] for row in portal.get(FORMS, formTypes="flow").json()["results"]] == ["Chat flow"]
    assert len(portal.get(FORMS, formTypes=["hubspot", "flow"], limit=100).json()["results"]) == len(names) + 1


def test_a_form_of_one_name_has_one_guid_on_every_portal(box: Box) -> None:
    made = [box.new_portal().control("POST", "forms", {"name": "Kite quote"})["results"] for _ in range(2)]
    assert made[0] == made[1]


def test_submissions_come_newest_first_in_pages_of_at_most_50(portal: Client) -> None:
    guid = guid_of(portal, "Contact us")
    for number in range(7):
        email, at = f"n{number}@kind.example", f"2026-03-01T0{number}:00:00Z"
        portal.act("form_submission", form=guid, email=email, values={"firstname": "Lia"}, at=at)
    seen: list[str] = []
    after = ""
    while True:
        page = portal.get(SUBMISSIONS + guid, limit=3, **({"after": after} if after else {})).json()
        for row in page["results"]:
            values = {value["name"]: value["value"] for value in row["values"]}
            assert row["conversionId"]
            assert isinstance(row["submittedAt"], int)
            seen.append(values["email"])
        after = page.get("paging", {}).get("next", {}).get("after", "")
        if not after:
            break
    assert seen == [f"n{number}@kind.example" for number in reversed(range(7))]
    assert portal.get(SUBMISSIONS + guid, limit=51).status_code == 400
    assert portal.get(SUBMISSIONS + "none").status_code == 404


def test_a_cursor_holds_while_new_submissions_arrive(portal: Client) -> None:
    guid = guid_of(portal, "Contact us")
    for number in range(4):
        portal.act("form_submission", form=guid, email=f"n{number}@kind.example", at=f"2026-03-01T0{number}:00:00Z")
    after = portal.get(SUBMISSIONS + guid, limit=2).json()["paging"]["next"]["after"]
    portal.act("form_submission", form=guid, email="late@kind.example")
    rows = portal.get(SUBMISSIONS + guid, limit=2, after=after).json()["results"]
    assert [row["values"][0]["value"] for row in rows] == ["n1@kind.example", "n0@kind.example"]


def test_the_scope_forms_is_needed(box: Box) -> None:
    portal = box.new_portal(scopes=["crm.objects.contacts.read"])
    answer = portal.get(FORMS)
    assert (answer.status_code, answer.json()["category"]) == (403, "MISSING_SCOPES")


def test_service_keys_may_be_refused_by_a_switch(portal: Client) -> None:
    guid = guid_of(portal, "Contact us")
    portal.switch(service_key_limits=True)
    for path in (SUBMISSIONS + guid, "/email/public/v1/events", "/account-info/v3/details"):
        assert portal.get(path).status_code == 403


def test_an_archived_form_is_listed_only_when_asked_for(portal: Client) -> None:
    guid = guid_of(portal, "Newsletter")
    assert portal.call("DELETE", f"{FORMS}/{guid}").status_code == 204
    assert guid not in {row["id"] for row in portal.get(FORMS, limit=100).json()["results"]}
    assert [row["id"] for row in portal.get(FORMS, archived="true").json()["results"]] == [guid]


def test_bad_rows_of_the_control_route_say_what_is_known(portal: Client) -> None:
    answer = portal.session.post(f"{portal.url}/_sandbox/forms", json={"title": "x"}, timeout=5)
    assert answer.status_code == 400
    assert "known:" in answer.json()["message"]
