"""The cookbook keeps its word: every example of docs/rules/ loads, and what is said to come of it does (R32, R33)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cookbook import FOLDER, Recipe, Table, recipes
from factories import NOW
from given import plain
from trials import TRIALS

from connector.config.examples import run_examples
from connector.delivery.samples import sample_notice
from connector.delivery.text import lines_of
from connector.delivery.wording import worded
from connector.domain.notice import NoticeKind
from connector.errors import RuleBookError
from connector.rules.agreement import agreement, as_text
from connector.rules.rulebook import PARTS, RuleBook

PAGES = (*PARTS, "conditions")
RECIPES = [recipe for page in PAGES for recipe in recipes(page) if recipe.rules]


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_what_a_recipe_says_comes_of_it(recipe: Recipe) -> None:
    files = [block.info for block in recipe.rules]
    assert set(files) <= {f"{name}.yaml" for name in PARTS}, "begin each block with ```yaml and the name of its file"
    try:
        book = recipe.book()
    except RuleBookError as wrong:
        pytest.fail(f"docs/rules/{recipe}: {wrong} ({wrong.advice})")
    failed = [result for result in run_examples(book) if not result.passed]
    assert [(one.name, one.expected, one.found, one.reasons) for one in failed] == []
    tables = [table for table in recipe.tables if _trial(table)]
    for table in tables:
        _carry_out(table, book, recipe)
    texts = [block for block in recipe.blocks if block.language == "text"]
    for block in texts:
        for line in block.text.splitlines():
            assert line.strip() in _text(block.info, book), f"docs/rules/{recipe.page}.md:{block.line}: {block.info}"
    shown = book.qualification.examples or tables or texts
    assert shown, f"docs/rules/{recipe}: say what comes of it: `examples`, a table of trials.py, or a ```text"


def _trial(table: Table) -> str:
    """The column that says what comes of each row; empty for a table that only explains."""
    return next((column for column in table.columns if column in TRIALS), "")


def _carry_out(table: Table, book: RuleBook, recipe: Recipe) -> None:
    known, trial = TRIALS[_trial(table)]
    assert set(table.columns) <= known, f"trials.py knows {', '.join(sorted(known))}"
    wrong = []
    for place, (row, came) in enumerate(zip(table.rows, trial(book, table.rows), strict=True), table.line + 2):
        told = {column: plain(came[column]) for column in table.columns if column in came}
        if told != {column: plain(row[column]) for column in told}:
            wrong.append(f"docs/rules/{recipe.page}.md:{place}: came out: {told}")
    assert not wrong, "\n".join(wrong)


def _text(info: str, book: RuleBook) -> list[str]:
    """What is printed: `agreement`, or a message by the kind of its notice with the book's first template for it."""
    if info == "agreement":
        return [line.strip() for line in as_text(agreement(book, NOW.date())).splitlines()]
    kind = NoticeKind(info)
    one = next(one for one in reversed(book.notifications.destinations.values()) if kind in one.templates)
    message = worded(kind, sample_notice(kind, "reps", NOW).packet, one.templates[kind], one.type)
    return [line.strip() for line in lines_of(message)]


@pytest.mark.parametrize("page", PAGES)
def test_a_table_that_claims_something_stands_beside_its_rules(page: str) -> None:
    claiming = [(recipe, table) for recipe in recipes(page) for table in recipe.tables if _trial(table)]
    assert [str(recipe) for recipe, _ in claiming if not recipe.rules] == []


def test_every_page_and_recipe_is_reached_from_the_first() -> None:
    index = (FOLDER / "README.md").read_text("utf-8")
    pages = sorted(path.name for path in FOLDER.glob("*.md") if path.name != "README.md")
    assert [name for name in pages if f"({name}" not in index] == []
    missing = [f"- [{recipe.title}]({recipe.link})" for recipe in RECIPES if f"({recipe.link})" not in index]
    assert missing == [], "add to docs/rules/README.md, under `What do you want to do?`:\n" + "\n".join(missing)


@pytest.mark.parametrize("page", sorted(FOLDER.glob("*.md")), ids=lambda page: page.stem)
def test_links_lead_to_headings_that_are_there(page: Path) -> None:
    links = re.findall(r"\]\(([a-z]*)(?:\.md)?#([^)]+)\)", page.read_text("utf-8"))
    targets = {name or page.stem for name, _ in links}
    there = {recipe.link for name in targets for recipe in recipes(name)}
    assert [link for name, heading in links if (link := f"{name or page.stem}.md#{heading}") not in there] == []
