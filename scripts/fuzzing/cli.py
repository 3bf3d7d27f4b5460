"""`scripts/fuzz.py TARGET --seconds N`: runs atheris on one target, or on all in turn, and says what it found."""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import os
import re
import resource
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
INPUT_BYTES = 5000
ALL = "all"
SHARES = {"commands": 4, "runs": 4, "documents": 3, "crm": 2, "rules": 2, "yaml": 2, "settings": 2, "wire": 2}
"""Of the time of them all; 1 where none is named. What costs much, or was looked at least, gets more."""
LIBRARIES = {"yaml": ("ruamel",), "rules": ("ruamel",), "values": ("phonenumbers",), "dotenv": ("dotenv",)}
"""Whose branches guide the fuzzer beside our own where one target is asked for; they make each input slower."""


def main(arguments: list[str] | None = None) -> int:
    """0: nothing found; 1: findings, each with its input in the folder; 2: it cannot run."""
    asked = _parse(arguments)
    sys.path[:0] = [str(ROOT)]
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed: pip install atheris (Linux x86-64, Python 3.11 to 3.13)", file=sys.stderr)
        return 2
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="handoff-fuzz-"))
    chosen = names() if asked.target == ALL else (asked.target,)
    targets = _instrumented(() if asked.target == ALL else LIBRARIES.get(asked.target, ()))
    whole = sum(SHARES.get(name, 1) for name in chosen)
    codes = [
        _in_a_child(name, targets[name], max(1, asked.seconds * SHARES.get(name, 1) // whole), folder / name)
        for name in chosen
    ]
    return max(codes)


def names() -> tuple[str, ...]:
    """The targets, known before anything of Handoff is imported: what is imported first is not instrumented."""
    return ("yaml", "rules", "documents", "commands", "runs", "settings", "dotenv", "values", "durations", "schedules",
            "instants", "addresses", "logs", "crm", "inbound", "wire", "signature", "templates")  # fmt: skip


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/fuzz.py", description=__doc__)
    parser.add_argument("target", choices=(ALL, *names()), metavar="TARGET", help=f"{ALL}, {', '.join(names())}")
    parser.add_argument("--seconds", type=int, default=60, help="how long, all targets together (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="for corpus and findings; kept and gone on from another time")
    return parser.parse_args(arguments)


def _instrumented(libraries: tuple[str, ...]) -> Mapping[str, Any]:
    """All targets, our own code and `libraries` telling which branches an input took."""
    import atheris

    watched = ["connector", *libraries]
    with redirect_stderr(io.StringIO()), atheris.instrument_imports(include=watched, exclude=["connector.sandbox"]):
        from fuzzing.targets import TARGETS
    return TARGETS


def _in_a_child(name: str, target: Any, seconds: int, folder: Path) -> int:
    """Fuzz one target; libFuzzer ends its process, so it gets one of its own. Says what came of it."""
    told = folder / "findings" / "counts.json"
    told.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    began, used = time.monotonic(), _processor_seconds()
    child = os.fork()
    if child == 0:
        _run(target, seconds, folder)  # never returns
    _, status = os.waitpid(child, 0)
    if not told.exists():
        print(f"The fuzzer did not start; why stands in {folder}/fuzzer.log", file=sys.stderr)
        return 2
    counts = json.loads(told.read_text())
    print(f"{name}: {counts['executions']:,} executions in {time.monotonic() - began:.0f} s "
          f"({_processor_seconds() - used:.0f} s of processor){_coverage(folder / 'fuzzer.log')}, "
          f"{len(counts['findings'])} findings in {folder}", flush=True)  # fmt: skip
    for kind, times in sorted(counts["findings"].items()):
        print(f"  {kind} ({times} times)", flush=True)
    if status:
        print(f"  the fuzzer itself ended with status {status}: look for crash-, oom- or timeout- files", flush=True)
    return 1 if counts["findings"] or status else 0


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _coverage(log: Path) -> str:
    """Branches that were reached by what is in the corpus, and by the end; empty where the log does not tell."""
    found = re.findall(r"cov: (\d+)", log.read_text(errors="replace"))
    return f", {found[0]} -> {found[-1]} branches" if found else ""


def _run(target: Any, seconds: int, folder: Path) -> None:
    with (folder / "fuzzer.log").open("w") as log:  # libFuzzer's own words
        os.dup2(log.fileno(), sys.stderr.fileno())
    import atheris

    from fuzzing.findings import Recorder

    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    words = folder / "words"
    words.write_text("".join(f'"{_quoted(word)}"\n' for word in target.words or ("x",)))  # it refuses an empty file
    feed: Any = Recorder(target.feed, folder / "findings")
    feed.tell()
    options = [f"-max_total_time={seconds}", f"-max_len={INPUT_BYTES}", "-timeout=60", "-rss_limit_mb=3000",
               f"-dict={words}", f"-artifact_prefix={folder}/", "-verbosity=1"]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, str(corpus)], feed)
    atheris.Fuzz()


def _quoted(word: str) -> str:
    return "".join(sign if sign.isalnum() else f"\\x{sign.encode().hex()}" for sign in word)
