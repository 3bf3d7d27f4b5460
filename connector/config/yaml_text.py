"""YAML text into plain values, with the line and column of every key, and complaints that an admin can act on.

Narrower than YAML on purpose: one document, no tags, no merge keys, bounded size, depth and aliases, no key twice.
Built on ruamel.yaml's parser events, which cost two thirds of a full load and know every position. Words are read as
YAML 1.2 says: `on`, `yes` and `08:30` are text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from connector.errors import RuleBookError

LARGEST_BYTES = 1_048_576
DEEPEST = 32
MOST_NODES = 50_000
MOST_ALIASES = 100
KEPT = 16
"""Parsed files that are remembered: the ten of one folder, and some that were changed since."""

KeyPath = tuple[str | int, ...]
Place = tuple[int, int]
_TAB = re.compile(" *\t")
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?[0-9]{1,17}\.[0-9]{1,17}(?:[eE][-+]?[0-9]{1,2})?")
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None, "true": True, "True": True, "TRUE": True,
          "false": False, "False": False, "FALSE": False}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Document:
    """One file's values.

    Attributes:
        value: dicts with text keys, lists, text, numbers, true/false and None.
        keys: path -> line and column (from 1) of the key, or of the item in a list; the root is at 1:1.
        values: path -> where its value begins.
    """

    value: Any
    keys: dict[KeyPath, Place] = field(default_factory=dict)
    values: dict[KeyPath, Place] = field(default_factory=dict)

    def place(self, path: KeyPath, *, of_value: bool = False) -> Place:
        """Where a path is, or the nearest thing above it that stands in the file."""
        while path and path not in self.keys:
            path = path[:-1]
        found = self.values.get(path) if of_value else None
        return found or self.keys.get(path, (1, 1))


def read_yaml(content: bytes, file: str) -> Document:
    """The document of one file; RuleBookError with its place where it cannot be read. `file`: for complaints.

    The value is the caller's own. A file that stays as it was is parsed once: before each run all rules are read anew.
    """
    parsed = _parse(content, file)
    return Document(deepcopy(parsed.value), parsed.keys, parsed.values)


@lru_cache(maxsize=KEPT)
def _parse(content: bytes, file: str) -> Document:
    if len(content) > LARGEST_BYTES:
        message = f"the file is larger than {LARGEST_BYTES // 1024:,} KiB"
        raise RuleBookError(message, file=file, advice="rules are small; is this the right file?")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = content.count(b"\n", 0, fault.start) + 1
        raise RuleBookError("is not UTF-8 text", file=file, line=line, column=1, advice="save it as UTF-8") from fault
    try:
        return _Builder(file, YAML(typ="safe", pure=True).parse(text)).document()
    except MarkedYAMLError as fault:
        raise _unreadable(fault, text, file) from fault
    except (YAMLError, ValueError) as fault:
        advice = "remove control characters; they do not show in most editors"
        raise RuleBookError("holds signs that YAML does not allow", file=file, advice=advice) from fault


def _unreadable(fault: MarkedYAMLError, text: str, file: str) -> RuleBookError:
    mark = fault.problem_mark or fault.context_mark
    line = mark.line + 1 if mark else 0
    column = mark.column + 1 if mark else 0
    lines = text.splitlines()
    for number in (line, line - 1):
        tab = _TAB.match(lines[number - 1]) if 0 < number <= len(lines) else None
        if tab is not None:
            message = "a tab stands in the indentation"
            return RuleBookError(
                message, file=file, line=number, column=tab.end(), advice="use blanks instead of tabs"
            )
    problem = (fault.problem or "is not YAML").strip()
    advice = "check indentation, colons and quotes near this place; texts with `: `, `#` or a leading * need quotes"
    return RuleBookError(f"cannot be read as YAML: {problem}", file=file, line=line, column=column, advice=advice)


class _Builder:
    """Walks the events once; every complaint has its place."""

    def __init__(self, file: str, events: Iterator[Event]) -> None:
        self.file, self.events = file, events
        self.keys: dict[KeyPath, Place] = {}
        self.values: dict[KeyPath, Place] = {}
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.nodes = self.aliases = 0

    def document(self) -> Document:
        value: Any = None
        documents = 0
        for event in self.events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._refuse(event, "a second document begins", "keep one document in a file; remove the ---")
            elif isinstance(event, NodeEvent):
                value = self._node(event, ())
            elif isinstance(event, StreamEndEvent):
                break
        return Document(value, self.keys, self.values)

    def _node(self, event: Event, path: KeyPath) -> Any:
        before = self.nodes
        self._count(event, 1)
        if len(path) > DEEPEST:
            raise self._refuse(event, f"is nested more than {DEEPEST} deep", "rules need a few levels only")
        self.values[path] = self._place(event)
        if isinstance(event, AliasEvent):
            return self._alias(event)
        if isinstance(event, ScalarEvent | SequenceStartEvent | MappingStartEvent) and event.tag is not None:
            raise self._refuse(event, "YAML tags are not read", f"remove the tag {event.tag}")
        if isinstance(event, ScalarEvent):
            value: Any = _scalar(event)
        elif isinstance(event, SequenceStartEvent):
            value = self._sequence(path)
        elif isinstance(event, MappingStartEvent):
            value = self._mapping(path)
        else:
            raise self._refuse(event, "is not understood", "write plain keys and values")
        if event.anchor:
            self.anchors[event.anchor] = (value, self.nodes - before)
        return value

    def _count(self, event: Event, nodes: int) -> None:
        self.nodes += nodes
        if self.nodes > MOST_NODES:
            raise self._refuse(event, f"holds more than {MOST_NODES:,} values, aliases counted in full", "shorten it")

    def _alias(self, event: AliasEvent) -> Any:
        """The value it names, counted again in full: whoever reads the rules goes through it again."""
        self.aliases += 1
        if self.aliases > MOST_ALIASES:
            raise self._refuse(event, f"uses more than {MOST_ALIASES} aliases", "write the values out")
        if event.anchor not in self.anchors:
            message = f"`*{event.anchor}` names nothing above it"
            raise self._refuse(event, message, "texts that begin with * need quotes")
        value, size = self.anchors[event.anchor]
        self._count(event, size)
        return value

    def _sequence(self, path: KeyPath) -> list[Any]:
        items: list[Any] = []
        for event in self.events:
            if isinstance(event, SequenceEndEvent):
                break
            place = (*path, len(items))
            self.keys[place] = self._place(event)
            items.append(self._node(event, place))
        return items

    def _mapping(self, path: KeyPath) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for event in self.events:
            if isinstance(event, MappingEndEvent):
                break
            key = self._key(event)
            place = (*path, key)
            if key in found:
                first = self.keys[place][0]
                message = f"the key `{key}` stands here twice, first in line {first}"
                raise self._refuse(event, message, "keep one of them", key=place)
            self.keys[place] = self._place(event)
            found[key] = self._node(next(self.events), place)
        return found

    def _key(self, event: Event) -> str:
        if not isinstance(event, ScalarEvent) or event.tag is not None:
            raise self._refuse(event, "a key must be plain text", "write it as `name: value`")
        if event.value == "<<" and not event.style:
            raise self._refuse(event, "merge keys (<<) are not read", "write the keys out")
        return str(event.value)

    def _place(self, event: Event) -> Place:
        return event.start_mark.line + 1, event.start_mark.column + 1

    def _refuse(self, event: Event, message: str, advice: str, *, key: KeyPath = ()) -> RuleBookError:
        line, column = self._place(event)
        return RuleBookError(message, file=self.file, line=line, column=column, key=dotted(key), advice=advice)


def _scalar(event: ScalarEvent) -> Any:
    """Numbers with leading zeros, and .nan or .inf, stay text: rules have no use for them."""
    text = str(event.value)
    if event.style:  # quoted, or a block of text
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def dotted(path: KeyPath) -> str:
    """A path as people write it: `fit.rules[2].points`."""
    words = ""
    for part in path:
        words += f"[{part}]" if isinstance(part, int) else f".{part}" if words else part
    return words
