"""What a run costs when nothing changed, at few contacts and at very many: calls, memory, CPU.

    python scripts/bench/run.py quiet [--contacts N] [--many N] [--json]

A portal of the stub is synced twice; the second run found nothing changed, and is what is measured. Then the portal
grows to `--many` contacts, and the database with it: the rows of those whom it holds (contact and first values) are
copied in SQL, each copy with an id and an address of its own, which takes a minute where pulling them would take many.
The third run, again with nothing changed, is held against the second.
"""

from __future__ import annotations

import argparse
import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from portal import Portal

SOME_MB = 4
"""By so much the memory of two runs of the same work differs."""
COPIES = "WITH RECURSIVE copies(block) AS (SELECT 1 UNION ALL SELECT block + 1 FROM copies LIMIT ?)"


def fill(database: Path, held: int, wanted: int) -> int:
    """Copy the contacts that a database holds, whose ids follow each other, until there are so many; gives how many."""
    with closing(sqlite3.connect(database)) as opened:
        opened.execute("PRAGMA synchronous = OFF")
        for table in ("contact", "field_change"):
            names = [row[1] for row in opened.execute(f"PRAGMA table_info({table})")]
            made = {
                "contact": f"CAST(CAST(contact AS INTEGER) + block * {held} AS TEXT)",
                "email": "CASE email WHEN '' THEN '' ELSE 'b' || block || '.' || email END",
            }
            copied, into = ", ".join(made.get(name, name) for name in names), f"{table} ({', '.join(names)})"
            chosen = " ".join(("SELECT", copied, "FROM", table, ", copies ORDER BY block"))
            opened.execute(" ".join((COPIES, "INSERT OR IGNORE INTO", into, chosen)), (wanted // held - 1,))
            opened.commit()
        found: int = opened.execute("SELECT count(*) FROM contact").fetchone()[0]
        return found


def figures_of(portal: Portal, name: str) -> dict[str, Any]:
    report, used = portal.handoff("sync", "--json")
    return {
        f"{name}_calls": sum(report["api_calls"].values()),
        f"{name}_peak_mb": used.ru_maxrss // 1024,
        f"{name}_cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
        f"{name}_seconds": report["seconds"],
        f"{name}_decided": report["decided"],
    }


def measure(contacts: int, many: int) -> dict[str, Any]:
    with ExitStack() as stack:
        portal = Portal(stack, contacts=contacts, stub=True)
        portal.handoff("init", "--apply")
        first, _ = portal.handoff("sync", "--json")
        figures = {"contacts": first["contacts_pulled"], **figures_of(portal, "few")}
        if portal.sandbox is None:  # a server from outside grows for nobody
            return figures
        figures["many"] = fill(portal.folder / "handoff.db", contacts, many)
        portal.tell("stub", contacts=figures["many"])
        return figures | figures_of(portal, "many")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--contacts", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=1_000_000)


def run(options: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    figures = measure(options.contacts, options.many)
    if "many" not in figures:
        return figures, not figures["few_decided"]
    alike = figures["many_calls"] == figures["few_calls"]
    return figures, alike and figures["many_peak_mb"] <= figures["few_peak_mb"] + SOME_MB
