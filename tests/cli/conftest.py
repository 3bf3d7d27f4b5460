"""A world for the command line: the acceptance tests' own, and commands that run in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import canaries
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "acceptance"))

from commands import Said
from portal_world import World, served

from connector.cli.app import main
from connector.sandbox.portal import Sandbox


@pytest.fixture
def sandbox() -> Sandbox:
    """The state behind the address, for what the control API does not offer."""
    return Sandbox()


@pytest.fixture
def world(tmp_path: Path, sandbox: Sandbox) -> Iterator[World]:
    """An Enterprise portal with a handful of contacts, made ready by `init`."""
    with served(sandbox) as url, closing(World(url, tmp_path, enterprise=True, contacts=5)) as made:
        made.init()
        yield made


@pytest.fixture
def handoff(
    world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Said]:
    """Runs a command by `main`, exit code and all, in the world's folder with its environment and what is given."""

    def run(*words: str, **env: str) -> Said:
        monkeypatch.chdir(world.folder)
        with monkeypatch.context() as patch:
            for name, value in {**world.env, **env}.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["handoff", *words])
            capfd.readouterr()
            with pytest.raises(SystemExit) as ended:
                main()
            out, err = capfd.readouterr()
        canaries.look_at_command(words, out, err, rules=world.mappings)
        assert isinstance(ended.value.code, int)
        return Said(ended.value.code, out, err)

    return run
