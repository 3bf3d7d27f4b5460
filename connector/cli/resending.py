"""`handoff outbox retry` and `replay`: notices that were given up or lost are sent again, one or many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from connector.cli.switching import JsonFlag, known, note_what_is_off, notices

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from connector.store.resending import Resending

AGAIN = ("exhausted", "sent")


def retry(entry: Annotated[str, typer.Argument(help="Id of the notice.")], as_json: JsonFlag = False) -> int:
    """Send a notice now that was given up or waits.

    The receiver sees the same id and body. `replay` does the same with many.
    """
    from connector.bootstrap import connect
    from connector.cli.console import print_json, say
    from connector.cli.start import start
    from connector.errors import SettingsError
    from connector.store.resending import Resending

    settings = start()
    with connect(settings) as connector:
        portal = connector.portal()
        store = connector.store(portal, make=False)
        desk = Resending(store)
        with store.lease():
            if not desk.retry(entry, portal.now):
                raise SettingsError(
                    f"there is no notice {entry!r} that could be sent again",
                    advice="`handoff outbox list --status exhausted` shows those that were given up; `handoff outbox "
                    "replay` sends again what was sent.",
                )
            connector.deliver(portal.now, store)
        taken = bool(desk.sent([entry]))
    if as_json:
        print_json({"id": entry, "sent": taken})
    else:
        say("Sent." if taken else "Not taken yet; it is due and will be tried again.")
        note_what_is_off(settings)
    return 0 if taken else 1


def replay(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of notices; none: all that the options say.")] = None,
    destination: Annotated[str, typer.Option(help="Only what goes there.")] = "",
    status: Annotated[str, typer.Option(help="exhausted, or sent: the receiver has lost it.")] = "",
    since: Annotated[str, typer.Option(help="Last tried at or after this day or time, 2026-03-02T14:30.")] = "",
    until: Annotated[str, typer.Option(help="Last tried before this day or time.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonFlag = False,
) -> int:
    """Send notices again, by id or by range.

    Those that were given up or, with --status sent, those that the receiver has lost. It sees the same ids and bodies;
    one that drops ids it knows does nothing twice. Times without a zone are the portal's. Exit code 1: some are not
    taken yet; they are due and will be tried again.
    """
    from connector.bootstrap import connect
    from connector.cli.console import note, one_of, print_json, say
    from connector.cli.start import start
    from connector.store.resending import Resending

    one_of("--status", status, AGAIN)
    settings = start()
    if destination:
        known(settings, destination)
    with connect(settings) as connector:
        portal = connector.portal()
        store = connector.store(portal, make=False)
        desk = Resending(store)
        found = _chosen(desk, ids or [], destination, status, _span(since, until, portal.time_zone))
        if found and not yes and not ids:
            _ask(f"Send {notices(len(found))} again?")
        with store.lease():
            again = desk.send_again(found, portal.now) if found else 0
            if again:
                connector.deliver(portal.now, store)
        taken = desk.sent(found)
    if as_json:
        print_json({"replayed": again, "sent": taken, "waiting": again - taken, "ids": found})
    elif not found:
        note("There is nothing of that kind to send again.")
    else:
        rest = "" if taken == again else f", {again - taken:,} are due and will be tried again"
        say(f"Sent again: {taken:,} of {notices(again)}{rest}.")
        note_what_is_off(settings)
    return 0 if taken == again else 1


def _chosen(
    desk: Resending, ids: Sequence[str], destination: str, status: str, span: tuple[datetime | None, datetime | None]
) -> list[str]:
    from connector.errors import SettingsError

    if ids and (destination or status or any(span)):
        raise SettingsError("replay: ids or a range, not both", advice="Leave out the options, or the ids.")
    if ids:
        found, refused = desk.look_up(ids)
        if refused:
            first = refused[0]
            raise SettingsError(
                f"the notice {first.entry!r} cannot be sent again: {first.why}",
                advice="`handoff outbox list` shows what can: exhausted, sent and due ones.",
            )
        return found
    if not (destination or status or any(span)):
        raise SettingsError(
            "replay: say which notices", advice="Name ids, or --destination, --status, --since and --until."
        )
    return desk.find(status or "exhausted", destination or None, *span)


def _span(since: str, until: str, zone_name: str) -> tuple[datetime | None, datetime | None]:
    from connector.cli.instants import instant
    from connector.rules.local_time import portal_zone

    zone = portal_zone(zone_name)
    first, last = instant("--since", since, zone), instant("--until", until, zone)
    if first and last and first >= last:
        from connector.errors import SettingsError

        raise SettingsError("--until lies before --since", advice="The range begins with --since, and ends at --until.")
    return first, last


def _ask(question: str) -> None:
    """Raises SettingsError where nobody is there to answer; ends the command where the answer is no."""
    import sys

    from connector.errors import SettingsError

    if not sys.stdin.isatty():
        raise SettingsError(f"{question} Nobody is there to answer", advice="Add --yes.")
    typer.confirm(question, abort=True, err=True)
