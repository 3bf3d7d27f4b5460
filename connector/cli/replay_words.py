"""The outcome of a replay as rows and sentences, for the terminal, the CSV file and the page alike."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from connector.engine.replay.outcome import EARLIER, GAINED, LATER, LOST, OTHER_OWNER, Became, Outcome

KINDS: Mapping[str, str] = {
    GAINED: "would be handed over, and are not by today's rules",
    LOST: "would no longer be handed over",
    EARLIER: "would be handed over earlier",
    LATER: "would be handed over later",
    OTHER_OWNER: "would go to somebody else",
}
GROUPS: Mapping[str, str] = {
    "both": "handed over by both",
    LOST: "by today's rules alone",
    GAINED: "by the changed rules alone",
}
Rows = tuple[list[str], list[list[object]]]


def move_rows(found: Outcome, most: int) -> Rows:
    """One lead a row; contacts by their record id, no names."""
    names = {load.owner: load.name for load in found.loads}
    columns = ["contact", "what", "today", "changed", "owner today", "owner changed", "why", "why not the other"]
    rows: list[list[object]] = [
        [
            move.contact,
            move.kind.replace("_", " "),
            minute(move.today_at),
            minute(move.changed_at),
            names.get(move.today_owner, "") if move.today_owner else "",
            names.get(move.changed_owner, "") if move.changed_owner else "",
            move.why,
            "; ".join(part for part in (move.why_not, *move.missing) if part),
        ]
        for move in found.moves[:most]
    ]
    return columns, rows


def load_rows(found: Outcome) -> Rows:
    columns = ["owner", "leads today", "leads changed", "most open today", "most open changed",
               "clocks run out today", "clocks run out changed"]  # fmt: skip
    rows: list[list[object]] = [
        [
            load.name, load.today, load.changed, load.most_open_today, load.most_open_changed, load.broken_today,
            load.broken_changed,
        ]
        for load in found.loads
    ]  # fmt: skip
    return columns, rows


def became_rows(found: Outcome) -> Rows:
    columns = ["leads", "number", "became opportunities", "won", "revenue", "called junk"]
    return columns, [_became(GROUPS[name], became) for name, became in found.became.items()]


def _became(name: str, became: Became) -> list[object]:
    return [
        name, became.leads, _share(became.opportunities, became.leads), _share(became.won, became.leads),
        f"{became.revenue:,.2f}", _share(became.junk, became.leads),
    ]  # fmt: skip


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({100 * part / whole:.1f} %)" if whole else "0"


def taken_in(found: Outcome) -> str:
    """How many of each world nobody is told of (R41); empty where there are none."""
    if not found.taken_in_today and not found.taken_in_changed:
        return ""
    return (
        f"Taken in silently, as from before Handoff began: {found.taken_in_today:,} by today's rules, "
        f"{found.taken_in_changed:,} by the changed ones."
    )


def agreed(found: Outcome) -> str:
    """How far today's rules, replayed, give what happened."""
    agreement = found.agreement
    if not agreement.handovers:
        return "Nothing was handed over in that time in fact, so how far the replay agrees with it cannot be said."
    return (
        f"Of {agreement.handovers:,} leads that were handed over in fact, today's rules give {agreement.same:,} in the "
        f"same run in the replay too, {agreement.other_run:,} in another run, {agreement.missing:,} not at all; "
        f"{agreement.other_owner:,} go to another owner, and {agreement.invented:,} did not happen."
    )


def minute(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else ""
