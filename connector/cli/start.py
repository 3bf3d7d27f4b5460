"""How every command starts: settings read, logs set up."""

from __future__ import annotations

from connector.config.logging import set_up_logging
from connector.config.settings import Settings, load_settings


def start() -> Settings:
    """Raises SettingsError with advice; says on stderr what is set and means nothing."""
    from connector.cli.console import note

    settings = load_settings()
    set_up_logging(settings.log_format, settings.log_level)
    for stranger in settings.strangers():
        note(f"note: {stranger}")
    return settings
