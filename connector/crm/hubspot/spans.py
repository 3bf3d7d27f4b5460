"""What is left to read of a portal, as spans of ids, and who may read which. Pure; threads are ranges.py's.

The ids of a portal lie in spans that do not overlap. Each has at most one page out: asked for, or read and not yet
stored by whoever takes the pages. So the cursor given with a page (all spans, that page taken as stored) loses at most
one page of each span. Who has nothing to do takes the upper half of the largest rest: ids lie so unevenly that no plan
made beforehand would last.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from connector.crm.hubspot.protocol import Cursors
from connector.errors import ContractError

LIST, SEARCH = "list", "search"
FEWEST_ROWS = 300
"""So many rows must be left, as far as one can tell, before a span is divided: a page of rest is not worth a call."""


class OutOfOrderError(ContractError):
    """Rows that do not come by rising id, or lie below what was asked for: no span can be kept of such."""


@dataclass(slots=True, eq=False)
class Span:
    """Ids from `low` to below `end`.

    Attributes:
        end: None for whatever is there, also what comes while we read.
        after: the list API's own cursor for `low`; None where it gave none and one must be made up.
        out: a page of it is being asked for or is not stored yet.
        reach: no id below is in question for the pages to come; `low` unless a page is out that was read already.
        gap: ids that one row took on the last page; None before the first.
    """

    low: int
    end: int | None = None
    after: str | None = None
    out: bool = False
    reach: int = 0
    gap: float | None = None
    _following: str | None = None
    _last: bool = False

    def __post_init__(self) -> None:
        self.reach = self.low

    @property
    def asked(self) -> str | None:
        """What the list API is asked with; None for its beginning.

        One that is made up is the id below: HubSpot's documentation does not say whether the id itself comes too, and
        either way no row is missed.
        """
        return self.after if self.after is not None else str(self.low - 1) if self.low > 1 else None

    @property
    def rank(self) -> int:
        """What is claimed first has the lowest."""
        return self.low

    def begin(self) -> None:
        """A page of it is going to be asked for."""
        self.out, self.reach, self._last = True, self.low, False

    def take_in(self, ids: Sequence[int], following: str | None, *, ended: bool) -> slice:
        """A page came; gives which of its rows are this span's. Raises OutOfOrderError."""
        if any(two <= one for one, two in pairwise(ids)) or (ids and ids[0] < self.low - 1):
            raise OutOfOrderError(
                "HubSpot's list of contacts did not come by rising id, or not from where it was asked for",
                advice="Run again; what was read so far is kept.",
            )
        first = bisect_left(ids, self.low)
        until = len(ids) if self.end is None else bisect_left(ids, self.end)
        if ids:
            self.reach = ids[until - 1] + 1 if until else self.low
            self.gap = (ids[-1] - ids[0] + 1) / len(ids)
        self._following = following
        self._last = ended or until < len(ids) or self.reach == self.end
        return slice(first, until)

    @property
    def rows_left(self) -> float:
        """A guess, from how near the ids of the last page lay; 0 where nothing can be said."""
        return 0 if self.end is None or self.gap is None or self._last else (self.end - self.reach) / self.gap

    def after_this(self) -> list[int | str | None] | None:
        """What is left once the page that is out is stored; None for nothing."""
        return None if self._last else [self.reach, self.end, self._following]


@dataclass(slots=True, eq=False)
class Stretch(Span):
    """Milliseconds from `low` to below `end`, whose rows come in whatever order: read by its own cursor to the end."""

    cursors: Cursors = field(default_factory=Cursors)

    @property
    def rank(self) -> int:
        """As they are listed."""
        return 0

    def take_in(self, ids: Sequence[int], following: str | None, *, ended: bool) -> slice:
        """All rows are its own. Raises ContractError: a cursor that comes twice."""
        self._following, self._last = self.cursors.next(following), ended
        return slice(None)


@dataclass(slots=True)
class Plan:
    """All spans of one pull.

    Attributes:
        most: so many pages may be out at a time; as many as there are workers.
    """

    spans: list[Span]
    most: int = 1
    _divisible: bool = False

    @classmethod
    def read(cls, cursor: str, kind: type[Span] = Span) -> Plan:
        """Raises ValueError: no cursor of ours."""
        left = json.loads(cursor)["ranges"]
        spans = [kind(int(low), end if end is None else int(end), after) for low, end, after in left]
        return cls(spans)

    def write(self, given: Span) -> str | None:
        """The cursor that goes with a page of `given`: where it is stored with the page, no row is lost."""
        left = [rest for one in self.spans if (rest := one.after_this() if one is given else _unread(one))]
        return json.dumps({"ranges": left}, separators=(",", ":")) if left else None

    @property
    def is_done(self) -> bool:
        return not self.spans

    def claim(self, door: str) -> Span | None:
        """A span to read a page of; None where all that is left is out. A search never gets the newest ids."""
        if sum(one.out for one in self.spans) >= self.most:
            return None
        idle = [one for one in self.spans if not one.out and (door == LIST or one.end is not None)]
        span = min(idle, key=lambda one: one.rank) if idle else self._divide()
        if span is not None:
            span.begin()
        return span

    def put_back(self, span: Span) -> None:
        """The page could not be read; somebody else may."""
        span.out = False

    def stored(self, span: Span) -> None:
        """The page that was out is stored; the next may be asked for."""
        rest = span.after_this()
        if rest is None:
            self.spans.remove(span)
        else:
            span.low, span.after, span.out = span.reach, span._following, False

    def open(self, newest: int) -> None:
        """Spans may be divided from now on. What begins at `newest` stays one: new contacts come there."""
        last = max(self.spans, key=lambda one: one.low, default=None)
        if last is not None and last.end is None and newest > last.reach + 1:
            last.end = newest
            self.spans.append(Span(newest))
        self._divisible = True

    def _divide(self) -> Span | None:
        widest = max(self.spans, key=lambda one: one.rows_left, default=None)
        if not self._divisible or widest is None or widest.end is None or widest.rows_left < FEWEST_ROWS:
            return None
        upper = Span(widest.reach + (widest.end - widest.reach) // 2 + 1, widest.end, gap=widest.gap)
        widest.end = upper.low
        self.spans.append(upper)
        return upper


def _unread(span: Span) -> list[int | str | None]:
    """All that is not stored of it, a page that is out included."""
    return [span.low, span.end, span.after]
