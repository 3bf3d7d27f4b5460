"""What `make audit` makes of pip-audit's answer (S15): flaws fail, silence is loud."""

from __future__ import annotations

import subprocess
from datetime import date
from typing import Any

import audit
import pytest

TODAY = date(2026, 3, 2)
SOUND = {"name": "sound", "version": "1.0", "vulns": []}
UNKNOWN = {"name": "unknown", "skip_reason": "not found"}
FLAWED = {
    "name": "flawed", "version": "2.0",
    "vulns": [{"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "fix_versions": ["2.1"], "description": ""}],
}  # fmt: skip


def test_a_flaw_fails_and_says_which_version_mends_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.report([SOUND, FLAWED], TODAY) == 1
    assert "flawed 2.0: PYSEC-2026-1; mended in 2.1" in capsys.readouterr().out


@pytest.mark.parametrize(("until", "code"), [(TODAY, 0), (date(2026, 3, 1), 1)])
def test_a_reason_holds_until_its_day(monkeypatch: pytest.MonkeyPatch, until: date, code: int) -> None:
    monkeypatch.setitem(audit.EXCEPTIONS, "CVE-2026-1", ("only its server is affected, which we never start", until))
    assert audit.report([SOUND, FLAWED], TODAY) == code


def test_what_is_not_known_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.report([SOUND, UNKNOWN], TODAY) == 0
    assert "NOT AUDITED, for pip-audit does not know them: unknown" in capsys.readouterr().out


@pytest.mark.parametrize("rows", [[], [UNKNOWN]])
def test_where_the_data_cannot_be_reached_it_is_said_loudly(
    rows: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit.report(rows, TODAY) == 0
    assert "NOTHING WAS AUDITED" in capsys.readouterr().out


@pytest.mark.parametrize("said", ["", "not json", "{}"])
def test_an_answer_that_is_none_is_said_loudly(
    said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = subprocess.CompletedProcess((), 1, said, "ConnectionError: no route to host")
    monkeypatch.setattr(audit.subprocess, "run", lambda *_, **__: ended)
    assert audit.main() == 0
    assert "NOTHING WAS AUDITED" in capsys.readouterr().out


def test_every_exception_has_a_reason() -> None:
    assert all(len(reason) > 20 for reason, _ in audit.EXCEPTIONS.values())
