"""The funnel as people look at it: bars for the counts, a table for the targets.

What engine.figures gave comes in; numbers are not worked out here, but for the shares behind the bars.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connector.rules.targets import verdict

STEPS = (
    ("handed", "handed over"),
    ("touched", "followed up"),
    ("accepted", "accepted"),
    ("opportunities", "opportunities"),
    ("won", "customers"),
)
COLOURS = ("#3b6fb6", "#3a8fc4", "#35a9a9", "#4dba80", "#7cc95a")
WIDTH = 40
COLUMNS = ("figure", "now", "target", "")


@dataclass(frozen=True, slots=True)
class Bar:
    """One step: `share` of all that were handed over, in percent."""

    label: str
    number: int
    share: float
    colour: str

    @property
    def drawn(self) -> str:
        """Of WIDTH signs at most; whatever is there at all gets one."""
        return "█" * max(round(WIDTH * self.share / 100), 1 if self.number else 0)

    def line(self, before: str = "", after: str = "", *, wide: int = 16) -> str:
        """With markup around the bar where it is given; the label takes so much room."""
        bar = f"{before}{self.drawn}{after}{' ' * (WIDTH - len(self.drawn))}"
        return f"{self.label:<{wide}} {self.number:>7,}  {bar}  {self.share:>5.1f} %"


def bars(found: dict[str, Any]) -> tuple[Bar, ...]:
    counts = found["funnel"]
    top = max(int(counts["handed"]), 1)
    return tuple(
        Bar(label, int(counts[key]), 100 * int(counts[key]) / top, colour)
        for (key, label), colour in zip(STEPS, COLOURS, strict=True)
    )


def target_rows(found: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """The chosen figures in COLUMNS; the last says whether the target is met, where there is one."""
    return [(k["label"], k["shown"], k["target"], verdict(k["met"], k["too_early"])) for k in found["kpis"]]


def promise_line(found: dict[str, Any]) -> str:
    """How marketing keeps its promise this month; empty where none was made."""
    promise = found["promise"]
    if not promise:
        return ""
    share = promise["accepted_percent"]
    quality = "" if share is None else f", {share:.0f} % accepted of those answered"
    return f"Marketing in {promise['month']}: {promise['handed']} of {promise['promised']} leads promised{quality}."


def show_funnel(found: dict[str, Any]) -> None:
    """Print what engine.figures gave."""
    from connector.cli.console import note, say, table

    if found["as_of"] is None:
        note("Nothing to report yet. `handoff sync` is the first run.")
        return
    for bar in bars(found):
        say(f"  {bar.line(f'[{bar.colour}]', '[/]')}")
    table("Figures", COLUMNS, target_rows(found))
    if line := promise_line(found):
        say(line)
    if found["review"]:
        note(f"note: {found['review']}")
