"""Bodies: a notice as the exact text that one destination gets; built once, and every try sends the same bytes (P2).

A destination that is not marked personal gets the packet masked. Who hears of what is rules/notifications.py; headers
and signatures belong to the try and are sender.py's.
"""

from __future__ import annotations

from connector.delivery.destinations import Destination
from connector.delivery.message import Packet, read_message
from connector.delivery.size import Json, fit
from connector.delivery.slack import slack_message
from connector.domain.notice import Notice
from connector.rules.packet import mask


def build_body(destination: Destination, notice: Notice, entry: str) -> str:
    """The body for one destination, below 20 kB of JSON; the same notice and entry always give the same text.

    Args:
        entry: the entry's id, which is the message's id for its receiver.
    """
    if destination.type == "slack":
        return _slack(destination, notice)
    return _webhook(destination, notice, entry)


def _webhook(destination: Destination, notice: Notice, entry: str) -> str:
    """`type`, `id`, `occurred_at`, `data`, in this order; docs/notifications.md lists what stands in `data`."""
    ids = {"contact_id": notice.contact, "episode_id": notice.episode, "owner_id": notice.owner}

    def wrap(data: Json) -> Json:
        return {
            "type": notice.kind.value,
            "id": entry,
            "occurred_at": notice.occurred_at.isoformat(),
            "data": ids | data,
        }

    return fit(_packet_for(destination, notice), wrap)


def _slack(destination: Destination, notice: Notice) -> str:
    member = _member(destination, notice)
    return fit(
        _packet_for(destination, notice),
        lambda data: slack_message(read_message(notice.kind, data), member),
    )


def _packet_for(destination: Destination, notice: Notice) -> Packet:
    return notice.packet if destination.personal else mask(notice.packet)


def _member(destination: Destination, notice: Notice) -> str | None:
    """The addressee's id in the chat; by e-mail, which stands in the unmasked packet only, or by owner id."""
    if notice.owner is None:
        return None
    owner = notice.packet.get("owner")
    email = owner.get("email") if isinstance(owner, dict) and owner.get("id") == notice.owner else None
    by_email = destination.members.get(email.lower()) if isinstance(email, str) else None
    return by_email or destination.members.get(notice.owner.lower())
