"""What a lead left behind, for telling it: the path of its episodes, and what was written to its record when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from connector.domain.change import Change
from connector.domain.contact import ContactId
from connector.domain.episode import EpisodeId
from connector.engine.ports.history import PastStep


class WriteSeen(NamedTuple):
    """What became of one plan. `at`: the `as_of` of its run; `outcome` as in Intent.status; `detail`: why, if not."""

    at: datetime
    run: str
    outcome: str
    changes: tuple[Change, ...]
    detail: str


class Traces(Protocol):
    """Part of a unit of work."""

    def paths(self, ids: Sequence[ContactId]) -> dict[EpisodeId, list[PastStep]]:
        """The steps of every episode of these contacts, in their order."""
        ...

    def writes(self, ids: Sequence[ContactId]) -> list[WriteSeen]:
        """All that came of what was to be written to these contacts, oldest first."""
        ...
