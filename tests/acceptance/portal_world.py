"""The world of an acceptance test: a sandbox portal, a receiver of notices, and a connector in a folder of its own.

Everything is spoken to as from outside: the sandbox over HTTP, the receiver by what was posted to it, the connector by
`connect()` or by its command line in a process of its own.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from shutil import copy, rmtree
from tempfile import mkdtemp
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import canaries
import compiled_sql
import pytest
import requests
from checking_receiver import Receiver
from sandboxes import serving

from connector.bootstrap import Connector, connect
from connector.config.defaults import write_mappings
from connector.config.settings import load_settings
from connector.engine.report import RunReport
from connector.sandbox.portal import Sandbox
from connector.store import open_store, this_process

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECRET = canaries.WEBHOOK_SECRET
UNLIMITED = {"rate_per_10s": 0, "search_per_second": 0}
WRITES = ("property", "created", "list_add", "list_remove", "archived", "merged")
FAST = {"HUBSPOT_RATE_PER_10S": "10000", "HUBSPOT_SEARCH_PER_SECOND": "1000"}
HANDOFF = (sys.executable, "-m", "connector.cli.app")

WATCHED: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "scripts" / "watched.json").read_text(encoding="utf-8")
)
"""What the sandbox watches by the shipped rules (sandbox/watch.py)."""

Build = Callable[..., "World"]
API_VERSION = os.environ.get("HANDOFF_TEST_API_VERSION", "v3")
"""`make acceptance-2026-03` runs all of them on that one."""
both_versions = pytest.mark.parametrize("version", ("v3", "2026-03"), indirect=True)
"""For a few that cost little: on both versions in each run of the tests."""
DATED = re.compile(r"/crm/([a-z]+)/2026-03")

compiled_sql.share()


class World:
    """One portal and the connector that looks after it; every path lies in `folder`."""

    def __init__(self, url: str, folder: Path, **portal: Any) -> None:
        self.url, self.folder = url, folder
        self.http = requests.Session()
        self.receiver = Receiver(self._shown)
        portal["switches"] = UNLIMITED | portal.get("switches", {})
        self.own = f"token-of-the-test-{uuid4().hex}"
        made = self._control("POST", "portals", portal | {"tokens": [*portal.get("tokens", ()), self.own]})
        self.token, self.portal = made["token"], made["portalId"]
        canaries.plant_secret(self.token, "the token")
        self.watch()
        self.env = {
            "HUBSPOT_ACCESS_TOKEN": self.token,
            "HUBSPOT_BASE_URL": url,
            "HUBSPOT_API_VERSION": API_VERSION,
            "HANDOFF_DATABASE_URL": f"sqlite:///{folder / 'handoff.db'}",
            "HANDOFF_MAPPINGS_DIR": str(folder / "mappings"),
            "HANDOFF_WEBHOOK_URL": f"http://{self.receiver.host}/notices",
            "HANDOFF_WEBHOOK_SECRET": SECRET,
            "HANDOFF_ALLOW_HOSTS": self.receiver.host,
            "HANDOFF_LOG_LEVEL": "ERROR",
            **FAST,
        }
        write_mappings(self.mappings)
        self._marks: dict[str, int] = {}

    def close(self) -> None:
        self.receiver.close()
        self.http.close()
        canaries.look_at_files(self.folder)

    # -- the portal ------------------------------------------------------------------------------------------------

    def _control(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        answer = self.http.request(method, f"{self.url}/_sandbox/{path}", json=body, params=query, timeout=120)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def control(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        return self._control(method, path, body, portal=self.portal, **query)

    def api(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """A call of HubSpot's API by a token of the test's own: nobody watches it."""
        headers = {"Authorization": f"Bearer {self.own}"}
        answer = self.http.request(method, self.url + path, json=body, params=query, headers=headers, timeout=60)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def act(self, kind: str, **facts: Any) -> dict[str, Any]:
        done: dict[str, Any] = self.acts({"kind": kind, **facts})[0]
        return done

    def acts(self, *acts: dict[str, Any]) -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = self.control("POST", "acts", list(acts))["results"]
        return results

    def contact(self, email: str | None, **properties: str) -> str:
        """Made by a person in the CRM; gives its id."""
        given = {**({"email": email} if email else {}), **properties}
        return str(self.act("contact", properties=given)["contact"])

    def views(self, contact: str, *hours_ago: float, url: str = "https://www.acme.example/pricing") -> None:
        """Looks at the pricing page so many hours ago."""
        moments = [self.now - timedelta(hours=hours) for hours in hours_ago]
        self.acts(*({"kind": "page_view", "contact": contact, "url": url, "at": at.isoformat()} for at in moments))

    def asks(self, email: str, form: str = "Contact us", **values: str) -> str:
        """Sends a form; gives the contact's id."""
        return str(self.act("form_submission", form=form, email=email, values=values)["contact"])

    def edit(self, contact: str, **properties: str) -> None:
        """A person's edit in the CRM's own pages."""
        self.act("edit", contact=contact, properties=properties)

    def read(self, contact: str, *names: str) -> dict[str, Any]:
        answer = self.api("GET", f"/crm/v3/objects/contacts/{contact}", properties=",".join(names))
        found: dict[str, Any] = answer["properties"]
        return found

    def switch(self, **values: Any) -> None:
        self.control("PUT", "switches", values)

    def faults(self, *specs: dict[str, Any]) -> None:
        self._control("POST", "faults", [{"portal": self.portal, **spec} for spec in specs])

    @property
    def now(self) -> datetime:
        return datetime.fromisoformat(self._control("GET", "clock")["now"])

    def clock(self, at: datetime) -> None:
        self._control("PUT", "clock", {"now": at.isoformat()})

    def later(self, **span: float) -> None:
        """Lets time pass in the portal."""
        self._control("PUT", "clock", {"advance_seconds": timedelta(**span).total_seconds()})

    def watch(self, **told: Any) -> None:
        """The sandbox refuses from now on what breaks an invariant; `told` in place of what the shipped rules say."""
        self.control("PUT", "invariants", WATCHED | told)

    def violations(self) -> list[dict[str, Any]]:
        """What the connector did wrong, at the portal and at the receiver; run-end duties are judged as of now."""
        found = self.control("GET", "violations")
        wrongs = [{"rule": wrong.partition(":")[0], "message": wrong} for wrong in self.receiver.wrongs]
        return [*found["violations"], *found["unsettled"], *wrongs]

    def _shown(self, contact: str) -> dict[str, Any] | None:
        path = f"{self.url}/_sandbox/watched/{contact}"
        answer = requests.get(path, params={"portal": self.portal}, timeout=60)  # not the test's own connection
        shown: dict[str, Any] | None = answer.json() if answer.ok else None
        return shown

    # -- what was seen ---------------------------------------------------------------------------------------------

    def log(self, *kinds: str, mark: str = "") -> list[dict[str, Any]]:
        """Journal entries since the last call with the same mark; without a mark, all."""
        after = self._marks.get(mark, 0) if mark else 0
        found = self.control("GET", "log", after=after, limit=1_000_000, kinds=",".join(kinds))
        if mark:
            self._marks[mark] = found["last"]
        events: list[dict[str, Any]] = found["events"]
        return events

    def ours(self, *kinds: str, mark: str = "") -> list[dict[str, Any]]:
        """What the connector wrote: everything that came by the API, and every change of a list."""
        found = self.log(*(kinds or WRITES), mark=mark)
        return [event for event in found if event.get("source", "INTEGRATION") == "INTEGRATION"]

    def listed(self) -> set[str]:
        """Members of any list, worked out from the journal."""
        members: set[str] = set()
        for event in self.log("list_add", "list_remove"):
            (members.add if event["kind"] == "list_add" else members.discard)(event["record_id"])
        return members

    def members(self) -> set[str]:
        """Members of our list, as the CRM shows them now (merged ones under the survivor's id)."""
        name = quote("Handoff: in sales' hands")
        number = self.api("GET", f"/crm/v3/lists/object-type-id/0-1/name/{name}")["list"]["listId"]
        rows = self.api("GET", f"/crm/v3/lists/{number}/memberships", limit=250)["results"]
        return {str(row["recordId"]) for row in rows}

    def calls(self) -> dict[str, int]:
        """Calls by path since the last look; looking sets them to zero."""
        found = self.counted()
        self.control("DELETE", "counters")
        return found

    def counted(self) -> dict[str, int]:
        """The same without setting them to zero; paths as v3 has them, whatever version is spoken."""
        found: dict[str, int] = self.control("GET", "counters")["by_path"]
        return {DATED.sub(r"/crm/v3/\1", path): calls for path, calls in found.items()}

    # -- the connector ---------------------------------------------------------------------------------------------

    @property
    def mappings(self) -> Path:
        return self.folder / "mappings"

    def rule(self, file: str, old: str, new: str) -> None:
        """Changes a rule file as an admin would."""
        path = self.mappings / f"{file}.yaml"
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{file}.yaml holds {old!r} {text.count(old)} times"
        path.write_text(text.replace(old, new), encoding="utf-8")

    @contextmanager
    def connector(self, **env: str) -> Iterator[Connector]:
        with connect(load_settings({**self.env, **env}, None)) as connector:
            yield connector

    def init(self) -> None:
        """As `handoff init --apply` does."""
        with self.connector() as connector:
            connector.make_owned()
        self.log(mark="ours")
        self.calls()

    def lay_tables(self) -> None:
        """What the first start would do: the database with its tables, made once for all worlds of this process."""
        copy(_tables(), self.folder / "handoff.db")

    def sync(self, *, env: dict[str, str] | None = None, **options: bool) -> RunReport:
        """One run in this process, as `handoff sync` does it."""
        if not options.get("dry_run") and not (self.folder / "handoff.db").exists():
            self.lay_tables()
        with self.connector(**(env or {})) as connector:
            return connector.sync(connector.options(**options))

    def preview(self) -> RunReport:
        return self.sync(dry_run=True)

    def environment(self, **env: str) -> dict[str, str]:
        """Of a process of its own: ours, and nothing of the tests' but what Python needs."""
        names = ("PATH", "HOME", "SSL_CERT_FILE", "TMPDIR", "PYTHONPATH")
        kept = {name: os.environ[name] for name in names if name in os.environ}
        return {**kept, **self.env, **env}

    def handoff(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        """The command line in a process of its own, with the folder as its working directory."""
        env = self.environment(**env)
        command = [*HANDOFF, *words]
        said = subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, timeout=110)
        canaries.look_at_command(words, said.stdout, said.stderr, rules=self.mappings)
        return said

    def start(self, *words: str, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*HANDOFF, *words],
            cwd=self.folder,
            env=self.environment(**env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@cache
def _tables() -> Path:
    path = Path(mkdtemp()) / "tables.db"
    atexit.register(rmtree, path.parent, ignore_errors=True)
    open_store(f"sqlite:///{path}", None, holder=this_process(), wall_clock=lambda: MONDAY).close()
    return path


@contextmanager
def served(sandbox: Sandbox | None = None) -> Iterator[str]:
    """A sandbox in this process on a free port, its clock frozen on a Monday morning; gives its address."""
    sandbox = sandbox or Sandbox()
    sandbox.clock.freeze(int(MONDAY.timestamp() * 1000))
    with serving(sandbox) as server:
        yield server.url


@contextmanager
def spawned(*words: str) -> Iterator[str]:
    """`handoff sandbox` as a process of its own, its clock frozen on a Monday morning; gives its address."""
    command = [*HANDOFF, "sandbox", "--json", "--port", "0", "--contacts", "0", "--clock", MONDAY.isoformat(), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()
            process.wait(20)
