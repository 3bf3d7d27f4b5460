"""The figures of the run next to the same ones from the files alone, and where they differ.

What happened is judged by three witnesses: the connector's own episodes (asked through its process), the receiver's
file and the sandbox's log. What should have happened comes from the two CSV files and the plan.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from olist.data import BLANK, Lead
from olist.ledger import Ledger
from olist.plan import Plan
from olist.receiver import SALES
from olist.steps import Step

HANDED_OFF = "lead.handed_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """The part of the story that was lived through: all of it, or the first steps."""

    plan: Plan
    last: Step

    def arrived(self) -> list[Lead]:
        return [story.lead for story in self.plan.stories if story.lead.arrived_on <= self.last.last]

    def handed(self) -> set[int]:
        return {story.number for story in self.plan.stories if story.handed_in <= self.last.number}

    def won(self) -> list[Lead]:
        return [lead for lead in self.arrived() if lead.won_on is not None and lead.won_on <= self.last.last]

    def by_origin(self) -> dict[str, list[int]]:
        leads, won = (Counter(lead.origin for lead in part) for part in (self.arrived(), self.won()))
        return {origin: [won[origin], count] for origin, count in leads.most_common()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One lead as the connector has it.

    Attributes:
        handed_on: day of each of its episodes' handoff; states and owners go with them.
        on_a_clock: whether its open episode, if any, has a timer still to fire.
        passed_on: day on which telequalification passed each episode on, None where it did not; callers: who did.
    """

    contact: str
    origin: str
    states: tuple[str, ...]
    owners: tuple[str, ...]
    handed_on: tuple[date | None, ...]
    is_open: bool
    on_a_clock: bool
    passed_on: tuple[date | None, ...] = ()
    callers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What the receiver's file says.

    Attributes:
        ids: notice ids of handoffs by contact and hop; repeats: posts of a known id with the same bytes.
        addressees: owner of each handoff notice.
        changed: ids that came again with other bytes; unsigned: posts whose signature was wrong.
    """

    ids: Mapping[tuple[str, str], set[str]]
    repeats: int
    changed: int
    unsigned: int
    kinds: Counter[str] = field(default_factory=Counter)
    addressees: Mapping[str, str] = field(default_factory=dict)

    @property
    def notices(self) -> int:
        return len(set().union(*self.ids.values()))

    def doubles(self, deaths: int) -> int:
        """Handoffs told twice. A repeat of the same id and bytes is one only where no connector died (P2)."""
        return sum(len(ids) - 1 for ids in self.ids.values()) + self.changed + (0 if deaths else self.repeats)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One comparison."""

    name: str
    found: str
    expected: str
    right: bool


def read_seen(path: Path) -> dict[str, Seen]:
    """Read the connector's answer: one JSON line per contact."""
    with path.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return {row["contact"]: _seen(row) for row in rows}


def _seen(row: Mapping[str, Any]) -> Seen:
    episodes = [each for each in row["episodes"] if not each["silent"]]
    return Seen(
        contact=row["contact"],
        origin=row["origin"] or BLANK,
        states=tuple(each["state"] for each in episodes),
        owners=tuple(each["owner"] or "" for each in episodes),
        handed_on=tuple(_day(each["handed_off_at"]) for each in episodes),
        is_open=any(each["is_open"] for each in episodes),
        on_a_clock=row["timers"] > 0,
        passed_on=tuple(_day(each.get("passed_on_at")) for each in episodes),
        callers=tuple(each.get("caller") or "" for each in episodes),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text[:10]) if text else None


def read_post(path: Path) -> Post:
    """Read the receiver's file."""
    bodies: dict[str, str] = {}
    ids: dict[tuple[str, str], set[str]] = {}
    addressees: dict[str, str] = {}
    kinds: Counter[str] = Counter()
    repeats = changed = unsigned = 0
    with path.open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            if not row["signed"]:
                unsigned += 1
            elif row["id"] in bodies:
                changed += bodies[row["id"]] != row["body"]
                repeats += bodies[row["id"]] == row["body"]
            else:
                bodies[row["id"]] = row["body"]
                kinds[row["type"]] += 1
                if row["type"] == HANDED_OFF:
                    ids.setdefault((row["contact"], row.get("hop", SALES)), set()).add(row["id"])
                    addressees[row["id"]] = row.get("owner", "")
    return Post(ids=ids, repeats=repeats, changed=changed, unsigned=unsigned, kinds=kinds, addressees=addressees)


def wrong_days(lived: Lived, seen: Mapping[str, Seen], ledger: Ledger, steps: tuple[Step, ...]) -> list[str]:
    """One line for each lead not handed over once, on its day, by the connector's word and by the sandbox's log."""
    lines = []
    for story in lived.plan.stories:
        contact = ledger.contacts.get(story.number, "")
        should = (steps[story.handed_in].last,) if story.handed_in <= lived.last.number else ()
        says = seen[contact].handed_on if contact in seen else ()
        entered = ledger.entered_on.get(contact)
        shows = (entered,) * ledger.entries.get(contact, 0) if entered else ()
        if says != should or shows != should:
            lines.append(
                f"lead {story.number} (contact {contact or 'none'}): {_days(should)} planned, "
                f"{_days(says)} by the connector, {_days(shows)} by the suppression list"
            )
    return lines


def _days(days: Iterable[date | None]) -> str:
    return " and ".join(str(each) for each in days) or "never"


def silent(lived: Lived, seen: Mapping[str, Seen], ledger: Ledger) -> int:
    """Count leads that should be in sales' hands or done, and have neither an open episode on a clock nor an end."""
    found = 0
    for number in lived.handed():
        lead = seen.get(ledger.contacts.get(number, ""))
        found += lead is None or not lead.states or (lead.is_open and not lead.on_a_clock)
    return found


def by_origin(seen: Iterable[Seen]) -> dict[str, list[int]]:
    """Won and all leads per origin, by the connector's own contacts and episodes."""
    leads: Counter[str] = Counter()
    won: Counter[str] = Counter()
    for lead in seen:
        leads[lead.origin] += 1
        won[lead.origin] += "won" in lead.states
    return {origin: [won[origin], count] for origin, count in leads.most_common()}


def by_owner(seen: Iterable[Seen], reps: Mapping[str, str]) -> dict[str, int]:
    """Handed leads per `sr_id`; `reps` gives it for an owner id."""
    handed: Counter[str] = Counter(dict.fromkeys(reps.values(), 0))
    for lead in seen:
        handed.update(reps.get(owner, owner or "nobody") for owner in lead.owners)
    return dict(sorted(handed.items()))


def owners_lost(seen: Mapping[str, Seen], log: Mapping[str, list[str]]) -> int:
    """Count contacts whose owner in the sandbox's log is not the one that routing chose, or was set more than once."""
    return sum(log.get(contact, []) != list(lead.owners) for contact, lead in seen.items())


def steps_differing(lived: Lived, reported: Mapping[str, int], torn: Iterable[int]) -> list[str]:
    """Steps whose syncs reported another count of handovers than planned; those in which the connector died may."""
    planned, apart = lived.plan.handed_per_step(), set(torn)
    return [
        f"step {number}: {reported.get(str(number), 0)} reported, {planned[number]} planned"
        for number in range(lived.last.number + 1)
        if number not in apart and reported.get(str(number), 0) != planned[number]
    ]


def compare(result: Mapping[str, Any], lived: Lived, extra: Mapping[str, int]) -> list[Line]:
    """Put each figure next to the one from the files alone. `extra` are further counts that must be 0."""
    handed = len(lived.handed())
    loads = result["by_owner"].values()
    lines = [
        same("handoff notices", result["notices"], handed),
        *common(result, lived),
        near("owners' loads", loads),
        same("handed to owners", sum(loads), handed),
    ]
    return lines + [same(name, count, 0) for name, count in extra.items()]


def common(result: Mapping[str, Any], lived: Lived) -> list[Line]:
    """What is compared however many hops there are."""
    leads, won = len(lived.arrived()), len(lived.won())
    lines = [
        same("leads", result["leads"], leads),
        same("episodes", result["episodes"], len(lived.handed())),
        same("told twice", result["doubles"], 0),
        same("silent", result["silent"], 0),
        same("won", result["won"], won),
        same("conversion", _percent(result["won"], result["leads"]), _percent(won, leads)),
    ]
    files = lived.by_origin()
    for origin in sorted(files.keys() | result["by_origin"].keys(), key=lambda name: -files.get(name, [0, 0])[1]):
        found, right = result["by_origin"].get(origin, [0, 0]), files.get(origin, [0, 0])
        lines.append(same(f"won of {origin}", "{}/{}".format(*found), "{}/{}".format(*right)))
    lines.append(same("on a wrong day", result["wrong_day"], 0))
    lines.append(same("suppression list mismatches", result["list_mismatches"], 0))
    return lines


def near(name: str, loads: Collection[int]) -> Line:
    """Who takes turns has as many as anybody, or one more or fewer."""
    spread = max(loads, default=0) - min(loads, default=0)
    return Line(name=f"{name}, most - least", found=str(spread), expected="at most 1", right=spread <= 1)


def same(name: str, found: object, expected: object) -> Line:
    return Line(name=name, found=str(found), expected=str(expected), right=found == expected)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.3f} %" if whole else "none"
