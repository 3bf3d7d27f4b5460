"""What the tables of the cookbook are given: cells as values, and the lead, the reps and the past that a trial knows.

A lead stands in a table as in an example: values as HubSpot would send them, under our names of fields. What is tried
with it is trials.py's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from factories import PORTAL, make_episode, make_owner

from connector.config.examples import NOW
from connector.config.yaml_text import read_yaml
from connector.domain.activity import Activity
from connector.domain.contact import Contact, ContactId
from connector.domain.deal import Deal, DealState
from connector.domain.episode import Episode, State
from connector.domain.record import Record
from connector.rules.durations import parse_duration
from connector.rules.fields import normalise
from connector.rules.qualification import ExampleActivity
from connector.rules.rulebook import RuleBook
from connector.rules.situation import Desk, Situation

Row = Mapping[str, str]
NOTHING = "–"
WHO = ContactId("101")
REPS = {
    name: make_owner(
        str(number),
        name=f"{name} Sample",
        email=f"{name.lower()}.sample@company.example",
        archived=name == "Eve",
        teams=("Inside Sales",) if name in ("Ben", "Cleo") else (),
    )
    for number, name in enumerate(("Ana", "Ben", "Cleo", "Dan", "Eve"), 7)
}
"""Eve has left; Ben and Cleo are in a team."""
NAMES: Mapping[str, str] = {owner.id: name for name, owner in REPS.items()}


def plain(cell: str) -> str:
    """A cell without its backticks; nothing where it holds a dash."""
    text = cell.replace("`", "").strip()
    return "" if text == NOTHING else text


def read(cell: str) -> dict[str, Any]:
    """A cell that holds keys with values."""
    text = plain(cell)
    found = read_yaml(f"{{{text.removeprefix('{').removesuffix('}')}}}".encode(), "table").value
    assert isinstance(found, dict), cell
    return found


def read_list(cell: str) -> list[Any]:
    text = plain(cell)
    found = read_yaml(f"[{text.removeprefix('[').removesuffix(']')}]".encode(), "table").value
    assert isinstance(found, list), cell
    return found


# -- what a trial is given ------------------------------------------------------------------------------------------


def lead(values: Mapping[str, Any], book: RuleBook, *, said_now: bool = False) -> Contact:
    """A contact as the CRM would send it. `said_now`: its values were set a minute ago, else nobody knows when."""
    names = {"first_name": "Kim", "last_name": "Sample", "email": "kim@acme.example"} | dict(values)
    if names.get("owner") in REPS:
        names["owner"] = REPS[names["owner"]].id
    sent = {rule.property: wire(names[name]) for name, rule in book.fields.fields.items()
            if rule.property is not None and name in names}  # fmt: skip
    assert set(names) <= set(book.fields.fields), f"fields.yaml does not know all of {', '.join(values)}"
    at = NOW - timedelta(days=30)
    contact = normalise(Record(id=WHO, asked_id=WHO, properties=sent, created_at=at, modified_at=at),
                        book.fields, book.stages.values)  # fmt: skip
    return replace(contact, changed_at=dict.fromkeys(values, NOW - timedelta(minutes=1))) if said_now else contact


def wire(value: Any) -> str:
    """A value as the CRM sends it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def did(rows: Sequence[Any]) -> list[Activity]:
    """Activities, written as in examples, oldest first."""
    read = [ExampleActivity.model_validate(row) for row in rows]
    made = [
        Activity(
            stream="examples", id=str(place), contact=WHO, kind=row.kind, occurred_at=NOW - row.ago, name=row.name,
            ref=row.ref, url=row.url, automatic=row.automatic,
        )
        for place, row in enumerate(read)
    ]  # fmt: skip
    return sorted(made, key=lambda row: row.occurred_at)


def deals(rows: Sequence[Any]) -> list[Deal]:
    found = []
    for place, row in enumerate(rows):
        at = NOW - parse_duration(row.get("ago", "1d")).wall()
        state = DealState(row["state"])
        closed = None if state is DealState.OPEN else at
        found.append(Deal(id=str(place), contacts=(WHO,), state=state, created_at=at, modified_at=at, closed_at=closed,
                          amount=row.get("amount")))  # fmt: skip
    return found


def ago(cell: str) -> datetime:
    return NOW - parse_duration(plain(cell)).wall()


def situation(contact: Contact, **more: Any) -> Situation:
    given: dict[str, Any] = {"desk": Desk(owners=tuple(REPS.values()), rotation={}, open_leads={}), **more}
    return Situation(portal=PORTAL, contact=contact, **given)


def former(row: Row) -> tuple[Episode, ...]:
    """The attempt before this one, where the row tells of one: who had it, and when it was handed over."""
    who, when = plain(row.get("had it before", "")), plain(row.get("handed over before", ""))
    if not (who or when):
        return ()
    handed = ago(when) if when else NOW - timedelta(days=60)
    back = handed + timedelta(days=1)
    attempt = make_episode(
        contact=WHO, state=State.RECYCLED, owner=REPS[who or "Ana"].id, opened_at=handed, handed_off_at=handed,
        ended_at=back, exit_reason="not_ready", marketing_held=False,
    )  # fmt: skip
    return (attempt,)
