"""`scripts/fuzz.py TARGET --seconds N`: runs atheris on one target in a child process and says what it found."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
INPUT_BYTES = 5000


def main(arguments: list[str] | None = None) -> int:
    """0: nothing found; 1: findings, each with its input in the folder; 2: it cannot run."""
    asked = _parse(arguments)
    sys.path[:0] = [str(ROOT)]
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed: pip install atheris (Linux x86-64, Python 3.11 to 3.13)", file=sys.stderr)
        return 2
    folder = (asked.folder or Path(tempfile.mkdtemp(prefix="handoff-fuzz-"))) / asked.target
    told = folder / "findings" / "counts.json"
    told.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        _run(asked.target, asked.seconds, folder)       # never returns: libFuzzer ends the process
    _, status = os.waitpid(child, 0)
    if not told.exists():
        print(f"The fuzzer did not start; why stands in {folder}/fuzzer.log", file=sys.stderr)
        return 2
    counts = json.loads(told.read_text())
    print(f"{asked.target}: {counts['executions']:,} executions, {len(counts['findings'])} findings in {folder}")
    for kind, times in sorted(counts["findings"].items()):
        print(f"  {kind} ({times} times)")
    if status:
        print(f"  the fuzzer itself ended with status {status}: look for crash-, oom- or timeout- files")
    return 1 if counts["findings"] or status else 0


def names() -> tuple[str, ...]:
    """The targets, known before anything of Handoff is imported: what is imported first is not instrumented."""
    return ("yaml", "rules", "settings", "dotenv", "values", "durations", "addresses", "logs", "crm", "inbound",
            "signature", "templates")  # fmt: skip


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/fuzz.py", description=__doc__)
    parser.add_argument("target", choices=names())
    parser.add_argument("--seconds", type=int, default=60, help="how long (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="for corpus and findings; kept and gone on from another time")
    return parser.parse_args(arguments)


def _run(name: str, seconds: int, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "fuzzer.log").open("w") as log:      # libFuzzer's own words
        os.dup2(log.fileno(), sys.stderr.fileno())
    import atheris

    with atheris.instrument_imports(include=["connector", "ruamel", "phonenumbers", "dotenv"]):
        from fuzzing.findings import Recorder
        from fuzzing.targets import TARGETS
    target = TARGETS[name]
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    words = folder / "words"
    words.write_text("".join(f'"{_quoted(word)}"\n' for word in target.words or ("x",)))     # it refuses an empty file
    feed: Any = Recorder(target.feed, folder / "findings")
    feed.tell()
    options = [f"-max_total_time={seconds}", f"-max_len={INPUT_BYTES}", "-timeout=60", "-rss_limit_mb=3000",
               f"-dict={words}", f"-artifact_prefix={folder}/", "-print_final_stats=0", "-verbosity=0"]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, str(corpus)], feed)
    atheris.Fuzz()


def _quoted(word: str) -> str:
    return "".join(sign if sign.isalnum() else f"\\x{sign.encode().hex()}" for sign in word)
