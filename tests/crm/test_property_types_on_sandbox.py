"""Each type of HubSpot's properties both ways: what is written, what HubSpot keeps, and what that is read as (R32).

The table is golden/property_types.json; `written` is what Handoff sends, `read` what HubSpot gives back.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from factories import shipped_book

from connector.crm.hubspot.gateway import HubSpotGateway
from connector.domain.change import OutcomeKind
from connector.domain.contact import ContactId
from connector.domain.record import Record
from connector.engine.ports import Write
from connector.rules.fields import FieldRules, normalise, to_wire
from connector.rules.portal_types import READS, WRITES, FieldType
from connector.sandbox.server import Server

GOLDEN: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "golden" / "property_types.json").read_text("utf-8")
)
CASES = [(name, number) for name, kind in GOLDEN.items() for number in range(len(kind["cases"]))]
AT = datetime(2026, 3, 2, tzinfo=UTC)


def rules() -> FieldRules:
    own = {name: {"property": name, "type": kind["as"], "direction": "both"} for name, kind in GOLDEN.items()}
    return FieldRules.model_validate({"fields": {**shipped_book().fields.model_dump()["fields"], **own}})


def meant(name: str, value: Any) -> Any:
    """The value of the table as the rules hold it."""
    kind = GOLDEN[name]["as"]
    if kind == "instant":
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if kind == "date" else tuple(value) if kind == "choices" else value


def read(properties: dict[str, str | None]) -> dict[str, Any]:
    one = ContactId("1")
    record = Record(id=one, asked_id=one, created_at=AT, modified_at=AT, properties=properties)
    contact = normalise(record, rules(), {})
    assert contact.problems == ()
    return dict(contact.fields)


@pytest.mark.parametrize(("name", "number"), CASES)
def test_a_value_is_written_and_read_as_the_table_says(name: str, number: int) -> None:
    case = GOLDEN[name]["cases"][number]
    value = meant(name, case["value"])
    assert to_wire(name, value, rules()) == case["written"]
    assert read({name: case["read"]}) == {name: value}
    assert read({name: case["written"]}) == {name: value}


@pytest.mark.parametrize("name", GOLDEN)
def test_null_empty_and_absent_are_the_same_nothing_and_nothing_clears(name: str) -> None:
    assert read({name: None}) == read({name: ""}) == read({}) == {}
    assert to_wire(name, None, rules()) == ""
    kind = FieldType(GOLDEN[name]["as"])
    assert GOLDEN[name]["type"] in READS[kind] & WRITES[kind], "the check before a run lets it pass"


def test_milliseconds_and_days_are_read_as_the_instants_they_mean() -> None:
    """HubSpot sends either, by version and kind of call."""
    at = datetime(2026, 3, 2, 9, 30, 15, 250_000, tzinfo=UTC)
    assert read({"g_datetime": "1772443815250"}) == {"g_datetime": at}
    assert read({"g_datetime": "2026-03-02T09:30:15Z"}) == {"g_datetime": at.replace(microsecond=0)}
    assert read({"g_date": "1772409600000"}) == {"g_date": date(2026, 3, 2)}


def test_hubspot_keeps_each_value_and_clears_each_type(server: Server) -> None:
    """Through the sandbox: its own definitions of the types, PATCH and batch read."""
    address = server.url
    made = requests.post(f"{address}/_sandbox/portals", json={"contacts": 1, "seed": 3}, timeout=60).json()
    head = {"Authorization": f"Bearer {made['token']}"}
    for name, kind in GOLDEN.items():
        options = [{"label": one.title(), "value": one, "displayOrder": 0} for one in kind.get("options", ())]
        body = {"name": name, "label": name, "groupName": "contactinformation", "type": kind["type"],
                "fieldType": kind["fieldType"], "options": options}  # fmt: skip
        answer = requests.post(f"{address}/crm/v3/properties/contacts", json=body, headers=head, timeout=30)
        assert answer.status_code == 201, answer.text
    gateway = HubSpotGateway(token=made["token"], base_url=address, rate_per_10s=0, search_per_second=0)
    (contact,) = [one.id for page in gateway.pull_all_contacts([], cursor=None) for one in page.records]

    def keeps(properties: dict[str, str]) -> dict[str, str | None]:
        (result,) = gateway.update_contacts([Write(contact=contact, properties=properties)])
        assert result.kind is OutcomeKind.WRITTEN, result.detail
        found = gateway.read_contacts([contact], list(GOLDEN))[contact].properties
        return {name: found.get(name) for name in GOLDEN}

    for number in range(max(len(kind["cases"]) for kind in GOLDEN.values())):
        now = {name: kind["cases"][number] for name, kind in GOLDEN.items() if number < len(kind["cases"])}
        kept = keeps({name: case["written"] for name, case in now.items()})
        assert {name: kept[name] for name in now} == {name: case["read"] for name, case in now.items()}
        assert read(kept).items() >= {name: meant(name, case["value"]) for name, case in now.items()}.items()
    assert read(keeps({name: to_wire(name, None, rules()) for name in GOLDEN})) == {}
    gateway.close()
