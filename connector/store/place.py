"""Where the database is: reads its address, makes a new file with mode 0600 (S14), and says what is wrong with it."""

from __future__ import annotations

import importlib.util
import os
import stat
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from connector.errors import SettingsError
from connector.store.failures import UNWRITABLE_ADVICE

SHAPES = "Use sqlite:///handoff.db for a file, or postgresql://user:password@host/name for a server."
PRIVATE = 0o600


def parse_url(text: str) -> URL:
    """The address with its driver settled. Raises SettingsError for anything but SQLite and PostgreSQL."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # The address itself stays out of the message: it may hold a password.
        raise SettingsError("HANDOFF_DATABASE_URL is no database address", advice=SHAPES) from None
    backend = url.drivername.partition("+")[0]
    if backend == "sqlite":
        if not (url.database or "").isprintable():
            raise SettingsError("HANDOFF_DATABASE_URL holds signs that no file's name has", advice=SHAPES)
        return url.set(drivername="sqlite")
    if backend in ("postgresql", "postgres"):
        if importlib.util.find_spec("psycopg") is None:
            raise SettingsError(
                "PostgreSQL needs a driver that is not installed", advice="pip install 'handoff-connector[postgres]'"
            )
        return url.set(drivername="postgresql+psycopg")
    raise SettingsError(f"HANDOFF_DATABASE_URL names {backend!r}, which Handoff does not know", advice=SHAPES)


def prepare_file(path: Path, *, make: bool = True) -> None:
    """See that the file can be written by us and read by nobody else.

    `make` False: where it is missing it is not made, for who only reads stands in a wrong folder, or too early.
    """
    check_file(path)
    if not make and not path.exists():
        raise SettingsError(
            f"There is no database at {path.absolute()}",
            advice="The first `handoff sync` makes it. Where it lies elsewhere: go there, or set HANDOFF_DATABASE_URL.",
        )
    try:
        _make_private(path)
    except OSError as error:
        raise refused(path, error.strerror or type(error).__name__) from error


def check_file(path: Path) -> None:
    """See that the file can be written, or made where it is missing; nothing is touched. Raises SettingsError."""
    folder = path.absolute().parent
    if not folder.is_dir():
        raise SettingsError(
            f"The folder {folder} of the database does not exist",
            advice="Make it, or set HANDOFF_DATABASE_URL to another place.",
        )
    if path.exists() and not path.is_file():
        raise SettingsError(f"{path} is not a file", advice="Set HANDOFF_DATABASE_URL to the path of a file.")
    for place in (path, folder):
        if place.exists() and not os.access(place, os.W_OK):
            raise refused(place, "no right to write")


def _make_private(path: Path) -> None:
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, PRIVATE))
    # SQLite gives the files beside it (-wal, -shm) the mode of this one.
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        path.chmod(PRIVATE)


def refused(path: Path, why: str) -> SettingsError:
    """The error for a place that cannot be written."""
    return SettingsError(
        f"The database cannot be written: {path} ({why})",
        advice=UNWRITABLE_ADVICE,
    )
