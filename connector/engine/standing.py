"""How destinations and silent leads stand, in sentences for runs, `check` and lists: what is off, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from connector.engine.ports import DestinationState

WHY = {
    "gone": "it answered 410, gone for good",
    "failing": "it has taken nothing for five days",
    "person": "somebody paused it",
}


def switched_off(states: Mapping[str, DestinationState], backlog: Mapping[str, int]) -> list[str]:
    """One sentence for each destination that is off, with what to do."""
    return [_sentence(state, backlog.get(name, 0)) for name, state in states.items() if state.off_at]


def not_taking(states: Mapping[str, DestinationState], backlog: Mapping[str, int]) -> list[str]:
    """One sentence for each destination that is on, takes nothing, and has notices waiting."""
    return [
        f"Destination {name} has taken nothing since {minute(state.failing_since)}: {_waiting(waiting)}. They are sent "
        "when it takes them again; `handoff outbox list` says why it does not."
        for name, state in states.items()
        if state.off_at is None and state.failing_since is not None and (waiting := backlog.get(name, 0))
    ]


def why_switched_off(state: DestinationState) -> str:
    """Since when, why, and what switches it on again; for a destination that is off."""
    assert state.off_at is not None
    return f"{WHY[state.off_by]}, {minute(state.off_at)}; `handoff outbox resume {state.name}` switches it on"


def old_secrets(states: Mapping[str, DestinationState], variables: Mapping[str, str], now: datetime) -> list[str]:
    """One sentence for each pair of secrets whose second one is used no more.

    Args:
        variables: by destination, the environment variable that holds its secrets.
    """
    return [
        f"Destination {name}: the old secret signs no more; take it out of {variables[name]}, the new one stands first."
        for name, state in states.items()
        if name in variables and state.secret_is_old(now)
    ]


def heard_of_no_more(leads: int) -> str:
    """What the last nightly proof could not mend, and where to look."""
    what = "1 lead in sales' hands is" if leads == 1 else f"{leads:,} leads in sales' hands are"
    return f"{what} kept going by nothing; `handoff leads --silent` says why."


def minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _sentence(state: DestinationState, waiting: int) -> str:
    assert state.off_at is not None
    when = "when it may be sent to again" if state.off_by == "person" else "when that is mended"
    return (
        f"Destination {state.name} is off since {minute(state.off_at)}: {WHY[state.off_by]}. {_waiting(waiting)}; "
        f"{when}, run `handoff outbox resume {state.name}`."
    )


def _waiting(notices: int) -> str:
    return "1 notice waits" if notices == 1 else f"{notices:,} notices wait"
