"""`handoff outbox list | show | retry`: the notices on their way, and those that did not arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

JsonFlag = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]


STATUSES = ("held", "due", "sent", "cancelled", "exhausted")
COLUMNS = ("id", "contact", "notice, to", "status")


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Notices waiting, sent and given up.", no_args_is_help=True, rich_markup_mode=None)
    group.command("list", epilog="Example: handoff outbox list --status exhausted")(list_entries)
    group.command("show", epilog="Example: handoff outbox show fx_0123…")(show)
    group.command("retry", epilog="Example: handoff outbox retry fx_0123…")(retry)
    app.add_typer(group, name="outbox")


def list_entries(
    status: Annotated[str, typer.Option(help="held, due, sent, cancelled or exhausted; empty for all.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 50,
    as_json: JsonFlag = False,
) -> int:
    """List notices, newest first, without their bodies."""
    from connector.bootstrap import queries
    from connector.cli.console import is_terminal, note, one_of, print_json, table
    from connector.cli.start import start

    one_of("--status", status, STATUSES)
    with queries(start()) as asked:
        rows = asked.outbox_rows(status=status or None, limit=limit)
        zone = asked.time_zone()
    if as_json:
        print_json({"entries": rows})
    elif rows and is_terminal():
        table(f"Outbox ({zone})", COLUMNS, [_for_people(row, zone) for row in rows], whole=("id",))
    elif rows:
        names = list(rows[0])
        table("Outbox", names, [[row[name] for name in names] for row in rows])
    else:
        note("No notices" + (f" with status {status}." if status else "."))
    return 0


def _for_people(row: Mapping[str, object], zone_name: str) -> list[object]:
    """With the instant at which it was sent, or is to be."""
    from connector.cli.console import moment
    from connector.rules.local_time import portal_zone

    when = row["sent_at"] or (row["due_at"] if row["status"] == "due" else None)
    status = f"{row['status']} {moment(when, portal_zone(zone_name))}".strip()
    trouble = f"\n{row['tries']} tries: {row['last_error']}" if row["last_error"] else ""
    return [row["id"], row["contact"], f"{row['kind']}\n{row['destination']}", status + trouble]


def show(entry: Annotated[str, typer.Argument(help="Id of the notice.")], as_json: JsonFlag = False) -> int:
    """Show one notice with its tries and its body.

    The body holds personal data: mind where it goes.
    """
    from connector.bootstrap import queries
    from connector.cli.console import print_json
    from connector.cli.start import start
    from connector.errors import SettingsError

    with queries(start()) as asked:
        row = asked.outbox_entry(entry)
    if row is None:
        raise SettingsError(f"there is no notice {entry!r}", advice="`handoff outbox list` shows their ids.")
    if as_json:
        print_json(row)
    else:
        _print(row)
    return 0


def _print(row: Mapping[str, object]) -> None:
    """Facts, tries, body; instants in UTC, as they are kept."""
    import json

    from connector.cli.console import pairs, table

    tries, body = row["attempts"], row["body"]
    assert isinstance(tries, list) and isinstance(body, str)
    pairs("Notice", {key: value for key, value in row.items() if key not in ("attempts", "body")})
    if tries:
        names = list(tries[0])
        table("Tries", names, [[one[name] for name in names] for one in tries])
    print(json.dumps(json.loads(body), indent=2, ensure_ascii=False))


def retry(entry: Annotated[str, typer.Argument(help="Id of the notice.")]) -> int:
    """Send a notice again that was given up or waits.

    The receiver sees the same id and body.
    """
    from connector.bootstrap import connect
    from connector.cli.console import say
    from connector.cli.start import start
    from connector.errors import SettingsError
    from connector.store import Queries

    with connect(start()) as connector:
        portal = connector.portal()
        store = connector.store(portal)
        with store.lease():
            if not Queries(store).retry_entry(entry, portal.now):
                raise SettingsError(
                    f"there is no notice {entry!r} that could be sent again",
                    advice="`handoff outbox list --status exhausted` shows those that were given up.",
                )
            sent = connector.deliver(portal.now, store)
    say("Sent." if sent else "Not taken yet; it is due and will be tried again.")
    return 0 if sent else 1
