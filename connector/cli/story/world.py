"""The portal of the story: a sandbox process of our own, its clock, what people do in it, and what stands in it.

Spoken to by HTTP alone, past the connector: what is read here is a second witness.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import requests

from connector.cli.story import StoryError

ZONE = "Europe/Berlin"
SECONDS = 30
Act = Mapping[str, object]


def at(text: str) -> datetime:
    """`2026-03-02 09:00` by the portal's clock on the wall, as an instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


def spell(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(slots=True)
class World:
    """One portal in a sandbox at `address`."""

    address: str
    token: str
    portal: int
    _session: requests.Session = field(default_factory=requests.Session)

    # -- time, people, faults ----------------------------------------------------------------------------------

    def clock(self, moment: datetime) -> None:
        self._call("PUT", "/_sandbox/clock", body={"now": spell(moment)})

    def act(self, *acts: Act) -> list[dict[str, Any]]:
        """Let people act, in order; the ids that each act touched."""
        results: list[dict[str, Any]] = self._call("POST", "/_sandbox/acts", self._ours, acts)["results"]
        return results

    def fault(self, **spec: object) -> None:
        self._call("POST", "/_sandbox/faults", body=[spec])

    def dismiss(self, owner: str) -> None:
        """An admin of the portal archives a rep."""
        found = self._get(f"/crm/v3/owners/{owner}")
        row = {name: found[name] for name in ("id", "email", "firstName", "lastName")}
        self._call("POST", "/_sandbox/owners", self._ours, [row | {"archived": True}])

    # -- what stands there -------------------------------------------------------------------------------------

    def contact(self, email: str) -> dict[str, str]:
        """Every property that has a value, `id` among them."""
        names = ",".join(READ)
        found = self._get(f"/crm/v3/objects/contacts/{email}", {"idProperty": "email", "properties": names})
        return {"id": found["id"], **{name: value for name, value in found["properties"].items() if value}}

    def contacts(self) -> int:
        """How many there are."""
        for portal in self._call("GET", "/_sandbox/portals")["portals"]:
            if portal["portalId"] == self.portal:
                return int(portal["objects"]["contacts"])
        raise StoryError("the sandbox has lost its portal")

    def owners(self) -> dict[str, str]:
        """Owner id → name, archived ones too."""
        rows = [
            row
            for archived in ("false", "true")
            for row in self._get("/crm/v3/owners", {"limit": 100, "archived": archived})["results"]
        ]
        return {row["id"]: f"{row['firstName']} {row['lastName']}" for row in rows}

    def members(self, list_name: str) -> frozenset[str]:
        """E-mail addresses of a list's members."""
        found = self._get(f"/crm/v3/lists/object-type-id/0-1/name/{list_name}")["list"]
        rows = self._get(f"/crm/v3/lists/{found['listId']}/memberships", {"limit": 250})["results"]
        if not rows:
            return frozenset()
        asked = {"properties": ["email"], "inputs": [{"id": row["recordId"]} for row in rows]}
        read = self._call("POST", "/crm/v3/objects/contacts/batch/read", body=asked)["results"]
        return frozenset(row["properties"]["email"] for row in read)

    def last_event(self) -> int:
        return int(self._call("GET", "/_sandbox/log", {**self._ours, "limit": 1, "kinds": "none"})["last"])

    def writes(self, after: int) -> int:
        """Values, list entries and tasks that the portal's journal shows behind that event."""
        kinds = "property,created,list_add,list_remove,task"
        return len(self._call("GET", "/_sandbox/log", {**self._ours, "after": after, "kinds": kinds})["events"])

    def answers(self, status: int) -> int:
        """How many answers with this HTTP status the sandbox has given."""
        return int(self._call("GET", "/_sandbox/counters", self._ours)["by_status"].get(str(status), 0))

    # -- speaking ----------------------------------------------------------------------------------------------

    @property
    def _ours(self) -> dict[str, object]:
        return {"portal": self.portal}

    def _get(self, path: str, query: Mapping[str, object] | None = None) -> Any:
        return self._call("GET", path, query)

    def _call(
        self, method: str, path: str, query: Mapping[str, object] | None = None, body: Sequence[Any] | object = None
    ) -> Any:
        sent = None if body is None else json.dumps(body)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        params = {name: str(value) for name, value in (query or {}).items()}
        try:
            answer = self._session.request(
                method, self.address + path, params=params, data=sent, headers=headers, timeout=SECONDS
            )
        except requests.RequestException as error:
            raise StoryError(f"the sandbox does not answer ({type(error).__name__})") from error
        if not answer.ok:
            raise StoryError(f"the sandbox refused {method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json() if answer.content else None

    def close(self) -> None:
        self._session.close()


READ = (
    "email", "lifecyclestage", "hs_lead_status", "hubspot_owner_id", "handoff_episode", "handoff_state",
    "handoff_score", "handoff_nurture_track", "handoff_reason",
)  # fmt: skip


@contextmanager
def open_world(now: datetime, *, contacts: int, seed: int) -> Iterator[World]:
    """A sandbox with a portal that already lives, its clock frozen at `now`; ended with the block.

    Its rate limits are lifted: simulated weeks pass in seconds.
    """
    command = [
        sys.executable, "-m", "connector.sandbox", "--json", "--port", "0", "--enterprise", "--contacts", str(contacts),
        "--seed", str(seed), "--time-zone", ZONE, "--clock", spell(now), "--rate-per-10s", "0",
        "--search-per-second", "0",
    ]  # fmt: skip
    with _deaf_to_interrupts():
        process = subprocess.Popen(  # noqa: S603 - our own module
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise StoryError("the sandbox did not start; `handoff sandbox` shows why")
        said = json.loads(line)
        world = World(said["url"], said["token"], int(said["portalId"]))
        world._session.trust_env = False  # a proxy of the environment has no business on loopback
        try:
            yield world
        finally:
            world.close()
    finally:
        _end(process)


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """A child started here does not hear a terminal's Ctrl-C: the story hears it, and ends its sandbox in order."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    finally:
        if process.stdout is not None:
            process.stdout.close()
