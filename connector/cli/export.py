"""`handoff export training`: every lead handed over, as it was seen then, and what became of it (R25).

`--portal-history` adds what the portal itself remembers from before Handoff; it is an option of its own, for it asks
the CRM, which takes calls and minutes, where the rest is read from the database alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from typing import TextIO

    from connector.config.settings import Settings
    from connector.engine.reports.portal_history import PortalHistory
    from connector.rules.reporting.examples import Row
    from connector.store import SqlStore

PORTAL_SINCE = "730d"
"""How far the portal's past is read where nobody says: two years."""


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        help="Give out what was recorded, without personal data.", no_args_is_help=True, rich_markup_mode=None
    )
    group.command("training", epilog="Example: handoff export training --portal-history --out training.csv")(training)
    app.add_typer(group, name="export")


def training(
    since: Annotated[
        str, typer.Option("--since", help="First day of handover, such as 2026-01-01, or how far back, such as 730d.")
    ] = "",
    until: Annotated[str, typer.Option("--until", help="Last day of handover.")] = "",
    portal_history: Annotated[
        bool,
        typer.Option(
            "--portal-history",
            help="Also what was ready for sales in the portal before Handoff: asks the CRM, writes nothing there; "
            "two years back, unless --since says otherwise.",
        ),
    ] = False,
    out: Annotated[str, typer.Option("--out", help="Save under this name; else it is printed.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> int:
    """Write each lead handed over as one line of CSV.

    Tells its features as seen at the handover, and its outcome. Safe to open in a spreadsheet. Names, addresses,
    numbers to call and free text are left out.
    """
    from connector.bootstrap import open_database
    from connector.cli.start import start

    settings = start()
    if portal_history:
        return _with_portal_history(settings, since, until, out, as_json=as_json)
    store = open_database(settings, None)
    try:
        names, rows = _own(settings, store, since, until)
    finally:
        store.close()
    _give(names, rows, len(rows), out, as_json=as_json)
    return 0


def _own(settings: Settings, store: SqlStore, since: str, until: str) -> tuple[list[str], list[Row]]:
    """What Handoff handed over itself."""
    from connector.cli.instants import since_instant
    from connector.cli.reporting.span import span
    from connector.config.mappings import load_rulebook
    from connector.engine.ports import PortalState
    from connector.engine.reports.training import training as examples
    from connector.rules.local_time import portal_zone
    from connector.rules.reporting.facts import Period

    def asked(state: PortalState) -> Period:
        assert state.as_of is not None
        first = since_instant("--since", since, portal_zone(state.time_zone), state.as_of)
        return span(state, first.isoformat() if first is not None else "", until, "")

    return examples(store, load_rulebook(settings.mappings_dir), asked)


def _with_portal_history(settings: Settings, since: str, until: str, out: str, *, as_json: bool) -> int:
    from itertools import chain

    from connector.bootstrap import connect
    from connector.cli.console import note, progress_bar
    from connector.cli.files import check_writable
    from connector.cli.instants import instant, since_instant
    from connector.errors import SettingsError
    from connector.rules.local_time import portal_zone
    from connector.rules.reporting.examples import columns
    from connector.rules.words import many
    from connector.store import open_notebook

    if out and not as_json:
        check_writable("--out", out)
    with connect(settings) as connector, open_notebook() as notes:
        portal = connector.portal()
        zone = portal_zone(portal.time_zone)
        first = since_instant("--since", since or PORTAL_SINCE, zone, portal.now)
        last = instant("--until", until, zone, to_its_end=True)
        if first is not None and first >= (last or portal.now):
            raise SettingsError("--since lies after the end", advice="Begin before --until, and before today.")
        names, rows = _own(settings, connector.store(portal), since, until)
        with progress_bar(as_json) as bars:
            found = connector.portal_history(portal, notes, first, last, bars)
        all_names = columns([*found.names, *names])
        _give(all_names, chain(notes.rows(), rows), found.examples + len(rows), out, as_json=as_json)
        _sum_up(found, len(rows))
        note(f"{many(connector.calls(), 'API call')}; nothing was written to the CRM.")
    return 0


def _give(names: Sequence[str], rows: Iterable[Row], count: int, out: str, *, as_json: bool) -> None:
    """Row after row, so that memory stays flat."""
    import sys

    from connector.cli.console import note
    from connector.cli.csv_text import write_csv
    from connector.cli.files import writing
    from connector.rules.words import many

    if as_json:
        _write_json(sys.stdout, rows)
        return
    if not count and not out:
        note("Nobody was handed over in that time, so there is nothing to export.")
        return
    cells = ([row.get(name) for name in names] for row in rows)
    if not out:
        write_csv(sys.stdout, names, cells)
        return
    with writing("--out", out) as file:
        write_csv(file, names, cells)
    note(f"{many(count, 'lead')} saved in {out}.")


def _write_json(file: TextIO, rows: Iterable[Row]) -> None:
    from connector.cli.console import json_text

    file.write('{"leads": [')
    for place, row in enumerate(rows):
        file.write(f"{', ' if place else ''}{json_text(row)}")
    file.write("]}\n")


def _sum_up(found: PortalHistory, own: int) -> None:
    """What the portal's past gave, and what it could not tell."""
    from connector.cli.console import note
    from connector.rules.words import many

    note(
        f"{many(found.examples, 'example')} from the portal's past, of {many(found.looked_at, 'contact')}; "
        f"{many(own, 'lead')} that Handoff handed over."
    )
    if found.ours:
        note(f"Left out: {many(found.ours, 'contact')} that Handoff handed over as well.")
    if found.dateless:
        note(f"Left out: {many(found.dateless, 'contact')} in a stage of sales without a history of it, or a deal.")
    for why in found.streams_off.values():
        note(f"Not known: {why}.")
