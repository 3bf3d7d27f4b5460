"""A sandbox that serves in this process, for tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from connector.sandbox.portal import Sandbox
from connector.sandbox.server import Server


@contextmanager
def serving(sandbox: Sandbox | None = None) -> Iterator[Server]:
    """On a free port; without portals where none is given."""
    made = Server("127.0.0.1", 0, sandbox or Sandbox())
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.stop()
        thread.join(5)
