"""Effect ids: the one name of each thing done to the outside (I5)."""

from __future__ import annotations

from hashlib import sha256

from connector.domain.contact import ContactId, PortalId
from connector.domain.episode import EpisodeId


def effect_id(
    portal: PortalId, contact: ContactId | None, episode: EpisodeId | None, kind: str, key: str, endpoint: str
) -> str:
    """Built from who, what and where; no time, no randomness, so that doing it again has the same name.

    Args:
        key: what tells two effects of one kind apart: clock, level, assignment number, activity.
        endpoint: destination's name, or `crm`.
    """
    parts = (portal, contact or "", episode or "", kind, key, endpoint)
    return "fx_" + sha256("\x1f".join(parts).encode()).hexdigest()[:32]
