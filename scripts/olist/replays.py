"""Replays of a finished run: what is stored against what is replayed, decision by decision.

A process of its own (`scripts/olist_replay.py`) reads the databases; nothing here imports the connector.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from olist.data import PROJECT

CANNOT = 2
FACTS = ("decisions", "leads", "handovers", "same", "missing", "invented", "idle", "activities", "cpu_seconds")


def beside(folder: Path, name: str = "changed") -> Path:
    """Where the run by changed rules stands, or that in two steps."""
    return folder.with_name(f"{folder.name}-{name}")


def compare(folder: Path, *, as_json: bool, console: Console) -> int:
    """0: every decision agrees; 1: some differ; 2: there is no finished run."""
    database, other = folder / "handoff.db", beside(folder)
    if not database.exists():
        console.print(f"olist: {folder} holds no run; live through one first: scripts/olist.py", markup=False)
        return CANNOT
    asked = {"same rules": (database, folder / "mappings", database)}
    if (other / "handoff.db").exists():
        asked["changed rules"] = (database, other / "changed", other / "handoff.db")
    else:
        console.print("olist: no run by changed rules is there; scripts/olist.py --changed makes it", markup=False)
    found = {name: _replay(*paths) for name, paths in asked.items()}
    if as_json:
        print(json.dumps(found))
    else:
        for name, facts in found.items():
            print(f"{name}: " + ", ".join(f"{fact.replace('_', ' ')} {facts[fact]:,}" for fact in FACTS))
            for line in facts["differences"]:
                print("  DIFFERS  " + "  ".join(line))
    return 0 if all(facts["agree"] for facts in found.values()) else 1


def _replay(database: Path, mappings: Path, truth: Path) -> dict[str, Any]:
    command = [sys.executable, str(PROJECT / "scripts" / "olist_replay.py"), str(database), str(mappings), str(truth)]
    env = os.environ | {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, env=env)
    if done.returncode not in (0, 1) or not done.stdout:
        raise SystemExit(CANNOT)
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts | {"agree": done.returncode == 0}
