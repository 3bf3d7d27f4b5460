"""The cookbook as tests read it: recipes of docs/rules/, each with its YAML, its tables and its texts.

A recipe is what stands under one heading. A block that begins with ```yaml scoring.yaml is a part of that file: what it
does not show stays as Handoff ships it, and a list that it shows is the whole list. What comes of a recipe stands below
it: as `examples`, which admins may copy into their own file; as a table, which trials.py carries out; or as a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from connector.config.mappings import make_rulebook, shipped_folder
from connector.config.yaml_text import Document, read_yaml
from connector.rules.rulebook import PARTS, RuleBook

FOLDER = Path(__file__).parents[2] / "docs" / "rules"
KEYS = "All keys"
"""The heading of a page's table of all keys."""
DITTO = "″"
"""A cell that holds what stands above it."""


@dataclass(frozen=True)
class Block:
    """One fenced block; `info` is what stands behind its language, such as the name of a file."""

    language: str
    info: str
    text: str
    line: int


@dataclass(frozen=True)
class Table:
    """Rows by the names of their columns; texts as they stand, with their backticks."""

    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]
    line: int


@dataclass
class Recipe:
    """What stands under one heading of one page."""

    page: str
    title: str
    line: int
    blocks: list[Block] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.page}.md:{self.line} {self.title}"

    @property
    def link(self) -> str:
        """As other pages lead to it."""
        return f"{self.page}.md#{re.sub(r'[^a-z0-9 _-]', '', self.title.lower()).replace(' ', '-')}"

    @property
    def rules(self) -> list[Block]:
        """Its parts of rule files."""
        return [block for block in self.blocks if block.language == "yaml"]

    def values(self) -> Iterator[tuple[str, Any]]:
        """(rule file without `.yaml`, what the block shows of it); RuleBookError where it is no YAML."""
        for block in self.rules:
            yield block.info.removesuffix(".yaml"), read_yaml(block.text.encode(), f"{self.page}.md").value

    def book(self) -> RuleBook:
        """The shipped rules with this recipe in them, by the loader that reads admins' files."""
        documents = {name: Document(deepcopy(value)) for name, value in _shipped().items()}
        for name, value in self.values():
            documents[name] = Document(merged(documents[name].value, value))
        return make_rulebook(documents).in_zone("UTC")


@cache
def _shipped() -> Mapping[str, Any]:
    """The values of the ten files without their examples, which belong to them alone."""
    files = {name: shipped_folder() / f"{name}.yaml" for name in PARTS}
    values = {name: read_yaml(path.read_bytes(), path.name).value for name, path in files.items()}
    del values["qualification"]["examples"]
    return values


def merged(below: Any, above: Any) -> Any:
    """Sections key by key; everything else as it stands in `above`."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return {**below, **{key: merged(below.get(key), value) for key, value in above.items()}}


def recipes(page: str) -> list[Recipe]:
    """Everything on a page, by headings; what stands above the first heading is left out."""
    lines = iter(enumerate((FOLDER / f"{page}.md").read_text("utf-8").splitlines(), 1))
    found = [Recipe(page, page, 1)]
    for number, line in lines:
        if line.startswith("```"):
            language, _, info = line.removeprefix("```").strip().partition(" ")
            found[-1].blocks.append(Block(language, info.strip(), _fenced(lines), number))
        elif line.startswith("#"):
            found.append(Recipe(page, line.lstrip("# "), number))
        elif line.startswith("|"):
            found[-1].tables.append(_table(line, lines, number))
    return found


def _fenced(lines: Iterator[tuple[int, str]]) -> str:
    text = []
    for _, line in lines:
        if line.startswith("```"):
            break
        text.append(line)
    return "\n".join(text)


def _table(head: str, lines: Iterator[tuple[int, str]], number: int) -> Table:
    columns, rows = _cells(head), list[dict[str, str]]()
    for _, line in lines:
        if not line.startswith("|"):
            break
        row = dict(zip(columns, _cells(line), strict=True))
        rows.append({name: rows[-1][name] if cell == DITTO else cell for name, cell in row.items()})
    return Table(columns, tuple(rows[1:]), number)


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip().strip("|")))
