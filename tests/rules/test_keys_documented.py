"""Every key of these rule files has its line in the admin's page (style.md, section 9)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from connector.domain.episode import State
from connector.domain.stage import Stage
from connector.rules import calendar, notifications, recycling, reports, routing, sla, stages, suppression
from connector.rules.rulebook import LANES

DOCS = Path(__file__).parents[2] / "docs" / "rules"
MODELS: list[tuple[str, type[BaseModel]]] = [
    ("routing", routing.RoutingRules),
    ("routing", routing.PoolRules),
    ("routing", routing.Member),
    ("routing", routing.Territory),
    ("routing", routing.Fallback),
    ("sla", sla.SlaRules),
    ("sla", sla.ClockRules),
    ("sla", calendar.CalendarRules),
    ("sla", calendar.HolidayRules),
    ("notifications", notifications.WebhookDestination),
    ("notifications", notifications.SlackDestination),
    ("notifications", notifications.TeamsDestination),
    ("notifications", notifications.GoogleChatDestination),
    ("notifications", notifications.AppriseDestination),
    ("notifications", notifications.MessageTemplate),
    ("reports", reports.ReportRules),
    ("reports", reports.MarketingPromise),
    ("reports", reports.Kpi),
    ("stages", stages.StageRules),
    ("stages", stages.Projection),
    ("suppression", suppression.SuppressionRules),
    ("suppression", suppression.MarketingHold),
    ("recycling", recycling.RecyclingRules),
    ("recycling", recycling.Reason),
    ("recycling", recycling.Wake),
]
TYPES = notifications.AnyDestination.__args__


@pytest.mark.parametrize(("page", "model"), MODELS, ids=lambda value: getattr(value, "__name__", value))
def test_every_key_is_on_the_admins_page(page: str, model: type[BaseModel]) -> None:
    tables = "\n".join(
        line for line in (DOCS / f"{page}.md").read_text(encoding="utf-8").splitlines() if line.startswith("|")
    )
    assert [key for key in model.model_fields if not re.search(rf"\b{key}\b", tables)] == []


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("notifications", [kind.value for kind in notifications.NoticeKind]),
        ("notifications", [role.value for role in notifications.Role]),
        ("notifications", [one.model_fields["type"].annotation.__args__[0] for one in TYPES]),
        ("reports", [figure.value for figure in reports.Figure]),
        ("reports", [level.value for level in reports.Level]),
        ("routing", [stick.value for stick in routing.Stick]),
        ("sla", [until.value for until in sla.Until]),
        ("stages", [stage.value for stage in Stage]),
        ("stages", [state.value for state in State if state is not State.QUALIFIED]),
        ("suppression", [policy.value for policy in suppression.Policy]),
        ("suppression", list(LANES)),
        ("recycling", [track.value for track in recycling.Track]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_choice_is_on_the_admins_page(page: str, words: list[str]) -> None:
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    assert [word for word in words if word not in text] == []
