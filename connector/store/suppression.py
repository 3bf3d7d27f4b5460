"""Which list is the suppression list, and whom we put on lists that were it before (I1): see engine/hold.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, literal_column, select, update

from connector.domain.contact import ContactId, PortalId
from connector.domain.episode import UNDONE
from connector.store.looking import looking
from connector.store.part import IDS, PORTAL, Part
from connector.store.tables import contact, episode, former_member, intent, suppression_list

_IN_FORCE = select(suppression_list.c.list).where(suppression_list.c.portal == PORTAL)
_LISTED = contact.c.on_list  # as the index of these says
_ANYBODY = (
    select(contact.c.contact)
    .where(contact.c.portal == PORTAL, _LISTED, contact.c.contact > "")
    .order_by(contact.c.contact)
    .limit(1)
)
_ALL_LISTED = select(contact.c.contact).where(contact.c.portal == PORTAL, _LISTED)
_FORMER = select(former_member.c.contact).where(former_member.c.portal == PORTAL).limit(1)
_REMEMBER = insert(former_member).from_select(
    ["portal", "list", "contact"],
    select(contact.c.portal, bindparam("former"), contact.c.contact).where(
        contact.c.portal == PORTAL,
        _LISTED,
        ~select(former_member.c.contact)
        .where(
            former_member.c.portal == contact.c.portal,
            former_member.c.list == bindparam("former"),
            former_member.c.contact == contact.c.contact,
        )
        .exists(),
    ),
)
_BACK = delete(former_member).where(former_member.c.portal == PORTAL, former_member.c.list == bindparam("list_"))
_FORGET_MARKS = update(contact).where(contact.c.portal == PORTAL, _LISTED).values(on_list=False)
_later = episode.alias("later")
_OVER = (
    select(_later.c.contact)
    .where(
        _later.c.portal == episode.c.portal, _later.c.contact == episode.c.contact,
        _later.c.ordinal > episode.c.ordinal, _later.c.exit_reason != literal_column(f"'{UNDONE}'"),
    )
    .exists()
)
# By the last attempt that stood, open or ended: who was called junk stays held.
_HELD = (
    select(episode.c.contact)
    .where(
        episode.c.portal == former_member.c.portal, episode.c.contact == former_member.c.contact,
        episode.c.marketing_held, ~episode.c.silent, ~_OVER,
    )
    .exists()
)
# Not whose write is under way: what becomes of it says where they belong.
_IN_WRITING = (
    select(intent.c.contact)
    .where(
        intent.c.portal == former_member.c.portal, intent.c.contact == former_member.c.contact,
        intent.c.status == literal_column("'open'"),
    )
    .exists()
)
_TO_MOVE = (
    select(former_member.c.contact)
    .distinct()
    .join(contact, (contact.c.portal == former_member.c.portal) & (contact.c.contact == former_member.c.contact))
    .where(
        former_member.c.portal == PORTAL, former_member.c.contact > bindparam("after"), _HELD, ~_IN_WRITING,
        ~contact.c.on_list, ~contact.c.gone, contact.c.merged_into.is_(None),
    )
    .order_by(former_member.c.contact)
    .limit(bindparam("most"))
)
_UNHELD = (
    select(former_member.c.list, former_member.c.contact)
    .where(former_member.c.portal == PORTAL, ~_HELD, ~_IN_WRITING)
    .order_by(former_member.c.list, former_member.c.contact)
    .limit(bindparam("most"))
)
_FORGET = delete(former_member).where(
    former_member.c.portal == PORTAL, former_member.c.list == bindparam("list_"), former_member.c.contact.in_(IDS)
)


class Suppression(Part):
    def list_in_force(self) -> str | None:
        """Id of the list that `on_list` speaks of; None before anybody was put on one."""
        return next((str(row.list) for row in self.select(_IN_FORCE)), None)

    def anybody_on_list(self) -> bool:
        return bool(self.select(_ANYBODY)) or bool(self.select(_FORMER))

    def listed(self) -> list[ContactId]:
        """Everybody whom we put on the list in force."""
        return [ContactId(row.contact) for row in self.select(_ALL_LISTED)]

    def put_list_in_force(self, list_id: str, at: datetime) -> int:
        """Another list than before: nobody is on it yet; who was on the former one is remembered. Gives how many."""
        former, moved = self.list_in_force(), 0
        if former == list_id:
            return 0
        if former is not None:
            self.change(_REMEMBER, former=former)
            moved = self.change(_FORGET_MARKS)
        self.change(_BACK, list_=list_id)
        self.upsert(suppression_list, [{"portal": self.portal, "list": list_id, "since": at}])
        return moved

    def to_move(self, limit: int, after: str) -> list[ContactId]:
        """Held contacts that are on a former list and not on the one in force, in id order."""
        return [ContactId(row.contact) for row in self.select(_TO_MOVE, most=limit, after=after)]

    def unheld_members(self, limit: int) -> list[tuple[str, ContactId]]:
        """(former list, contact) of those whom nothing holds any more."""
        return [(row.list, ContactId(row.contact)) for row in self.select(_UNHELD, most=limit)]

    def forget_members(self, list_id: str, ids: Sequence[ContactId]) -> None:
        self.change_by_id(_FORGET, ids, list_=list_id)


def look_at_list(url: str, portal: PortalId, list_id: str, *, wall_clock: Callable[[], datetime]) -> int:
    """How many we put on this list, as far as the database knows; makes nothing and changes nothing."""
    with looking(url, wall_clock=wall_clock) as connection:
        if connection is None:
            return 0
        part = Suppression(connection, portal)
        return len(part.listed()) if part.list_in_force() in (list_id, None) else 0
