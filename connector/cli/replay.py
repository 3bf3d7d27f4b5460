"""`handoff replay`: the past through today's rules and through changed ones, side by side. Reads only (R35)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from connector.engine.replay.outcome import Outcome

MOST_MOVES = 20
JsonFlag = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]


def register(app: typer.Typer) -> None:
    app.command("replay", epilog="Example: handoff replay --since 90d --with mappings-new --out replay")(replay)


def replay(
    rules: Annotated[str, typer.Option("--with", help="Folder with the changed rule files.")],
    since: Annotated[str, typer.Option(help="How far back, such as 90d, or a day, such as 2026-01-31.")] = "90d",
    until: Annotated[str, typer.Option(help="The last day; the last run where it is left out.")] = "",
    out: Annotated[str, typer.Option(help="Folder for the report: replay.html, replay.json, moves.csv.")] = "",
    as_json: JsonFlag = False,
) -> int:
    """Try changed rules on the past: who would move, and why.

    Lives through the runs of that time by today's rules and by the changed ones, in memory. Nothing is written to the
    CRM or the database.
    """
    from pathlib import Path

    from connector.bootstrap import open_database
    from connector.cli.console import note, print_json, progress_bar
    from connector.cli.start import start
    from connector.config.mappings import load_rulebook
    from connector.engine.replay.lived import live
    from connector.engine.replay.outcome import outcome
    from connector.errors import SettingsError

    settings = start()
    if not Path(rules).is_dir():
        raise SettingsError(f"--with: there is no such folder as {rules}", advice="Copy mappings/ there and change it.")
    today, changed = load_rulebook(settings.mappings_dir), load_rulebook(Path(rules))
    folder = _folder(out)
    store = open_database(settings, None)
    try:
        with store.reading() as uow, progress_bar(as_json) as progress:
            state = uow.portal_state()
            first, last = _span(uow.first_sight(), state.as_of if state else None, since, until)
            lived = live(uow, today, changed, since=first, until=last, progress=progress)
            found = outcome(uow, lived, today, changed)
    finally:
        store.close()
    if folder is not None:
        _save(folder, found)
    if as_json:
        print_json(found.as_dict())
    else:
        _show(found)
    if folder is not None:
        note(f"Saved in {folder}: replay.html, replay.json, moves.csv.")
    return 0


def _span(first_sight: datetime | None, last_run: datetime | None, since: str, until: str) -> tuple[datetime, datetime]:
    """From when to when; never before anything was seen, nor after the last run."""
    from datetime import timedelta

    from connector.errors import SettingsError

    if first_sight is None or last_run is None:
        raise SettingsError("there is no past to replay yet", advice="Run `handoff sync` first, then let time pass.")
    last = min(_day("--until", until, to_its_end=True), last_run) if until else last_run
    earliest = first_sight - timedelta(seconds=1)
    begin = max(_since(since, last), earliest)
    if begin >= last:
        raise SettingsError(
            f"nothing lies between {begin:%Y-%m-%d} and {last:%Y-%m-%d}",
            advice=f"The past that is kept begins on {first_sight:%Y-%m-%d} and ends on {last_run:%Y-%m-%d}.",
        )
    return begin, last


def _since(text: str, last: datetime) -> datetime:
    from connector.errors import ConfigError, SettingsError
    from connector.rules.durations import parse_duration

    try:
        return last - parse_duration(text).wall()
    except (ValueError, ConfigError, OverflowError):
        pass
    try:
        return _day("--since", text)
    except SettingsError as error:
        advice = "Write how far back, such as 90d, or a day, such as 2026-01-31."
        raise SettingsError(str(error), advice=advice) from None


def _day(option: str, text: str, *, to_its_end: bool = False) -> datetime:
    from datetime import UTC

    from connector.cli.instants import instant
    from connector.errors import SettingsError

    found = instant(option, text, UTC, to_its_end=to_its_end)
    if found is None:
        raise SettingsError(f"{option} is empty", advice="Write it like 2026-01-31, or --since like 90d.")
    return found


# -- what people see ---------------------------------------------------------------------------------------------------


def _show(found: Outcome) -> None:
    from connector.cli.console import say, table
    from connector.cli.replay_words import KINDS, agreed, became_rows, load_rows, move_rows, taken_in
    from connector.rules.words import many

    counted = found.counted()
    say(f"[bold]{found.since:%Y-%m-%d} to {found.until:%Y-%m-%d}[/bold], {many(found.runs, 'run')}, "
        f"{many(found.activities, 'activity')}")  # fmt: skip
    say(f"Leads handed over: {found.handed_today:,} by today's rules, {found.handed_changed:,} by the changed ones.")
    if silent := taken_in(found):
        say(silent)
    for kind, words in KINDS.items():
        if counted[kind]:
            say(f"  {counted[kind]:>7,}  {words}")
    columns, rows = move_rows(found, MOST_MOVES)
    if rows:
        table("Who would move", columns, rows, whole=("contact",))
    if len(found.moves) > MOST_MOVES:
        say(f"and {len(found.moves) - MOST_MOVES:,} more; `--out FOLDER` saves them all.")
    if found.loads:
        table("Load per owner", *load_rows(found))
    table("What became of them in fact", *became_rows(found))
    say(agreed(found))
    if found.unknown:
        say("[bold]What the past cannot tell[/bold]")
        for words, count in found.unknown:
            say(f"  {count:>7,}  {words}")


# -- what is saved -----------------------------------------------------------------------------------------------------


def _folder(text: str) -> Path | None:
    """Made before the long work begins; a place that cannot be written to is said at once."""
    from pathlib import Path

    from connector.cli.files import save
    from connector.errors import SettingsError

    if not text:
        return None
    folder = Path(text)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no such name can be"
        raise SettingsError(f"--out: {text} cannot be made: {why}", advice="Name a folder that is yours.") from None
    save("--out", str(folder / "moves.csv"), "")
    return folder


def _save(folder: Path, found: Outcome) -> None:
    from connector.cli.console import json_text
    from connector.cli.csv_text import csv_text
    from connector.cli.files import save
    from connector.cli.replay_page import page
    from connector.cli.replay_words import move_rows

    columns, rows = move_rows(found, len(found.moves))
    whole = json_text(found.as_dict(), indent=1)
    for name, text in (("replay.html", page(found)), ("replay.json", whole), ("moves.csv", csv_text(columns, rows))):
        save("--out", str(folder / name), text)
