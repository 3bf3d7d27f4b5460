"""What the driver remembers in its working folder, so that it can be ended at any instant and go on.

One JSON file, replaced as a whole. What the world knows better (contacts, list members) is not in it: the sandbox's log
is replayed instead (ledger).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

NAME = "driver.json"


@dataclass(slots=True)
class State:
    """Attributes:
    every, days, seed, kills: as asked on the command line; another run needs another folder, or --fresh.
    changed: whether the connector lives by the changed rules, while people do the same.
    two_step: whether telequalification calls first.
    step, move: where it is; the move is still to be done (driver.MOVES).
    posting_after: the log's last number when acts were being posted; None when none are under way.
    mismatches: suppression-list mismatches, summed over the steps so far.
    reported: handed over per step, as the syncs reported it; torn: steps in which the connector died at least once.
    troubles: one line for each sync that ended otherwise than completed.
    deaths: how often it died; killed: sync numbers at which a planned kill has been done.
    """

    every: int
    days: int
    seed: int
    kills: int
    changed: bool = False
    two_step: bool = False
    sandbox_address: str = ""
    sandbox_pid: int = 0
    portal: int = 0
    token: str = ""
    receiver_address: str = ""
    receiver_pid: int = 0
    secret: str = ""
    worker_pid: int = 0
    step: int = 0
    move: int = 0
    posting_after: int | None = None
    seconds: float = 0.0
    sync_seconds: float = 0.3
    mismatches: int = 0
    reported: dict[str, int] = field(default_factory=dict)
    torn: list[int] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    deaths: int = 0
    killed: list[int] = field(default_factory=list)
    ready: bool = False
    finished: bool = False

    def save(self, folder: Path) -> None:
        """Replace the file; a reader sees the old one or the new one, and nobody but the owner reads it."""
        path = folder / (NAME + ".new")
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")
        path.replace(folder / NAME)

    @property
    def asked(self) -> tuple[int, int, int, int]:
        return self.every, self.days, self.seed, self.kills


def load_state(folder: Path) -> State | None:
    """Give the state of a folder; None where there is none that this version reads."""
    try:
        kept = json.loads((folder / NAME).read_text(encoding="utf-8"))
        known = {item.name for item in fields(State)}
        return State(**{name: value for name, value in kept.items() if name in known})
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return None
