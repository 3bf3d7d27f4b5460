"""Webhooks that the sandbox sends: signature, shape, batches, retries (hubspot-facts 8, reliability.md section 4)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from connector.sandbox.webhooks import signature_v1, signature_v3

if TYPE_CHECKING:
    from tests.sandbox.conftest import Client

NAMELESS = {"subscriptionType": "contact.propertyChange"}
SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"


class Receiver(ThreadingHTTPServer):
    """Keeps what was posted; `answers` are statuses for the next posts, then 200."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taker)
        self.posts: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/hooks?x=%2Fa"

    def events(self) -> list[dict[str, Any]]:
        return [event for _, _, body in list(self.posts) for event in json.loads(body)]


class Taker(BaseHTTPRequestHandler):
    """Takes one post."""

    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append((self.path, dict(self.headers.items()), body))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_words: Any) -> None:
        """Stay quiet."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join(5)


@pytest.fixture
def hook(client: Client, receiver: Receiver) -> Iterator[Callable[..., None]]:
    """Point the portal's webhooks at the receiver."""

    def configure(*subscriptions: dict[str, str], **more: Any) -> None:
        body = {"target_url": receiver.url, "client_secret": SECRET, "subscriptions": list(subscriptions)}
        client.control("PUT", "webhooks", body | {"retry_seconds": 0.02} | more)

    yield configure
    client.control("DELETE", "webhooks")


def settled(client: Client) -> dict[str, Any]:
    """Wait until nothing is pending and give the state."""
    for _ in range(500):
        state: dict[str, Any] = client.control("GET", "webhooks")
        if not state["pending"]:
            return state
        time.sleep(0.01)
    raise AssertionError("webhooks are still pending")


def test_the_signature_gives_the_known_answer() -> None:
    """The vector of reliability.md section 4."""
    uri, body = "https://www.example.com/webhook_uri", b"{'example_field':'example_value'}"
    assert signature_v3(SECRET, "POST", uri, body, "1693657560000") == "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="


def test_only_the_listed_escapes_of_the_address_are_decoded() -> None:
    plain = signature_v3(SECRET, "POST", "https://x.example/a/b?c=d:e", b"", "1")
    assert signature_v3(SECRET, "POST", "https://x.example/a%2Fb?c=d%3ae", b"", "1") == plain
    assert signature_v3(SECRET, "POST", "https://x.example/a b", b"", "1") != signature_v3(
        SECRET, "POST", "https://x.example/a%20b", b"", "1"
    )


def test_a_change_arrives_signed_and_in_shape(client: Client, receiver: Receiver, hook: Callable[..., None]) -> None:
    client.box.clock(now="2026-03-02T09:00:00Z")
    hook({"subscriptionType": "contact.propertyChange", "propertyName": "firstname"})
    contact = client.contact(email="lia@kind.example", firstname="Lia")
    client.patch(f"/crm/v3/objects/contacts/{contact}", {"properties": {"firstname": "Lea", "lastname": "Ode"}})
    settled(client)
    path, headers, body = receiver.posts[-1]
    stamp = headers["X-HubSpot-Request-Timestamp"]
    assert path == "/hooks?x=%2Fa"
    assert stamp == "1772442000000"
    assert headers["X-HubSpot-Signature-v3"] == signature_v3(SECRET, "POST", receiver.url, body, stamp)
    assert headers["X-HubSpot-Signature"] == signature_v1(SECRET, body)
    event = json.loads(body)[-1]
    assert (event["objectId"], event["propertyName"], event["propertyValue"]) == (int(contact), "firstname", "Lea")
    assert (event["portalId"], event["attemptNumber"], event["occurredAt"]) == (client.portal_id, 0, 1772442000000)
    assert {"eventId", "subscriptionId", "appId", "changeSource"} <= set(event)
    assert "objectTypeId" not in event
    assert "lastname" not in {each.get("propertyName") for each in receiver.events()}


def test_creation_merge_deletion_and_erasure_are_told(
    client: Client, receiver: Receiver, hook: Callable[..., None]
) -> None:
    kinds = ("creation", "merge", "deletion", "privacyDeletion")
    hook(*({"subscriptionType": f"contact.{kind}"} for kind in kinds), {"subscriptionType": "object.deletion"})
    one, two = client.contact(email="lia@kind.example"), client.contact(email="bo@kind.example")
    client.post("/crm/v3/objects/contacts/merge", {"primaryObjectId": one, "objectIdToMerge": two})
    client.post("/crm/v3/objects/contacts/gdpr-delete", {"objectId": one})
    settled(client)
    seen = [(event["subscriptionType"], str(event["objectId"])) for event in receiver.events()]
    assert seen[:2] == [("contact.creation", one), ("contact.creation", two)]
    assert {("contact.merge", one), ("contact.deletion", two), ("contact.privacyDeletion", one)} <= set(seen)
    assert ("contact.deletion", one) in seen
    generic = next(event for event in receiver.events() if event["subscriptionType"] == "object.deletion")
    assert generic["objectTypeId"] == "0-1"


def test_a_refused_batch_is_sent_again_with_its_attempt_number(
    client: Client, receiver: Receiver, hook: Callable[..., None]
) -> None:
    receiver.answers = [500, 404]
    hook({"subscriptionType": "contact.creation"})
    client.contact(email="lia@kind.example")
    state = settled(client)
    assert [event["attemptNumber"] for event in receiver.events()] == [0, 1, 2]
    assert [delivery["status"] for delivery in state["deliveries"]] == [500, 404, 200]


def test_a_batch_is_given_up_after_its_attempts(client: Client, receiver: Receiver, hook: Callable[..., None]) -> None:
    receiver.answers = [500] * 5
    hook({"subscriptionType": "contact.creation"}, attempts=3)
    client.contact(email="lia@kind.example")
    assert len(settled(client)["deliveries"]) == 3


def test_a_batch_holds_at_most_100_events_and_may_come_twice(
    client: Client, receiver: Receiver, hook: Callable[..., None]
) -> None:
    hook({"subscriptionType": "contact.creation"}, duplicate_every=1)
    for part in range(3):
        rows = [{"properties": {"email": f"n{part}-{number}@kind.example"}} for number in range(100)]
        client.post("/crm/v3/objects/contacts/batch/create", {"inputs": rows})
    settled(client)
    assert max(len(json.loads(body)) for _, _, body in receiver.posts) <= 100
    assert len(receiver.events()) == 600
    assert len({event["eventId"] for event in receiver.events()}) == 300


@pytest.mark.parametrize(
    "body",
    [
        {"target_url": "ftp://x.example", "client_secret": "s", "subscriptions": []},
        {"target_url": "http://x.example", "subscriptions": []},
        {"target_url": "http://x.example", "client_secret": "s", "subscriptions": [{"type": "x"}]},
        {"target_url": "http://x.example", "client_secret": "s", "subscriptions": [NAMELESS]},
        {"target_url": "http://x.example", "client_secret": "s", "subscriptions": [], "speed": 3},
    ],
)  # fmt: skip
def test_a_bad_configuration_is_refused(client: Client, body: dict[str, Any]) -> None:
    answer = client.session.put(
        f"{client.url}/_sandbox/webhooks", json=body, params={"portal": client.portal_id}, timeout=5
    )
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")
