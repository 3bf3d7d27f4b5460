"""Ready rule books: what `handoff init --template` writes can be read, its examples hold, and nobody's rules go."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from book_page import PAGES, page_text
from book_story import read_story
from factories import NOW, make_episode, shipped_book

import connector.errors
from connector.cli.app import main
from connector.config.defaults import write_mappings
from connector.config.examples import run_examples
from connector.config.mappings import make_rulebook, shipped_folder
from connector.config.templates import BOOKS, TEMPLATES, named, template_files, write_template
from connector.config.yaml_text import read_yaml
from connector.domain.episode import State
from connector.errors import SettingsError
from connector.rules import sla
from connector.rules.rulebook import PARTS, RuleBook

Command = Callable[..., tuple[int, str, str]]
UNENDED = [state for state in State if not state.is_end]


@pytest.fixture
def handoff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """The command line in an empty folder, with nothing set."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["handoff", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, said.out, said.err

    yield run


@cache
def book(name: str) -> RuleBook:
    files = template_files(name)
    return make_rulebook({part: read_yaml(files[f"{part}.yaml"].encode(), f"{part}.yaml") for part in PARTS})


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_keys_that_a_book_only_hints_at_work_as_they_stand(name: str) -> None:
    """R17, R21, R32: without their signs of a comment they are read, and change what the book decides."""
    files = template_files(name)
    for part, keys in {"sla": "prove_at|reassign_at", "recycling": r"\w+:\n|  label:|  track:|  wake: {when"}.items():
        files[f"{part}.yaml"] = re.sub(rf"(?m)^( *)# (?={keys})", r"\1", files[f"{part}.yaml"])
    hinted = make_rulebook({part: read_yaml(files[f"{part}.yaml"].encode(), f"{part}.yaml") for part in PARTS})
    assert sla.reassigns(hinted.sla) and not sla.reassigns(book(name).sla)
    woken = [reason for reason in hinted.recycling.reasons.values() if reason.wake.when is not None]
    assert len(woken) == 1 and woken[0].wake.then == "hand_over"


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_freshly_written_book_can_be_read_and_its_own_examples_hold(name: str, handoff: Command) -> None:
    """R32: by the commands that an admin would type."""
    code, out, _ = handoff("init", "--template", name)
    assert code == 0 and out.count("wrote mappings/") == len(PARTS)
    assert handoff("rules", "check")[0] == 0
    code, out, _ = handoff("rules", "test")
    assert code == 0 and re.search(r"^([5-9]|\d\d) passed, 0 failed", out, re.MULTILINE)
    code, out, _ = handoff("init", "--template", name)
    assert code == 0 and "wrote" not in out


def test_the_general_rules_are_written_where_no_template_is_named(handoff: Command) -> None:
    assert handoff("init")[0] == 0
    for path in shipped_folder().glob("*.yaml"):
        assert Path("mappings", path.name).read_text() == path.read_text()


def test_list_says_for_whom_each_is(handoff: Command) -> None:
    code, out, _ = handoff("init", "--template", "list")
    assert code == 0 and not Path("mappings").exists()
    assert all(f"{name}\t{what}" in out for name, what in TEMPLATES.items())


def test_an_unknown_name_is_answered_with_the_nearest_and_with_all(handoff: Command) -> None:
    code, _, err = handoff("init", "--template", "agencies")
    assert code == 2 and "did you mean `agency`?" in err and not Path("mappings").exists()
    assert all(name in err and what in err for name, what in TEMPLATES.items())
    with pytest.raises(SettingsError, match=r"there is no rule book called 'zzz'$"):
        named("zzz")


def test_rules_of_another_kind_stay_as_they_are_and_nothing_is_written(tmp_path: Path) -> None:
    write_mappings(tmp_path)
    (tmp_path / "sla.yaml").unlink()
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    with pytest.raises(SettingsError, match=r"rules of its own already \(.*qualification\.yaml.*\)") as refused:
        write_template(tmp_path, "agency")
    assert "HANDOFF_MAPPINGS_DIR" in refused.value.advice
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before


def test_what_was_lost_of_a_book_is_written_again(tmp_path: Path) -> None:
    write_template(tmp_path, "agency")
    (tmp_path / "sla.yaml").unlink()
    assert [path.name for path in write_template(tmp_path, "agency")] == ["sla.yaml"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "mappings").write_text("a file")
    with pytest.raises(SettingsError, match="cannot write mapping files"):
        write_template(tmp_path / "mappings", "agency")


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_book_holds_only_files_that_differ_from_the_shipped_ones(name: str) -> None:
    own = {path.name for path in (BOOKS / name).iterdir()}
    assert own <= {f"{part}.yaml" for part in PARTS}
    for file in own:
        assert template_files(name)[file] != (shipped_folder() / file).read_text()


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_file_opens_with_what_it_decides(name: str) -> None:
    for file, text in template_files(name).items():
        assert text.startswith("# "), file


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_standard_fields_are_the_shipped_ones(name: str) -> None:
    shipped, own = shipped_book().fields.fields, book(name).fields.fields
    assert {field: own[field] for field in shipped} == shipped


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_story_makes_just_the_properties_that_the_book_adds(name: str) -> None:
    added = book(name).fields.fields.keys() - shipped_book().fields.fields.keys()
    story = read_story(name)
    assert {row["name"] for row in story.properties} == {
        book(name).fields.fields[field].property for field in added
    }
    text = page_text(name)
    assert all(f"`{field}`" in text for field in added)


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_rule_of_a_book_speaks_in_an_example_of_its_own_or_on_its_page(name: str) -> None:
    """What nobody has tried is nobody's rule."""
    rules = book(name).qualification
    said = " ".join(reason for run in run_examples(book(name)) for reason in run.reasons) + page_text(name)
    own = (*rules.hand_raisers.forms, *rules.filters.rules, *rules.key_pages, *rules.triggers)
    assert [rule.say for rule in own if rule.say.lower() not in said.lower()] == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_portal_of_the_story_has_every_form_that_the_book_names(name: str) -> None:
    rules = book(name).qualification
    asked = {hand.form for hand in rules.hand_raisers.forms} | {form.form for form in rules.abandoned_forms}
    assert asked <= set(read_story(name).forms)


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("state", UNENDED)
def test_no_lead_of_a_book_is_in_work_without_a_clock(name: str, state: State) -> None:
    """R12, R17: else the nightly proof lists it, and nobody hears of it by time alone."""
    rules = book(name).sla
    for party in ("", "callers"):
        lead = make_episode(state=state, party=party, touched_at=NOW)
        assert sla.clocks(lead, rules, now=NOW), lead.hop


def test_the_pages_and_the_list_of_pages_name_each_template() -> None:
    readme = (PAGES / "README.md").read_text()
    for name, what in TEMPLATES.items():
        assert f"[{name}]({name}.md) | {what} |" in readme
        assert f"handoff init --template {name}" in page_text(name)
    assert {path.stem for path in PAGES.glob("*.md")} == {*TEMPLATES, "README"}
    assert {path.name for path in BOOKS.iterdir() if any(path.iterdir())} == set(TEMPLATES)


def test_books_lie_inside_the_package_so_that_the_wheel_carries_them() -> None:
    assert BOOKS.is_relative_to(Path(connector.errors.__file__).parent)
