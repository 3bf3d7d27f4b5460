"""The benches measure the product, not themselves: the server behind them, medians, filled tables."""

import importlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from connector.sandbox.app import Request, Response
from connector.sandbox.control import make_portal
from connector.sandbox.portal import Sandbox

BENCHES = Path(__file__).resolve().parents[2] / "scripts" / "bench"
CONTACTS = 2_350


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHES))
    return importlib.import_module


class Asked:
    """The stub's handlers on a portal that pretends to have CONTACTS; no socket, and no route is registered."""

    def __init__(self, stub: ModuleType) -> None:
        self.stub, self.sandbox = stub, Sandbox()
        self.portal = make_portal(self.sandbox, {"contacts": stub.SAMPLE, "seed": 3})
        stub.pretend(self.portal, CONTACTS)

    def _request(self, body: object = None, **params: str) -> Request:
        wire = json.dumps(body).encode()
        asked = {name: [value] for name, value in params.items()}
        return Request("POST", self.stub.V3, asked, {}, wire, self.portal, "c", self.sandbox)

    def page(self, **params: str) -> Any:
        return read(self.stub.list_contacts(self._request(**params)))

    def search(self, filters: list[dict[str, str]], limit: int = 200) -> Any:
        sorts = [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
        body = {"filterGroups": [{"filters": filters}] if filters else [], "sorts": sorts, "limit": limit}
        return read(self.stub.search_contacts(self._request(body)))

    def batch(self, *ids: str) -> tuple[int, Any]:
        answer = self.stub.read_contacts(self._request({"inputs": [{"id": one} for one in ids]}))
        return answer.status, read(answer)


def read(answer: Response) -> Any:
    return json.loads(answer.body)


@pytest.fixture
def asked(load: Any) -> Asked:
    return Asked(load("stub"))


def test_the_list_gives_every_contact_once_by_rising_id_with_an_address_of_its_own(asked: Asked) -> None:
    rows: list[Any] = []
    after = "0"
    while after:
        page = asked.page(limit="100", after=after, properties="email,phone")
        rows += page["results"]
        after = page.get("paging", {}).get("next", {}).get("after", "")
    ids = [int(row["id"]) for row in rows]
    emails = [row["properties"]["email"] for row in rows if row["properties"]["email"]]
    assert ids == list(range(ids[0], ids[0] + CONTACTS))
    domains = {email.partition("@")[2] for email in emails}
    assert len(set(emails)) == len(emails) > CONTACTS * 0.95
    assert len(domains) > CONTACTS / 12  # of companies, a few people at each
    assert all(row["properties"]["hs_object_id"] == row["id"] for row in rows)


def test_a_contact_is_the_same_in_the_list_the_search_and_the_batch(asked: Asked) -> None:
    listed = asked.page(limit="1", after="2600")["results"]
    above = {"propertyName": "hs_object_id", "operator": "GTE", "value": "2600"}
    found = asked.search([above], limit=1)
    assert found["total"] == CONTACTS - (2600 - 501)
    assert found["results"][0]["properties"]["email"] == listed[0]["properties"]["email"]
    assert asked.batch("2600")[1]["results"] == listed


def test_the_search_finds_those_who_changed_in_a_window_and_counts_them(asked: Asked) -> None:
    changed = [(one.modified, place) for place, one in enumerate(asked.stub.MANY[asked.portal.id].sample)]
    at, place = changed[7]
    window = [
        {"propertyName": "lastmodifieddate", "operator": "GTE", "value": str(at)},
        {"propertyName": "lastmodifieddate", "operator": "LTE", "value": str(at + 1)},
    ]
    found = asked.search(window)
    same = {501 + place, 501 + place + asked.stub.SAMPLE}  # each block a millisecond later
    assert same <= {int(row["id"]) for row in found["results"]}
    assert found["total"] == len(found["results"])


def test_a_batch_names_who_is_not_there(asked: Asked) -> None:
    status, body = asked.batch("501", "9999999")
    assert status == 207
    assert body["errors"][0]["context"]["ids"] == ["9999999"]
    assert [row["id"] for row in body["results"]] == ["501"]


def test_medians_are_taken_of_numbers_also_within_objects(load: Any) -> None:
    measured = [{"a": 1, "by": {"x": 3.0}, "name": "one"}, {"a": 9, "by": {"x": 5.0}, "name": "two"},
                {"a": 2, "by": {"x": 4.0}, "name": "two"}]  # fmt: skip
    assert load("run").medians(measured) == {"a": 2, "by": {"x": 4.0}, "name": "two"}


def test_every_bench_can_be_loaded_and_says_what_it_measures(load: Any) -> None:
    for module, what in load("run").BENCHES.values():
        assert (BENCHES / f"{module}.py").is_file()
        assert what


def test_a_database_is_filled_with_contacts_of_their_own(load: Any, tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path)) as opened:
        opened.execute("CREATE TABLE contact (portal, contact, email, raw, PRIMARY KEY (portal, contact))")
        opened.execute("CREATE TABLE field_change (portal, contact, field, PRIMARY KEY (portal, contact, field))")
        opened.executemany("INSERT INTO contact VALUES ('1', ?, ?, '{}')", [("501", "a@b.example"), ("502", "")])
        opened.execute("INSERT INTO field_change VALUES ('1', '501', 'stage')")
        opened.commit()
    assert load("quiet").fill(path, 2, 6) == 6
    with closing(sqlite3.connect(path)) as opened:
        rows = opened.execute("SELECT contact, email FROM contact ORDER BY contact").fetchall()
        changes = opened.execute("SELECT contact FROM field_change ORDER BY contact").fetchall()
    assert [row[0] for row in rows] == ["501", "502", "503", "504", "505", "506"]
    assert len({email for _, email in rows if email}) == 3
    assert [row[0] for row in changes] == ["501", "503", "505"]
