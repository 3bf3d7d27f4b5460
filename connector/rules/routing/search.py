"""Search: who is there, and what has been noted about each while looking for one lead's owner (R13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connector.domain.contact import OwnerId
from connector.domain.decision import Candidate, Route
from connector.domain.owner import Owner
from connector.rules.routing.lead import Lead
from connector.rules.situation import Desk
from connector.rules.words import sentence

TAKEN_AWAY = "a person took this lead from them"
HAD_IT = "had this lead before"
LEFT = "is no longer active in the CRM"


def order(owner: OwnerId) -> tuple[int, str]:
    """Ids are numbers written as text: by length first, so that 9 comes before 10."""
    return len(owner), owner


class Directory:
    """Owners by id and e-mail."""

    def __init__(self, owners: Sequence[Owner]) -> None:
        self.by_id = {owner.id: owner for owner in owners}
        self.active = sorted((owner.id for owner in owners if not owner.archived), key=order)
        # An address may belong to somebody who left and came back: the active one counts.
        self._by_email = {o.email.lower(): o.id for o in sorted(owners, key=lambda o: not o.archived) if o.email}

    def find(self, name: str) -> OwnerId | None:
        """The owner that an admin calls by e-mail or id; None for nobody."""
        return self._by_email.get(name.lower()) or (OwnerId(name) if OwnerId(name) in self.by_id else None)

    def is_active(self, owner: OwnerId) -> bool:
        return owner in self.by_id and not self.by_id[owner].archived

    def name(self, owner: OwnerId) -> str:
        known = self.by_id.get(owner)
        return (known.name or known.email) if known and (known.name or known.email) else "an owner without a name"


class Search(Directory):
    """A directory with the remarks for one route's sentence, and why each candidate was passed over."""

    def __init__(self, lead: Lead, desk: Desk) -> None:
        super().__init__(desk.owners)
        self.lead, self.open_leads, self.given_today = lead, desk.open_leads, desk.given_today
        self.remarks: list[str] = []
        self._why_not: dict[OwnerId, str] = {}

    def was_theirs(self, owner: OwnerId) -> str:
        """Why this lead does not go back to them, as long as somebody else is there; empty for everybody else."""
        if owner == self.lead.taken_from:
            return TAKEN_AWAY
        return HAD_IT if owner in self.lead.former_owners else ""

    def pass_over(self, owner: OwnerId, why_not: str) -> None:
        """Note why not; the first reason stands."""
        self._why_not.setdefault(owner, why_not)

    def choose(
        self,
        owner: OwnerId | None,
        rule: str,
        why: str,
        *,
        pool: str = "",
        party: str = "",
        rotation: Mapping[OwnerId, int] | None = None,
    ) -> Route:
        """The route to `owner`, None for an agency, with everyone who was considered and why not."""
        chosen = () if owner is None else (Candidate(owner=owner),)
        others = [Candidate(owner=other, why_not=why_not) for other, why_not in self._why_not.items() if other != owner]
        return Route(
            owner=owner,
            rule=f"routing.{rule}",
            sentence=" ".join([*self.remarks, sentence((why,))]),
            candidates=(*chosen, *others),
            pool=pool,
            party=party,
            rotation=rotation,
        )
