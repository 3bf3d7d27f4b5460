"""A merge in the CRM, through every table: what one contact had, the survivor has (I12).

Decisions, field history, intents and audit rows stay under the id they were made for; they say what was. Two episodes
may be open afterwards: which of them goes on is decided by the engine, not here.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BindParameter, Table, bindparam, delete, or_, select, update

from connector.domain.contact import ContactId
from connector.store.part import PORTAL, Part
from connector.store.tables import (
    activity,
    address,
    answer,
    contact,
    deal_contact,
    dirty,
    episode,
    former_member,
    outbox,
    quarantine,
    retry,
    stranded,
    timer,
)

_GONE: BindParameter[Any] = bindparam("gone_")
_SURVIVOR: BindParameter[Any] = bindparam("survivor_")
_BOTH = select(contact).where(contact.c.portal == PORTAL, contact.c.contact.in_(bindparam("ids", expanding=True)))
_POINT = (
    update(contact)
    .where(contact.c.portal == PORTAL, or_(contact.c.contact == _GONE, contact.c.merged_into == _GONE))
    .values(merged_into=_SURVIVOR, on_list=False)
)
_LIST = update(contact).where(contact.c.portal == PORTAL, contact.c.contact == _SURVIVOR).values(on_list=True)
_LEAD = update(contact).where(contact.c.portal == PORTAL, contact.c.contact == _SURVIVOR).values(has_lead=True)
_EPISODES = (
    select(episode.c.episode)
    .where(episode.c.portal == PORTAL, episode.c.contact.in_(bindparam("ids", expanding=True)))
    .order_by(episode.c.is_open, episode.c.opened_at, episode.c.ordinal, episode.c.episode)
)
_RENUMBER = (
    update(episode)
    .where(episode.c.portal == PORTAL, episode.c.episode == bindparam("episode_"))
    .values(contact=_SURVIVOR, ordinal=bindparam("new"))
)
_MOVES = [
    update(table).where(table.c.portal == PORTAL, table.c.contact == _GONE).values(contact=_SURVIVOR)
    for table in (activity, outbox, answer)
]


class Merges(Part):
    def merge_contact(self, gone: ContactId, survivor: ContactId) -> None:
        """A survivor not seen before starts as a copy of the other; the next pull corrects it. Safe to repeat."""
        if gone == survivor:
            return
        self.flush()
        self._move_row(gone, survivor)
        self._move_episodes(gone, survivor)
        for move in _MOVES:
            self.change(move, gone_=gone, survivor_=survivor)
        for table in (timer, deal_contact, dirty, retry, former_member, address):
            self._move_keyed(table, gone, survivor)
        for table in (quarantine, stranded):
            self.change(delete(table).where(table.c.portal == PORTAL, table.c.contact == _GONE), gone_=gone)

    def _move_row(self, gone: ContactId, survivor: ContactId) -> None:
        known = {row.contact: row for row in self.select(_BOTH, ids=[gone, survivor])}
        lost = known.get(gone)
        if lost is None:
            return
        if survivor not in known:
            self.insert_new(contact, [{**lost._mapping, "contact": survivor, "gone": False, "merged_into": None}])
        else:
            if lost.on_list:
                self.change(_LIST, survivor_=survivor)
            if lost.has_lead:
                self.change(_LEAD, survivor_=survivor)
        self.change(_POINT, gone_=gone, survivor_=survivor)

    def _move_episodes(self, gone: ContactId, survivor: ContactId) -> None:
        """One row of episodes, ended ones first, open ones last; their ids stay what they are."""
        ids = [row.episode for row in self.select(_EPISODES, ids=[gone, survivor])]
        # First below zero: no two may hold one number even for a moment.
        for sign in (-1, 1):
            for number, one in enumerate(ids, start=1):
                self.change(_RENUMBER, survivor_=survivor, episode_=one, new=sign * number)

    def _move_keyed(self, table: Table, gone: ContactId, survivor: ContactId) -> None:
        """Rows whose key holds the contact; where the survivor has the like already, its own stays."""
        mine = select(table).where(table.c.portal == PORTAL, table.c.contact == _GONE)
        rows = [{**row._mapping, "contact": survivor} for row in self.select(mine, gone_=gone)]
        self.insert_new(table, rows)
        self.change(delete(table).where(table.c.portal == PORTAL, table.c.contact == _GONE), gone_=gone)
