"""`handoff outbox`: the notices on their way, and those that did not arrive.

Sending them again is resending.py's, pausing and resuming a destination switching.py's.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from connector.cli.resending import replay, retry
from connector.cli.switching import JsonFlag, note_what_is_off, pause, resume

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.engine.named import Names

STATUSES = ("held", "due", "digested", "sent", "cancelled", "exhausted")
A_WHILE = timedelta(minutes=10)
"""More than a write takes that a notice waits for."""
COLUMNS = ("id", "contact", "notice, to", "status")


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Notices waiting, sent and given up.", no_args_is_help=True, rich_markup_mode=None)
    group.command("list", epilog="Example: handoff outbox list --status exhausted")(list_entries)
    group.command("show", epilog="Example: handoff outbox show fx_0123…")(show)
    group.command("retry", epilog="Example: handoff outbox retry fx_0123…")(retry)
    group.command("replay", epilog="Example: handoff outbox replay --destination reps --since 2026-03-02 --yes")(replay)
    group.command("pause", epilog="Example: handoff outbox pause reps")(pause)
    group.command("resume", epilog="Example: handoff outbox resume reps")(resume)
    app.add_typer(group, name="outbox")


def list_entries(
    status: Annotated[str, typer.Option(help="held, due, digested, sent, cancelled or exhausted; empty for all.")] = "",
    destination: Annotated[str, typer.Option(help="Only what goes there.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 50,
    as_json: JsonFlag = False,
) -> int:
    """List notices, newest first, without their bodies.

    Destinations that are switched off are named below the list.
    """
    from connector.bootstrap import queries
    from connector.cli.console import is_terminal, note, one_of, print_json, table
    from connector.cli.start import start

    one_of("--status", status, STATUSES)
    settings = start()
    with queries(settings) as asked:
        rows = asked.outbox_rows(status=status or None, limit=limit, destination=destination or None)
        zone = asked.time_zone()
        states, backlog = asked.destinations()
    if as_json:
        off = [
            {"name": name, "off_at": state.off_at, "off_by": state.off_by, "waiting": backlog[name]}
            for name, state in states.items()
            if state.off_at
        ]
        print_json({"entries": rows, "destinations_off": off})
        return 0
    if rows and is_terminal():
        table(f"Outbox ({zone})", COLUMNS, [_for_people(row, zone) for row in rows], whole=("id",))
    elif rows:
        names = list(rows[0])
        table("Outbox", names, [[row[name] for name in names] for row in rows])
    else:
        note("No notices" + (f" with status {status}." if status else "."))
    note_what_is_off(settings)
    return 0


def _for_people(row: Mapping[str, object], zone_name: str) -> list[object]:
    """With the instant at which it was sent, or is to be."""
    from connector.cli.console import moment
    from connector.rules.local_time import portal_zone

    when = row["due_at"] if row["status"] == "due" else row["sent_at"]
    word = "waits until" if _waits(row) else row["status"]
    status = f"{word} {moment(when, portal_zone(zone_name))}".strip()
    within = f"\nin {row['digest']}" if row["digest"] else ""
    trouble = f"\n{row['tries']} tries: {row['last_error']}" if row["last_error"] else ""
    return [row["id"], row["contact"], f"{row['kind']}\n{row['destination']}", status + within + trouble]


def _waits(row: Mapping[str, object]) -> bool:
    """Whether it was queued for a later time, for the end of a rep's quiet hours (R15)."""
    due_at, queued_at = row["due_at"], row["queued_at"]
    if not (isinstance(due_at, datetime) and isinstance(queued_at, datetime)):
        return False
    return row["status"] == "due" and row["tries"] == 0 and due_at - queued_at > A_WHILE


def show(entry: Annotated[str, typer.Argument(help="Id of the notice.")], as_json: JsonFlag = False) -> int:
    """Show one notice with its tries and its body.

    The body holds personal data: mind where it goes. Links to answer by are hidden.
    """
    from connector.bootstrap import queries
    from connector.cli.console import is_terminal, print_json
    from connector.cli.naming import known_names
    from connector.cli.start import start
    from connector.config.redaction import without_answer_links
    from connector.domain.contact import ContactId
    from connector.errors import SettingsError

    settings = start()
    with queries(settings) as asked:
        row = asked.outbox_entry(entry)
    if row is None:
        raise SettingsError(f"there is no notice {entry!r}", advice="`handoff outbox list` shows their ids.")
    row = {**row, "body": without_answer_links(str(row["body"]))}
    if as_json:
        print_json(row)
    elif is_terminal():
        names = known_names(settings, [ContactId(str(row["contact"]))] if row["contact"] else [])
        _print(_named(row, names), f" (times: {names.zone})")
    else:
        _print(row)
    return 0


def _named(row: Mapping[str, object], names: Names) -> dict[str, object]:
    """The notice with its lead's name and the portal's time."""
    from connector.cli.console import moment
    from connector.cli.naming import with_name
    from connector.rules.local_time import portal_zone

    zone, tries = portal_zone(names.zone), row["attempts"]
    assert isinstance(tries, list)
    told = {key: moment(value, zone) if isinstance(value, datetime) else value for key, value in row.items()}
    attempts = [{**one, "at": moment(one["at"], zone)} for one in tries]
    return {**told, "contact": with_name(str(row["contact"] or ""), names.leads), "attempts": attempts}


def _print(row: Mapping[str, object], times: str = "") -> None:
    """Facts, tries, body. `times`: whose time the instants are in; empty: UTC, as they are kept."""
    import json

    from connector.cli.console import note, pairs, table

    tries, body, told = row["attempts"], row["body"], row["tells_of"]
    assert isinstance(tries, list) and isinstance(body, str) and isinstance(told, list)
    apart = ("attempts", "body", "tells_of", "digest")
    pairs(f"Notice{times}", {key: value for key, value in row.items() if key not in apart})
    if row["digest"]:
        print(f"Told by the digest {row['digest']}, whose fate it shares.")
    if told:
        table("It tells of", ["id"], [[one] for one in told])
    if tries:
        names = list(tries[0])
        table(f"Tries{times}", names, [[one[name] for name in names] for one in tries])
    if body:
        print(json.dumps(json.loads(body), indent=2, ensure_ascii=False))
    else:
        note("Its body was removed, as the rules for keeping personal data say.")
