"""The deliverer: sends notices in a thread of its own, so that a slow receiver delays no lead. Fulfils ports.Delivery.

For short runs between scheduled ones; a scheduled run sends its own as ever. Claims keep the two apart. What is left
over, for it is tried again later, its destination rests or a pass took too long, is sent when its time has come,
whether anything new happens or not.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Protocol

from connector.errors import ConnectorError

AGAIN_SECONDS = 1.0
"""After a sending that failed as a whole, and at the very least between two looks at what is left over."""
LONGEST_SECONDS = 60.0
"""Between two looks at what is left over."""

log = logging.getLogger(__name__)


class Sending(Protocol):
    """What the thread works with: the sender."""

    def deliver(self, now: datetime) -> int: ...
    def next_due(self, now: datetime) -> datetime | None:
        """When what waits is due; None where nothing waits for a destination that is on."""
        ...


class Deliverer:
    """Args:
    open_sender: the sender for the rules as they are now; opened and closed in the thread.
    """

    def __init__(self, open_sender: Callable[[], AbstractContextManager[Sending]]) -> None:
        self._open = open_sender
        self._changed = threading.Condition()
        self._due: datetime | None = None
        self._look: tuple[float, datetime] | None = None
        self._pause = AGAIN_SECONDS
        self._renew = self._ended = False
        self._thread = threading.Thread(target=self._work, name="handoff-deliver", daemon=True)
        self._thread.start()

    def deliver(self, now: datetime) -> int:
        """Sends soon; 0, since nothing is known yet."""
        with self._changed:
            self._due = max(now, self._due or now)  # what failed meanwhile takes nothing back
            self._changed.notify()
        return 0

    def renew(self) -> None:
        """The rules changed: receivers are looked up anew before the next sending."""
        with self._changed:
            self._renew = True
            self._changed.notify()

    def close(self) -> None:
        """What is on its way is finished; what waits stays in the outbox."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while not self._ended:
            try:
                with self._open() as sender:
                    self._send_until_renewed(sender)
                continue
            except ConnectorError as error:
                log.warning("Sending was put off: %s", error, extra={"action": "deliver"})
            except Exception as error:  # around the one job of this thread: the next round tries again
                log.exception("Sending met something unforeseen: %s", type(error).__name__, extra={"action": "deliver"})
            with self._changed:
                self._changed.wait_for(lambda: self._ended, timeout=AGAIN_SECONDS)

    def _send_until_renewed(self, sender: Sending) -> None:
        while (now := self._wait()) is not None:
            began = time.monotonic()
            try:
                sent = sender.deliver(now)
                self._plan(began, now, sent, sender.next_due(now))
            except BaseException:
                self.deliver(now)  # it is still to be sent
                raise

    def _wait(self) -> datetime | None:
        """As of when to send; None once the sender is to be another one, or none."""
        with self._changed:
            while not (self._ended or self._renew):
                if self._due is not None:
                    now, self._due = self._due, None
                    return now
                seconds = self._look[0] - time.monotonic() if self._look else None
                if self._look is not None and seconds is not None and seconds <= 0:
                    return self._look[1] - timedelta(seconds=seconds)
                self._changed.wait(seconds)
            self._renew = False
            return None

    def _plan(self, began: float, now: datetime, sent: int, due: datetime | None) -> None:
        """The next look: when something is due; less and less often where it is due and yet does not go."""
        self._pause = AGAIN_SECONDS if sent else min(2 * self._pause, LONGEST_SECONDS)
        if due is None:
            self._look, self._pause = None, AGAIN_SECONDS
            return
        seconds = min(max((due - now).total_seconds(), self._pause), LONGEST_SECONDS)
        self._look = began + seconds, now + timedelta(seconds=seconds)
