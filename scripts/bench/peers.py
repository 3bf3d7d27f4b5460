"""A first read of every contact by us and by four clients of others, one after the other, from the same server.

    python scripts/bench/run.py peers [--contacts N] [--environments FOLDER] [--json]

The sandbox without limits or distance, so that it is the clients that are compared; each reads the same contacts with
the same properties by the list API, and Handoff those that its mappings name. What each does with them is told in
peer_clients.py: they read, and Handoff keeps and decides besides. Each client lives in a virtual environment of its own
that is made at the first run (network needed) and kept in the folder; one that cannot be installed or ends badly is
named in `troubles` and left out. `…_times_ours` is the time taken as a multiple of ours: seconds and CPU seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from portal import Portal
from sandbox import PROPERTIES

CLIENTS = Path(__file__).with_name("peer_clients.py")
PEERS = {
    "hubspot-api-client": "hubspot-api-client==12.0.0",
    "tap-hubspot": "tap-hubspot==4.5.0",
    "meltano-tap-hubspot": "meltano-tap-hubspot==0.10.1",
    "dlt": "dlt==1.31.0",
}
"""What is installed for each."""


class PeerError(Exception):
    """A client that cannot be compared, and why."""


def environment(folder: Path, name: str) -> Path:
    """The Python of a client's own environment, made where it is not there yet. Raises PeerError."""
    place = folder / f"{PEERS[name].replace('==', '-')}-py{sys.version_info.major}{sys.version_info.minor}"
    python, made = place / "bin" / "python", place / "made"
    if not made.exists():
        venv.create(place, with_pip=True, clear=True)
        installing = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PEERS[name]]
        done = subprocess.run(installing, capture_output=True, text=True)
        if done.returncode:
            raise PeerError(f"{PEERS[name]} cannot be installed: {done.stderr.strip().splitlines()[-1][:200]}")
        made.touch()
    return python


def read_all(python: Path, name: str, portal: Portal) -> dict[str, Any]:
    """What one client's read of the whole portal took. Raises PeerError."""
    command = [str(python), str(CLIENTS), name, portal.url, ",".join(PROPERTIES)]
    env = {"PATH": os.environ["PATH"], "HOME": str(portal.folder), "HUBSPOT_ACCESS_TOKEN": portal.token}
    with (portal.folder / "out").open("w+") as out, (portal.folder / "err").open("w+") as err:
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=out, stderr=err, cwd=portal.folder, env=env)
        _, status, used = os.wait4(process.pid, 0)
        seconds, process.returncode = time.monotonic() - began, os.waitstatus_to_exitcode(status)
        if process.returncode:
            err.seek(0)
            raise PeerError(f"{name} ended with {process.returncode}: {err.read().strip().splitlines()[-1:]}")
        out.seek(0)
        found = json.loads(out.read().splitlines()[-1])
    return {"contacts": found["contacts"], **_used(seconds, used)}


def _used(seconds: float, used: Any) -> dict[str, Any]:
    cpu = used.ru_utime + used.ru_stime
    return {"seconds": round(seconds, 1), "cpu_seconds": round(cpu, 1), "peak_mb": used.ru_maxrss // 1024}


def measure(contacts: int, folder: Path) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    troubles = []
    with ExitStack() as stack:
        portal = Portal(stack, contacts=contacts)
        portal.handoff("init", "--apply")
        began = time.monotonic()
        report, used = portal.handoff("sync", "--json")
        figures["handoff"] = ours = {"contacts": report["contacts_pulled"], **_used(time.monotonic() - began, used)}
        for name in PEERS:
            try:
                figures[name] = found = read_all(environment(folder, name), name, portal)
            except PeerError as error:
                troubles.append(str(error))
                continue
            for unit in ("seconds", "cpu_seconds"):
                found[f"{unit}_times_ours"] = round(found[unit] / ours[unit], 2)
    return figures | {"troubles": troubles}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--contacts", type=int, default=20_000)
    kept = Path(tempfile.gettempdir()) / "handoff-bench-peers"
    parser.add_argument("--environments", type=Path, default=kept, help="where the clients are installed")


def run(options: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    figures = measure(options.contacts, options.environments)
    read = {one["contacts"] for one in figures.values() if isinstance(one, dict)}
    return figures, len(read) == 1
