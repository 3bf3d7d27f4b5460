"""`handoff report`: the funnel at a glance, and six reports in many forms (R26-R30)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from connector.cli.forms import Out, form_of, give

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.cli.reporting.document import Document
    from connector.engine.ports import PortalState
    from connector.rules.reporting.facts import Facts, Period

    Report = Callable[[Facts, Period], tuple[object, Document]]

FORMATS = ("text", "markdown", "html", "mail", "csv", "json")

Since = Annotated[str, typer.Option("--since", help="First day, such as 2026-01-01; from the beginning if left out.")]
Until = Annotated[str, typer.Option("--until", help="Last day; the last run if left out.")]
Month = Annotated[str, typer.Option("--month", help="One month, such as 2026-03, in place of --since and --until.")]
By = Annotated[str, typer.Option("--by", help="Which leads: handed over then (handed), or come in then (arrived).")]
Form = Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")]
TableName = Annotated[str, typer.Option("--table", help="Which table as CSV; the first if left out.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Show the funnel in figures, and six reports.", rich_markup_mode=None)
    group.callback(invoke_without_command=True)(at_a_glance)
    group.command("funnel", epilog="Example: handoff report funnel --month 2026-03 --out funnel.html")(funnel)
    group.command("sla", epilog="Example: handoff report sla --since 2026-01-01")(sla)
    group.command("meeting", epilog="Example: handoff report meeting --out meeting.html")(meeting)
    group.command("agreement", epilog="Example: handoff report agreement --out agreement.html")(agreement)
    group.command("owners", epilog="Example: handoff report owners --format csv")(owners)
    group.command("sources", epilog="Example: handoff report sources --by arrived --json")(sources)
    app.add_typer(group, name="report", epilog="Example: handoff report funnel --out funnel.html")


def at_a_glance(context: typer.Context, as_json: JsonFlag = False) -> int:
    """Show the funnel in figures, against the targets.

    Figures and targets are chosen in reports.yaml. Without one of the reports below: all leads ever handed over, as
    they stand now.
    """
    if context.invoked_subcommand is not None:
        return 0
    from connector.bootstrap import open_database
    from connector.cli.console import print_json
    from connector.cli.funnel import show_funnel
    from connector.cli.start import start
    from connector.config.mappings import load_rulebook
    from connector.engine.figures import figures

    settings = start()
    book = load_rulebook(settings.mappings_dir)
    store = open_database(settings, None)
    try:
        found = figures(store, book)
    finally:
        store.close()
    if as_json:
        print_json(found)
    else:
        show_funnel(found)
    return 0


def funnel(
    since: Since = "", until: Until = "", month: Month = "", by: By = "handed", form: Form = "", out: Out = "",
    table: TableName = "", as_json: JsonFlag = False,
) -> int:  # fmt: skip
    """Follow leads from the handover to the customer.

    Followed up, accepted, won, against the targets; cohorts, velocity, alarms, what outperforms, revenue.
    """
    from connector.cli.reporting.funnel import funnel_document
    from connector.rules.reporting.results import funnel_report

    def report(facts: Facts, period: Period) -> tuple[object, Document]:
        found = funnel_report(facts, period)
        return found, funnel_document(found, facts)

    return _report(report, since, until, month, by, form, out, table, as_json)


def sources(
    since: Since = "", until: Until = "", month: Month = "", by: By = "handed", form: Form = "", out: Out = "",
    table: TableName = "", as_json: JsonFlag = False,
) -> int:  # fmt: skip
    """Show where leads come from, and what becomes of them."""
    from connector.cli.reporting.sources import sources_document
    from connector.rules.reporting.results import sources_report

    def report(facts: Facts, period: Period) -> tuple[object, Document]:
        found = sources_report(facts, period)
        return found, sources_document(found, facts)

    return _report(report, since, until, month, by, form, out, table, as_json, by_source=True)


def owners(
    since: Since = "", until: Until = "", month: Month = "", by: By = "handed", form: Form = "", out: Out = "",
    table: TableName = "", as_json: JsonFlag = False,
) -> int:  # fmt: skip
    """Show what became of each owner's leads.

    And how fast they were followed up, which clocks were kept, and how turns were spread.
    """
    from connector.cli.reporting.owners import owners_document
    from connector.rules.reporting.results import owners_report

    def report(facts: Facts, period: Period) -> tuple[object, Document]:
        found = owners_report(facts, period)
        return found, owners_document(found, facts)

    return _report(report, since, until, month, by, form, out, table, as_json)


def sla(
    since: Since = "", until: Until = "", month: Month = "", by: By = "handed", form: Form = "", out: Out = "",
    table: TableName = "", as_json: JsonFlag = False,
) -> int:  # fmt: skip
    """Show clocks kept and missed, by owner and cause.

    Beside them what marketing promised, month by month.
    """
    from connector.cli.reporting.sla import sla_document
    from connector.rules.reporting.results import sla_report

    def report(facts: Facts, period: Period) -> tuple[object, Document]:
        found = sla_report(facts, period)
        return found, sla_document(found, facts)

    return _report(report, since, until, month, by, form, out, table, as_json)


def meeting(
    since: Since = "", until: Until = "", month: Month = "", form: Form = "", out: Out = "", table: TableName = "",
    as_json: JsonFlag = False,
) -> int:  # fmt: skip
    """Prepare the meeting of marketing and sales, to be mailed.

    Since the last meeting: the time that `meeting.every` of reports.yaml names, up to the last run.
    """
    from connector.cli.reporting.meeting import meeting_document
    from connector.rules.reporting.meeting import meeting_report

    def report(facts: Facts, period: Period) -> tuple[object, Document]:
        found = meeting_report(facts, period)
        return found, meeting_document(found, facts)

    return _report(report, since, until, month, "handed", form, out, table, as_json, since_last_meeting=True)


def agreement(form: Form = "", out: Out = "", as_json: JsonFlag = False) -> int:
    """Say what marketing and sales owe each other.

    Worked out from the rules; needs no network and no database.
    """
    from datetime import UTC, datetime

    from connector.cli.reporting.agreement import agreement_document
    from connector.cli.start import start
    from connector.config.mappings import load_rulebook
    from connector.rules import agreement as rules

    chosen = form_of(form, out, as_json, FORMATS)
    found = rules.agreement(load_rulebook(start().mappings_dir), datetime.now(UTC).date())
    _give(found.as_dict(), agreement_document(found), chosen, out, "")
    return 0


def _report(
    report: Report, since: str, until: str, month: str, by: str, form: str, out: str, table: str, as_json: bool,
    *, since_last_meeting: bool = False, by_source: bool = False,
) -> int:  # fmt: skip
    from connector.bootstrap import open_database
    from connector.cli.console import note, one_of, print_json
    from connector.cli.reporting.span import span
    from connector.cli.start import start
    from connector.config.mappings import load_rulebook
    from connector.engine.reports.gather import gather

    chosen = form_of(form, out, as_json, FORMATS)
    one_of("--by", by, ("handed", "arrived"))
    settings = start()
    book = load_rulebook(settings.mappings_dir)
    back = book.reports.meeting.every if since_last_meeting else None
    store = open_database(settings, None)
    try:

        def asked(state: PortalState) -> Period:
            return span(state, since, until, month, by, back=back)

        gathered = gather(store, book, asked, by_source=by_source)
    finally:
        store.close()
    if gathered is None:
        if chosen == "json":
            print_json({"as_of": None})
        note("Nothing to report yet. `handoff sync` is the first run.")
        return 0
    found, document = report(*gathered)
    _give(found, document, chosen, out, table)
    return 0


def _give(figures: object, document: Document, form: str, out: str, table: str) -> None:
    """On stdout, or into the file.

    Raises:
        SettingsError: the file cannot be written, or there is no such table.
    """
    if form == "text" and not out:
        from connector.cli.reporting.as_text import print_document

        print_document(document)
        return
    give(_written(figures, document, form, table), out)


def _written(figures: object, document: Document, form: str, table: str) -> str:
    import json

    if form == "json":
        from connector.cli.reporting.as_json import plain

        return json.dumps(plain(figures), ensure_ascii=False) + "\n"
    if form == "csv":
        from connector.cli.reporting.as_csv import as_csv

        return as_csv(document, table)
    if form == "html":
        from connector.cli.reporting.as_html import as_html

        return as_html(document)
    if form == "mail":
        from connector.cli.reporting.as_mail import as_mail

        return as_mail(document)
    from connector.cli.reporting.as_markdown import as_markdown

    return as_markdown(document)
