"""Named values: options that conditions and statuses name and the portal's property does not have (R32).

A value that is misspelt, or an option that somebody renamed, makes its condition silently never hold (or, with
`is_not`, always). Compared as conditions compare: without regard to case. Patterns (`contains` of a text, `matches`)
may mean options to come, and are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from connector.rules.condition import Condition
from connector.rules.fields import FieldType
from connector.rules.operators import Operator
from connector.rules.rulebook import PARTS, Complaint, RuleBook, find_conditions
from connector.rules.suggestions import nearest

Path = tuple[str | int, ...]
CHOSEN = frozenset({FieldType.CHOICE, FieldType.CHOICES, FieldType.TEXT})
"""Types whose values are the portal's own words; others are read into a form of ours."""
EXACT = frozenset({Operator.IS, Operator.IS_NOT, Operator.IN, Operator.NOT_IN})
MOST_NAMED = 8
"""Options that a complaint lists."""


class Options(NamedTuple):
    """Of one property: what is stored, and what people see in its place, in the same order."""

    values: tuple[str, ...]
    labels: tuple[str, ...] = ()


def unknown_values(book: RuleBook, options: Mapping[str, Options]) -> Iterator[Complaint]:
    """Every value in a condition that is no option of its field, with what is most likely meant.

    Args:
        options: by property; absent where it takes anything.
    """
    by_field = {
        name: options[rule.property]
        for name, rule in book.fields.fields.items()
        if rule.type in CHOSEN and rule.property is not None and rule.property in options
    }
    if not by_field:
        return
    for file in PARTS:
        for root, tree in find_conditions(book.part(file), ()):
            for path, field, value in _named(tree, root, book):
                there, prop = by_field.get(field), book.fields.fields[field].property
                if there is not None and value.casefold() not in {one.casefold() for one in there.values}:
                    yield Complaint(
                        file=file,
                        path=path,
                        message=f"`{value}` is no option of the portal's property `{prop}`",
                        advice=_meant(value, there),
                    )
    yield from _statuses(book, by_field.get("status"))


def _statuses(book: RuleBook, options: Options | None) -> Iterator[Complaint]:
    """Answers that no rep can give."""
    known = {one.casefold() for one in options.values} if options is not None else set()
    unknown = [name for name in book.stages.statuses if name.casefold() not in known]
    if options is not None and unknown:
        yield Complaint(
            file="stages",
            path=("statuses",),
            message=f"nobody can give the answer {' or '.join(unknown)}: the portal has no such lead status",
            advice=f"take it out, or use one of {_listed(options.values)}",
        )


def _named(tree: Condition, path: Path, book: RuleBook) -> Iterator[tuple[Path, str, str]]:
    """Path, field and value of each text that is compared exactly."""
    if tree.field is not None:
        rule = book.fields.fields.get(tree.field)
        exact = tree.op in EXACT or (tree.op is Operator.CONTAINS and rule and rule.type is FieldType.CHOICES)
        values = tree.value if isinstance(tree.value, tuple) else (tree.value,)
        for place, value in enumerate(values if exact else ()):
            if isinstance(value, str) and value:
                where = (*path, "value", place) if isinstance(tree.value, tuple) else (*path, "value")
                yield where, tree.field, value
    for key, children in (("all", tree.all_of), ("any", tree.any_of)):
        for number, child in enumerate(children or ()):
            yield from _named(child, (*path, key, number), book)
    if tree.not_ is not None:
        yield from _named(tree.not_, (*path, "not"), book)


def _meant(value: str, options: Options) -> str:
    """People see labels and write them; what is stored, and compared, is the value."""
    for stored, label in zip(options.values, options.labels, strict=False):
        if label.casefold() == value.casefold():
            return f"that is its label; write `{stored}`"
    return nearest(value, options.values) or f"use one of {_listed(options.values)}"


def _listed(values: tuple[str, ...]) -> str:
    more = f" and {len(values) - MOST_NAMED} others" if len(values) > MOST_NAMED else ""
    return ", ".join(f"`{one}`" for one in values[:MOST_NAMED]) + more
