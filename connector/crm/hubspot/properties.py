"""Property definitions: what the portal has (`handoff check`), and ours, made where they lack (`handoff init --apply`).

Takes nothing away: a property of ours with another type is told, never altered; choices that it lacks are added behind
the ones that are there, for a list of options is written as a whole.
Source: hubspot-facts, section 3.4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.crm.hubspot.client import Client, raw
from connector.crm.hubspot.lists import Lists
from connector.crm.hubspot.protocol import parse_rows, understood
from connector.crm.hubspot.refusals import RefusedError
from connector.engine.ports import PropertyInfo, Schema
from connector.errors import UnknownPropertyError

OBJECT = "contacts"


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyDefinition:
    """A property to make.

    Attributes:
        type, field_type: HubSpot's own words, such as `enumeration` and `select`.
        options: value and label, in order; only for enumerations.
        description: what the people who see it in HubSpot should know.
    """

    name: str
    label: str
    type: str
    field_type: str
    description: str = ""
    options: tuple[tuple[str, str], ...] = ()


def read_schema(client: Client, kind: str = OBJECT) -> Schema:
    """All properties of contacts, or of another kind, that are not archived; one call."""
    return Schema(properties=parse_properties(raw(client.properties.get_all, kind, archived=False).payload))


@understood("a property")
def parse_properties(payload: object) -> dict[str, PropertyInfo]:
    return {str(row["name"]): _parse(row) for row in parse_rows(payload) if row.get("name") and not row.get("archived")}


def ensure_owned(
    client: Client,
    lists: Lists,
    group: str,
    group_label: str,
    definitions: Sequence[PropertyDefinition],
    list_name: str,
) -> tuple[str, ...]:
    """Make the group, the properties, their choices and the list where they lack; one sentence for each.

    Safe to repeat: a second time makes nothing and gives nothing.

    Raises:
        UnknownPropertyError: the portal has one of them with another type. Nothing is made then.
    """
    payload = raw(client.properties.get_all, OBJECT, archived=False).payload
    present = parse_properties(payload)
    _check_types(present, definitions)
    new = [definition for definition in definitions if definition.name not in present]
    made = tuple(_make(client, lists, group, group_label, new, list_name))
    there = {str(row.get("name")): row for row in parse_rows(payload)}
    old = [(definition, there[definition.name]) for definition in definitions if definition.name in present]
    return (*made, *_add_choices(client, old))


def _add_choices(client: Client, there: Sequence[tuple[PropertyDefinition, Mapping[str, Any]]]) -> Iterator[str]:
    for definition, row in there:
        options = [option for option in row.get("options") or () if isinstance(option, dict)]
        known = {str(option.get("value")) for option in options}
        lacking = [(value, label) for value, label in definition.options if value not in known]
        if definition.type == "enumeration" and lacking:
            more = build_options(lacking, first=len(options))
            raw(client.properties.update, OBJECT, definition.name, {"options": [*options, *more]})
            named = ", ".join(f"“{label}”" for _, label in lacking)
            yield f"added to the contact property “{definition.label}” ({definition.name}): {named}"


def _make(
    client: Client,
    lists: Lists,
    group: str,
    group_label: str,
    lacking: Sequence[PropertyDefinition],
    list_name: str,
) -> Iterator[str]:
    groups = {str(row.get("name")) for row in parse_rows(raw(client.property_groups.get_all, OBJECT).payload)}
    body = {"name": group, "label": group_label, "displayOrder": -1}
    if group not in groups and _created(client.property_groups.create, OBJECT, body):
        yield f"made the property group “{group_label}”"
    for definition in lacking:
        if _created(client.properties.create, OBJECT, build_property(definition, group)):
            yield f"made the contact property “{definition.label}” ({definition.name})"
    if lists.find(list_name) is None:
        lists.create(list_name)
        yield f"made the static contact list “{list_name}”"


def build_property(definition: PropertyDefinition, group: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": definition.name,
        "label": definition.label,
        "type": definition.type,
        "fieldType": definition.field_type,
        "groupName": group,
        "description": definition.description,
    }
    if definition.options:
        body["options"] = build_options(definition.options)
    return body


def build_options(choices: Sequence[tuple[str, str]], first: int = 0) -> list[dict[str, Any]]:
    return [
        {"value": value, "label": label, "displayOrder": order, "hidden": False}
        for order, (value, label) in enumerate(choices, first)
    ]


def _parse(row: Mapping[str, Any]) -> PropertyInfo:
    rights = row.get("modificationMetadata") or {}
    options = [option for option in row.get("options") or () if isinstance(option, dict)]
    options.sort(key=lambda option: option.get("displayOrder") or 0)
    return PropertyInfo(
        type=str(row.get("type", "")),
        options=tuple(str(option.get("value")) for option in options),
        labels=tuple(str(option.get("label") or "") for option in options),
        read_only=bool(rights.get("readOnlyValue") or row.get("calculated")),
    )


def _created(method: Callable[..., Any], *args: object) -> bool:
    """Create; False where it was there already, for a repeat or another process was faster."""
    try:
        raw(method, *args)
    except RefusedError as error:
        if error.refusal.status == 409:
            return False
        raise
    return True


def _check_types(present: Mapping[str, PropertyInfo], definitions: Sequence[PropertyDefinition]) -> None:
    for definition in definitions:
        there = present.get(definition.name)
        if there is not None and there.type != definition.type:
            raise UnknownPropertyError(
                f"the portal's property {definition.name} is of type {there.type}, Handoff needs {definition.type}",
                advice="Archive that property in HubSpot, or map the field to another one in mappings/fields.yaml.",
            )
