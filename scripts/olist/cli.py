"""The command line: finds the files, begins or goes on, shows where it is, prints the figures and where they differ."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from olist import connection, replays, reported
from olist.data import PROJECT, DataMissingError, Lead, callers, find_folder, load_leads, seller_reps
from olist.driver import Driver, WorldGoneError, address, end_world
from olist.plan import make_plan
from olist.replays import beside
from olist.report import outcome, say, show, watched
from olist.rules import RulesError, read_reasons, read_worth
from olist.state import State, load_state
from olist.steps import ALL_DAYS, Calendar
from olist.two_step import tell_in_two_steps
from olist.worker import Worker, WorkerError, end_orphan
from olist.world import WorldError

EVERY = {"1d": 1, "7d": 7}
CANNOT, STOPPED = 2, 130


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="scripts/olist.py",
        description="Live through Olist's 17 months of real leads and deals on the sandbox, and compare the figures.",
        epilog="Example: scripts/olist.py --every 7d --kills 10",
    )
    made.add_argument("--every", choices=sorted(EVERY), default="1d", help="days that one step takes (default 1d)")
    made.add_argument(
        "--days", type=_positive, default=ALL_DAYS, help=f"live through the first N days (default {ALL_DAYS})"
    )
    made.add_argument(
        "--seed", type=int, default=1, help="number from which times, ways and reasons are drawn (default 1)"
    )
    made.add_argument(
        "--workdir",
        type=Path,
        default=PROJECT / "build" / "olist",
        help="folder of the run; run again with the same one to go on (default build/olist)",
    )
    made.add_argument(
        "--kills", type=int, default=0, metavar="N", help="kill -9 the connector at N seeded random moments"
    )
    made.add_argument("--fresh", action="store_true", help="forget the run of this folder and start anew")
    rules = made.add_mutually_exclusive_group()
    rules.add_argument(
        "--changed",
        action="store_true",
        help="let the connector live by changed rules, in WORKDIR-changed; people do the same as in the other run",
    )
    rules.add_argument(
        "--two-step",
        action="store_true",
        help="let telequalification call first, in WORKDIR-two-step: `sdr_id` passes a lead on, `sr_id` closes it",
    )
    made.add_argument(
        "--replay",
        action="store_true",
        help="replay the finished run of WORKDIR by its own rules, and by those of WORKDIR-changed where it is there",
    )
    made.add_argument(
        "--reports",
        action="store_true",
        help="ask `handoff report funnel` and `sources` of the finished run of WORKDIR, and compare with the files",
    )
    made.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """0: all figures agree; 1: some differ; 2: it cannot run, and says why."""
    options = parser().parse_args(argv)
    options.workdir = beside(options.workdir.resolve(), "two-step") if options.two_step else options.workdir.resolve()
    console = Console(stderr=True)
    if options.replay:
        return replays.compare(options.workdir, as_json=options.json, console=console)
    try:
        leads = load_leads(find_folder())
        if options.reports:
            return reported.compare(options.workdir, leads, as_json=options.json, console=console)
        return run(options, leads, console)
    except (DataMissingError, RulesError, WorldGoneError, WorldError, WorkerError) as error:
        say(console, f"olist: {error}")
        if not isinstance(error, DataMissingError | RulesError):
            say(console, _how_to_go_on(error))
        return CANNOT
    except KeyboardInterrupt:
        say(console, "olist: stopped; the same command goes on where it was")
        return STOPPED


def run(options: argparse.Namespace, leads: tuple[Lead, ...], console: Console) -> int:
    """Begin or go on, live to the end, compare."""
    folder: Path = beside(options.workdir) if options.changed else options.workdir
    asked = State(
        every=EVERY[options.every],
        days=min(options.days, ALL_DAYS),
        seed=options.seed,
        kills=options.kills,
        changed=options.changed,
        two_step=options.two_step,
    )
    kept = _earlier(folder, asked, fresh=options.fresh)
    if kept is None:
        _clear(folder)
        asked.save(folder)
        connection.lay_out_mappings(folder)
        if options.two_step:
            people = callers(leads)
            connection.lay_out_two_step(folder, people, [address("Caller", n) for n, _ in enumerate(people, start=1)])
        if options.changed:
            connection.lay_out_changed(folder)
    state, mappings = kept or asked, folder / "mappings"
    plan = make_plan(leads, Calendar(every=state.every), read_worth(mappings), read_reasons(mappings), state.seed)
    if state.two_step:
        plan = tell_in_two_steps(plan, seller_reps(leads), state.seed)
    driver = Driver(folder, state, plan, lambda _: _connector(state, folder))
    if kept:
        driver.find()
        say(console, f"going on with step {min(state.step + 1, driver.total)} of {driver.total}")
    else:
        driver.begin()
    with watched(driver, console):
        driver.live()
    result, lines, differing = outcome(driver)
    if options.changed:  # the plan says what the other rules do; these are compared by --replay
        lines, differing = [], []
    driver.end()
    state.finished = True
    state.save(folder)
    return show(result, lines, differing, as_json=options.json, console=console)


def _connector(state: State, folder: Path) -> Worker:
    """Give the connector's process; at the very first, its properties are made and it sees the empty portal once."""

    def on_death() -> None:
        state.deaths += 1

    worker = connection.connector_worker(state, folder, on_death)
    if not state.ready:
        worker.ask("init")
        worker.ask("sync")
        state.ready = True
        state.save(folder)
    return worker


def _how_to_go_on(error: Exception) -> str:
    if isinstance(error, WorldGoneError):
        return "To start anew: the same command with --fresh."
    return "Sandbox and receiver stay up: the same command goes on where it was; with --fresh it starts anew."


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _earlier(folder: Path, asked: State, *, fresh: bool) -> State | None:
    """Give the run of the folder that is to go on; None where a new one begins.

    Raises:
        WorldGoneError: the folder holds the unfinished run of other options.
    """
    kept = load_state(folder)
    if kept is None or kept.finished:
        return None
    if fresh or not kept.token:
        end_orphan(kept.worker_pid, "olist_connector.py")
        end_world(kept)
        return None
    if kept.asked != asked.asked:
        names = zip(("every", "days", "seed", "kills"), kept.asked, strict=True)
        raise WorldGoneError(
            "this folder holds an unfinished run of other options (" + ", ".join(f"{n} {v}" for n, v in names) + ")"
        )
    end_orphan(kept.worker_pid, "olist_connector.py")
    return kept


def _clear(folder: Path) -> None:
    """Empty the folder of an earlier run; never one that we did not make.

    Raises:
        WorldGoneError: the folder holds something else.
    """
    if folder.exists():
        if any(folder.iterdir()) and not (folder / "driver.json").exists():
            raise WorldGoneError(f"{folder} is not empty and holds no run of ours; name another --workdir")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    folder.chmod(0o700)
