"""Which process holds something, in a text that another process can check: is it still alive?"""

from __future__ import annotations

import getpass
import os
import socket
from pathlib import Path

_PROC = Path("/proc")


def this_process() -> str:
    """`host:pid:start:space`; the last two are empty where the system does not tell.

    The space names this boot of this kernel and its numbering of processes: two containers may share a host name, yet
    process 7 of the one is not process 7 of the other.
    """
    return f"{socket.gethostname()}:{os.getpid()}:{_start(os.getpid())}:{_space()}"


def this_user() -> str:
    """`user@host`, for a note of who did something; the user's number where it has no name, as in some containers."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"


def is_dead(holder: str) -> bool:
    """True only where it ran here, and its number is free or belongs to a later process.

    A holder that says no more than `host:pid` is believed to be of this machine by its host's name alone.
    """
    host, pid, start, space = (*holder.split(":"), "", "", "", "")[:4]
    if host != socket.gethostname() or space not in ("", _space()) or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False        # it exists and is someone else's
    return bool(start) and _start(int(pid)) != start


def describe(holder: str) -> str:
    """For people: `process 4711 on host ops-1`."""
    host, _, rest = holder.partition(":")
    pid = rest.partition(":")[0]
    return f"process {pid} on host {host}" if pid else holder


def _start(pid: int) -> str:
    """When it began, in clock ticks since the boot; numbers of processes come round again, this does not."""
    try:
        # The name in brackets may hold anything, brackets too; what follows the last one is numbers.
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _space() -> str:
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot[:8]}-{(_PROC / 'self/ns/pid').stat().st_ino}"
    except OSError:
        return ""
