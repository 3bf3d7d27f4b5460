"""The end of the story: the funnel in figures, why one lead went where it went, and the way to a real portal."""

from __future__ import annotations

import shutil
from pathlib import Path

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from connector.cli.funnel import COLUMNS, bars, promise_line, target_rows
from connector.cli.story.people import NORA, crowd
from connector.cli.story.stage import Stage
from connector.cli.story.teller import HANDED, Teller
from connector.engine.explain import as_text
from connector.engine.figures import figures


def in_figures(tell: Teller) -> None:
    with tell.stage.scene("Thu 9 April", "the funnel in figures", drawn=True) as scene:
        found = figures(tell.connector.store(tell.connector.portal()), tell.connector.book)
        drawn = bars(found)
        shown = Text("\n").join(Text.from_markup(bar.line(f"[{bar.colour}]", "[/]")) for bar in drawn)
        scene.show(shown, "\n".join(f"  {bar.line()}" for bar in drawn))
        scene.table(COLUMNS, target_rows(found))
        scene.say(promise_line(found))
        told, won = len(tell.post.find("reps", HANDED)), 1 + sum(lead.end == "won" for lead in crowd())
        scene.checked(
            f"{drawn[0].number} handovers are {told} messages to reps, every one of them signed, and "
            f"{drawn[-1].number} deals in HubSpot are won.",
            drawn[0].number == told and drawn[-1].number == won and tell.post.forged == 0,
            f"{drawn[0].number}, {told}, {drawn[-1].number}, {won}, {tell.post.forged}",
        )


def why(tell: Teller) -> None:
    with tell.stage.scene("", f"why did {NORA.name} go to sales?") as scene:
        found = tell.explain(NORA)
        total = round(sum(points for points, _, _ in found.lines), 2)
        scene.checked(
            "Any lead, any day: the answer comes from what was stored, not from memory.", total == found.score
        )
        scene.quote(f"handoff explain {NORA.email}", as_text(found).rstrip())


def your_turn(stage: Stage) -> None:
    """Three commands, spelt as they work where we stand."""
    command = "handoff" if shutil.which("handoff") or not Path(".venv/bin/handoff").exists() else ".venv/bin/handoff"
    steps = (
        ("export HUBSPOT_ACCESS_TOKEN=pat-...", "the key of your portal (a service key or private app)"),
        (f"{command} init --apply", "writes mappings/ here; makes properties and one list there"),
        (f"{command} sync", "takes in what is there, silently; repeat it, or let `run` do so"),
    )
    with stage.scene("", "now your own portal, in three commands") as scene:
        shown = Table.grid(padding=(0, 3))
        for typed, what in steps:
            shown.add_row(f"[bold green]{escape(typed)}[/]", what)
        width = max(len(typed) for typed, _ in steps)
        scene.show(shown, "\n".join(f"  {typed:<{width}}   {what}" for typed, what in steps))
        scene.say(
            f"To look before you leap: `{command} check` asks whether rules and portal fit, `{command} preview` shows "
            "what a sync would change, and HANDOFF_SHADOW=true decides and reports and writes nothing."
        )
