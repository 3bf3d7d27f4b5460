"""`handoff runs`: what the last runs did."""

from __future__ import annotations

from typing import Annotated

import typer

JsonFlag = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]


def register(app: typer.Typer) -> None:
    app.command("runs", epilog="Example: handoff runs --limit 5")(runs)


def runs(
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 20,
    as_json: JsonFlag = False,
) -> int:
    """List the last runs, newest first.

    Below them: the contacts that are set aside, each with the reason.
    """
    from connector.bootstrap import open_database
    from connector.cli.console import is_terminal, note, print_json, table
    from connector.cli.start import start

    store = open_database(start(), None)
    try:
        with store.reading() as uow:
            rows, aside, state = uow.runs(limit), uow.quarantined(), uow.portal_state()
    finally:
        store.close()
    if as_json:
        print_json({"runs": rows, "set_aside": aside})
        return 0
    if not rows:
        note("No run yet. `handoff sync` is one.")
        return 0
    zone = state.time_zone if state and is_terminal() else ""
    table(
        f"Runs ({zone})",
        ["run", "status", "as of", "pulled", "handed over", "written", "sent", "remarks"],
        [_row(r, zone) for r in rows],
        whole=("run",),
    )
    if aside:
        names = list(aside[0])
        table("Set aside", names, [[row[name] for name in names] for row in aside])
    return 0


def _row(row: object, zone: str) -> list[object]:
    """`zone` empty: the instant as it is, for scripts."""
    from connector.cli.console import moment
    from connector.rules.local_time import portal_zone

    assert isinstance(row, dict)
    counts = row.get("counts") or {}
    return [
        row.get("run"),
        row.get("status"),
        moment(row.get("as_of"), portal_zone(zone)) if zone else row.get("as_of"),
        counts.get("contacts_pulled"),
        counts.get("handed_off"),
        counts.get("changes_written"),
        counts.get("notices_sent"),
        row.get("error"),
    ]
