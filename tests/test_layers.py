"""Who may import whom (style.md, section 1): the contracts of pyproject.toml, kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from importlinter.application.use_cases import SUCCESS
from importlinter.cli import lint_imports

ROOT = Path(__file__).parent.parent


def test_inner_rooms_never_import_outer_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Layers, and that the sandbox and the rest meet over HTTP alone."""
    monkeypatch.chdir(ROOT)
    code = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert code == int(not SUCCESS), capsys.readouterr().out
