"""The scheduler: runs by the clock, never two at once, and stops between pages when asked (APScheduler).

The schedule is rebuilt from the settings at every start; what is remembered stands in the database alone.
"""

from __future__ import annotations

import logging
import signal
from types import FrameType

from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from connector.bootstrap import Connector, connect
from connector.config.settings import Settings
from connector.errors import ConfigError, ConnectorError, RetryableError

log = logging.getLogger(__name__)

JITTER_SECONDS = 5
"""So that many portals on one schedule do not call in the same second."""


def serve(settings: Settings, *, once: bool = False) -> int:
    """Run until SIGTERM or SIGINT; the page under way is finished first. Gives an exit code.

    Raises:
        ConfigError, FatalError: at the first run; later ones are logged, and the next run tries again.
    """
    with connect(settings) as connector:
        first = connector.sync()
        log.info("First run done", extra={"action": "run", "run_id": first.run.id, "status": first.status.value})
        if once:
            return first.exit_code
        scheduler = BlockingScheduler(timezone="UTC")
        scheduler.add_job(
            _job, _trigger(settings), args=(connector,), max_instances=1, coalesce=True, misfire_grace_time=None
        )
        _stop_on_signals(scheduler)
        log.info("Waiting for the next run", extra={"action": "schedule", "every": settings.sync_every})
        scheduler.start()
    return 0


def _trigger(settings: Settings) -> BaseTrigger:
    interval = settings.sync_interval
    if interval is None:
        return CronTrigger.from_crontab(settings.sync_every, timezone="UTC")
    return IntervalTrigger(seconds=int(interval.total_seconds()), jitter=JITTER_SECONDS)


def _job(connector: Connector) -> None:
    """One scheduled run. New rules are taken up when they can be read; else the old ones stay active."""
    try:
        connector.reload_rules()
    except ConfigError as error:
        log.error("The rules cannot be read; the old ones stay active: %s", error, extra={"action": "reload"})
    try:
        report = connector.sync()
    except RetryableError as error:
        log.warning("This run was put off: %s", error, extra={"action": "run"})
    except ConnectorError as error:
        log.error("This run stopped: %s %s", error, error.advice, extra={"action": "run"})
    except Exception as error:  # around one job: the next one runs all the same
        log.exception("This run met something unforeseen: %s", type(error).__name__, extra={"action": "run"})
    else:
        facts = {key: value for key, value in report.as_dict().items() if key not in ("api_calls", "troubles")}
        log.info("Run done", extra={"action": "run", **facts})


def _stop_on_signals(scheduler: BlockingScheduler) -> None:
    """Finish what is under way, then stop; a second signal ends it at once."""

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        log.info("Asked to stop; finishing what is under way", extra={"action": "stop"})
        scheduler.shutdown(wait=False)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
