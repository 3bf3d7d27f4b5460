"""What two worlds are compared by, and where they differ. Nothing is left out that a person could see.

The six parts of reliability.md, section 6, and a seventh: the connector's own state at the end of each step, since all
that follows depends on nothing else. What is not compared, and why:

- ids of runs: random by design, and a restart may add a quiet run. Audit rows and decisions lose their run's id; how
  many there are of each is compared.
- instants at which the CRM or a receiver was really called: a restart is some seconds later, so each counts as that
  of the step's sync (`MOMENTS`). What follows from the run's `as_of` is compared to the microsecond.
- the lease's epoch: it rises with every process.
- how far the daily round for vanished people got: each run goes on with it, quiet ones too.
- `outbox.sequence`: an order, of which only the order is compared, per contact and destination.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from crash_peer import RECORD
from crash_scenario import SECRET, SLACK_KEY, STEPS, TOKEN

from connector.rules.rulebook import RuleBook

SKIPPED: Mapping[str, tuple[str, ...]] = {
    "activity": (), "address": (), "audit": ("run",), "contact": (), "deal": (), "deal_contact": (),
    "decision": ("run",),
    "destination": (), "dirty": (), "episode": (), "episode_step": (), "erased": (), "field_change": (),
    "hint": (), "intent": ("run", "tries"), "owner": (), "portal": (), "quarantine": (), "retry": (), "rotation": (),
    "rulebook": (), "presence": ("began_at", "looked_at", "after"), "stranded": (), "timer": (), "watermark": (),
    "outbox": ("sequence", "tries", "due_at", "last_error", "claimed_until", "claimed_by"),
}  # fmt: skip
"""Tables that are compared, and the columns of each that are not."""

MOMENTS: Mapping[str, tuple[str, ...]] = {
    "contact": ("modified_at", "changed_at"),
    "deal": ("modified_at",),
    "field_change": ("occurred_at",),
    "outbox": ("sent_at",),
    "portal": ("as_of",),
    "watermark": ("at",),
}
"""Columns with instants of calls, or of the latest run, which may be a quiet one after a restart; each is brought back
to the sync of its step."""

SECRETS = tuple(each.encode() for each in (TOKEN, SECRET, SECRET.removeprefix("whsec_"), SLACK_KEY))


KNOWN = re.compile(r"handoff\.(db(-wal|-shm|\.pacing(\.lock|-wal|-shm)?|\.key)?|key)|run\.log")


class Base(Protocol):
    """A world's database, read by SQL from outside of the product."""

    def exists(self) -> bool: ...
    def rows(self, sql: str) -> list[dict[str, Any]]: ...
    def everything(self) -> dict[str, list[dict[str, Any]]]: ...
    def tables(self) -> list[str]: ...
    def check(self) -> list[str]:
        """What is wrong with the file itself; empty where nothing is."""
        ...


@dataclass(frozen=True, slots=True)
class State:
    """One world at the end of a step."""

    values: Mapping[str, Mapping[str, str]]
    members: Mapping[str, Sequence[int]]
    path: Mapping[tuple[str, str], Sequence[str]]
    tasks: Sequence[Any]
    sent: Counter[tuple[str, str]]
    """(endpoint, id) → how often it was answered 2xx."""
    bodies: Mapping[tuple[str, str], frozenset[str]]
    shown: Mapping[tuple[str, str], tuple[str, str, bool]]
    """What the CRM showed of the contact when a notice first arrived: nobody is told of what is not so yet (I1, I4)."""
    order: Mapping[tuple[str, str], Sequence[str]]
    """(endpoint, contact) → ids by first arrival; what is about nobody has no order."""
    tables: Mapping[str, Counter[str]]
    faults: Sequence[str]
    """What must not be in any world: damage, a held lease, secrets."""


def owned_properties(book: RuleBook) -> list[str]:
    """Everything that Handoff writes, and what reps say, which it empties."""
    return sorted(rule.property for rule in book.fields.fields.values() if rule.property and _is_ours(rule.property))


def _is_ours(name: str) -> bool:
    return name.startswith("handoff_") or name in ("lifecyclestage", "hs_lead_status", "hubspot_owner_id")


def read_state(seen: Mapping[str, Any], base: Base, folder: Path) -> State:
    """`seen`: what the peer observed."""
    sent: Counter[tuple[str, str]] = Counter()
    bodies: dict[tuple[str, str], set[str]] = {}
    order: dict[tuple[str, str], list[str]] = {}
    shown: dict[tuple[str, str], tuple[str, str, bool]] = {}
    for target, given, body, status, stood in seen["posts"]:
        endpoint = target.split("/")[1]
        key = (endpoint, given or _digest(body))
        bodies.setdefault(key, set()).add(_digest(body))
        if 200 <= status < 300:
            sent[key] += 1
            shown.setdefault(key, stood)
            line = order.setdefault((endpoint, contact), []) if (contact := _contact(body)) else []
            if key[1] not in line:
                line.append(key[1])
    return State(
        values=seen["values"],
        members=seen["members"],
        path={key: _merged(steps) for key, steps in seen["path"].items()},
        tasks=seen["tasks"],
        sent=sent,
        bodies={key: frozenset(each) for key, each in bodies.items()},
        shown=shown,
        order=order,
        tables=_tables(base),
        faults=[*base.check(), *_held(base), *_secrets(folder)],
    )


def differences(expected: State, found: State, *, faults: int = 0) -> list[str]:
    """Where a disturbed world differs, in words; empty where it is equal.

    `faults`: how often it was disturbed; a notice may have come once more for each.
    """
    said = [
        *_differ("value", _flat(expected.values), _flat(found.values)),
        *_differ("list", expected.members, found.members),
        *_differ("path", expected.path, found.path),
        *_differ("task", dict(enumerate(expected.tasks)), dict(enumerate(found.tasks))),
        *_differ("answered 2xx", dict.fromkeys(expected.sent), dict.fromkeys(found.sent)),
        *_differ("body", expected.bodies, found.bodies),
        *_differ("shown when told", expected.shown, found.shown),
        *_differ("order of arrival", expected.order, found.order),
        *found.faults,
    ]
    for key, times in (found.sent - expected.sent).items():
        if times > faults:
            said.append(f"copies of {key}: {times} more than undisturbed, {faults} faults")
    for name, rows in expected.tables.items():
        there = found.tables.get(name, Counter())
        said += [f"{name}: missing {row}" for row in (rows - there).elements()]
        said += [f"{name}: too much {row}" for row in (there - rows).elements()]
    return said


def _flat(values: Mapping[str, Mapping[str, str]]) -> dict[tuple[str, str], str]:
    return {(contact, name): text for contact, each in values.items() for name, text in each.items()}


def _differ(what: str, expected: Mapping[Any, Any], found: Mapping[Any, Any]) -> Iterable[str]:
    for key in [*expected, *(key for key in found if key not in expected)]:
        before, after = expected.get(key, _NONE), found.get(key, _NONE)
        if before != after:
            yield f"{what} {key}: undisturbed {before!r}, here {after!r}"


class _None:
    def __repr__(self) -> str:
        return "nothing"


_NONE = _None()


def _merged(steps: Iterable[str]) -> list[str]:
    """Equal neighbours are one: writing a value again changes nothing for anybody."""
    line: list[str] = []
    for step in steps:
        if not line or line[-1] != step:
            line.append(step)
    return line


def _contact(body: bytes) -> str:
    """Whom a notice is about, as it said itself: a merge comes later and changes nothing of what had arrived.

    Empty for one about nobody, be it that it names leads, as an alarm does: there is an order of one contact's alone.
    """
    found = None if b'"contact_id":null' in body else RECORD.search(body)
    return found[1].decode() if found else ""


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]


def _tables(base: Base) -> dict[str, Counter[str]]:
    return {name: Counter(_lines(name, rows)) for name, rows in base.everything().items() if name in SKIPPED}


def _lines(name: str, rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Each row as text."""
    moments = MOMENTS.get(name, ())
    for row in rows:
        for column in (*SKIPPED[name], "portal"):
            row.pop(column, None)
        for column in moments:
            row[column] = INSTANT.sub(of_step, str(row[column]))
        yield ", ".join(f"{key}={value!r}" for key, value in row.items())


INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)?")
SYNCS = [datetime.fromisoformat(step.at) for step in STEPS]
A_WHILE = timedelta(minutes=15)


@cache
def _at_step(text: str) -> str:
    moment = datetime.fromisoformat(text)
    for number, sync in enumerate(SYNCS):
        if sync <= moment <= sync + A_WHILE:
            return f"<sync of {STEPS[number].name}>"
    return text


def of_step(found: re.Match[str]) -> str:
    return _at_step(found[0])


def _held(base: Base) -> list[str]:
    if "lease" not in base.tables():
        return ["there are no tables"]
    holders = [row["holder"] for row in base.rows("SELECT holder FROM lease WHERE holder IS NOT NULL")]
    return [f"the lease is still held by {holder}" for holder in holders if _lives(int(holder.split(":")[1]))]


def _lives(pid: int) -> bool:
    """The next run takes what a dead process held, at once."""
    return Path(f"/proc/{pid}").exists()


def _secrets(folder: Path) -> list[str]:
    """In no file of the world: database, pacing, logs. And no file that nobody knows of is left."""
    found = [f"left behind: {path.name}" for path in folder.iterdir() if not KNOWN.fullmatch(path.name)]
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        found += [f"{path.name} holds a secret" for secret in SECRETS if secret in data]
    return found


def unfinished(base: Base) -> str:
    """Why a world is not at rest yet; empty where it is."""
    reasons = base.rows(
        "SELECT 1 AS place, 'a run is open' AS why FROM run WHERE status = 'running'"
        " UNION SELECT 2, 'a write is open' FROM intent WHERE status = 'open'"
        " UNION SELECT 3, 'a notice waits' FROM outbox WHERE status IN ('due', 'held') ORDER BY place"
    )
    return str(reasons[0]["why"]) if reasons else ""
