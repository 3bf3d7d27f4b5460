"""What the bench of replay compares with: the shipped rules written out by hand, day by day over the same rows.

A lead that is heard of is scored anew from all that it did in the last 180 days, as somebody would write it who needs
to know when each lead is handed over for the first time and nothing else: no turns of owners, no episodes, no
hand-backs, no reasons. With rule-engine the same loop asks its expressions, for values that are counted by hand, as it
cannot count. Both give how many leads were handed over; the replay must find as many.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from replay_past import PORTAL

from connector.rules.email_domains import is_throw_away, is_web_mail

LOOK_BACK, WEEK, QUARTER = timedelta(days=180), timedelta(days=7), timedelta(days=90)
ASKING = ("request a demo", "free audit", "contact us")
DESKS = ("info", "office", "admin", "support", "noreply", "no-reply", "postmaster", "webmaster", "abuse")
TITLES = ("ceo", "cmo", "cro", "founder", "managing director", "vp", "vice president", "director", "head of marketing")
TITLES += ("head of sales", "head of growth", "marketing manager", "sales manager", "revenue operations")
ROWS = """
    SELECT observed_at, contact, kind, occurred_at, name, url FROM activity
    WHERE portal = ? AND observed_at <= ? AND NOT automatic ORDER BY observed_at
"""
FIRST_SIGHT = "SELECT contact, value FROM field_change WHERE portal = ? AND field = '*' AND observed_at <= ?"
Deed = tuple[str, datetime, str, str]
"""Kind, instant, name, address."""
Judge = Callable[[dict[str, Any], list[Deed], datetime], bool]


def handed_over(path: str, until: datetime, judge: Judge) -> tuple[int, int]:
    """Activities that were gone through, and leads that were handed over."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA cache_size = -16000")
    stamp = until.isoformat(timespec="microseconds")
    people = {who: _known(json.loads(value)) for who, value in connection.execute(FIRST_SIGHT, (PORTAL, stamp))}
    done: dict[str, list[Deed]] = {}
    given, count = set[str](), 0
    for seen_at, rows in groupby(connection.execute(ROWS, (PORTAL, stamp)), key=lambda row: row[0]):
        now, heard = datetime.fromisoformat(seen_at), set[str]()
        for _, who, kind, at, name, url in rows:
            count += 1
            if who not in given:
                heard.add(who)
                done.setdefault(who, []).append((kind, datetime.fromisoformat(at), name, url or ""))
        for who in heard:
            kept = done[who] = [deed for deed in done[who] if now - deed[1] <= LOOK_BACK]
            if judge(people[who], kept, now):
                given.add(who)
                del done[who]
    connection.close()
    return count, len(given)


def _known(raw: dict[str, Any]) -> dict[str, Any]:
    """Fit, and whether a filter stops the contact; neither changes in this past."""
    email = raw.get("email") or ""
    local, _, domain = email.partition("@")
    size = int(raw.get("numemployees") or 0)
    title = f" {' '.join((raw.get('jobtitle') or '').lower().replace(',', ' ').split())} "
    fit = 15 if 50 <= size <= 1000 else 5 if 10 <= size <= 49 else 0
    fit += 10 if any(f" {word} " in title for word in TITLES) else 0
    fit += 10 if domain and not is_web_mail(domain) else 0
    fit += 5 if raw.get("country") else 0
    to_triage = is_throw_away(domain) or not email
    stopped = to_triage or is_web_mail(domain) or local in DESKS
    return {"fit": min(fit, 40), "to_triage": to_triage, "stopped": stopped}


def by_hand(lead: dict[str, Any], deeds: list[Deed], now: datetime) -> bool:
    """Whether the lead is handed over now."""
    asks = any(kind == "form_submission" and name.lower() in ASKING for kind, _, name, _ in deeds)
    if asks:
        return not lead["to_triage"]
    if lead["stopped"] or lead["fit"] < 10:
        return False
    counted = _count(deeds, now)
    engagement = counted["engagement"]
    enough = lead["fit"] + engagement >= 50 and engagement >= 30
    return enough or counted["pricing"] >= 2 or (counted["sent"] >= 3 and counted["clicked"] >= 2)


def _count(deeds: list[Deed], now: datetime) -> dict[str, float]:
    """Points of interest, and what key pages and the trigger look at."""
    pricing = guides = clicks = pages = 0.0
    looks = sent = clicked = 0
    for kind, at, name, url in deeds:
        age = now - at
        days = max(age.total_seconds() / 86_400, 0.0)
        if kind == "page_view":
            if "/pricing" in url.partition("?")[0].lower():
                pricing += round(25 * 0.5 ** (days / 14), 2)
                looks += age <= WEEK
            else:
                pages += round(0.5 ** (days / 30), 2)
        elif kind == "email_click":
            clicks += round(5 * 0.5 ** (days / 30), 2)
            clicked += age <= QUARTER and "nurture" in name.lower()
        elif kind == "email_sent":
            sent += age <= QUARTER and "nurture" in name.lower()
        elif kind == "form_submission" and "guide" in name.lower():
            guides += round(15 * 0.5 ** (days / 30), 2)
    engagement = min(min(pricing, 50) + min(guides, 30) + min(clicks, 15) + min(pages, 5), 60)
    return {"engagement": engagement, "pricing": looks, "sent": sent, "clicked": clicked}


EXPRESSIONS = (
    "asks and not to_triage",
    "not asks and not stopped and fit >= 10 and engagement >= 30 and fit + engagement >= 50",
    "not asks and not stopped and fit >= 10 and pricing >= 2",
    "not asks and not stopped and fit >= 10 and sent >= 3 and clicked >= 2",
)


def by_rule_engine() -> Judge | None:
    """The same with rule-engine's expressions; None where it is not installed."""
    try:
        import rule_engine as engine  # pip install rule-engine; no part of Handoff needs it
    except ImportError:
        return None
    rules = [engine.Rule(text) for text in EXPRESSIONS]

    def judge(lead: dict[str, Any], deeds: list[Deed], now: datetime) -> bool:
        asks = any(kind == "form_submission" and name.lower() in ASKING for kind, _, name, _ in deeds)
        values = {**lead, **_count(deeds, now), "asks": asks}
        return any(rule.matches(values) for rule in rules)

    return judge


def judges() -> Iterator[tuple[str, Judge]]:
    yield "by_hand", by_hand
    engine = by_rule_engine()
    if engine is not None:
        yield "rule_engine", engine
