"""Property definitions and groups of one portal: the standard ones of schema.py plus what the portal changed or made.

`definition(portal, object_type, name)` is what validation asks. Values are never touched here; an archived definition
keeps its values in the records, as HubSpot does. A new lifecycle stage brings its own stamps with it. The HTTP side is
properties.py.

Source: hubspot-facts 3.4, 4. The wording of HubSpot's 400, 404 and 409 bodies is not published: only status and
category are to be relied on.
"""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from . import schema
from .app import ApiError
from .portal import Portal
from .schema import Definition

FIELD_TYPES = {
    "string": ("text", "textarea", "phonenumber", "file", "html", "calculation_equation"),
    "number": ("number", "calculation_equation"),
    "bool": ("booleancheckbox", "calculation_equation"),
    "enumeration": ("select", "radio", "checkbox", "booleancheckbox"),
    "date": ("date",),
    "datetime": ("date",),
    "phone_number": ("phonenumber",),
}
UNIQUE_MAX = 10
NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_CHANGEABLE = frozenset(
    {"label", "description", "groupName", "type", "fieldType", "options", "displayOrder", "hidden", "formField"}
    | {"calculationFormula", "numberDisplayHint", "dateDisplayHint", "showCurrencySymbol"}
)
_EXTRAS = ("calculationFormula", "referencedObjectType", "numberDisplayHint", "dateDisplayHint", "showCurrencySymbol")


@dataclass(slots=True)
class Definitions:
    """What one portal changed or added, by object type and name; everything else is the shared standard."""

    own: dict[str, dict[str, Definition]] = field(default_factory=dict)
    archived: dict[str, dict[str, Definition]] = field(default_factory=dict)
    groups: dict[str, dict[str, Definition]] = field(default_factory=dict)
    archived_groups: dict[str, set[str]] = field(default_factory=dict)


_STANDARD: dict[str, dict[str, Definition]] = {}


def definition(portal: Portal, object_type: str, name: str) -> Definition | None:
    """The live definition of a property, None when the portal has none; read it, do not change it."""
    changed = state_of(portal).own.get(object_type)
    if changed is not None and name in changed:
        return changed[name]
    found = _standard(object_type).get(name)
    return _follow_pipelines(portal, object_type, found) if found is not None else None


def definitions(portal: Portal, object_type: str) -> list[Definition]:
    """All live definitions of an object type, standard ones first."""
    names = dict.fromkeys([*_standard(object_type), *state_of(portal).own.get(object_type, {})])
    found = (definition(portal, object_type, name) for name in names)
    return [each for each in found if each is not None]


def create(portal: Portal, object_type: str, body: dict[str, Any]) -> Definition:
    """Add a property of the portal's own from a create request's body.

    Raises:
        ApiError: 400 for a bad name, type, group or option; 409 when the name is taken.
    """
    name = str(body.get("name") or "")
    _check_new(portal, object_type, name, body)
    _check_shape(portal, object_type, body)
    now = portal.clock.iso()
    made = {
        "name": name,
        "label": str(body.get("label") or name),
        "description": str(body.get("description") or ""),
        "groupName": body["groupName"],
        "type": body["type"],
        "fieldType": body["fieldType"],
        "options": _options(body),
        "displayOrder": body.get("displayOrder", -1),
        "hasUniqueValue": bool(body.get("hasUniqueValue", False)),
        "hidden": bool(body.get("hidden", False)),
        "hubspotDefined": False,
        "calculated": body["fieldType"] == "calculation_equation",
        "externalOptions": bool(body.get("externalOptions", False)),
        "formField": bool(body.get("formField", False)),
        "archived": False,
        "dataSensitivity": body.get("dataSensitivity", "non_sensitive"),
        "createdAt": now,
        "updatedAt": now,
        "modificationMetadata": {
            "archivable": True,
            "readOnlyDefinition": False,
            "readOnlyOptions": False,
            "readOnlyValue": body["fieldType"] == "calculation_equation",
        },
    } | {key: body[key] for key in _EXTRAS if body.get(key) is not None}
    state_of(portal).own.setdefault(object_type, {})[name] = made
    state_of(portal).archived.get(object_type, {}).pop(name, None)
    return made


def update(portal: Portal, object_type: str, name: str, body: dict[str, Any]) -> Definition:
    """Change a definition; of HubSpot's own ones only the options may change, where they are open.

    Raises:
        ApiError: 404 unknown, 400 not changeable or badly shaped.
    """
    present = live(portal, object_type, name)
    changes = {key: value for key, value in body.items() if key in _CHANGEABLE and value is not None}
    _check_changeable(present, changes)
    changed = deepcopy(present) | changes
    _check_shape(portal, object_type, changed)
    changed["options"] = _options(changed)
    changed["updatedAt"] = portal.clock.iso()
    state_of(portal).own.setdefault(object_type, {})[name] = changed
    if name == "lifecyclestage" and object_type in schema.STAMP_GROUPS:
        add_stage_stamps(portal, object_type, [option["value"] for option in changed["options"]], became=True)
    return changed


def add_stage_stamps(portal: Portal, object_type: str, stages: list[str], *, became: bool = False) -> None:
    """Make sure that the entered/exited/time-in properties of these stages exist."""
    own = state_of(portal).own.setdefault(object_type, {})
    group = schema.STAMP_GROUPS[object_type]
    for stage in stages:
        for stamp in schema.stage_stamps(stage, group=group, with_became_date=became):
            if definition(portal, object_type, stamp["name"]) is None:
                own[stamp["name"]] = stamp


def archive(portal: Portal, object_type: str, name: str) -> None:
    """Archive one of the portal's own properties.

    Raises:
        ApiError: 404 unknown, 400 for HubSpot's own.
    """
    present = live(portal, object_type, name)
    if present["hubspotDefined"]:
        raise invalid(f"{name} is a HubSpot-defined property and cannot be archived", "READ_ONLY_DEFINITION")
    del state_of(portal).own[object_type][name]
    gone = present | {"archived": True, "archivedAt": portal.clock.iso()}
    state_of(portal).archived.setdefault(object_type, {})[name] = gone


def groups(portal: Portal, object_type: str) -> dict[str, Definition]:
    """Live property groups of an object type by name."""
    state = state_of(portal)
    standard = {group["name"]: group for group in schema.default_groups(object_type)}
    gone = state.archived_groups.get(object_type, set())
    return {name: group for name, group in (standard | state.groups.get(object_type, {})).items() if name not in gone}


# -- inside --------------------------------------------------------------------------------------------------------


def state_of(portal: Portal) -> Definitions:
    return portal.state("properties", Definitions)


def _standard(object_type: str) -> dict[str, Definition]:
    if object_type not in _STANDARD:
        _STANDARD[object_type] = {each["name"]: each for each in schema.default_properties(object_type)}
    return _STANDARD[object_type]


def _follow_pipelines(portal: Portal, object_type: str, found: Definition) -> Definition:
    """Deal and lead stages are options that come from the pipelines of this portal."""
    name = found["name"]
    if object_type not in ("deals", "leads") or name not in (
        "pipeline",
        "dealstage",
        "hs_pipeline",
        "hs_pipeline_stage",
    ):
        return found
    pipelines = [each for each in portal.directory.pipelines.get(object_type, []) if not each.archived]
    if name in ("pipeline", "hs_pipeline"):
        pairs = [(each.id, each.label) for each in pipelines]
    else:
        pairs = [(stage.id, stage.label) for each in pipelines for stage in each.stages if not stage.archived]
    return found | {"options": [schema.option(value, label, order) for order, (value, label) in enumerate(pairs)]}


def live(portal: Portal, object_type: str, name: str) -> Definition:
    found = definition(portal, object_type, name)
    if found is None:
        raise ApiError(404, "OBJECT_NOT_FOUND", f"Property {name} does not exist for {object_type}")
    return found


def group_of(portal: Portal, object_type: str, name: str) -> Definition:
    found = groups(portal, object_type).get(name)
    if found is None:
        raise ApiError(404, "OBJECT_NOT_FOUND", f"Property group {name} does not exist for {object_type}")
    return found


def _check_new(portal: Portal, object_type: str, name: str, body: dict[str, Any]) -> None:
    if not NAME.fullmatch(name):
        raise invalid(
            f"Property name '{name}' is not valid: lower-case letters, digits and _, a letter first, at most 100",
            "INVALID_NAME",
        )
    if definition(portal, object_type, name) is not None:
        raise ApiError(409, "OBJECT_ALREADY_EXISTS", f"Property named {name} already exists")
    missing = [key for key in ("label", "type", "fieldType", "groupName") if not body.get(key)]
    if missing:
        raise invalid(f"Some required fields were not set: [{', '.join(missing)}]", "MISSING_FIELD")
    if body.get("hasUniqueValue") and _unique_count(portal, object_type) >= UNIQUE_MAX:
        raise invalid(f"At most {UNIQUE_MAX} properties of {object_type} may have unique values", "TOO_MANY_UNIQUE")


def _check_shape(portal: Portal, object_type: str, body: dict[str, Any]) -> None:
    data_type, field_type = str(body["type"]), str(body["fieldType"])
    if data_type not in FIELD_TYPES:
        raise invalid(f"{data_type} is not a property type; one of {', '.join(FIELD_TYPES)}", "INVALID_TYPE")
    if field_type not in FIELD_TYPES[data_type] and body.get("hubspotDefined") is not True:
        raise invalid(f"fieldType {field_type} does not fit type {data_type}", "INVALID_FIELD_TYPE")
    if body["groupName"] not in groups(portal, object_type):
        raise invalid(f"Property group {body['groupName']} does not exist", "GROUP_DOES_NOT_EXIST")
    given = body.get("options") or []
    if not isinstance(given, list) or not all(isinstance(each, dict) and each.get("value") for each in given):
        raise invalid("Each property option needs a value and a label", "INVALID_OPTION")
    values = [str(each["value"]) for each in given]
    if len(set(values)) != len(values):
        raise invalid("Property options must have unique values", "DUPLICATE_OPTION")


def _check_changeable(present: Definition, changes: dict[str, Any]) -> None:
    flags = present["modificationMetadata"]
    # A client may send a whole definition back: only what differs counts as a change.
    wanted = {key for key, value in changes.items() if value != present.get(key)}
    if flags["readOnlyDefinition"] and (wanted - {"options"} or ("options" in wanted and flags["readOnlyOptions"])):
        raise invalid(f"{present['name']} is a HubSpot-defined property and cannot be changed", "READ_ONLY_DEFINITION")


def _options(body: dict[str, Any]) -> list[Definition]:
    given = body.get("options") or []
    if body["type"] == "bool" and not given:
        return [schema.option("true", "Yes", 0), schema.option("false", "No", 1)]
    return [
        schema.option(str(each["value"]), str(each.get("label") or each["value"]), each.get("displayOrder", order))
        | {"hidden": bool(each.get("hidden", False)), "description": each.get("description") or ""}
        for order, each in enumerate(given)
    ]


def _unique_count(portal: Portal, object_type: str) -> int:
    return sum(each["hasUniqueValue"] and not each["hubspotDefined"] for each in definitions(portal, object_type))


def invalid(message: str, code: str) -> ApiError:
    return ApiError(400, "VALIDATION_ERROR", message, ({"message": message, "code": code},))
