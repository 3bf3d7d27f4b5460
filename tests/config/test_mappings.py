"""Mappings: every mistake in a rule file is told with file, line, column, key, and what would do."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from connector.config.examples import run_examples
from connector.config.mappings import doubts_of, load_rulebook, placed, shipped_folder
from connector.config.yaml_text import LARGEST_BYTES, read_yaml
from connector.errors import RuleBookError
from connector.rules.named_values import Options, unknown_values
from connector.rules.rulebook import PARTS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(shipped_folder(), tmp_path / "mappings"))


def complaint(folder: Path, file: str, old: str, new: str) -> RuleBookError:
    """The first complaint after one edit in one of the shipped files."""
    path = folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(RuleBookError) as caught:
        load_rulebook(folder)
    return caught.value


def line_of(folder: Path, file: str, words: str) -> int:
    return next(number for number, line in enumerate((folder / file).read_text().splitlines(), 1) if words in line)


def test_the_shipped_rules_load_in_well_under_half_a_second_of_work() -> None:
    load_rulebook(shipped_folder())
    begun = time.process_time()
    load_rulebook(shipped_folder())
    assert time.process_time() - begun < 0.5


def test_the_shipped_examples_come_out_as_they_say() -> None:
    results = run_examples(load_rulebook(shipped_folder()))
    assert results
    assert [result.name for result in results if not result.passed] == []


def test_an_example_that_fails_says_what_came_out(folder: Path) -> None:
    path = folder / "qualification.yaml"
    path.write_text(path.read_text().replace("expect: nurture", "expect: junk\n    score: 3"))
    failed = [result for result in run_examples(load_rulebook(folder)) if not result.passed]
    assert [(r.expected, r.found.split(",")[0], r.reasons) for r in failed] == [
        ("junk, 3 points", "nurture", ("uses a private e-mail address",))
    ]


def test_an_unknown_key_names_the_nearest_one(folder: Path) -> None:
    wrong = complaint(folder, "scoring.yaml", "half_life: 30d", "half_live: 30d")
    assert wrong.key == "engagement.half_live"
    assert wrong.line == line_of(folder, "scoring.yaml", "half_live")
    assert wrong.advice == "did you mean `half_life`?"
    assert str(wrong) == f"scoring.yaml:{wrong.line}:3: engagement.half_live: unknown key"


def test_what_is_right_and_hardly_meant_is_told_with_its_place(folder: Path) -> None:
    """R15, R18: two days by the wall pass over a weekend, and quiet hours keep its lead until Monday."""
    assert doubts_of(folder, load_rulebook(folder)) == []
    path = folder / "notifications.yaml"
    path.write_text(path.read_text().replace("  outside:   ", "  outside: office   ", 1))
    (doubt,) = doubts_of(folder, load_rulebook(folder))
    assert doubt.startswith(f"sla.yaml:{line_of(folder, 'sla.yaml', 'limit: 48h')}:12: clocks.verdict.limit: runs by")
    assert "`office` is closed for up to 2 days 15 hours" in doubt and "such as 2bd" in doubt


def test_an_option_that_lacks_is_told_once_where_its_condition_is_defined(folder: Path) -> None:
    """R32: a named condition is used in many places; what is wrong in it is wrong in one."""
    path = folder / "qualification.yaml"
    named = "conditions:\n  software:\n    {field: industry, op: in, value: [RETAIL, SOFTWAR]}\n"
    path.write_text(path.read_text() + "\n" + named)
    scoring = folder / "scoring.yaml"
    rule = '    - {say: In software, when: {use: software}, points: 1}\n'
    begins = scoring.read_text().index("    - say:")
    scoring.write_text(scoring.read_text()[:begins] + rule + scoring.read_text()[begins:])
    found = list(unknown_values(load_rulebook(folder), {"industry": Options(("RETAIL", "SOFTWARE"))}))
    assert {one.file for one in found} == {"qualification", "scoring"}
    (line,) = placed(folder, found)
    assert line.startswith(f"qualification.yaml:{line_of(folder, 'qualification.yaml', 'SOFTWAR]')}:")
    assert "`SOFTWAR` is no option" in line and line.endswith("did you mean `SOFTWARE`?")


@pytest.mark.parametrize(
    ("lines", "place", "words", "advice"),
    [
        (['        title: "{{ nme }}"'], (2, 16), "nothing is called `nme`", "did you mean `name`?"),
        (["        text: |", "          Hello", "          {{ name | loud }}"], (2, 15), "in its line 2", "use"),
        (['        text: "{% for one in name %}{% endfor %}"'], (2, 15), "a loop may not stand", "use text"),
        (['        text: "{% if name %}"'], (2, 15), "cannot be read", "{{ name }}"),
        (["        txt: hello"], (2, 9), "unknown key", "did you mean `text`?"),
    ],
)
def test_a_template_that_cannot_be_used_is_told_at_load_with_its_place(
    folder: Path, lines: list[str], place: tuple[int, int], words: str, advice: str
) -> None:
    """S10: file, line and column, and what would do."""
    template = "\n".join(["    templates:", "      lead.handed_off:", *lines])
    wrong = complaint(folder, "notifications.yaml", "    personal: true", template)
    begins = line_of(folder, "notifications.yaml", "      lead.handed_off:")
    assert (wrong.line - begins + 1, wrong.column) == place, str(wrong)
    assert str(wrong).startswith(f"notifications.yaml:{wrong.line}:{wrong.column}: destinations.reps.templates.lead.")
    assert words in str(wrong) and advice in wrong.advice and "\n" not in str(wrong)


def test_a_key_of_another_type_of_destination_is_not_advised_again(folder: Path) -> None:
    team = "  team:\n    type: teams\n    to: rep\n    url_env: TEAM\n    url: https://hooks.example/x\n"
    wrong = complaint(folder, "notifications.yaml", "  reps:\n", team + "  reps:\n")
    assert "unknown key" in str(wrong) and wrong.advice == "did you mean `url_env`?"


def test_a_wrong_type_says_what_was_found(folder: Path) -> None:
    wrong = complaint(folder, "scoring.yaml", "points: 15", "points: lots")
    assert (wrong.key, wrong.found, wrong.column) == ("fit.rules[0].points", "`lots`", 15)
    assert wrong.advice == "write it without quotes and units"


def test_a_wrong_word_names_the_nearest_one(folder: Path) -> None:
    wrong = complaint(folder, "fields.yaml", "type: phone}", "type: fone}")
    assert wrong.key == "fields.phone.type"
    assert wrong.advice.startswith("did you mean `phone`?")


def test_a_missing_key_is_asked_for_where_it_belongs(folder: Path) -> None:
    wrong = complaint(folder, "qualification.yaml", '{form: "Free audit", say', "{say")
    assert wrong.key == "hand_raisers.forms[1].form"
    assert wrong.line == line_of(folder, "qualification.yaml", "{say: asked for a free audit")


def test_a_bare_number_of_time_is_refused(folder: Path) -> None:
    """R18."""
    wrong = complaint(folder, "scoring.yaml", "half_life: 14d", "half_life: 14")
    assert "whose clock" in str(wrong)
    assert "48h" in wrong.advice


def test_checks_across_files_have_their_place_too(folder: Path) -> None:
    wrong = complaint(folder, "qualification.yaml", "score: 50", "score: 500")
    assert (wrong.file, wrong.key) == ("qualification.yaml", "threshold.score")
    assert wrong.line == line_of(folder, "qualification.yaml", "score: 500")


@pytest.mark.parametrize(
    ("file", "old", "new", "key", "found", "advice"),
    [
        ("sla", "limit: 8bh", "limit: 9999bh", "clocks.first_touch.limit", "`9999bh`", "it opens 45 hours a week"),
        ("sla", "score: 8bh", "score: 9999bh", "clocks.first_touch.lanes.score", "`9999bh`", "write less"),
        ("sla", "calendar: office", "calendar: ofice", "clocks.first_touch.calendar", "`ofice`", "`office`"),
        ("routing", "default_pool: everyone", "default_pool: all", "default_pool", "`all`", "use one of everyone"),
        ("routing", "default_pool: everyone", "default_pool: everyon", "default_pool", "`everyon`", "`everyone`?"),
        ("sla", '["09:00-18:00"]', '["9-18"]', "calendars.office.hours.mon-fri[0]", "`9-18`", "09:00-12:30"),
        ("sla", '["09:00-18:00"]', '"09:00-18:00"', "calendars.office.hours.mon-fri", "`09:00-18:00`", "closed day"),
        ("reports", "figure: won,", "figure: junk,", "kpis[8].figure", "`junk`", "keep one"),
        ("sla", "mon-fri:", "fri-mon:", "calendars.office.hours.fri-mon", "", "a range such as mon-fri"),
    ],
)
def test_a_mistake_between_keys_is_told_once_at_its_own_key(
    folder: Path, file: str, old: str, new: str, key: str, found: str, advice: str
) -> None:
    wrong = complaint(folder, f"{file}.yaml", old, new)
    line = (folder / f"{file}.yaml").read_text().splitlines()[wrong.line - 1]
    assert (wrong.key, wrong.found, wrong.others) == (key, found, ())
    assert advice in wrong.advice and new.partition(":")[0] in line and not line.startswith("#")
    assert found.strip("`") in line[wrong.column - 1 :]


def test_all_complaints_come_at_once(folder: Path) -> None:
    for name in ("fields", "scoring", "routing"):
        (folder / f"{name}.yaml").write_text("nonsense: 1\n")
    with pytest.raises(RuleBookError) as caught:
        load_rulebook(folder)
    found = {wrong.file for wrong in (caught.value, *caught.value.others)}
    assert found == {"fields.yaml", "scoring.yaml", "routing.yaml"}


def test_every_file_can_be_broken_without_a_traceback(folder: Path) -> None:
    for name in PARTS:
        path = folder / f"{name}.yaml"
        whole = path.read_text()
        for content in ("", "- 1\n", "just text\n", "a: [1\n", "\ta: 1\n", "a: 1\n---\nb: 2\n", "\x00", "{}"):
            path.write_text(content)
            try:
                load_rulebook(folder)
            except RuleBookError as wrong:
                assert wrong.file == path.name, content
        path.write_text(whole)


def test_a_missing_file_a_stranger_and_a_missing_folder_are_told(folder: Path) -> None:
    (folder / "scoring.yaml").rename(folder / "score.yaml")
    (folder / "sla.yaml").rename(folder / "sla.yml")
    with pytest.raises(RuleBookError) as caught:
        load_rulebook(folder)
    told = {wrong.file: wrong.advice for wrong in (caught.value, *caught.value.others)}
    assert told["sla.yml"] == "rename it to sla.yaml"
    assert "handoff init" in told["scoring.yaml"]
    assert "score.yaml" in told
    with pytest.raises(RuleBookError, match="no such folder"):
        load_rulebook(folder / "nowhere")


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: 1\nb:\n  c: 1\n  c: 2\n", (4, 3), "stands here twice, first in line 3"),
        ("a:\n\tb: 1\n", (2, 1), "a tab stands in the indentation"),
        ("a: !!python/object:os.system x\n", (1, 4), "tags are not read"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", (3, 3), "merge keys"),
        ("a: *nobody\n", (1, 4), "names nothing above it"),
        ("a: 1\n---\nb: 2\n", (2, 1), "a second document"),
        ("? [a, b]\n: 1\n", (1, 3), "must be plain text"),
        ("a: 'open\n", (2, 1), "cannot be read as YAML"),
        ("a: " + "[" * 40 + "]" * 40, (1, 36), "nested more than"),
    ],
)
def test_yaml_that_is_not_for_rules_is_refused_at_its_place(text: str, place: tuple[int, int], words: str) -> None:
    with pytest.raises(RuleBookError, match=words) as caught:
        read_yaml(text.encode(), "x.yaml")
    assert (caught.value.line, caught.value.column) == place
    assert caught.value.advice


def test_size_and_growth_by_aliases_are_bounded() -> None:
    with pytest.raises(RuleBookError, match="larger than"):
        read_yaml(b"#" * (LARGEST_BYTES + 1), "x.yaml")
    laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
    laughs += "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    with pytest.raises(RuleBookError, match="values, aliases counted in full"):
        read_yaml(laughs.encode(), "x.yaml")


def test_text_that_is_not_utf8_is_told_with_its_line() -> None:
    with pytest.raises(RuleBookError, match="not UTF-8") as caught:
        read_yaml(b"a: 1\nb: \xff\n", "x.yaml")
    assert caught.value.line == 2


def test_words_are_read_as_yaml_1_2_says() -> None:
    text = "a: on\nb: 08:30\nc: NO\nd: 007\ne: 1.5\nf: true\ng:\nh: '12'\ni: 12\nj: &x [1]\nk: *x\nl: .nan\n"
    value = read_yaml(text.encode(), "x.yaml").value
    assert value == {
        "a": "on", "b": "08:30", "c": "NO", "d": "007", "e": 1.5, "f": True, "g": None, "h": "12", "i": 12,
        "j": [1], "k": [1], "l": ".nan",
    }  # fmt: skip


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_an_empty_file_is_a_write_that_did_not_come_to_its_end(tmp_path: Path, content: str) -> None:
    """P7: it is not taken for a book in which everything is left to the defaults."""
    shutil.copytree(shipped_folder(), tmp_path, dirs_exist_ok=True)
    (tmp_path / "scoring.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(RuleBookError, match="the file is empty"):
        load_rulebook(tmp_path)


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    shutil.copytree(shipped_folder(), tmp_path, dirs_exist_ok=True)
    (tmp_path / "scoring.yaml").unlink()
    os.mkfifo(tmp_path / "scoring.yaml")
    with pytest.raises(RuleBookError, match="is no file"):
        load_rulebook(tmp_path)
