"""The fault table (reliability.md, section 7): one fault on one kind of call, once or until healed, in a small world.

A day's work with every kind of call is done once undisturbed; then again with the fault, and run again as a scheduler
would. What people see at the end must be the same: nothing lost, nothing doubled; while it lasts, no watermark moves.
"""

from __future__ import annotations

import os
import pickle
import re
import shutil
import sqlite3
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import patch

import requests
from checking_receiver import Receiver
from portal_world import MONDAY, World, served

from connector.bootstrap import Connector
from connector.crm.hubspot import transport
from connector.domain.contact import ContactId, OwnerId
from connector.engine.ports import Task
from connector.errors import ConnectorError
from connector.sandbox.portal import Sandbox

SHOWN = (
    "email", "lifecyclestage", "hs_lead_status", "hubspot_owner_id", "handoff_state", "handoff_score", "handoff_grade",
    "handoff_reason", "handoff_qualified_at", "handoff_due_at", "handoff_nurture_track", "handoff_verdict",
)  # fmt: skip
REFUSALS = (400, 403, 404)
ROUNDS_WHILE_BROKEN = 2
ROUNDS_AFTER = 4
"""So often a scheduler comes by before the world must be as it would have been."""
ASKS_AT_ONCE = "`handoff sync --full` asks at once"
STUCK = "alarm.raised"
INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d):\d\d(?:\.\d+)?Z")


@dataclass(frozen=True, slots=True)
class Call:
    """One kind of call: how to know it on the wire. `flavour` is the kind of run that makes it."""

    path: str
    method: str = "GET"
    paged: bool = False
    writes: bool = False
    flavour: str = "plain"


CALLS: dict[str, Call] = {
    "account details": Call("account-info"),
    "token": Call("oauth/[^/]+/token$", "POST", flavour="oauth"),
    "token's scopes": Call("token/introspect$", "POST"),
    "owners": Call("crm/(v3/owners|owners/[^/]+)$", paged=True),
    "properties": Call("properties/([^/]+/)?contacts$"),
    "contact search": Call("contacts/search$", "POST", paged=True),
    "contact list": Call("objects/([^/]+/)?contacts$", flavour="full"),
    "archived contacts": Call("objects/([^/]+/)?contacts$", paged=True),
    "page views": Call("events/(v3/events|event-occurrences/[^/]+)$", paged=True),
    "forms": Call("marketing/v3/forms$", paged=True),
    "submissions": Call("submissions/forms/", paged=True),
    "e-mail events": Call("email/public/v1/events$", paged=True),
    "deal search": Call("deals/search$", "POST", paged=True),
    "deal associations": Call("associations/([^/]+/)?deals/contacts/batch/read$", "POST"),
    "list by name": Call("lists/([^/]+/)?object-type-id"),
    "list add": Call("memberships/add$", "PUT", writes=True),
    "list remove": Call("memberships/remove$", "PUT", writes=True),
    "batch read": Call("contacts/batch/read$", "POST"),
    "batch update": Call("contacts/batch/update$", "POST", writes=True),
    "tasks of contacts": Call("contacts/tasks/batch/read$", "POST", flavour="task"),
    "task read": Call("objects.*/tasks/batch/read$", "POST", flavour="task"),
    "task create": Call("tasks/batch/create$", "POST", writes=True, flavour="task"),
}

LIMIT = {"errorType": "RATE_LIMIT", "policyName": "TEN_SECONDLY_ROLLING", "message": "limit"}
FAULTS: dict[str, dict[str, Any]] = {
    "429 with headers": {"kind": "status", "status": 429, "headers": {"Retry-After": "2"}, "body": LIMIT},
    "429 without headers": {"kind": "status", "status": 429},
    "429 of the day": {"kind": "status", "status": 429, "body": LIMIT | {"policyName": "DAILY"}},
    "423 locked": {"kind": "status", "status": 423},
    "477 moving, soon": {"kind": "status", "status": 477, "headers": {"Retry-After": "30"}},
    "477 moving, hours": {"kind": "status", "status": 477, "headers": {"Retry-After": "7200"}},
    "408": {"kind": "status", "status": 408},
    "500": {"kind": "status", "status": 500},
    "502 as HTML": {"kind": "html"},
    "503": {"kind": "status", "status": 503, "headers": {"Retry-After": "5"}},
    "504 though done": {"kind": "status", "status": 504, "applied": True},
    "521": {"kind": "status", "status": 521},
    "524 though done": {"kind": "status", "status": 524, "applied": True},
    "silence, not done": {"kind": "timeout_before", "seconds": 20},
    "silence, though done": {"kind": "timeout_after", "seconds": 20},
    "reset, not done": {"kind": "reset"},
    "reset, though done": {"kind": "reset_after"},
    "half an answer": {"kind": "truncate"},
    "200 as HTML": {"kind": "html", "status": 200},
    "200 of another shape": {"kind": "status", "status": 200, "applied": True, "body": {"hello": "world"}},
    "the page before once more": {"kind": "duplicate_page"},
    "400": {"kind": "status", "status": 400, "body": {"category": "VALIDATION_ERROR", "message": "scripted"}},
    "401": {"kind": "status", "status": 401},
    "403": {"kind": "status", "status": 403, "body": {"category": "MISSING_SCOPES", "message": "scripted"}},
    "404": {"kind": "status", "status": 404, "body": {"category": "OBJECT_NOT_FOUND", "message": "scripted"}},
    "slow": {"kind": "slow", "seconds": 0.2},
}


@dataclass(frozen=True, slots=True)
class Case:
    """One cell of the table."""

    fault: str
    call: str
    lasting: bool

    @property
    def name(self) -> str:
        return f"{self.fault} × {self.call}{', until healed' if self.lasting else ''}"


def cases() -> Iterator[Case]:
    """Every fault on every kind of call that it can meet."""
    for fault in FAULTS:
        for name, call in CALLS.items():
            if fault == "the page before once more" and not call.paged:
                continue
            for lasting in (False, True):
                if not (lasting and fault == "slow"):
                    yield Case(fault, name, lasting)


def sample() -> list[Case]:
    """Each fault once and each kind of call at least once; every other one lasts."""
    chosen, calls = [], list(CALLS)
    for number, fault in enumerate(FAULTS):
        fits = {case.call for case in cases() if case.fault == fault}
        call = next(name for name in calls[number % len(calls) :] + calls if name in fits)
        chosen.append(Case(fault, call, lasting=bool(number % 2) and fault != "slow"))
    return chosen + [Case("503", call, lasting=True) for call in calls if call not in {case.call for case in chosen}]


@dataclass(slots=True)
class End:
    """What people and receivers can see when all is done."""

    people: dict[str, list[str]]
    listed: list[str]
    told: Counter[tuple[str, str]]
    tasks: int
    path: dict[tuple[str, str], list[str]] = field(default_factory=dict)


class Lab:
    """A world that stands before its day's work; each case lives in a copy of it, in a process of its own (fork)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sandbox = Sandbox()
        template = folder / "template"
        template.mkdir()
        with served(self.sandbox) as url:
            self.world = World(url, template, enterprise=True)
            self.day = prepare(self.world)
            self.world.close()
        self._ends: dict[str, End] = {}
        self._made = 0

    def try_one(self, case: Case) -> str:
        """What is wrong after this fault, in one line; empty where the connector survived it."""
        call, spec = CALLS[case.call], FAULTS[case.fault]
        expected = self.end_of(call.flavour)
        fault = {**spec, "path": call.path, "method": call.method, "times": 0 if case.lasting else 1}
        wrong: str = self.apart(lambda world: self._survive(world, fault, call.flavour, expected))
        return wrong

    def end_of(self, flavour: str) -> End:
        """How a flavour of the day ends when nothing goes wrong; remembered."""
        if flavour not in self._ends:
            self._ends[flavour] = self.apart(lambda world: self._undisturbed(world, flavour))
        return self._ends[flavour]

    def apart(self, live: Callable[[World], Any]) -> Any:
        """What `live` gives for a copy of the world, in a child process; the copy ends with it.

        Raises:
            AssertionError: the child raised, or died.
        """
        self._made += 1
        ours, theirs = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads: the child ends without touching theirs
            child = os.fork()
        if child == 0:
            os.close(ours)
            self._live_in_child(live, theirs)
        os.close(theirs)
        with os.fdopen(ours, "rb") as answer:
            said = answer.read()
        os.waitpid(child, 0)
        done, result = pickle.loads(said) if said else (False, "the process died")
        assert done, result
        return result

    def _live_in_child(self, live: Callable[[World], Any], answer: int) -> NoReturn:
        said: tuple[bool, Any]
        try:
            folder = self.folder / f"copy-{self._made}"
            shutil.copytree(self.world.folder, folder)
            today = self.sandbox.clock.ms()
            with served(self.sandbox) as url:
                self.sandbox.clock.freeze(today)
                _move(self.world, url, folder)
                said = True, live(self.world)
                self.world.close()
            shutil.rmtree(folder)
        except BaseException:
            said = False, traceback.format_exc()
        with os.fdopen(answer, "wb") as out:
            out.write(pickle.dumps(said))
        os._exit(0)

    def _undisturbed(self, world: World, flavour: str) -> End:
        with world.connector(**_environment(world, flavour)) as connector:
            assert run(connector, flavour, self.day) == "completed"
        return look(world)

    def _survive(self, world: World, fault: dict[str, Any], flavour: str, expected: End) -> str:
        seconds = 0.5 if fault["kind"].startswith("timeout") else transport.READ_SECONDS
        world.faults(fault)
        with patch.object(transport, "READ_SECONDS", seconds), world.connector(
            **_environment(world, flavour)
        ) as connector:
            _hurry(connector)
            return (
                self._rounds(world, connector, flavour, lasting=fault["times"] == 0)
                or differences(expected, look(world), clocks_ran_on=fault.get("status") in REFUSALS)
                or violations(world)
                or not_quiet(world, connector, flavour, self.day)
            )

    def _rounds(self, world: World, connector: Connector, flavour: str, *, lasting: bool) -> str:
        """Runs as a scheduler makes them: some while it lasts, then until one has nothing to complain of."""
        met = 0
        for _ in range(ROUNDS_WHILE_BROKEN if lasting else 0):
            before, _ = _stand(world)
            said = run(connector, flavour, self.day)
            after, unclear = _stand(world)
            if before != after and (unclear or said.startswith("stopped")):
                return f"the watermark moved in a run that was not done: {said}"
        for _ in range(ROUNDS_AFTER):
            met += _hits(world)
            if lasting:
                world.control("DELETE", "faults")
            said = run(connector, flavour, self.day)
            if ASKS_AT_ONCE in said:  # as an admin does who gave the scope back and does not wait a day
                world.later(seconds=1)
                said = run(connector, "full", self.day)
            if said == "completed":
                met += _hits(world)
                world.control("DELETE", "faults")
                return "" if met else "the fault never met its call"
        return f"not done after {ROUNDS_AFTER} runs: {said}"


def _move(world: World, url: str, folder: Path) -> None:
    """The same portal, served at another address, with a copy of its folder and a receiver of its own."""
    world.http, world.receiver = requests.Session(), Receiver(world._shown)
    host, world.url, world.folder = world.receiver.host, url, folder
    world.env |= {
        "HUBSPOT_BASE_URL": url,
        "HANDOFF_DATABASE_URL": f"sqlite:///{folder / 'handoff.db'}",
        "HANDOFF_MAPPINGS_DIR": str(folder / "mappings"),
        "HANDOFF_WEBHOOK_URL": f"http://{host}/notices",
        "HANDOFF_ALLOW_HOSTS": host,
    }


def _stand(world: World) -> tuple[object, int]:
    """The watermark of contacts, and how many writes are without a clear answer."""
    with closing(sqlite3.connect(world.folder / "handoff.db")) as database:
        mark = database.execute("SELECT at FROM watermark WHERE stream = 'contacts'").fetchone()
        unclear = database.execute("SELECT count(*) FROM intent WHERE status = 'open'").fetchone()
    return mark, int(unclear[0])


def _hits(world: World) -> int:
    return sum(each["hits"] for each in world.control("GET", "faults")["faults"])


@dataclass(frozen=True, slots=True)
class Day:
    """Contacts of the day's work that a test asks for by name."""

    owner: str
    with_task: str


def prepare(world: World) -> Day:
    """A day with every kind of call: some come back from sales, one is won, one is archived, some ask anew."""
    world.init()
    world.sync()
    world.later(hours=1)
    known = [world.asks(f"known.{number}@known-{number}.example") for number in range(6)]
    world.sync()
    world.later(days=1)
    world.edit(known[5], handoff_verdict="recycle", handoff_verdict_reason="not_ready", handoff_comment="In spring.")
    world.sync()
    world.later(days=1)
    world.asks("known.5@known-5.example")
    world.edit(known[0], handoff_verdict="recycle")
    world.edit(known[1], handoff_verdict="junk")
    world.act("deal", contact=known[2], properties={"dealstage": "closedwon"})
    world.edit(known[3], handoff_verdict="accepted")
    world.act("archive", contact=known[4])
    for number in range(3):
        world.asks(f"new.{number}@new-{number}.example")
    world.later(minutes=1)
    owner = world.read(known[3], "hubspot_owner_id")["hubspot_owner_id"]
    world.act("note", contact=known[3], body="Called, nobody there.")
    task = {"hs_task_body": "somebody's own", "hs_timestamp": MONDAY.isoformat()}
    link = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204}
    world.api(
        "POST",
        "/crm/v3/objects/tasks",
        {"properties": task, "associations": [{"to": {"id": known[3]}, "types": [link]}]},
    )
    world.log(mark="ours")
    world.control("DELETE", "counters")
    return Day(owner, known[3])


def run(connector: Connector, flavour: str, day: Day) -> str:
    """One run as the scheduler does it: how it ended, or `stopped` and what it said."""
    try:
        if flavour == "task":
            contact, owner = ContactId(day.with_task), OwnerId(day.owner)
            task = Task(contact=contact, owner=owner, subject="Call back", body="Now", due_at=MONDAY, key="lab:1")
            if refused := connector.gateway.ensure_tasks([task]).refused:
                return f"stopped: {'; '.join(refused.values())}"
        report = connector.sync(connector.options(full=flavour == "full"))
    except ConnectorError as error:
        return f"stopped: {error} {error.advice}"
    return f"{report.status.value}{': ' if report.troubles else ''}{'; '.join(report.troubles)}"


def _hurry(connector: Connector) -> None:
    """Waiting, between tries and after a 429, takes no time: the clocks that measure it go forward instead."""
    slept = [0.0]

    def sleep(seconds: float) -> None:
        slept[0] += seconds

    door = connector.gateway._transport
    door._sleep = sleep
    for pacer in (door._pacing.calls, door._pacing.searches):
        pacer._sleep, pacer._clock = sleep, lambda: time.monotonic() + slept[0]


def _environment(world: World, flavour: str) -> dict[str, str]:
    if flavour != "oauth":
        return {}
    return {
        "HUBSPOT_ACCESS_TOKEN": "",
        "HUBSPOT_CLIENT_ID": f"sandbox-client-{world.portal}",
        "HUBSPOT_CLIENT_SECRET": f"sandbox-secret-{world.portal}",
        "HUBSPOT_REFRESH_TOKEN": f"sandbox-refresh-{world.portal}",
    }


def look(world: World) -> End:
    rows = world.api("GET", "/crm/v3/objects/contacts", limit=100, properties=",".join(SHOWN))["results"]
    listed = world.members()
    names = {row["id"]: row["properties"]["email"] for row in rows}
    path: dict[tuple[str, str], list[str]] = {}
    for event in world.ours("property"):
        if event["name"] != "handoff_episode" and event["after"]:
            steps = path.setdefault((names.get(event["id"], ""), event["name"]), [])
            if steps[-1:] != [event["after"]]:
                steps.append(event["after"])
    ids = {notice["webhook-id"]: notice for notice in world.receiver.notices}
    told = Counter((each["type"], names.get(each["data"].get("contact_id"), "")) for each in ids.values())
    tasks = world.log("task")
    return End(
        people={row["properties"]["email"]: [row["properties"].get(name) or "" for name in SHOWN] for row in rows},
        listed=sorted(names.get(each, each) for each in listed),
        told=told,
        tasks=sum("[handoff:" in each["properties"].get("hs_task_body", "") for each in tasks),
        path=path,
    )


def differences(expected: End, found: End, *, clocks_ran_on: bool = False) -> str:
    """The first thing that is not as it would have been.

    `clocks_ran_on`: a write was refused, so that leads stayed with sales meanwhile, their clocks went on, and the proof
        of the night told of leads that could not go on.
    """
    if clocks_ran_on:  # somebody may have been handed over a second later
        expected, found = _to_the_minute(expected), _to_the_minute(found)
    for email, values in expected.people.items():
        for name, before, after in zip(SHOWN, values, found.people.get(email, []), strict=False):
            if before != after:
                return f"{email}: {name} is {after!r}, would have been {before!r}"
    for part in ("people", "listed", "tasks", "path"):
        if getattr(expected, part) != getattr(found, part):
            return f"{part}: {getattr(found, part)} instead of {getattr(expected, part)}"
    if expected.told != found.told:
        lost, more = expected.told - found.told, found.told - expected.told
        if not lost and clocks_ran_on and all(kind.startswith("sla.") or kind == STUCK for kind, _ in more):
            return ""
        return f"not told: {dict(lost)}; told too often: {dict(more)}"
    return ""


def _to_the_minute(end: End) -> End:
    """Instants by the minute, which the day's own differ by more than."""

    def cut(text: str) -> str:
        return INSTANT.sub(r"\1", text)

    people = {email: [cut(value) for value in values] for email, values in end.people.items()}
    path = {key: [cut(step) for step in steps] for key, steps in end.path.items()}
    return replace(end, people=people, path=path)


def violations(world: World) -> str:
    """What the sandbox or the receiver objected to; and notices that came twice though nothing happened to them."""
    found = [f"{each['rule']}: {each['message']}" for each in world.violations()]
    twice = [key for key, times in Counter(n["webhook-id"] for n in world.receiver.notices).items() if times > 1]
    return "; ".join(dict.fromkeys([*found, *(f"{len(twice)} notices came twice" for _ in twice[:1])]))


def not_quiet(world: World, connector: Connector, flavour: str, day: Day) -> str:
    """A further run has nothing to do, and nothing stays open or set aside."""
    world.ours(mark="quiet")
    said = run(connector, flavour, day)
    if written := world.ours(mark="quiet"):
        return f"a further run still writes {len(written)} changes"
    with connector.store(connector.portal()).reading() as uow:
        left = uow.intents("open", 10), uow.quarantined(), uow.dirty(10)
    if said != "completed" or any(left):
        return f"a further run says {said}; open, set aside, waiting: {[len(part) for part in left]}"
    return ""
