"""Changing a destination's secret: signed with both at first, with the new one alone after 24 hours.

Pure. When two secrets were first seen together is kept in the destination's state, under a digest that is keyed with
the secrets themselves: nothing in the database tells what they are (I10). Source: reliability.md, section 3.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from connector.engine.ports import DestinationState


def notice_secrets(state: DestinationState, secrets: Sequence[str], now: datetime) -> DestinationState:
    """The state that knows which pair is in use and since when; of one secret nothing is kept."""
    pair = _digest(secrets)
    if pair == state.secrets:
        return state
    return replace(state, secrets=pair, secrets_since=now if pair else None)


def secrets_to_sign_with(state: DestinationState, secrets: tuple[str, ...], now: datetime) -> tuple[str, ...]:
    """All of them, or the first, which is the new one, when the pair has been in use for 24 hours."""
    return secrets[:1] if state.secret_is_old(now) else secrets


def _digest(secrets: Sequence[str]) -> str | None:
    if len(secrets) < 2:
        return None
    new, *old = secrets
    return hmac.new(new.encode(), "\n".join(old).encode(), "sha256").hexdigest()[:32]
