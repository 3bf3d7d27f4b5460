"""Points: where a world is struck, and how they are written, so that one can be named again.

    ask/http/14/applied            in the step `ask`, the 14th call of HubSpot, killed when it was done
    ask/commit/3/fail              the third COMMIT fails
    ask/http/14/500+               every call of HubSpot from the 14th on is answered 500, until the restart
    ask/http/14/applied,~commit/5/before    … and in the restarted run once more
    ask/http/14/applied,work/file/2/after   … and in a later step once more
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crash_scenario import STEPS
from crash_seams import FAULTS, FREEZE, KILLS

NAMES = [step.name for step in STEPS]


@dataclass(frozen=True, slots=True)
class Point:
    """One call of one port: the n-th (from 1) of a step's run."""

    step: int
    port: str
    number: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at a point. `restart`: in which run of its step; 0 is the first. `lasting`: from there on."""

    point: Point
    how: str
    lasting: bool = False
    restart: int = 0

    @property
    def kills(self) -> bool:
        return self.how in KILLS

    def __str__(self) -> str:
        where = f"{'~' * self.restart}" if self.restart else f"{NAMES[self.point.step]}/"
        return f"{where}{self.point.port}/{self.point.number}/{self.how}{'+' if self.lasting else ''}"


def spell(faults: Sequence[Fault]) -> str:
    return ",".join(str(fault) for fault in faults)


def parse(text: str) -> list[Fault]:
    """What `spell` wrote. Raises ValueError that says what is wrong."""
    faults: list[Fault] = []
    for part in text.split(","):
        restart = len(part) - len(part.lstrip("~"))
        pieces = part.lstrip("~").split("/")
        step = faults[-1].point.step if restart and faults else NAMES.index(pieces.pop(0))
        if len(pieces) != 3 or not pieces[1].isdigit():
            raise ValueError(f"{part!r} is no point; write step/port/number/how, such as ask/http/14/applied")
        port, number, how = pieces
        lasting, how = how.endswith("+"), how.rstrip("+")
        if how not in (*KILLS, FREEZE, *FAULTS.get(port.partition(":")[0], ())):
            raise ValueError(f"{how!r} does not happen at {port}; {', '.join(KILLS)} or {FAULTS}")
        faults.append(Fault(Point(step, port, int(number)), how, lasting, restart))
    return faults
