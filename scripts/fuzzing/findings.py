"""What a target raised: one finding for each kind of error and place in our code, with the input that caused it."""

from __future__ import annotations

import hashlib
import json
import time
import traceback
from collections.abc import Callable
from pathlib import Path

SLOW_SECONDS = 3.0
"""Processor time of one input beyond which it is a finding: bad input must not hold a run up."""

REPORT_SECONDS = 2.0


class Recorder:
    """Wraps a target: goes on after a finding, keeps its input in `folder`, and counts in `folder`/counts.json."""

    def __init__(self, feed: Callable[[bytes], None], folder: Path) -> None:
        self._feed, self._folder = feed, folder
        self.executions = 0
        self.findings: dict[str, int] = {}
        self._told = 0.0
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, data: bytes) -> None:
        self.executions += 1
        began = time.process_time()
        try:
            self._feed(data)
        except Exception as error:
            self._keep(_kind(error), data, "".join(traceback.format_exception(error)))
        if (seconds := time.process_time() - began) > SLOW_SECONDS:
            self._keep("slow", data, f"{seconds:.1f} s")
        if began - self._told > REPORT_SECONDS:
            self._told = began
            self.tell()

    def tell(self) -> None:
        text = json.dumps({"executions": self.executions, "findings": self.findings})
        (self._folder / "counts.json").write_text(text)

    def _keep(self, kind: str, data: bytes, why: str) -> None:
        self.findings[kind] = self.findings.get(kind, 0) + 1
        if self.findings[kind] > 1:
            return
        name = f"{kind.replace(':', '-').replace('/', '.')}-{hashlib.sha256(data).hexdigest()[:8]}"
        (self._folder / name).write_bytes(data)
        (self._folder / f"{name}.txt").write_text(why, encoding="utf-8", errors="backslashreplace")
        self.tell()


def _kind(error: BaseException) -> str:
    """The error's name and the last place in our own code that it passed."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/connector/" in frame.filename]
    frames = frames or traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__}:{Path(frames[-1].filename).name}:{frames[-1].lineno}"
