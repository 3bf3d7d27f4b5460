"""The scheduler: runs by the clock (APScheduler), hints between them, never two at once; stops when asked.

One thread does all the work; schedule, receiver and signals only ring its bell. The schedule is rebuilt from the
settings at every start; what is remembered stands in the database alone.
"""

from __future__ import annotations

import logging
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from types import FrameType

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from connector.bootstrap import Connector, connect
from connector.config.cron import CronLine
from connector.config.settings import Settings
from connector.engine.report import RunReport
from connector.errors import (
    AlreadyRunningError,
    ConfigError,
    ConnectorError,
    RetryableError,
    RuleBookError,
    UnknownPropertyError,
)
from connector.jobs.bell import Bell
from connector.jobs.deliverer import Deliverer
from connector.rules.rulebook import RuleBook

log = logging.getLogger(__name__)

JITTER_SECONDS = 5
"""So that many portals on one schedule do not call in the same second."""
LOOK_EVERY_SECONDS = 5.0
"""Hints that another process took in, or that wait for what the CRM shows late, ring no bell."""
SHARE_OF_CALLS = 0.7
"""Of what the portal allows; the rest is left to the scheduled run that comes next."""
TURN_SECONDS = 0.001
"""How long a busy thread keeps the others waiting; a post gives way several times, and Python's own 5 ms add up."""
UNLOGGED = ("api_calls", "troubles", "held_because")
"""Of a run's report: long, or with words that stand nowhere but in the database."""
LEAST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 60.0

Watch = Callable[[Bell], AbstractContextManager[object]]
"""Something that rings the bell for hints while its block is open: the receiver."""


class StopAskedError(RetryableError):
    """Asked to stop between two pages; the next start goes on from here."""


def serve(settings: Settings, *, once: bool = False, watch: Watch | None = None) -> int:
    """Run until SIGTERM or SIGINT; the page under way is finished first. Gives an exit code.

    Args:
        watch: opened before the first run; with it, hints are looked at as they come.
    Raises:
        ConfigError, FatalError: at the first run; later ones are logged, and the next run tries again.
    """
    bell = Bell()
    sys.setswitchinterval(TURN_SECONDS)
    with _stopped_by_signals(bell), connect(settings) as connector, watch(bell) if watch else nullcontext():
        works = _Works(connector, bell)
        try:
            first = connector.sync(progress=works)
        except StopAskedError:
            return 0
        log.info("First run done", extra={"action": "run", "run_id": first.run.id, "status": first.status.value})
        if once:
            return first.exit_code
        scheduler = BackgroundScheduler(timezone="UTC")
        scheduler.add_job(bell.ring_run, trigger(settings), max_instances=1, coalesce=True, misfire_grace_time=None)
        scheduler.start()
        log.info("Waiting for the next run", extra={"action": "schedule", "every": settings.sync_every})
        try:
            works.work(first.run.as_of, hints=watch is not None)
        finally:
            scheduler.shutdown(wait=False)
    return 0


def trigger(settings: Settings) -> BaseTrigger:
    """The settings' schedule as the library wants it."""
    line, interval = settings.sync_cron, settings.sync_interval
    if line is None:
        assert interval is not None
        return IntervalTrigger(seconds=int(interval.total_seconds()), jitter=JITTER_SECONDS)
    if not line.either:
        return _cron(line, day=line.days, weekday=line.weekdays)
    return OrTrigger([_cron(line, day=line.days), _cron(line, weekday=line.weekdays)])


def _cron(line: CronLine, *, day: Sequence[int] = (), weekday: Sequence[int] = ()) -> BaseTrigger:
    """Times of a line on some days; none named is all. The library's weekdays begin on Monday."""
    return CronTrigger(
        minute=_listed(line.minutes),
        hour=_listed(line.hours),
        day=_listed(day),
        month=_listed(line.months),
        day_of_week=_listed([(number - 1) % 7 for number in weekday]),
        timezone="UTC",
    )


def _listed(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers)) or "*"


class _Works:
    """The one thread that works. Fulfils ports.Progress: between two pages it hears whether to stop."""

    def __init__(self, connector: Connector, bell: Bell) -> None:
        self._connector, self._bell = connector, bell
        self._deliverer: Deliverer | None = None
        self._hints_not_before = 0.0
        self._pause = 0.0

    def step(self, name: str, done: int, total: int | None = None) -> None:
        if self._bell.stops:
            raise StopAskedError("Asked to stop; the next start goes on from here")

    def work(self, as_of: datetime, *, hints: bool) -> None:
        """Until the bell says stop.

        Args:
            as_of: of the first run, for what it left to be sent.
        """
        if hints:
            self._deliverer = Deliverer(self._connector.sender)
            self._deliverer.deliver(as_of)
        try:
            while True:
                match self._bell.wait(LOOK_EVERY_SECONDS, not_hints_before=self._hints_not_before):
                    case "stop":
                        return
                    case "run":
                        self._run()
                        self._bell.run_is_done()
                    case _ if hints and time.monotonic() >= self._hints_not_before:
                        self._look()
        finally:
            if self._deliverer is not None:
                self._deliverer.close()

    # -- a scheduled run ---------------------------------------------------------------------------------------------

    def _run(self) -> bool:
        """New rules are taken up when they can be read; else the old ones stay active. Whether it came to its end."""
        former = self._connector.book
        try:
            self._connector.reload_rules()
        except ConfigError as error:
            said = _line(error)
            log.error("The rules cannot be read; the old ones stay active: %s", said, extra={"action": "reload"})
        else:
            self._renew()
        try:
            report = self._sync(former)
        except StopAskedError:
            return False
        except RetryableError as error:
            log.warning("This run was put off: %s", error, extra={"action": "run"})
        except ConnectorError as error:
            log.error("This run stopped: %s %s", error, error.advice, extra={"action": "run"})
        except Exception as error:  # around one job: the next one runs all the same
            log.exception("This run met something unforeseen: %s", type(error).__name__, extra={"action": "run"})
        else:
            facts = {key: value for key, value in report.as_dict().items() if key not in UNLOGGED}
            log.info("Run done", extra={"action": "run", **facts})
            if self._deliverer is not None:
                self._deliverer.deliver(report.run.as_of)  # what it could not send waits for nothing but its time
            return True
        return False

    def _sync(self, former: RuleBook) -> RunReport:
        """By the rules just read; where they do not fit the portal, by the former ones once more."""
        try:
            return self._connector.sync(progress=self)
        except UnknownPropertyError as error:
            if self._connector.book.fingerprint == former.fingerprint:
                raise
            said = _line(error)
            log.error("The new rules do not fit; the old ones stay active: %s", said, extra={"action": "reload"})
            self._connector.book = former
            self._renew()
            return self._connector.sync(progress=self)

    def _renew(self) -> None:
        if self._deliverer is not None:
            self._deliverer.renew()

    # -- hints -------------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """At the hints that wait; what goes wrong makes the next look wait longer, up to a minute."""
        assert self._deliverer is not None
        began = time.monotonic()
        try:
            looked_at = self._connector.take_hints(self._deliverer, self)
            if looked_at is None and not self._run():
                self._rest()
                return
        except StopAskedError:
            return
        except AlreadyRunningError:
            self._hints_not_before = time.monotonic() + LOOK_EVERY_SECONDS  # they wait for whoever works, or for us
            return
        except RetryableError as error:
            log.warning("Hints wait: %s", error, extra={"action": "hints"})
            self._rest()
            return
        except ConnectorError as error:
            log.error("Hints wait: %s %s", error, error.advice, extra={"action": "hints"})
            self._rest()
            return
        except Exception as error:  # around one job: hints wait, and the scheduled run comes all the same
            log.exception("Hints met something unforeseen: %s", type(error).__name__, extra={"action": "hints"})
            self._rest()
            return
        self._pause = 0.0
        if looked_at:
            log.info("Hints looked at", extra={"action": "hints", "hints": looked_at})
            self._hints_not_before = max(began + self._paced(), time.monotonic() + LEAST_PAUSE_SECONDS)

    def _paced(self) -> float:
        """Seconds that the calls just made may take, so that they do not use up the portal's window in a burst."""
        allowed = self._connector.settings.rate_per_10s * SHARE_OF_CALLS / 10
        return min(LONGEST_PAUSE_SECONDS, self._connector.calls() / allowed)

    def _rest(self) -> None:
        self._pause = min(LONGEST_PAUSE_SECONDS, max(1.0, self._pause * 2))
        self._hints_not_before = time.monotonic() + self._pause


def _line(error: ConfigError) -> str:
    """All that is wrong with the rules in one line, the first thing with what to do."""
    others = len(error.others) if isinstance(error, RuleBookError) else 0
    more = f" (and {others} more; `handoff rules check` names them)" if others else ""
    return "; ".join(str(error).splitlines()) + more + (f" — {error.advice}" if error.advice else "")


@contextmanager
def _stopped_by_signals(bell: Bell) -> Iterator[None]:
    """Finish what is under way, then stop; a second signal ends it at once."""

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        bell.ring_stop()
        log.info("Asked to stop; finishing what is under way", extra={"action": "stop"})

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
