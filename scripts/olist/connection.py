"""What the connector is given: its rule files (the shipped ones under our few), its environment, its process.

The process is `scripts/olist_connector.py`. Environment variables of the caller's own HubSpot never reach it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from olist.data import PROJECT
from olist.rules import lay_over, seat_callers
from olist.state import State
from olist.worker import Worker, connector_command

OURS = Path(__file__).resolve().parent / "mappings"
CHANGED = Path(__file__).resolve().parent / "mappings-changed"
TWO_STEP = Path(__file__).resolve().parent / "mappings-two-step"
SHIPPED = PROJECT / "mappings"


def lay_out_mappings(folder: Path) -> Path:
    """Write the shipped rule files into the working folder, with our keys in place of theirs; give the folder."""
    target = folder / "mappings"
    lay_over(SHIPPED, OURS, target)
    return target


def lay_out_two_step(folder: Path, callers: Sequence[str], addresses: Sequence[str]) -> Path:
    """Lay the rules with telequalification over the others; give their folder.

    Args:
        callers: every `sdr_id`, with the address of each in the portal.
    """
    target = folder / "mappings"
    lay_over(target, TWO_STEP, target)
    seat_callers(target, callers, addresses)
    return target


def lay_out_changed(folder: Path) -> Path:
    """Write the changed rule files beside the others; give their folder."""
    target = folder / "changed"
    lay_over(folder / "mappings", CHANGED, target)
    return target


def environment(state: State, folder: Path) -> dict[str, str]:
    """Give the connector's environment: this world's portal and receiver, a database in the folder, no brakes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HUBSPOT_", "HANDOFF_"))}
    return kept | {
        "PYTHONPATH": str(PROJECT),
        "HUBSPOT_ACCESS_TOKEN": state.token,
        "HUBSPOT_BASE_URL": state.sandbox_address,
        "HUBSPOT_RATE_PER_10S": "10000",
        "HUBSPOT_SEARCH_PER_SECOND": "1000",
        "HANDOFF_DATABASE_URL": f"sqlite:///{folder / 'handoff.db'}",
        "HANDOFF_MAPPINGS_DIR": str(folder / ("changed" if state.changed else "mappings")),
        "HANDOFF_WEBHOOK_URL": f"{state.receiver_address}/notices",
        "HANDOFF_WEBHOOK_SECRET": state.secret,
        "HANDOFF_ALLOW_HOSTS": state.receiver_address.removeprefix("http://"),
        "HANDOFF_LOG_LEVEL": "WARNING",
    }


def connector_worker(state: State, folder: Path, on_death: Callable[[], None]) -> Worker:
    """Give the connector's process, its pid kept in the state so that a later driver can end it."""

    def remember(pid: int) -> None:
        state.worker_pid = pid
        state.save(folder)

    return Worker(connector_command(PROJECT), folder, environment(state, folder), on_start=remember, on_death=on_death)
