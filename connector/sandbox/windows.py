"""Keeps the sorted ids of the modification windows that are being walked, so that each further page is cheap.

A window is remembered with the place in the store's modification log up to which it is true; later entries of the log
say which records left it or came in. Only store.py writes that log.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from .store import ObjectStore

_KEPT = 8
_FRESH = 5_000  # entries of the log to look through before the window is made anew


@dataclass(slots=True)
class Window:
    """Ids of one window, ascending, true up to `place` in the log of `epoch`."""

    keys: array[int]
    epoch: int
    place: int


class Windows:
    """The windows of one object store."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, int], Window] = {}

    def page(
        self, store: ObjectStore, modified: tuple[int, int], ids: tuple[int, int], offset: int, limit: int
    ) -> tuple[int, list[int]]:
        """Give how many records lie in both ranges, and the ids of one page of them, ascending."""
        window = self._window(store, modified)
        gone: set[int] = set()
        for key in set(store.stamped[window.place :]):
            record = store.records[str(key)]
            inside = modified[0] <= record.modified <= modified[1]
            place = bisect_left(window.keys, key)
            listed = place < len(window.keys) and window.keys[place] == key
            if inside and not listed:
                window.keys.insert(place, key)
            elif listed and not inside:
                gone.add(key)
        first, last = bisect_left(window.keys, ids[0]), bisect_right(window.keys, ids[1])
        total = max(0, last - first) - sum(ids[0] <= key <= ids[1] for key in gone)
        if not gone:
            return total, list(window.keys[first + offset : min(last, first + offset + limit)])
        found: list[int] = []
        for key in window.keys[first:last]:
            if key not in gone:
                found.append(key)
                if len(found) == offset + limit:
                    break
        return total, found[offset:]

    def _window(self, store: ObjectStore, modified: tuple[int, int]) -> Window:
        window = self._kept.get(modified)
        if window and window.epoch == store.index_epoch and len(store.stamps) - window.place <= _FRESH:
            return window
        keys = array("q", sorted(set(store.modified_between(*modified))))
        self._kept.pop(modified, None)
        while len(self._kept) >= _KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[modified] = window = Window(keys, store.index_epoch, len(store.stamps))
        return window
