"""docs/rules/commands.md: what it says that a command prints, the command prints, at a terminal, in that order."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import Handoff
from portal_world import World
from typer.main import get_command

from connector.cli import console
from connector.cli.app import app

PAGE = Path(__file__).parents[2] / "docs" / "rules" / "commands.md"
STEP = re.compile(r"<!-- (sync|edit|view)(.*?)-->|```console\n(.*?)```", re.DOTALL)
CHANGING = (
    (re.compile(r"\b[0-9a-f]{12}\b"), "VERSION"),
    (re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b"), "MOMENT"),
    (re.compile(r"\b[\w.-]+@[\w.-]+\b"), "SOMEBODY"),
    (re.compile(r"(?<=\.yaml):\d+:\d+"), ":PLACE"),
    (re.compile(r"  +|─+"), " "),
)
"""What differs from one machine and one day to the next."""
LEFT_OUT = "…"


def steps() -> Iterator[tuple[str, str]]:
    """(`sync`, `edit`, `view` or a command, what belongs to it), in the order of the page.

    An edit is `<!-- edit FILE | OLD | NEW -->`, and `<!-- view E-MAIL -->` a new contact who looks at the prices; none
    of them shows on the page as people read it.
    """
    for kind, words, block in STEP.findall(PAGE.read_text("utf-8")):
        if kind:
            yield kind, words
        for one in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, printed = one.partition("\n")
            yield command, printed


@pytest.mark.timeout(300)
def test_every_command_prints_what_the_page_shows(
    world: World, handoff: Handoff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "is_terminal", lambda: True)
    wrong = []
    for what, words in steps():
        if what == "sync":
            world.later(hours=1)
            world.sync()
        elif what == "view":
            world.views(world.contact(words.strip()), 1)
        elif what == "edit":
            file, old, new = (part.strip() for part in words.split("|"))
            world.rule(file, old, new)
        else:
            said = handoff(*shlex.split(what)[1:], HANDOFF_MAPPINGS_DIR="mappings")
            if not fits(said.out + said.err, words):
                wrong.append(f"$ {what}\n{said.out}{said.err}")
    assert wrong == [], "docs/rules/commands.md must show what was printed:\n\n" + "\n".join(wrong)


def test_the_page_has_every_command_for_rules() -> None:
    rules = getattr(get_command(app), "commands", {})["rules"]
    shown = {what.split()[2] for what, _ in steps() if what.startswith("handoff rules ")}
    assert shown == set(rules.commands)


def fits(printed: str, shown: str) -> bool:
    """Whether it was printed so; a line of … stands for any lines."""
    pieces = [re.escape(lines) for lines in masked(shown).split(f"\n{LEFT_OUT}\n")]
    return re.fullmatch("(?:\n.*)*\n".join(pieces), masked(printed)) is not None


def masked(text: str) -> str:
    for pattern, word in CHANGING:
        text = pattern.sub(word, text)
    return "\n".join(line.strip() for line in text.strip().splitlines())
