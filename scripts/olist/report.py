"""What a person or a script sees of the run: progress, the table or the JSON object, and where figures differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from olist import figures, hop_figures
from olist.driver import Driver
from olist.figures import Line, Lived
from olist.hop_figures import Hops

DONE, DIFFERENT = 0, 1
MOST_DIFFERENCES = 20
LINES_IN_A_PIPE = 26
"""How many lines of progress a whole run prints where no terminal shows a bar."""


def say(console: Console, words: str) -> None:
    console.print(words, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def watched(driver: Driver, console: Console) -> Iterator[None]:
    """Show where the driver is: a bar on a terminal, a line now and then in a pipe."""
    if not console.is_terminal:
        each = max(driver.total // LINES_IN_A_PIPE, 1)
        driver.tell = lambda done, of, words: say(console, words) if done % each == 0 or done == of else None
        yield
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=driver.total, completed=driver.state.step)
        driver.tell = lambda done, of, words: progress.update(task, completed=done, description=words)
        yield


def outcome(driver: Driver) -> tuple[dict[str, Any], list[Line], list[str]]:
    """Give the JSON object of the issue, the comparison and a line for each difference that can be named."""
    state, folder, ledger = driver.state, driver.folder, driver.ledger
    driver.catch_up()
    calls = driver.sandbox.calls()
    (folder / "contacts.txt").write_text("\n".join(ledger.contacts.values()), encoding="utf-8")
    driver.ask("episodes contacts.txt episodes.jsonl")
    seen = figures.read_seen(folder / "episodes.jsonl")
    post = figures.read_post(folder / "notices.jsonl")
    lived = Lived(plan=driver.plan, last=driver.steps[driver.total - 1])
    wrong = figures.wrong_days(lived, seen, ledger, driver.steps)
    counts = figures.steps_differing(lived, state.reported, state.torn)
    reps = {owner: rep for rep, owner in driver.owners.items()}
    by_origin = figures.by_origin(seen.values())
    result = {
        "leads": len(seen),
        "episodes": sum(len(lead.states) for lead in seen.values()),
        "notices": post.notices,
        "doubles": post.doubles(state.deaths),
        "silent": figures.silent(lived, seen, ledger),
        "won": sum(won for won, _ in by_origin.values()),
        "by_origin": by_origin,
        "by_owner": figures.by_owner(seen.values(), reps),
        "wrong_day": len(wrong),
        "list_mismatches": state.mismatches,
        "seconds": round(state.seconds, 1),
        "api_calls": calls,
    }
    extra = {
        "steps with another count": len(counts),
        "notices with a wrong signature": post.unsigned,
        "syncs that were not clean": len(state.troubles),
    }
    if not state.two_step:
        extra["owners not of routing"] = figures.owners_lost(seen, driver.owner_log())
        return result, figures.compare(result, lived, extra), [*wrong, *counts, *state.troubles]
    hops = Hops(
        lived=lived, seen=seen, post=post, ledger=ledger, given=driver.log_of("hubspot_owner_id"),
        callers=driver.callers, reps=driver.owners,
    )  # fmt: skip
    found = hop_figures.wrong(hops)
    extra |= {name: len(lines) for name, lines in found.items()}
    result = result | hop_figures.result_of(hops) | {"deaths": state.deaths}
    lines = hop_figures.compare(result, hops, extra)
    result["mismatches"] = sum(not line.right for line in lines)
    return result, lines, [*wrong, *counts, *state.troubles, *(line for each in found.values() for line in each)]


def show(result: dict[str, Any], lines: list[Line], differing: list[str], *, as_json: bool, console: Console) -> int:
    """Print the object or the table, and what differs; give the exit code."""
    bad = [line for line in lines if not line.right]
    if as_json:
        print(json.dumps(result))
    else:
        Console(soft_wrap=True).print(_table(result, lines))
    for line in bad:
        say(console, f"DIFFERS  {line.name}: {line.found}, but the files say {line.expected}")
    for text in differing[:MOST_DIFFERENCES]:
        say(console, f"  {text}")
    if len(differing) > MOST_DIFFERENCES:
        say(console, f"  and {len(differing) - MOST_DIFFERENCES} more like these")
    return DIFFERENT if bad else DONE


def _table(result: dict[str, Any], lines: list[Line]) -> Table:
    caption = f"{result['seconds']} s, {result['api_calls']} API calls"
    table = Table(title="Marketing funnel of Olist", caption=caption)
    table.add_column("figure")
    table.add_column("the connector", justify="right")
    table.add_column("the files alone", justify="right")
    table.add_column("")
    for line in lines:
        mark, style = ("same", "") if line.right else ("DIFFERS", "red")
        table.add_row(line.name, line.found, line.expected, mark, style=style)
    return table
