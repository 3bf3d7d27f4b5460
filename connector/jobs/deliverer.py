"""The deliverer: sends notices in a thread of its own, so that a slow receiver delays no lead. Fulfils ports.Delivery.

For short runs between scheduled ones; a scheduled run sends its own as ever. Claims keep the two apart.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

from connector.engine.ports import Delivery
from connector.errors import ConnectorError

AGAIN_SECONDS = 1.0
"""After a sending that failed as a whole."""

log = logging.getLogger(__name__)


class Deliverer:
    """Args:
    open_sender: the sender for the rules as they are now; opened and closed in the thread.
    """

    def __init__(self, open_sender: Callable[[], AbstractContextManager[Delivery]]) -> None:
        self._open = open_sender
        self._changed = threading.Condition()
        self._due: datetime | None = None
        self._renew = self._ended = False
        self._thread = threading.Thread(target=self._work, name="handoff-deliver", daemon=True)
        self._thread.start()

    def deliver(self, now: datetime) -> int:
        """Sends soon; 0, since nothing is known yet."""
        with self._changed:
            self._due = now
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

    def _send_until_renewed(self, sender: Delivery) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ended or self._renew or self._due is not None)
                if self._ended or self._renew:
                    self._renew = False
                    return
                now, self._due = self._due, None
            assert now is not None
            try:
                sender.deliver(now)
            except BaseException:
                self.deliver(now)  # it is still to be sent
                raise
