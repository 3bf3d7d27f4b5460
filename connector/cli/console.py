"""What commands print: tables and colours for people at a terminal, plain text in a pipe, JSON for machines.

Data goes to stdout, everything else to stderr.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from connector.engine.ports import Progress


def console(*, err: bool = False) -> Console:
    from rich.console import Console

    stream = sys.stderr if err else sys.stdout
    width = None if stream.isatty() else 160
    return Console(stderr=err, soft_wrap=not stream.isatty(), width=width, highlight=False, emoji=False)


def print_json(data: object) -> None:
    """One object on stdout."""
    print(json.dumps(data, ensure_ascii=False, default=str))


def say(text: str) -> None:
    """One line for people, markup allowed."""
    console().print(text)


def note(text: str) -> None:
    """One line on stderr, markup not read."""
    print(text, file=sys.stderr)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table; in a pipe, lines with tabs between, without title."""
    if not sys.stdout.isatty():
        for row in [list(columns), *rows]:
            print("\t".join(_cell(value) for value in row))
        return
    from rich.markup import escape
    from rich.table import Table

    made = Table(title=title, title_justify="left", header_style="bold")
    for name in columns:
        made.add_column(name)
    for row in rows:
        made.add_row(*(escape(_cell(value)) for value in row))
    console().print(made)


def _cell(value: object) -> str:
    return "" if value is None else str(value).replace("\t", " ").replace("\n", " ")


def pairs(title: str, facts: Mapping[str, object]) -> None:
    """Facts one below the other."""
    width = max((len(key) for key in facts), default=0)
    say(f"[bold]{title}[/bold]")
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
