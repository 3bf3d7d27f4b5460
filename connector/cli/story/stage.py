"""The stage: how the story looks. Panels with colours on a terminal, plain lines in a pipe; the words are the same.

A sentence with a tick has been looked up (`checked`); one that is not so ends the story.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from rich import box
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from connector.cli.story import StoryError
from connector.errors import SettingsError

WIDTH = 104
_WORDS = {"ok": "green", "missed": "bold red"}
_FONT_SERVER = re.compile(r"@font-face \{[^}]*\}\s*")
Part = tuple[RenderableType, str]
"""What a terminal shows, and the same in plain text."""


@dataclass(slots=True)
class Scene:
    """One day of the story, told when it is over."""

    when: str
    title: str
    parts: list[Part] = field(default_factory=list)

    def say(self, text: str) -> None:
        """What happens in the world; no claim about Handoff."""
        self.parts.append((Text(text), _wrapped(text)))

    def checked(self, sentence: str, truth: bool, found: object = "") -> None:
        """Something that Handoff did, after it was looked up.

        Raises:
            StoryError: it is not so; `found` says what is.
        """
        if not truth:
            detail = f" (found: {found})" if found != "" else ""
            raise StoryError(f"{self.when}: this did not come out as told: {sentence}{detail}")
        row = Table.grid(padding=(0, 1))
        row.add_row(Text("✓", style="bold green"), Text(sentence))
        self.parts.append((row, _wrapped(sentence, first="✓ ", rest="  ")))

    def quote(self, title: str, text: str) -> None:
        """A text exactly as somebody sees it."""
        framed = Panel(Text(text), title=escape(title), title_align="left", box=box.ROUNDED, border_style="yellow")
        bar = "\n".join(f"  | {line}".rstrip() for line in text.splitlines())
        self.parts.append((framed, f"  [{title}]\n{bar}"))

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Short texts side by side; in a pipe each column as wide as its widest text."""
        made = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
        for name in columns:
            made.add_column(name)
        for row in rows:
            made.add_row(*(Text(cell, style=_WORDS.get(cell, "")) for cell in row))
        widths = [max(len(row[place]) for row in (columns, *rows)) for place in range(len(columns))]
        lines = [
            "  ".join(["", *(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))]).rstrip()
            for row in (columns, *rows)
        ]
        self.parts.append((made, "\n".join(lines)))

    def show(self, shown: RenderableType, plain: str) -> None:
        """Anything else that has two looks."""
        self.parts.append((shown, plain))


class Stage:
    """Where scenes are shown: stdout, and with `picture` a drawing of the terminal's look as well."""

    def __init__(self, *, picture: bool = False) -> None:
        self._is_terminal = sys.stdout.isatty()
        width = min(WIDTH, Console().width) if self._is_terminal else WIDTH
        self._console = Console(width=width, highlight=False, emoji=False)
        self._picture = _drawing() if picture else None

    @contextmanager
    def scene(self, when: str, title: str, *, drawn: bool = False) -> Iterator[Scene]:
        """A day: it is shown when the block ends without an error. `drawn`: it belongs into the picture."""
        scene = Scene(when, title)
        if self._is_terminal:
            with self._console.status(f"{when}: {title} …"):
                yield scene
        else:
            yield scene
        self._show(scene, drawn=drawn)

    def save_picture(self, file: Path, title: str) -> None:
        """Write what was drawn as SVG, in the reader's own fonts: no picture of ours calls a font server.

        Raises:
            SettingsError: the file cannot be written.
        """
        assert self._picture is not None
        drawn = self._picture.export_svg(title=title, unique_id="handoff-demo")
        try:
            file.write_text(_FONT_SERVER.sub("", drawn), encoding="utf-8")
        except OSError as error:
            raise SettingsError(
                f"--svg: {file} cannot be written: {error.strerror}", advice="Name another file."
            ) from error

    def _show(self, scene: Scene, *, drawn: bool) -> None:
        heading = f"{scene.when}: {scene.title}" if scene.when else scene.title
        if drawn and self._picture is not None:
            self._picture.print(_panel(scene))
        if self._is_terminal:
            self._console.print(_panel(scene))
            return
        plain = "\n\n".join(("\n".join(group)) for group in _grouped(scene.parts))
        print(f"=== {heading} ===\n\n{plain}\n", flush=True)


def _panel(scene: Scene) -> Panel:
    title = f"[bold]{escape(scene.title)}[/bold]"
    heading = f"[bold cyan]{escape(scene.when)}[/bold cyan]  {title}" if scene.when else title
    inside: list[RenderableType] = []
    for number, (shown, _) in enumerate(scene.parts):
        if number and not (_is_claim(shown) and _is_claim(scene.parts[number - 1][0])):
            inside.append("")
        inside.append(shown)
    return Panel(Group(*inside), title=heading, title_align="left", border_style="cyan", padding=(1, 2))


def _is_claim(shown: RenderableType) -> bool:
    return isinstance(shown, Table) and shown.box is None


def _grouped(parts: Sequence[Part]) -> Iterator[list[str]]:
    """Claims that follow each other stand together; everything else stands alone."""
    group: list[str] = []
    for _, plain in parts:
        if group and not (plain.startswith("✓") and group[-1].startswith("✓")):
            yield group
            group = []
        group.append(plain)
    if group:
        yield group


def _wrapped(text: str, *, first: str = "", rest: str = "") -> str:
    return textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False)


def _drawing() -> Console:
    return Console(
        record=True, file=StringIO(), width=WIDTH, force_terminal=True, color_system="truecolor", highlight=False,
        emoji=False,
    )  # fmt: skip
