"""Column types: instants, plain words, ids and structured text, alike on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, String, Text, TypeDecorator
from sqlalchemy.types import TypeEngine

from connector.domain.contact import require_aware
from connector.store.codec import decode, encode, to_iso

Id = String().with_variant(String(collation="C"), "postgresql")
"""Ids and other keys. Collation C: the same order everywhere, whatever language the server speaks (I9: ties by id)."""


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant both ways; a naive one is refused. ISO text on SQLite, which has no time of its own."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kind: TypeEngine[Any] = Text() if dialect.name == "sqlite" else DateTime(timezone=True)
        return dialect.type_descriptor(kind)

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        if dialect.name == "sqlite":
            return lambda moment: None if moment is None else to_iso(moment)
        return lambda moment: None if moment is None else require_aware(moment, "an instant to store")

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        if dialect.name == "sqlite":
            return lambda text: None if text is None else datetime.fromisoformat(text)
        return lambda moment: None if moment is None else moment.astimezone(UTC)


def clean(text: str) -> str:
    """Without what a database cannot hold: NUL (PostgreSQL) and halves of surrogate pairs (both)."""
    if text.isascii():
        return text.replace("\0", "") if "\0" in text else text
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _clean_or_none(text: str | None) -> str | None:
    if text is None or (text.isascii() and "\0" not in text):
        return text
    return clean(text)


class Words(TypeDecorator[str]):
    """Text that came from outside; see `clean`."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[str | None], str | None]:
        return _clean_or_none

    def result_processor(self, dialect: Dialect, coltype: object) -> None:
        return None


class Structure(TypeDecorator[Any]):
    """A JSON-like value in text. Not JSONB: nothing searches in it, and JSONB refuses what a name may hold."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str | None]:
        return lambda value: None if value is None else encode(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], Any]:
        return lambda text: None if text is None else decode(text)
