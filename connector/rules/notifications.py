"""Notifications: which destination hears of which notice, and in what words a notice is announced (R15, R23).

Reads mappings/notifications.yaml. What a notice carries is rules/packet.py; signing and sending are delivery's.
Addresses and secrets come from the environment by name, so that the file can be shared and kept in version control.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from connector.domain.notice import Notice, NoticeKind
from connector.domain.owner import Owner
from connector.rules.durations import WallDuration
from connector.rules.misplaced import MisplacedError
from connector.rules.templates import LONGEST_TEMPLATE, TemplateError, check_template


class Role(StrEnum):
    """Who is meant: `rep` is the lead's owner, `triage` the desk for hand-raisers that a filter stopped (R02).

    While telequalification has a lead (R12), `telequalification`, or `agency` where it has no seats in the CRM, stands
    in for `rep`. Of agencies only the destination that routing.yaml names hears of a lead.
    """

    REP = "rep"
    TELEQUALIFICATION = "telequalification"
    AGENCY = "agency"
    MANAGER = "manager"
    MARKETING = "marketing"
    TRIAGE = "triage"
    OPS = "ops"


HOLDERS = frozenset({Role.REP, Role.TELEQUALIFICATION, Role.AGENCY})
"""Whoever has a lead: they alone may answer, and have quiet hours."""


ONLY_WITH_TELEQUALIFICATION = (Role.TELEQUALIFICATION, Role.AGENCY)
"""Roles that most portals do not have; who routes leads to them names them."""

AUDIENCE: Mapping[NoticeKind, tuple[Role, ...]] = MappingProxyType(
    {
        NoticeKind.LEAD_HANDED_OFF: (Role.REP,),
        NoticeKind.LEAD_SIGNAL: (Role.REP,),
        NoticeKind.LEAD_MOVED: (Role.REP,),
        NoticeKind.LEAD_WITHDRAWN: (Role.REP,),
        NoticeKind.LEAD_RECYCLED: (Role.MARKETING,),
        NoticeKind.LEAD_TRIAGED: (Role.TRIAGE,),
        NoticeKind.SLA_AT_RISK: (Role.REP,),
        NoticeKind.SLA_BREACHED: (Role.REP, Role.MANAGER),
        NoticeKind.RUN_HELD: (Role.OPS,),
        NoticeKind.RUN_SHADOW: (Role.OPS,),
        NoticeKind.MAIL_LEAKED: (Role.MARKETING,),
        NoticeKind.ALARM_RAISED: (Role.MANAGER,),
        NoticeKind.LEAD_DIGEST: (Role.REP,),
        NoticeKind.REP_MORNING: (Role.REP,),
        NoticeKind.DESTINATION_OFF: (Role.OPS,),
        NoticeKind.TEST_PING: (Role.OPS,),
    }
)
"""Whom a notice concerns, where its packet does not say (`tell`, as sla.yaml escalates)."""

HEADLINES: Mapping[NoticeKind, str] = MappingProxyType(
    {
        NoticeKind.LEAD_HANDED_OFF: "A new lead for you",
        NoticeKind.LEAD_SIGNAL: "Your lead shows new interest",
        NoticeKind.LEAD_MOVED: "A lead was given to you",
        NoticeKind.LEAD_WITHDRAWN: "A lead of yours went to somebody else",
        NoticeKind.LEAD_RECYCLED: "Sales handed a lead back",
        NoticeKind.LEAD_TRIAGED: "Somebody asked for sales and needs a look",
        NoticeKind.SLA_AT_RISK: "Time is running out for a lead",
        NoticeKind.SLA_BREACHED: "A lead was not answered in time",
        NoticeKind.RUN_HELD: "Handoff holds back an unusual number of changes and asks",
        NoticeKind.RUN_SHADOW: "What Handoff would have done",
        NoticeKind.MAIL_LEAKED: "A marketing e-mail went to leads that sales holds",
        NoticeKind.ALARM_RAISED: "Something changed that needs a look",
        NoticeKind.LEAD_DIGEST: "Several leads wait for you",
        NoticeKind.REP_MORNING: "Your leads this morning",
        NoticeKind.DESTINATION_OFF: "Handoff sends nothing more to a destination",
        NoticeKind.TEST_PING: "A test from Handoff",
    }
)

EnvironmentName = Annotated[str, Field(pattern="^[A-Z][A-Z0-9_]{0,99}$")]


def _looks_like(pattern: str, message: str) -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value, flags=re.ASCII):
            raise ValueError(message)
        return value

    return AfterValidator(check)


SlackId = Annotated[
    str, _looks_like("[UW][A-Z0-9]{4,20}", "is no member id of Slack; it looks like U012AB3CD (in the profile)")
]
TeamsId = Annotated[
    str,
    _looks_like(
        r"[0-9a-fA-F-]{36}|[^\s@<>\"]{1,200}@[^\s@<>\"]{1,200}",
        "is nobody in Teams; write the sign-in name, like ana@company.example, or the object id from Microsoft Entra",
    ),
]
ChatId = Annotated[
    str,
    BeforeValidator(lambda value: str(value) if isinstance(value, int) else value),
    _looks_like("[0-9]{5,40}", "is no user of Google Chat; write the user's number, like 104857600042"),
]


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class MessageTemplate(BaseModel):
    """An admin's own words for one kind; what is left out stays as it is built in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str | None = Field(default=None, min_length=1, max_length=LONGEST_TEMPLATE)
    text: str | None = Field(default=None, min_length=1, max_length=LONGEST_TEMPLATE)

    @model_validator(mode="after")
    def _something(self) -> MessageTemplate:
        if self.title is None and self.text is None:
            raise ValueError("is empty; add `title:`, `text:` or both, or leave the kind out")
        return self


class _Destination(BaseModel):
    """What every destination has. `kinds` empty: every kind that concerns its roles."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: Annotated[tuple[Role, ...], BeforeValidator(_one_or_more), Field(min_length=1)]
    kinds: tuple[NoticeKind, ...] = ()
    personal: bool = False
    """True: only the addressees read it, so it gets the whole packet; false: names, mails and phones are masked."""
    on: bool = True
    templates: Mapping[NoticeKind, MessageTemplate] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _templates_that_work(self) -> Self:
        for kind, template in self.templates.items():
            if self.kinds and kind not in self.kinds:
                raise MisplacedError(("templates", kind.value), "is told here never; add it to `kinds`, or remove it")
            for key, text in (("title", template.title), ("text", template.text)):
                _check_template(kind, key, text)
        return self

    def needs(self) -> tuple[str, ...]:
        """Environment variables without which it stays off."""
        raise AssertionError("each kind of destination says what it needs")


def _check_template(kind: NoticeKind, key: str, text: str | None) -> None:
    try:
        check_template(text or "", kind)
    except TemplateError as wrong:
        line = f" (in its line {wrong.line})" if wrong.line > 1 else ""
        message = f"{wrong.message}{line}; {wrong.advice}"
        raise MisplacedError(("templates", kind.value, key), message) from wrong


class WebhookDestination(_Destination):
    """A signed webhook (Standard Webhooks); the address stands here or in the environment, the secret only there."""

    type: Literal["webhook"]
    url: str | None = Field(default=None, pattern="^https?://[^\\s@]+$", max_length=2_000)
    url_env: EnvironmentName | None = None
    secret_env: EnvironmentName

    @model_validator(mode="after")
    def _one_address(self) -> WebhookDestination:
        if (self.url is None) == (self.url_env is None):
            raise ValueError("needs either `url` or `url_env`, the name of the environment variable that holds it")
        return self

    def needs(self) -> tuple[str, ...]:
        return tuple(name for name in (self.url_env, self.secret_env) if name)


class _SecretAddress(_Destination):
    """Whoever has the address can post: it is a secret, so it comes from the environment."""

    url_env: EnvironmentName

    def needs(self) -> tuple[str, ...]:
        return (self.url_env,)


class SlackDestination(_SecretAddress):
    """A Slack incoming webhook. `owners` maps a rep, by e-mail or owner id, to the Slack member id to mention."""

    type: Literal["slack"]
    owners: Mapping[str, SlackId] = Field(default_factory=dict)

    def member(self, owner: Owner | None) -> str | None:
        """The Slack member id of a rep; None where the file names none."""
        if owner is None:
            return None
        by_name = {key.lower(): member for key, member in self.owners.items()}
        return by_name.get(owner.email.lower()) or by_name.get(owner.id.lower())


class TeamsDestination(_SecretAddress):
    """A webhook of Microsoft Teams' Workflows. `owners` maps a rep to the person to mention."""

    type: Literal["teams"]
    owners: Mapping[str, TeamsId] = Field(default_factory=dict)


class GoogleChatDestination(_SecretAddress):
    """An incoming webhook of a Google Chat space. `owners` maps a rep to the number of the Google user to mention."""

    type: Literal["google_chat"]
    owners: Mapping[str, ChatId] = Field(default_factory=dict)


class AppriseDestination(_SecretAddress):
    """E-mail and other services through the apprise library (the extra `notify`); its address names the service."""

    type: Literal["apprise"]


AnyDestination = (
    WebhookDestination | SlackDestination | TeamsDestination | GoogleChatDestination | AppriseDestination
)
Destination = Annotated[AnyDestination, Field(discriminator="type")]
DestinationName = Annotated[str, Field(pattern="^[a-z][a-z0-9_-]{0,39}$")]


class SignalRules(BaseModel):
    """When new interest of a lead in work tells its holder (R40); rules/signals.py."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    active: bool = True
    points: float = Field(default=20, gt=0, le=10_000)
    """Engagement, as scoring.yaml counts it, since the holder last heard of the lead."""
    cool_down: WallDuration = timedelta(hours=24)
    """So long nothing more is told; what comes meanwhile is told together when it is over."""


class Urgent(StrEnum):
    """What may reach a rep in quiet hours: somebody asked for sales; a clock runs out, or has."""

    HAND_RAISER = "hand_raiser"
    CLOCK = "clock"


class QuietHours(BaseModel):
    """When reps are not disturbed; rules/quiet.py."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    outside: str | None = Field(default=None, min_length=1, max_length=60)
    """A calendar of sla.yaml: while it is closed, notices to reps wait; a rep's own in routing.yaml goes before it."""
    unless: tuple[Urgent, ...] = ()


class MorningRules(BaseModel):
    """When each rep is told of all leads in their hands; rules/morning.py."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at_opening_of: str | None = Field(default=None, min_length=1, max_length=60)
    """A calendar of sla.yaml; a rep's own in routing.yaml goes before it. None: reps get no morning digest."""
    most: int = Field(default=10, ge=1, le=20)


class CrmRecords(BaseModel):
    """What a handover leaves in the CRM beside the contact; rules/notes.py. Each costs a few calls for a hundred."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: bool = False
    """In the rep's own list, due when the first clock is; closed when the rep reached out."""
    note: bool = False
    """In the contact's history: why, score, what they did, what is allowed."""


class NotificationRules(BaseModel):
    """mappings/notifications.yaml: destinations by name, what interest is worth a notice, what the CRM shows of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    signals: SignalRules = SignalRules()
    quiet_hours: QuietHours = QuietHours()
    morning: MorningRules = MorningRules()
    crm: CrmRecords = CrmRecords()
    destinations: Mapping[DestinationName, Destination] = Field(default_factory=dict)

    def secret_variables(self) -> dict[str, str]:
        """By destination, the environment variable that holds what its messages are signed with."""
        found = {name: getattr(model, "secret_env", None) for name, model in self.destinations.items()}
        return {name: variable for name, variable in found.items() if variable}


def headline(notice: Notice) -> str:
    """One line that says what happened; fixed words, nothing from the CRM in them."""
    return HEADLINES[notice.kind]


def audience(notice: Notice) -> frozenset[Role]:
    """Whom the notice concerns: the roles in its packet's `tell`, else those of its kind."""
    tell = notice.packet.get("tell")
    if isinstance(tell, list | tuple) and tell:
        return frozenset(Role(str(role)) for role in tell)
    return frozenset(AUDIENCE[notice.kind])


def recipients(notice: Notice, rules: NotificationRules, active: Mapping[str, bool]) -> tuple[str, ...]:
    """Names of the destinations that hear this notice, in the file's order.

    Args:
        active: as `switched_on` gave it; a destination that is off, or missing here, hears nothing.
    Returns:
        Empty where nobody is configured to hear it: the lead still stands in the CRM with owner and reason.
    """
    roles, agency = audience(notice), notice.packet.get("agency")
    return tuple(
        name
        for name, destination in rules.destinations.items()
        if active.get(name, False)
        and (roles if name == agency else roles - {Role.AGENCY}).intersection(destination.to)
        and (not destination.kinds or notice.kind in destination.kinds)
    )


def switched_on(rules: NotificationRules, environment_present: Collection[str]) -> dict[str, bool]:
    """Which destinations can be used, given the names of the environment variables that hold something."""
    return {
        name: not cause_off(destination, environment_present)
        for name, destination in rules.destinations.items()
    }


def why_off(rules: NotificationRules, environment_present: Collection[str]) -> tuple[str, ...]:
    """One sentence for each destination that is off, and for each role that therefore hears nothing."""
    on = switched_on(rules, environment_present)
    lines = [
        f"Destination {name} is off: {cause_off(destination, environment_present)}."
        for name, destination in rules.destinations.items()
        if not on[name]
    ]
    heard = {role for name, destination in rules.destinations.items() if on[name] for role in destination.to}
    unheard = [role.value for role in Role if role not in heard and role not in ONLY_WITH_TELEQUALIFICATION]
    if unheard:
        lines.append(f"Nobody is told what concerns {_listed(unheard)}; the CRM still shows owner and reason.")
    return tuple(lines)


def cause_off(destination: AnyDestination, environment_present: Collection[str]) -> str:
    """Why a destination is off, in words; empty where it is on."""
    if not destination.on:
        return "notifications.yaml says on: false"
    unset = [name for name in destination.needs() if name not in environment_present]
    return f"set {_listed(unset)} to switch it on" if unset else ""


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
