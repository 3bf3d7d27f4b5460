"""A PostgreSQL server for tests: the one of HANDOFF_TEST_POSTGRES_URL, else the machine's own binaries, started as an
ordinary user in a folder of its own, on a socket.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ABSENT = "NO POSTGRESQL HERE: install its server, or set HANDOFF_TEST_POSTGRES_URL"
ROOM = 2 << 30
"""Bytes that must be free in memory for a server to live there."""


def can_serve() -> bool:
    return bool(os.environ.get("HANDOFF_TEST_POSTGRES_URL")) or bool(_binaries())


@contextmanager
def served() -> Iterator[str]:
    """The address of a server's database for administration; only where `can_serve` says so."""
    if given := os.environ.get("HANDOFF_TEST_POSTGRES_URL"):
        yield given
        return
    binaries = _binaries()[-1].parent
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []      # the server refuses root
    folder = Path(tempfile.mkdtemp(prefix="handoff-pg-", dir=_place()))
    folder.chmod(0o777)
    data = folder / "data"

    def call(program: str, *arguments: str) -> None:
        # Output goes to a file: the server keeps it open, and a pipe would never end.
        with (folder / f"{program}.log").open("w") as out:
            subprocess.run(
                [*as_user, str(binaries / program), *arguments], check=True, cwd=folder, stdout=out, stderr=out
            )

    call("initdb", "-D", str(data), "-U", "handoff", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
    call("pg_ctl", "-D", str(data), "-w", "-o", f"-k {folder} -c listen_addresses='' -c fsync=off", "start")
    try:
        yield f"postgresql+psycopg://handoff@/postgres?host={folder}"
    finally:
        call("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder)


def _place() -> str:
    """In memory where there is room: a test makes its own database, which on a disk takes ten times as long."""
    shared = "/dev/shm"
    roomy = os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > ROOM
    return shared if roomy else "/tmp"


def _binaries() -> list[Path]:
    return sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
