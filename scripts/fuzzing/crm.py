"""The CRM's side of a call, made up: every answer is a bent sample, in any status, with any headers.

Everything that the gateway can be asked runs over the real transport, client library and parsers; only the socket is
missing. An error of ours is a fine end; anything else is a finding, and so is an error that repeats a person's data.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from connector.crm.hubspot.gateway import HubSpotGateway
from connector.crm.hubspot.properties import PropertyDefinition
from connector.domain.contact import ContactId, OwnerId
from connector.engine.ports import Task, Window, Write
from connector.errors import ConnectorError
from fuzzing.choices import Choices
from fuzzing.shapes import ODD, PERSON, bent

SAMPLES = Path(__file__).resolve().parents[2] / "tests" / "samples"
TOKEN = "pat-na1-made-up"  # noqa: S105 - nobody's
MOST_ANSWERS = 12
MOST_PAGES = 4
SINCE, UNTIL = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)
STATUSES = (200, 200, 200, 200, 200, 207, 201, 204, 301, 400, 401, 403, 404, 409, 414, 423, 429, 477, 500, 502,
            524, 599)  # fmt: skip
HEADERS = ("Retry-After", "Date", "X-HubSpot-RateLimit-Daily", "X-HubSpot-RateLimit-Daily-Remaining",
           "X-HubSpot-RateLimit-Max", "X-HubSpot-RateLimit-Interval-Milliseconds", "Content-Type")  # fmt: skip
VALUES = ("", "0", "-1", "10", "²", "9" * 400, "Mon, 02 Mar 2026 10:16:00 GMT", "Mon, 99 Foo 2026 10:16:00 GMT",
          "Mon, 02 Mar 9999 10:16:00 -9999", "Mon, 02 Mar 0001 00:00:00 +2359", "1.5", "1e9", "\xe9")  # fmt: skip
PROPERTY = PropertyDefinition(name="handoff_state", label="State", type="string", field_type="text")
IDS = [ContactId("501"), ContactId("502")]
TASK = Task(contact=IDS[0], owner=OwnerId("7"), subject="Call", body="Now", due_at=UNTIL, key="fx_1")
NAMES = ("email", "lifecyclestage", "hs_lead_status")


class Leak(AssertionError):
    """An error repeats what the peer sent of a person."""


class MadeUp(BaseAdapter):
    """Answers every request; after MOST_ANSWERS the connection breaks, so that no pull goes on for ever."""

    def __init__(self) -> None:
        super().__init__()
        self.choices = Choices(b"")
        self.answers = 0

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self.answers += 1
        if self.answers > MOST_ANSWERS:
            raise requests.ConnectionError("enough")
        choices = self.choices
        response = requests.Response()
        response.request, response.url = request, request.url or ""
        response.status_code = choices.pick(STATUSES)
        response.headers = CaseInsensitiveDict({"Date": "Mon, 02 Mar 2026 10:16:00 GMT"})
        for _ in range(choices.below(3)):
            response.headers[choices.pick(HEADERS)] = choices.pick(VALUES)
        response._content = _body(urlsplit(response.url).path, choices)
        return response

    def close(self) -> None:
        return None


def ask(data: bytes) -> None:
    """One question to the gateway, with answers made of `data`."""
    gateway, wire = _fresh()
    wire.choices, wire.answers = Choices(data), 0
    question = wire.choices.pick(QUESTIONS)
    try:
        found = question(gateway)
        if isinstance(found, Iterable):
            list(islice(found, MOST_PAGES))
    except ConnectorError as error:
        if PERSON in f"{error} {error.advice}":
            raise Leak(type(error).__name__) from error


QUESTIONS: tuple[Callable[[HubSpotGateway], Any], ...] = (
    lambda g: g.portal(),
    lambda g: g.scopes(),
    lambda g: g.owners(),
    lambda g: g.schema(),
    lambda g: g.pull_changed_contacts(Window(since=SINCE, until=UNTIL), NAMES, cursor=None),
    lambda g: g.pull_all_contacts(NAMES, cursor=None),
    lambda g: g.pull_archived_contacts(SINCE),
    lambda g: g.read_contacts(IDS, NAMES, history=("lifecyclestage",)),
    lambda g: g.update_contacts([Write(contact=one, properties={"lifecyclestage": "lead"}) for one in IDS]),
    lambda g: g.pull_deals(Window(since=SINCE, until=UNTIL), cursor=None),
    lambda g: g.pull_activities("page_views", Window(since=SINCE, until=UNTIL), cursor=None),
    lambda g: g.pull_activities("forms", Window(since=SINCE, until=UNTIL), cursor=None),
    lambda g: g.pull_activities("emails", Window(since=SINCE, until=UNTIL), cursor=None),
    lambda g: g.find_list("Handoff"),
    lambda g: g.add_to_list("Handoff", IDS),
    lambda g: g.remove_from_list("Handoff", IDS),
    lambda g: g.ensure_owned([PROPERTY], "Handoff"),
    lambda g: g.ensure_tasks([TASK]),
)


def _fresh() -> tuple[HubSpotGateway, MadeUp]:
    """The one gateway, with nothing remembered of the last question: the same bytes always do the same."""
    gateway, wire = _gateway()
    transport = gateway._transport
    transport.server_now, transport._daily = None, None
    gateway._lists._ids.clear()
    gateway._deals._stages = None
    return gateway, wire


@cache
def _gateway() -> tuple[HubSpotGateway, MadeUp]:
    gateway = HubSpotGateway(
        token=TOKEN, rate_per_10s=0, search_per_second=0, sleep=lambda seconds: None, rng=random.Random(1)
    )
    wire = MadeUp()
    gateway._transport._session.mount("https://", wire)
    return gateway, wire


@cache
def samples() -> dict[str, Any]:
    """By name of their folder and status."""
    found = sorted(SAMPLES.glob("*/*.json"))
    return {f"{path.parent.name}/{path.stem}": json.loads(path.read_bytes()) for path in found}


FITTING = (
    ("contacts/search", ("contacts-search/200",)),
    ("contacts/batch/read", ("contacts-batch-read/200", "contacts-batch-read/207")),
    ("contacts/batch/update", ("contacts-batch-update/200", "contacts-batch-update/207")),
    ("deals/search", ("deals-search/200",)),
    ("associations/deals", ("deal-associations/207",)),
    ("pipelines", ("deal-pipelines/200",)),
    ("tasks/batch/read", ("tasks-read/200",)),
    ("tasks/batch/create", ("tasks-created/201",)),
    ("contacts/tasks", ("tasks-of-contacts/200",)),
    ("objects/contacts", ("contacts-list/200", "contacts-list-end/200", "contacts-archived/200")),
    ("owners", ("owners/200", "owners-archived/200")),
    ("groups", ("property-groups/200",)),
    ("properties", ("properties/200",)),
    ("memberships", ("members-added/200",)),
    ("lists", ("list-found/200", "list-dynamic/200")),
    ("events/v3", ("page-views/200", "page-views-end/200")),
    ("submissions", ("submissions/200", "submissions-none/200")),
    ("forms", ("forms/200",)),
    ("email/public", ("email-events/200", "email-events-end/200")),
    ("account-info", ("account-details/200",)),
    ("introspect", ("token-introspect/200",)),
)
"""Part of a path -> samples of what HubSpot answers there; the first that fits."""


def _sample(path: str, choices: Choices) -> Any:
    """One that fits, or now and then any."""
    found = samples()
    fitting = next((names for part, names in FITTING if part in path), tuple(found))
    return found[choices.pick(tuple(found) if choices.below(8) == 7 else fitting)]


def _body(path: str, choices: Choices) -> bytes:
    kind = choices.below(16)
    if kind == 0:
        return choices.bytes(200)
    if kind == 1:
        return choices.pick((b"", b"null", b"<html>", b"[" * 100_000, b'{"results":', b'{"a":NaN}', b"\xff\xfe{}"))
    if kind == 2:
        return json.dumps(choices.pick(ODD)).encode()
    return json.dumps(bent(_sample(path, choices), choices)).encode()
