"""Writes: one result per contact, whatever HTTP said."""

from __future__ import annotations

import json
from collections import Counter

import responses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.crm.hubspot.gateway import HubSpotGateway
from connector.domain.change import OutcomeKind
from connector.domain.contact import ContactId
from connector.engine.ports import Write

UPDATE = "/crm/v3/objects/contacts/batch/update"


def write(contact: int, **properties: str) -> Write:
    return Write(contact=ContactId(str(contact)), properties=properties or {"handoff_state": "qualified"})


def test_a_partial_answer_gives_each_contact_its_own_result(wire, gateway) -> None:
    """Fault table: per-record outcome by id. I10: no value in the detail."""
    wire.answer("POST", UPDATE, "contacts-batch-update", status=207)
    results = {r.contact: r for r in gateway.update_contacts([write(501), write(502), write(503), write(504)])}
    assert {one: result.kind for one, result in results.items()} == {
        "501": OutcomeKind.WRITTEN,
        "502": OutcomeKind.REJECTED,
        "503": OutcomeKind.GONE,
        "504": OutcomeKind.LATER,
    }
    assert results["502"].detail == "VALIDATION_ERROR INVALID_OPTION on hs_lead_status"


def test_each_row_carries_its_trace_id_and_each_contact_comes_once(wire, gateway) -> None:
    wire.answer("POST", UPDATE, "contacts-batch-update")
    results = gateway.update_contacts([write(501, a="1"), write(502, a="1"), write(501, a="2", b="")])
    (body,) = wire.bodies()
    assert body["inputs"] == [
        {"id": "501", "properties": {"a": "2", "b": ""}, "objectWriteTraceId": "501"},
        {"id": "502", "properties": {"a": "1"}, "objectWriteTraceId": "502"},
    ]
    assert Counter(result.kind for result in results) == {OutcomeKind.WRITTEN: 2}


def test_a_property_that_the_portal_lacks_costs_one_more_call_and_only_its_rows(wire, gateway) -> None:
    wire.answer("POST", UPDATE, "contacts-batch-update", status=400)
    wire.answer("POST", UPDATE, "contacts-batch-update")
    results = {r.contact: r for r in gateway.update_contacts([write(501), write(502), write(503, nope="1")])}
    assert [results[one].kind for one in ("501", "502", "503")] == ["written", "written", "rejected"]
    assert "PROPERTY_DOESNT_EXIST on nope" in results["503"].detail


def test_a_refusal_of_one_contact_alone_is_its_own(wire, gateway) -> None:
    wire.answer("POST", UPDATE, "contacts-batch-update", status=409)
    (result,) = gateway.update_contacts([write(501)])
    assert (result.kind, result.detail) == (OutcomeKind.REJECTED, "CONFLICT")


def test_a_contact_that_is_not_there_is_gone(wire, gateway) -> None:
    wire.answer("POST", UPDATE, status=404, json={"category": "OBJECT_NOT_FOUND"})
    assert gateway.update_contacts([write(501)])[0].kind is OutcomeKind.GONE


def test_a_gateway_error_is_tried_again_and_then_unclear(wire, gateway, slept) -> None:
    """I7"""
    for _ in range(5):
        wire.answer("POST", UPDATE, status=502)
    assert gateway.update_contacts([write(501)])[0].kind is OutcomeKind.LATER
    assert len(slept) == 4


def test_nothing_to_write_makes_no_call(gateway) -> None:
    assert gateway.update_contacts([]) == ()
    assert gateway.api_calls() == {}


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 230), st.sets(st.integers(0, 229), max_size=4), st.sampled_from([400, 409]))
def test_halving_finds_exactly_the_bad_rows(count: int, bad: set[int], status: int) -> None:
    """Whole-batch refusals: everyone else is written, nobody twice."""
    written: Counter[str] = Counter()

    def server(request: object) -> tuple[int, dict[str, str], str]:
        inputs = json.loads(request.body)["inputs"]  # type: ignore[attr-defined] - a prepared request
        assert len(inputs) <= 100
        if any(int(row["id"]) in bad for row in inputs):
            return status, {}, json.dumps({"category": "VALIDATION_ERROR"})
        written.update(row["id"] for row in inputs)
        return 200, {}, json.dumps({"results": [{"id": row["id"]} for row in inputs]})

    gateway = HubSpotGateway(token="t", rate_per_10s=0, search_per_second=0)
    with responses.RequestsMock() as mock:
        mock.add_callback("POST", "https://api.hubapi.com" + UPDATE, server)
        results = gateway.update_contacts([write(number) for number in range(count)])
    gateway.close()
    assert {int(r.contact) for r in results if r.kind is OutcomeKind.REJECTED} == bad & set(range(count))
    assert len(results) == count
    assert set(written.values()) <= {1}
    assert {int(one) for one in written} == set(range(count)) - bad
