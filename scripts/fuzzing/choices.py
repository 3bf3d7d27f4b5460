"""An input read as a row of choices, so that the same bytes always make the same settings, answers and headers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Choices:
    """Reads from the front; what lies beyond the end is zero."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def ended(self) -> bool:
        return self._at >= len(self._data)

    def byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def below(self, number: int) -> int:
        """A number from 0; `number` at most 65,536."""
        return (self.byte() if number <= 256 else self.byte() * 256 + self.byte()) % number

    def pick(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]

    def text(self, most: int = 255) -> str:
        return self.bytes(most).decode("utf-8", "replace")

    def rest(self) -> bytes:
        found = self._data[self._at :]
        self._at = len(self._data)
        return found

    def bytes(self, most: int = 255) -> bytes:
        """A length, then so many bytes. The last of all: its name hides the type's from what follows."""
        size = self.below(most + 1)
        self._at += size
        return self._data[self._at - size : self._at]
