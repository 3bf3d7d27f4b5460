"""Alarms as notices: what reports would show is told by itself, once for each change, each night (R12, R17, R27).

A rate that changed drastically goes to marketing and managers; an owner who starves or is overloaded, and leads that
the proof could not mend, go to managers and ops. A leak is told by leaks.py, with each run. What stands on is not told
again before its time: when it was last told stands among the watermarks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.domain.notice import Notice, NoticeKind
from connector.engine.context import Context
from connector.engine.notify import entries
from connector.engine.ports import AuditRow, PortalState
from connector.engine.ports.proof import Stranded
from connector.engine.reports.gather import gather
from connector.rules.notifications import Role
from connector.rules.reporting.alarms import SPANS, last_look
from connector.rules.reporting.facts import Facts, Period
from connector.rules.reporting.results import newest_alarms
from connector.rules.reporting.told import alarm_sentence
from connector.rules.routing import Directory, overloaded, starves
from connector.rules.silence import Cause

RULE = "alarm"
"""Of the audit rows."""
WEEK = timedelta(days=7)
TURNS = timedelta(days=28)
"""So far back the turns of each pool are looked at."""
SILENT = "silent"
"""Key of the alarm about leads that a proof could not mend."""
MOST_NAMED = 20
"""Leads in one notice; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """One alarm. `key`: what it is about, the same as long as it stands.

    `rests`: told again only after so long; None: never.
    """

    about: str
    key: str
    words: str
    tell: tuple[Role, ...]
    rests: timedelta | None = WEEK
    leads: Sequence[Stranded] = ()


def raise_alarms(context: Context, found: Sequence[Stranded]) -> None:
    """Tell what is new, in one transaction.

    Args:
        found: what the proof of this night could not mend.
    """
    with context.store.reading() as uow:
        told_at = uow.watermark(f"alarm {SILENT}")
    raised = [*_silent(found, told_at), *_of_reports(context)]
    told = tell(context, raised)
    context.remarks += [one.words for one in told if one.about != "silent"]  # the proof speaks of these itself


def tell(context: Context, raised: Sequence[Raised]) -> Sequence[Raised]:
    """Queue a notice for each that is to be told again by now, in one transaction; gives these."""
    if not raised:
        return ()
    with context.store.transaction() as uow:
        told = []
        for one in raised:
            last = uow.watermark(_mark(one))
            if last is None or (one.rests is not None and context.now - last >= one.rests):
                uow.put_watermark(_mark(one), context.now)
                told.append(one)
        notices = [_notice(context, one) for one in told]
        context.counts.notices_queued += uow.put_entries(entries(context, notices, None, due_at=context.now))
        uow.audit(context.run.id, [_audit(one, context.now) for one in told], context.now)
    return told


def _mark(one: Raised) -> str:
    return f"alarm {one.key}"


def _silent(found: Sequence[Stranded], told_at: datetime | None) -> Iterator[Raised]:
    """Those found since the last such alarm. What the rules lack is told once, not by lead."""
    tell = (Role.OPS, Role.MANAGER)
    lacking = [one for one in found if one.cause == Cause.NO_CLOCK]
    if lacking:
        words = f"{_leads(len(lacking))} on no clock of the rules: add one with `until: end` to sla.yaml."
        yield Raised(about="silent", key="no_clock", words=words, tell=tell, rests=TURNS, leads=lacking)
    new = [one for one in found if one.cause != Cause.NO_CLOCK and (told_at is None or one.found_at > told_at)]
    if new:
        words = f"{_leads(len(new))} newly kept going by nothing: `handoff leads --silent` says why."
        yield Raised(about="silent", key=SILENT, words=words, tell=tell, rests=timedelta(0), leads=new)


def _leads(number: int) -> str:
    return "1 lead in sales' hands is" if number == 1 else f"{number:,} leads in sales' hands are"


def _of_reports(context: Context) -> Iterator[Raised]:
    gathered = gather(context.store, context.book, _last_weeks)
    if gathered is not None:
        facts, _ = gathered
        yield from _rates(facts)
        yield from _turns(context, facts)


def _last_weeks(state: PortalState) -> Period:
    assert state.as_of is not None
    return Period(since=state.as_of - TURNS, until=state.as_of, words="the last four weeks")


def _rates(facts: Facts) -> Iterator[Raised]:
    """As of the last Monday; one change is seen for as long as the longest span is."""
    look_at = last_look(facts.as_of, facts.zone)
    for one in newest_alarms(facts) if facts.as_of - look_at < WEEK else ():
        moved = "fell" if one.fell else "rose"
        yield Raised(
            about="rate", key=f"rate:{one.rate.value}:{moved}", words=alarm_sentence(one, facts),
            tell=(Role.MARKETING, Role.MANAGER), rests=max(SPANS) + WEEK,
        )  # fmt: skip


def _turns(context: Context, facts: Facts) -> Iterator[Raised]:
    with context.store.reading() as uow:
        directory, open_leads = Directory(uow.owners()), uow.open_leads()
    rules, tell = facts.book.routing, (Role.MANAGER, Role.OPS)
    for line, words in starves(facts.turns, rules, directory):
        yield Raised(about="starving", key=f"starving:{line.pool}:{line.owner}", words=words, tell=tell)
    for owner, words in overloaded(facts.turns, open_leads, directory):
        yield Raised(about="overloaded", key=f"overloaded:{owner}", words=words, tell=tell)


def _notice(context: Context, one: Raised) -> Notice:
    """Its key names the run's own instant, which a restart keeps (I5, I9)."""
    packet: dict[str, object] = {"alarm": one.about, "sentence": one.words, "tell": [role.value for role in one.tell]}
    if one.leads:
        packet["count"] = len(one.leads)
        packet["leads"] = [
            {
                "contact_id": lead.contact, "summary": f"contact {lead.contact}: {lead.words}",
                "link": context.crm.record_url(lead.contact),
            }
            for lead in one.leads[:MOST_NAMED]
        ]  # fmt: skip
    return Notice(
        kind=NoticeKind.ALARM_RAISED,
        contact=None,
        episode=None,
        owner=None,
        key=f"{one.key}:{context.now:%Y-%m-%dT%H:%M}",
        occurred_at=context.now,
        packet=packet,
    )


def _audit(one: Raised, now: datetime) -> AuditRow:
    return AuditRow(
        effect=f"alarm:{one.key}:{now:%Y-%m-%dT%H:%M}", contact=None, episode=None, rule=RULE,
        inputs={"alarm": one.about}, outcome="told",
    )  # fmt: skip
