"""The world around the connector: the sandbox and the receiver, each a process of its own, and how to speak to them.

Both outlive the driver: they are started in sessions of their own and are known by address afterwards. The sandbox is
steered by its control API alone, which costs the connector no calls.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from olist.acts import Act, spell
from olist.data import PROJECT
from olist.receiver import SECRET

SCRIPTS = PROJECT / "scripts"
START_SECONDS = 30
PAGE = 5_000
"""Log events asked for at once."""


class WorldError(Exception):
    """The sandbox or the receiver does not answer, or says no; the text says which."""


@dataclass(slots=True)
class Sandbox:
    """The sandbox's control API, for one portal (0 until it is made)."""

    address: str
    portal: int = 0
    _connection: http.client.HTTPConnection | None = None

    def make_portal(self, wanted: Mapping[str, Any]) -> tuple[int, str]:
        """Give the new portal's id and token."""
        made = self.call("POST", "/_sandbox/portals", body=wanted)
        self.portal = int(made["portalId"])
        return self.portal, str(made["token"])

    def furnish(self, token: str, owners: Sequence[Mapping[str, Any]], forms: Sequence[Mapping[str, Any]]) -> None:
        """Give the portal these owners and forms alone; those that every sandbox portal comes with are archived."""
        asked = {"portal": self.portal}
        bearer = {"Authorization": f"Bearer {token}"}
        present = self.call("GET", "/crm/v3/owners", {"limit": 100}, headers=bearer)["results"]
        gone: list[Mapping[str, Any]] = [
            {"id": each["id"], "email": each["email"], "archived": True} for each in present
        ]
        self.call("POST", "/_sandbox/owners", asked, [*gone, *owners])
        present = self.call("GET", "/marketing/v3/forms", {"limit": 100}, headers=bearer)["results"]
        gone = [{"guid": each["id"], "name": each["name"], "archived": True} for each in present]
        self.call("POST", "/_sandbox/forms", asked, [*gone, *forms])
        self.call("DELETE", "/_sandbox/counters", asked)

    def make_property(self, token: str, name: str, label: str) -> None:
        """Give contacts a property of the portal's own."""
        wanted = {
            "name": name,
            "label": label,
            "type": "string",
            "fieldType": "text",
            "groupName": "contactinformation",
        }
        bearer = {"Authorization": f"Bearer {token}"}
        self.call("POST", "/crm/v3/properties/contacts", body=wanted, headers=bearer)
        self.call("DELETE", "/_sandbox/counters", {"portal": self.portal})

    def watch(self, told: Mapping[str, Any]) -> None:
        """From now on the sandbox refuses what breaks an invariant (reliability.md, section 2)."""
        self.call("PUT", "/_sandbox/invariants", {"portal": self.portal}, told)

    def violations(self) -> list[str]:
        """Give what was broken since the last look, one sentence each."""
        asked = {"portal": self.portal}
        found = self.call("GET", "/_sandbox/violations", asked)
        broken = [f"{each['rule']}: {each['message']}" for part in found.values() for each in part]
        if broken:
            self.call("DELETE", "/_sandbox/violations", asked)
        return broken

    def set_clock(self, now: datetime) -> None:
        self.call("PUT", "/_sandbox/clock", body={"now": spell(now)})

    def do(self, acts: Sequence[Act]) -> None:
        """Let people act, in order, in one call."""
        self.call("POST", "/_sandbox/acts", {"portal": self.portal}, acts)

    def log(self, after: int, kinds: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
        """Give pages of the log behind a number, oldest first."""
        while True:
            asked = {"portal": self.portal, "after": after, "limit": PAGE, "kinds": ",".join(kinds)}
            events: list[dict[str, Any]] = self.call("GET", "/_sandbox/log", asked)["events"]
            if events:
                yield events
            if len(events) < PAGE:
                return
            after = events[-1]["seq"]

    def last_seq(self, after: int = 0) -> int:
        """Give the number of the log's last event, `after` if there is none behind it."""
        asked = {"portal": self.portal, "after": after, "limit": 1, "kinds": "none-of-them"}
        return int(self.call("GET", "/_sandbox/log", asked)["last"])

    def calls(self) -> int:
        """Give how many calls the connector made, control calls left out."""
        return int(self.call("GET", "/_sandbox/counters", {"portal": self.portal})["total"])

    def close(self) -> None:
        """Drop the connection; the next call makes a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def is_alive(self) -> bool:
        """Say whether a sandbox answers and has our portal, where one was made."""
        try:
            found = _portals(self.call("GET", "/_sandbox/portals"))
            return not self.portal or any(int(each["portalId"]) == self.portal for each in found)
        except (WorldError, KeyError, TypeError, ValueError):
            return False

    def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Call the control API on a kept connection; one more try where an idle one had been closed.

        Raises:
            WorldError: no answer, or an answer that is no success.
        """
        target = path + ("?" + urlencode(query) if query else "")
        sent = None if body is None else json.dumps(body).encode()
        try:
            status, answer = self._exchange(method, target, sent, headers or {})
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if method != "GET":
                raise WorldError(f"the sandbox at {self.address} does not answer: {error!r}") from error
            try:
                status, answer = self._exchange(method, target, sent, headers or {})
            except (OSError, http.client.HTTPException) as again:
                self.close()
                raise WorldError(f"the sandbox at {self.address} does not answer: {again!r}") from again
        if not 200 <= status < 300:
            raise WorldError(f"the sandbox refused {method} {target}: {status} {answer[:500].decode(errors='replace')}")
        return json.loads(answer) if answer else None

    def _exchange(self, method: str, target: str, sent: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        if self._connection is None:
            parts = urlsplit(self.address)
            self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)
        kind = {"Content-Type": "application/json"} if sent is not None else {}
        self._connection.request(method, target, sent, {**headers, **kind})
        answer = self._connection.getresponse()
        return answer.status, answer.read()


def _portals(answer: Any) -> list[Any]:
    return answer if isinstance(answer, list) else list(answer.get("portals") or answer.get("results") or ())


def start_sandbox(folder: Path, now: datetime) -> tuple[int, str]:
    """Start the sandbox with its clock frozen at `now`; give its pid and address."""
    command = [
        sys.executable,
        "-m",
        "connector.sandbox",
        "--json",
        "--port",
        "0",
        "--contacts",
        "0",
        "--clock",
        spell(now),
    ]
    return _start("sandbox", command, folder, {})


def start_receiver(folder: Path, secret: str) -> tuple[int, str]:
    """Start the receiver, which writes to `notices.jsonl`; give its pid and address."""
    command = [sys.executable, "-m", "olist.receiver", str(folder / "notices.jsonl")]
    return _start("receiver", command, folder, {SECRET: secret})


def _start(name: str, command: list[str], folder: Path, extra: dict[str, str]) -> tuple[int, str]:
    """Start a process that prints one JSON line with its address, in a session of its own; its output goes to files.

    Raises:
        WorldError: it ended, or said nothing in time.
    """
    told, log = folder / f"{name}.json", folder / f"{name}.log"
    env = os.environ | extra | {"PYTHONPATH": os.pathsep.join((str(PROJECT), str(SCRIPTS)))}
    write = os.O_WRONLY | os.O_CREAT
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(told), write | os.O_TRUNC, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, str(log), write | os.O_APPEND, 0o600),
    ]
    # Not subprocess: that expects us to outlive what we start, and here it is the other way round.
    pid = os.posix_spawn(command[0], command, env, file_actions=files, setsid=True)
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and os.waitpid(pid, os.WNOHANG)[0] != pid:
        line = told.read_text(encoding="utf-8")
        if line.endswith("\n"):
            said = json.loads(line)
            return pid, str(said.get("url") or said["address"])
        time.sleep(0.02)
    raise WorldError(f"the {name} did not start within {START_SECONDS} s; see {log}")


def receiver_is_alive(address: str) -> bool:
    """Say whether our receiver answers there."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", "/")
        return bool(json.loads(connection.getresponse().read()).get("receiver") == "olist")
    except (OSError, http.client.HTTPException, ValueError, AttributeError):
        return False
    finally:
        connection.close()


def end_process(pid: int, seconds: float = 10) -> None:
    """End a process that answered as ours a moment ago, and wait until it is gone."""
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                return
        except ChildProcessError:  # a driver before us started it
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
