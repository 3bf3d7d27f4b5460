"""Worlds that a fault leaves exactly alike have one future, and it is lived through once.

Killed before a call, when it was done, or after a reply that only the dead process knew: often the same is left behind,
and what a restart makes of it depends on nothing else. So it is with two kills, and with a run that a failure ended.
Each fault really comes to pass; only a restart after the last one, whose outcome is known, is left out. Alike means:
the same changes were asked of HubSpot, in the same order; the same notices arrived; each row of each table and each
other file is the same. What is random or told by a real clock counts as alike: ids of runs, who holds the lease and
since when, and instants within a step's quarter of an hour.

HubSpot's own counts of calls are left out (the worlds have no limits), as are pacing files and logs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from crash_peer import RUN
from crash_state import INSTANT, Base, of_step

PRIVATE = {"lease": ("holder", "since", "heartbeat_at")}
"""Columns of which only counts whether there is something in them."""

MADE_BY_ITSELF = re.compile(r"handoff\.db(-wal|-shm|\.pacing.*)?|run\.log")


class Futures:
    """What is known of worlds left alike; shared by all workers, as empty files in one folder."""

    def __init__(self, place: Path) -> None:
        self._place = place
        place.mkdir(exist_ok=True)

    def known(self, left: str, faults: int) -> bool:
        """Whether what was left like this became equal, with no more faults to excuse a copy of a notice than here."""
        return any((self._place / f"{left}-{number}").exists() for number in range(faults + 1))

    def keep(self, left: str, faults: int) -> None:
        """The world that was left like this by so many faults became equal to the undisturbed one."""
        (self._place / f"{left}-{faults}").touch()


def left_behind(step: int, past: Sequence[str], base: Base, folder: Path) -> str:
    """Digest of everything that the future of a killed world depends on. `past`: what its peer has lived through."""
    said = sha256()
    for line in (str(step), *past, *_rows(base), *_files(folder)):
        said.update(line.encode() + b"\0")
    return said.hexdigest()


def _rows(base: Base) -> Iterator[str]:
    for table, rows in sorted(base.everything().items() if base.exists() else ()):
        private = PRIVATE.get(table, ())
        lines = [
            repr([(name, value is not None if name in private else value) for name, value in row.items()])
            for row in rows
        ]
        yield from (table, *sorted(INSTANT.sub(of_step, RUN.sub(b"run", line.encode()).decode()) for line in lines))


def _files(folder: Path) -> Iterator[str]:
    for path in sorted(folder.iterdir()):
        if not MADE_BY_ITSELF.fullmatch(path.name):
            yield f"{path.name} {sha256(path.read_bytes()).hexdigest()}"
