"""Notifications (R15, R23): who hears of what, and what is said where nobody does."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from connector.domain.contact import ContactId, OwnerId
from connector.domain.episode import EpisodeId
from connector.domain.notice import Notice, NoticeKind
from connector.domain.owner import Owner
from connector.rules.notifications import (
    AUDIENCE,
    HEADLINES,
    NotificationRules,
    Role,
    SlackDestination,
    audience,
    headline,
    recipients,
    switched_on,
    why_off,
)

MAPPINGS = Path(__file__).parents[2] / "mappings"
SHIPPED = NotificationRules.model_validate(YAML(typ="safe").load(MAPPINGS / "notifications.yaml"))
SET = {"HANDOFF_WEBHOOK_URL", "HANDOFF_WEBHOOK_SECRET"}


def make_notice(kind: NoticeKind, **packet: object) -> Notice:
    return Notice(
        kind=kind,
        contact=ContactId("1"),
        episode=EpisodeId("ep_1"),
        owner=OwnerId("7"),
        key="1",
        occurred_at=datetime(2025, 3, 3, tzinfo=UTC),
        packet=packet,
    )


def make_rules(**destinations: dict[str, object]) -> NotificationRules:
    return NotificationRules.model_validate({"destinations": destinations})


def webhook(to: str | list[str], **more: object) -> dict[str, object]:
    return {"type": "webhook", "to": to, "url": "https://hooks.company.example/x", "secret_env": "A_SECRET", **more}


def test_the_shipped_destination_is_off_until_its_variables_are_set() -> None:
    assert switched_on(SHIPPED, ()) == {"reps": False}
    assert switched_on(SHIPPED, {"HANDOFF_WEBHOOK_URL"}) == {"reps": False}
    assert recipients(make_notice(NoticeKind.LEAD_HANDED_OFF), SHIPPED, switched_on(SHIPPED, ())) == ()
    assert why_off(SHIPPED, {"HANDOFF_WEBHOOK_URL"})[0] == (
        "Destination reps is off: set HANDOFF_WEBHOOK_SECRET to switch it on."
    )


@pytest.mark.parametrize("kind", list(NoticeKind))
def test_with_one_address_set_every_notice_is_heard(kind: NoticeKind) -> None:
    """No lead is silent: one address is enough to hear everything."""
    assert recipients(make_notice(kind), SHIPPED, switched_on(SHIPPED, SET)) == ("reps",)
    assert why_off(SHIPPED, SET) == ()


def test_every_kind_has_an_audience_and_a_headline() -> None:
    assert set(AUDIENCE) == set(HEADLINES) == set(NoticeKind)
    assert headline(make_notice(NoticeKind.LEAD_HANDED_OFF)) == "A new lead for you"


def test_a_destination_hears_what_concerns_its_roles_and_kinds() -> None:
    rules = make_rules(
        everyone=webhook(["rep", "marketing"]),
        mine=webhook("rep", kinds=["lead.handed_off"]),
        theirs=webhook("marketing"),
        asleep=webhook("rep", on=False),
    )
    on = switched_on(rules, {"A_SECRET"})
    assert recipients(make_notice(NoticeKind.LEAD_HANDED_OFF), rules, on) == ("everyone", "mine")
    assert recipients(make_notice(NoticeKind.LEAD_MOVED), rules, on) == ("everyone",)
    assert recipients(make_notice(NoticeKind.LEAD_RECYCLED), rules, on) == ("everyone", "theirs")
    assert recipients(make_notice(NoticeKind.RUN_HELD), rules, on) == ()
    assert why_off(rules, {"A_SECRET"}) == (
        "Destination asleep is off: notifications.yaml says on: false.",
        "Nobody is told what concerns manager, triage and ops; the CRM still shows owner and reason.",
    )


def test_an_escalation_names_its_own_audience() -> None:
    """R18: sla.yaml says whom a clock concerns."""
    assert audience(make_notice(NoticeKind.SLA_BREACHED)) == {Role.REP, Role.MANAGER}
    assert audience(make_notice(NoticeKind.SLA_BREACHED, tell=["ops"])) == {Role.OPS}


def test_slack_mentions_a_rep_by_mail_or_id() -> None:
    """R15: owner → Slack id map."""
    owners = {"Ana@company.example": "U012AB3CD", "8": "U999999"}
    slack = SlackDestination.model_validate({"type": "slack", "to": "rep", "url_env": "SLACK_URL", "owners": owners})
    ana = Owner(id=OwnerId("7"), name="Ana Sample", email="ana@company.example")
    assert slack.member(ana) == "U012AB3CD"
    assert slack.member(Owner(id=OwnerId("8"), name="Ben", email="")) == "U999999"
    assert slack.member(Owner(id=OwnerId("9"), name="Cleo", email="")) is None
    assert slack.member(None) is None


def in_chat(kind: str, **more: object) -> dict[str, object]:
    return {"type": kind, "to": "rep", "url_env": "CHAT_URL", **more}


@pytest.mark.parametrize(
    "destination",
    [
        in_chat("teams", owners={"ana@company.example": "ana@company.example"}),
        in_chat("teams", owners={"7": "0a1b2c3d-0000-4000-8000-00000000abcd"}),
        in_chat("google_chat", owners={"ana@company.example": "104857600042", "7": 104857600043}),
        in_chat("apprise", kinds=["lead.triaged"], personal=True),
        in_chat("slack", templates={"lead.signal": {"title": "{{ company }}"}, "sla.at_risk": {"text": "{{ due }}"}}),
    ],
)
def test_chats_and_mail_are_destinations_too(destination: dict[str, object]) -> None:
    """R15: owner → member map for each chat."""
    rules = make_rules(x=destination)
    assert switched_on(rules, ()) == {"x": False} and switched_on(rules, {"CHAT_URL"}) == {"x": True}
    assert why_off(rules, ())[0] == "Destination x is off: set CHAT_URL to switch it on."


@pytest.mark.parametrize(
    "destination",
    [
        webhook("boss"),
        webhook([]),
        webhook("rep", url_env="ALSO_URL"),
        webhook("rep", url="ftp://company.example/x"),
        webhook("rep", url="https://user:pass@company.example/x"),
        webhook("rep", secret_env="lower"),
        webhook("rep", secret="whsec_in_the_file"),
        webhook("rep", kinds=["lead.unknown"]),
        {"type": "slack", "to": "rep", "url": "https://hooks.company.example/x"},
        {"type": "pigeon", "to": "rep"},
        in_chat("slack", owners={"7": "ana"}),
        in_chat("teams", owners={"7": "Ana Sample"}),
        in_chat("teams", owners={"7": "<at>all</at>@x"}),
        in_chat("google_chat", owners={"7": "all"}),
        in_chat("google_chat", url="https://hooks.company.example/x"),
        in_chat("apprise", owners={"7": "ana@company.example"}),
        in_chat("apprise", secret_env="A_SECRET"),
        in_chat("teams", templates={"lead.handed_off": {}}),
        in_chat("teams", templates={"lead.handed_off": {"text": ""}}),
        in_chat("teams", templates={"lead.handed_off": {"text": "{{ secret }}"}}),
        in_chat("teams", templates={"lead.unknown": {"text": "x"}}),
        in_chat("teams", kinds=["lead.signal"], templates={"lead.moved": {"text": "x"}}),
    ],
)
def test_what_cannot_work_is_refused(destination: dict[str, object]) -> None:
    """Secrets never stand in the file (I10)."""
    with pytest.raises(ValidationError):
        make_rules(x=destination)
