"""A small portal within this process: the sandbox behind the real client and store, with no socket between.

Made once, with leads in sales' hands and notices sent and given up; each input gets a copy, in a folder of its own.
"""

from __future__ import annotations

import copy
import copyreg
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from connector import gateways
from connector.bootstrap import connect
from connector.config.defaults import write_mappings
from connector.config.settings import load_settings
from connector.crm.hubspot.gateway import HubSpotGateway
from connector.delivery.apprise_door import AppriseDoor
from connector.delivery.door import Answer, Door
from connector.engine.report import RunReport
from connector.sandbox import acts, gate, handlers
from connector.sandbox.app import encode
from connector.sandbox.control import make_portal
from connector.sandbox.portal import Portal, Sandbox

BEGIN = datetime(2026, 3, 2, 9, tzinfo=UTC)
HUBSPOT = "https://hubspot.example"
TOKEN = "pat-canary-of-the-fuzzer"  # noqa: S105 - nobody's
SECRET = "whsec_" + "q" * 43 + "="
PEOPLE = ("ana", "ben", "cora", "dov", "eva", "finn")

assert handlers.LOADED  # importing it registers every route
for make in (threading.RLock, threading.Lock):  # a copied portal has locks of its own
    copyreg.pickle(type(make()), lambda _, make=make: (make, ()))  # type: ignore[misc]

Bend = Callable[[str, bytes], tuple[int, bytes] | None]
"""Path and body of an answer -> status and body in their place; None leaves it; may raise requests' errors."""


class Wire(BaseAdapter):
    """Carries each request to the sandbox; `bend` may change what comes back."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__()
        self.sandbox = sandbox
        self.bend: Bend | None = None

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        parts = urlsplit(request.url or "")
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        headers = {name.lower(): value for name, value in request.headers.items()}
        given = gate.answer(self.sandbox, str(request.method), target, headers, body, HUBSPOT).response
        if given is None:
            raise requests.ConnectionError("broken off")
        status, content = given.status, encode(given.body)
        if self.bend is not None and (bent := self.bend(parts.path, content)) is not None:
            status, content = bent
        response = requests.Response()
        response.request, response.url, response.status_code = request, request.url or "", status
        response.headers, response._content = CaseInsensitiveDict(given.headers), content
        return response

    def close(self) -> None:
        return None


@dataclass(slots=True)
class World:
    """One copy. `posts` are the notices that went out: address and body."""

    folder: Path
    sandbox: Sandbox
    wire: Wire
    posts: list[tuple[str, bytes, Mapping[str, str]]]
    answer: Answer

    @property
    def portal(self) -> Portal:
        found = self.sandbox.first()
        assert found is not None
        return found

    @property
    def env(self) -> dict[str, str]:
        return {
            "HUBSPOT_ACCESS_TOKEN": TOKEN,
            "HUBSPOT_BASE_URL": HUBSPOT,
            "HANDOFF_DATABASE_URL": f"sqlite:///{self.folder / 'handoff.db'}",
            "HANDOFF_MAPPINGS_DIR": str(self.folder / "mappings"),
            "HANDOFF_WEBHOOK_URL": "https://receiver.example/notices",
            "HANDOFF_WEBHOOK_SECRET": SECRET,
            "HANDOFF_LOG_LEVEL": "ERROR",
        }

    def act(self, kind: str, **facts: Any) -> dict[str, Any]:
        return acts.perform(self.portal, {"kind": kind, **facts})

    def asks(self, name: str) -> str:
        """Somebody sends the form that asks for sales; gives the contact's id."""
        return str(self.act("form_submission", form="Contact us", email=f"{name}@acme.example", values={})["contact"])

    def later(self, seconds: float) -> None:
        self.sandbox.clock.advance(seconds)

    def sync(self) -> RunReport:
        with connect(load_settings(self.env, dotenv=None)) as connector:
            return connector.sync(connector.options())


@contextmanager
def world() -> Iterator[World]:
    """A copy of the portal, its database and its rule files; nothing of it reaches a network or a clock."""
    sandbox, kept = _template()
    folder = Path(mkdtemp(prefix="handoff-fuzz-", dir=_room().name))
    try:
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        with _inside(_copied(sandbox), folder) as made:
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _inside(sandbox: Sandbox, folder: Path) -> Iterator[World]:
    made = World(folder, sandbox, Wire(sandbox), [], Answer(status=200))

    def gateway(**given: Any) -> HubSpotGateway:
        given |= {"rate_per_10s": 0, "search_per_second": 0, "pacing_file": None, "sleep": lambda seconds: None}
        opened = HubSpotGateway(**given)
        for scheme in ("https://", "http://"):
            opened._transport._session.mount(scheme, made.wire)
        return opened

    def post(_door: object, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        made.posts.append((url, body, headers))
        return made.answer

    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(gateways, "HubSpotGateway", gateway))
        for door in (Door, AppriseDoor):
            stack.enter_context(mock.patch.object(door, "post", post))
        yield made


def _copied(sandbox: Sandbox) -> Sandbox:
    """Functions are not copied: what a record store calls when it changes still belongs to the portal it came from."""
    made = copy.deepcopy(sandbox)
    for portal in made.portals.values():
        for name, store in portal.objects.items():
            fresh = portal._store(name)
            store._on_change, store._lag_ms = fresh._on_change, fresh._lag_ms
    return made


@cache
def _room() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="handoff-fuzz-")


@cache
def _template() -> tuple[Sandbox, Path]:
    """A Monday morning on which some were handed over, one was not to be told, and one more has just asked."""
    sandbox, folder = Sandbox(), Path(_room().name) / "template"
    folder.mkdir()
    sandbox.clock.freeze(int(BEGIN.timestamp() * 1000))
    free = {"rate_per_10s": 0, "search_per_second": 0}
    make_portal(sandbox, {"contacts": 4, "seed": 3, "enterprise": True, "token": TOKEN, "switches": free})
    with _inside(sandbox, folder) as made:
        write_mappings(folder / "mappings")
        with connect(load_settings(made.env, dotenv=None)) as connector:
            connector.make_owned()
        made.sync()
        for number, name in enumerate(PEOPLE[:4]):
            made.later(600)
            made.asks(name)
            made.answer = Answer(status=200 if number < 2 else 400)
            made.later(600)
            assert made.sync().counts.handed_off == 1
        made.later(600)
        made.asks(PEOPLE[4])
        made.later(600)
    return sandbox, folder
