"""The meeting of marketing and sales, prepared, as a document to be mailed (R28)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connector.cli.reporting.document import Column, Document, Kind, Part, Points, Section, Table, Words
from connector.cli.reporting.funnel import alarm_parts, shift_table
from connector.cli.reporting.sla import leak_tables, promise_table
from connector.cli.reporting.words import as_of, readable, shown
from connector.rules.reporting.facts import Facts
from connector.rules.reporting.late import WHY
from connector.rules.reporting.meeting import MOST_LEADS, MeetingReport, Told
from connector.rules.reporting.settings import Campaign
from connector.rules.targets import verdict
from connector.rules.words import many


def meeting_document(found: MeetingReport, facts: Facts) -> Document:
    missed = sum(one.now.met is False for one in found.targets)
    missed += found.promise is not None and not found.promise.met  # it stands in the same section
    counts = found.counts
    answer = (
        f"{many(found.counted.handed, 'lead')} handed over, {many(counts['wins'], 'win')}, "
        f"{counts['disputed']:,} disputed, {many(counts['late'], 'clock')} missed, {many(missed, 'target')} missed."
    )
    who = f" For {', '.join(found.who)}." if found.who else ""
    return Document(
        title="Marketing and sales: the meeting",
        answer=answer,
        about=f"{found.period.words}, as of {as_of(found.as_of, facts.zone)}.{who}",
        sections=(
            Section("Proposed agenda", (Points(found.agenda or ("Nothing is pressing.",), numbered=True),)),
            Section("What changed", tuple(_changed(found, facts))),
            Section("Targets", (_targets(found), *_promise(found))),
            Section(f"Wins ({counts['wins']})", (*_won(found), _leads("wins", found.wins, "Nothing was won."))),
            Section(f"Losses ({counts['losses']})", (_leads("losses", found.losses, "Nothing was lost."),)),
            Section(
                f"Disputed leads ({counts['disputed']})",
                (
                    Words("Sales says that these should not have come. Why they came stands beside.", "soft"),
                    _leads("disputed", found.disputed, "None."),
                ),
            ),
            Section(f"Missed clocks ({counts['late']})", (*_late(found), *leak_tables(found.leaks))),
            Section("Campaigns", (_campaigns(found.campaigns),)),
        ),
        foot="Leads are named by their record id alone. Worked out by Handoff from what was stored.",
    )


def _changed(found: MeetingReport, facts: Facts) -> Iterator[Part]:
    yield from alarm_parts(found.alarms, facts)
    if found.shifts:
        yield shift_table(found.shifts, facts)
    if found.review:
        yield Words(found.review, "box due")


def _targets(found: MeetingReport) -> Table:
    columns = (Column("figure"), Column("now"), Column("the time before"), Column("target"), Column(""))
    rows = [
        (one.now.kpi.label, one.now.shown, one.before.shown if one.before else "", one.now.target,
         verdict(one.now.met, one.now.too_early))
        for one in found.targets
    ]  # fmt: skip
    return Table(name="targets", columns=columns, rows=rows, empty="reports.yaml names no figures.")


def _promise(found: MeetingReport) -> Iterator[Part]:
    if found.promise is not None:
        yield promise_table([found.promise])


def _won(found: MeetingReport) -> Iterator[Part]:
    money = found.money.won
    if money.amount is not None:
        share = found.money.revenue_share
        of_all = f", {share:.1f} % of the portal's" if share is not None else ""
        yield Words(f"{many(money.number, 'deal')} won, worth {shown(money.amount, Kind.MONEY)}{of_all}.")


def _leads(name: str, leads: Sequence[Told], empty: str) -> Table:
    columns = (
        Column("lead"),
        Column("owner"),
        Column("source"),
        Column("why it came"),
        Column("outcome"),
        Column("days", Kind.DAYS),
        Column("revenue", Kind.MONEY),
    )
    rows = [
        (one.contact, one.owner, readable(one.source), one.why, one.outcome, one.days, one.revenue) for one in leads
    ]
    note = f"The first {MOST_LEADS}." if len(leads) == MOST_LEADS else ""
    return Table(name=name, columns=columns, rows=rows, empty=empty, note=note)


def _late(found: MeetingReport) -> Iterator[Part]:
    yield Table(
        name="late",
        columns=(Column("cause"), Column("clocks", Kind.COUNT)),
        rows=[(WHY[why], number) for why, number in found.late],
        empty="None was missed.",
    )
    if found.late_owners:
        yield Table(
            name="late_owners",
            columns=(Column("owner"), Column("clocks", Kind.COUNT)),
            rows=list(found.late_owners),
        )


def _campaigns(found: Sequence[Campaign]) -> Table:
    columns = (
        Column("campaign"),
        Column("begins", Kind.DAY),
        Column("ends", Kind.DAY),
        Column("aims at"),
        Column("leads expected", Kind.COUNT),
    )
    rows = [(one.name, one.starts_on, one.ends_on, one.aims_at or "", one.leads_expected) for one in found]
    return Table(name="campaigns", columns=columns, rows=rows, empty="reports.yaml names none.")
