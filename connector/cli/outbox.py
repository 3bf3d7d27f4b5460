"""`handoff outbox list | show | retry`: the notices on their way, and those that did not arrive."""

from __future__ import annotations

from typing import Annotated

import typer

JsonFlag = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]


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
    from connector.cli.console import note, print_json, table
    from connector.cli.start import start

    with queries(start()) as asked:
        rows = asked.outbox_rows(status=status or None, limit=limit)
    if as_json:
        print_json({"entries": rows})
    elif rows:
        names = list(rows[0])
        table("Outbox", names, [[row[name] for name in names] for row in rows])
    else:
        note("No notices" + (f" with status {status}." if status else "."))
    return 0


def show(entry: Annotated[str, typer.Argument(help="Id of the notice.")]) -> int:
    """Show one notice with its tries and its body. The body holds personal data: mind where it goes."""
    from connector.bootstrap import queries
    from connector.cli.console import print_json
    from connector.cli.start import start
    from connector.errors import SettingsError

    with queries(start()) as asked:
        row = asked.outbox_entry(entry)
    if row is None:
        raise SettingsError(f"there is no notice {entry!r}", advice="`handoff outbox list` shows their ids.")
    print_json(row)
    return 0


def retry(entry: Annotated[str, typer.Argument(help="Id of the notice.")]) -> int:
    """Send a notice again that was given up or waits long; the receiver sees the same id and body (P2)."""
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
