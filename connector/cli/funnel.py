"""The funnel as people look at it: bars for the counts, a table for the targets."""

from __future__ import annotations

from typing import Any

STEPS = (
    ("handed", "handed to sales"),
    ("touched", "followed up"),
    ("accepted", "accepted"),
    ("opportunities", "opportunities"),
    ("won", "customers"),
)
WIDTH = 40


def show_funnel(found: dict[str, Any]) -> None:
    """Print what engine.figures gave."""
    from connector.cli.console import note, say, table

    if found["as_of"] is None:
        note("Nothing to report yet. `handoff sync` is the first run.")
        return
    counts = found["funnel"]
    top = max(int(counts["handed"]), 1)
    for key, label in STEPS:
        number = int(counts[key])
        bar = "█" * round(WIDTH * number / top)
        say(f"  {label:<16} {number:>7,}  [cyan]{bar}[/cyan]  {100 * number / top:.1f} %")
    rows = [[k["label"], k["shown"], k["target"], _met(k["met"])] for k in found["kpis"]]
    table("Figures", ["figure", "now", "target", ""], rows)
    promise = found["promise"]
    if promise:
        share = promise["accepted_percent"]
        quality = "" if share is None else f", {share:.0f} % accepted of those answered"
        say(f"Marketing in {promise['month']}: {promise['handed']} of {promise['promised']} leads promised{quality}.")


def _met(met: bool | None) -> str:
    return "" if met is None else "ok" if met else "MISSED"
