"""`handoff outbox pause` and `resume`: a destination is switched off and on, and which ones are off."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.config.settings import Settings
    from connector.store.resending import Resending

JsonFlag = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
DestinationName = Annotated[str, typer.Argument(help="Its name in notifications.yaml.")]


def pause(destination: DestinationName, as_json: JsonFlag = False) -> int:
    """Send nothing more to a destination until it is resumed.

    Its notices wait and are not given up; new ones queue behind them. A run under way obeys with its next notice.
    """
    from connector.cli.console import print_json, say

    with _desk_for(destination) as desk:
        was = desk.pause(destination)
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
    from connector.cli.console import print_json, say

    with _desk_for(destination) as desk:
        done = desk.resume(destination)
    was_off = done.before.off_at is not None
    if as_json:
        print_json({
            "destination": destination, "was_off": was_off, "off_by": done.before.off_by,
            "waiting": done.waiting, "given_up_before": done.again,
        })  # fmt: skip
        return 0
    how = "is on again" if was_off else "was on already"
    say(f"Destination {destination} {how}. Waiting: {notices(done.waiting)}, {done.again:,} of them given up before.")
    if done.waiting:
        say("They go out in order with the next run; `handoff sync` does it now.")
    return 0


@contextmanager
def _desk_for(name: str) -> Iterator[Resending]:
    """Raises SettingsError for a destination that nobody knows."""
    from connector.cli.start import start

    settings = start()
    known(settings, name)
    with _desk(settings) as desk:
        yield desk


@contextmanager
def _desk(settings: Settings) -> Iterator[Resending]:
    """The outbox, without asking the CRM anything."""
    from connector.bootstrap import open_database
    from connector.store.resending import Resending

    store = open_database(settings, None)
    try:
        yield Resending(store)
    finally:
        store.close()


def known(settings: Settings, destination: str) -> None:
    """Raises SettingsError, with the names there are, for one that neither notifications.yaml nor the outbox knows."""
    from connector.bootstrap import receivers
    from connector.errors import SettingsError

    names = [str(row["name"]) for row in receivers(settings).rows()]
    if destination in names:
        return
    with _desk(settings) as desk:
        if desk.knows(destination):
            return
    raise SettingsError(
        f"there is no destination {destination!r}",
        advice=f"notifications.yaml names {', '.join(names)}." if names else "notifications.yaml names none.",
    )


def note_what_is_off(settings: Settings) -> None:
    """One line on stderr for each destination that is off or takes nothing, as runs and `check` say it."""
    from connector.bootstrap import queries
    from connector.cli.console import note
    from connector.engine.standing import not_taking, switched_off

    with queries(settings) as asked:
        states, backlog = asked.destinations()
    lines = [*switched_off(states, backlog), *not_taking(states, backlog)]
    for line in lines:
        note(f"note: {line}")


def notices(number: int) -> str:
    return "1 notice" if number == 1 else f"{number:,} notices"
