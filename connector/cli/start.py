"""How every command starts: settings read, logs set up."""

from __future__ import annotations

import gc

from connector.config.logging import configure_logging
from connector.config.settings import Settings, load_settings

MADE_BEFORE_A_LOOK = 20_000
"""Objects made before the collector looks for cycles: what some pages of contacts need, and goes with them anyway.
With Python's own 700 it took one part in fifteen of a first pull."""


def start() -> Settings:
    """Raises SettingsError with advice; says on stderr what is set and means nothing."""
    from connector.cli.console import note

    gc.set_threshold(MADE_BEFORE_A_LOOK)
    settings = load_settings()
    configure_logging(settings.log_format, settings.log_level, secrets=settings.secret_values())
    for stranger in settings.strangers():
        note(f"note: {stranger}")
    return settings
