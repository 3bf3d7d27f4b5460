"""What became of each owner's leads, as a document (R16, R26)."""

from __future__ import annotations

from connector.cli.reporting.document import Column, Columns, Document, Kind, Section, Table, Words
from connector.cli.reporting.funnel import ACCEPTED
from connector.cli.reporting.words import as_of
from connector.rules.reporting.facts import Facts
from connector.rules.reporting.results import OwnersReport
from connector.rules.words import many


def owners_document(found: OwnersReport, facts: Facts) -> Document:
    most = max((one.leads.handed for one in found.owners), default=0)
    least = min((one.leads.handed for one in found.owners if not one.gone), default=0)
    handed = sum(one.leads.handed for one in found.owners)
    each = f"{least:,} to {most:,}" if least != most else f"{most:,}"
    columns = (
        Column("owner"),
        Column("handed over", Kind.COUNT),
        Column("open", Kind.COUNT),
        Column("first touch", Kind.SPAN),
        Column("90 % within", Kind.SPAN),
        Column("clocks kept", Kind.SHARE),
        Column("accepted", Kind.SHARE),
        Column("handed back", Kind.SHARE),
        Column("junk", Kind.SHARE),
        Column("won", Kind.COUNT),
        Column("conversion", Kind.SHARE),
        Column("revenue", Kind.MONEY),
        Column("next to the others"),
    )
    rows = [
        (
            f"{one.name} (has left)" if one.gone else one.name, one.leads.handed, one.leads.open,
            one.leads.follow_up_median, one.leads.follow_up_p90, one.clocks, one.leads.accepted, one.leads.recycled,
            one.leads.junk, one.leads.won.part, one.leads.won, one.leads.revenue, PERFORMS[one.leads.performs.value],
        )
        for one in found.owners
    ]  # fmt: skip
    return Document(
        title="Owners",
        answer=f"{many(handed, 'lead')} at {many(len(found.owners), 'owner')}, {each} each.",
        about=f"{found.period.words}, as of {as_of(found.as_of, facts.zone)}",
        sections=(
            Section(
                "Leads and what became of them",
                (
                    Columns(
                        title="Leads handed over to each",
                        rows=[(one.name, float(one.leads.handed), one.gone) for one in found.owners[:MOST_OWNERS]],
                        caption=_caption(len(found.owners)),
                    ),
                    Table(
                        name="owners",
                        columns=columns,
                        rows=rows,
                        pale=frozenset(place for place, one in enumerate(found.owners) if one.gone),
                        note=f"A lead counts for the owner who has it, or had it last. {ACCEPTED} Few leads say "
                        "little: each share has its interval in the CSV file, and under the mouse on the page.",
                    ),
                ),
            ),
            *_turns(found, facts),
        ),
        foot=f"Rules {facts.book.fingerprint}. Worked out by Handoff from what was stored.",
    )


MOST_OWNERS = 24
"""More columns than that cannot be told apart."""


def _caption(owners: int) -> str:
    if owners <= MOST_OWNERS:
        return ""
    return f"{MOST_OWNERS} of {owners} shown, those with most leads; all are in the table below and in the CSV file."


PERFORMS = {"above": "better", "below": "worse", "alike": "alike", "too_few": "too few to say"}


def _turns(found: OwnersReport, facts: Facts) -> tuple[Section, ...]:
    """How the turns of each pool were spread; nothing where no lead went by turns."""
    if not any(line.leads for line in found.turns):
        return ()
    columns = (
        Column("pool"),
        Column("owner"),
        Column("weight", Kind.COUNT),
        Column("by turns", Kind.COUNT),
        Column("by weight alone", Kind.POINTS),
        Column("ahead now", Kind.POINTS),
        Column("mostly not taken because"),
    )
    rows = [
        (
            facts.book.routing.label(line.pool), facts.owner_name(line.owner), line.weight, line.leads,
            round(line.share, 1), round(line.ahead, 2), line.why_not,
        )
        for line in found.turns
    ]  # fmt: skip
    alarm = (Words(" ".join(found.starving), "box due"),) if found.starving else ()
    table = Table(
        name="turns",
        columns=columns,
        rows=rows,
        note="Leads that somebody got because they knew them are no turns. Whoever is away, at a cap or without the "
        "skill stands still meanwhile, so turns may differ from the weight alone; “ahead now” stays within about one.",
    )
    return (Section("How the turns were spread", (*alarm, table)),)
