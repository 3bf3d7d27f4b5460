"""Ninety days of one rule book: a sandbox, the real connector with the files that `init --template` wrote, and a story.

What comes of it is read where people would see it: in the portal, in its journal, and in the notices that were sent.
The connector itself is asked for one thing alone, why it did not hand somebody over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from book_story import BEGINS, LASTS, Story
from portal_world import UNLIMITED, World, served

from connector.bootstrap import Connector
from connector.config.templates import write_template
from connector.domain.contact import ContactId
from connector.engine.explain import ANSWERS, Explanation, explain
from connector.engine.preflight import complaints

LANES = {
    "hand_raiser": "asked for sales",
    "score": "fit and interest",
    "request": "by hand",
    "return": "its day had come",
    "customer": "customer with a new interest",
}
"""A lane of the notices, as pages call it."""
Ends = Counter[tuple[str, str]]
"""(what, which) -> how many."""


@dataclass(frozen=True, kw_only=True)
class End:
    """How one lead stands at the end.

    Attributes:
        state: in the portal; empty where sales never had it. why: it does not go to sales, where it does not.
        mark: the form that it opened and did not send. owner: id; team: the owner's; empty where there is none.
        held: on the list that marketing's mails exclude. triaged: the triage desk looks at it.
    """

    state: str
    why: str
    mark: str
    owner: str
    team: str
    held: bool
    triaged: bool

    @property
    def words(self) -> str:
        """As the pages say it."""
        return self.state.replace("_", " ") or self.why


@dataclass(kw_only=True)
class Life:
    """One portal under one rule book. `contacts`: lead -> id, once there is one."""

    story: Story
    world: World
    connector: Connector
    contacts: dict[str, str]

    def live(self, *, every_day: bool = False) -> None:
        """Ninety days, with a run after everything that happens, and at the end; `every_day`: each evening too."""
        moments: dict[datetime, Any] = dict(self.story.moments)
        evenings = [BEGINS + timedelta(days=day, hours=20) for day in range(LASTS)]
        for at in sorted({*moments, *(evenings if every_day else ())}):
            self.world.clock(at)
            for deed in moments.get(at, ()):
                for act, done in self._do(self.story.acts(deed)):
                    self.contacts.setdefault(deed.lead, done.get("contact") or "")
                    if act["kind"] == "deal":
                        self.story.deals[deed.lead] = done["deal"]
            self.world.later(minutes=5)
            self._run()
        self.world.clock(self.story.ends_at)
        self._run()

    def _do(self, acts: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        return zip(acts, self.world.acts(*acts), strict=True)

    def _run(self) -> None:
        report = self.connector.sync(self.connector.options())
        assert report.exit_code == 0 and not report.troubles, (self.story.name, report.troubles)

    # -- what came of it -------------------------------------------------------------------------------------------

    def ends(self, leads: Mapping[str, End]) -> Ends:
        """What the pages state beforehand: handoffs, hand-backs, holds, who is kept from sales, forms left open."""
        found: Ends = Counter()
        for notice in self._told("lead.handed_off"):
            if notice["state"] == "telequalified":
                found["passed on to a rep", notice["why_now"].rstrip(".")] += 1
            else:
                to = "telequalification" if notice.get("tell") == ["telequalification"] else "sales"
                found[f"handed to {to}", LANES[notice["lane"]]] += 1
        for notice in self._told("lead.recycled"):
            found["handed back", notice["why_now"].rstrip(".")] += 1
        for notice in self._told("lead.triaged"):
            found["sent to the triage desk", notice["why_now"].rstrip(".")] += 1
        if won := self.shown_states()["won"]:
            found["won", "customers"] = won
        for end in leads.values():
            if end.held:
                found["on the marketing hold", end.words] += 1
            if not end.state and not end.triaged:
                found["kept from sales", end.why] += 1
            if end.mark:
                found["form opened and not sent", end.mark] += 1
        return found

    def leads(self) -> dict[str, End]:
        """Each lead of the story as it stands now."""
        names = ["handoff_state", "handoff_abandoned_form", "hubspot_owner_id"]
        asked = {"properties": names, "inputs": [{"id": number} for number in self.contacts.values()]}
        rows = self.world.api("POST", "/crm/v3/objects/contacts/batch/read", asked)["results"]
        shown = {row["id"]: row["properties"] for row in rows}
        teams = {row["id"]: _team(row) for row in self.world.api("GET", "/crm/v3/owners", limit=100)["results"]}
        members, told = self.world.members(), self._explained()
        return {
            lead: End(
                state=shown[number]["handoff_state"] or "",
                mark=shown[number]["handoff_abandoned_form"] or "",
                owner=shown[number]["hubspot_owner_id"] or "",
                team=teams.get(shown[number]["hubspot_owner_id"] or "", ""),
                held=number in members,
                triaged=told[lead].answer == ANSWERS["triage"],
                why="not enough interest yet" if told[lead].missing else told[lead].why.rstrip("."),
            )
            for lead, number in self.contacts.items()
        }

    def _explained(self) -> dict[str, Explanation]:
        with self.connector.store(self.connector.portal()).reading() as uow:
            found = {
                lead: explain(uow, ContactId(number), self.connector.book) for lead, number in self.contacts.items()
            }
        return {lead: told for lead, told in found.items() if told is not None}

    def shown_states(self) -> Counter[str]:
        """Every state that the portal's journal saw begin: a second witness of what notices tell."""
        return Counter(
            event["after"]
            for event in self.world.log("property")
            if event["name"] == "handoff_state" and event["after"]
        )

    def _told(self, kind: str) -> list[dict[str, Any]]:
        """The packets of a kind, each once, however often it was delivered."""
        return list({notice["webhook-id"]: notice["data"] for notice in self.world.receiver.of(kind)}.values())


def _team(owner: Mapping[str, Any]) -> str:
    return next((str(team["name"]) for team in owner.get("teams") or ()), "")


@contextmanager
def begun(story: Story, folder: Path) -> Iterator[Life]:
    """A portal on the eve of the first day: `init --template`, what the admin makes by hand, and a first run.

    What `handoff check` complains of before the admin made it is exactly what the story says is to be made.
    """
    with served() as url:
        write_template(folder / "mappings", story.name)
        made = World(url, folder, enterprise=True, timeZone="Europe/Berlin", switches=UNLIMITED)
        with closing(made) as world:
            world.clock(BEGINS - timedelta(hours=14))
            _furnish(world, story)
            world.watch(**story.watch)
            world.lay_tables()
            world.init()
            with world.connector() as connector:
                _make_properties(world, story, connector)
                life = Life(story=story, world=world, connector=connector, contacts={})
                life._run()
                yield life


def _furnish(world: World, story: Story) -> None:
    """The forms and owners of the story, and no other forms."""
    for form in world.api("GET", "/marketing/v3/forms", limit=100)["results"]:
        if form["name"] not in story.forms:
            world.api("DELETE", f"/marketing/v3/forms/{form['id']}")
    there = {form["name"] for form in world.api("GET", "/marketing/v3/forms", limit=100)["results"]}
    world.control("POST", "forms", [{"name": name} for name in story.forms if name not in there])
    if story.owners:
        world.control("POST", "owners", list(story.owners))


def _make_properties(world: World, story: Story, connector: Connector) -> None:
    lacking = complaints(connector.book, connector.gateway.schema(), connector.gateway.owners())
    wanted = [row["name"] for row in story.properties]
    assert len(lacking) == len(wanted), lacking
    for row in story.properties:
        assert any(f"names the property `{row['name']}`, which the portal lacks" in line for line in lacking), lacking
        world.api("POST", "/crm/v3/properties/contacts", {"groupName": "contactinformation", **row})
    schema = connector.gateway.schema()
    assert complaints(connector.book, schema, connector.gateway.owners()) == ()
