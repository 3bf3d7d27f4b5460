"""The five ports inside a runner, each at its lowest seam: calls are counted, and one of them is struck.

    http      every request to HubSpot                    requests.Session.send
    webhook   every post to a receiver, per destination   requests.Session.send
    commit    every COMMIT of a writing transaction       SQLAlchemy's dialect
    file      every write of a file beside the database   os.open, os.replace, os.link, the bucket of the pacing file

Reading a clock is no kill point. Nothing of the product knows of this module; it is installed in a forked process that
does one run and ends.
"""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from crash_peer import HEADER
from pyrate_limiter import SQLiteBucket
from sqlalchemy.engine.default import DefaultDialect

import connector.store.lease as lease
from connector.store.database import Database

KILLS = ("before", "applied", "after")
"""Killed before the call, when it was done but before any reply, and right after the reply."""
FAULTS: Mapping[str, tuple[str, ...]] = {
    "http": ("refuse", "drop", "500"),
    "webhook": ("refuse", "drop", "500"),
    "commit": ("fail", "unclear"),
    "file": ("fail",),
}
"""How a call of a port fails without anybody dying: not done, done without an answer, refused."""
FREEZE = "freeze"
"""The process stands still before the call, longer than its lease lasts, and another does the work meanwhile (I8)."""


@dataclass(slots=True)
class Seams:
    """One run's ports.

    Attributes:
        aims: (port, number of the call from 1) → what happens to it.
        lasting: port → (number, fault): every call from that number on.
        calls: label of each call per port, in order.
    """

    hubspot: int
    aims: Mapping[tuple[str, int], str] = field(default_factory=dict)
    lasting: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    calls: dict[str, list[str]] = field(default_factory=dict)
    struck: Counter[str] = field(default_factory=Counter)
    _writing: threading.local = field(default_factory=threading.local)
    _then_die: bool = False
    _begun: int = 0

    def at(self, port: str, label: str) -> str:
        """Count a call; gives what must happen to it, empty for nothing."""
        if self._then_die:
            die()
        made = self.calls.setdefault(port, [])
        made.append(label)
        aim = self.aims.get((port, len(made)), "")
        first, fault = self.lasting.get(port.partition(":")[0], (0, ""))
        if not aim and first and len(made) >= first:
            aim = fault
        if aim:
            self.struck[port] += 1
        if aim == "before":
            die()
        if aim == FREEZE:
            if port != "commit":  # that one stood still before its transaction began, not in the middle of it
                stand_still()
            return ""
        return aim

    def install(self, folder: Path) -> None:
        self._requests()
        self._commits()
        self._files(str(folder))

    # -- HubSpot and webhooks --------------------------------------------------------------------------------------

    def _requests(self) -> None:
        send = requests.Session.send

        def struck(session: requests.Session, request: requests.PreparedRequest, **how: Any) -> requests.Response:
            parts = urlsplit(request.url or "")
            ours = parts.port == self.hubspot
            port = "http" if ours else f"webhook:{parts.path.split('/')[1]}"
            aim = self.at(port, f"{request.method} {_template(parts.path) if ours else parts.path}")
            if aim and aim != "after":
                request.headers[HEADER] = "kill" if aim == "applied" else aim
            answer = send(session, request, **how)
            if aim == "after":
                die()
            return answer

        requests.Session.send = struck  # type: ignore[method-assign]

    # -- the database ----------------------------------------------------------------------------------------------

    def _commits(self) -> None:
        commit, writing = DefaultDialect.do_commit, Database.writing

        def struck(dialect: DefaultDialect, connection: Any) -> None:
            mine = getattr(self._writing, "on", False) and threading.current_thread() is threading.main_thread()
            aim = self.at("commit", _caller()) if mine else ""
            if aim == "fail":
                dialect.do_rollback(connection)
                raise _disk_error(dialect)
            commit(dialect, connection)
            if aim == "applied":
                die()
            if aim == "unclear":
                raise _disk_error(dialect)
            self._writing.after = aim == "after"

        @contextmanager
        def told(database: Database) -> Iterator[Any]:
            if threading.current_thread() is threading.main_thread():
                self._begun += 1
                if self.aims.get(("commit", self._begun)) == FREEZE:
                    stand_still()
            self._writing.on = True
            try:
                with writing(database) as connection:
                    yield connection
            finally:
                self._writing.on = False
            if getattr(self._writing, "after", False):
                die()

        DefaultDialect.do_commit = struck  # type: ignore[method-assign,assignment]
        Database.writing = told  # type: ignore[method-assign,assignment]

    # -- files -----------------------------------------------------------------------------------------------------

    def _files(self, folder: str) -> None:
        """Locks are left out: taking one writes nothing, and the system lets it go with the process."""
        put, opened = SQLiteBucket.put, os.open

        def struck_put(bucket: SQLiteBucket, item: Any) -> bool:
            aim = self.at("file", "pacing")
            if aim == "fail":
                raise sqlite3.OperationalError("disk I/O error")
            done = put(bucket, item)
            if aim in ("applied", "after"):
                die()
            return bool(done)

        def struck_open(path: Any, flags: int, *rest: Any, **how: Any) -> int:
            name = os.fspath(path) if isinstance(path, str | bytes | os.PathLike) else ""
            writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if not writes or isinstance(name, bytes) or name.endswith(".lock") or not _inside(name, folder):
                return opened(path, flags, *rest, **how)
            aim = self.at("file", f"open {DIGITS.sub('', Path(name).name)}")
            if aim == "fail":
                raise OSError(5, "Input/output error")
            handle = opened(path, flags, *rest, **how)
            if aim == "applied":
                die()
            self._then_die = aim == "after"  # the file is written meanwhile; the next call of any port is not made
            return handle

        def moving(name: str, move: Callable[..., None]) -> Callable[..., None]:
            def struck_move(source: Any, target: Any, **how: Any) -> None:
                aim = self.at("file", f"{name} {Path(os.fspath(target)).name}")
                if aim == "fail":
                    raise OSError(5, "Input/output error")
                move(source, target, **how)
                if aim in ("applied", "after"):
                    die()

            return struck_move

        SQLiteBucket.put = struck_put  # type: ignore[method-assign]
        os.open = struck_open
        os.replace = moving("replace", os.replace)
        os.link = moving("link", os.link)


def _disk_error(dialect: DefaultDialect) -> Exception:
    """As the driver tells it: SQLite's with its number."""
    error: Exception = dialect.loaded_dbapi.OperationalError("disk I/O error")
    if isinstance(error, sqlite3.Error):
        error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_IOERR, "SQLITE_IOERR"
    return error


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def stand_still() -> None:
    """Until somebody wakes us; by then our lease has run out by every clock."""
    os.kill(os.getpid(), signal.SIGSTOP)
    clock = lease._clock
    lease._clock = lambda: clock() + lease.STALE_SECONDS + 1


def _inside(name: str, folder: str) -> bool:
    return str(Path(name).absolute()).startswith(folder + os.sep)


def _template(path: str) -> str:
    return "/".join("{id}" if ID.fullmatch(part) else part for part in path.split("/"))


DIGITS = re.compile(r"\.\d+$")
ID = re.compile(r"\d+|[0-9a-f]{8}-[0-9a-f-]{27}|.*%20.*")


def _caller() -> str:
    """Which part of the product commits: the nearest function outside of the store's own machinery."""
    frame, inner = sys._getframe(2), "?"
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("connector."):
            name = f"{module.rpartition('.')[2]}.{frame.f_code.co_name}"
            if not module.startswith("connector.store."):
                return name
            inner = name if module.rpartition(".")[2] not in ("database", "part") else inner
        frame = frame.f_back
    return inner
