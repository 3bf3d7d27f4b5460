"""Records of one object type: values, history of what changed, and the indexes that keep reads cheap.

Knows nothing of property types, stages or HTTP: what is written here has been validated (validation.py) and its
consequences are drawn elsewhere (effects.py). Values are strings; an empty value is an absent key.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from sys import intern
from typing import NamedTuple

from .clock import iso

CREATED_NAMES = {"contacts": ("createdate",)}
MODIFIED_NAMES = {"contacts": ("lastmodifieddate",)}


class Source(NamedTuple):
    """Who changed a value: type INTEGRATION, CRM_UI, FORM, CALCULATED, …; id and user may be unknown."""

    type: str = "INTEGRATION"
    id: str | None = None
    user_id: str | None = None


class Change(NamedTuple):
    """One value in a property's history; at in epoch milliseconds; value "" = cleared."""

    value: str
    at: int
    source_type: str
    source_id: str | None
    user_id: str | None


class Record:
    """One CRM record. `history` holds only what changed after creation, oldest first; `key` is the id as a number."""

    __slots__ = ("archived_at", "created", "history", "id", "key", "modified", "props", "source")

    def __init__(self, key: int, props: dict[str, str], created: int, source: Source) -> None:
        self.key = key
        self.id = str(key)
        self.props = props
        self.created = created
        self.modified = created
        self.archived_at: int | None = None
        self.source = source
        self.history: dict[str, list[Change]] | None = None

    def value(self, name: str) -> str | None:
        """Give a stored value, None when empty. Stamps of the record itself: see ObjectStore.value."""
        return self.props.get(name)

    def changes(self, name: str) -> list[Change]:
        """Give the history of a property, oldest first; [] for one that never had a value."""
        if self.history and name in self.history:
            return self.history[name]
        value = self.props.get(name)
        return [Change(value, self.created, *self.source)] if value is not None else []


class Seen(NamedTuple):
    """A record as the search index still sees it; props None = not there yet."""

    until: int
    props: dict[str, str] | None
    modified: int


OnChange = Callable[[Record, str, str | None, str | None, Source, int], None]


class ObjectStore:
    """All records of one type. Ids are whole numbers as strings, growing; `records` is in id order."""

    def __init__(
        self,
        object_type: str,
        clock_ms: Callable[[], int],
        *,
        lag_ms: Callable[[int], int] = lambda key: 0,
        on_change: OnChange = lambda *facts: None,
        first_id: int = 501,
    ) -> None:
        self.object_type = object_type
        self.records: dict[str, Record] = {}
        self.archived: dict[str, Record] = {}
        self.merged_into: dict[str, str] = {}
        self.keys: array[int] = array("q")
        self.stamps: array[int] = array("q")
        self.stamped: array[int] = array("q")
        self.lagging: dict[int, list[Seen]] = {}
        self.unique: dict[str, dict[str, str]] = {"email": {}} if object_type == "contacts" else {}
        self.index_epoch = 0  # grows when the modification index changed otherwise than by appending
        self._clock_ms = clock_ms
        self._lag_ms = lag_ms
        self._on_change = on_change
        self._next = first_id
        self._created_names = (*CREATED_NAMES.get(object_type, ("createdate", "hs_createdate")),)
        self._modified_names = MODIFIED_NAMES.get(object_type, ("hs_lastmodifieddate",))
        self.modified_name = self._modified_names[0]
        self.own_names = ("hs_object_id", *self._created_names, *self._modified_names)
        self.in_creation_order = True  # ids grow with creation instants; false once a record was made in the past
        self._newest = -(2**62)
        self._in_bulk = False

    # -- reading ---------------------------------------------------------------------------------------------------

    def get(self, record_id: str) -> Record | None:
        """Give a live record, None if it is unknown, archived or merged away."""
        return self.records.get(record_id)

    def survivor(self, record_id: str) -> Record | None:
        """Give a live record by its id or by an id that was merged into it."""
        seen = 0
        while record_id in self.merged_into and seen < 1000:
            record_id, seen = self.merged_into[record_id], seen + 1
        return self.records.get(record_id)

    def find(self, name: str, value: str) -> Record | None:
        """Give the live record with this value of a unique property (e-mail: additional addresses count too)."""
        if name == "hs_object_id":
            return self.survivor(value)
        if name not in self.unique:
            index = self.unique[name] = {}
            for record in self.records.values():
                if record.props.get(name):
                    index[record.props[name].lower()] = record.id
        return self.records.get(self.unique[name].get(value.strip().lower(), ""))

    def value(self, record: Record, name: str) -> str | None:
        """Give a value, the record's own stamps and id included; None when empty."""
        stored = record.props.get(name)
        if stored is not None:
            return stored
        if name in self._modified_names:
            return iso(record.modified)
        if name in self._created_names:
            return iso(record.created)
        return record.id if name == "hs_object_id" else None

    def after(self, key: int, limit: int) -> list[Record]:
        """Give up to `limit` live records with an id of at least `key`, in id order."""
        start = bisect_left(self.keys, key)
        return [self.records[str(found)] for found in self.keys[start : start + limit]]

    def modified_between(self, low: int | None, high: int | None) -> Iterator[int]:
        """Give the keys of live records last modified within [low, high]; a key may come twice."""
        first = 0 if low is None else bisect_left(self.stamps, low)
        last = len(self.stamps) if high is None else bisect_right(self.stamps, high)
        records = self.records
        for stamp, key in zip(self.stamps[first:last], self.stamped[first:last], strict=True):
            record = records.get(str(key))
            if record is not None and record.modified == stamp:
                yield key

    def count_modified_between(self, low: int | None, high: int | None) -> int:
        """Give an upper bound of the number of records in a window, without walking it."""
        first = 0 if low is None else bisect_left(self.stamps, low)
        last = len(self.stamps) if high is None else bisect_right(self.stamps, high)
        return max(0, last - first)

    # -- writing ---------------------------------------------------------------------------------------------------

    def create(self, props: Mapping[str, str], source: Source, at: int | None = None) -> Record:
        """Add a record; empty values are dropped. `at` in epoch milliseconds, default the clock."""
        at = self._clock_ms() if at is None else at
        record = Record(self._next, {intern(k): v for k, v in props.items() if v != ""}, at, source)
        if at < self._newest:
            self.in_creation_order = False
        self._newest = max(self._newest, at)
        self._next += 1
        self.records[record.id] = record
        self.keys.append(record.key)
        if lag := self._lag_ms(record.key):
            self.lagging[record.key] = [Seen(self._clock_ms() + lag, None, 0)]
        self._stamp(record, at)
        for name, index in self.unique.items():
            self._reindex(record, name, index, None, record.props.get(name))
        if self.unique and "hs_additional_emails" in record.props:
            self._reindex_additional(record, None, record.props["hs_additional_emails"])
        return record

    def update(self, record: Record, props: Mapping[str, str], source: Source, at: int | None = None) -> list[str]:
        """Set values ("" clears) and give the names that really changed; nothing changed moves no stamp."""
        at = self._clock_ms() if at is None else at
        changed = [name for name, value in props.items() if record.props.get(name, "") != value]
        if not changed:
            return changed
        self._remember_for_search(record)
        for name in changed:
            self._set(record, intern(name), props[name], source, at)
        self._stamp(record, max(at, record.modified))
        return changed

    def touch(self, record: Record, at: int | None = None) -> None:
        """Move the modification stamp without a changed value (a new activity does that)."""
        self._remember_for_search(record)
        self._stamp(record, self._clock_ms() if at is None else max(at, record.modified))

    def archive(self, record_id: str) -> Record | None:
        """Move a live record to the recycle bin; None if there is none."""
        record = self._remove(record_id)
        if record is not None:
            record.archived_at = self._clock_ms()
            self.archived[record_id] = record
        return record

    def restore(self, record_id: str) -> Record | None:
        """Bring a record back from the recycle bin; None if it is not there."""
        record = self.archived.pop(record_id, None)
        if record is not None:
            record.archived_at = None
            self._return(record)
        return record

    def erase(self, record_id: str) -> Record | None:
        """Remove a record for good, from the recycle bin too; None if it was nowhere."""
        return self._remove(record_id) or self.archived.pop(record_id, None)

    def merge_away(self, record_id: str, survivor_id: str) -> None:
        """Remove a record whose id from now on leads to another."""
        self._remove(record_id)
        self.merged_into[record_id] = survivor_id

    @contextmanager
    def bulk(self) -> Iterator[None]:
        """Leave the modification index alone inside the block and build it anew at its end (seeding)."""
        self._in_bulk = True
        try:
            yield
        finally:
            self._in_bulk = False
            self._compact()

    # -- inside ----------------------------------------------------------------------------------------------------

    def _set(self, record: Record, name: str, value: str, source: Source, at: int) -> None:
        before = record.props.get(name)
        if record.history is None:
            record.history = {}
        line = record.history.get(name)
        if line is None:
            line = record.history[name] = record.changes(name)
        line.append(Change(value, at, *source))
        if len(line) > 1 and at < line[-2].at:  # told late (an act of the past): keep the line in order of time
            line.sort(key=lambda change: change.at)
        if value == "":
            record.props.pop(name, None)
        else:
            record.props[name] = value
        if name in self.unique:
            self._reindex(record, name, self.unique[name], before, value or None)
        elif name == "hs_additional_emails" and "email" in self.unique:
            self._reindex_additional(record, before, value or None)
        self._on_change(record, name, before, value or None, source, at)

    def _reindex(self, record: Record, name: str, index: dict[str, str], before: str | None, after: str | None) -> None:
        if before and index.get(before.lower()) == record.id:
            del index[before.lower()]
        if after:
            index[after.lower()] = record.id

    def _reindex_additional(self, record: Record, before: str | None, after: str | None) -> None:
        index = self.unique["email"]
        main = record.props.get("email", "").lower()
        for email in (before or "").lower().split(";"):
            if email and email != main and index.get(email) == record.id:
                del index[email]
        for email in (after or "").lower().split(";"):
            if email:
                index.setdefault(email, record.id)

    def _stamp(self, record: Record, at: int) -> None:
        if self.stamps and record.modified == at and record.archived_at is None and record.created != at:
            return
        record.modified = at
        if self._in_bulk:
            return
        if not self.stamps or at >= self.stamps[-1]:
            self.stamps.append(at)
            self.stamped.append(record.key)
        else:
            place = bisect_right(self.stamps, at)
            self.stamps.insert(place, at)
            self.stamped.insert(place, record.key)
            self.index_epoch += 1
        if len(self.stamps) > 2 * len(self.records) + 1000:
            self._compact()

    def _compact(self) -> None:
        live = sorted((record.modified, record.key) for record in self.records.values())
        self.stamps = array("q", (stamp for stamp, _ in live))
        self.stamped = array("q", (key for _, key in live))
        self.index_epoch += 1

    def _remember_for_search(self, record: Record) -> None:
        lag = self._lag_ms(record.key)
        if lag:
            seen = Seen(self._clock_ms() + lag, dict(record.props), record.modified)
            self.lagging.setdefault(record.key, []).append(seen)

    def _remove(self, record_id: str) -> Record | None:
        record = self.records.pop(record_id, None)
        if record is None:
            return None
        place = bisect_left(self.keys, record.key)
        del self.keys[place]
        self.index_epoch += 1
        self.lagging.pop(record.key, None)
        for index in self.unique.values():
            for value in [value for value in _unique_values(record) if index.get(value) == record_id]:
                del index[value]
        return record

    def _return(self, record: Record) -> None:
        self.records[record.id] = record
        self.keys.insert(bisect_left(self.keys, record.key), record.key)
        self.records = dict(sorted(self.records.items(), key=lambda item: item[1].key))
        for name, index in self.unique.items():
            self._reindex(record, name, index, None, record.props.get(name))
        if "email" in self.unique:
            self._reindex_additional(record, None, record.props.get("hs_additional_emails"))
        self._stamp(record, self._clock_ms())


def _unique_values(record: Record) -> set[str]:
    values = {value.lower() for value in record.props.values() if len(value) < 512}
    return values | set(record.props.get("hs_additional_emails", "").lower().split(";"))
