"""Imports every module of the sandbox, so that each has registered its routes and listeners."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

_NOT_HANDLERS = {"__main__", "cli", "handlers", "server"}


def load() -> bool:
    """Import them all; True, so that the caller can say that it is done."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.name not in _NOT_HANDLERS:
            importlib.import_module(f"{__package__}.{module.name}")
    return True


LOADED = load()
