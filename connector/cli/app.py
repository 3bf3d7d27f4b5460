"""`handoff`: the commands, and the one place where an error becomes a message and an exit code.

Nothing heavy is imported here: what a command does not need must not cost it (`handoff --help` stays quick).
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from connector.cli import (
    auth,
    export,
    leads,
    notifications,
    outbox,
    privacy,
    quota,
    replay,
    reports,
    rules,
    runs,
    sandbox,
    serve,
    setup,
    sync,
    undo,
)
from connector.errors import ConnectorError, SettingsError

app = typer.Typer(
    name="handoff",
    help="Passes qualified leads from marketing to sales and back: no lead silent, none handed twice, all explained.",
    epilog="Try it: `handoff demo`. Connect a portal: `handoff init`, `handoff check`, `handoff sync`.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"handoff {version('handoff-connector')}")
        raise typer.Exit


@app.callback()
def _whole(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """What stands before a command; the help of it all is the app's own."""


GROUPS = (
    setup, auth, sync, serve, leads, reports, export, rules, replay, notifications, outbox, runs, quota, privacy, undo,
    sandbox,
)  # fmt: skip
for group in GROUPS:
    group.register(app)

INTERRUPTED = 130


def main() -> None:
    """Run one command; exit codes as design.md, section 6, says."""
    _settle_streams()
    try:
        _look_at_words(sys.argv[1:])
        code = app(standalone_mode=False, prog_name="handoff")
    except ConnectorError as error:
        sys.exit(_say(error))
    except KeyboardInterrupt:
        print("Stopped. Nothing is lost: the next run goes on from here.", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except typer.Abort:
        print("Not agreed; nothing was done.", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone; say nothing more
        sys.exit(1)
    except Exception as error:
        sys.exit(_unforeseen(error))
    sys.exit(code if isinstance(code, int) else 0)


def _settle_streams() -> None:
    """A sign that the terminal's encoding lacks must not end a command half-way."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _look_at_words(words: Sequence[str]) -> None:
    """Raises SettingsError for bytes that are no text: neither the database nor the CRM could be asked about them."""
    try:
        "".join(words).encode()
    except UnicodeEncodeError:
        raise SettingsError(
            "the command line holds bytes that are no UTF-8 text", advice="Type it again, in a terminal set to UTF-8."
        ) from None


def _say(error: ConnectorError) -> int:
    """One message: what, where, what to do. Never a traceback. Advice that several complaints share is given once."""
    complaints = (error, *getattr(error, "others", ()))
    for place, complaint in enumerate(complaints):
        for line in str(complaint).splitlines():
            print(f"Error: {line}", file=sys.stderr)
        following = complaints[place + 1].advice if place + 1 < len(complaints) else ""
        if complaint.advice and complaint.advice != following:
            print(f"What to do: {complaint.advice}", file=sys.stderr)
    return error.exit_code


def _unforeseen(error: Exception) -> int:
    """A fault of ours, or a wrong word on the command line (which typer explains itself)."""
    show = getattr(error, "show", None)
    if callable(show):
        show()
        _name_the_commands(error)
        return int(getattr(error, "exit_code", 2))
    if os.environ.get("HANDOFF_LOG_LEVEL", "").upper() == "DEBUG":
        raise error
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_qualname}:{place.tb_lineno}" if place else "?"
    print(f"Error: Handoff met something unforeseen ({type(error).__name__} in {where}).", file=sys.stderr)
    print("What to do: run it again with HANDOFF_LOG_LEVEL=DEBUG and send us what it prints.", file=sys.stderr)
    return 1


def _name_the_commands(error: Exception) -> None:
    """Those of a group, where a word is none of them and is near to none; typer itself says what is near."""
    context, said = getattr(error, "ctx", None), str(getattr(error, "message", ""))
    known = getattr(getattr(context, "command", None), "commands", {})
    if context is not None and known and said.startswith("No such command") and "Did you mean" not in said:
        names = [name for name, command in known.items() if not command.hidden]
        print(f"What to do: use one of {', '.join(names)}, as in `{context.command_path} {names[0]}`.", file=sys.stderr)


if __name__ == "__main__":
    main()
