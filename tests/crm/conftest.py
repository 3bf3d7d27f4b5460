"""What tests of the HubSpot room share: a gateway that never sleeps, wire samples from tests/samples/, a sandbox."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import responses
from sandboxes import serving

from connector.crm.hubspot.gateway import HubSpotGateway
from connector.sandbox.server import Server

SAMPLES = Path(__file__).parent.parent / "samples"
BASE = "https://api.hubapi.com"
DATE = {"Date": "Mon, 02 Mar 2026 10:16:00 GMT"}
Build = Callable[..., HubSpotGateway]


class Wire:
    """HubSpot's side of a test: queue samples, then look at what was sent."""

    def __init__(self) -> None:
        self.mock = responses.RequestsMock(assert_all_requests_are_fired=True)

    def sample(self, case: str, status: int = 200) -> Any:
        return json.loads((SAMPLES / case / f"{status}.json").read_text())

    def answer(
        self,
        method: str,
        path: str,
        case: str | None = None,
        *,
        status: int = 200,
        match: tuple[Any, ...] = (),
        **more: Any,
    ) -> None:
        """Queue one answer; answers of one address are given in their order."""
        headers = {**DATE, **more.pop("headers", {})}
        if case is not None:
            more["json"] = self.sample(case, status)
        self.mock.add(method, BASE + path, status=status, headers=headers, match=match, **more)

    @property
    def sent(self) -> list[Any]:
        return [call.request for call in self.mock.calls]

    def bodies(self) -> list[Any]:
        return [json.loads(request.body) for request in self.sent if request.body]


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()
    with wire.mock:
        yield wire


@pytest.fixture
def slept() -> list[float]:
    """Seconds that the gateway would have slept."""
    return []


@pytest.fixture
def build(slept: list[float]) -> Iterator[Build]:
    """Builds gateways without pacing or sleeping; keywords are the gateway's own."""
    built: list[HubSpotGateway] = []

    def make(**arguments: Any) -> HubSpotGateway:
        defaults = {"token": "pat-na1-canary", "rate_per_10s": 0, "search_per_second": 0}
        gateway = HubSpotGateway(**{**defaults, **arguments}, sleep=slept.append, rng=random.Random(1))
        built.append(gateway)
        return gateway

    yield make
    for gateway in built:
        gateway.close()


@pytest.fixture
def gateway(build: Build) -> HubSpotGateway:
    return build()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A sandbox without portals, in this process."""
    with serving() as made:
        yield made
