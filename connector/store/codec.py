"""Values as compact text: what tables keep of a contact, an episode or a plan, and back again without a loss.

JSON knows neither instants nor days, so they travel as `{"$t": …}` and `{"$d": …}`; a list is several choices, a tuple.
A NUL or half a surrogate pair in somebody's name is written as an escape, and so stored as it came, on both databases.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from connector.domain.change import Change, ChangeKind
from connector.domain.contact import ContactId, OwnerId, Value, require_aware
from connector.domain.episode import Episode, EpisodeId, State
from connector.domain.json_text import dumps, loads

INSTANT, DAY = "$t", "$d"


@lru_cache(maxsize=4096)        # the instants of one contact repeat, and writing one out costs ten times a look-up
def to_iso(moment: datetime) -> str:
    """An instant as text of one width, so that text order is time order: `2026-11-22T09:00:00.000000+00:00`."""
    require_aware(moment, "an instant to store")
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")


def _mark(value: object) -> object:
    if isinstance(value, datetime):
        return {INSTANT: to_iso(value)}
    if isinstance(value, date):
        return {DAY: value.isoformat()}
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} cannot be stored")


encode = json.JSONEncoder(separators=(",", ":"), default=_mark).encode
"""Any JSON-like value with instants and days in it, as text that never changes: digests are made of it."""


def _unmark(node: dict[str, Any]) -> Any:
    if len(node) == 1:
        if (text := node.get(INSTANT)) is not None:
            return datetime.fromisoformat(text)
        if (text := node.get(DAY)) is not None:
            return date.fromisoformat(text)
    return node


def decode(text: str) -> Any:
    """The inverse of `encode`, but for tuples, which come back as lists."""
    return json.loads(text, object_hook=_unmark) if '{"$' in text else loads(text)


def encode_values(values: Mapping[str, Value]) -> str:
    """Fields of a contact, or its wire values."""
    return dumps(values, default=_mark)


def decode_values(text: str) -> dict[str, Any]:
    values: dict[str, Any] = loads(text)
    # Most contacts hold text and numbers alone; looking for the two signs costs less than walking over the values.
    if "[" in text or '{"$' in text:
        for name, value in values.items():
            if value.__class__ is list:
                values[name] = tuple(value)
            elif value.__class__ is dict:
                values[name] = _unmark(value)
    return values


def encode_times(times: Mapping[str, datetime]) -> str:
    return dumps({name: to_iso(at) for name, at in times.items()}) if times else "{}"


def decode_times(text: str) -> dict[str, datetime]:
    return {name: datetime.fromisoformat(at) for name, at in loads(text).items()} if text != "{}" else {}


def episode_to_plain(episode: Episode | None) -> dict[str, Any] | None:
    return None if episode is None else {part.name: getattr(episode, part.name) for part in fields(Episode)}


def episode_from_plain(plain: Mapping[str, Any] | None) -> Episode | None:
    if plain is None:
        return None
    had = tuple(plain.get("former_owners", ()))
    return Episode(**{**plain, "state": State(plain["state"]), "id": EpisodeId(plain["id"]), "former_owners": had})


def changes_to_plain(changes: tuple[Change, ...]) -> list[list[Any]]:
    """Most changes have no key: they are six values, as they always were."""
    return [
        [c.contact, c.kind, c.field, c.before, c.after, c.backward, *([c.key, c.due_at] if c.key else ())]
        for c in changes
    ]


def changes_from_plain(plain: list[list[Any]]) -> tuple[Change, ...]:
    return tuple(
        Change(
            contact=ContactId(contact), kind=ChangeKind(kind), field=field,
            before=_choices(before), after=_choices(after), backward=backward,
            key=more[0] if more else "", due_at=more[1] if more else None,
        )
        for contact, kind, field, before, after, backward, *more in plain
    )


def _choices(value: Any) -> Value:
    return tuple(value) if isinstance(value, list) else value


def turn_from_plain(plain: list[Any] | None) -> tuple[str, Mapping[OwnerId, int]] | None:
    """None for none, and for one of the first version, which counted otherwise."""
    return (plain[0], plain[1]) if plain is not None and isinstance(plain[1], dict) else None
