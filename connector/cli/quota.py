"""`handoff quota`: where the portal's calls of today stand, what they were for, and how the day will end (R38)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from connector.domain.quota import Spent
    from connector.rules.quota import Forecast, RunCalls

STOPS = {
    "backfill": "a full pull waits; later runs go on with it",
    "write": "all calls stop, until midnight in the portal; notices still go out",
}
"""Purpose -> what comes of it, in the order of shedding."""


def register(app: typer.Typer) -> None:
    app.command("quota", epilog="Example: handoff quota --now")(quota)


def quota(
    now: Annotated[
        bool, typer.Option("--now", help="Ask the CRM how many calls are left: one call, or two.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> int:
    """Show the day's API calls: what for, and the forecast.

    From what the runs counted, at the present schedule. Makes no call unless --now.
    """
    from datetime import UTC, datetime

    from connector.bootstrap import connect, queries
    from connector.cli.console import print_json
    from connector.cli.start import start
    from connector.config.schedule import runs_until
    from connector.rules.quota import DAY, day_of, forecast

    settings = start()
    with queries(settings) as asked:
        zone = asked.time_zone()
        at = last_known(asked.as_of(), datetime.now(UTC))
        spent: Spent | None = None
        if now:
            with connect(settings) as connector:
                at, spent = connector.portal().now, connector.gateway.spent()
        begins, ends = day_of(at, zone)
        runs = [run_calls(row) for row in asked.runs_since(min(begins, at - DAY))]
    if spent is not None:
        runs.append(asked_now(at, spent))
    left = runs_until(settings, at, ends)
    found = forecast(runs, now=at, zone_name=zone, runs_left=left, share=settings.quota_share)
    if as_json:
        print_json(as_plain(found, at, settings.quota_share))
    else:
        _show(found, at, zone, settings.quota_share)
    return 0


def last_known(as_of: datetime | None, wall: datetime) -> datetime:
    """This machine's time, unless the newest run was long ago by it: then the CRM's time of that run."""
    from connector.rules.quota import DAY

    return wall if as_of is None or as_of <= wall < as_of + DAY else as_of


def run_calls(row: Mapping[str, object]) -> RunCalls:
    """The calls of one stored run; of one that ended before purposes were counted, all as setup."""
    from datetime import datetime

    from connector.domain.quota import Purpose
    from connector.domain.run import is_of_hints, is_undo
    from connector.rules.quota import RunCalls

    at, counts = row["as_of"], row["counts"]
    assert isinstance(at, datetime)
    plain = counts if isinstance(counts, dict) else {}
    quota = plain.get("quota") or {}
    by_purpose = quota.get("by_purpose") or {Purpose.SETUP.value: sum((plain.get("api_calls") or {}).values())}
    run = str(row["run"])
    return RunCalls(
        at=at,
        by_purpose=by_purpose,
        scheduled=not (is_of_hints(run) or is_undo(run)),
        limit=quota.get("limit"),
        left=quota.get("left"),
    )


def asked_now(at: datetime, spent: Spent) -> RunCalls:
    """What `--now` itself has cost, and what it was told."""
    from connector.rules.quota import RunCalls

    return RunCalls(at=at, by_purpose=spent.by_purpose, scheduled=False, limit=spent.limit, left=spent.left)


def as_plain(found: Forecast, at: datetime, share: float) -> dict[str, object]:
    from dataclasses import asdict

    return {**asdict(found), "as_of": at, "share_for_others": share, "calls": found.total, "stops": found.stops_first}


def _show(found: Forecast, at: datetime, zone_name: str, share: float) -> None:
    from connector.cli.console import moment, note, pairs, table
    from connector.rules.local_time import portal_zone

    zone = portal_zone(zone_name)
    pairs(f"Calls today, as of {moment(at, zone)} ({zone_name})", {
        "by Handoff so far": f"{found.total:,}",
        "a scheduled run": f"{found.a_run:.1f}" if found.a_run is not None else "none ended yet",
        "runs until midnight": f"{found.runs_left:,}",
        "by Handoff at midnight": f"{found.at_the_end:,}",
        "by others, `check`, `init`, `preview`, exports": "not known" if found.others is None else f"{found.others:,}",
        "the portal's limit": "not known" if found.limit is None else f"{found.limit:,}",
        f"left{f' at {moment(found.heard_at, zone)}' if found.heard_at else ''}": (
            "not known" if found.left is None else f"{found.left:,}"
        ),
        "kept for others": f"{share:.0%}",
    })  # fmt: skip
    if found.so_far:
        table("What for", ["purpose", "calls"], list(found.so_far.items()))
    if found.floors:
        rows = [[name, f"{stops:,}", STOPS[name]] for name, stops in found.floors.items()]
        table("What stops first", ["purpose", "when so many are left", "then"], rows)
    else:
        note("note: HubSpot has not said how many calls the portal has a day; `handoff quota --now` asks.")
    if found.stops_first:
        note(
            f"note: at this rate it will come to that today: {STOPS[found.stops_first]}. "
            "What to do: sync less often (HANDOFF_SYNC_EVERY), or raise the portal's daily limit."
        )
