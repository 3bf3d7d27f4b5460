"""The peer of a crash world: a HubSpot sandbox and the receivers of notices, in one process of one thread.

One thread, because a process with threads cannot be forked safely, and forking is how a world is copied: a *mould* is a
peer that stands still at a step's beginning and hands out copies of itself, each with its own memory (copy on write).
Spoken to by pickled messages over a socket; the connector speaks plain HTTP to it, as it would to HubSpot.

A request that carries `X-Crash` is the one that the proof aims at: it is done (or not), and then the caller is killed
or gets no usable answer.
"""

from __future__ import annotations

import gc
import os
import pickle
import re
import selectors
import signal
import socket
import struct
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from connector.sandbox import server as wire
from connector.sandbox.acts import perform
from connector.sandbox.app import Response
from connector.sandbox.clock import parse_instant
from connector.sandbox.gate import answer
from connector.sandbox.list_store import Lists
from connector.sandbox.portal import Portal, Sandbox

HEADER = "X-Crash"
"""`kill` (done, then the caller dies before any answer), `refuse` (not done), `drop` (done, no answer), `500`."""

RECORD = re.compile(rb"/record/0-1/(\d+)")
"""A notice names its contact by the address of its record."""

RUN = re.compile(rb"(run|hints)_\d{8}T\d{6}_[0-9a-f]{6}")
"""An id of a run."""

READS = ("/search", "/batch/read")
"""POSTs that change nothing."""

RESET = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class Post:
    """One notice that arrived. `shown`: what the CRM showed of its contact in that moment: state, owner, on a list."""

    endpoint: str
    id: str
    body: bytes
    status: int
    shown: tuple[str, str, bool]


@dataclass(slots=True)
class Peer:
    """Everything outside of the connector."""

    sandbox: Sandbox
    portal: Portal
    posts: list[Post] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    """Digests of the requests that may have changed something, in order; ids of runs are random and left out."""

    # -- what the worlds ask ---------------------------------------------------------------------------------------

    def act(self, acts: list[dict[str, Any]]) -> None:
        """People act, one after the other; `do` names an act that is no act of the sandbox's script."""
        for act in acts:
            if act.get("do") == "archive_owner":
                self.portal.directory.owners[act["owner"]].archived = True
            else:
                perform(self.portal, act)

    def clock(self, text: str) -> None:
        self.sandbox.clock.freeze(parse_instant(text))

    def advance(self, seconds: float) -> None:
        self.sandbox.clock.advance(seconds)

    def now_ms(self) -> int:
        return self.sandbox.clock.ms()

    def observe(self, owned: list[str]) -> dict[str, Any]:
        """What stands in the portal and what was received: plain values, the same for equal worlds."""
        contacts = self.portal.objects["contacts"]
        lists = self.portal.state("lists", Lists)
        path: dict[tuple[str, str], list[str]] = {}
        for entry in self.portal.journal:
            if entry["kind"] == "property" and entry["object"] == "contacts" and entry["name"] in owned:
                path.setdefault((entry["id"], entry["name"]), []).append(entry["after"] or "")
        return {
            "values": {r.id: {name: r.props.get(name, "") for name in owned} for r in contacts.records.values()},
            "members": {one.name: sorted(one.members) for one in lists.by_id.values()},
            "path": path,
            "tasks": sorted(sorted(task.props.items()) for task in self.portal.objects["tasks"].records.values()),
            "posts": [(post.endpoint, post.id, post.body, post.status, post.shown) for post in self.posts],
        }

    def past(self) -> list[str]:
        """All that this peer's future depends on, since its beginning is the same in all copies of one mould."""
        return [str(self.now_ms()), *self.changes, *(f"{post.endpoint} {post.id}" for post in self.posts)]

    def note(self, method: str, target: str, body: bytes) -> None:
        if method != "GET" and not target.split("?")[0].endswith(READS):
            asked = f"{method} {target} ".encode() + body
            self.changes.append(sha256(RUN.sub(b"run", asked)).hexdigest())

    def shown_of(self, body: bytes) -> tuple[str, str, bool]:
        found = RECORD.search(body)
        record = self.portal.objects["contacts"].survivor(found[1].decode()) if found else None
        if record is None:
            return "", "", False
        listed = any(record.key in one.members for one in self.portal.state("lists", Lists).by_id.values())
        return record.props.get("handoff_state", ""), record.props.get("hubspot_owner_id", ""), listed


# -- serving -------------------------------------------------------------------------------------------------------


class Service:
    """One copy at work: answers the connector's calls and its keeper's messages until the keeper hangs up."""

    def __init__(self, peer: Peer, keeper: socket.socket) -> None:
        self.peer, self.keeper = peer, keeper
        self.runner = 0
        self._selector = selectors.DefaultSelector()
        self._server = SimpleNamespace(sandbox=peer.sandbox, stopping=_NEVER, url="")
        self._streams: dict[socket.socket, Any] = {}
        self._doors = {name: _listen() for name in ("hubspot", "receiver")}
        self._server.url = f"http://127.0.0.1:{self._doors['hubspot'].getsockname()[1]}"
        self._selector.register(keeper, selectors.EVENT_READ, self._message)
        for name, door in self._doors.items():
            self._selector.register(door, selectors.EVENT_READ, _Accept(self, name))

    def serve(self) -> str:
        """Until the keeper hangs up (gives "") or says `mould` (gives where copies are to be asked for)."""
        while True:
            for key, _ in self._selector.select():
                said = key.data(key.fileobj)
                if said is not None:
                    self._close()
                    return str(said)

    def accept(self, door: socket.socket, name: str) -> None:
        connection, _ = door.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._streams[connection] = connection.makefile("rb")
        serve: Callable[[socket.socket], None] = self._hubspot if name == "hubspot" else self._receiver
        self._selector.register(connection, selectors.EVENT_READ, serve)

    def _message(self, keeper: socket.socket) -> str | None:
        asked = receive(keeper)
        if asked is None:
            return ""
        name, *arguments = asked
        if name == "mould":
            return str(arguments[0])
        if name == "ports":
            send(keeper, {door: each.getsockname()[1] for door, each in self._doors.items()})
        elif name == "runner":
            self.runner = arguments[0]
            send(keeper, None)
        else:
            send(keeper, getattr(self.peer, name)(*arguments))
        return None

    def _hubspot(self, connection: socket.socket) -> None:
        def work(method: str, target: str, headers: dict[str, str], body: bytes) -> Response | None:
            self.peer.note(method, target, body)
            return answer(self.peer.sandbox, method, target, headers, body, self._server.url).response

        self._one(connection, work)

    def _receiver(self, connection: socket.socket) -> None:
        def work(_: str, target: str, headers: dict[str, str], body: bytes) -> Response | None:
            shown = self.peer.shown_of(body)
            self.peer.posts.append(Post(target, headers.get("webhook-id", ""), body, 204, shown))
            return Response(204)

        self._one(connection, work)

    def _one(self, connection: socket.socket, work: Callable[..., Response | None]) -> None:
        """One request; what the proof aims at is done to it on the way."""
        try:
            read = wire._read_request(self._streams[connection], connection)
        except (OSError, ValueError, wire.BadRequestError):
            read = None
        if read is None:
            self._drop(connection)
            return
        aim = read[2].pop(HEADER.lower(), "")
        done = work(*read) if aim in ("", "kill", "drop") else None
        if aim == "kill":
            os.kill(self.runner, signal.SIGKILL)
        if aim == "500":
            done = Response(500, {"status": "error", "message": "scripted fault"})
        if aim in ("kill", "drop", "refuse") or done is None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self._drop(connection)
            return
        try:
            connection.sendall(wire._render(done, close=False, head=False))
        except OSError:
            self._drop(connection)

    def _drop(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        self._streams.pop(connection).close()
        connection.close()

    def _close(self) -> None:
        for connection in list(self._streams):
            self._drop(connection)
        for door in self._doors.values():
            door.close()
        self.keeper.close()
        self._selector.close()


@dataclass(frozen=True, slots=True)
class _Accept:
    service: Service
    name: str

    def __call__(self, door: socket.socket) -> None:
        self.service.accept(door, self.name)


class _Never:
    @staticmethod
    def wait(_: float) -> bool:
        return False


_NEVER = _Never()


def _listen() -> socket.socket:
    door = socket.socket()
    door.bind(("127.0.0.1", 0))
    door.listen(16)
    return door


# -- moulds --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Life:
    """A pipe whose writing end only the proof's own process holds: when it is gone, so are the moulds."""

    reading: int
    writing: int

    @classmethod
    def begin(cls) -> Life:
        return cls(*os.pipe())

    def end(self) -> None:
        os.close(self.writing)
        os.close(self.reading)


def start(make: Callable[[], Peer], life: Life) -> socket.socket:
    """Fork a peer; gives the socket to speak to it."""
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        os.close(life.writing)
        _live(make, theirs, life.reading)
    theirs.close()
    return ours


def _live(make: Callable[[], Peer], keeper: socket.socket, life: int) -> None:
    """A peer's whole life, in its own process; a mould goes on as long as the proof does."""
    try:
        peer = make()
        place = Service(peer, keeper).serve()
        while place:
            keeper = _mould(Path(place), life)
            place = Service(peer, keeper).serve()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def _mould(place: Path, life: int) -> socket.socket:
    """Stand still and fork a copy for whoever connects; returns in each copy, with the socket of its keeper."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # copies are nobody's to wait for
    gc.collect()
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(place))
        door.listen(16)
        with selectors.DefaultSelector() as waiting:
            waiting.register(door, selectors.EVENT_READ)
            waiting.register(life, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in waiting.select()}
                if life in ready:
                    os._exit(0)
                keeper, _ = door.accept()
                if os.fork() == 0:
                    return keeper
                keeper.close()


def copy_of(place: Path) -> socket.socket:
    """A copy of the mould at `place`; closing the socket ends it. A mould that is still being made is waited for."""
    until = time.monotonic() + 30
    while True:
        keeper = socket.socket(socket.AF_UNIX)
        try:
            keeper.connect(str(place))
        except (FileNotFoundError, ConnectionRefusedError):
            keeper.close()
            if time.monotonic() > until:
                raise
            time.sleep(0.005)
        else:
            return keeper


# -- messages ------------------------------------------------------------------------------------------------------


def ask(peer: socket.socket, *message: Any) -> Any:
    send(peer, message)
    return receive(peer)


def send(to: socket.socket, value: Any) -> None:
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    to.sendall(struct.pack("!I", len(data)) + data)


def receive(source: socket.socket) -> Any:
    """None where the other side hung up."""
    head = _exactly(source, 4)
    if head is None:
        return None
    data = _exactly(source, struct.unpack("!I", head)[0])
    return None if data is None else pickle.loads(data)


def _exactly(source: socket.socket, count: int) -> bytes | None:
    data = bytearray()
    while len(data) < count:
        try:
            piece = source.recv(count - len(data))
        except ConnectionError:
            return None
        if not piece:
            return None
        data += piece
    return bytes(data)
