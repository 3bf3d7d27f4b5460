"""What a database says when it cannot, turned into the connector's own errors: one clear message, and what to do.

Rows and parameters never get into a message (I10): they may be personal data.
"""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError, OperationalError

from connector.errors import ConnectorError, FatalError, SettingsError, StoreBusyError

BUSY_ADVICE = "Wait until the other process is done, then try again; close tools that hold the database open."
FULL_ADVICE = "Free some space on its disk, then start again; nothing was half-written."
DAMAGED_ADVICE = "Stop Handoff, set the file aside and put the last backup in its place; what it lacks is read again."
UNWRITABLE_ADVICE = "Let the user who runs Handoff write the file and its folder, or set HANDOFF_DATABASE_URL."

_PG_BUSY = {"55P03", "40P01", "40001", "53300", "57014"}
_PG_FULL = {"53100", "53000", "53200"}
_PG_DAMAGED = {"XX001", "XX002"}


def explain(error: DBAPIError | sqlite3.Error, place: str) -> ConnectorError | None:
    """The connector's error for the driver's; None where it is a mistake of ours and should be seen as it is.

    Args:
        place: the database as people know it, without a password.
    """
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(original, sqlite3.Error):
        return _of_sqlite(original, place)
    state = getattr(original, "sqlstate", None) or ""
    if state in _PG_BUSY:
        return StoreBusyError(f"The database {place} is busy", advice=BUSY_ADVICE)
    if state in _PG_FULL:
        return FatalError(f"The database {place} has no room left", advice=FULL_ADVICE)
    if state in _PG_DAMAGED:
        return FatalError(f"The database {place} is damaged", advice=DAMAGED_ADVICE)
    if state == "42501":
        return SettingsError(
            f"The database {place} refuses this user", advice="Grant it the right to make tables, or use another user."
        )
    # Without a state the driver never got an answer: the server is away, or went away.
    if state.startswith(("08", "57P")) or (isinstance(error, OperationalError) and not state):
        return StoreBusyError(
            f"The connection to the database {place} broke", advice="See that the server runs, then try again."
        )
    return None


def _of_sqlite(error: sqlite3.Error, place: str) -> ConnectorError | None:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreBusyError(f"The database {place} is locked by another process", advice=BUSY_ADVICE)
    if name.startswith("SQLITE_FULL"):
        return FatalError(f"The disk of the database {place} is full", advice=FULL_ADVICE)
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return SettingsError(f"The file {place} is damaged or no database", advice=DAMAGED_ADVICE)
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return SettingsError(
            f"The database {place} cannot be written",
            advice=UNWRITABLE_ADVICE,
        )
    if name.startswith("SQLITE_IOERR"):
        return FatalError(f"Reading or writing the database {place} failed ({name})", advice="Look at its disk.")
    return None
