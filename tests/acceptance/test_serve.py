"""`handoff serve` on the sandbox: what happens in the portal reaches a rep before the schedule does (P4, R15, I8)."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import requests
from portal_world import HANDOFF, WATCHED, Build, World

from connector.crm.hubspot.inbound import signature

SECRET = "the-secret-of-the-app-0123"
SUBSCRIPTIONS = [
    {"subscriptionType": "contact.creation"},
    {"subscriptionType": "contact.deletion"},
    {"subscriptionType": "contact.privacyDeletion"},
    {"subscriptionType": "contact.propertyChange", "propertyName": "recent_conversion_date"},
]
AT_MOST = 60.0
"""Seconds that a slow machine may take; about one is usual."""


class Serving:
    """A `handoff serve` of its own process, and the portal's webhooks turned to it."""

    def __init__(self, world: World, process: subprocess.Popen[str], port: int) -> None:
        self.world, self.process = world, process
        self.url = f"http://127.0.0.1:{port}/webhooks/hubspot"

    def hook(self, **more: object) -> None:
        told = {"target_url": self.url, "client_secret": SECRET, "subscriptions": SUBSCRIPTIONS, "timestamps": "wall"}
        self.world.control("PUT", "webhooks", {**told, "retry_seconds": 0.2, **more})

    def post(self, *events: dict[str, object]) -> int:
        """As HubSpot signs them."""
        body, stamp = json.dumps(events).encode(), str(time.time_ns() // 1_000_000)
        headers = {
            "X-HubSpot-Request-Timestamp": stamp,
            "X-HubSpot-Signature-v3": signature(SECRET, "POST", self.url, body, stamp),
        }
        return requests.post(self.url, data=body, headers=headers, timeout=10).status_code


def soon(happened: Callable[[], bool]) -> float:
    """Waits for it; gives the seconds it took."""
    began = time.monotonic()
    while not happened():
        assert time.monotonic() - began < AT_MOST
        time.sleep(0.02)
    return time.monotonic() - began


@contextmanager
def serving(world: World, **env: str) -> Iterator[Serving]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    told = {
        "HANDOFF_LISTEN": f"127.0.0.1:{port}", "HANDOFF_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "HANDOFF_INBOUND_SECRET": SECRET, "HANDOFF_SYNC_EVERY": "24h", "HANDOFF_LOG_LEVEL": "INFO",
        "HANDOFF_LOG_FORMAT": "json",
    }  # fmt: skip
    with (world.folder / "serve.log").open("w+") as log:
        process = subprocess.Popen(
            [*HANDOFF, "serve"], cwd=world.folder, stderr=log, env=world.environment(**told | env), text=True
        )
        try:
            soon(lambda: process.poll() is not None or "Waiting for" in (world.folder / "serve.log").read_text())
            yield Serving(world, process, port)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0, (world.folder / "serve.log").read_text()


def test_who_asks_for_sales_reaches_the_rep_in_about_a_second(world: World) -> None:
    """R15: no scheduled run takes part; a rep hears of it once, though each webhook comes twice."""
    with serving(world) as handoff:
        handoff.hook(duplicate_every=1)
        contact = world.asks("kim@acme.example")
        soon(lambda: bool(world.receiver.of("lead.handed_off")))
        (told,) = world.receiver.of("lead.handed_off")
        assert told["data"]["contact_id"] == contact
        assert world.read(contact, "handoff_state")["handoff_state"] == "handed_off"
    assert world.receiver.kinds() == {"lead.handed_off": 1}
    world.later(minutes=10)
    world.sync()
    assert world.receiver.kinds() == {"lead.handed_off": 1}


def test_an_answer_by_link_is_carried_out_at_once(world: World) -> None:
    """R20: stored, then taken up without a scheduled run; the server needs no webhooks for it."""
    world.watch(shared=[*WATCHED["shared"], *WATCHED["answers"]], answers=[])
    told = {"HANDOFF_ANSWER_SECRET": "secret-of-the-test-" + "s" * 20, "HANDOFF_INBOUND_SECRET": ""}
    world.sync()
    contact = world.asks("kim@acme.example")
    world.later(minutes=10)
    with serving(world, **told):
        soon(lambda: bool(world.receiver.of("lead.handed_off")))
        links = world.receiver.of("lead.handed_off")[0]["data"]["answers"]
        assert requests.post(links["accept"], data={"send": ""}, timeout=60).status_code == 200
        soon(lambda: world.read(contact, "handoff_state")["handoff_state"] == "accepted")
        log = (world.folder / "serve.log").read_text()
        assert links["accept"].rpartition("/")[2] not in log


def test_events_of_another_portal_and_forged_ones_change_nothing(world: World) -> None:
    """Fault row "webhook flood, replay, forgery": one effect."""
    contact = world.contact("kim@acme.example")
    event = {
        "eventId": 1, "subscriptionId": 1, "portalId": 1, "appId": 1, "occurredAt": 1772442000000,
        "subscriptionType": "contact.privacyDeletion", "objectId": int(contact),
    }  # fmt: skip
    with serving(world) as handoff:
        assert handoff.post(event) == 200
        forged = requests.post(handoff.url, json=[event | {"portalId": world.portal}], timeout=10)
        assert (forged.status_code, forged.text) == (401, "not accepted\n")
        assert handoff.post({**event, "subscriptionType": "contact.propertyChange", "portalId": world.portal}) == 200
        soon(lambda: "Hints looked at" in (world.folder / "serve.log").read_text())
    report = world.sync()
    assert report.counts.changes_written == 0


def test_a_person_erased_in_the_portal_is_erased_here_at_once(world: World) -> None:
    """I11"""
    contact = world.contact("kim@acme.example", firstname="Kimberly-Canary")
    world.later(minutes=10)
    world.sync()
    with serving(world) as handoff:
        handoff.hook()
        world.api("POST", "/crm/v3/objects/contacts/gdpr-delete", {"objectId": contact})
        soon(lambda: b"Kimberly-Canary" not in (world.folder / "handoff.db").read_bytes())


def test_webhooks_that_are_lost_cost_nothing_but_time(world: World) -> None:
    """P4"""
    with serving(world, HANDOFF_SYNC_EVERY="10s"):
        world.asks("kim@acme.example")
        soon(lambda: bool(world.receiver.of("lead.handed_off")))


def pages(world: World) -> int:
    return world.counted().get("GET /crm/v3/objects/contacts", 0)


def start_when_free(world: World) -> subprocess.Popen[str]:
    """A full pull under way. `serve` may hold the lease for a moment: who is told so (exit 5) tries again."""
    while True:
        before = pages(world)
        full = world.start("sync", "--full", "--json")
        until = time.monotonic() + 60
        while full.poll() is None and pages(world) == before and time.monotonic() < until:
            time.sleep(0.05)
        if full.poll() != 5:
            return full
        full.communicate()


@pytest.mark.slow
def test_a_full_pull_in_another_process_does_not_starve_a_hand_raiser(build: Build) -> None:
    """I8, design.md section 5: who holds the lease drains what the receiver of another process took in."""
    world = build(enterprise=True, process=True, contacts=1500)
    world.sync()
    world.later(hours=1)
    with serving(world) as handoff:
        handoff.hook()
        world.switch(latency_ms=150)
        full = start_when_free(world)
        world.asks("kim@acme.example")
        soon(lambda: bool(world.receiver.of("lead.handed_off")))
        assert full.poll() is None, "the full pull was over before the notice came"
        world.switch(latency_ms=0)
        out, _ = full.communicate(timeout=100)
        assert json.loads(out)["contacts_pulled"] >= 1500
    assert world.receiver.kinds()["lead.handed_off"] == 1


def test_asked_to_stop_it_ends_between_two_pages_and_a_second_start_goes_on(build: Build) -> None:
    """P1: SIGTERM finishes the page; the run stays open and is gone on with."""
    world = build(enterprise=True, process=True, contacts=600)
    world.switch(latency_ms=100)
    with world.start("run", HANDOFF_SYNC_EVERY="24h") as run:
        soon(lambda: pages(world) >= 2)
        run.send_signal(signal.SIGTERM)
        run.communicate(timeout=60)
    assert run.returncode == 0
    world.switch(latency_ms=0)
    report = world.sync()
    assert report.run.resumed
    assert 0 < report.counts.contacts_pulled < 600


@pytest.mark.parametrize("missing", ["HANDOFF_PUBLIC_URL", "HANDOFF_INBOUND_SECRET"])
def test_without_its_address_or_secret_it_does_not_start(world: World, missing: str) -> None:
    """S7, P7"""
    told = {"HANDOFF_PUBLIC_URL": "https://handoff.example", "HANDOFF_INBOUND_SECRET": SECRET, missing: ""}
    done = world.handoff("serve", **told)
    assert done.returncode == 2
    assert f"{missing} is not set" in done.stderr
    assert "What to do: " in done.stderr
