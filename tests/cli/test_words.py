"""Words, answers and terminals that no command was made for: one sentence and an exit code (design.md, section 6)."""

from __future__ import annotations

import io
import sys

import pytest
import typer

from connector.cli import app as line

BYTES = "a\udcffb"
"""As Python gives a word whose bytes are no UTF-8."""


def ended(monkeypatch: pytest.MonkeyPatch, *words: str) -> object:
    monkeypatch.setattr(sys, "argv", ["handoff", *words])
    with pytest.raises(SystemExit) as end:
        line.main()
    return end.value.code


@pytest.mark.parametrize("words", [("explain", BYTES), ("outbox", "show", BYTES), (BYTES,)])
def test_bytes_that_are_no_text_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert ended(monkeypatch, *words) == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: the command line holds bytes that are no UTF-8 text\nWhat to do: ")


def test_who_does_not_agree_reads_that_nothing_was_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def not_agreed(**_: object) -> None:
        raise typer.Abort

    monkeypatch.setattr(line, "app", not_agreed)
    assert ended(monkeypatch) == 1
    assert capsys.readouterr().err == "Not agreed; nothing was done.\n"


def test_a_terminal_that_lacks_a_sign_shows_it_in_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer, encoding="ascii", write_through=True))
    monkeypatch.setattr(line, "app", lambda **_: print("“Zoë”"))
    assert ended(monkeypatch) == 0
    assert buffer.getvalue() == b"\\u201cZo\\xeb\\u201d\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("report", "ownrs"), "Did you mean 'owners'?"),
        (("report", "foo"), "use one of funnel, sla, meeting, agreement, owners, sources, as in `handoff report f"),
        (("rules", "foo"), "use one of check, test, agreement, history, show, diff"),
        (("foo",), "use one of init, check,"),
    ],
)
def test_a_command_that_is_none_is_told_which_there_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str
) -> None:
    assert ended(monkeypatch, *words) == 2
    said = capsys.readouterr().err
    assert told in said and said.count("What to do: ") + said.count("Did you mean") == 1
