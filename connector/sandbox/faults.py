"""Faults by script: which call goes wrong, how, and how often.

| kind | what happens | the call is applied |
|---|---|---|
| status | `status` with `body` (or HubSpot's error body) and `headers` | no, or yes with `"applied": true` |
| html | 502 (or `status`) with an HTML page, as a proxy sends it | no |
| timeout_before / timeout_after | silence for `seconds`, then the connection closes | no / yes |
| reset / reset_after | the connection is reset | no / yes |
| truncate | half of the answer, then the connection closes | yes |
| duplicate_page | the answer of the previous matching call once more | yes |
| slow | the answer comes after `seconds` | yes |
| act_before / act_after | people do `acts` (acts.py) just before the call is looked at, or after it | yes |

A fault matches by `method`, `path` (regular expression on the path), `portal`; it strikes from the `nth` match on,
`times` times (0 = until cleared). The first fault in the list that strikes wins; each keeps its own count of matches.
Acts strike beside it: every one that is due is done.
"""

from __future__ import annotations

import re
import threading
from dataclasses import asdict, dataclass, field, fields
from typing import Any

KINDS = (
    "status",
    "timeout_before",
    "timeout_after",
    "reset",
    "reset_after",
    "truncate",
    "html",
    "duplicate_page",
    "slow",
    "act_before",
    "act_after",
)
ACTS = ("act_before", "act_after")


@dataclass(slots=True)
class Fault:
    """See the table above; `matches` and `hits` are what happened so far."""

    kind: str
    method: str | None = None
    path: str | None = None
    portal: int | None = None
    nth: int = 1
    times: int = 1
    status: int | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 30.0
    applied: bool = False
    acts: list[dict[str, Any]] = field(default_factory=list)
    matches: int = 0
    hits: int = 0
    previous: Any = None

    @property
    def before(self) -> bool:
        """Say whether the call is not applied."""
        if self.kind == "status":
            return not self.applied
        return self.kind in ("timeout_before", "reset", "html")

    def wants(self, method: str, path: str, portal_id: int) -> bool:
        """Say whether a call is one that this fault is about."""
        return (
            (self.method is None or self.method.upper() == method)
            and (self.portal is None or self.portal == portal_id)
            and (self.path is None or re.search(self.path, path) is not None)
        )


class FaultScript:
    """The faults in force, in order."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, specs: list[dict[str, Any]]) -> None:
        """Append faults, all or none.

        Raises:
            ValueError: an unknown kind or key, or a bad path expression; the text says which.
        """
        made = [_read(spec) for spec in specs]
        with self._lock:
            self._faults.extend(made)

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._faults.clear()

    def listed(self) -> list[dict[str, Any]]:
        """Give the faults with their counts."""
        return [{k: v for k, v in asdict(fault).items() if k != "previous"} for fault in self._faults]

    def strike(self, method: str, path: str, portal_id: int) -> tuple[Fault | None, list[Fault]]:
        """Count a call against the script; give the fault that strikes it, if one does, and the acts that are due."""
        struck: Fault | None = None
        acts: list[Fault] = []
        with self._lock:
            for fault in self._faults:
                if not fault.wants(method, path, portal_id):
                    continue
                fault.matches += 1
                due = fault.matches >= fault.nth and (fault.times == 0 or fault.hits < fault.times)
                if due and fault.kind in ACTS:
                    fault.hits += 1
                    acts.append(fault)
                elif due and struck is None:
                    fault.hits += 1
                    struck = fault
        return struck, acts

    def remember(self, method: str, path: str, portal_id: int, body: Any) -> None:
        """Keep an answer for the faults that repeat pages."""
        for fault in self._faults:
            if fault.kind == "duplicate_page" and fault.wants(method, path, portal_id):
                fault.previous = body


def _read(spec: dict[str, Any]) -> Fault:
    allowed = {each.name for each in fields(Fault)} - {"matches", "hits", "previous"}
    if unknown := set(spec) - allowed:
        raise ValueError(f"unknown fault key {sorted(unknown)[0]!r}; known: {', '.join(sorted(allowed))}")
    if spec.get("kind") not in KINDS:
        raise ValueError(f"fault kind is one of {', '.join(KINDS)}, not {spec.get('kind')!r}")
    if spec["kind"] == "status" and not isinstance(spec.get("status"), int):
        raise ValueError("a fault of kind status needs a status, such as 503")
    if spec["kind"] in ACTS and not (isinstance(spec.get("acts"), list) and spec["acts"]):
        raise ValueError(f"a fault of kind {spec['kind']} needs acts, a list of what is done")
    try:
        re.compile(spec.get("path") or "")
    except re.error as error:
        raise ValueError(f"fault path {spec['path']!r} is no regular expression: {error}") from error
    return Fault(**spec)
