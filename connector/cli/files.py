"""Files that commands write for people: readable by their owner alone, for they tell of leads (S14)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from connector.errors import SettingsError


def save(option: str, name: str, text: str) -> Path:
    """Write a file anew and give its path.

    Args:
        option: of the command line, for the complaint.
    Raises:
        SettingsError: it cannot be written there.
    """
    with writing(option, name) as file:
        file.write(text)
    return Path(name)


def check_writable(option: str, name: str) -> None:
    """Ahead of long work: raises what save() would, and leaves what stands there, be it nothing."""
    was_there = os.path.lexists(name)
    with writing(option, name, os.O_APPEND):
        pass
    if not was_there:
        Path(name).unlink(missing_ok=True)


@contextmanager
def writing(option: str, name: str, how: int = os.O_TRUNC) -> Iterator[TextIO]:
    """As save(), for what is written piece by piece."""
    try:
        handle = os.open(Path(name), os.O_WRONLY | os.O_CREAT | how, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            os.fchmod(handle, 0o600)
            yield file
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no such name can be"
        raise SettingsError(
            f"{option}: {name} cannot be written: {why}", advice="Name a file in a folder that exists and is yours."
        ) from None
