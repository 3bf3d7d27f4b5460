"""Gathering: everything that is stored of some contacts, in a handful of queries, and the situations it makes.

What is read depends on no rule but how far back they look, so that two rule books can judge the same facts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from connector.domain.account import Accounts
from connector.domain.activity import Activity
from connector.domain.contact import ContactId, OwnerId, PortalId
from connector.domain.deal import Deal
from connector.domain.episode import Episode, Hop
from connector.domain.owner import Owner
from connector.domain.timer import Timer
from connector.engine.ports import StoredContact, UnitOfWork
from connector.rules.follow import had
from connector.rules.rulebook import RuleBook
from connector.rules.scanners import sift
from connector.rules.situation import Desk, Situation


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What is stored of up to a few hundred contacts.

    Attributes:
        stored: neither gone nor merged ones. activities: oldest first, none after `now`.
        accounts: who has the leads of these companies.
        given_today: leads that each owner got since midnight; overdue: timers that came due to take a lead from its
            holder; both empty where no rule asks.
        rotation, open_leads, accounts, given_today: mutable; turns move on from lead to lead within a batch (R12).
    """

    stored: dict[ContactId, StoredContact]
    activities: Mapping[ContactId, Sequence[Activity]]
    deals: Mapping[ContactId, Sequence[Deal]]
    episodes: Mapping[ContactId, Sequence[Episode]]
    owners: dict[OwnerId, Owner]
    rotation: dict[str, dict[OwnerId, int]]
    open_leads: dict[OwnerId, int]
    accounts: Accounts
    given_today: dict[OwnerId, int] = field(default_factory=dict)
    overdue: dict[ContactId, list[Timer]] = field(default_factory=dict)


def gather(uow: UnitOfWork, ids: Sequence[ContactId], *, now: datetime, look_back: timedelta) -> Gathered:
    """Read these contacts with their past; a number of queries that does not grow with them."""
    stored = {key: row for key, row in uow.contacts(ids).items() if not row.gone and row.merged_into is None}
    activities = uow.activities(ids, now - look_back)
    deals, episodes = uow.deals(ids), uow.episodes(ids)
    domains = {domain for row in stored.values() if (domain := account_of(row))}
    return Gathered(
        stored=stored,
        activities={key: [row for row in rows if row.occurred_at <= now] for key, rows in activities.items()},
        deals=deals,
        episodes=episodes,
        owners={owner.id: owner for owner in uow.owners()},
        rotation={pool: dict(pointers) for pool, pointers in uow.rotation().items()},
        open_leads=dict(uow.open_leads()),
        accounts=uow.accounts(sorted(domains)) if domains else Accounts(),
    )


def situations_of(
    gathered: Gathered, book: RuleBook, *, portal: PortalId, past: datetime | None, adopt: Collection[ContactId] = ()
) -> dict[ContactId, Situation]:
    """The situation of each, by what the book takes for machines' doing; without the owner of its account."""
    desk = Desk(
        owners=tuple(gathered.owners.values()),
        rotation=gathered.rotation,
        open_leads=gathered.open_leads,
        given_today=gathered.given_today,
    )
    sifted = {key: sift(rows, book.scoring.scanners) for key, rows in gathered.activities.items()}
    return {
        key: Situation(
            portal=portal,
            contact=row.contact,
            activities=sifted[key].kept,
            dropped=sifted[key].dropped,
            deals=gathered.deals.get(key, ()),
            episodes=gathered.episodes.get(key, ()),
            since=past,
            adopt=key in adopt,
            overdue=gathered.overdue.get(key, ()),
            desk=desk,
        )
        for key, row in gathered.stored.items()
    }


def with_account(situation: Situation, gathered: Gathered) -> Situation:
    """With the owner of its company as it is now: an earlier lead of the batch may have given it one."""
    return in_account(situation, gathered.accounts, account_of(gathered.stored[situation.contact.id]))


def in_account(situation: Situation, accounts: Accounts, domain: str) -> Situation:
    """With the owner and the caller of its company, who have had none of its attempts where there are others."""
    had_by = had(situation.open_episode) if situation.open_episode is not None else ()
    return replace(
        situation,
        account_owner=accounts.owner(Hop.SALES, domain, had_by=had_by),
        account_caller=accounts.owner(Hop.TELEQUALIFICATION, domain, had_by=had_by),
    )


def account_of(row: StoredContact) -> str:
    """The company's domain, by which contacts of one account stay together; empty for private mailboxes."""
    return row.contact.text("domain")
