"""The funnel as a document (R26, R27, R30)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connector.cli.reporting.document import (
    Card,
    Cards,
    Cell,
    Column,
    Columns,
    Document,
    Intervals,
    Kind,
    Part,
    Section,
    Steps,
    Table,
    Words,
)
from connector.cli.reporting.words import as_of, interval, percent, shown, time_taken, within
from connector.rules.reporting.alarms import Alarm
from connector.rules.reporting.cohorts import Cohort
from connector.rules.reporting.facts import Facts
from connector.rules.reporting.groups import Group, Outperformer, Performs
from connector.rules.reporting.handed_back import ReasonShare
from connector.rules.reporting.money import Money
from connector.rules.reporting.numbers import Share
from connector.rules.reporting.results import FunnelReport
from connector.rules.reporting.told import CATEGORIES, alarm_sentence, value_name
from connector.rules.targets import KpiResult, verdict
from connector.rules.words import many

MOST_COHORTS, MOST_GROUPS = 24, 20
ACCEPTED = "Accepted: of those that sales has answered, or should have."
LEVELS = {"tactical": "This week's work", "operational": "How the handover runs", "revenue": "What it brings"}


def funnel_document(found: FunnelReport, facts: Facts) -> Document:
    counted = found.counted
    won = Share(counted.won, counted.handed)
    answer = (
        f"{many(counted.handed, 'lead')} handed over to sales, {counted.accepted:,} accepted, {counted.won:,} became "
        f"customers ({percent(won.percent)})."
    )
    return Document(
        title="The funnel",
        answer=answer if counted.handed else "No lead was handed over to sales in this time.",
        about=f"{found.period.words}, as of {as_of(found.as_of, facts.zone)}",
        sections=(
            Section("", (_cards(found), *alarm_parts(found.alarms, facts), *_due(found))),
            Section("The funnel", (_steps(found), _step_table(found))),
            Section("Figures and targets", tuple(_kpis(found.kpis))),
            Section("How long it takes", tuple(_times(found))),
            Section("Conversion by cohort", tuple(_cohorts(found.cohorts, facts))),
            Section("What outperforms", tuple(_groups(found, facts))),
            Section("Handed back to marketing", tuple(_handed_back(found, facts))),
            Section("Pipeline and revenue", tuple(_money(found.money))),
        ),
        foot=f"Rules {facts.book.fingerprint}. Worked out by Handoff from what was stored.",
    )


def _cards(found: FunnelReport) -> Cards:
    counted, follow = found.counted, found.follow_up
    accepted = Share(counted.accepted, counted.answerable)
    won = Share(counted.won, counted.handed)
    cards = [
        Card("Handed over to sales", f"{counted.handed:,}", f"of {many(found.arrived, 'lead')} that came in"),
        Card("First touch, median", time_taken(follow.human_median), within(follow.human_p90)),
        Card("Accepted", percent(accepted.percent), _of_answered(accepted)),
        Card("Opportunities", f"{counted.opportunities:,}", _of(counted.opportunities, counted.handed)),
        Card("Customers", f"{counted.won:,}", f"{percent(won.percent)}, interval {interval(won)}"),
    ]
    if found.money.won.amount is not None:
        cards.append(Card("Revenue", shown(found.money.won.amount, Kind.MONEY), _share_of(found.money.revenue_share)))
    if found.promise is not None:
        kept = found.promise
        quality = "" if kept.accepted_percent is None else f"; {kept.accepted_percent:.0f} % accepted"
        words = f"{kept.due_by_now:.0f} due by now, {kept.promised} in the month{quality}"
        cards.append(Card(f"Marketing in {kept.month}", f"{kept.handed:,}", words, kept.met))
    return Cards(cards)


def _of_answered(accepted: Share) -> str:
    return f"{accepted.part:,} of {accepted.whole:,} answered or due" if accepted.whole else "nothing to measure yet"


def _of(part: int, whole: int) -> str:
    return f"{percent(Share(part, whole).percent)} of those handed over"


def _share_of(share: float | None) -> str:
    return "" if share is None else f"{percent(share)} of the portal's"


def _due(found: FunnelReport) -> Iterator[Part]:
    if found.review:
        yield Words(found.review, "box due")


def _step_rows(found: FunnelReport) -> list[tuple[str, int]]:
    counted = found.counted
    first = [("leads that came in", found.arrived)] if found.arrived >= counted.handed else []
    return [
        *first,
        ("handed over", counted.handed),
        ("followed up", counted.touched),
        ("accepted", counted.accepted),
        ("opportunities", counted.opportunities),
        ("customers", counted.won),
    ]


def _steps(found: FunnelReport) -> Steps:
    return Steps(title="The funnel", steps=_step_rows(found))


def _step_table(found: FunnelReport) -> Table:
    counted = found.counted
    rows: list[Sequence[Cell]] = []
    before = 0
    for name, number in _step_rows(found):
        passed = Share(number, counted.handed) if rows or number == counted.handed else None
        rows.append((name, number, passed, Share(number, before) if before else None))
        before = number
    outcomes = (
        ("handed back", sum(counted.recycled.values())),
        ("junk", counted.junk),
        ("not reached", counted.unreachable),
        ("lost", counted.lost),
        ("still open", counted.open),
        ("of these without any reaction, though due", counted.untouched),
    )
    rows += [(name, number, Share(number, counted.handed), None) for name, number in outcomes]
    columns = (
        Column("step"),
        Column("leads", Kind.COUNT),
        Column("of those handed over", Kind.SHARE),
        Column("of the step before", Kind.SHARE),
    )
    return Table(name="funnel", columns=columns, rows=rows)


def _kpis(kpis: Sequence[KpiResult]) -> Iterator[Part]:
    columns = (Column("for"), Column("figure"), Column("now"), Column("target"), Column(""))
    yield Table(
        name="kpis",
        columns=columns,
        rows=[(LEVELS[k.kpi.level.value], k.kpi.label, k.shown, k.target, verdict(k.met, k.too_early)) for k in kpis],
        empty="reports.yaml names no figures.",
    )


def _times(found: FunnelReport) -> Iterator[Part]:
    follow = found.follow_up
    spans = (
        ("sales: handover to first touch", follow.human_leads, follow.human_median, follow.human_p90),
        ("Handoff: signal to handover", follow.system_leads, follow.system_median, follow.system_p90),
    )
    columns = (Column(""), Column("leads", Kind.COUNT))
    yield Table(
        name="followup",
        title="Follow-up",
        columns=(*columns, Column("median", Kind.SPAN), Column("90 % within", Kind.SPAN)),
        rows=spans,
    )
    yield Table(
        name="velocity",
        title="From step to step, in whole days",
        note="Counted in days of the calendar: the same day is 0, the next one 1. The table above tells hours.",
        columns=(*columns, Column("median", Kind.DAYS), Column("90 % within", Kind.DAYS)),
        rows=[(leg.name, leg.leads, leg.median_days, leg.p90_days) for leg in found.legs if leg.leads],
    )


def _cohorts(found: Sequence[Cohort], facts: Facts) -> Iterator[Part]:
    if not found:
        return
    mature_after = facts.book.reports.cohorts.mature_after.days
    shown_ones = found[-MOST_COHORTS:]
    left_out = len(found) - len(shown_ones)
    older = f" The newest {MOST_COHORTS} of {len(found)} shown; all are in the table below." if left_out else ""
    yield Columns(
        title="Customers of the leads handed over in each span, in percent",
        rows=[(one.name, (one.in_time or one.won).percent or 0.0, not one.mature) for one in shown_ones],
        unit=" %",
        caption=f"Won within {mature_after} days of the handover. Pale: too young to be compared, won so far.{older}",
    )
    columns = (
        Column("cohort"),
        Column("leads", Kind.COUNT),
        Column("ended", Kind.SHARE),
        Column("accepted", Kind.SHARE),
        Column("opportunities", Kind.SHARE),
        Column("won so far", Kind.SHARE),
        Column(f"won in {mature_after} days", Kind.SHARE),
        Column("revenue", Kind.MONEY),
        Column("maturity"),
    )
    yield Table(
        name="cohorts",
        columns=columns,
        rows=[
            (
                one.name, one.leads, one.settled, one.accepted, one.opportunities, one.won, one.in_time, one.revenue,
                "mature" if one.mature else f"young until {one.matures_on}",
            )
            for one in found
        ],
        pale=frozenset(place for place, one in enumerate(found) if not one.mature),
        note=f"A cohort is mature {mature_after} days after its last handover; only then is it compared. {ACCEPTED}",
    )  # fmt: skip


def _groups(found: FunnelReport, facts: Facts) -> Iterator[Part]:
    for category, some in found.groups.items():
        mature = [one for one in some if one.mature.whole]
        drawn = mature[:MOST_GROUPS]
        if len(drawn) < 2:
            continue
        everyone = Share(sum(one.mature.part for one in some), sum(one.mature.whole for one in some))
        yield Intervals(
            title=f"Customers by {CATEGORIES.get(category, category.replace('_', ' '))}",
            rows=[(value_name(category, one.value, facts), one.mature) for one in drawn],
            usual=everyone.percent,
            caption="Mature leads alone. Each line is the 95 % interval of its share; the dashed one is all leads."
            + (f" {MOST_GROUPS} of {len(mature)} shown, those with most leads." if len(mature) > MOST_GROUPS else ""),
        )
    yield _outperformers(found.outperform, facts)


def _outperformers(found: Sequence[Outperformer], facts: Facts) -> Table:
    rows = [
        (
            CATEGORIES.get(one.category, one.category.replace("_", " ")), value_name(one.category, one.value, facts),
            "better" if one.performs is Performs.ABOVE else "worse", one.mature, interval(one.mature),
            one.others_percent, one.mature.whole,
        )
        for one in found
    ]  # fmt: skip
    columns = (
        Column("category"),
        Column("value"),
        Column("fares"),
        Column("customers", Kind.SHARE),
        Column("95 % interval"),
        Column("all others", Kind.PERCENT),
        Column("leads", Kind.COUNT),
    )
    return Table(
        name="outperform",
        title="Certain enough to act on",
        columns=columns,
        rows=rows,
        empty="No category fares better or worse than the others with certainty; differences may be chance.",
    )


def group_columns(name: str, *, arrived: bool) -> tuple[Column, ...]:
    came = (Column("leads in", Kind.COUNT),) if arrived else ()
    share = (Column("won of leads in", Kind.SHARE),) if arrived else ()
    return (
        Column(name),
        *came,
        Column("handed over", Kind.COUNT),
        Column("accepted", Kind.SHARE),
        Column("handed back", Kind.SHARE),
        Column("junk", Kind.SHARE),
        Column("opportunities", Kind.SHARE),
        Column("won", Kind.COUNT),
        *share,
        Column("conversion", Kind.SHARE),
        Column("days to won", Kind.DAYS),
        Column("90 % within", Kind.DAYS),
        Column("revenue", Kind.MONEY),
    )


def group_row(name: str, one: Group) -> tuple[Cell, ...]:
    came = () if one.arrived is None else (one.arrived,)
    share = () if one.won_of_arrived is None else (one.won_of_arrived,)
    return (
        name, *came, one.handed, one.accepted, one.recycled, one.junk, one.opportunities, one.won.part, *share, one.won,
        one.days_to_won_median, one.days_to_won_p90, one.revenue,
    )  # fmt: skip


def reason_name(reason: str, facts: Facts) -> str:
    return facts.book.recycling.label_of(reason)


def _handed_back(found: FunnelReport, facts: Facts) -> Iterator[Part]:
    yield Table(
        name="reasons",
        title="Why, of the leads of this time",
        columns=(Column("reason"), Column("leads", Kind.COUNT), Column("of all handed back", Kind.SHARE)),
        rows=[(reason_name(name, facts), share.part, share) for name, share in found.reasons],
        empty="Nothing was handed back.",
    )
    if found.shifts:
        yield shift_table(found.shifts, facts)


def shift_table(found: Sequence[ReasonShare], facts: Facts) -> Table:
    return Table(
        name="shifts",
        title="The last four weeks next to the twelve before",
        columns=(
            Column("reason"),
            Column("last 4 weeks", Kind.SHARE),
            Column("12 weeks before", Kind.SHARE),
            Column(""),
        ),
        rows=[
            (reason_name(one.reason, facts), one.recent, one.before, "shifted" if one.shifted else "") for one in found
        ],
    )


def _money(found: Money) -> Iterator[Part]:
    columns = (
        Column(""),
        Column("deals", Kind.COUNT),
        Column("amount", Kind.MONEY),
        Column("whole portal", Kind.COUNT),
        Column("amount of all", Kind.MONEY),
        Column("our share of deals", Kind.PERCENT),
        Column("our share of money", Kind.PERCENT),
    )
    pipeline_share = Share(found.pipeline.number, found.portal_pipeline.number).percent
    rows = [
        ("won", found.won.number, found.won.amount, found.portal_won.number, found.portal_won.amount,
         found.won_share, found.revenue_share),
        ("open pipeline", found.pipeline.number, found.pipeline.amount, found.portal_pipeline.number,
         found.portal_pipeline.amount, pipeline_share, found.pipeline_share),
    ]  # fmt: skip
    unpriced = found.portal_won.unpriced + found.portal_pipeline.unpriced
    notes = [f"{many(unpriced, 'deal')} without an amount; nothing is guessed for them."] if unpriced else []
    if found.uncredited.number:
        amount = found.uncredited.amount
        worth = f", worth {shown(amount, Kind.MONEY)}," if amount is not None else ""
        notes.append(
            f"{many(found.uncredited.number, 'won deal')}{worth} of ours at no owner, source or cohort: the lead had "
            "ended before the deal was made, or is not won."
        )
    yield Table(name="money", columns=columns, rows=rows, note=" ".join(notes))
    if found.velocity_a_day is not None:
        yield Words(
            f"Sales velocity: {shown(found.velocity_a_day, Kind.MONEY)} a day "
            "(open opportunities × win rate × value of a customer ÷ days from handover to customer)."
        )


# -- alarms --------------------------------------------------------------------------------------------------------


def alarm_parts(found: Sequence[Alarm], facts: Facts) -> Iterator[Part]:
    for one in found:
        yield Words(alarm_sentence(one, facts), "box due")
