"""The rule files that Handoff ships: they load, their examples hold, and the wheel carries them."""

from __future__ import annotations

import tomllib
from pathlib import Path

from factories import shipped_book

from connector.config.defaults import write_mappings
from connector.config.examples import run_examples
from connector.config.mappings import load_rulebook, shipped_folder
from connector.domain.episode import ENDS, State
from connector.domain.stage import Stage
from connector.rules.rulebook import PARTS

ROOT = Path(__file__).parent.parent


def test_there_is_one_file_for_each_part_and_no_other() -> None:
    assert sorted(path.stem for path in shipped_folder().glob("*.yaml")) == sorted(PARTS)


def test_the_examples_come_out_as_they_say() -> None:
    results = run_examples(shipped_book())
    assert len(results) >= 5
    assert [result.name for result in results if not result.passed] == []


def test_every_file_opens_with_what_it_decides() -> None:
    for path in shipped_folder().glob("*.yaml"):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith("# "), path.name


def test_the_wheel_carries_them_where_the_package_looks() -> None:
    """Installed, they are the package's data; in a checkout, mappings/ itself."""
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    (source, target), = wheel["force-include"].items()
    assert shipped_folder() in (ROOT / source, ROOT / target)
    assert (ROOT / target).parent == Path(load_rulebook.__code__.co_filename).parent


def test_an_admins_copy_gives_the_same_rules(tmp_path: Path) -> None:
    assert len(write_mappings(tmp_path)) == len(PARTS)
    assert load_rulebook(tmp_path).fingerprint == shipped_book().fingerprint
    assert write_mappings(tmp_path) == ()


def test_every_state_that_is_written_has_a_stage_of_the_portal() -> None:
    rules = shipped_book().stages
    assert all(rules.portal_value(p.stage) for p in rules.write.values() if p.stage is not None)
    assert set(rules.write) == set(State) - {State.QUALIFIED}
    assert set(rules.stages.values()) == set(Stage)


def test_every_end_has_its_line_in_the_table_of_the_hold() -> None:
    """R11"""
    assert set(shipped_book().suppression.marketing_hold.after) == ENDS
