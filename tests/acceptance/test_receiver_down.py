"""Thirty days with a receiver down, in every way that receivers are, then up again; the other one never notices.

P2, I6; fault table: "receiver down, slow, redirecting, gone" and "outage of 30 days".
"""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from checking_receiver import Receiver
from portal_world import Build, World
from sqlalchemy import select

from connector import bootstrap
from connector.bootstrap import open_database
from connector.config.settings import load_settings
from connector.delivery.destinations import Destination
from connector.delivery.door import Outlet
from connector.delivery.doors import open_doors
from connector.store.tables import outbox

DAYS = 30
QUICK_TIMEOUT = 0.2
"""Instead of 15 s; what follows from a time-out is the same."""

DESK = """
  desk:
    type: webhook
    to: [rep, manager, marketing, triage, ops]
    url_env: HANDOFF_MARKETING_URL
    secret_env: HANDOFF_MARKETING_SECRET
    personal: true
"""


@contextmanager
def deaf() -> Iterator[str]:
    """A port that takes connections and never says a word."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=64)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def closed() -> str:
    """A port where nobody listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


def impatient_doors(silent: str, destinations: Mapping[str, Destination], **more: Any) -> Mapping[str, Outlet]:
    """The product's doors; the one that leads to the deaf receiver waits less."""
    quick = {name: one for name, one in destinations.items() if silent in one.url}
    others = {name: one for name, one in destinations.items() if name not in quick}
    return {**open_doors(others, **more), **open_doors(quick, timeout_seconds=QUICK_TIMEOUT, **more)}


def stored(world: World) -> list[Any]:
    """The whole outbox in order of queueing."""
    store = open_database(load_settings(world.env, None), None)
    try:
        with store.database.reading() as connection:
            return list(connection.execute(select(outbox).order_by(outbox.c.sequence)))
    finally:
        store.close()


def ids(notice: dict[str, Any]) -> list[str]:
    """Of all that a message tells: a digest's members, else its own."""
    return list(notice["data"]["ids"]) if notice["type"] == "lead.digest" else [notice["webhook-id"]]


@pytest.fixture
def desk() -> Iterator[Receiver]:
    with closing(Receiver()) as made:
        yield made


@pytest.mark.slow
def test_thirty_days_with_the_receiver_down_then_up(
    build: Build, desk: Receiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """P2, I5, I6: nothing is lost, nothing comes twice, and one command brings everything back."""
    world = build(enterprise=True)
    with (world.mappings / "notifications.yaml").open("a", encoding="utf-8") as rules:
        rules.write(DESK)
    with deaf() as silent, ExitStack() as stack:
        monkeypatch.setattr(bootstrap, "open_doors", partial(impatient_doors, silent))
        refusing = closed()
        hosts = ",".join((world.receiver.host, desk.host, silent, refusing))
        world.env |= {
            "HANDOFF_ALLOW_HOSTS": hosts,
            "HANDOFF_MARKETING_URL": f"http://{desk.host}/notices",
            "HANDOFF_MARKETING_SECRET": world.env["HANDOFF_WEBHOOK_SECRET"],
        }
        at_500, at_refusing, at_deaf = (
            stack.enter_context(world.connector(HANDOFF_WEBHOOK_URL=f"http://{host}/notices"))
            for host in (world.receiver.host, refusing, silent)
        )
        ways = (at_500, at_500, at_refusing, at_deaf)
        at_500.sync()
        world.receiver.answer = 500
        began, runs, off_since = world.now, 0, None
        while world.now - began < timedelta(days=DAYS):
            world.later(hours=6 if off_since is None else 24)
            for number in range(2):
                world.asks(f"lead-{runs}-{number}@down.example", company=f"Company {runs}")
            report = ways[runs % len(ways)].sync()
            runs += 1
            assert report.exit_code == 0
            if off_since is None and any("is off since" in line for line in report.troubles):
                off_since = world.now
            elif off_since is not None:
                assert any("handoff outbox resume reps" in line for line in report.troubles)
    assert off_since is not None and timedelta(days=5) <= off_since - began < timedelta(days=5, hours=7)
    assert not world.receiver.notices
    heard_of_it = [notice for notice in desk.notices if notice["type"] == "destination.off"]
    assert [notice["data"]["destination"] for notice in heard_of_it] == ["reps"]

    before = [row for row in stored(world) if row.destination == "reps"]
    given_up = [row.entry for row in before if row.status == "exhausted"]
    waiting = [row.entry for row in before if row.status == "due"]
    assert given_up and len(given_up) + len(waiting) == len(before), Counter(row.status for row in before)
    other = [row for row in stored(world) if row.destination == "desk"]
    assert all(row.status == "sent" for row in other) and len(desk.notices) == len(other), "it never noticed"

    world.receiver.answer = 204
    world.later(hours=1)
    said = world.handoff("outbox", "resume", "reps", "--json")
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)["given_up_before"] == len(given_up)
    for _ in range(4):      # a machine under load may need more than one pass
        report = world.sync()
        assert not any("is off" in line for line in report.troubles)
        if not report.counts.notices_sent:
            break
        world.later(minutes=2)

    told = [name for notice in world.receiver.notices for name in ids(notice)]
    after = [row for row in stored(world) if row.destination == "reps" and row.kind != "lead.digest"]
    assert {row.entry for row in before} <= {row.entry for row in after}
    assert {row.status for row in after} == {"sent"}
    assert Counter(told) == Counter(row.entry for row in after), "each once, none lost"
    bodies = {row.entry: row.body for row in before}
    assert all(row.body == bodies[row.entry] for row in after if row.entry in bodies)
    arrived = {name: place for place, name in enumerate(told)}
    by_contact: dict[str, list[str]] = {}
    for row in after:
        by_contact.setdefault(row.contact, []).append(row.entry)
    assert all(sorted(names, key=arrived.__getitem__) == names for names in by_contact.values())
    assert world.receiver.wrongs == desk.wrongs == []

    again = world.sync()
    assert again.counts.notices_sent == 0 and len(told) == sum(len(ids(one)) for one in world.receiver.notices)
    digests = [notice for notice in world.receiver.notices if notice["type"] == "lead.digest"]
    with capsys.disabled():
        print(
            f"\n30 days down: {runs} runs, {len(before)} notices queued, {len(given_up)} given up, {len(waiting)} "
            f"waiting; after one command {len(told)} told once each, in {len(digests)} digests and "
            f"{len(world.receiver.notices) - len(digests)} messages"
        )
