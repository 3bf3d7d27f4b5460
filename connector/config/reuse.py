"""Reuse: conditions that admins name once, put in the place of every `use` before the rules are made of them.

Names are defined under `conditions` in qualification.yaml and known in all rule files. Rules never see a name: what is
compiled, kept as a version and replayed is the condition itself (docs/decisions/0011). A name that is unknown, or that
leads back to itself, is told at its line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connector.config.yaml_text import Document, KeyPath, dotted
from connector.errors import RuleBookError
from connector.rules.suggestions import nearest

HOME, SECTION = "qualification", "conditions"
MOST_LINKS = 6
MOST_NODES = 20_000
"""Conditions that one rule book may come to when all names are written out."""
_HARMLESS = {"field": "email", "op": "filled"}
"""Stands where a name could not be resolved, so that it is told once and not again by the model."""


class Reuse:
    """Writes the conditions out in the documents that it is given; keys are names of files without `.yaml`.

    Attributes:
        complaints: names that cannot be resolved, in the order of files.
    """

    def __init__(self, documents: Mapping[str, Document]) -> None:
        self.complaints: list[RuleBookError] = []
        self._documents = documents
        self._places: dict[str, set[KeyPath]] = {name: set() for name in documents}
        home = documents.get(HOME)
        section = home.value.get(SECTION) if home is not None and isinstance(home.value, dict) else None
        self._defined: dict[str, Any] = dict(section) if isinstance(section, dict) else {}
        self._written: dict[str, Any] = {}
        self._nodes = 0
        if isinstance(section, dict):
            for name in self._defined:
                section[name] = self._definition(name, ())
        for name, document in documents.items():
            for path, holder in _holders(document.value, ()):
                holder["when"] = self._tree(holder["when"], (*path, "when"), name, ())

    def is_inside(self, file: str, path: tuple[str | int, ...]) -> bool:
        """Whether a path leads into a condition that was put there: what is wrong there its definition says."""
        return any(len(path) > len(place) and path[: len(place)] == place for place in self._places.get(file, ()))

    def _definition(self, name: str, trail: tuple[str, ...]) -> Any:
        if name not in self._written:
            self._written[name] = self._tree(self._defined[name], (SECTION, name), HOME, (*trail, name))
        return self._written[name]

    def _tree(self, tree: Any, path: KeyPath, file: str, trail: tuple[str, ...]) -> Any:
        """The same tree without names. `trail`: the names that led here."""
        if not isinstance(tree, dict):
            return tree
        if isinstance(tree.get("use"), str) and tree.keys() <= {"use", "say"}:
            self._places[file].add(path)
            found = self._named(tree["use"], path, file, trail)
            return {**found, "say": tree["say"]} if "say" in tree else found
        written = dict(tree)
        for key in ("all", "any"):
            if isinstance(tree.get(key), list):
                written[key] = [
                    self._tree(item, (*path, key, place), file, trail) for place, item in enumerate(tree[key])
                ]
        if "not" in tree:
            written["not"] = self._tree(tree["not"], (*path, "not"), file, trail)
        return written

    def _named(self, name: str, path: KeyPath, file: str, trail: tuple[str, ...]) -> dict[str, Any]:
        if self._nodes > MOST_NODES:
            return dict(_HARMLESS)
        wrong = self._misuse(name, trail)
        if wrong is None:
            found = self._definition(name, trail)
            self._nodes += _size(found)
            if self._nodes <= MOST_NODES:
                return found if isinstance(found, dict) else dict(_HARMLESS)
            wrong = ("makes the rules too large", "say the same with fewer names, or with lists of values")
        line, column = self._documents[file].place((*path, "use"), of_value=True)
        self.complaints.append(RuleBookError(
            wrong[0], file=f"{file}.yaml", line=line, column=column, key=dotted((*path, "use")), found=f"`{name}`",
            advice=wrong[1],
        ))  # fmt: skip
        return dict(_HARMLESS)

    def _misuse(self, name: str, trail: tuple[str, ...]) -> tuple[str, str] | None:
        """(what is wrong, what would do) with a name at the end of a trail of names; None where all is well."""
        if name not in self._defined:
            known = f"use one of {', '.join(self._defined)}" if self._defined else ""
            advice = nearest(name, self._defined) or known or f"define it under `{SECTION}` in {HOME}.yaml"
            return "no condition has this name", advice
        if name in trail:
            circle = " → ".join((*trail[trail.index(name) :], name))
            return f"the condition leads back to itself: {circle}", "write out one of them"
        if len(trail) > MOST_LINKS:
            return f"names lead on to names more than {MOST_LINKS} times", "write out some of them"
        return None


def _holders(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
    """Everything with a condition under `when`. Examples are left alone: their keys are names of fields."""
    if isinstance(value, dict):
        if "when" in value:
            yield path, value
        for key, item in value.items():
            if key not in ("when", "examples"):
                yield from _holders(item, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _holders(item, (*path, place))


def _size(tree: Any) -> int:
    """How many conditions a tree is."""
    if not isinstance(tree, dict):
        return 1
    lists = [children for key in ("all", "any") if isinstance(children := tree.get(key), list)]
    inside = sum(_size(child) for children in lists for child in children)
    return 1 + inside + (_size(tree["not"]) if "not" in tree else 0)
