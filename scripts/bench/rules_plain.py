"""What the benches of rules compare with: the same book written out by hand, and as rule-engine's expressions.

Both give the outcome alone. The hand-written one is what somebody would write who needs no rule files: no reasons, no
patterns but string methods. rule-engine cannot count activities by pattern and age, so these counts are given to it as
values; its figure is for the conditions alone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import Contact
from connector.rules.email_domains import is_throw_away, is_web_mail

TITLES = ("ceo", "cmo", "founder", "managing director", "vp", "director", "head of marketing", "head of sales")
TITLES += ("marketing manager", "sales manager", "revenue operations")
RIVALS = ("rival.example", "other-rival.example")


def outcome(contact: Contact, activities: list[Activity], now: datetime) -> str:
    """The book of rules_leads.py by hand."""
    fields = contact.fields
    domain = str(fields.get("email") or "").rpartition("@")[2]
    to_triage = is_throw_away(domain) or domain in RIVALS or fields.get("company") == "Rival Inc"
    to_triage = to_triage or fields.get("country") in ("KP", "IR")
    to_triage = to_triage or (not fields.get("email") and not fields.get("phone"))
    local = str(fields.get("email") or "").partition("@")[0].partition("+")[0]
    stopped = is_web_mail(domain) or local in ("info", "office", "admin", "support", "noreply")
    forms = [row for row in activities if row.kind is ActivityKind.FORM_SUBMISSION]
    if any(row.name.lower() in ("request a demo", "free audit") for row in forms):
        return "triage" if to_triage else "hand_over"
    if stopped or to_triage:
        return "nurture" if stopped else "nothing"
    fit = _fit(fields)
    engagement = _engagement(activities, now)
    enough = fit + engagement >= 50 and fit >= 10 and engagement >= 30
    return "hand_over" if enough or (fit >= 10 and _triggered(fields, activities, now)) else "nothing"


def _fit(fields: Any) -> float:
    size, fit = fields.get("employees") or 0, 0
    fit += 15 if 50 <= size <= 1000 else 5 if 10 <= size <= 49 else 0
    title = f" {' '.join(str(fields.get('job_title') or '').lower().replace(',', ' ').split())} "
    fit += 10 if any(f" {word} " in title for word in TITLES) else 0
    fit += 10 if fields.get("email_domain") else 0
    return min(fit + (5 if fields.get("country") in ("US", "CA", "GB", "DE", "FR") else 0), 40)


def _engagement(activities: list[Activity], now: datetime) -> float:
    sums = {"pricing": 0.0, "story": 0.0, "guide": 0.0, "webinar": 0.0, "click": 0.0, "job": 0.0, "page": 0.0}
    for row in activities:
        days = (now - row.occurred_at).total_seconds() / 86_400
        if row.kind is ActivityKind.PAGE_VIEW:
            path = "/" + str(row.url).partition("://")[2].partition("/")[2].lower()
            if "/pricing" in path:
                sums["pricing"] += round(25 * 0.5 ** (days / 14), 2)
            elif path.startswith("/customers/"):
                sums["story"] += round(8 * 0.5 ** (days / 30), 2)
            elif path.startswith("/careers"):
                sums["job"] -= round(10 * 0.5 ** (days / 30), 2)
            else:
                sums["page"] += round(0.5 ** (days / 30), 2)
        elif row.kind is ActivityKind.FORM_SUBMISSION and "guide" in row.name.lower():
            sums["guide"] += round(15 * 0.5 ** (days / 30), 2)
        elif row.kind is ActivityKind.FORM_SUBMISSION and "webinar" in row.name.lower():
            sums["webinar"] += round(20 * 0.5 ** (days / 30), 2)
        elif row.kind is ActivityKind.EMAIL_CLICK:
            sums["click"] += round(5 * 0.5 ** (days / 30), 2)
    caps = {"pricing": 50, "story": 24, "guide": 30, "webinar": 40, "click": 15, "job": 99, "page": 5}
    return min(max(sum(min(points, caps[name]) for name, points in sums.items()), 0), 60)


def _triggered(fields: Any, activities: list[Activity], now: datetime) -> bool:
    week, month, quarter = (now - timedelta(days=days) for days in (7, 30, 90))
    pricing = sent = clicked = webinars = 0
    for row in activities:
        name, at = row.name.lower(), row.occurred_at
        pricing += row.kind is ActivityKind.PAGE_VIEW and at >= week and "/pricing" in str(row.url)
        sent += row.kind is ActivityKind.EMAIL_SENT and at >= quarter and "nurture" in name
        clicked += row.kind is ActivityKind.EMAIL_CLICK and at >= quarter and "nurture" in name
        webinars += row.kind is ActivityKind.FORM_SUBMISSION and at >= month and "webinar" in name
    large = (fields.get("employees") or 0) >= 200 and fields.get("industry") not in ("Education", "Government")
    return pricing >= 2 or (sent >= 3 and clicked >= 2) or (webinars >= 1 and large)


EXPRESSIONS = (
    "employees >= 50 and employees <= 1000",
    "employees >= 10 and employees <= 49",
    'job_title =~~ "(?i)\\b(ceo|cmo|founder|managing director|vp|director|head of marketing|head of sales)\\b"',
    'email_domain != ""',
    'country in ["US", "CA", "GB", "DE", "FR"]',
    'email_host in ["rival.example", "other-rival.example"]',
    'country in ["KP", "IR"]',
    'email == "" and phone == ""',
    "pricing_in_7_days >= 2",
    "nurture_sent >= 3 and nurture_clicked >= 2",
    'employees >= 200 and webinars >= 1 and not (industry in ["Education", "Government"])',
)


def rule_engine() -> Callable[[dict[str, Any]], int] | None:
    """How many of the book's conditions hold, by rule-engine; None where it is not installed."""
    try:
        import rule_engine as engine  # pip install rule-engine; no part of Handoff needs it
    except ImportError:
        return None
    rules = [engine.Rule(text) for text in EXPRESSIONS]
    return lambda values: sum(rule.matches(values) for rule in rules)


def values_for_rule_engine(contact: Contact) -> dict[str, Any]:
    names = ("employees", "job_title", "email_domain", "country", "email", "phone", "industry")
    values: dict[str, Any] = {name: contact.fields.get(name) or "" for name in names}
    counts = {"pricing_in_7_days": 1, "nurture_sent": 2, "nurture_clicked": 1, "webinars": 1}
    return values | counts | {"email_host": str(values["email"]).rpartition("@")[2]}
