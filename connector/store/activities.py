"""What contacts did, and the deals they are part of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, literal, select, update

from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import ContactId, OwnerId
from connector.domain.deal import Deal, DealState
from connector.store.part import IDS, PORTAL, Part
from connector.store.tables import activity, audit, contact, deal, deal_contact, episode

_KNOWN = select(activity.c.activity).where(
    activity.c.portal == PORTAL, activity.c.stream == bindparam("stream_"), activity.c.activity.in_(IDS)
)
_SURVIVORS = select(contact.c.contact, contact.c.merged_into).where(
    contact.c.portal == PORTAL, contact.c.contact.in_(IDS), contact.c.merged_into.is_not(None)
)
_WAITING = (
    select(activity.c.email)
    .where(activity.c.portal == PORTAL, activity.c.contact.is_(None), activity.c.email.in_(IDS))
    .distinct()
)
_CLAIM = (
    update(activity)
    .where(activity.c.portal == PORTAL, activity.c.contact.is_(None), activity.c.email == bindparam("email_"))
    .values(contact=bindparam("contact_"))
)
_OF_CONTACTS = (
    select(activity)
    .where(activity.c.portal == PORTAL, activity.c.contact.in_(IDS), activity.c.occurred_at >= bindparam("since"))
    .order_by(activity.c.occurred_at, activity.c.stream, activity.c.activity)
)
_TOLD = (
    select(audit.c.effect)
    .where(audit.c.portal == PORTAL, audit.c.effect == literal("leak:").concat(activity.c.activity))
    .exists()
)
_HANDED = (
    select(episode.c.episode)
    .where(
        episode.c.portal == PORTAL, episode.c.contact == activity.c.contact,
        episode.c.handed_off_at < activity.c.occurred_at,
    )
    .exists()
)
_MAIL_TO_LEADS = (
    select(activity)
    .where(
        activity.c.portal == PORTAL, activity.c.observed_at >= bindparam("since"),
        activity.c.activity > bindparam("after_"), activity.c.kind == ActivityKind.EMAIL_SENT.value,
        ~activity.c.automatic, _HANDED, ~_TOLD,
    )
    .order_by(activity.c.activity)
    .limit(bindparam("most"))
)
_DEALS = select(deal).where(deal.c.portal == PORTAL, deal.c.deal.in_(IDS))
_PEOPLE = (
    select(deal_contact)
    .where(deal_contact.c.portal == PORTAL, deal_contact.c.deal.in_(IDS))
    .order_by(deal_contact.c.deal, deal_contact.c.contact)
)
_FORGET_PEOPLE = delete(deal_contact).where(deal_contact.c.portal == PORTAL, deal_contact.c.deal.in_(IDS))
_DEALS_OF = (
    select(deal_contact.c.deal).where(deal_contact.c.portal == PORTAL, deal_contact.c.contact.in_(IDS)).distinct()
)


class Activities(Part):
    def put_activities(self, rows: Sequence[Activity], observed_at: datetime) -> frozenset[ContactId]:
        """An activity of a contact that was merged away counts for the survivor (I12)."""
        unseen = self.unseen_activities(rows)
        survivors = self._survivors({row.contact for row in unseen if row.contact})
        stored = [_activity_row(self.portal, row, survivors, observed_at) for row in unseen]
        self.insert_new(activity, stored)
        return frozenset(row["contact"] for row in stored if row["contact"])

    def unseen_activities(self, rows: Sequence[Activity]) -> list[Activity]:
        by_stream: dict[str, dict[str, Activity]] = {}
        for row in rows:
            by_stream.setdefault(row.stream, {}).setdefault(row.id, row)
        unseen: list[Activity] = []
        for stream, found in by_stream.items():
            known = {row.activity for row in self.select_by_id(_KNOWN, list(found), stream_=stream)}
            unseen += [row for name, row in found.items() if name not in known]
        return unseen

    def _survivors(self, ids: set[ContactId]) -> dict[ContactId, ContactId]:
        return {row.contact: row.merged_into for row in self.select_by_id(_SURVIVORS, sorted(ids))}

    def claim_activities(self, emails: Mapping[str, ContactId]) -> frozenset[ContactId]:
        found = {row.email for row in self.select_by_id(_WAITING, list(emails))}
        for email in sorted(found):
            self.change(_CLAIM, email_=email, contact_=emails[email])
        return frozenset(emails[email] for email in found)

    def activities(self, ids: Sequence[ContactId], since: datetime) -> dict[ContactId, list[Activity]]:
        """At or after `since`; every id asked for has its list, be it empty."""
        rows: dict[ContactId, list[Activity]] = {one: [] for one in ids}
        for row in self.select_by_id(_OF_CONTACTS, ids, since=since):
            rows[row.contact].append(read_activity(row))
        return rows

    def mail_to_leads(self, since: datetime, after: str, limit: int) -> list[Activity]:
        return [read_activity(row) for row in self.select(_MAIL_TO_LEADS, since=since, after_=after, most=limit)]

    # -- deals

    def put_deals(self, rows: Sequence[Deal]) -> frozenset[ContactId]:
        """Contacts that a deal has lost count as well: something changed for them."""
        new = {row.id: row for row in rows}
        known = self.deals_named(list(new))
        changed = [row for row in new.values() if known.get(row.id) != _sorted(row)]
        self.upsert(deal, [_deal_row(self.portal, row) for row in changed])
        self.change_by_id(_FORGET_PEOPLE, [row.id for row in changed])
        self.insert_new(deal_contact, [
            {"portal": self.portal, "deal": row.id, "contact": one} for row in changed for one in row.contacts
        ])
        before = [known[row.id] for row in changed if row.id in known]
        return frozenset(one for row in (*changed, *before) for one in row.contacts)

    def deals(self, ids: Sequence[ContactId]) -> dict[ContactId, list[Deal]]:
        """Oldest first; every id asked for has its list, be it empty."""
        rows: dict[ContactId, list[Deal]] = {one: [] for one in ids}
        found = self.deals_named([row.deal for row in self.select_by_id(_DEALS_OF, ids)])
        for one in sorted(found.values(), key=lambda d: (d.created_at, d.id)):
            for person in one.contacts:
                if person in rows:
                    rows[person].append(one)
        return rows

    def deals_named(self, ids: Sequence[str]) -> dict[str, Deal]:
        people: dict[str, list[ContactId]] = {}
        for row in self.select_by_id(_PEOPLE, ids):
            people.setdefault(row.deal, []).append(row.contact)
        return {row.deal: _deal(row, people.get(row.deal, [])) for row in self.select_by_id(_DEALS, ids)}


def _activity_row(
    portal: str, row: Activity, survivors: Mapping[ContactId, ContactId], observed_at: datetime
) -> dict[str, Any]:
    return {
        "portal": portal, "stream": row.stream, "activity": row.id,
        "contact": survivors.get(row.contact, row.contact) if row.contact else None,
        "email": row.email, "kind": row.kind, "occurred_at": row.occurred_at, "observed_at": observed_at,
        "name": row.name, "ref": row.ref, "url": row.url, "automatic": row.automatic,
    }


def read_activity(row: Row[Any]) -> Activity:
    return Activity(
        stream=row.stream, id=row.activity, contact=row.contact, kind=ActivityKind(row.kind),
        occurred_at=row.occurred_at, name=row.name, ref=row.ref, url=row.url, email=row.email, automatic=row.automatic,
    )


def _deal_row(portal: str, row: Deal) -> dict[str, Any]:
    return {
        "portal": portal, "deal": row.id, "state": row.state, "created_at": row.created_at,
        "modified_at": row.modified_at, "closed_at": row.closed_at, "amount": row.amount, "owner": row.owner,
        "lost_reason": row.lost_reason,
    }


def _deal(row: Row[Any], people: list[ContactId]) -> Deal:
    return Deal(
        id=row.deal, contacts=tuple(people), state=DealState(row.state), created_at=row.created_at,
        modified_at=row.modified_at, closed_at=row.closed_at, amount=row.amount,
        owner=OwnerId(row.owner) if row.owner else None, lost_reason=row.lost_reason,
    )


def _sorted(row: Deal) -> Deal:
    """Associations have no order of their own; compared in ours."""
    people = tuple(sorted(set(row.contacts)))
    return row if people == row.contacts else replace(row, contacts=people)
