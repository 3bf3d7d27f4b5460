"""Each command explains itself with an example, and what a command does not need is not imported."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from connector.cli.app import app

CPU_SECONDS = 0.25
ROOM = 3
"""Test machines are shared and slow; what is measured is told by scripts/bench and the reports."""
CONTRACT = {
    "init", "adopt", "check", "sync", "preview", "run", "explain", "leads", "replay", "rules agreement", "rules check",
    "rules test", "rules history", "rules show", "rules diff", "outbox list", "outbox show", "outbox retry",
    "outbox replay", "outbox pause", "outbox resume", "runs", "sandbox", "demo", "auth login",
}  # fmt: skip
"""The issue's commands."""
LIGHT = {"typer", "click", "shellingham", "annotated_doc", "connector"}
LOOK = """
import sys
before = set(sys.modules)
sys.argv = ["handoff", "--help"]
from connector.cli.app import main
try:
    main()
except SystemExit as ended:
    assert ended.code == 0
print("\\n".join(sorted(set(sys.modules) - before)), file=sys.stderr)
"""


def commands(command: Any = None, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command with its words; a group only where it is a command itself."""
    command = command or get_command(app)
    if not hasattr(command, "commands"):
        yield words
        return
    if words and command.invoke_without_command:
        yield words
    for name, child in command.commands.items():
        yield from commands(child, (*words, name))


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "connector.cli.app", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_every_command_of_the_contract_is_there() -> None:
    assert {" ".join(words) for words in commands()} >= CONTRACT


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_each_command_has_help_with_an_example_of_itself(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Design, section 6."""
    from connector.cli.app import main

    monkeypatch.setattr(sys, "argv", ["handoff", *words, "--help"])
    with pytest.raises(SystemExit) as ended:
        main()
    text = " ".join(capsys.readouterr().out.split())
    assert ended.value.code == 0
    assert not re.search(r"\([RPIS]\d+\)", text), "no code of ours stands in a help text"
    assert "Example: " in text and f"handoff {' '.join(words)}" in text.partition("Example: ")[2]


def test_the_help_of_all_names_every_command_and_where_to_begin() -> None:
    said = run("--help")
    assert (said.returncode, said.stderr) == (0, "")
    for words in commands():
        assert f"  {words[0]} " in said.stdout
    assert "handoff demo" in said.stdout and "handoff init" in said.stdout


def test_the_list_of_commands_fits_80_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is cut, in the help of all and of each group."""
    from connector.cli.app import main

    monkeypatch.setenv("COLUMNS", "80")
    for words in ((), *{words[:1] for words in commands() if len(words) > 1}):
        monkeypatch.setattr(sys, "argv", ["handoff", *words, "--help"])
        with pytest.raises(SystemExit):
            main()
        lines = capsys.readouterr().out.partition("Commands:")[2].splitlines()
        cut = [line for line in lines if line.endswith("...")]
        assert cut == []


def test_the_version_is_told() -> None:
    said = run("--version")
    assert (said.returncode, said.stderr) == (0, "")
    assert re.fullmatch(r"handoff \d+\.\d+\.\d+\n", said.stdout)


def test_help_imports_nothing_heavy() -> None:
    """Nothing of rules, engine, database and network, and no library but the command line's own."""
    said = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, timeout=60)
    assert said.returncode == 0, said.stderr
    loaded = said.stderr.split()
    roots = {name.partition(".")[0] for name in loaded}
    assert roots - sys.stdlib_module_names <= LIGHT, roots - sys.stdlib_module_names - LIGHT
    ours = {name for name in loaded if name.startswith("connector.")}
    assert {name for name in ours if not name.startswith("connector.cli")} == {"connector.errors"}


def test_help_costs_a_quarter_of_a_cpu_second() -> None:
    """With room for slow machines; the least of three tries."""
    assert min(cpu_of_help() for _ in range(3)) <= CPU_SECONDS * ROOM


def cpu_of_help() -> float:
    process = subprocess.Popen([sys.executable, "-m", "connector.cli.app", "--help"], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_utime + used.ru_stime
