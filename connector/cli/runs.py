"""`handoff runs`: what the last runs did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

JsonFlag = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]


def register(app: typer.Typer) -> None:
    app.command("runs", epilog="Example: handoff runs --limit 5")(runs)


def runs(
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 20,
    hints: Annotated[bool, typer.Option("--hints", help="Looks at HubSpot's webhooks too.")] = False,
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
            rows, aside, state = uow.runs(limit, hints=hints), uow.quarantined(), uow.portal_state()
    finally:
        store.close()
    if as_json:
        print_json({"runs": rows, "set_aside": aside})
        return 0
    if not rows:
        note("No run yet. `handoff sync` is one.")
        return 0
    if is_terminal():
        zone = state.time_zone if state else "UTC"
        shown = [_for_people(row, zone) for row in rows]
        table(f"Runs ({zone})", ["run", "status", "as of", "what", "remarks"], shown, whole=("run",))
    else:
        columns = ["run", "status", "as of", "pulled", "handed over", "written", "sent", "remarks"]
        table("Runs", columns, [_row(row) for row in rows])
    if aside:
        names = list(aside[0])
        table("Set aside", names, [[row[name] for name in names] for row in aside])
    return 0


COUNTS = {
    "contacts_pulled": "pulled",
    "handed_off": "handed over",
    "changes_written": "written",
    "notices_sent": "sent",
}


def _row(row: Mapping[str, object]) -> list[object]:
    counts = _counts(row)
    return [row["run"], row["status"], row["as_of"], *(counts.get(name) for name in COUNTS), row["error"]]


def _for_people(row: Mapping[str, object], zone_name: str) -> list[object]:
    from connector.cli.console import moment
    from connector.rules.local_time import portal_zone

    counts = _counts(row)
    what = ", ".join(f"{counts[name]} {word}" for name, word in COUNTS.items() if counts.get(name))
    as_of = moment(row["as_of"], portal_zone(zone_name))
    return [row["run"], row["status"], as_of, what or "nothing new", row["error"]]


def _counts(row: Mapping[str, object]) -> Mapping[str, object]:
    """Empty while the run is under way."""
    counts = row["counts"]
    return counts if isinstance(counts, dict) else {}
