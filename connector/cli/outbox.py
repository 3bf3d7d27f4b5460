"""`handoff outbox`: the notices on their way, those that did not arrive, and the destinations they go to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from connector.config.settings import Settings
    from connector.store.resending import Resending

JsonFlag = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
DestinationName = Annotated[str, typer.Argument(help="Its name in notifications.yaml.")]


STATUSES = ("held", "due", "digested", "sent", "cancelled", "exhausted")
AGAIN = ("exhausted", "sent")
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


# -- looking -------------------------------------------------------------------------------------------------------


def list_entries(
    status: Annotated[
        str, typer.Option(help="held, due, digested, sent, cancelled or exhausted; empty for all.")
    ] = "",
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
    for line in _switched_off(settings):
        note(f"note: {line}")
    return 0


def _for_people(row: Mapping[str, object], zone_name: str) -> list[object]:
    """With the instant at which it was sent, or is to be."""
    from connector.cli.console import moment
    from connector.rules.local_time import portal_zone

    when = row["due_at"] if row["status"] == "due" else row["sent_at"]
    status = f"{row['status']} {moment(when, portal_zone(zone_name))}".strip()
    within = f"\nin {row['digest']}" if row["digest"] else ""
    trouble = f"\n{row['tries']} tries: {row['last_error']}" if row["last_error"] else ""
    return [row["id"], row["contact"], f"{row['kind']}\n{row['destination']}", status + within + trouble]


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

    from connector.cli.console import note, pairs, table

    tries, body, told = row["attempts"], row["body"], row["tells_of"]
    assert isinstance(tries, list) and isinstance(body, str) and isinstance(told, list)
    apart = ("attempts", "body", "tells_of", "digest")
    pairs("Notice", {key: value for key, value in row.items() if key not in apart})
    if row["digest"]:
        print(f"Told by the digest {row['digest']}, whose fate it shares.")
    if told:
        table("It tells of", ["id"], [[one] for one in told])
    if tries:
        names = list(tries[0])
        table("Tries", names, [[one[name] for name in names] for one in tries])
    if body:
        print(json.dumps(json.loads(body), indent=2, ensure_ascii=False))
    else:
        note("Its body was removed, as the rules for keeping personal data say.")


# -- sending again -------------------------------------------------------------------------------------------------


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
        store = connector.store(portal)
        desk = Resending(store)
        with store.lease():
            if not desk.retry(entry, portal.now):
                raise SettingsError(
                    f"there is no notice {entry!r} that could be sent again",
                    advice="`handoff outbox list --status exhausted` shows those that were given up.",
                )
            connector.deliver(portal.now, store)
        taken = bool(desk.sent([entry]))
    if as_json:
        print_json({"id": entry, "sent": taken})
    else:
        say("Sent." if taken else "Not taken yet; it is due and will be tried again.")
        _note_what_is_off(settings)
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
        _known(settings, destination)
    with connect(settings) as connector:
        portal = connector.portal()
        store = connector.store(portal)
        desk = Resending(store)
        found = _chosen(desk, ids or [], destination, status, _span(since, until, portal.time_zone))
        if found and not yes and not ids:
            _ask(f"Send {_notices(len(found))} again?")
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
        say(f"Sent again: {taken:,} of {_notices(again)}{rest}.")
        _note_what_is_off(settings)
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
    first, last = _instant("--since", since, zone_name), _instant("--until", until, zone_name)
    if first and last and first >= last:
        from connector.errors import SettingsError

        raise SettingsError("--until lies before --since", advice="The range begins with --since, and ends at --until.")
    return first, last


def _instant(option: str, text: str, zone_name: str) -> datetime | None:
    """A day or an instant, in the portal's zone where it names none."""
    from datetime import datetime

    from connector.errors import SettingsError
    from connector.rules.local_time import portal_zone

    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        shapes = "Write 2026-03-02 or 2026-03-02T14:30."
        raise SettingsError(f"{option}: {text!r} is no day or time", advice=shapes) from None
    return at if at.tzinfo else at.replace(tzinfo=portal_zone(zone_name))


def _ask(question: str) -> None:
    """Raises SettingsError where nobody is there to answer; ends the command where the answer is no."""
    import sys

    from connector.errors import SettingsError

    if not sys.stdin.isatty():
        raise SettingsError(f"{question} Nobody is there to answer", advice="Add --yes.")
    typer.confirm(question, abort=True, err=True)


# -- switching -----------------------------------------------------------------------------------------------------


def pause(destination: DestinationName, as_json: JsonFlag = False) -> int:
    """Send nothing more to a destination until it is resumed.

    Its notices wait and are not given up; new ones queue behind them. A run under way obeys with its next notice.
    """
    from connector.bootstrap import open_database
    from connector.cli.console import print_json, say
    from connector.cli.start import start
    from connector.store.resending import Resending

    settings = start()
    _known(settings, destination)
    store = open_database(settings, None)
    try:
        was = Resending(store).pause(destination)
    finally:
        store.close()
    if as_json:
        print_json({"destination": destination, "was_off": was.off_at is not None, "off_by": was.off_by or "person"})
        return 0
    if was.off_at is not None:
        say(f"Destination {destination} was off already.")
    else:
        say(f"Destination {destination} is paused; its notices wait. `handoff outbox resume {destination}` goes on.")
    return 0


def resume(destination: DestinationName, as_json: JsonFlag = False) -> int:
    """Send to a destination again that was paused or switched off.

    What waits for it goes out in order with the next run, and so does what was given up while it failed.
    """
    from connector.bootstrap import open_database
    from connector.cli.console import print_json, say
    from connector.cli.start import start
    from connector.store.resending import Resending

    settings = start()
    _known(settings, destination)
    store = open_database(settings, None)
    try:
        done = Resending(store).resume(destination)
    finally:
        store.close()
    was_off = done.before.off_at is not None
    if as_json:
        print_json({
            "destination": destination, "was_off": was_off, "off_by": done.before.off_by,
            "waiting": done.waiting, "given_up_before": done.again,
        })  # fmt: skip
        return 0
    how = "is on again" if was_off else "was on already"
    say(f"Destination {destination} {how}. Waiting: {_notices(done.waiting)}, {done.again:,} of them given up before.")
    if done.waiting:
        say("They go out in order with the next run; `handoff sync` does it now.")
    return 0


def _known(settings: Settings, destination: str) -> None:
    """Raises SettingsError, with the names there are, for one that neither notifications.yaml nor the outbox knows."""
    from connector.bootstrap import open_database, receivers
    from connector.errors import SettingsError
    from connector.store.resending import Resending

    names = [str(row["name"]) for row in receivers(settings).rows()]
    if destination in names:
        return
    store = open_database(settings, None)
    try:
        if Resending(store).knows(destination):
            return
    finally:
        store.close()
    raise SettingsError(
        f"there is no destination {destination!r}",
        advice=f"notifications.yaml names {', '.join(names)}." if names else "notifications.yaml names none.",
    )


def _note_what_is_off(settings: Settings) -> None:
    from connector.cli.console import note

    for line in _switched_off(settings):
        note(f"note: {line}")


def _switched_off(settings: Settings) -> list[str]:
    """One sentence for each, as runs and `check` say it."""
    from connector.bootstrap import queries
    from connector.engine.standing import switched_off

    with queries(settings) as asked:
        return switched_off(*asked.destinations())


def _notices(number: int) -> str:
    return "1 notice" if number == 1 else f"{number:,} notices"
