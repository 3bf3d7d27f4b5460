"""What `handoff serve` needs to be told to take webhooks in: its public address, the app's secret, where to listen.

What each variable must look like by itself is kinds.py's; here is what they must be together.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from connector.config.settings import Settings
from connector.errors import SettingsError

PATH = "/webhooks/hubspot"
SHORTEST_SECRET = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """Attributes:
        target_url: as HubSpot calls it, and as its signature covers it.
        secrets: of the app, newest first; never shown. None where only answers by link are taken in.
        host, port: where we listen.
        trusted_proxies: whose X-Forwarded-For names the source that the rate limit counts (ASVS 4.1.3).
    """

    target_url: str
    secrets: tuple[str, ...]
    host: str
    port: int
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()

    def __repr__(self) -> str:
        return f"Inbound({self.target_url}, {self.host}:{self.port})"


def inbound(settings: Settings) -> Inbound:
    """Raises SettingsError with advice where something is missing or too weak."""
    if settings.public_url is None:
        raise SettingsError(
            "HANDOFF_PUBLIC_URL is not set",
            advice="Set it to the address under which HubSpot reaches this server, such as "
            f"https://handoff.example.com; HubSpot then posts to it + {PATH}. Without webhooks, `handoff run` does.",
        )
    host, _, port = settings.listen.rpartition(":")
    return Inbound(
        target_url=settings.public_url + PATH,
        secrets=_secrets(settings),
        host=host.strip("[]"),
        port=int(port),
        trusted_proxies=tuple(ip_network(one) for one in settings.trusted_proxies),
    )


def _secrets(settings: Settings) -> tuple[str, ...]:
    given = settings.inbound_secret or settings.client_secret
    if given is None and settings.answer_secret is not None:
        return ()
    if given is None:
        raise SettingsError(
            "HANDOFF_INBOUND_SECRET is not set",
            advice="Set it to the client secret of the HubSpot app that sends the webhooks (the app's page, Auth); "
            "see docs/webhooks.md. For answers by link alone set HANDOFF_ANSWER_SECRET (docs/answers.md).",
        )
    secrets = tuple(given.get_secret_value().split())
    if len(secrets) > 2 or any(len(secret) < SHORTEST_SECRET for secret in secrets):
        raise SettingsError(
            "HANDOFF_INBOUND_SECRET holds no secret of a HubSpot app: one, or two with a blank between, each of at "
            f"least {SHORTEST_SECRET} signs",
            advice="Copy the client secret from the app's page in HubSpot (Auth).",
        )
    return secrets
