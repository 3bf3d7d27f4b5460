"""Every key of routing, sla, notifications and reports has its line in the admin's page (style.md, section 9)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from connector.rules import calendar, notifications, reports, routing, sla

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
    ("reports", reports.ReportRules),
    ("reports", reports.MarketingPromise),
    ("reports", reports.Kpi),
]


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
        ("reports", [figure.value for figure in reports.Figure]),
        ("reports", [level.value for level in reports.Level]),
        ("routing", [stick.value for stick in routing.Stick]),
        ("sla", [until.value for until in sla.Until]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_choice_is_on_the_admins_page(page: str, words: list[str]) -> None:
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    assert [word for word in words if word not in text] == []
