"""A local HubSpot over HTTP, for tests, demos and rehearsals. It shares no code with the rest of the connector."""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; give the exit code. Same as `python -m connector.sandbox`."""
    from .cli import main as run  # only here: importing the package must cost nothing

    return run(argv)
