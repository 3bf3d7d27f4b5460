"""The connector's process: started by us, asked for one sync a line, and ended by anyone at any moment.

Where it dies in the middle of a sync, a new one is started and asked for the same sync again: that is the whole repair.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

MOST_DEATHS = 5
"""Deaths in a row, within one sync, that are not ours: then something is wrong."""
LEASE_SECONDS = 120
"""How long to wait for the lease of a connector that was killed."""
ALREADY_RUNNING = 5
"""Exit code of the connector where another run holds the portal (design.md, section 6)."""


class WorkerError(Exception):
    """The connector could not do what it was asked for; the text is its own."""


class Died(Exception):
    """The process is gone without an answer."""


class Worker:
    """One connector process at a time. `on_death` is told each time it dies; `on_start` gets each new pid."""

    def __init__(
        self,
        command: list[str],
        folder: Path,
        env: Mapping[str, str],
        *,
        on_start: Callable[[int], None],
        on_death: Callable[[], None],
    ) -> None:
        self._command = command
        self._folder = folder
        self._env = dict(env)
        self._on_start = on_start
        self._on_death = on_death
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, line: str, *, kill_after: float | None = None) -> dict[str, Any]:
        """Send one line, give the one JSON object that answers it.

        Args:
            kill_after: seconds after which the process is killed, once; where the answer is faster, right after it.
        Raises:
            WorkerError: it answered with an error, or died again and again.
        """
        waiting_since = time.monotonic()
        deaths = 0
        while True:
            try:
                answer = self._once(line, kill_after)
            except Died:
                self._on_death()
                deaths += kill_after is None
                kill_after = None
                if deaths >= MOST_DEATHS:
                    raise WorkerError(f"the connector died {deaths} times in one sync: {self._last_words()}") from None
                continue
            if "error" not in answer:
                return answer
            busy = answer.get("code") == ALREADY_RUNNING and time.monotonic() - waiting_since < LEASE_SECONDS
            if not busy:
                raise WorkerError(f"the connector says: {answer['error']}")
            time.sleep(1)

    def _last_words(self) -> str:
        log = self._folder / "connector.log"
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        errors = [line for line in lines if re.match(r"[\w.]+(Error|Exception)\b", line)] or lines
        return f"{errors[-1] if errors else 'it said nothing'} (see {log})"

    def _once(self, line: str, kill_after: float | None) -> dict[str, Any]:
        process = self._running()
        assert process.stdin is not None and process.stdout is not None
        timer = threading.Timer(kill_after, process.kill) if kill_after is not None else None
        if timer:
            timer.start()
        try:
            process.stdin.write(line.encode() + b"\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = b""
        finally:
            if timer:
                timer.cancel()
        if not answer.endswith(b"\n"):
            self._bury(process)
            raise Died
        if kill_after is not None:  # the answer was faster: then it dies between two syncs
            self._bury(process)
            self._on_death()
        found: dict[str, Any] = json.loads(answer)
        return found

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            with (self._folder / "connector.log").open("ab") as log:
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env=self._env,
                    cwd=self._folder,
                )
            self._on_start(self._process.pid)
        return self._process

    def _bury(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            _close(pipe)
        self._process = None

    def stop(self) -> None:
        """Let the process end by itself: its input is over."""
        if self._process is None:
            return
        _close(self._process.stdin)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(30)
        self._bury(self._process)


def _close(pipe: IO[bytes] | None) -> None:
    with suppress(BrokenPipeError):
        if pipe is not None:
            pipe.close()


def end_orphan(pid: int, script: str) -> bool:
    """Kill the connector that a driver before us left behind, if that pid still is one; say whether it was."""
    if not pid or script not in _command_of(pid):
        return False
    os.kill(pid, 9)
    while script in _command_of(pid):
        time.sleep(0.02)
    return True


def _command_of(pid: int) -> str:
    """The command line of a process; empty where it is gone or only waits to be buried."""
    kept = Path(f"/proc/{pid}/cmdline")
    if kept.parents[1].is_dir():
        try:
            return kept.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    said = subprocess.run(["ps", "-o", "stat=,command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return "" if said.stdout.lstrip().startswith("Z") else said.stdout


def connector_command(project: Path) -> list[str]:
    return [sys.executable, str(project / "scripts" / "olist_connector.py")]
