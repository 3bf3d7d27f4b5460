"""Life: one quarter on the real sandbox, over HTTP, with the real connector; every line of it goes into one log.

Between two runs people act; then the clock is set to the run, the connector is called, and what it wrote and told is
kept. The world of the acceptance tests (tests/acceptance/portal_world.py) joins sandbox and connector.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any, TextIO

from olist.rules import lay_over
from portal_world import UNLIMITED, World, served

from quarter.cast import REPS, people
from quarter.people import Act, People
from quarter.promises import BEGINS, DESTINATIONS, FORMS

OURS = Path(__file__).with_name("mappings")
SHIPPED = Path(__file__).resolve().parents[2] / "mappings"
KINDS = ("created", "property", "list_add", "list_remove", "association", "owner", "merged", "archived", "erased")
TOLD = ("contact_id", "episode_id", "owner_id", "lane", "state", "clock", "level", "tell", "why_now")
"""Of a notice's data, what the log keeps."""
UNSAID = ("hs_v2_", "hs_lifecyclestage_", "hs_email_", "hs_sa_", "hs_latest_", "notes_", "num_")
"""Properties that HubSpot works out by itself and that the log leaves out."""


@dataclass(frozen=True)
class Wanted:
    """What the caller asks for. `every`: minutes between two runs of a working day."""

    weeks: int = 13
    leads: int = 1_000
    seed: int = 1
    every: int = 60


def schedule(weeks: int, every: int) -> Iterator[datetime]:
    """When the connector is called: all through working days, and a few times at night and on weekends."""
    for day in range(weeks * 7):
        midnight = BEGINS + timedelta(days=day)
        minutes = {120, 22 * 60}
        minutes |= set(range(6 * 60, 18 * 60 + 1, every)) if midnight.weekday() < 5 else {9 * 60, 15 * 60}
        yield from (midnight + timedelta(minutes=minute) for minute in sorted(minutes))


class Post:
    """The receivers of all roles behind one port; the path says which."""

    def __init__(self) -> None:
        self.came: list[tuple[str, str, dict[str, Any]]] = []
        """Destination, id of the notice, body; since it was last emptied."""
        post = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                post.came.append((self.path.strip("/"), self.headers["webhook-id"], body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return None

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


Tell = Callable[[datetime, int], None]
"""Hears (time, runs so far) after each run."""


def live(
    wanted: Wanted,
    folder: Path,
    log: Path,
    *,
    moments: Iterable[datetime] | None = None,
    tell: Tell = lambda at, runs: None,
) -> int:
    """Live through it; gives the number of runs. The log is written line by line.

    Args:
        moments: when the connector is called, in order; None: as `schedule` says.
    Raises:
        RuntimeError: a run ended with troubles; they are named.
    """
    begins, moments = BEGINS, moments or schedule(wanted.weeks, wanted.every)
    with _world(folder) as (world, post), log.open("w", encoding="utf-8") as file:
        rng = Random(f"{wanted.seed}:cast")
        crowd = People(people(wanted.leads, wanted.weeks * 7, begins, rng), wanted.seed)
        leaving = {begins + timedelta(days=rep.leaves_on, hours=9): rep for rep in REPS if rep.leaves_on}
        with world.connector() as connector:
            quarter = _Quarter(world, post, crowd, connector, file)
            quarter.run(begins - timedelta(hours=4))
            runs = 0
            for at in moments:
                for day in [day for day in leaving if day < at]:
                    quarter.act_until(day)
                    quarter.leaves(leaving.pop(day).id)
                quarter.act_until(at)
                quarter.run(at)
                runs += 1
                tell(at, runs)
            quarter.look_for_broken()
    return runs


class _Quarter:
    """The world, the people in it, and the file that all goes into."""

    def __init__(self, world: World, post: Post, crowd: People, connector: Any, file: TextIO) -> None:
        self.world, self.post, self.crowd, self.connector, self.file = world, post, crowd, connector, file

    def act_until(self, end: datetime) -> None:
        """People act, in the order of time, until then."""
        self.world.clock(end)
        acts: list[Act] = [act for deed in self.crowd.until(end) for act in deed]
        if acts:
            for act, result in zip(acts, self.world.acts(*acts), strict=True):
                self.crowd.done(act, result)

    def leaves(self, owner: str) -> None:
        email = next(rep.email for rep in REPS if rep.id == owner)
        self.world.control("POST", "owners", {"id": owner, "email": email, "archived": True})
        self.crowd.left.add(owner)

    def run(self, at: datetime) -> None:
        """The scheduler calls the connector."""
        self.world.clock(at)
        self._keep_journal()
        self._keep({"kind": "run", "at": at.isoformat()})
        report = self.connector.sync(self.connector.options())
        if report.exit_code != 0 or report.troubles:
            raise RuntimeError(f"the run of {at.isoformat()} ended {report.status}: {'; '.join(report.troubles)}")
        self._keep_journal()
        for destination, identity, body in self.post.came:
            data = {name: body["data"][name] for name in TOLD if name in body["data"]}
            told = {"kind": "notice", "at": at.isoformat(), "destination": destination, "id": identity}
            self._keep({**told, "type": body["type"], "data": data})
        self._keep({"kind": "ran", "at": at.isoformat()})
        came, self.post.came = self.post.came, []
        for destination, _, body in came:
            self.crowd.hear(destination, body, at)

    def look_for_broken(self) -> None:
        """What the sandbox saw the connector do against the invariants."""
        for wrong in self.world.violations():
            words = f"{wrong['rule']}: {wrong['message']}"
            self._keep({"kind": "broken", "at": self.world.now.isoformat(), "says": words})

    def _keep_journal(self) -> None:
        for event in self.world.log(*KINDS, mark="quarter"):
            if not str(event.get("name", "")).startswith(UNSAID):
                self._keep(event)

    def _keep(self, line: dict[str, Any]) -> None:
        self.file.write(json.dumps(line, separators=(",", ":")) + "\n")


@contextmanager
def _world(folder: Path) -> Iterator[tuple[World, Post]]:
    lay_over(SHIPPED, OURS, folder / "mappings")
    with served() as url, closing(Post()) as post:
        made = World(url, folder, enterprise=True, timeZone="Europe/Berlin", switches=UNLIMITED)
        with closing(made) as world:
            world.clock(BEGINS - timedelta(hours=5))
            world.env["HANDOFF_ALLOW_HOSTS"] = post.host
            for destination in DESTINATIONS.values():
                world.env[f"QUARTER_{destination.upper()}_URL"] = f"http://{post.host}/{destination}"
            _furnish(world)
            world.lay_tables()
            world.init()
            yield world, post


def _furnish(world: World) -> None:
    """Our forms and owners alone."""
    present = world.api("GET", "/marketing/v3/forms", limit=100)["results"]
    gone = [{"guid": each["id"], "name": each["name"], "archived": True} for each in present]
    world.control("POST", "forms", [*gone, *({"guid": guid, "name": name} for guid, name in FORMS.items())])
    present = world.api("GET", "/crm/v3/owners", limit=100)["results"]
    left = [{"id": each["id"], "email": each["email"], "archived": True} for each in present]
    ours = [
        {"id": rep.id, "email": rep.email, "firstName": rep.email.partition(".")[0].title(), "lastName": "Sample"}
        for rep in REPS
    ]
    world.control("POST", "owners", [*left, *ours])
