"""The cookbook's own reader: what a page holds, what a recipe adds to the rules, and that a wrong claim is found."""

from __future__ import annotations

from pathlib import Path

import cookbook
import pytest
from test_cookbook import test_what_a_recipe_says_comes_of_it as try_out

PAGE = """# Routing

| not | a recipe |
|---|---|

## Send Germany to Cleo

```yaml routing.yaml
territories:
  - {{when: {{field: country, op: is, value: DE}}, pool: {pool}}}
pools:
  north: {{members: [{{owner: cleo.sample@company.example}}]}}
```

| lead | goes to |
|---|---|
| `country: DE` | {owner} |
| ″ | Cleo |
"""


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cookbook, "FOLDER", tmp_path)
    return tmp_path / "routing.md"


def recipe(page: Path, **words: str) -> cookbook.Recipe:
    page.write_text(PAGE.format(**{"pool": "north", "owner": "Cleo", **words}), "utf-8")
    [found] = [one for one in cookbook.recipes("routing") if one.rules]
    return found


def test_a_recipe_stands_under_its_heading_and_keeps_what_it_does_not_show(page: Path) -> None:
    found = recipe(page)
    assert (str(found), found.link) == ("routing.md:6 Send Germany to Cleo", "routing.md#send-germany-to-cleo")
    assert [row["lead"] for row in found.tables[0].rows] == ["`country: DE`"] * 2
    book = found.book()
    assert list(book.routing.pools) == ["everyone", "north"] and book.routing.default_pool == "everyone"
    try_out(found)


def test_a_wrong_claim_is_told_with_its_line_and_what_came_out(page: Path) -> None:
    with pytest.raises(AssertionError, match=r"routing.md:17: came out: {'goes to': 'Cleo'}"):
        try_out(recipe(page, owner="Ana"))


def test_an_example_that_cannot_be_loaded_is_told_as_admins_are(page: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="there is no pool nroth"):
        try_out(recipe(page, pool="nroth"))


def test_an_example_of_which_nothing_comes_is_refused(page: Path) -> None:
    found = recipe(page)
    found.tables.clear()
    with pytest.raises(AssertionError, match="say what comes of it"):
        try_out(found)
