"""A person's edit before each call of a run, from the first to the last and after it (I2): theirs stands, one handover.

Each edit lies on a lead that this very run hands over, for the first time or once more, in a copy of fault_table.py's
world. A lead that comes back has the answers of last time, which the handover empties: those are edited too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fault_table import Lab, not_quiet, run, violations
from portal_world import World

LEADS = {"a new lead": "new.0@new-0.example", "a lead that is back": "known.5@known-5.example"}
ROUNDS = 3
EDITS: Mapping[str, tuple[str, str]] = {
    "stage": ("lifecyclestage", "opportunity"),
    "an earlier stage": ("lifecyclestage", "subscriber"),
    "status": ("hs_lead_status", "IN_PROGRESS"),
    "owner": ("hubspot_owner_id", ""),  # somebody else than whom the undisturbed run picks
    "request to hold": ("handoff_request", "hold"),
    "request to hand over": ("handoff_request", "hand_over"),
    "verdict": ("handoff_verdict", "junk"),
    "verdict accepted": ("handoff_verdict", "accepted"),
    "verdict's reason": ("handoff_verdict_reason", "no_buying_power"),
    "day of return": ("handoff_return_on", "2026-09-01"),
    "comment": ("handoff_comment", "Call after the fair."),
    "do not contact": ("handoff_do_not_contact", "true"),
}

KNOWN_BEFORE = ("an earlier stage", "verdict", "verdict accepted", "verdict's reason", "day of return", "comment")
"""Edits that, once read, the handover follows up by rule: the stage moves on, answers of before are emptied."""
COMES_WITH = {("a new lead", "status")}
"""What a contact came with when it was first seen is no word about a handover that had not begun (rules/plan.py)."""


@dataclass(frozen=True, slots=True)
class Place:
    """An edit just before the `call`-th call of the run, which is `what`; one beyond the last is after the run."""

    lead: str
    edit: str
    call: int
    what: str

    @property
    def name(self) -> str:
        return f"{self.edit} of {self.lead} edited before call {self.call} ({self.what})"


class Edits:
    """The calls of the undisturbed run, and what each edit in between leads to."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.calls: list[str] = lab.apart(self._calls)
        self.read = 1 + next(number for number, what in enumerate(self.calls) if "contacts/search" in what)
        self.owners: list[str] = lab.apart(self._owners)
        self.taken: dict[str, tuple[str, str]] = lab.apart(self._taken)

    def places(self) -> Iterator[Place]:
        for lead in LEADS:
            for edit in EDITS:
                for number, what in enumerate([*self.calls, "the run is over"], 1):
                    if (edit not in KNOWN_BEFORE and (lead, edit) not in COMES_WITH) or number > self.read:
                        yield Place(lead, edit, number, what)

    def try_one(self, place: Place) -> str:
        """What is wrong with this edit at this place, in one line; empty where the person's value stands."""
        wrong: str = self.lab.apart(lambda world: self._edited(world, place))
        return wrong

    def _calls(self, world: World) -> list[str]:
        made: list[str] = []
        with world.connector() as connector:
            door = connector.gateway._transport
            send = door._session.send

            def listening(request, **options):  # type: ignore[no-untyped-def]
                made.append(f"{request.method} {request.path_url.partition('?')[0]}")
                return send(request, **options)

            door._session.send = listening  # type: ignore[method-assign]
            assert run(connector, "plain", self.lab.day) == "completed"
        return made

    def _owners(self, world: World) -> list[str]:
        return [owner["id"] for owner in world.api("GET", "/crm/v3/owners")["results"]]

    def _taken(self, world: World) -> dict[str, tuple[str, str]]:
        """Lead -> its contact, and the owner whom the undisturbed run gives it to."""
        with world.connector() as connector:
            run(connector, "plain", self.lab.day)
        found = {}
        for lead, email in LEADS.items():
            contact = str(world.act("edit", contact=email, properties={"jobtitle": "Buyer"})["contact"])
            found[lead] = contact, world.read(contact, "hubspot_owner_id")["hubspot_owner_id"]
        return found

    def _edited(self, world: World, place: Place) -> str:
        prop, value = EDITS[place.edit]
        contact, owner = self.taken[place.lead]
        stands = world.read(contact, prop)[prop]  # what is there already is no edit
        value = value or next(each for each in self.owners if each not in (owner, stands))
        act = {"kind": "edit", "contact": contact, "properties": {prop: value}}
        if place.call <= len(self.calls):
            world.faults({"kind": "act_before", "acts": [act], "nth": place.call})
        with world.connector() as connector:
            said = run(connector, "plain", self.lab.day)
            if place.call > len(self.calls):
                world.acts(act)
            for _ in range(ROUNDS):
                if said.startswith("stopped"):
                    return f"the run {said}"
                said = run(connector, "plain", self.lab.day)
            stands = world.read(contact, prop)[prop] or ""
            if stands != value:
                return f"{prop} is {stands!r}; the person said {value!r}"
            return _told_once(world, contact) or violations(world) or not_quiet(
                world, connector, "plain", self.lab.day
            )


def _told_once(world: World, contact: str) -> str:
    handed = [each for each in world.receiver.of("lead.handed_off") if each["data"]["contact_id"] == contact]
    twice = [key for key, times in Counter(each["data"]["episode_id"] for each in handed).items() if times > 1]
    return f"told {len(handed)} times of one handover" if twice or len(handed) > 1 else ""
