"""How every command starts: settings read, logs set up."""

from __future__ import annotations

from connector.config.logging import configure_logging
from connector.config.settings import Settings, load_settings


def start() -> Settings:
    """Raises SettingsError with advice; says on stderr what is set and means nothing."""
    from connector.cli.console import note

    settings = load_settings()
    configure_logging(settings.log_format, settings.log_level, secrets=settings.secret_values())
    for stranger in settings.strangers():
        note(f"note: {stranger}")
    return settings
