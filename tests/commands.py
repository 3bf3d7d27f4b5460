"""Commands in this process, for tests: by `main`, exit code and all, without the seconds that a process costs."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import canaries
import pytest

from connector.cli.app import main

if TYPE_CHECKING:
    from portal_world import World


@dataclass(frozen=True)
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str


Handoff = Callable[..., Said]


def in_process(world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Handoff:
    """Runs commands in the world's folder, with its environment and what is given; nobody is there to answer."""

    def run(*words: str, **env: str) -> Said:
        monkeypatch.chdir(world.folder)
        with monkeypatch.context() as patch:
            for name, value in {**world.env, **env}.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["handoff", *words])
            patch.setattr(sys, "stdin", io.StringIO())
            capfd.readouterr()
            with pytest.raises(SystemExit) as ended:
                main()
            out, err = capfd.readouterr()
        canaries.look_at_command(words, out, err, rules=world.mappings)
        assert isinstance(ended.value.code, int)
        return Said(ended.value.code, out, err)

    return run
