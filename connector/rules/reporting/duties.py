"""Duties: what reports.yaml adds to the agreement of marketing and sales, in plain words (R29).

Roles and what they owe, what marketing has promised, how success is measured, what raises an alarm, what is planned and
when both sides meet.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from connector.rules.durations import in_words
from connector.rules.reporting.settings import RATES
from connector.rules.words import day, many

if TYPE_CHECKING:
    from connector.rules.reports import Kpi, ReportRules


def duties(rules: ReportRules) -> Iterator[tuple[str, Iterator[str]]]:
    """Title and lines of each section; sections may turn out to have no lines."""
    yield "Who owes what", _roles(rules)
    yield "What marketing owes sales", _promise(rules)
    yield "How success is measured", _measured(rules)
    yield "What raises an alarm", _alarms(rules)
    yield "What marketing has planned", _campaigns(rules)
    yield "When both sides meet", _meeting(rules)


def _roles(rules: ReportRules) -> Iterator[str]:
    for role in rules.roles:
        yield from (f"{role.role}: {duty}" for duty in role.duties)


def _promise(rules: ReportRules) -> Iterator[str]:
    made = rules.marketing_promise
    if made is not None:
        quality = f", of which sales accepts {made.accepted_percent:g} % or more" if made.accepted_percent else ""
        yield f"{many(made.mqls_a_month, 'lead')} each month{quality}"


def _measured(rules: ReportRules) -> Iterator[str]:
    for kpi in rules.kpis:
        target = _target(kpi)
        yield f"{kpi.label}{f': {target}' if target else ''}"
    if rules.kpis:
        ripe = in_words(rules.cohorts.mature_after)
        yield f"by leads handed over in the same {rules.cohorts.each.value}, compared once all of them are {ripe} old"
        yield f"by where they come from (the field {rules.source})"
        if rules.categories:
            yield f"and by {', '.join(rules.categories)}: which fare better than the others"


def _target(kpi: Kpi) -> str:
    if kpi.within is not None:
        return f"within {in_words(kpi.within)}"
    percent = " %" if kpi.is_rate else ""
    if kpi.at_least is not None:
        return f"at least {kpi.at_least:g}{percent}"
    return f"at most {kpi.at_most:g}{percent}" if kpi.at_most is not None else ""


def _alarms(rules: ReportRules) -> Iterator[str]:
    for rate, after in rules.alarms.rates.items():
        points = f"{rules.alarms.least_points:g} points"
        yield f"{RATES[rate]}, looked at {in_words(after)} after the handover, changes by {points} or more"
    if rules.alarms.rates:
        yield f"and chance does not do that: in {rules.alarms.false_alarms:g} % of quarters at most"


def _campaigns(rules: ReportRules) -> Iterator[str]:
    for one in rules.campaigns:
        end = f" to {day(one.ends_on)}" if one.ends_on else ""
        aim = f", for {one.aims_at}" if one.aims_at else ""
        number = f", {many(one.leads_expected, 'lead')} expected" if one.leads_expected else ""
        yield f"{one.name}, from {day(one.starts_on)}{end}{aim}{number}"


def _meeting(rules: ReportRules) -> Iterator[str]:
    """Said where somebody wrote it down; that it is every week otherwise is no agreement."""
    if "meeting" in rules.model_fields_set:
        who = f": {', '.join(rules.meeting.who)}" if rules.meeting.who else ""
        yield f"every {in_words(rules.meeting.every)}{who}"
        yield from (f"always on the agenda: {point}" for point in rules.meeting.agenda)
