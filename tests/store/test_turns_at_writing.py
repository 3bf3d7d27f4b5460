"""Turns at writing: first come, first served, whatever thread just wrote (P2)."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from connector.store import turns as store_turns
from connector.store.turns import Turns, turns_of


def queue_up(turns: Turns, name: str, served: list[str], more: int = 0) -> threading.Thread:
    """A thread that waits for its turn, seen to be waiting; it then asks at once for `more` turns."""

    def work() -> None:
        for _ in range(1 + more):
            with turns.turn(60):
                served.append(name)

    thread = threading.Thread(target=work)
    before = len(turns._waiting)
    thread.start()
    while len(turns._waiting) == before and thread.is_alive():
        pass
    return thread


def test_who_came_first_writes_first_and_nobody_twice_before_the_others() -> None:
    turns, served = Turns(), list[str]()
    with turns.turn(60):
        threads = [queue_up(turns, "often", served, more=1), queue_up(turns, "seldom", served)]
    for thread in threads:
        thread.join()
    assert served == ["often", "seldom", "often"]


def test_who_waited_too_long_goes_on_without_a_turn_and_takes_nobodys() -> None:
    """SQLite then says that it is busy, as it does for another process."""
    turns, served = Turns(), list[str]()
    with turns.turn(60):
        with turns.turn(0.0):
            served.append("impatient")
        thread = queue_up(turns, "patient", served)
        assert served == ["impatient"]
    thread.join()
    assert served == ["impatient", "patient"]


def test_all_who_open_one_file_share_its_turns(tmp_path: Path) -> None:
    one = turns_of(tmp_path / "a.db")
    assert turns_of(tmp_path / "a.db") is one and turns_of(tmp_path / "b.db") is not one


class Stop(Exception):
    pass


def test_who_is_stopped_while_waiting_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the very moment in which the turn comes."""

    class Stopped(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            while not self.is_set():
                pass
            raise Stop

    monkeypatch.setattr(store_turns, "threading", SimpleNamespace(Event=Stopped, Lock=threading.Lock))
    turns = Turns()

    def wait_and_stop() -> None:
        with pytest.raises(Stop), turns.turn(60):
            raise AssertionError("nobody waits for a turn that was given up")

    with turns.turn(60):
        thread = threading.Thread(target=wait_and_stop)
        thread.start()
        while not turns._waiting:
            pass
    thread.join()
    assert not turns._taken and not turns._waiting
