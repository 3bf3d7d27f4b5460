"""The driver on the real sandbox and receiver, with a fake connector: it survives kills and catches what is wrong."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_connector_plan import write_plan
from olist.connection import environment
from olist.driver import Driver, WorldGoneError, end_world, kill_moments
from olist.plan import Plan, make_plan
from olist.report import outcome, show
from olist.state import State, load_state
from olist.steps import Calendar
from olist.worker import Worker, WorkerError, end_orphan
from olist.world import end_process
from olist_samples import WORTH, make_leads
from rich.console import Console

pytestmark = pytest.mark.slow
FAKE = Path(__file__).with_name("fake_connector.py")
LEADS = make_leads(40, days=12)
KEYS = [
    "leads",
    "episodes",
    "notices",
    "doubles",
    "silent",
    "won",
    "by_origin",
    "by_owner",
    "wrong_day",
    "list_mismatches",
    "seconds",
    "api_calls",
]


def make_driver(folder: Path, state: State, fault: str = "") -> Driver:
    plan: Plan = make_plan(LEADS, Calendar(every=state.every), WORTH, ("not_ready",), state.seed)
    write_plan(folder / "fake_plan.json", plan)

    def prepare(state: State) -> Worker:
        extra = {"FAKE_PLAN": "fake_plan.json", "FAKE_BASE": "fake_base.json", "FAKE_FAULT": fault}

        def remember(pid: int) -> None:
            state.worker_pid = pid

        def count() -> None:
            state.deaths += 1

        worker = Worker(
            [sys.executable, str(FAKE)], folder, environment(state, folder) | extra, on_start=remember, on_death=count
        )
        if not state.ready:
            worker.ask("sync")
            state.ready = True
        return worker

    return Driver(folder, state, plan, prepare)


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[Callable[..., Driver]]:
    """Begins a run; its processes are ended whatever happens."""
    made: list[Driver] = []

    def start(fault: str = "", **asked: Any) -> Driver:
        driver = make_driver(tmp_path, State(**({"every": 1, "days": 30, "seed": 1, "kills": 0} | asked)), fault)
        driver.begin()
        made.append(driver)
        return driver

    yield start
    for driver in made:
        driver.close()
        end_world(driver.state)


def judged(driver: Driver, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any], str]:
    result, lines, differing = outcome(driver)
    code = show(result, lines, differing, as_json=False, console=Console(stderr=True))
    return code, result, capsys.readouterr().err


@pytest.mark.parametrize("every", [1, 7])
def test_a_right_connector_agrees_with_the_files(
    drive: Callable[..., Driver], capsys: pytest.CaptureFixture[str], every: int
) -> None:
    driver = drive(every=every, days=519 if every == 7 else 40)
    driver.live()
    code, result, said = judged(driver, capsys)
    assert (code, said) == (0, "")
    assert list(result) == KEYS
    assert result["leads"] == result["episodes"] == result["notices"] == len(LEADS)
    assert max(result["by_owner"].values()) - min(result["by_owner"].values()) <= 1


def test_kills_of_the_connector_change_no_figure(
    drive: Callable[..., Driver], capsys: pytest.CaptureFixture[str]
) -> None:
    driver = drive(kills=6, sync_seconds=0.2)
    driver.live()
    _, result, _ = judged(driver, capsys)
    assert driver.state.deaths == 6
    assert driver.state.killed == list(kill_moments(driver.state, 2 * driver.total))
    assert (result["leads"], result["wrong_day"], result["list_mismatches"]) == (len(LEADS), 0, 0)


def test_the_connector_killed_by_anybody_is_started_again(drive: Callable[..., Driver]) -> None:
    driver = drive(days=6)
    driver.tell = lambda done, of, words: os.kill(driver.state.worker_pid, signal.SIGKILL) if done == 3 else None
    driver.live()
    assert driver.state.deaths == 1
    assert driver.state.torn == [3]
    assert driver.state.step == 6


@pytest.mark.parametrize("move", range(5))
def test_a_new_driver_goes_on_where_the_old_one_was(
    drive: Callable[..., Driver], capsys: pytest.CaptureFixture[str], move: int
) -> None:
    """Cut in every move, before and after what it does; the world and the files agree all the same."""
    first = drive(days=25)
    for step, after in ((4, False), (7, True)):
        _cut(first, step, move, after=after)
        with pytest.raises(KeyboardInterrupt):
            first.live()
        kept = load_state(first.folder)
        assert kept is not None
        assert end_orphan(first.state.worker_pid, FAKE.name)
        kept.worker_pid, kept.ready = 0, True
        first.close()
        first = make_driver(first.folder, kept)
        first.find()
    first.live()
    _, result, said = judged(first, capsys)
    first.close()
    assert (result["leads"], result["doubles"], result["wrong_day"], result["list_mismatches"]) == (40, 0, 0, 0), said


def _cut(driver: Driver, step: int, move: int, *, after: bool) -> None:
    """Let the driver end in one move, before or after what the move does, and remember nothing of it."""
    name = ("_by_day", "_first_sync", "_in_the_evening", "_second_sync", "_check")[move]
    real = getattr(driver, name)

    def cut(present: Any) -> None:
        if present.number != step:
            real(present)
            return
        if after:
            real(present)
        raise KeyboardInterrupt

    setattr(driver, name, cut)


@pytest.mark.parametrize(
    ("fault", "words"),
    [("forget", "suppression list mismatches"), ("twice", "told twice"), ("late", "on a wrong day")],
)
def test_a_wrong_connector_is_caught(
    drive: Callable[..., Driver], capsys: pytest.CaptureFixture[str], fault: str, words: str
) -> None:
    driver = drive(fault=fault, days=60)
    driver.live()
    code, _, said = judged(driver, capsys)
    assert code == 1
    assert f"DIFFERS  {words}" in said


def test_a_world_that_is_gone_is_told(drive: Callable[..., Driver]) -> None:
    driver = drive(days=3)
    driver.live()
    driver.close()
    end_process(driver.state.sandbox_pid)
    with pytest.raises(WorldGoneError, match="sandbox"):
        make_driver(driver.folder, driver.state).find()


def test_a_connector_that_dies_again_and_again_is_given_up(tmp_path: Path) -> None:
    deaths: list[int] = []
    worker = Worker(
        [sys.executable, "-c", "import sys; sys.stdin.readline()"], tmp_path, dict(os.environ),
        on_start=lambda pid: None, on_death=lambda: deaths.append(1),
    )  # fmt: skip
    with pytest.raises(WorkerError, match="5 times"):
        worker.ask("sync")
    assert len(deaths) == 5
