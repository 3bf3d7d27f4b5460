"""The desk at which the server takes in answers by link, without the lease (R20)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from connector.domain.contact import PortalId
from connector.engine.ports.store import UnitOfWork


class Desk(Protocol):
    """The database without the lease: for reading, and for what only ever inserts an answer."""

    @property
    def portal(self) -> PortalId: ...
    def reading(self) -> AbstractContextManager[UnitOfWork]: ...
    def writing(self) -> AbstractContextManager[UnitOfWork]:
        """Raises StoreBusyError and its like where the database cannot take it within two seconds."""
        ...

    def close(self) -> None: ...
