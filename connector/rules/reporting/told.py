"""Told: an alarm and its likeliest causes in words, for reports and for the notice that is sent of it (R27)."""

from __future__ import annotations

from math import log10

from connector.rules.reporting.alarms import Alarm
from connector.rules.reporting.causes import RULES, Cause, CauseKind
from connector.rules.reporting.facts import FORM, GRADE, LANE, OWNER, Facts
from connector.rules.reporting.settings import RATES
from connector.rules.words import day, many

NOTHING = "–"
CATEGORIES = {OWNER: "owner", FORM: "form", LANE: "way in", GRADE: "grade", RULES: "rules"}


def percent(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.1f} %"


def readable(value: str) -> str:
    """A choice of the CRM as people read it: `ORGANIC_SEARCH` becomes `organic search`."""
    plain = value.replace("_", " ")
    return plain.lower() if value.isupper() and len(value) > 3 else plain


def value_name(category: str, value: str, facts: Facts) -> str:
    """A value of a category for people."""
    if category == OWNER:
        return facts.owners.get(value, value)  # type: ignore[call-overload, no-any-return]
    return value if category == FORM else readable(value)


def alarm_sentence(one: Alarm, facts: Facts) -> str:
    """What changed, since when, how sure that is, and what most likely did it."""
    verb = "fell" if one.fell else "rose"
    first = (
        f"T{RATES[one.rate][1:]} {verb} from {percent(one.before.percent)} to {percent(one.now.percent)} "
        f"({many(one.now.whole, 'lead')} handed over since {day(one.since.astimezone(facts.zone))}, "
        f"{one.before.whole:,} before; chance alone does that less than once in {_once(one.chance)} times)."
    )
    likely = [cause for cause in one.causes if cause.weight >= 0.1] or one.causes[:1]
    told = [f"{cause_words(cause, facts)} ({min(100 * cause.weight, 99):.0f} %)" for cause in likely]
    return f"{first} Likeliest cause: {'; or '.join(told)}."


def _once(chance: float) -> str:
    """Rounded down to a power of ten: nobody can tell one in a million from one in two."""
    return f"{10 ** int(log10(1 / max(chance, 1e-9))):,}"


def cause_words(cause: Cause, facts: Facts) -> str:
    change = f"{percent(cause.before)} to {percent(cause.now)}"
    name = value_name(cause.category, cause.value, facts)
    match cause.kind:
        case CauseKind.MIX:
            what = CATEGORIES.get(cause.category, cause.category.replace("_", " "))
            return f"another mix of leads, {what} “{name}” is {change} of them"
        case CauseKind.RULES:
            since = facts.versions.get(cause.value)
            on = f", published on {day(since)}" if since else ""
            return f"rules {cause.value}{on}: their {many(cause.leads, 'lead')} go from {change}"
        case CauseKind.GROUP:
            what = CATEGORIES.get(cause.category, cause.category.replace("_", " "))
            return f"{what} “{name}”: {many(cause.leads, 'lead')}, from {change}"
        case CauseKind.ALL:
            return "nothing that stands out: all sources, owners and forms alike"
