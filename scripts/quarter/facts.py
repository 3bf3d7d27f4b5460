"""Facts: what the log says of each contact, owner and list up to a moment; nothing is judged here.

Lines are those of the sandbox's journal (what was written, by whom, when), with lines of the world's own between them:
`run` and `ran` (the scheduler called, the call is over), `notice` (the receiver was told something), `broken` (the
sandbox refused something). Times are aware.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from quarter.promises import ASKING, FORMS, PRICES

Line = Mapping[str, Any]
MACHINE = "INTEGRATION"
TOUCHES = {"calls": "call", "emails": "email", "meetings": "meeting"}


def when(text: str) -> datetime:
    return datetime.fromisoformat(text)


def from_ms(text: str) -> datetime:
    return datetime.fromtimestamp(int(text) / 1000, UTC)


@dataclass
class Deal:
    made_at: datetime
    stage: str
    closed_at: datetime | None = None


@dataclass
class Lead:
    """One contact as the portal shows it.

    Attributes:
        values, changed: each property and when it last changed. asked: times of forms that ask for sales.
        looked: times of looks at the prices. touches: (time, channel) of what sales logged.
        listed: on the list that marketing's mails exclude. last_at: when anything was done last, by people or to them.
    """

    id: str
    created_at: datetime
    values: dict[str, str] = field(default_factory=dict)
    changed: dict[str, datetime] = field(default_factory=dict)
    asked: list[datetime] = field(default_factory=list)
    looked: list[datetime] = field(default_factory=list)
    touches: list[tuple[datetime, str]] = field(default_factory=list)
    deals: dict[str, Deal] = field(default_factory=dict)
    listed: bool = False
    last_at: datetime | None = None

    def get(self, name: str) -> str:
        return self.values.get(name, "")

    @property
    def domain(self) -> str:
        return self.get("email").partition("@")[2]

    def said_since(self, name: str, start: datetime) -> str:
        """The value of a property where it was set since; empty otherwise."""
        changed = self.changed.get(name)
        return self.get(name) if changed is not None and changed >= start else ""


@dataclass
class Owner:
    id: str
    email: str
    archived: bool


class Facts:
    """Takes one line after the other. `touched`: leads of which something was said since it was last emptied."""

    def __init__(self) -> None:
        self.leads: dict[str, Lead] = {}
        self.owners: dict[str, Owner] = {}
        self.touched: set[str] = set()
        self.written: dict[str, list[Line]] = defaultdict(list)
        """What the machine wrote to each lead since it was last emptied."""
        self._engagements: dict[str, tuple[datetime, str]] = {}
        self._deals: dict[str, Deal] = {}
        self._contacts_of: dict[str, str] = {}

    def take(self, line: Line) -> None:
        """One line of the journal; kinds that say nothing of leads or owners are passed over."""
        reader = getattr(self, f"_{line['kind']}", None)
        if reader is not None:
            reader(line, when(line["at"]))

    def _owner(self, line: Line, _: datetime) -> None:
        self.owners[line["id"]] = Owner(line["id"], line["email"], line["archived"])

    def _created(self, line: Line, at: datetime) -> None:
        kind, number, values = line["object"], line["id"], line["properties"]
        if kind == "contacts":
            lead = self.leads.setdefault(number, Lead(number, at))
            lead.values |= {name: value for name, value in values.items() if value}
            lead.changed |= dict.fromkeys(lead.values, at)
            self._noted(lead, at)
        elif kind in TOUCHES and values.get("hs_email_direction") != "INCOMING_EMAIL":
            happened = when(values["hs_timestamp"])
            self._engagements[number] = (happened, TOUCHES[kind])
        elif kind == "deals":
            self._deals[number] = Deal(at, values["dealstage"], at if _closed(values["dealstage"]) else None)

    def _association(self, line: Line, _: datetime) -> None:
        ends = {line["from_type"]: line["from_id"], line["to_type"]: line["to_id"]}
        lead = self.leads.get(ends.get("contacts", ""))
        if lead is None or line["removed"]:
            return
        for kind, number in ends.items():
            if kind in TOUCHES and number in self._engagements:
                happened, channel = self._engagements.pop(number)
                lead.touches.append((happened, channel))
                self._noted(lead, happened)
            elif kind == "deals" and number not in lead.deals:
                lead.deals[number] = self._deals[number]
                self._contacts_of[number] = lead.id
                self._noted(lead, self._deals[number].made_at)

    def _property(self, line: Line, at: datetime) -> None:
        if line["object"] == "deals" and line["name"] == "dealstage":
            deal = self._deals[line["id"]]
            deal.stage, deal.closed_at = line["after"], at if _closed(line["after"]) else None
            self._noted(self.leads[self._contacts_of[line["id"]]], at)
        if line["object"] != "contacts":
            return
        lead, name, value = self.leads[line["id"]], line["name"], line["after"] or ""
        lead.values[name] = value
        lead.changed[name] = at
        if name == "hs_calculated_form_submissions":
            guid, _, sent = value.split(";")[-1].split(":")
            if FORMS.get(guid) in ASKING:
                lead.asked.append(from_ms(sent))
        if name == "hs_analytics_last_url" and PRICES in value:
            lead.looked.append(at)
        if line["source"] == MACHINE:
            self.written[lead.id].append(line)
            self.touched.add(lead.id)
        else:
            self._noted(lead, at)

    def _list_add(self, line: Line, _: datetime) -> None:
        self._listed(line["record_id"], to=True)

    def _list_remove(self, line: Line, _: datetime) -> None:
        self._listed(line["record_id"], to=False)

    def _listed(self, number: str, *, to: bool) -> None:
        self.leads[str(number)].listed = to
        self.touched.add(str(number))

    def _noted(self, lead: Lead, at: datetime) -> None:
        lead.last_at = max(lead.last_at or at, at)
        self.touched.add(lead.id)


def _closed(stage: str) -> bool:
    return stage in ("closedwon", "closedlost")
