"""Portal types: may a property of this type be read as that field, and written from it (R32).

Says no only where no value could ever pass: a day is never a number, and a text never fits into a date. What some
values may pass, such as a number kept as text, is left to reading (rules/values.py), which tells what it cannot read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from connector.rules.fields import RESERVED, FieldType
from connector.rules.rulebook import Complaint, RuleBook

WORDS = frozenset({"string", "enumeration", "phone_number"})
TIMES = frozenset({"date", "datetime"})
KNOWN = WORDS | TIMES | {"number", "bool"}
"""Types of the portal that this table speaks of; of others nothing is said."""

READS: Mapping[FieldType, frozenset[str]] = {
    FieldType.TEXT: KNOWN,
    FieldType.EMAIL: WORDS,
    FieldType.PHONE: WORDS | {"number"},
    FieldType.COUNTRY: WORDS,
    FieldType.DOMAIN: WORDS,
    FieldType.URL: WORDS,
    FieldType.NUMBER: WORDS | {"number"},
    FieldType.BOOL: WORDS | {"bool", "number"},
    FieldType.DATE: WORDS | TIMES,
    FieldType.INSTANT: WORDS | TIMES | {"number"},
    FieldType.CHOICE: WORDS | {"bool", "number"},
    FieldType.CHOICES: WORDS,
    FieldType.STAGE: WORDS,
    FieldType.OWNER: WORDS | {"number"},
}
WRITES: Mapping[FieldType, frozenset[str]] = {
    **dict.fromkeys(FieldType, WORDS),
    FieldType.NUMBER: frozenset({"number", "string"}),
    FieldType.BOOL: WORDS | {"bool"},
    FieldType.DATE: TIMES | {"string"},
    FieldType.INSTANT: frozenset({"datetime", "string"}),
    FieldType.CHOICE: WORDS | {"bool"},
    FieldType.OWNER: WORDS | {"number"},
}
SUITS: Mapping[str, FieldType] = {
    "number": FieldType.NUMBER,
    "bool": FieldType.BOOL,
    "date": FieldType.DATE,
    "datetime": FieldType.INSTANT,
    "enumeration": FieldType.CHOICE,
    "phone_number": FieldType.PHONE,
    "string": FieldType.TEXT,
}
"""What a property of the type is read as best."""


def wrong_types(book: RuleBook, types: Mapping[str, str]) -> Iterator[Complaint]:
    """Every field whose property can never give, or never take, a value of its type.

    Args:
        types: of the portal's properties, by property; those that the portal lacks are absent and not complained of.
    """
    for name, rule in book.fields.fields.items():
        kind = types.get(rule.property or "", "")
        if kind not in KNOWN:
            continue
        unread, unwritten = kind not in READS[rule.type], rule.may_write() and kind not in WRITES[rule.type]
        if unread or unwritten:
            what = "read as" if unread else "written from a field of type"
            other = "" if name in RESERVED else f"write `type: {SUITS[kind]}`, or "
            yield Complaint(
                file="fields",
                path=("fields", name, "type"),
                message=f"the portal's property `{rule.property}` is of type {kind}, "
                f"which cannot be {what} {rule.type}",
                advice=f"{other}name another property under `property`",
            )
