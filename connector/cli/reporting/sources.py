"""Where leads come from, as a document (R26, R30)."""

from __future__ import annotations

from connector.cli.reporting.document import Columns, Document, Intervals, Section, Table
from connector.cli.reporting.funnel import ACCEPTED, group_columns, group_row
from connector.cli.reporting.words import as_of, days, percent, readable
from connector.rules.reporting.facts import Facts
from connector.rules.reporting.results import SourcesReport
from connector.rules.words import many


def sources_document(found: SourcesReport, facts: Facts) -> Document:
    total = found.total
    share = total.won_of_arrived
    field = facts.book.fields.label(found.field)
    answer = (
        f"{many(total.arrived or 0, 'lead')} from {many(len(found.sources), 'source')}; "
        f"{many(total.won.part, 'customer')} ({percent(share.percent if share else None)})"
    )
    if total.won.part:
        answer += f", half of them within {days(total.days_to_won_median)}"
        answer += f", nine in ten within {days(total.days_to_won_p90)}"
    rows = [group_row(readable(one.value), one) for one in found.sources]
    forms = [group_row(one.value, one) for one in found.forms]
    return Document(
        title="Where leads come from",
        answer=f"{answer}.",
        about=f"{found.period.words}, as of {as_of(found.as_of, facts.zone)}; source: the field “{field}”",
        sections=(
            Section(
                "Sources",
                (
                    Columns(
                        title="Leads by source",
                        rows=[
                            (readable(one.value), float(one.arrived or one.handed), False) for one in found.sources[:14]
                        ],
                    ),
                    Intervals(
                        title="Customers, of the leads that came in",
                        rows=[(readable(one.value), one.won_of_arrived) for one in found.sources if one.won_of_arrived],
                        usual=share.percent if share else None,
                        caption="Each line is the 95 % interval of its share; the dashed one is all leads.",
                    ),
                    Table(
                        name="sources",
                        columns=group_columns("source", arrived=True),
                        rows=[*rows, group_row("all", total)] if rows else [],
                        note=f"Days from the lead's arrival to the customer, median and 90th percentile. {ACCEPTED}",
                    ),
                ),
            ),
            Section(
                "Forms", (Table(name="forms", columns=group_columns("form sent last", arrived=False), rows=forms),)
            ),
        ),
        foot=f"Rules {facts.book.fingerprint}. Worked out by Handoff from what was stored.",
    )
