"""Destinations as delivery sees them: rules/notifications.py with the addresses and secrets of the environment put in.

A destination whose variables are unset is off, and so is one that notifications.yaml switches off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from connector.delivery.services import service_of
from connector.delivery.signature import read_secrets
from connector.domain.notice import NoticeKind
from connector.errors import SettingsError
from connector.rules.notifications import (
    AnyDestination,
    AppriseDestination,
    GoogleChatDestination,
    MessageTemplate,
    NotificationRules,
    Role,
    SlackDestination,
    TeamsDestination,
    WebhookDestination,
)

NOBODY: Mapping[str, str] = MappingProxyType({})
NO_TEMPLATES: Mapping[NoticeKind, MessageTemplate] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """One receiver, ready to be sent to.

    Attributes:
        type: `webhook`, `slack`, `teams`, `google_chat` or `apprise`.
        url: a secret but for webhooks; never shown.
        secrets: to sign with, new one first; empty but for webhooks.
        personal: whether names, addresses and phones may be in the body.
        to: the roles that read it.
        members: owner's e-mail or id, lower-case, to the chat member to mention.
        templates: an admin's own words, by kind.
    """

    name: str
    type: str
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    personal: bool = False
    to: frozenset[Role] = frozenset()
    members: Mapping[str, str] = field(default_factory=lambda: NOBODY)
    templates: Mapping[NoticeKind, MessageTemplate] = field(default_factory=lambda: NO_TEMPLATES)


def resolve(rules: NotificationRules, variable: Callable[[str], str | None]) -> dict[str, Destination]:
    """All destinations that can be used, in the file's order.

    Args:
        variable: gives the value of an environment variable or of its `_FILE`, None where unset.
    Raises:
        SettingsError: a secret that is too weak or broken; it names the variable.
    """
    found: dict[str, Destination] = {}
    for name, model in rules.destinations.items():
        values = {needed: variable(needed) for needed in model.needs()}
        if model.on and all(values.values()):
            found[name] = _resolved(name, model, {key: value for key, value in values.items() if value})
    return found


def present(rules: NotificationRules, variable: Callable[[str], str | None]) -> frozenset[str]:
    """Names of the variables that destinations need and that hold something; rules/notifications.py asks for them."""
    needed = {needed for model in rules.destinations.values() for needed in model.needs()}
    return frozenset(name for name in needed if variable(name))


def check_variable(name: str, value: str) -> None:
    """Whether a variable's value could serve a destination, by its name's end. Raises SettingsError that names it."""
    if name.endswith("_SECRET"):
        read_secrets(value, name)
    else:
        _address(value, name)


def outline(name: str, model: AnyDestination) -> Destination:
    """A destination without address and secrets: enough to build bodies for it, not to send them."""
    made = Destination(
        name=name, type=model.type, url="", personal=model.personal, to=frozenset(model.to), templates=model.templates
    )
    if isinstance(model, SlackDestination | TeamsDestination | GoogleChatDestination):
        return replace(made, members={key.lower(): member for key, member in model.owners.items()})
    return made


def _resolved(name: str, model: AnyDestination, values: Mapping[str, str]) -> Destination:
    made = replace(outline(name, model), url=_url(model, values))
    if isinstance(model, WebhookDestination):
        return replace(made, secrets=read_secrets(values[model.secret_env], model.secret_env))
    return made


def _url(model: AnyDestination, values: Mapping[str, str]) -> str:
    if model.url_env is None:
        return model.url or ""
    if isinstance(model, AppriseDestination):
        service_of(values[model.url_env], model.url_env)
        return values[model.url_env]
    return _address(values[model.url_env], model.url_env)


def _address(url: str, variable: str) -> str:
    """Shape only; where it leads is checked whenever something is sent (guard.py)."""
    if not url.startswith(("https://", "http://")):
        raise SettingsError(f"{variable}: this is no web address", advice="It begins with https://.")
    return url
