"""Signing what we send, as Standard Webhooks asks: id, time and body under one HMAC-SHA256.

Receivers check with any library of that standard. Source: standardwebhooks.com; reliability.md, section 3.
"""

from __future__ import annotations

import binascii
import secrets as randomness
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook

from connector.errors import SettingsError

PREFIX = "whsec_"
FEWEST_BYTES = 24
HOW_TO_MAKE_ONE = ".env.example has the command that makes one, beside HANDOFF_WEBHOOK_SECRET."


def sign(secrets: Sequence[str], entry: str, at: datetime, body: str) -> dict[str, str]:
    """The three headers of a message; one signature per secret, so that a receiver may still know the old one only.

    Args:
        secrets: as `read_secrets` gives them, at least one.
        at: the instant of this try, by the wall clock: receivers refuse what is five minutes off.
    """
    at = at.astimezone(UTC)     # the library takes the digits of the clock as UTC, whatever zone they are in
    return {
        "webhook-id": entry,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(key).sign(msg_id=entry, timestamp=at, data=body) for key in secrets),
    }


def read_secrets(text: str, name: str) -> tuple[str, ...]:
    """One secret, or two with a blank between while they change over.

    Args:
        name: of the variable, for complaints; the secret itself is never shown (I10).
    Raises:
        SettingsError: none, more than two, a wrong shape, or fewer than 24 bytes.
    """
    found = tuple(text.split())
    if not 1 <= len(found) <= 2:
        raise SettingsError(f"{name}: one secret is needed, or two with a blank between", advice=HOW_TO_MAKE_ONE)
    for secret in found:
        if not secret.startswith(PREFIX):
            raise SettingsError(f"{name}: a secret begins with {PREFIX}", advice=HOW_TO_MAKE_ONE)
        if _length(secret.removeprefix(PREFIX)) < FEWEST_BYTES:
            raise SettingsError(f"{name}: {FEWEST_BYTES} bytes or more are needed, in base64", advice=HOW_TO_MAKE_ONE)
    return found


def new_secret() -> str:
    """A fresh secret of 32 random bytes."""
    return PREFIX + b64encode(randomness.token_bytes(32)).decode("ascii")


def _length(text: str) -> int:
    """Bytes in a base64 text, its padding optional; 0 where it is none."""
    try:
        return len(b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True))
    except (binascii.Error, ValueError):
        return 0
