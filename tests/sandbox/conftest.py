"""A sandbox served in this process on a free port; each test gets portals of its own, real time and no faults."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from sandboxes import serving

from connector.sandbox.portal import Portal
from connector.sandbox.server import Server

UNLIMITED = {"rate_per_10s": 0, "search_per_second": 0}


class Client:
    """Calls to one portal, with its token; `portal` is the state behind it, for looking only."""

    def __init__(self, box: Box, token: str, portal_id: int, session: requests.Session) -> None:
        self.box = box
        self.url = box.url
        self.token = token
        self.portal_id = portal_id
        self.session = session

    @property
    def portal(self) -> Portal:
        return self.box.server.sandbox.portals[self.portal_id]

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"} | more.pop("headers", {})
        return self.session.request(method, self.url + path, json=body, headers=headers, timeout=10, **more)

    def get(self, path: str, **params: Any) -> requests.Response:
        return self.call("GET", path, params=params)

    def post(self, path: str, body: Any, **more: Any) -> requests.Response:
        return self.call("POST", path, body, **more)

    def patch(self, path: str, body: Any, **more: Any) -> requests.Response:
        return self.call("PATCH", path, body, **more)

    def control(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        """Call the control API for this portal; a refusal fails the test."""
        query = {"portal": self.portal_id} | params
        answer = self.session.request(method, f"{self.url}/_sandbox/{path}", json=body, params=query, timeout=30)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def act(self, kind: str, **facts: Any) -> dict[str, Any]:
        """Do one act and give the ids it touched."""
        done: dict[str, Any] = self.control("POST", "acts", [{"kind": kind} | facts])["results"][0]
        return done

    def switch(self, **values: Any) -> None:
        self.control("PUT", "switches", values)

    def contact(self, **properties: Any) -> str:
        """Create a contact by the API and give its id."""
        answer = self.post("/crm/v3/objects/contacts", {"properties": properties})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def read(self, contact_id: str, *names: str, kind: str = "contacts") -> dict[str, Any]:
        """Give properties of one record."""
        answer = self.get(f"/crm/v3/objects/{kind}/{contact_id}", properties=",".join(names))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["properties"]
        return found


class Box:
    """The running server."""

    def __init__(self, server: Server, session: requests.Session) -> None:
        self.server = server
        self.url = server.url
        self.session = session

    def new_portal(self, *, limited: bool = False, **spec: Any) -> Client:
        """Make a portal (keys of POST /_sandbox/portals); without limits unless asked."""
        if not limited:
            spec["switches"] = UNLIMITED | spec.get("switches", {})
        answer = self.session.post(f"{self.url}/_sandbox/portals", json=spec, timeout=60)
        assert answer.status_code == 201, answer.text
        return Client(self, answer.json()["token"], answer.json()["portalId"], self.session)

    def clock(self, **body: Any) -> str:
        """Set the clock; gives the instant."""
        answer = self.session.put(f"{self.url}/_sandbox/clock", json=body, timeout=10)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["now"])

    def faults(self, *specs: dict[str, Any]) -> None:
        answer = self.session.post(f"{self.url}/_sandbox/faults", json=list(specs), timeout=10)
        assert answer.status_code == 201, answer.text


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A serving sandbox without portals, for the whole session."""
    with serving() as made:
        yield made


@pytest.fixture
def box(server: Server) -> Iterator[Box]:
    """The server with a real clock and no faults."""
    with requests.Session() as session:
        server.sandbox.clock.release()
        server.sandbox.script.clear()
        yield Box(server, session)
        server.sandbox.clock.release()
        server.sandbox.script.clear()


@pytest.fixture
def client(box: Box) -> Client:
    """An empty portal (owners and forms only), without limits."""
    return box.new_portal()
