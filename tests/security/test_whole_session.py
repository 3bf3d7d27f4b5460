"""A whole session at DEBUG with canaries everywhere: commands, errors, receivers that fail (I10, S1, S13).

Every command runs in a process of its own, whose words are looked up in /proc while it runs. What it prints and the
database are searched by the canaries; this file sees to it that there was something to be found.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import canaries
import pytest
from portal_world import World

PERSON = canaries.PERSON
PATH = "/services/T0CANARY/B0CANARY/canarysings"
CHANNEL = """
  channel:
    type: slack
    to: [rep, manager]
    url_env: HANDOFF_SLACK_SALES_URL
"""
DEBUG = {"HANDOFF_LOG_LEVEL": "DEBUG", "HANDOFF_LOG_FORMAT": "json"}


class Channel:
    """A chat that keeps what is posted to it."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        channel = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                channel.bodies.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return None

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def channel() -> Iterator[Channel]:
    made = Channel()
    yield made
    made.server.shutdown()
    made.server.server_close()


@contextmanager
def words_watched(folder: Path) -> Iterator[set[str]]:
    """The words of every process that runs Handoff in that folder meanwhile."""
    seen: set[str] = set()
    ended = threading.Event()
    where = folder.resolve()

    def look() -> None:
        while not ended.wait(0.02):
            # Fifty times a second for each process of the machine: links are read, not followed.
            for process in Path("/proc").iterdir():
                try:
                    if not process.name.isdigit() or (process / "cwd").readlink() != where:
                        continue
                    words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                except OSError:
                    continue
                if "connector.cli.app" in words:
                    seen.add(words)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


@pytest.fixture
def session(world: World, channel: Channel) -> World:
    """A person asked for sales; a rep's webhook and a shared channel are told; all that is secret is a canary."""
    path = world.mappings / "notifications.yaml"
    path.write_text(path.read_text().replace("\ndestinations:\n", f"\ndestinations:\n{CHANNEL}", 1))
    url = f"http://{channel.host}{PATH}"
    canaries.plant_secret(PATH, "the channel's address")
    canaries.plant_secret(PATH.rpartition("/")[2], "the end of the channel's address")
    world.env |= DEBUG | {
        "HANDOFF_SLACK_SALES_URL": url, "HANDOFF_ALLOW_HOSTS": f"{world.receiver.host},{channel.host}",
    }  # fmt: skip
    contact = world.asks(PERSON["email"], message=f"Call me, {PERSON['firstname']}, at {PERSON['phone']}")
    world.edit(contact, **{name: value for name, value in PERSON.items() if name != "email"})
    return world


def events(err: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in err.splitlines() if line.startswith("{")]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_nothing_secret_and_nobody_comes_out_of_a_whole_session(session: World, channel: Channel) -> None:
    world = session
    with words_watched(world.folder) as words:
        first = world.handoff("sync")
        assert first.returncode == 0, first.stderr
        assert events(first.stderr), "DEBUG says something"
        asked = world.handoff("explain", PERSON["email"])
        assert asked.returncode == 0 and asked.stdout
        listed = json.loads(world.handoff("outbox", "list", "--json").stdout)["entries"]
        personal = next(row["id"] for row in listed if row["destination"] == "reps")
        assert PERSON["email"] in world.handoff("outbox", "show", personal).stdout     # asked for, and personal
        assert world.handoff("check").returncode == 0
        # now everything goes wrong
        assert world.handoff("sync", HUBSPOT_ACCESS_TOKEN=canaries.TOKEN).returncode == 3
        assert world.handoff("sync", HANDOFF_WEBHOOK_SECRET=canaries.WEBHOOK_SECRET[:20]).returncode == 2
        assert world.handoff("sync", HANDOFF_DATABASE_URL=f"postgresql://u:{canaries.TOKEN}@127.0.0.1:1/x").returncode
        world.receiver.answer = 500
        world.asks("second." + PERSON["email"], message=PERSON["phone"])
        assert world.handoff("sync").returncode == 0
        world.receiver.answer = 410
        world.later(hours=1)
        world.handoff("sync")
    assert len(words) >= 5
    for line in words:
        canaries.look(line, "the words of a process", asked=[PERSON["email"]])
    database = (world.folder / "handoff.db").read_bytes() + b"".join(
        path.read_bytes() for path in world.folder.glob("handoff.db-*")
    )
    assert PERSON["lastname"].encode() in database        # it was there to be found
    told = json.dumps(world.receiver.notices)
    assert PERSON["email"] in told
    assert channel.bodies
    for body in channel.bodies:                            # R15: a shared channel shows nobody whole
        assert PERSON["firstname"] in body or "lead" in body.lower()
        for name in ("email", "lastname", "phone"):
            assert PERSON[name] not in body, name
