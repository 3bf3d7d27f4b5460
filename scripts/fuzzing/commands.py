"""The command line: every command with any words, options and settings, in this process, on a copy of a small portal.

What must hold: an exit code of the contract, no traceback, no "unforeseen"; --json prints one object; no secret is
shown; nothing is written outside of the folder; and where nothing was to be done (exit code 2), nothing was changed.
"""

from __future__ import annotations

import io
import json
import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import requests
import typer
import uvicorn

from connector import bootstrap
from connector.cli import app as line
from connector.cli import demo
from connector.config import mappings
from connector.config.settings import variable_names
from connector.jobs import scheduler
from connector.rules.rulebook import RuleBook
from connector.sandbox import cli as sandbox_cli
from connector.web import server
from fuzzing.choices import Choices
from fuzzing.portal import HUBSPOT, SECRET, TOKEN, World, world

CODES = frozenset(range(8)) | {130}
"""design.md, section 6, and 130 for who stops it."""

MOST_WORDS, MOST_SETTINGS = 6, 3
WORDS = (
    "", "-", "--", "-h", "--json", "--yes", "--dry-run", "0", "1", "-1", "5", "1001", "99999999999999999999", "1e3",
    "²", "ana@acme.example", "Ana@ACME.example ", "nobody@acme.example", "reps", "ops", "2026-03-02",
    "2026-03-02T14:30", "0001-01-01T00:00:00+14:00", "9999-12-31", "2026-02-30", "handed_off", "exhausted", "sent",
    "due", "mql", "qualified", "lead.handed_off", "test.ping", "x.svg", "no/such/x.svg", "mappings", "handoff.db", ".",
    "/", "a\udcffb", "\x1b[31m", "[bold]", "%s", "x" * 5000, "'; DROP TABLE contact; --", "*", "../..", "e\u0301",
    "\u202e", "\n", "{{ name }}",
)  # fmt: skip
SETTINGS: dict[str, tuple[str, ...]] = {
    "HANDOFF_DATABASE_URL": (
        "sqlite:///other.db", "sqlite:///no/such/x.db", "sqlite:///mappings", "sqlite:////", "postgresql://[x",
        "sqlite:///x.db?mode=ro", "postgresql://a:s3cret-of-the-database@127.0.0.1:1/x", "mysql://x", "sqlite:///%00.db",
    ),
    "HANDOFF_MAPPINGS_DIR": (".", "no", "handoff.db", "new", "/dev/null", "a\udcffb", "mappings/../mappings"),
    "HANDOFF_SYNC_EVERY": ("99 * * * *", "*/5 * * * 1-5", "0 0 31 2 *", "1s", "5m", "8bh"),
    "HANDOFF_SINCE": ("2026-03-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "soon"),
    "HUBSPOT_BASE_URL": ("https://a..b", "http://127.0.0.1:1", "https://[v1.x]", "https://" + "a" * 70, "x", "https://"),
    "HANDOFF_CA_FILE": ("no", ".", "mappings/sla.yaml"),
    "HANDOFF_LISTEN": ("127.0.0.1:0", "[::1]:99999", "localhost", "0.0.0.0:65535"),
    "HANDOFF_PUBLIC_URL": ("https://handoff.example", "http://x", "https://x/?y"),
    "HANDOFF_INBOUND_SECRET": ("short", "a-secret-of-an-app-0123", "a\udcff" * 20),
    "HANDOFF_KEY": ("", "x", "k" * 40, "\udcff"),
    "HANDOFF_LOG_LEVEL": ("DEBUG", "loud"),
    "HANDOFF_SHADOW": ("true", "maybe"),
    "HUBSPOT_API_VERSION": ("2026-03", "v4"),
    "HUBSPOT_PORTAL_ID": ("1", "24001003", "²"),
}  # fmt: skip
QUIET = frozenset({"lease", "portal", "run"})
"""Tables in which a command that then refuses may still leave that it was there."""


class BadEndingError(AssertionError):
    """The command ended as none may."""


def feed(data: bytes) -> None:
    choices = Choices(data)
    with world() as made:
        if choices.below(8) == 7:
            made.wire.bend = _gone
        words, given, typed = _words(choices, _ids(made)), _settings(choices), choices.pick((None, "y\n", "n\n", ""))
        before = _content(made.folder)
        env = made.env | {"HANDOFF_ALLOW_HOSTS": "", **given}
        code, out, err = run(made.folder, words, env, typed)
        _judge(words, code, out, err)
        if code == 2 and "init" not in words:
            assert _content(made.folder) == before, f"{words} ended with 2 and changed something"


def run(folder: Path, words: list[str], env: dict[str, str], typed: str | None) -> tuple[object, str, str]:
    """Exit code, stdout and stderr; `typed` is what a person at a terminal answers, None where nobody is there."""
    out, err = _stream("strict"), _stream("backslashreplace")
    stdin = io.StringIO(typed or "")
    stdin.isatty = lambda: typed is not None  # type: ignore[method-assign]
    code: object = None
    here = Path.cwd()
    with _contained(folder), mock.patch.dict(os.environ, env, clear=True), mock.patch.object(sys, "stdin", stdin):
        os.chdir(folder)
        try:
            with mock.patch.object(sys, "argv", ["handoff", *words]), redirect_stdout(out), redirect_stderr(err):
                line.main()
        except SystemExit as end:
            code = end.code
        finally:
            os.chdir(here)
    return code, _said(out), _said(err)


def _judge(words: list[str], code: object, out: str, err: str) -> None:
    if code not in CODES or "Traceback" in err or "something unforeseen" in err:
        raise BadEndingError(f"{words} ended with {code!r}: {err[-500:]}")
    for secret in (TOKEN, SECRET, "s3cret-of-the-database"):
        if secret in out + err:
            raise BadEndingError(f"{words} showed a secret")
    if code == 2 and not err.strip():
        raise BadEndingError(f"{words} was refused without a word")
    if "--json" in words and code == 0 and out.startswith("{"):
        json.loads(out)


# -- made up -------------------------------------------------------------------------------------------------------


def _words(choices: Choices, known: tuple[str, ...]) -> list[str]:
    """A command's name, then options and arguments: mostly its own, mostly with values of their kind."""
    path, params = choices.pick(_commands())
    words = list(path)
    for _ in range(choices.below(MOST_WORDS)):
        kind = choices.below(4)
        if kind == 0 or not params:
            words.append(_value(choices, known))
            continue
        name, is_flag = choices.pick(params)
        if name:
            words.append(name)
        if not is_flag:
            words.append(_value(choices, known))
    return words


def _value(choices: Choices, known: tuple[str, ...]) -> str:
    kind = choices.below(4)
    if kind == 0 and known:
        return choices.pick(known)
    if kind == 1:
        return choices.bytes(20).decode("utf-8", "surrogateescape").replace("\0", "")
    return choices.pick(WORDS)


def _settings(choices: Choices) -> dict[str, str]:
    given = {}
    for _ in range(choices.below(MOST_SETTINGS + 3) - 2):
        name = choices.pick(tuple(SETTINGS)) if choices.below(4) else choices.pick(variable_names())
        if choices.below(4) and name in SETTINGS:
            given[name] = choices.pick(SETTINGS[name])
        else:
            given[name] = choices.bytes(30).decode("utf-8", "surrogateescape").replace("\0", "")
    if "HUBSPOT_BASE_URL" in given and not given["HUBSPOT_BASE_URL"].strip():
        given["HUBSPOT_BASE_URL"] = HUBSPOT
    return given


@cache
def _commands() -> tuple[tuple[tuple[str, ...], tuple[tuple[str, bool], ...]], ...]:
    """Each command's words with its parameters: the option (empty for an argument), and whether it is a flag."""
    found: list[tuple[tuple[str, ...], tuple[tuple[str, bool], ...]]] = [((), (("--version", True), ("--help", True)))]

    def walk(command: Any, path: tuple[str, ...]) -> None:
        for name, inner in getattr(command, "commands", {}).items():
            walk(inner, (*path, name))
        if not hasattr(command, "commands"):
            params = tuple(
                (param.opts[0] if param.param_type_name == "option" else "", bool(getattr(param, "is_flag", False)))
                for param in command.params
            )
            found.append((path, params))

    walk(typer.main.get_command(line.app), ())
    return tuple(found)


def _ids(made: World) -> tuple[str, ...]:
    """Of runs, notices and contacts that there are."""
    with closing(sqlite3.connect(made.folder / "handoff.db")) as opened:
        return tuple(
            str(row[0])
            for question in ("SELECT run FROM run", "SELECT entry FROM outbox", "SELECT contact FROM contact")
            for row in opened.execute(question)
        )


def _gone(_path: str, _body: bytes) -> None:
    raise requests.ConnectionError("nobody is there")


# -- held in -------------------------------------------------------------------------------------------------------


@contextmanager
def _contained(folder: Path) -> Iterator[None]:
    """No network, no endless command, no second parse of the same rule files; what is opened elsewhere is a finding."""
    watch = _watch()
    parts = (
        (line, "_unforeseen", _unforeseen),
        (demo, "_live", lambda folder, stage, stack: None),
        (sandbox_cli, "start", _start_no_sandbox),
        (sandbox_cli, "serve", lambda served: None),
        (scheduler._Works, "work", lambda works, as_of, hints: None),
        (server, "_listen", lambda host, port: _NoSocket(host, port)),
        (uvicorn.Server, "run", lambda served, sockets: None),
        (tempfile, "tempdir", str(folder)),
        (bootstrap, "load_rulebook", _load_rulebook),
        (mappings, "load_rulebook", _load_rulebook),
    )
    patches = [mock.patch.object(where, name, instead) for where, name, instead in parts]
    for patch in patches:
        patch.start()
    watch.folder, watch.strays = folder, []
    try:
        yield
    finally:
        watch.folder, strays = None, watch.strays
        for patch in patches:
            patch.stop()
    if strays:
        raise BadEndingError(f"it touched {strays[:3]} outside of its folder")


_original_unforeseen, _original_load, _original_start = line._unforeseen, mappings.load_rulebook, sandbox_cli.start


def _unforeseen(error: Exception) -> int:
    """What typer explains is foreseen; anything else is the finding itself, with its own place."""
    if callable(getattr(error, "show", None)):
        return _original_unforeseen(error)
    raise error


_books: dict[tuple[bytes, ...], RuleBook] = {}


def _load_rulebook(folder: Path) -> RuleBook:
    """Rule files are other targets'; here those that were read once are known."""
    try:
        key = tuple(path.name.encode() + path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file())
    except OSError:
        return _original_load(folder)
    if key not in _books:
        _books[key] = _original_load(folder)
    return _books[key]


def _start_no_sandbox(options: Any) -> tuple[object, str, int]:
    """All of it but a socket and a portal of any size."""
    if not 0 <= options.port < 65536:
        raise OverflowError
    options.contacts = min(options.contacts, 3)
    with mock.patch.object(sandbox_cli, "Server", lambda host, port, sandbox: mock.Mock(url=f"http://{host}:{port}")):
        return _original_start(options)


class _NoSocket:
    def __init__(self, host: str, port: int) -> None:
        self._bound = (host, port)

    def getsockname(self) -> tuple[str, int]:
        return self._bound

    def close(self) -> None:
        return None


class _Watch:
    """Hears of every file that Python opens for writing, and of every socket, while a folder is set."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.strays: list[str] = []

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if self.folder is None:
            return
        if event in ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate"):
            if event == "open" and not _writes(args):
                return
            self._look(args[0])
            if event in ("os.rename", "os.link", "os.symlink"):
                self._look(args[1])
        elif event == "sqlite3.connect" and args[0] != ":memory:":
            self._look(args[0])
        elif event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "os.system", "subprocess.Popen"):
            self.strays.append(f"{event} {args[1:]!r}"[:200])

    def _look(self, path: Any) -> None:
        if isinstance(path, int) or self.folder is None:
            return
        place = os.path.realpath(os.fsdecode(path).removeprefix("file:"))
        kept_by_python = "__pycache__" in place  # a module that is loaded for the first time
        if not place.startswith(os.path.realpath(self.folder)) and place not in ("/dev/null", "/dev/tty"):
            self.strays += [] if kept_by_python else [place]


def _writes(args: tuple[Any, ...]) -> bool:
    _, mode, flags = args
    if isinstance(mode, str):
        return any(sign in mode for sign in "wax+")
    return bool((flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


@cache
def _watch() -> _Watch:
    made = _Watch()
    sys.addaudithook(made)
    return made


# -- looked at -----------------------------------------------------------------------------------------------------


def _content(folder: Path) -> dict[str, object]:
    """Rows of the database but those of QUIET tables, and the bytes of the rule files."""
    found: dict[str, object] = {path.name: path.read_bytes() for path in sorted((folder / "mappings").glob("*"))}
    with closing(sqlite3.connect(folder / "handoff.db")) as opened:
        names = [row[0] for row in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        for name in names:
            if name not in QUIET:
                found[name] = hash(tuple(opened.execute(f'SELECT * FROM "{name}"')))  # our own  # noqa: S608  # nosec B608
    return found


def _stream(errors: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors=errors, write_through=True)


def _said(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode("utf-8", "backslashreplace")
