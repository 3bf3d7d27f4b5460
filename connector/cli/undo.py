"""`handoff undo`: what one run wrote goes back where it is still ours (R36)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.config.settings import Settings
    from connector.engine.report import UndoReport
    from connector.rules.rulebook import RuleBook
    from connector.rules.undoing import Line

    Whose = Callable[[Line], list[str]]
    Told = Callable[[Line, str], str]


def register(app: typer.Typer) -> None:
    app.command("undo", epilog="Example: handoff undo run_20260302T090000_1a2b3c --dry-run")(undo)


def undo(
    run: Annotated[str, typer.Argument(help="Id of the run, as `handoff runs` shows it.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go back, and what not.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> int:
    """Put back what one run wrote, where it is still ours.

    What a person or a later run changed stays, and so does a lead that sales has answered. Who was told hears that it
    is withdrawn. Leads that are undone come to sales again only when they do something new.
    """
    from connector.bootstrap import connect
    from connector.cli.console import note, print_json, progress_bar
    from connector.cli.start import start

    settings = start()
    with connect(settings) as connector:
        if dry_run or not yes:
            planned = connector.undo(run, dry_run=True)
            if not as_json or not dry_run:
                _show(planned, settings, connector.book, as_json=as_json)
            if dry_run:
                if as_json:
                    print_json(planned.as_dict())
                return 0
            if not planned.contacts:
                return 0
            if not _agreed(planned):
                note("Nothing was undone.")
                return 1
        with progress_bar(as_json) as bars:
            report = connector.undo(run, progress=bars)
    if as_json:
        print_json(report.as_dict())
    elif yes:
        _show(report, settings, connector.book, as_json=False)
    else:
        _sum_up(report)
    return report.exit_code


def _agreed(planned: UndoReport) -> bool:
    import sys

    from connector.errors import SettingsError
    from connector.rules.words import many

    if not sys.stdin.isatty():
        raise SettingsError(
            "undoing asks first, and nobody is there to answer",
            advice="Say --yes, or --dry-run to see what would go back.",
        )
    return typer.confirm(f"Put this back for {many(planned.contacts, 'contact')}?", err=True)


def _show(report: UndoReport, settings: Settings, book: RuleBook, *, as_json: bool) -> None:
    """For people with names beside the ids and times in the portal's zone; in a pipe as the CRM writes them."""
    from connector.cli.console import is_terminal, table

    if as_json:
        return
    whose, value, zone = _for_people(report, settings, book) if is_terminal() else (_whose, _value, "")
    names = ["contact", "lead"] if zone else ["contact"]
    back = [line for line in report.lines if not line.why]
    left = [line for line in report.lines if line.why]
    times = f" (times: {zone})" if zone else ""
    if back:
        title = ("Would go back" if report.dry_run else "Put back") + times
        rows = [
            [*whose(line), line.field, value(line, line.now), value(line, line.back_to) or "(empty)"] for line in back
        ]
        table(title, [*names, "field", "now" if report.dry_run else "was", "back to"], rows, whole=("contact",))
    if left:
        rows = [[*whose(line), line.field or "(all)", value(line, line.now), line.why] for line in left]
        table(f"Left alone{times}", [*names, "field", "now", "why"], rows, whole=("contact",))
    _sum_up(report)


def _whose(line: Line) -> list[str]:
    return [line.contact]


def _value(line: Line, wire: str) -> str:
    return wire


def _for_people(report: UndoReport, settings: Settings, book: RuleBook) -> tuple[Whose, Told, str]:
    """How a terminal tells whose a line is, and a value that the CRM wrote; and the portal's zone."""
    from connector.cli.naming import for_people, known_names
    from connector.rules.local_time import portal_zone
    from connector.rules.values import READERS, FieldType, Unreadable

    names = known_names(settings, (line.contact for line in report.lines))
    zone, rules = portal_zone(names.zone), book.fields.fields
    readers = {kind: READERS[kind] for kind in (FieldType.OWNER, FieldType.INSTANT)}
    readers[FieldType.STAGE] = book.stages.reader

    def whose(line: Line) -> list[str]:
        return [line.contact, names.leads.get(line.contact, "")]

    def value(line: Line, wire: str) -> str:
        reader = readers.get(rules[line.field].type) if line.field in rules else None
        try:
            return for_people(line.field, reader(wire), names, zone) if reader and wire else wire
        except Unreadable:
            return wire

    return whose, value, names.zone


def _sum_up(report: UndoReport) -> None:
    """One sentence, and what needs a person."""
    from connector.cli.console import note
    from connector.rules.words import many

    if not report.contacts and not report.failed:
        done = f" An earlier undo took care of {many(report.already, 'contact')}." if report.already else ""
        note(f"Nothing of {report.undoes} is left to undo.{done}")
        return
    verb = "would go back" if report.dry_run else "went back"
    note(f"{many(report.contacts, 'contact')} {verb}.")
    if report.withdrawn or report.cancelled:
        would = " would be" if report.dry_run else ""
        note(f"Notices: {report.withdrawn}{would} withdrawn, {report.cancelled}{would} cancelled before they go out.")
    if report.failed:
        note(f"{many(report.failed, 'contact')} came to no good end; the same command tries them again.")
    for line in report.troubles:
        note(f"note: {line}")
