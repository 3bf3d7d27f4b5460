"""All keys that a rule file takes, worked out from its models: path, what it takes, its default. For test_rule_keys.py.

Paths are written as on the pages: `pools.NAME.members[].weight`, where NAME is any name of the admin's own.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import AfterValidator, BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from connector.rules.condition import Condition
from connector.rules.durations import Duration

NEEDED, NOTHING = "needed", "–"
MOST_LISTED = 6
"""Choices that stand in a table; more of them have a list of their own on the page."""
BY_CHECK = {"_sound_url": "path, `*` for anything", "_sound_name": "text, `*` for anything", "_country": "country"}
"""Texts of a kind, by the function that checks them."""
VALUE = "value"
PLAIN: Mapping[Any, str] = {
    str: "text", bool: "true or false", date: "day", timedelta: "span", Duration: "span, business time too",
    Condition: "condition", tuple[int, int]: "hours of a day",
}  # fmt: skip
_WORDS = re.compile(r"\^\(([a-z_|]+)\)\$")
"""A pattern that is a choice of words."""


@dataclass(frozen=True)
class Key:
    """`takes` and `default` in the words of the tables; `choices`: all that may stand there, where they are few."""

    path: str
    takes: str
    default: str
    choices: tuple[str, ...] = ()


def keys(model: type[BaseModel]) -> dict[str, Key]:
    """Every key of a file that holds a value, in the order of its model, by its path with `*` for names."""
    found: dict[str, Key] = {}
    for key in _keys(model, "", None):
        other = found.get(key.path)
        found[key.path] = _both(other, key) if other else key
    return found


def shown(value: Any, kind: Any, path: str = "") -> Iterator[str]:
    """The paths of what a part of a file shows."""
    for inner in _alternatives(kind):
        if inner is Condition or value is None:
            yield path
        elif _is_model(inner) and isinstance(value, dict):
            for name, info in inner.model_fields.items():
                if (key := info.alias or name) in value:
                    yield from shown(value[key], info.annotation, f"{path}.{key}" if path else key)
        elif (item := _item(inner)) and isinstance(value, list):
            for one in value:
                yield from shown(one, item, f"{path}[]" if _has_model(item) else path)
        elif (named := _named(inner)) and isinstance(value, dict):
            for one in value.values():
                yield from shown(one, named, f"{path}.*" if _has_model(named) else path)
        elif not _is_model(inner):
            yield path


def _keys(model: type[BaseModel], path: str, given: BaseModel | None) -> Iterator[Key]:
    for name, info in model.model_fields.items():
        here = f"{path}.{info.alias or name}" if path else info.alias or name
        default = getattr(given, name) if given is not None else info.get_default(call_default_factory=True)
        inside = list(_models(info.annotation, here))
        for where, inner in inside:
            yield from _keys(inner, where, default if isinstance(default, inner) else None)
        if not inside:
            takes = _words(info.annotation, tuple(info.metadata))
            yield Key(here, takes, _default(default), tuple(_choices(info.annotation)))


def _models(kind: Any, path: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """The models that stand at a path or in a list or table there."""
    for inner in _alternatives(kind):
        if _is_model(inner) and inner is not Condition:
            yield path, inner
        elif item := _item(inner):
            yield from _models(item, f"{path}[]")
        elif named := _named(inner):
            yield from _models(named, f"{path}.*")


def _has_model(kind: Any) -> bool:
    return bool(list(_models(kind, "")))


def _both(one: Key, other: Key) -> Key:
    """One key of several kinds of a thing, such as destinations."""
    choices = tuple(dict.fromkeys((*one.choices, *other.choices)))
    takes = one.takes if one.takes == other.takes else _listed(choices)
    return Key(one.path, takes, NOTHING if one.default != other.default else one.default, choices)


# -- what a key takes ----------------------------------------------------------------------------------------------


def _words(kind: Any, metadata: tuple[Any, ...] = ()) -> str:
    if get_origin(kind) is Annotated:
        first, *more = get_args(kind)
        return _words(first, (*_flat(more), *metadata))
    for check in metadata:
        name = getattr(getattr(check, "func", None), "__name__", "") if isinstance(check, AfterValidator) else ""
        if name in BY_CHECK:
            return BY_CHECK[name]
        if words := _WORDS.fullmatch(getattr(check, "pattern", None) or ""):
            return _listed(tuple(words[1].split("|")))
    if get_origin(kind) in (Union, types.UnionType):
        parts = [part for part in get_args(kind) if part is not type(None)]
        return VALUE if {str, bool} <= set(parts) else " or ".join(dict.fromkeys(_words(p, metadata) for p in parts))
    if get_origin(kind) is Literal or _is_enum(kind):
        return _listed(tuple(_choices(kind)))
    if item := _item(kind):
        return f"list: {_words(item)}"
    if named := _named(kind):
        return f"table: {_words(get_args(kind)[0])} → {_words(named)}"
    return _plain(kind, metadata)


def _plain(kind: Any, metadata: tuple[Any, ...]) -> str:
    if kind in (int, float):
        return ("whole number" if kind is int else "number") + _bounds(metadata)
    return PLAIN.get(kind) or kind.__name__.lower()


def _bounds(metadata: tuple[Any, ...]) -> str:
    least = next((bound.ge for bound in metadata if isinstance(bound, Ge)), None)
    above = next((bound.gt for bound in metadata if isinstance(bound, Gt)), None)
    most = next((bound.le for bound in metadata if isinstance(bound, Le)), None)
    start = f" from {least:,}" if least is not None else f" above {above:,}" if above is not None else ""
    return start + (f" to {most:,}" if most is not None else "")


def _flat(metadata: list[Any]) -> list[Any]:
    return [inner for one in metadata for inner in (one.metadata if isinstance(one, FieldInfo) else [one])]


def _listed(choices: tuple[str, ...]) -> str:
    if len(choices) > MOST_LISTED:
        return "a word of the list below"
    return ", ".join(f"`{choice}`" for choice in choices)


def _choices(kind: Any) -> Iterator[str]:
    """The words that may stand there, of lists and tables too."""
    if _is_enum(kind):
        yield from (str(one.value) for one in kind)
    elif get_origin(kind) is Literal:
        yield from (str(one) for one in get_args(kind))
    else:
        for part in get_args(kind):
            yield from _choices(part)


def _default(value: Any) -> str:
    if value is PydanticUndefined:
        return NEEDED
    if value is None or value == "" or (isinstance(value, tuple | dict | list | Mapping) and not value):
        return NOTHING
    return f"`{_spelt(value)}`"


def _spelt(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_spelt(one) for one in value)}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_spelt(one)}' for key, one in value.items())}}}"
    if isinstance(value, timedelta):
        return str(Duration(kind="wall", amount=int(value.total_seconds())))  # type: ignore[arg-type]
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


# -- shapes --------------------------------------------------------------------------------------------------------


def _alternatives(kind: Any) -> list[Any]:
    if get_origin(kind) is Annotated:
        return _alternatives(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        return [inner for part in get_args(kind) if part is not type(None) for inner in _alternatives(part)]
    return [kind]


def _item(kind: Any) -> Any:
    """What a list holds; None for everything else."""
    args = get_args(kind)
    return args[0] if get_origin(kind) in (tuple, list) and args and kind != tuple[int, int] else None


def _named(kind: Any) -> Any:
    """What a table with names of the admin's own holds; None for everything else."""
    args = get_args(kind)
    return args[1] if isinstance(get_origin(kind), type) and issubclass(get_origin(kind), Mapping) and args else None


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)
