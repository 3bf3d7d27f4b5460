"""Receivers: the destinations of notifications.yaml as an admin looks at them, without CRM and outbox."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from connector.delivery.destinations import Destination, outline, present, resolve
from connector.delivery.door import Answer
from connector.delivery.doors import open_doors
from connector.delivery.guard import Resolver, resolve_by_system
from connector.delivery.misfits import misfits
from connector.delivery.trial import Trial, prepare, send
from connector.domain.notice import NoticeKind
from connector.errors import SettingsError
from connector.rules.notifications import NotificationRules, cause_off
from connector.rules.suggestions import nearest


@dataclass(frozen=True, kw_only=True)
class Receivers:
    """
    Attributes:
        variable: gives the value of an environment variable or of its `_FILE`, None where unset.
        allow_hosts: as in HANDOFF_ALLOW_HOSTS.
        switched_off: name -> why, for those that were switched off since; a test goes there all the same.
    """

    rules: NotificationRules
    variable: Callable[[str], str | None]
    allow_hosts: Iterable[str] = ()
    ca_file: Path | None = None
    switched_off: Mapping[str, str] = field(default_factory=dict)
    resolver: Resolver = resolve_by_system

    def rows(self) -> list[dict[str, object]]:
        """One row for each destination, in the file's order; `why` is empty where it is on."""
        return [
            {
                "name": name,
                "type": model.type,
                "to": [role.value for role in model.to],
                "kinds": [kind.value for kind in model.kinds],
                "personal": model.personal,
                "templates": [kind.value for kind in model.templates],
                "on": not (why := self._why_off(name) or self.switched_off.get(name, "")),
                "why": why,
            }
            for name, model in self.rules.destinations.items()
        ]

    def trial(self, name: str, kind: NoticeKind, at: datetime, mention: str = "") -> Trial:
        """A body for a destination, whether it is on or not.

        Raises:
            SettingsError: there is no such destination, or nobody to mention.
        """
        return prepare(self._outline(name), kind, at, mention)

    def send(self, trial: Trial, at: datetime) -> Answer:
        """Send it as real notices go, by the same door and with the same headers.

        Raises:
            ConfigError: the destination is off, or its address or secret cannot be used.
        """
        name = trial.destination.name
        alone = self._alone(name)
        for fault in misfits(alone, self.variable, self.allow_hosts):
            raise fault
        if why := self._why_off(name):
            advice = "`--show` prints the body all the same."
            raise SettingsError(f"the destination {name} is off: {why}", advice=advice)
        destination = resolve(alone, self.variable)[name]
        doors = open_doors(
            {name: destination}, allow_hosts=self.allow_hosts, ca_file=self.ca_file, resolve=self.resolver
        )
        try:
            return send(Trial(destination=destination, entry=trial.entry, body=trial.body), doors[name], at)
        finally:
            doors[name].close()

    def _outline(self, name: str) -> Destination:
        model = self.rules.destinations.get(name)
        if model is None:
            known = ", ".join(self.rules.destinations) or "none"
            advice = nearest(name, self.rules.destinations) or f"notifications.yaml has {known}."
            raise SettingsError(f"there is no destination {name!r}", advice=advice)
        return outline(name, model)

    def _alone(self, name: str) -> NotificationRules:
        return self.rules.model_copy(update={"destinations": {name: self.rules.destinations[name]}})

    def _why_off(self, name: str) -> str:
        """In words; empty where it is on."""
        alone = self._alone(name)
        return cause_off(self.rules.destinations[name], present(alone, self.variable))
