"""One run of the connector in a process of its own, forked from a parent that has everything loaded.

Modules, rules and compiled SQL are warm: they are read once in the parent and copied by the fork. The process does what
`handoff sync` does: connect, sync, end. It is ended by SIGKILL wherever its seams say so.
"""

from __future__ import annotations

import gc
import os
import pickle
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from crash_scenario import SECRET, SLACK_KEY, TOKEN
from crash_seams import Seams
from sqlalchemy import URL, Engine, event

import connector.bootstrap as bootstrap
import connector.crm.hubspot.naps as naps
import connector.delivery.door as door
import connector.delivery.sender as sender
import connector.store.database as database
import connector.store.key as key
from connector.config.logging import configure_logging
from connector.config.settings import load_settings
from connector.errors import ConnectorError

SECONDS = 120.0
SMALL = {
    "connector.crm.hubspot.search.PAGE": 15,
    "connector.crm.hubspot.contacts.LIST_PAGE": 25,
    "connector.crm.hubspot.activities.OCCURRENCES_PAGE": 20,
}
BATCH = 15

Patch = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What a runner is to do.

    Attributes:
        rounds: syncs of one process; the second and later follow only where the one before it failed.
        patch: changes the product before it runs: a planted bug.
    """

    folder: Path
    database: str
    ports: Mapping[str, int]
    mappings: Path
    aims: Mapping[tuple[str, int], str] = field(default_factory=dict)
    lasting: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    rounds: int = 1
    patch: Patch | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Attributes:
        killed: by SIGKILL.
        error: the connector's own error, empty where the run came to its end.
        crash: a traceback that nobody foresaw.
        calls: labels per port; empty where it was killed.
        struck: calls that a fault hit, per port.
    """

    killed: bool = False
    status: str = ""
    error: str = ""
    crash: str = ""
    calls: Mapping[str, list[str]] = field(default_factory=dict)
    struck: Mapping[str, int] = field(default_factory=dict)


def warm_up() -> None:
    """Once in the parent: small pages, no waiting, and what is dear to build is kept for all forks."""
    import_module("structlog")  # at its first use, else, in each fork
    for name, size in SMALL.items():
        module, _, attribute = name.rpartition(".")
        setattr(sys.modules[module], attribute, size)
    for name, module in sys.modules.items():
        if name.startswith("connector.engine.") and hasattr(module, "BATCH"):
            module.BATCH = BATCH  # type: ignore[attr-defined]
    bootstrap.load_rulebook = cache(bootstrap.load_rulebook)
    database._sqlite_engine = _keep_engine(database._sqlite_engine)
    database.server_engine = cache(database.server_engine)
    key.secrets = SimpleNamespace(token_urlsafe=lambda _: "k" * 43)  # type: ignore[assignment]
    naps.time = SimpleNamespace(sleep=lambda seconds: None)  # type: ignore[attr-defined]
    sender.ThreadPoolExecutor = _InTurn  # type: ignore[attr-defined]
    sender.ROW_SECONDS = 10.0  # how many are recorded together must not depend on the clock here
    door._Deadline.__enter__ = lambda self: self._line.begin(self._seconds)  # type: ignore[method-assign]


def _keep_engine(make: Callable[..., Engine]) -> Callable[..., Engine]:
    """One engine for each relative address, with its compiled SQL; the file is that of the folder one stands in."""

    @cache
    def kept(url: URL, *how: bool) -> Engine:
        engine = make(url, *how)

        @event.listens_for(engine, "do_connect")
        def here(_dialect: object, _record: object, arguments: list[Any], _named: object) -> None:
            arguments[0] = str(Path(str(url.database)).absolute())

        return engine

    return kept


def rehearse(order: Order) -> Outcome:
    """One run in this very process, without seams: afterwards all that is built at first use is there for the forks."""
    back = Path.cwd()
    os.chdir(order.folder)
    try:
        with bootstrap.connect(load_settings(environment(order), None)) as connector:
            return Outcome(status=connector.sync(connector.options()).status.value)
    finally:
        os.chdir(back)
        gc.collect()
        gc.freeze()


def start(order: Order) -> tuple[int, int]:
    """Fork a runner; gives its process id and the pipe it will report to."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            _run(order, writing)
        finally:
            os._exit(70)
    os.close(writing)
    return pid, reading


def finish(pid: int, reading: int, frozen: Callable[[], None] | None = None) -> Outcome:
    """Wait for a runner and give its report. One that hangs is killed and told as a crash.

    `frozen`: called when the runner stands still; afterwards it is woken up.
    """
    data, until = bytearray(), time.monotonic() + SECONDS
    try:
        while True:
            left = max(0.0, until - time.monotonic())
            ready, _, _ = select.select([reading], [], [], left if frozen is None else min(left, 0.02))
            if not ready and frozen is not None and left:
                if os.waitpid(pid, os.WNOHANG | os.WUNTRACED)[0]:
                    frozen()
                    os.kill(pid, signal.SIGCONT)
                    frozen = None
                continue
            if not ready:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                return Outcome(crash=f"the run took longer than {SECONDS:.0f} s")
            piece = os.read(reading, 1 << 16)
            if not piece:
                break
            data += piece
    finally:
        os.close(reading)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return Outcome(killed=True)
    if not data:
        return Outcome(crash=f"the run ended without a report (status {status})")
    report: Outcome = pickle.loads(data)
    return report


def environment(order: Order) -> dict[str, str]:
    host = f"127.0.0.1:{order.ports['receiver']}"
    return {
        "HUBSPOT_ACCESS_TOKEN": TOKEN,
        "HUBSPOT_BASE_URL": f"http://127.0.0.1:{order.ports['hubspot']}",
        "HUBSPOT_RATE_PER_10S": "10000",
        "HUBSPOT_SEARCH_PER_SECOND": "1000",
        "HANDOFF_DATABASE_URL": order.database,
        "HANDOFF_MAPPINGS_DIR": str(order.mappings),
        "HANDOFF_WEBHOOK_URL": f"http://{host}/reps",
        "HANDOFF_WEBHOOK_SECRET": SECRET,
        "HANDOFF_SLACK_SALES_URL": f"http://{host}/channel/{SLACK_KEY}",
        "HANDOFF_ALLOW_HOSTS": host,
        "HANDOFF_LOG_LEVEL": "INFO",
        **({} if order.database.startswith("sqlite") else {"HANDOFF_KEY": "k" * 43}),  # no place beside a server
    }


def _run(order: Order, writing: int) -> None:
    gc.disable()  # a run is short
    os.chdir(order.folder)
    log = os.open("run.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.stdout = sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115 - as long as the process
    configure_logging("json", "INFO", secrets=(TOKEN, SECRET))
    try:
        if order.patch is not None:
            order.patch()
        seams = Seams(order.ports["hubspot"], order.aims, order.lasting)
        seams.install(order.folder)
        report = _sync(order, seams)
    except Exception:
        report = Outcome(crash=traceback.format_exc())
    with os.fdopen(writing, "wb") as pipe:
        pickle.dump(report, pipe)
    os._exit(0)


def _sync(order: Order, seams: Seams) -> Outcome:
    error = ""
    status = ""
    try:
        settings = load_settings(environment(order), None)
        with bootstrap.connect(settings) as connector:
            for _ in range(order.rounds):
                try:
                    status, error = connector.sync(connector.options()).status.value, ""
                    break
                except ConnectorError as failure:
                    error = f"{type(failure).__name__}: {failure}"
    except ConnectorError as failure:
        error = f"{type(failure).__name__}: {failure}"
    except Exception:
        return Outcome(crash=traceback.format_exc(), calls=seams.calls, struck=dict(seams.struck))
    return Outcome(status=status, error=error, calls=seams.calls, struck=dict(seams.struck))


class _InTurn:
    """In place of the sender's threads: posts go out one after the other, so that the n-th call is the same each time.

    That destinations do not wait for each other is proved elsewhere (tests/delivery).
    """

    def __init__(self, **_: Any) -> None:
        return None

    def __enter__(self) -> _InTurn:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def shutdown(self, *_: object, **__: object) -> None:
        return None

    def submit(self, work: Callable[..., Any], *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work(*arguments, **named))
        except Exception as error:
            future.set_exception(error)
        return future
