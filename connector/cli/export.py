"""`handoff export training`: every lead handed over, as it was seen then, and what became of it (R25)."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        help="Give out what was recorded, without personal data.", no_args_is_help=True, rich_markup_mode=None
    )
    group.command("training", epilog="Example: handoff export training --out training.csv")(training)
    app.add_typer(group, name="export")


def training(
    since: Annotated[str, typer.Option("--since", help="First day of handover, such as 2026-01-01.")] = "",
    until: Annotated[str, typer.Option("--until", help="Last day of handover.")] = "",
    out: Annotated[str, typer.Option("--out", help="Save under this name; else it is printed.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> int:
    """Write each lead handed over as one line of CSV.

    Tells its features as seen at the handover, and its outcome. Safe to open in a spreadsheet. Names, addresses,
    numbers to call and free text are left out.
    """
    from connector.bootstrap import open_database
    from connector.cli.console import note, print_json
    from connector.cli.csv_text import csv_text
    from connector.cli.files import save
    from connector.cli.reporting.span import span
    from connector.cli.start import start
    from connector.config.mappings import load_rulebook
    from connector.engine.ports import PortalState
    from connector.engine.reports.training import training as examples
    from connector.rules.reporting.facts import Period

    settings = start()
    book = load_rulebook(settings.mappings_dir)
    store = open_database(settings, None)
    try:

        def asked(state: PortalState) -> Period:
            return span(state, since, until, "")

        columns, rows = examples(store, book, asked)
    finally:
        store.close()
    if as_json:
        print_json({"leads": rows})
        return 0
    text = csv_text(columns, ([row.get(name) for name in columns] for row in rows))
    if out:
        note(f"{len(rows):,} leads saved in {save('--out', out, text)}.")
    else:
        print(text, end="")
    return 0
