"""The control API: clock, portals, switches, counters, journal, acts; and the command line."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from connector.sandbox import cli
from connector.sandbox.clock import EPOCH, iso, parse_instant
from connector.sandbox.switches import Switches

if TYPE_CHECKING:
    from tests.sandbox.conftest import Box, Client

CONTACTS = "/crm/v3/objects/contacts"
ROOT = Path(__file__).resolve().parents[2]


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_an_instant_is_read_as_it_was_written(moment: datetime) -> None:
    ms = int((moment - EPOCH).total_seconds() * 1000)
    assert parse_instant(iso(ms)) == ms
    if ms > 99_999_999:
        assert parse_instant(str(ms)) == ms


def test_a_frozen_clock_stands_and_is_moved_by_hand(box: Box, client: Client) -> None:
    assert box.clock(now="2026-03-02T09:00:00Z") == "2026-03-02T09:00:00.000Z"
    answer = client.get(CONTACTS)
    assert parsedate_to_datetime(answer.headers["Date"]) == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert box.clock(advance_seconds=90.5) == "2026-03-02T09:01:30.500Z"
    number = client.contact(email="a@birch.example")
    assert client.read(number, "createdate")["createdate"] == "2026-03-02T09:01:30.500Z"
    box.clock(mode="real")
    assert box.session.get(f"{box.url}/_sandbox/clock", timeout=5).json()["mode"] == "real"


@pytest.mark.parametrize("body", [{}, {"now": "yesterday"}, {"advance_seconds": "x"}])
def test_a_bad_clock_setting_is_refused(box: Box, body: dict[str, Any]) -> None:
    assert box.session.put(f"{box.url}/_sandbox/clock", json=body, timeout=5).status_code == 400


def test_every_answer_carries_a_date_and_a_correlation_id(client: Client) -> None:
    for answer in (client.get(CONTACTS), client.get("/crm/v3/nothing"), client.post(CONTACTS, {})):
        assert answer.headers["X-HubSpot-Correlation-Id"]
        assert answer.headers["Date"].endswith("GMT")


def test_portals_are_apart(box: Box) -> None:
    one, two = box.new_portal(), box.new_portal(scopes=["crm.objects.contacts.read"])
    one.contact(email="a@birch.example")
    assert one.token != two.token
    assert two.get(CONTACTS).json()["results"] == []
    listed = box.session.get(f"{box.url}/_sandbox/portals", timeout=5).json()["portals"]
    assert {one.portal_id, two.portal_id} <= {row["portalId"] for row in listed}


@pytest.mark.parametrize(
    "spec",
    [
        {"unknown": 1},
        {"timeZone": "Mars/Base"},
        {"switches": {"nonsense": 1}},
        {"switches": {"backward_stage": "maybe"}},
        {"contacts": 3, "stages": {"customer": 4}},
        {"contacts": 3, "stages": {"nonsense": 1}},
    ],
)
def test_a_portal_that_cannot_be_is_refused_and_not_half_made(box: Box, spec: dict[str, Any]) -> None:
    before = set(box.server.sandbox.portals)
    answer = box.session.post(f"{box.url}/_sandbox/portals", json=spec, timeout=5)
    assert answer.status_code == 400
    assert set(box.server.sandbox.portals) == before


def test_an_unknown_portal_is_told(box: Box, client: Client) -> None:
    assert box.session.get(f"{box.url}/_sandbox/switches?portal=1", timeout=5).status_code == 404


def test_counters_count_by_template_and_status_and_not_control(client: Client) -> None:
    number = client.contact(email="a@birch.example")
    client.read(number)
    client.get(f"{CONTACTS}/424242")
    found = client.control("GET", "counters")
    assert found == {
        "total": 3,
        "by_path": {f"GET {CONTACTS}/{{id}}": 2, f"POST {CONTACTS}": 1},
        "by_status": {"200": 1, "201": 1, "404": 1},
    }
    client.control("DELETE", "counters")
    assert client.control("GET", "counters")["total"] == 0


def test_the_journal_is_read_in_pieces(client: Client) -> None:
    for number in range(5):
        client.contact(email=f"{number}@birch.example")
    first = client.control("GET", "log", limit=2)
    rest = client.control("GET", "log", after=first["last"])
    assert [row["seq"] for row in [*first["events"], *rest["events"]]] == [1, 2, 3, 4, 5]
    assert client.control("GET", "log", after=rest["last"]) == {"events": [], "last": 5}


def test_switches_are_all_or_none_and_documented(client: Client) -> None:
    body = {"lag_seconds": 5, "nonsense": 1}
    answer = client.session.put(f"{client.url}/_sandbox/switches?portal={client.portal_id}", json=body, timeout=5)
    assert (answer.status_code, client.control("GET", "switches")["lag_seconds"]) == (400, 0)
    from connector.sandbox import switches

    table = set(re.findall(r"^\| (\w+) \|", switches.__doc__ or "", re.MULTILINE)) - {"switch"}
    assert table == set(Switches().as_dict())


def test_acts_stop_at_the_first_bad_one_and_say_which(client: Client) -> None:
    acts = [
        {"kind": "contact", "properties": {"email": "a@birch.example"}, "source": "IMPORT"},
        {"kind": "page_view", "email": "nobody@birch.example", "url": "https://x.example/"},
        {"kind": "contact", "properties": {"email": "b@birch.example"}},
    ]
    path = f"{client.url}/_sandbox/acts?portal={client.portal_id}"
    answer = client.session.post(path, json=acts, timeout=5)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("act 1: page_view: no contact 'nobody@birch.example'")
    assert [row["kind"] for row in answer.json()["done"]] == ["contact"]


def test_a_person_can_archive_restore_merge_and_erase(client: Client) -> None:
    one, two = client.contact(email="a@birch.example"), client.contact(email="b@birch.example")
    client.act("archive", contact=one)
    assert client.get(f"{CONTACTS}/{one}").status_code == 404
    client.act("restore", contact=one)
    assert client.get(f"{CONTACTS}/a@birch.example", idProperty="email").json()["id"] == one
    assert client.act("merge", contact=one, other=two)["contact"] == one
    client.act("erase", contact=one)
    assert client.get(f"{CONTACTS}/{one}").status_code == 404


def test_a_persons_edit_over_the_api_is_marked_by_headers(client: Client) -> None:
    number = client.contact(email="a@birch.example", lifecyclestage="customer")
    headers = {"X-Sandbox-Source": "CRM_UI", "X-Sandbox-User": "42000101"}
    client.patch(f"{CONTACTS}/{number}", {"properties": {"lifecyclestage": "lead"}}, headers=headers)
    assert client.read(number, "lifecyclestage")["lifecyclestage"] == "lead"


# -- the command line --------------------------------------------------------------------------------------------------


def test_the_command_prints_one_line_serves_and_ends_on_sigterm() -> None:
    command = [sys.executable, "-m", "connector.sandbox", "--port", "0", "--contacts", "12", "--seed", "3", "--json"]
    command += ["--enterprise", "--lag", "2", "--rate-per-10s", "50", "--clock", "2026-03-02T09:00:00Z"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        try:
            assert (told["token"], told["portalId"]) == ("pat-sandbox-24001003", 24_001_003)
            headers = {"Authorization": f"Bearer {told['token']}"}
            answer = requests.get(told["url"] + CONTACTS + "?limit=100", headers=headers, timeout=5)
            assert len(answer.json()["results"]) == 12
            assert answer.headers["X-HubSpot-RateLimit-Max"] == "50"
            assert answer.headers["Date"] == "Mon, 02 Mar 2026 09:00:00 GMT"
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_bad_options_end_with_one_clear_message(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    port = box.url.rpartition(":")[2]
    assert cli.main(["--port", port, "--contacts", "0"]) == 2
    assert cli.main(["--port", "0", "--clock", "noon"]) == 2
    said = capsys.readouterr().err.splitlines()
    errors = [line for line in said if line.startswith("Error: ")]
    assert len(errors) == 2 and len(said) == 4, "each with what to do"
    assert "--clock" in errors[1]
