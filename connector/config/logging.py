"""Logs: one line per event on stderr, JSON or for people, with ids only (S13, I10).

Modules log by the standard library: a short sentence, facts in `extra`. What must not show is redaction.py's.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, MutableMapping
from typing import TYPE_CHECKING, Any, TextIO

from connector.config.redaction import escape_controls, redact, worth_hiding

if TYPE_CHECKING:
    import structlog

LOUD_LIBRARIES = {
    # The client of HubSpot logs whole answers at DEBUG, urllib3 each address with its query.
    "hubspot": logging.INFO,
    "urllib3": logging.ERROR,   # below that it quotes answers that it cannot read, with addresses and what they echo
    "requests": logging.WARNING,
    "apscheduler": logging.WARNING,
    "sqlalchemy": logging.WARNING,
    "alembic": logging.WARNING,
    "filelock": logging.WARNING,
    "pyrate_limiter": logging.WARNING,
    "uvicorn": logging.ERROR,       # it would say of each malformed request that there was one
}
MADE_BY_OTHER_HANDLERS = ("message", "asctime")
"""The standard library leaves these on a record; no `extra` can carry them."""

EventDict = MutableMapping[str, Any]    # structlog's own type for what passes through its processors


def configure_logging(
    log_format: str = "auto",
    level: str = "INFO",
    *,
    secrets: Iterable[str | None] = (),
    stream: TextIO | None = None,
) -> None:
    """Send every log of the process to `stream` (None: stderr). Safe to call again: the last call counts.

    Args:
        log_format: `json`, `console`, or `auto`: console where the stream is a terminal.
        level: least level to show; libraries that quote addresses or bodies stay at theirs.
        secrets: values to hide wherever they stand; None and very short ones are passed over.
    """
    import structlog

    target = stream or sys.stderr
    for_people = log_format == "console" or (log_format == "auto" and target.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _Redactor(worth_hiding(secrets)),
            *_renderers(for_people, colours=for_people and target.isatty()),
        ],
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(formatter)
    handler.setLevel(level)     # whatever level a logger of its own has
    root = logging.getLogger()
    for old in [one for one in root.handlers if isinstance(one.formatter, structlog.stdlib.ProcessorFormatter)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name, least in LOUD_LIBRARIES.items():
        logging.getLogger(name).setLevel(max(least, root.level))
    structlog.configure(
        processors=[*shared[:2], shared[3], structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


class _Redactor:
    """The last stop before an event becomes text: sees the message, the facts and the traceback alike."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._secrets = secrets

    def __call__(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        kept = {key: event[key] for key in ("timestamp", "level") if key in event}
        known = (*kept, *MADE_BY_OTHER_HANDLERS)
        rest = redact({key: value for key, value in event.items() if key not in known}, self._secrets)
        assert isinstance(rest, dict)
        return {**kept, **rest}


def _renderers(for_people: bool, *, colours: bool) -> list[structlog.typing.Processor]:
    import structlog

    if not for_people:
        # ASCII only, so that every control and direction sign is escaped and every event is one line.
        return [structlog.processors.JSONRenderer(sort_keys=False, ensure_ascii=True)]
    plain = structlog.dev.plain_traceback
    return [_on_one_line, structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=plain)]


def _on_one_line(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Controls written out; a traceback keeps its lines, each marked so that it cannot pass for an event."""
    lines = str(event.pop("exception", "")).splitlines()
    escaped = {key: escape_controls(value) if isinstance(value, str) else value for key, value in event.items()}
    if lines:
        escaped["exception"] = "\n".join("  | " + escape_controls(line) for line in lines)
    return escaped
