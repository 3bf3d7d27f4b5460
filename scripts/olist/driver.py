"""Lives through the steps: leads act, sync, sales acts, sync, check; and remembers where it is after every move.

The connector may die at any instant: its process is started again and asked once more (worker). So may the driver: run
again with the same folder, it finds the sandbox and the receiver where it left them and goes on with the same move.
"""

from __future__ import annotations

import json
import secrets
import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from olist import acts, world
from olist.acts import GUIDS
from olist.data import callers, seller_reps
from olist.ledger import KINDS, Ledger
from olist.plan import Plan, Timetable, Way
from olist.state import State
from olist.steps import Step, before_the_first_day
from olist.worker import Worker

PORTAL = {
    "contacts": 0,
    "enterprise": True,
    "timeZone": "America/Sao_Paulo",
    "switches": {"rate_per_10s": 0, "search_per_second": 0, "daily_limit": 0},
}
"""An empty Enterprise portal, where page views are events. No rate limits: they are proved elsewhere, and 17 months in
minutes are no real speed."""
WATCHED = Path(__file__).resolve().parents[1] / "watched.json"
"""What the sandbox watches the connector for, by the shipped rules."""
COMPLETED = "completed"
FIRST_OWNER, FIRST_CALLER = 80_000_001, 81_000_001
SALES, CALLERS = "Sales", "Telequalification"
"""The portal's teams."""
SETTLED_SECONDS = 0.2


class WorldGoneError(Exception):
    """The sandbox or the receiver of a half-lived run is no more."""


Told = Callable[[int, int, str], None]
"""Hears (steps done, steps in all, a sentence) after each step."""


class Driver:
    """One run in one folder.

    Attributes:
        prepare: gives the connector's process once the world stands; its addresses are in the state by then.
        tell: hears of each step that is done.
    """

    def __init__(self, folder: Path, state: State, plan: Plan, prepare: Callable[[State], Worker]) -> None:
        self.folder, self.state, self.plan, self.prepare = folder, state, plan, prepare
        self.tell: Told = lambda done, of, words: None
        self.steps = plan.calendar.steps
        self.total = plan.calendar.steps_within(state.days)
        self.timetable = Timetable(plan)
        self.ledger = Ledger(order=self.timetable.order, deal_order=self.timetable.deals)
        leads = tuple(story.lead for story in plan.stories)
        self.owners = seats(seller_reps(leads), FIRST_OWNER)
        self.callers = seats(callers(leads), FIRST_CALLER) if state.two_step else {}
        self.sandbox = world.Sandbox(state.sandbox_address, state.portal)
        self.worker: Worker | None = None
        self._kills = kill_moments(state, self.syncs_a_step * self.total)

    @property
    def syncs_a_step(self) -> int:
        return 3 if self.state.two_step else 2

    # -- the world ---------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Make the world: the receiver, the sandbox, the portal; its clock stands the day before the first."""
        state = self.state
        state.secret = "whsec_" + b64encode(secrets.token_bytes(32)).decode()
        state.receiver_pid, state.receiver_address = world.start_receiver(self.folder, state.secret)
        state.save(self.folder)
        state.sandbox_pid, state.sandbox_address = world.start_sandbox(self.folder, before_the_first_day())
        state.save(self.folder)
        self.sandbox = world.Sandbox(state.sandbox_address)
        state.portal, token = self.sandbox.make_portal(PORTAL)
        wanted = [*owners_wanted(self.owners, "Rep", SALES), *owners_wanted(self.callers, "Caller", CALLERS)]
        self.sandbox.furnish(token, wanted, [{"name": w.value, "guid": GUIDS[w]} for w in Way])
        if state.two_step:
            self.sandbox.make_property(token, acts.DESK, "Desk")
        self.sandbox.watch(json.loads(WATCHED.read_text(encoding="utf-8")))
        state.token = token
        state.save(self.folder)

    def find(self) -> None:
        """Find the world of the half-lived run again. Its present step counts as torn: a sync may have been cut short.

        Raises:
            WorldGoneError: it is not there any more.
        """
        gone = [] if self.sandbox.is_alive() else ["sandbox"]
        gone += [] if world.receiver_is_alive(self.state.receiver_address) else ["receiver"]
        if gone:
            raise WorldGoneError(f"the {' and the '.join(gone)} of this run ended, and with it the world it lived in")
        self.state.torn.append(self.state.step)

    def close(self) -> None:
        """Let the connector's process end by itself and hang up; the world stays."""
        if self.worker is not None:
            self.worker.stop()
        self.sandbox.close()

    def end(self) -> None:
        """End everything: the connector, then the world's processes that still answer as ours."""
        self.close()
        end_world(self.state)

    # -- the steps ---------------------------------------------------------------------------------------------

    def live(self) -> None:
        """Live through what is left of the steps; the connector sees the empty portal before the first."""
        self._connector()
        while self.state.step < self.total:
            step = self.steps[self.state.step]
            started = time.monotonic()
            moves = self._moves()
            moves[self.state.move](step)
            self.state.move = (self.state.move + 1) % len(moves)
            self.state.step += self.state.move == 0
            self.state.seconds += time.monotonic() - started
            self.state.save(self.folder)
            if self.state.move == 0:
                self.tell(self.state.step, self.total, self._sentence(step))

    def _moves(self) -> tuple[Callable[[Step], None], ...]:
        by_callers = (self._callers_answer, self._callers_sync) if self.state.two_step else ()
        return self._by_day, self._first_sync, *by_callers, self._in_the_evening, self._second_sync, self._check

    def _by_day(self, step: Step) -> None:
        self.sandbox.set_clock(step.first_sync_at)
        table = self.timetable
        self._post(acts.by_day(table.arriving.get(step.number, []), table.viewing.get(step.number, [])))

    def _first_sync(self, step: Step) -> None:
        self._sync(step, self.syncs_a_step * step.number)

    def _callers_answer(self, step: Step) -> None:
        self.sandbox.set_clock(step.callers_at)
        self.catch_up()
        answering = self.timetable.calling.get(step.number, [])
        self._post(acts.from_callers(answering, self.ledger.contacts, self.owners, step.callers_at))

    def _callers_sync(self, step: Step) -> None:
        self.sandbox.set_clock(step.callers_sync_at)
        self._sync(step, self.syncs_a_step * step.number + 1)

    def _in_the_evening(self, step: Step) -> None:
        ending = self.timetable.ending.get(step.number, [])
        self.sandbox.set_clock(step.sales_at)
        self.catch_up()
        self._post(acts.in_the_evening(ending, self.ledger, self.owners, step.sales_at))

    def _second_sync(self, step: Step) -> None:
        self.sandbox.set_clock(step.second_sync_at)
        self._sync(step, self.syncs_a_step * (step.number + 1) - 1)

    def _check(self, step: Step) -> None:
        self.catch_up()
        self.state.mismatches += self.ledger.mismatches(self.plan.held_after(step.number))
        self.state.troubles += [f"{step.last} broke {words}" for words in self.sandbox.violations()]

    def _post(self, wanted: list[acts.Act]) -> None:
        """Let people act exactly once, though we may end between asking and remembering."""
        if self.state.posting_after is not None and self._settled_seq() > self.state.posting_after:
            wanted = []
        if wanted:
            self.state.posting_after = self.sandbox.last_seq(self.ledger.seq)
            self.state.save(self.folder)
            self.sandbox.do(wanted)
        self.state.posting_after = None

    def _settled_seq(self) -> int:
        """The log's last number, once acts that may still be under way have ended."""
        before, now = -1, self.sandbox.last_seq(self.ledger.seq)
        while before != now:
            time.sleep(SETTLED_SECONDS)
            before, now = now, self.sandbox.last_seq(self.ledger.seq)
        return now

    def _sync(self, step: Step, number: int) -> None:
        share = None if number in self.state.killed else self._kills.get(number)
        if share is not None:
            self.state.killed.append(number)
            self.state.save(self.folder)
        deaths, started = self.state.deaths, time.monotonic()
        report = self.ask("sync", kill_after=None if share is None else share * self.state.sync_seconds)
        if self.state.deaths == deaths:
            self.state.sync_seconds = 0.9 * self.state.sync_seconds + 0.1 * (time.monotonic() - started)
        else:
            self.state.torn.append(step.number)
        if report.get("status", COMPLETED) != COMPLETED:
            said = "; ".join(str(each) for each in report.get("troubles", ()))
            self.state.troubles.append(f"sync of {step.last} {report['status']}: {said or 'no reason given'}")
        handed = int(report.get("handed_off", 0))
        self.state.reported[str(step.number)] = self.state.reported.get(str(step.number), 0) + handed

    def ask(self, line: str, *, kill_after: float | None = None) -> dict[str, Any]:
        """Ask the connector's process."""
        return self._connector().ask(line, kill_after=kill_after)

    def _connector(self) -> Worker:
        if self.worker is None:
            self.worker = self.prepare(self.state)
        return self.worker

    def catch_up(self) -> None:
        """Take in what the sandbox's log has gained."""
        for events in self.sandbox.log(self.ledger.seq, KINDS):
            self.ledger.replay(events)

    def _sentence(self, step: Step) -> str:
        held = len(self.ledger.on_any_list())
        handed = len(self.ledger.entered_on)
        return f"{step.last}  leads {len(self.ledger.contacts)}  handed over {handed}  on the suppression list {held}"

    # -- afterwards --------------------------------------------------------------------------------------------

    def owner_log(self) -> dict[str, list[str]]:
        """Give, per contact, every owner it was given, in order, by the sandbox's log."""
        return {contact: [owner for owner, _ in given] for contact, given in self.log_of("hubspot_owner_id").items()}

    def log_of(self, name: str) -> dict[str, list[tuple[str, date]]]:
        """Give, per contact, every value that a property got, in order and with its day, by the sandbox's log."""
        given: dict[str, list[tuple[str, date]]] = {}
        for events in self.sandbox.log(0, ("property",)):
            for event in events:
                if event["object"] == "contacts" and event["name"] == name:
                    value = (str(event["after"] or ""), date.fromisoformat(str(event["at"])[:10]))
                    given.setdefault(str(event["id"]), []).append(value)
        return given


def seats(people: Sequence[str], first: int) -> dict[str, str]:
    """Give the portal's owner id of each `sr_id`, or of each `sdr_id`; who is both has a seat in either team."""
    return {person: str(first + number) for number, person in enumerate(people)}


def owners_wanted(owners: Mapping[str, str], name: str, team: str) -> list[dict[str, Any]]:
    """Give the portal's owners, with names invented by number."""
    return [
        {"id": owner, "firstName": name, "lastName": f"{number:02d}", "teams": [team],
         "email": address(name, number)}
        for number, owner in enumerate(owners.values(), start=1)
    ]  # fmt: skip


def address(name: str, number: int) -> str:
    return f"{name.lower()}.{number:02d}@olist.example"


def kill_moments(state: State, syncs: int) -> dict[int, float]:
    """Give the syncs to be killed, each with the share of a usual sync's time after which it is."""
    chance = Random(f"{state.seed}:kills")
    return {number: chance.random() for number in sorted(chance.sample(range(syncs), min(state.kills, syncs)))}


def end_world(state: State) -> None:
    """End the processes of a state that still answer as ours."""
    sandbox = world.Sandbox(state.sandbox_address, state.portal)
    if state.sandbox_address and sandbox.is_alive():
        sandbox.close()
        world.end_process(state.sandbox_pid)
    if state.receiver_address and world.receiver_is_alive(state.receiver_address):
        world.end_process(state.receiver_pid)
