"""What the pages claim to exist exists: requirements, rooms, tests, commands, links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from connector.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = sorted(path for path in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")
NAMED = re.compile(r"`([a-z_]+(?:/[a-z_]+)*/?(?:[a-z_]+\.py)?)`")


def rows() -> dict[str, list[str]]:
    lines = (ROOT / "docs/where.md").read_text().splitlines()
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if re.match(r"\| R\d\d", line)]
    assert len({row[0] for row in found}) == len(found)
    return {row[0]: row for row in found}


def test_every_requirement_has_its_line() -> None:
    assert list(rows()) == [f"R{number:02}" for number in range(1, 42)]


@pytest.mark.parametrize("requirement", sorted(rows()))
def test_what_a_line_names_is_there(requirement: str) -> None:
    _, _, rules, modules, tests, _, stands = rows()[requirement]
    for name in re.findall(r"[a-z]+", rules.replace("–", "")):
        assert (ROOT / "mappings" / f"{name}.yaml").is_file(), name
    folder = ""
    for cell, base in ((modules, "connector"), (tests, "tests")):
        for path in NAMED.findall(cell):
            folder = path.rpartition("/")[0] or folder
            assert (ROOT / base / path).exists() or (ROOT / base / folder / path).exists(), path
    assert stands.startswith(("yes", "part", "not yet"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target


def test_the_readme_names_every_command_and_no_other() -> None:
    text = (ROOT / "README.md").read_text()
    commands = set(getattr(get_command(app), "commands", {}))
    told = set(re.findall(r"`(?:handoff )?([a-z]+)(?: [^`]*)?`", text)) | set(re.findall(r"handoff ([a-z]+)", text))
    assert commands <= told
    assert set(re.findall(r"^ +handoff ([a-z]+)", text, flags=re.MULTILINE)) <= commands
