"""Services that the apprise library may reach for us: which, and with what in their address.

Apprise does its own connecting, so that what guard.py does for webhooks (one look-up, a connection to the checked
address, nothing followed) is not in our hands. Hence a short list: mail, whose server is checked before each send, and
services whose host is fixed in apprise itself (S8). Using apprise is apprise_door.py's.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import parse_qsl, urlsplit

from connector.errors import SettingsError

MAIL = ("mailto", "mailtos")
MAIL_PORTS = (465, 587, 25)
SERVICES: Mapping[str, str] = MappingProxyType(
    {
        "mailtos": "e-mail by SMTP with TLS",
        "mailto": "e-mail by SMTP (with TLS where apprise knows the provider)",
        "discord": "Discord",
        "mailgun": "Mailgun",
        "opsgenie": "Opsgenie",
        "pagerduty": "PagerDuty",
        "pover": "Pushover",
        "sendgrid": "SendGrid",
        "tgram": "Telegram",
        "wxteams": "Webex",
    }
)
"""Scheme of the address -> the service."""
KEYS_OF_MAIL = frozenset({"to", "cc", "bcc", "from", "name", "reply", "user", "pass", "smtp", "mode"})
KEYS_OF_SERVICES = frozenset({"to", "from", "region", "priority"})
"""What may stand after the `?`. Others switch off certificates, follow redirects or fetch keys and files."""


def service_of(url: str, variable: str) -> str:
    """The scheme of an address that may be used.

    Args:
        variable: its name, for complaints; the address is a secret and never shown (I10).
    Raises:
        SettingsError: a service or an option that is not on the list, or no address at all.
    """
    try:
        parts = urlsplit(url)
        keys = [key.lower() for key, _ in parse_qsl(parts.query, keep_blank_values=True, max_num_fields=50)]
    except ValueError:
        parts, keys = urlsplit(""), []
    scheme = parts.scheme
    if scheme not in SERVICES or not parts.netloc or not url.isprintable() or " " in url:
        known = ", ".join(f"{name}:" for name in SERVICES)
        raise SettingsError(
            f"{variable}: this is no address of a service that Handoff sends to",
            advice=f"It begins with one of {known} as docs/notifications.md shows. For other receivers use a webhook.",
        )
    strange = sorted(set(keys) - (KEYS_OF_MAIL if scheme in MAIL else KEYS_OF_SERVICES))
    if strange:
        allowed = ", ".join(sorted(KEYS_OF_MAIL if scheme in MAIL else KEYS_OF_SERVICES))
        shown = strange[0] if strange[0].isidentifier() and len(strange[0]) <= 20 else "an option"
        raise SettingsError(
            f"{variable}: `{shown}` may not stand after the ? of its address", advice=f"These may: {allowed}."
        )
    return scheme
