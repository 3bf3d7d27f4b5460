"""What commands print: tables and colours for people at a terminal, plain text in a pipe, JSON for machines.

Data goes to stdout, everything else to stderr.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from rich.console import Console

    from connector.engine.ports import Progress


SHORT_WORD = 10
"""So many signs of a word stay together in a table, such as a date."""


def console(*, err: bool = False) -> Console:
    from rich.console import Console

    stream = sys.stderr if err else sys.stdout
    width = None if stream.isatty() else 160
    return Console(stderr=err, soft_wrap=not stream.isatty(), width=width, highlight=False, emoji=False)


def json_text(data: object, indent: int | None = None) -> str:
    """Days and instants as ISO 8601 writes them."""
    return json.dumps(data, ensure_ascii=False, default=_plain, indent=indent)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def print_json(data: object) -> None:
    """One object on stdout."""
    print(json_text(data))


def say(text: str) -> None:
    """One line for people, markup allowed."""
    console().print(text)


def note(text: str) -> None:
    """One line on stderr, markup not read."""
    print(text, file=sys.stderr)


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, whole: Collection[str] = ()
) -> None:
    """A table; in a pipe, lines with tabs between, without title.

    Args:
        whole: columns that stay on one line however narrow the terminal is, such as ids that are to be copied.
    """
    if not is_terminal():
        for row in [list(columns), *rows]:
            print("\t".join(_cell(value) for value in row))
        return
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    made = Table(title=title, title_justify="left", header_style="bold", box=SIMPLE_HEAD, padding=0, show_edge=False)
    for place, name in enumerate(columns):
        cells = [_cell(row[place], keep="\n") for row in rows]
        longest = max((len(part) for cell in (name, *cells) for part in cell.split()), default=1)
        width = longest if name in whole else min(longest, SHORT_WORD)
        made.add_column(name, overflow="fold", min_width=width, no_wrap=name in whole)
    for row in rows:
        made.add_row(*(escape(_cell(value, keep="\n")) for value in row))
    console().print(made)


def _cell(value: object, keep: str = "") -> str:
    """Without signs that a terminal would obey: what stands in a CRM was typed by anybody."""
    text = "" if value is None else str(value)
    return "".join(sign if sign.isprintable() or sign in keep else " " for sign in text)


def is_terminal() -> bool:
    """Whether a person reads stdout; scripts get the same facts without shape."""
    return sys.stdout.isatty()


def moment(at: object, zone: ZoneInfo) -> str:
    """An instant of a table to the minute, in the portal's zone; empty where there is none."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}" if isinstance(at, datetime) else ""


def one_of(option: str, given: str, known: Iterable[str]) -> None:
    """Raise SettingsError where the word of an option is none of those that are known; empty is always right."""
    from connector.errors import SettingsError

    words = tuple(known)
    if given and given not in words:
        raise SettingsError(f"{option}: {given!r} is none of the words it takes", advice=f"Use {', '.join(words)}.")


def pairs(title: str, facts: Mapping[str, object]) -> None:
    """Facts one below the other."""
    from rich.markup import escape

    width = max((len(key) for key in facts), default=0)
    say(f"[bold]{escape(_cell(title))}[/bold]")
    for key, value in facts.items():
        print(f"  {key:<{width}}  {_cell(value)}")


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Progress | None]:
    """A progress display on a terminal's stderr; None in a pipe."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console(err=True), transient=True) as shown:
        yield _Bars(shown)


class _Bars:
    """Fulfils engine.ports.Progress."""

    def __init__(self, shown: Any) -> None:
        self._shown, self._tasks = shown, dict[str, Any]()

    def step(self, name: str, done: int, total: int | None = None) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._shown.add_task(name, total=total)
        self._shown.update(self._tasks[name], completed=done, total=total)
