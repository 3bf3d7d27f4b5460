#!/usr/bin/env python3
"""Asks pip-audit whether a pinned dependency has a known flaw (S15); exit code 1 where one has.

What is read are the versions in constraints.txt, nothing that happens to be installed. Where pip-audit cannot reach its
data (no network, a mirror without it) nothing was audited: that is said loudly and is no failure, for it says nothing
about the code. A flaw that does not concern Handoff is listed in EXCEPTIONS with its reason and a day to look again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
COMMAND = (
    sys.executable, "-m", "pip_audit", "--requirement", str(ROOT / "constraints.txt"), "--no-deps", "--disable-pip",
    "--format", "json", "--progress-spinner", "off", "--timeout", "10",
)  # fmt: skip
PATIENCE_SECONDS = 120

EXCEPTIONS: dict[str, tuple[str, date]] = {}
"""Id of a flaw -> why it does not concern Handoff, and until when that is believed. None at present."""


def main() -> int:
    try:
        said = subprocess.run(COMMAND, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        return _not_reached(f"no answer within {PATIENCE_SECONDS} s")
    try:
        rows: list[dict[str, Any]] = json.loads(said.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return _not_reached((said.stderr.strip().splitlines() or ["it gave no answer"])[-1][:200])
    return report(rows, datetime.now(UTC).date())


def report(rows: list[dict[str, Any]], today: date) -> int:
    """Say what was found in pip-audit's own rows; 1 where a flaw has no reason that still holds."""
    skipped = [row["name"] for row in rows if "skip_reason" in row]
    if not rows or len(skipped) == len(rows):
        return _not_reached(f"of {len(rows)} packages it knows none")
    flaws = [(row["name"], row["version"], flaw) for row in rows for flaw in row.get("vulns", ())]
    bad = [found for found in flaws if not _is_excused(found[2], today)]
    for name, version, flaw in bad:
        cure = ", ".join(flaw.get("fix_versions", ())) or "none yet"
        print(f"{name} {version}: {flaw['id']}; mended in {cure}")
    if skipped:
        print(f"NOT AUDITED, for pip-audit does not know them: {', '.join(skipped)}")
    print(f"pip-audit: {len(rows) - len(skipped)} packages, {len(bad)} flaws, {len(flaws) - len(bad)} with a reason")
    if bad:
        print("What to do: raise its version in pyproject.toml and re-make constraints.txt (docs/security.md).")
    return 1 if bad else 0


def _is_excused(flaw: dict[str, Any], today: date) -> bool:
    names = {flaw["id"], *flaw.get("aliases", ())} & EXCEPTIONS.keys()
    return any(today <= EXCEPTIONS[name][1] for name in names)


def _not_reached(why: str) -> int:
    line = "!" * 100
    print(f"{line}\nNOTHING WAS AUDITED: pip-audit cannot reach its data ({why}).")
    print(f"Run `make audit` where the network can be reached before a release.\n{line}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
