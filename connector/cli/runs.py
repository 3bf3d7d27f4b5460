"""`handoff runs`: what the last runs did, and one of them with all that the CRM refused in it (run_page.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.domain.run import Seen

JsonFlag = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(rich_markup_mode=None)
    group.callback(invoke_without_command=True, epilog="Example: handoff runs --limit 5")(runs)
    group.command("show", epilog="Example: handoff runs show run_0123… --out refused.csv")(show)
    app.add_typer(group, name="runs")


def runs(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 20,
    hints: Annotated[bool, typer.Option("--hints", help="Looks at HubSpot's webhooks too.")] = False,
    as_json: JsonFlag = False,
) -> int:
    """List the last runs, newest first.

    Below them: the contacts that are set aside, each with the reason.
    """
    if context.invoked_subcommand:
        return 0
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
        columns = ["run", "status", "as of", "seen", "late", "pulled", "handed over", "written", "sent", "remarks"]
        table("Runs", columns, [_row(row) for row in rows])
    if aside:
        names = list(aside[0])
        table("Set aside", names, [[row[name] for name in names] for row in aside])
    return 0


def show(
    run: Annotated[
        str, typer.Argument(help="Its id, as `handoff runs` shows it; without one the last run.", show_default=False)
    ] = "",
    out: Annotated[
        str, typer.Option("--out", metavar="FILE", help="Also save the records that the CRM refused, as CSV.")
    ] = "",
    as_json: JsonFlag = False,
) -> int:
    """Show one run: what it did, and what the CRM refused.

    Refused records are grouped by the CRM's reason. They hold no personal data but the contact's id.
    """
    from connector.bootstrap import queries
    from connector.cli import run_page
    from connector.cli.console import note, print_json
    from connector.cli.csv_text import csv_text
    from connector.cli.files import save
    from connector.cli.start import start
    from connector.errors import SettingsError

    with queries(start()) as asked:
        row = asked.run(run)
        if row is None:
            missing = f"there is no run {run!r}" if run else "there was no run yet"
            raise SettingsError(missing, advice="`handoff runs` lists them with their ids.")
        run = str(row["run"])
        refused, zone = asked.refused(run), asked.time_zone()
        named = {one["contact"] for one in refused}
        aside = [one for one in asked.set_aside(row) if one["contact"] not in named]
    if out and not refused:
        note(f"The CRM refused nothing in this run: {out} was not written.")
    elif out:
        path = save("--out", out, csv_text(run_page.REFUSED_COLUMNS, run_page.refused_lines(run, refused)))
        note(f"Saved {path}.")
    if as_json:
        print_json({**row, "refused": run_page.by_error(refused), "set_aside": aside})
    else:
        run_page.show(row, refused, aside, zone)
    return 0


COUNTS = {
    "contacts_pulled": "pulled",
    "handed_off": "handed over",
    "changes_written": "written",
    "notices_sent": "sent",
}


def _row(row: Mapping[str, object]) -> list[object]:
    counts, seen = _counts(row), _seen(row)
    figures = (seen.rows, seen.late) if seen is not None else (None, None)
    return [row["run"], row["status"], row["as_of"], *figures, *(counts.get(name) for name in COUNTS), row["error"]]


def _for_people(row: Mapping[str, object], zone_name: str) -> list[object]:
    from connector.cli.console import moment
    from connector.rules.local_time import portal_zone

    counts = _counts(row)
    parts = [f"{counts[name]} {word}" for name, word in COUNTS.items() if counts.get(name)]
    if (seen := _seen(row)) is not None and seen.late:
        parts.append(f"{seen.late} shown late")
    as_of = moment(row["as_of"], portal_zone(zone_name))
    return [row["run"], row["status"], as_of, ", ".join(parts) or "nothing new", row["error"]]


def _seen(row: Mapping[str, object]) -> Seen | None:
    """Of contacts; None where the run pulled none."""
    from connector.rules.completeness import CONTACTS, restored

    return restored(_counts(row).get("completeness")).get(CONTACTS)


def _counts(row: Mapping[str, object]) -> Mapping[str, object]:
    """Empty while the run is under way."""
    counts = row["counts"]
    return counts if isinstance(counts, dict) else {}
