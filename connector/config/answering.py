"""What answers by link need to be told: the server's public address, and a secret to sign links with (R20).

What each variable must look like by itself is kinds.py's; here is what they must be together.
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.config.settings import Settings
from connector.errors import SettingsError

SHORTEST_SECRET = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """Attributes:
        base_url: under which reps reach `handoff serve`, without a slash at its end.
        secrets: newest first; never shown.
    """

    base_url: str
    secrets: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Answering({self.base_url})"


def answering(settings: Settings) -> Answering | None:
    """None where one of the two is not set: then notices carry no links.

    Raises:
        SettingsError: the secret is too weak.
    """
    if settings.public_url is None or settings.answer_secret is None:
        return None
    secrets = tuple(settings.answer_secret.get_secret_value().split())
    if not secrets or len(secrets) > 2 or any(len(secret) < SHORTEST_SECRET for secret in secrets):
        raise SettingsError(
            "HANDOFF_ANSWER_SECRET holds no secret to sign links with: one, or two with a blank between, each of at "
            f"least {SHORTEST_SECRET} signs",
            advice='Make one: python3 -c "import secrets; print(secrets.token_urlsafe(32))"',
        )
    return Answering(base_url=settings.public_url, secrets=secrets)


def why_no_answers(settings: Settings) -> str:
    """Which variables are missing for links, or wrong, in a few words; empty where none is.

    What is wrong with one is answering()'s to say, once.
    """
    given = {"HANDOFF_PUBLIC_URL": settings.public_url, "HANDOFF_ANSWER_SECRET": settings.answer_secret}
    missing = [name for name, value in given.items() if value is None]
    if missing:
        return f"none: set {' and '.join(missing)} for them (docs/answers.md)"
    try:
        answering(settings)
    except SettingsError:
        return "none: HANDOFF_ANSWER_SECRET is to be mended first"
    return ""
