"""A situation: everything that deciding on one contact may look at, gathered before the rules are asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from connector.domain.activity import Activity
from connector.domain.contact import Contact, OwnerId, PortalId
from connector.domain.deal import Deal
from connector.domain.episode import Episode
from connector.domain.owner import Owner
from connector.domain.timer import Timer
from connector.rules.scanners import Dropped


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The sales side at this moment; routing moves its turns from lead to lead within a batch.

    Attributes:
        rotation: pool -> owner -> pointer. open_leads: open, not silent episodes per owner.
        given_today: leads that each owner got since midnight in the portal's zone; empty where nobody asks (R12).
    """

    owners: Sequence[Owner]
    rotation: Mapping[str, Mapping[OwnerId, int]]
    open_leads: Mapping[OwnerId, int]
    given_today: Mapping[OwnerId, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One contact with its past.

    Attributes:
        activities: oldest first, without those that machines did; dropped: those, for people to see (R09).
        episodes: all of the contact, by ordinal; at most one is open.
        since: signals before it are the past (R41); None where nothing is.
        adopt: `handoff adopt` chose this contact; its past counts from now on.
        account_owner: who has the latest lead of the contact's company; account_caller: at telequalification.
        overdue: timers that came due to take the lead from its holder (R17).
    """

    portal: PortalId
    contact: Contact
    activities: Sequence[Activity] = ()
    dropped: Sequence[Dropped] = ()
    deals: Sequence[Deal] = ()
    episodes: Sequence[Episode] = ()
    since: datetime | None = None
    adopt: bool = False
    account_owner: OwnerId | None = None
    account_caller: OwnerId | None = None
    overdue: Sequence[Timer] = ()
    desk: Desk = field(default_factory=lambda: Desk(owners=(), rotation={}, open_leads={}))

    @property
    def open_episode(self) -> Episode | None:
        return next((episode for episode in self.episodes if episode.is_open), None)

    @property
    def last_ended(self) -> Episode | None:
        """The last attempt that stood; one that a person undid is none (R36), but see `undone`."""
        if not self.episodes:
            return None  # most leads, and this is asked several times of each
        ended = [episode for episode in self.episodes if episode.ended_at is not None and not episode.was_undone]
        return max(ended, key=lambda episode: (episode.ended_at, episode.ordinal), default=None)

    @property
    def undone(self) -> Episode | None:
        """The latest handover that a person undid: what spoke for it then has had its answer."""
        undone = [episode for episode in self.episodes if episode.ended_at is not None and episode.was_undone]
        return max(undone, key=lambda episode: (episode.ended_at, episode.ordinal), default=None)

    @property
    def next_ordinal(self) -> int:
        return max((episode.ordinal for episode in self.episodes), default=0) + 1
