"""A preview as people read it, and as scripts do (R33); answers that are saved, in one way for every command."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.cli import console, previews
from connector.cli.forms import FEW, form_of, give
from connector.domain.change import ChangeKind
from connector.domain.contact import ContactId, OwnerId
from connector.engine.named import Names
from connector.errors import SettingsError

AT = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)
WHY = "Asked for a demo [now]."
NAMES = Names(leads={ContactId("506"): "Kim Sample"}, owners={OwnerId("7"): "Ana Sample"}, zone="Europe/Berlin")


def line(
    field: str, before: object, after: object, kind: ChangeKind = ChangeKind.FIELD, contact: str = "506"
) -> dict[str, object]:
    facts = {"contact": contact, "action": "hand_over", "why": WHY, "change": kind.value}
    return {**facts, "field": field, "before": before, "after": after}


LINES = [
    line("sales", None, None, ChangeKind.LIST_ADD),
    line("stage", "lead", "mql"),
    line("owner", None, "7"),
    line("due_at", None, AT),
    line("score", 12.5, None),
    line("owner", "8", "7", contact="507"),
]


def test_people_read_names_beside_ids_and_their_own_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(previews, "is_terminal", lambda: True)
    previews.show_lines(LINES, NAMES)
    first, *rest = capsys.readouterr().out.split("\n\n")
    assert first == "What a sync would change now (times: Europe/Berlin)"
    assert rest[0].splitlines() == [
        "Kim Sample (506): hand over. Asked for a demo [now].",
        "  sales   onto the list",
        "  stage   lead → mql",
        "  owner   Ana Sample (7)",
        "  due_at  2026-03-02 23:30",
        "  score   12.5 → empty",
    ]
    assert rest[1].splitlines()[:2] == [f"507: hand over. {WHY}", "  owner  8 → Ana Sample (7)"]


@pytest.mark.parametrize("note", [True, False])
def test_what_a_note_and_a_task_both_say_is_read_once(
    note: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(previews, "is_terminal", lambda: True)
    subject, text = "Call the lead: Asked for a demo.", "Asked for a demo.\nScore: 50 points"
    noted = [line("Handed over to sales", None, f"Handed over to sales\n{text}", ChangeKind.NOTE)] if note else []
    former = line("Call the lead", None, None, ChangeKind.TASK_DONE)
    previews.show_lines([former, *noted, line(subject, None, text, ChangeKind.TASK)], NAMES)
    shown = capsys.readouterr().out
    assert (shown.count("Score: 50 points"), shown.count("Handed over to sales")) == (1, note)
    assert f"  task         {subject}" in shown and "  former task  closed" in shown


def test_scripts_get_ids_and_utc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "is_terminal", lambda: False)
    monkeypatch.setattr(previews, "is_terminal", lambda: False)
    previews.show_lines(LINES, NAMES)
    assert f"506\thand_over\t{WHY}\tfield\tdue_at\t\t2026-03-02 22:30:00+00:00" in capsys.readouterr().out
    for name in ("plan.csv", "plan.json"):
        previews.save_as(str(tmp_path / name), LINES, {"planned": LINES})
    assert "506,hand_over,Asked for a demo [now].,field,owner,,7" in (tmp_path / "plan.csv").read_text()
    (_, _, _, due, *_) = json.loads((tmp_path / "plan.json").read_text())["planned"]
    assert due["after"] == "2026-03-02T22:30:00+00:00"
    with pytest.raises(SettingsError) as wrong:
        previews.save_as(str(tmp_path / "plan.html"), LINES, {})
    assert ".csv, .json" in wrong.value.advice and not (tmp_path / "plan.html").exists()


@pytest.mark.parametrize(
    ("form", "out", "as_json", "found"),
    [
        ("", "", False, "text"),
        ("", "lead.html", False, "html"),
        ("", "lead.HTM", False, "html"),
        ("", "lead", False, "text"),
        ("html", "lead.txt", False, "html"),
        ("", "", True, "json"),
    ],
)
def test_the_form_is_what_was_asked_or_what_the_ending_says(form: str, out: str, as_json: bool, found: str) -> None:
    assert form_of(form, out, as_json, FEW) == found


@pytest.mark.parametrize(("form", "out"), [("csv", ""), ("", "lead.csv")])
def test_a_form_that_nobody_gives_is_refused(form: str, out: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        form_of(form, out, False, FEW)
    assert "html" in wrong.value.advice


def test_an_answer_is_printed_or_saved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """S14"""
    give("text\n", "")
    give("text\n", str(tmp_path / "a.txt"))
    assert capsys.readouterr() == ("text\n", f"Saved in {tmp_path / 'a.txt'}.\n")
    assert (tmp_path / "a.txt").read_text() == "text\n" and (tmp_path / "a.txt").stat().st_mode & 0o077 == 0
