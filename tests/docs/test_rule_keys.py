"""The cookbook is whole: every key of every rule file stands on its page, and is shown by an example that is run.

A key that is new in a model fails here until its page has its row and an example; what to write is in the failure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

import pytest
from cookbook import FOLDER, KEYS, recipes
from given import read
from schema import NEEDED, Key, keys, shown

from connector.rules.clauses import ActivityClause, DealClause
from connector.rules.condition import Condition
from connector.rules.operators import Operator
from connector.rules.rulebook import PARTS

NAME = re.compile(r"\.[A-Z_]+")
"""A name of the admin's own, as tables write it: `pools.NAME.label`."""
SEEN = {name: keys(model) for name, model in PARTS.items()}


@cache
def rows(page: str) -> dict[str, tuple[str, str]]:
    """Path -> what it takes and its default, of the page's table of all keys."""
    tables = [table for recipe in recipes(page) if recipe.title == KEYS for table in recipe.tables
              if "key" in table.columns]  # fmt: skip
    assert tables, f"docs/rules/{page}.md needs a part `## {KEYS}` with a table: key, takes, default, meaning"
    found: dict[str, tuple[str, str]] = {}
    for row in (row for table in tables for row in table.rows):
        for path in row["key"].replace("`", "").split(", "):
            found[NAME.sub(".*", path)] = (row["takes"], row["default"])
    return found


@cache
def shown_on(page: str) -> frozenset[str]:
    """Paths of the page's own file that its examples show."""
    values = (value for recipe in recipes(page) for name, value in recipe.values() if name == page)
    return frozenset(path for value in values for path in shown(value, PARTS[page]))


@pytest.mark.parametrize("page", PARTS)
def test_every_key_has_its_row(page: str) -> None:
    missing = [_row(key) for key in SEEN[page].values() if key.path not in rows(page)]
    assert missing == [], f"add to the table under `## {KEYS}` of docs/rules/{page}.md:\n" + "\n".join(missing)
    strange = [path for path in rows(page) if path not in SEEN[page]]
    assert strange == [], f"{page}.yaml takes no such keys; take their rows off docs/rules/{page}.md"


@pytest.mark.parametrize("page", PARTS)
def test_a_row_tells_what_its_key_takes_and_its_default(page: str) -> None:
    wrong = [_row(key) for key in SEEN[page].values() if (key.takes, key.default) != rows(page).get(key.path)]
    assert wrong == [], f"in docs/rules/{page}.md these rows must begin so:\n" + "\n".join(wrong)


def _row(key: Key) -> str:
    return f"| `{key.path.replace('*', 'NAME')}` | {key.takes} | {key.default} | what it means |"


@pytest.mark.parametrize("page", PARTS)
def test_every_key_is_shown_by_an_example(page: str) -> None:
    unseen = [key for key in SEEN[page] if key not in shown_on(page)]
    assert unseen == [], (
        f"no example of docs/rules/{page}.md shows these keys of {page}.yaml: add a heading that names the task, a "
        f"block ```yaml {page}.yaml with the key, and below it what comes of it (tests/docs/trials.py has the tables)"
    )


@pytest.mark.parametrize("page", PARTS)
def test_every_word_that_may_stand_there_is_listed(page: str) -> None:
    text = (FOLDER / f"{page}.md").read_text("utf-8")
    words = {word for key in SEEN[page].values() for word in key.choices}
    assert sorted(word for word in words if f"`{word}`" not in text) == []


# -- conditions, which all files share -----------------------------------------------------------------------------


CLAUSES = {"activity": ActivityClause, "deal": DealClause}
ASKED = [
    *(key for name, info in Condition.model_fields.items() if (key := info.alias or name) not in CLAUSES),
    *(f"{part}.{name}" for part, model in CLAUSES.items() for name in model.model_fields),
]


def test_every_key_of_a_condition_has_its_row() -> None:
    tables = [table for recipe in recipes("conditions") if recipe.title == KEYS for table in recipe.tables]
    found = [row["key"].strip("`") for table in tables for row in table.rows]
    assert sorted(found) == sorted(ASKED), "the table under `## All keys` of docs/rules/conditions.md"


def test_every_key_of_a_condition_is_shown_by_an_example() -> None:
    values = [value for recipe in recipes("conditions") for _, value in recipe.values()]
    given = {path for value in (*values, *_tried()) for path in _asked(value)}
    assert [key for key in ASKED if key not in given] == [], "docs/rules/conditions.md needs an example of these"


def _asked(value: object) -> Iterator[str]:
    """Every key, alone and behind the one above it, wherever a part of a file holds conditions."""
    if isinstance(value, Mapping):
        for key, inside in value.items():
            yield key
            yield from (f"{key}.{name}" for name in (inside if isinstance(inside, Mapping) else ()))
            yield from _asked(inside)
    elif isinstance(value, list):
        for one in value:
            yield from _asked(one)


def test_every_operator_has_a_row_that_is_tried() -> None:
    tried = {condition["op"] for condition in _tried()}
    assert [op.value for op in Operator if op not in tried] == [], "docs/rules/conditions.md, under `## All operators`"


def _tried() -> list[Mapping[str, object]]:
    """The conditions that stand in tables."""
    tables = [table for recipe in recipes("conditions") for table in recipe.tables if "holds for" in table.columns]
    return [read(row["condition"]) for table in tables for row in table.rows]


def test_the_words_of_the_tables_are_explained() -> None:
    index = (FOLDER / "README.md").read_text("utf-8")
    assert NEEDED in index
