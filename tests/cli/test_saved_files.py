"""Files that commands write: for their owner alone, and asked about ahead of long work (S14)."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from connector.cli.files import check_writable, save
from connector.errors import SettingsError


def test_asking_whether_it_can_be_written_leaves_what_stands_there(tmp_path: Path) -> None:
    path = tmp_path / "training.csv"
    save("--out", str(path), "of yesterday")
    check_writable("--out", str(path))
    assert path.read_text(encoding="utf-8") == "of yesterday"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    check_writable("--out", str(tmp_path / "new.csv"))
    assert not (tmp_path / "new.csv").exists()


def test_a_place_that_is_not_there_is_refused_before_the_work_begins(tmp_path: Path) -> None:
    for name in (tmp_path / "missing" / "training.csv", tmp_path):
        with pytest.raises(SettingsError, match=r"--out: .* cannot be written") as refused:
            check_writable("--out", str(name))
        assert refused.value.advice
