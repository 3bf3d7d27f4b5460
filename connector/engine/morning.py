"""Morning digests: what each rep has in hand, queued once a day with the first run after their calendar opened (R15).

When that is and what it says is rules/morning.py's. Reads nothing where no rule asks for it.
"""

from __future__ import annotations

from datetime import datetime

from connector.domain.contact import OwnerId
from connector.domain.episode import Hop
from connector.domain.notice import Notice, NoticeKind
from connector.domain.owner import Owner
from connector.engine.context import Context
from connector.engine.notify import entries
from connector.engine.ports import UnitOfWork
from connector.rules.local_time import portal_zone
from connector.rules.morning import InHand, morning_of, morning_packet
from connector.rules.notifications import Role

AT_ONCE = 500


def tell_mornings(context: Context) -> int:
    """Queue a digest for each owner whose morning it is and who has leads; gives how many entries."""
    rules = context.book.notifications.morning
    if rules.at_opening_of is None:
        return 0
    with context.store.reading() as uow:
        opened = {
            owner: at
            for owner in uow.open_leads()
            if (at := morning_of(owner, rules, context.book.sla, now=context.now)) and not _was_told(uow, owner, at)
        }
        owners = {owner.id: owner for owner in uow.owners()} if opened else {}
    if not opened:
        return 0
    with context.store.transaction() as uow:
        told = [_notice(context, uow, owner, owners.get(owner), at) for owner, at in sorted(opened.items())]
        queued = uow.put_entries(entries(context, told, None, due_at=context.now))
        for owner in opened:
            uow.put_watermark(_told(owner), context.now)
    context.counts.notices_queued += queued
    return queued


def _told(owner: OwnerId) -> str:
    """Name of the watermark that says when the owner was last told."""
    return f"morning {owner}"


def _was_told(uow: UnitOfWork, owner: OwnerId, opened: datetime) -> bool:
    last = uow.watermark(_told(owner))
    return last is not None and last >= opened


def _notice(context: Context, uow: UnitOfWork, owner: OwnerId, known: Owner | None, opened: datetime) -> Notice:
    leads, zone = _in_hand(context, uow, owner), portal_zone(context.portal.time_zone)
    packet = morning_packet(leads, context.book.notifications.morning, now=context.now, zone=zone)
    if leads and all(lead.episode.hop is Hop.TELEQUALIFICATION for lead in leads):
        packet["tell"] = [Role.TELEQUALIFICATION.value]
    told = {"id": known.id, "name": known.name, "email": known.email} if known else None
    return Notice(
        kind=NoticeKind.REP_MORNING,
        contact=None,
        episode=None,
        owner=owner,
        key=f"{owner}:{opened.isoformat()}",
        occurred_at=context.now,
        packet={**packet, "owner": told},
    )


def _in_hand(context: Context, uow: UnitOfWork, owner: OwnerId) -> list[InHand]:
    ids, found = sorted(uow.contacts_in_hand([owner])), list[InHand]()
    for start in range(0, len(ids), AT_ONCE):
        chunk = ids[start : start + AT_ONCE]
        stored, episodes = uow.contacts(chunk), uow.episodes(chunk)
        for contact in chunk:
            held = next((one for one in episodes[contact] if one.is_open and one.owner == owner), None)
            if held is not None and contact in stored:
                link = context.crm.record_url(contact)
                found.append(InHand(contact=stored[contact].contact, episode=held, link=link))
    return found
