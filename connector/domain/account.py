"""An account: a company, known by its domain, whose contacts should meet one rep."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from connector.domain.contact import ContactId, OwnerId
from connector.domain.episode import Episode, Hop


@dataclass(slots=True)
class Accounts:
    """Who has the leads of each account, at telequalification and in sales; the newest last. No domain, no account."""

    holders: dict[tuple[Hop, str], dict[ContactId, OwnerId]] = field(default_factory=dict)

    def give(self, hop: Hop, domain: str, contact: ContactId, owner: OwnerId) -> None:
        """This lead is the account's newest now."""
        if domain:
            holders = self.holders.setdefault((hop, domain), {})
            holders.pop(contact, None)
            holders[contact] = owner

    def move(self, episode: Episode, domain: str) -> None:
        """Somebody else has this lead now; it is as new as it was."""
        holders = self.holders.get((episode.hop, domain), {})
        if episode.contact in holders and episode.owner is not None:
            holders[episode.contact] = episode.owner

    def owner(self, hop: Hop, domain: str, *, had_by: Collection[OwnerId] = ()) -> OwnerId | None:
        """Who has its newest lead; those who had the lead that is asked about only where nobody else has one."""
        holders = self.holders.get((hop, domain), {}).values()
        others = [owner for owner in holders if owner not in had_by]
        return next(reversed(others or list(holders)), None)
