"""Digest: more than fifty notices that wait for one rep at one destination are told in one (reliability.md, section 3).

Puts together what never went out and is not fresh and urgent; each keeps its id, and the digest carries them. Sending
is delivery's, and what becomes of a notice in a digest is store/digests.py's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from connector.domain.contact import OwnerId
from connector.domain.effect import effect_id
from connector.domain.notice import Notice, NoticeKind
from connector.domain.owner import Owner
from connector.engine.context import Context
from connector.engine.ports import Entry, UnitOfWork

MOST_WAITING = 50
"""A rep reads so many notices one by one; more come as a digest."""
MOST_BYTES = 14_000
"""Of its leads as JSON, each with its id once more: the whole body stays below 20 kB."""
LATE = timedelta(hours=24)
"""What waited longer says so."""


def make_digests(context: Context) -> int:
    """Digests of what waits now, for destinations that can be sent to; gives how many were made."""
    with context.store.reading() as uow:
        crowds = uow.crowds(context.now, MOST_WAITING)
        owners = {owner.id: owner for owner in uow.owners()} if crowds else {}
    if not crowds:
        return 0
    made = 0
    with context.store.transaction() as uow:
        for destination, owner in crowds:
            if context.destinations.get(destination):
                made += sum(1 for _ in _digests(context, uow, destination, owner, owners.get(owner)))
    return made


def _digests(
    context: Context, uow: UnitOfWork, destination: str, owner: OwnerId, known: Owner | None
) -> Iterator[str]:
    while len(waiting := uow.crowd(destination, owner, context.now)) > MOST_WAITING:
        for members in _portions(context, waiting):
            digest = _digest(context, destination, owner, known, members)
            uow.put_digest(digest, [member.id for member in members])
            yield digest.id


def _portions(context: Context, waiting: Sequence[Entry]) -> Iterator[list[Entry]]:
    """As many as one body holds, in order; a rep's digests are sent in theirs, so each contact's order is kept."""
    portion: list[Entry] = []
    size = 0
    for entry in waiting:
        more = len(json.dumps(_lead(context, entry))) + len(entry.id) + 4
        if portion and size + more > MOST_BYTES:
            yield portion
            portion, size = [], 0
        portion.append(entry)
        size += more
    if portion:
        yield portion


def _digest(
    context: Context, destination: str, owner: OwnerId, known: Owner | None, members: Sequence[Entry]
) -> Entry:
    """Its id is made of its members' ids: the same ones make the same digest (I5)."""
    kind = NoticeKind.LEAD_DIGEST
    key = sha256("\x1f".join(member.id for member in members).encode()).hexdigest()
    entry = effect_id(context.portal.id, None, None, kind.value, key, destination)
    told = {"id": known.id, "name": known.name, "email": known.email} if known else None
    packet = {"count": len(members), "owner": told, "leads": [_lead(context, member) for member in members]}
    notice = Notice(
        kind=kind, contact=None, episode=None, owner=owner, key=key, occurred_at=context.now, packet=packet
    )
    return Entry(
        id=entry,
        destination=destination,
        kind=kind.value,
        contact=None,
        episode=None,
        body=context.build_body(destination, notice, entry),
        status="due",
        due_at=context.now,
        owner=owner,
        summary=f"{len(members)} notices in one",
        queued_at=context.now,
    )


def _lead(context: Context, member: Entry) -> dict[str, object]:
    waited = _waited(member.queued_at, context.now)
    late = f" (waited {waited.total_seconds() // 3600:.0f} hours)" if waited >= LATE else ""
    return {
        "id": member.id,
        "kind": member.kind,
        "contact_id": member.contact,
        "summary": member.summary + late,
        "link": context.crm.record_url(member.contact) if member.contact else "",
        "waited_hours": round(waited.total_seconds() / 3600),
    }


def _waited(queued_at: datetime | None, now: datetime) -> timedelta:
    return max(now - queued_at, timedelta(0)) if queued_at else timedelta(0)
