"""What every day of the story needs to hand: the world, the post, the connector, and ways to look things up."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from connector.bootstrap import Connector
from connector.cli.story import StoryError
from connector.cli.story.people import Person
from connector.cli.story.post import Letter, PostRoom
from connector.cli.story.stage import Stage
from connector.cli.story.world import World, at, spell
from connector.domain.notice import NoticeKind
from connector.domain.run import RunStatus
from connector.engine.explain import Explanation, explain
from connector.engine.ports import Progress
from connector.engine.report import RunReport

HANDED = NoticeKind.LEAD_HANDED_OFF


@dataclass(slots=True)
class Teller:
    """The connector is the real one; it knows nothing of the story. `deals`: e-mail → id of a deal that will be won."""

    world: World
    post: PostRoom
    connector: Connector
    stage: Stage
    deals: dict[str, str] = field(default_factory=dict)

    def sync(
        self, when: str, *, status: RunStatus = RunStatus.COMPLETED, progress: Progress | None = None
    ) -> RunReport:
        """Put the portal's clock there and run the connector once.

        Raises:
            StoryError: the run did not end as it should.
        """
        self.world.clock(at(when))
        report = self.connector.sync(progress=progress)
        if report.status is not status:
            why = "; ".join(report.troubles)
            raise StoryError(f"the run of {when} ended as {report.status.value}, not {status.value}: {why}")
        return report

    def explain(self, person: Person) -> Explanation:
        portal = self.connector.portal()
        with self.connector.store(portal).reading() as uow:
            contact = uow.find_contact(person.email)
            found = explain(uow, contact, self.connector.book, time_zone=portal.time_zone) if contact else None
        if found is None:
            raise StoryError(f"Handoff does not know {person.name}")
        return found

    # -- the CRM -----------------------------------------------------------------------------------------------

    @property
    def list_name(self) -> str:
        return self.connector.book.suppression.marketing_hold.list

    def members(self) -> frozenset[str]:
        """Addresses on the suppression list, as read from the sandbox."""
        return self.world.members(self.list_name)

    def shown(self, person: Person, name: str) -> str:
        """A property of a contact, as it stands in the sandbox; empty where it has none."""
        return self.world.contact(person.email).get(name, "")

    def rep(self, person: Person) -> str:
        """The name of the contact's owner in the sandbox; empty where it has none."""
        return self.world.owners().get(self.shown(person, "hubspot_owner_id"), "")

    def handed(self, person: Person) -> list[Letter]:
        """The messages by which a rep was given this person."""
        return self.post.find("reps", HANDED, person.email)

    # -- what reps do ------------------------------------------------------------------------------------------

    def calls(self, person: Person, when: str, *, after: timedelta = timedelta(0)) -> str:
        """The person's rep rings up and HubSpot logs it; gives the rep's name."""
        contact = self.world.contact(person.email)
        owner = contact["hubspot_owner_id"]
        self.world.act({"kind": "call", "contact": contact["id"], "owner": owner, "at": spell(at(when) + after)})
        return self.world.owners()[owner]

    def answers(self, person: Person, when: str, **properties: str) -> None:
        """The rep fills in Handoff's properties in HubSpot."""
        self.world.act({"kind": "edit", "contact": person.email, "properties": properties, "at": spell(at(when))})
