"""Checks and normalises property values before a write; collects every problem as HubSpot words it.

Definitions come from properties.py. Gives clean strings ("" = clear); what a value sets in motion is effects.py.
Source: hubspot-facts sections 3.2 (error shape), 3.4 (formats), 4 (owner).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import properties
from .app import ApiError
from .clock import iso, parse_instant
from .portal import Portal
from .store import Record

DAY_MS = 86_400_000
LONGEST = 65_536
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_EMAIL = re.compile(r"[^@\s;,<>()\"]+@[^@\s;,<>()\"]+\.[^@\s;,<>()\".]+")
Definition = dict[str, Any]
Problem = dict[str, Any]


class InvalidValueError(Exception):
    """One value that cannot stand; code as HubSpot names it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(slots=True)
class Rules:
    """What was met so far in one batch: each definition is looked up once, and each value checked once."""

    portal: Portal
    object_type: str
    met: dict[str, Definition | None] = field(default_factory=dict)
    cleaned: dict[tuple[str, str], str] = field(default_factory=dict)
    """Property name as sent and text to its clean value; texts that append to the present value are not kept."""
    uniques: dict[str, bool] = field(default_factory=dict)

    def definition(self, name: str) -> Definition | None:
        """Give a property's definition, None for an unknown one."""
        if name not in self.met:
            self.met[name] = properties.definition(self.portal, self.object_type, name)
        return self.met[name]

    def is_unique(self, name: str) -> bool:
        """Say whether no two records may have one value of it."""
        if name not in self.uniques:
            by_email = name == "email" and self.object_type == "contacts"
            self.uniques[name] = by_email or bool((self.definition(name) or {}).get("hasUniqueValue"))
        return self.uniques[name]


def check(
    portal: Portal, object_type: str, props: Mapping[str, Any], present: Record | None, rules: Rules | None = None
) -> tuple[dict[str, str], list[Problem]]:
    """Give the clean values and the problems of the others.

    Args:
        props: as sent; numbers and booleans are taken as their text, null as "".
        present: the record to be written, for values that append (leading ";"); None for a new one.
    """
    rules = rules or Rules(portal, object_type)
    clean: dict[str, str] = {}
    problems: list[Problem] = []
    for name, sent in props.items():
        if type(sent) is str and (known := rules.cleaned.get((name, sent))) is not None:
            clean[name.lower()] = known
            continue
        try:
            value = clean[name.lower()] = _clean(rules, name.lower(), sent, present)
            if type(sent) is str and not sent.startswith(";"):
                rules.cleaned[name, sent] = value
        except InvalidValueError as error:
            problems.append(_problem(portal, name, error))
    return clean, problems


def refusal(problems: list[Problem], context: Mapping[str, list[str]] | None = None) -> ApiError:
    """Give the 400 that tells the problems: HubSpot puts their JSON into the message."""
    errors = tuple(
        {"message": each["message"], "code": each["error"], "context": {"propertyName": [each["name"]]}}
        for each in problems
    )
    message = f"Property values were not valid: {json.dumps(problems, separators=(',', ':'))}"
    return ApiError(400, "VALIDATION_ERROR", message, errors, context)


def missing(names: list[str]) -> ApiError:
    """Give the 400 of a create without required properties."""
    errors = tuple(
        {
            "message": f"Required property '{name}' is missing",
            "code": "REQUIRED_FIELD",
            "context": {"properties": [name]},
        }
        for name in names
    )
    message = f"Error creating object. Some required properties were not set: {', '.join(names)}"
    return ApiError(400, "VALIDATION_ERROR", message, errors, {"properties": names})


def _problem(portal: Portal, name: str, error: InvalidValueError) -> Problem:
    return {
        "isValid": False,
        "message": error.message,
        "error": error.code,
        "name": name,
        "localizedErrorMessage": error.message,
        "portalId": portal.id,
    }


def _clean(rules: Rules, name: str, sent: Any, present: Record | None) -> str:
    definition = rules.definition(name)
    if definition is None or definition.get("archived"):
        raise InvalidValueError("PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
    if definition.get("calculated") or definition.get("modificationMetadata", {}).get("readOnlyValue"):
        raise InvalidValueError("READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.')
    text = _text(name, sent)
    if text == "":
        return ""
    if definition.get("referencedObjectType") == "OWNER" or name == "hubspot_owner_id":
        return _owner(rules.portal, text)
    if name == "email" and rules.object_type == "contacts":
        return _email(text)
    return _BY_TYPE.get(definition["type"], _string)(definition, text, present)


def _text(name: str, sent: Any) -> str:
    if sent is None:
        return ""
    if isinstance(sent, bool):
        return "true" if sent else "false"
    if isinstance(sent, str | int | float):
        return str(sent)
    raise InvalidValueError("INVALID_TYPE", f'The value of "{name}" is not a text, a number or a boolean.')


def _owner(portal: Portal, text: str) -> str:
    owner = portal.directory.owners.get(text)
    refused_archived = portal.switches.archived_owner == "reject"
    if owner is None or (owner.archived and refused_archived):
        raise InvalidValueError(
            "INVALID_OWNER_ID", f"invalid_owner_id: Owner with ID {text} does not exist or is not active"
        )
    return text


def _email(text: str) -> str:
    text = text.strip().lower()
    if len(text) > 255 or not _EMAIL.fullmatch(text):
        raise InvalidValueError("INVALID_EMAIL", f"Email address {text} is invalid")
    return text


def _string(_definition: Definition, text: str, _present: Record | None) -> str:
    if len(text) > LONGEST:
        raise InvalidValueError(
            "INVALID_LENGTH", f"The value is {len(text)} characters long; at most {LONGEST} are allowed."
        )
    return text


def _number(_definition: Definition, text: str, _present: Record | None) -> str:
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        raise InvalidValueError("INVALID_NUMBER", f"{text} was not a valid number.")
    return text


def _bool(_definition: Definition, text: str, _present: Record | None) -> str:
    if text.lower() not in ("true", "false"):
        raise InvalidValueError("INVALID_OPTION", f"{text} was not one of the allowed options: [true, false]")
    return text.lower()


def _enumeration(definition: Definition, text: str, present: Record | None) -> str:
    options = [option["value"] for option in definition.get("options", ())]
    several = definition.get("fieldType") == "checkbox"
    values = [value for value in text.split(";") if value] if several else [text]
    if options:
        for value in values:
            if value not in options:
                allowed = ", ".join(options[:50])
                raise InvalidValueError("INVALID_OPTION", f"{value} was not one of the allowed options: [{allowed}]")
    if not several:
        return text
    if text.startswith(";") and present is not None:
        values = [each for each in (present.value(definition["name"]) or "").split(";") if each] + values
    return ";".join(dict.fromkeys(values))


def _instant(text: str, code: str) -> int:
    try:
        return parse_instant(text)
    except (ValueError, ArithmeticError) as error:
        raise InvalidValueError(code, f"{text} was not a valid date or instant.") from error


def _date(_definition: Definition, text: str, _present: Record | None) -> str:
    ms = _instant(text, "INVALID_DATE")
    if ms % DAY_MS:
        raise InvalidValueError("INVALID_DATE", f"{text} is at {iso(ms)[11:19]} UTC, not midnight!")
    return iso(ms)[:10]


def _datetime(_definition: Definition, text: str, _present: Record | None) -> str:
    return iso(_instant(text, "INVALID_DATE"))


_BY_TYPE: dict[str, Callable[[Definition, str, Record | None], str]] = {
    "number": _number,
    "bool": _bool,
    "enumeration": _enumeration,
    "date": _date,
    "datetime": _datetime,
}
