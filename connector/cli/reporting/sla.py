"""The clocks of sales and the promise of marketing, as one document (R17, R19)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connector.cli.reporting.document import Card, Cards, Column, Document, Kind, Part, Section, Table
from connector.cli.reporting.words import as_of, interval, percent, time_taken, within
from connector.rules.reporting.facts import Facts
from connector.rules.reporting.late import WHY, Board, Missed
from connector.rules.reporting.leaked import LeakCount
from connector.rules.reporting.results import SlaReport
from connector.rules.targets import PromiseKept, verdict
from connector.rules.words import many

MOST_MISSED = 100
ALL_MISSED = "all of them by `handoff report sla --format csv --table missed`"


def sla_document(found: SlaReport, facts: Facts) -> Document:
    kept, due = sum(one.kept.part for one in found.boards), sum(one.kept.whole for one in found.boards)
    missed = [f"{one.label} {_missed_of(one):,}" for one in found.boards if _missed_of(one)]
    which = f" ({', '.join(missed)})" if missed else ""
    running = sum(one.running for one in found.boards)
    ran_out = f"{kept:,} of {many(due, 'clock')} kept, {due - kept:,} missed{which}" if due else "No clock is over yet"
    return Document(
        title="Service levels",
        answer=f"{ran_out}, {running:,} still running.",
        about=f"{found.period.words}, as of {as_of(found.as_of, facts.zone)}",
        sections=(
            Section("", (_cards(found),)),
            Section("What sales owes marketing", tuple(_boards(found.boards))),
            Section("By owner", (_owners(found.boards, facts),)),
            Section("What marketing owes sales", (promise_table(found.promises), *leak_tables(found.leaks))),
            Section("Missed, one by one", (_missed(found.missed, facts),)),
        ),
        foot=f"Rules {facts.book.fingerprint}. Worked out by Handoff from what was stored.",
    )


def _cards(found: SlaReport) -> Cards:
    follow = found.follow_up
    cards = [Card(one.label, percent(one.kept.percent), _kept(one)) for one in found.boards]
    spans = (
        ("Sales: to the first touch", follow.human_median, follow.human_p90),
        ("Handoff: to the handover", follow.system_median, follow.system_p90),
    )
    told = [Card(name, time_taken(median), within(most)) for name, median, most in spans]
    return Cards([*cards, *told])


def _kept(one: Board) -> str:
    if not one.kept.whole:
        return "nothing to measure yet"
    return f"{one.kept.part:,} of {one.kept.whole:,} kept, interval {interval(one.kept)}"


def _boards(found: Sequence[Board]) -> Iterator[Part]:
    columns = (
        Column("clock"),
        Column("limit"),
        Column("kept", Kind.SHARE),
        Column("missed", Kind.COUNT),
        Column("median delay", Kind.SPAN),
        Column("still running", Kind.COUNT),
    )
    yield Table(
        name="clocks",
        columns=columns,
        rows=[(one.label, one.limit, one.kept, _missed_of(one), one.late_median, one.running) for one in found],
        note=f"Which leads: below, one by one, and {ALL_MISSED}." if any(map(_missed_of, found)) else "",
        empty="sla.yaml has no clocks.",
    )
    causes = [(one.label, WHY[why], number) for one in found for why, number in one.causes]
    yield Table(
        name="causes",
        title="Why clocks were missed",
        columns=(Column("clock"), Column("cause"), Column("leads", Kind.COUNT)),
        rows=causes,
        empty="None was missed.",
    )


def _missed_of(one: Board) -> int:
    """Leads on which this clock was missed, each once."""
    return one.kept.whole - one.kept.part


def _owners(found: Sequence[Board], facts: Facts) -> Table:
    rows = [
        (facts.owner_name(owner), one.label, share, share.whole - share.part)
        for one in found
        for owner, share in one.owners
    ]
    columns = (Column("owner"), Column("clock"), Column("kept", Kind.SHARE), Column("missed", Kind.COUNT))
    return Table(name="owners", columns=columns, rows=sorted(rows, key=lambda row: (row[0], row[1])))


def promise_table(found: Sequence[PromiseKept]) -> Table:
    columns = (
        Column("month"),
        Column("handed over", Kind.COUNT),
        Column("promised", Kind.COUNT),
        Column("due so far", Kind.COUNT),
        Column("accepted of those answered", Kind.PERCENT),
        Column("accepted promised", Kind.PERCENT),
        Column(""),
    )
    rows = [
        (one.month, one.handed, one.promised, round(one.due_by_now), one.accepted_percent, one.quality_promised,
         verdict(one.met))
        for one in found
    ]  # fmt: skip
    title = "Leads promised and handed over"
    empty = "reports.yaml holds no promise of marketing."
    return Table(name="promise", title=title, columns=columns, rows=rows, empty=empty)


def leak_tables(found: Sequence[LeakCount]) -> Iterator[Table]:
    """E-mails of marketing's to leads that sales held; nothing where there were none (R11)."""
    if found:
        counted = (Column("leads", Kind.COUNT), Column("e-mails", Kind.COUNT), Column("last", Kind.DAY))
        rows = [(one.mailing, one.leads, one.mails, one.last_at) for one in found]
        title = "E-mails to leads that sales held"
        yield Table(name="leaks", title=title, columns=(Column("e-mail"), *counted), rows=rows)


def _missed(found: Sequence[Missed], facts: Facts) -> Table:
    columns = (
        Column("lead"),
        Column("owner"),
        Column("clock"),
        Column("due", Kind.DAY),
        Column("delay", Kind.SPAN),
        Column("cause"),
    )
    newest = list(reversed(found))
    return Table(
        name="missed",
        columns=columns,
        rows=[
            (one.lead.contact, facts.owner_name(one.owner), _label(one.clock, facts),
             one.due_at.astimezone(facts.zone), one.late_by, WHY[one.why])
            for one in newest
        ],
        most=MOST_MISSED,
        note=_note(newest),
        empty="None.",
    )  # fmt: skip


def _note(newest: Sequence[Missed]) -> str:
    older = f"and {len(newest) - MOST_MISSED:,} older ones: {ALL_MISSED}. " if len(newest) > MOST_MISSED else ""
    twice = len({(one.lead.id, one.clock) for one in newest}) < len(newest)
    each = "A lead that changed hands stands here for each owner who missed its clock. " if twice else ""
    return f"{older}{each}More of a lead: `handoff explain` and its number."


def _label(clock: str, facts: Facts) -> str:
    rules = facts.book.sla.clocks.get(clock)
    return rules.label if rules else clock
