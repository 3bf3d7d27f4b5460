"""Each broken rule file in tests/samples/broken-rules gets the message that is written beside it (R32).

A sample is a folder with one rule file, its mistake and as little else as it takes, and `message.txt`: per complaint a
line with place, key and what is wrong, and a line with what would do. The other nine files are those that ship.
"""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from pathlib import Path

import pytest

from connector.config.mappings import make_rulebook, shipped_folder
from connector.config.yaml_text import Document, read_yaml
from connector.errors import RuleBookError
from connector.rules.rulebook import PARTS

SAMPLES = Path(__file__).parents[1] / "samples" / "broken-rules"
FOLDERS = sorted(SAMPLES.iterdir())


@cache
def shipped(name: str) -> Document:
    return read_yaml((shipped_folder() / f"{name}.yaml").read_bytes(), f"{name}.yaml")


def told(folder: Path) -> str:
    (path,) = folder.glob("*.yaml")
    try:
        documents = {name: deepcopy(shipped(name)) for name in PARTS if name != path.stem}
        make_rulebook(documents | {path.stem: read_yaml(path.read_bytes(), path.name)})
    except RuleBookError as first:
        return "".join(f"{wrong}\n  {wrong.advice}\n" for wrong in (first, *first.others))
    return "nothing is wrong\n"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_broken_file_gets_the_message_beside_it(folder: Path) -> None:
    assert told(folder) == (folder / "message.txt").read_text(encoding="utf-8")


def test_there_are_sixty_and_each_says_where_and_what_to_do() -> None:
    assert len(FOLDERS) >= 60
    for folder in FOLDERS:
        *lines, last = (folder / "message.txt").read_text(encoding="utf-8").split("\n")
        assert last == "" and lines and len(lines) % 2 == 0, folder.name
        for place, advice in zip(lines[::2], lines[1::2], strict=True):
            file, line, column = place.split(":", 3)[:3]
            assert (folder / file).exists() and int(line) and int(column), folder.name
            assert advice.strip(), folder.name
