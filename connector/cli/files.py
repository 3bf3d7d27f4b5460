"""Files that commands write for people: readable by their owner alone, for they tell of leads (S14)."""

from __future__ import annotations

import os
from pathlib import Path

from connector.errors import SettingsError


def save(option: str, name: str, text: str) -> Path:
    """Write a file anew and give its path.

    Args:
        option: of the command line, for the complaint.
    Raises:
        SettingsError: it cannot be written there.
    """
    path = Path(name)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            os.fchmod(handle, 0o600)
            file.write(text)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no such name can be"
        raise SettingsError(
            f"{option}: {name} cannot be written: {why}", advice="Name a file in a folder that exists and is yours."
        ) from None
    return path
