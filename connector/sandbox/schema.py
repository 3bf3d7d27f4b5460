"""Standard property definitions per object type, in the shape of HubSpot's Properties API.

Turns the lines of `schema_tables.py` into definitions. A portal's own properties, changes and archive are
`properties.py`'s business; nothing here is state.

Source: hubspot-facts sections 3.4 (types), 4 (stage stamps), 5.2 (names), 7 (engagements).
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from . import schema_tables
from .portal import object_type as canonical

MADE_AT = "2019-08-06T02:41:08.204Z"  # standard properties are older than any simulated clock
_TYPES = {
    "text": ("string", "text"),
    "area": ("string", "textarea"),
    "html": ("string", "html"),
    "phone": ("string", "phonenumber"),
    "num": ("number", "number"),
    "bool": ("bool", "booleancheckbox"),
    "date": ("date", "date"),
    "time": ("datetime", "date"),
    "select": ("enumeration", "select"),
    "radio": ("enumeration", "radio"),
    "checks": ("enumeration", "checkbox"),
    "owner": ("enumeration", "select"),
}
STAGE_STAMPS = {
    "hs_v2_date_entered_{}": "time",
    "hs_v2_date_exited_{}": "time",
    "hs_v2_latest_time_in_{}": "num",
    "hs_v2_cumulative_time_in_{}": "num",
    "hs_date_entered_{}": "time",
    "hs_date_exited_{}": "time",
    "hs_time_in_{}": "num",
}
STAMP_GROUPS = {"contacts": "stage_stamps", "companies": "companyinformation", "deals": "dealinformation"}
Definition = dict[str, Any]


@cache
def default_properties(object_type: str) -> list[Definition]:
    """All standard definitions of an object type; an unknown type has none.

    The list and its dictionaries are shared between portals: callers read them and copy before changing.
    """
    name = canonical(object_type)
    if name is None:
        return []
    definitions, _groups = _read_table(name)
    if name in ("contacts", "companies"):
        for stage in _options("lifecyclestage", name):
            definitions += stage_stamps(stage["value"], group=STAMP_GROUPS[name], with_became_date=True)
    if name == "deals":
        for stage_id in DEAL_STAGE_IDS:
            definitions += stage_stamps(stage_id, group=STAMP_GROUPS[name])
    return definitions


@cache
def default_groups(object_type: str) -> list[Definition]:
    """Standard property groups `{name, label, displayOrder, archived}` of an object type (shared: copy to change)."""
    name = canonical(object_type)
    return _read_table(name)[1] if name is not None else []


DEAL_STAGE_IDS = (
    "appointmentscheduled",
    "qualifiedtobuy",
    "presentationscheduled",
    "decisionmakerboughtin",
    "contractsent",
    "closedwon",
    "closedlost",
)


def stage_stamps(stage: str, *, group: str, with_became_date: bool = False) -> list[Definition]:
    """Read-only definitions that follow one stage: entered, exited, time in it (ms); lifecycle also "became a" date."""
    kinds = STAGE_STAMPS | ({"hs_lifecyclestage_{}_date": "time"} if with_became_date else {})
    return [build(pattern.format(stage), kind, group, flags="c") for pattern, kind in kinds.items()]


def build(
    name: str,
    kind: str,
    group: str,
    *,
    label: str | None = None,
    flags: str = "-",
    options: list[Definition] | None = None,
) -> Definition:
    """One HubSpot-made definition; `kind` and `flags` as `schema_tables` documents them."""
    data_type, field_type = _TYPES[kind]
    calculated = "c" in flags
    return {
        "name": name,
        "label": label or label_of(name),
        "description": "",
        "groupName": group,
        "type": data_type,
        "fieldType": field_type,
        "options": options or [],
        "displayOrder": -1,
        "hasUniqueValue": "u" in flags,
        "hidden": "h" in flags,
        "hubspotDefined": True,
        "calculated": calculated,
        "externalOptions": kind == "owner",
        "formField": not (calculated or "r" in flags or "h" in flags),
        "archived": False,
        "dataSensitivity": "non_sensitive",
        "createdAt": MADE_AT,
        "updatedAt": MADE_AT,
        "modificationMetadata": {
            "archivable": False,
            "readOnlyDefinition": True,
            "readOnlyOptions": name not in ("lifecyclestage", "hs_lead_status"),
            "readOnlyValue": calculated or "r" in flags,
        },
    } | ({"referencedObjectType": "OWNER"} if kind == "owner" else {})


def option(value: str, label: str, order: int) -> Definition:
    """One visible option of an enumeration."""
    return {
        "label": label,
        "value": value,
        "displayOrder": order,
        "hidden": False,
        "description": "",
    }


def label_of(name: str) -> str:
    """A readable label made from a property's name: `hs_email_first_open_date` → "Email first open date"."""
    words = re.sub(r"^hs_(v2_|analytics_)?", "", name).replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _read_table(object_type: str) -> tuple[list[Definition], list[Definition]]:
    definitions: list[Definition] = []
    groups: list[Definition] = []
    for line in "\n".join(schema_tables.TABLES[object_type]).split("\n"):
        left, _, label = (part.strip() for part in line.partition(" = "))
        if line.startswith("["):
            groups.append(_group(left.lstrip("["), label.rstrip("]"), len(groups)))
        elif left:
            name, kind, flags = left.split()
            shown = _options(name, object_type, kind) if kind in ("select", "radio", "checks", "bool") else []
            definitions.append(
                build(
                    name,
                    kind,
                    groups[-1]["name"],
                    label=label,
                    flags=flags,
                    options=shown,
                )
            )
    return definitions, groups


def _group(name: str, label: str, order: int) -> Definition:
    return {"name": name, "label": label, "displayOrder": order, "archived": False}


def _options(name: str, object_type: str, kind: str = "select") -> list[Definition]:
    if name == "dealstage":
        return [option(stage, DEAL_STAGE_LABELS[stage], order) for order, stage in enumerate(DEAL_STAGE_IDS)]
    if kind == "bool":
        return [option("true", "Yes", 0), option("false", "No", 1)]
    text = schema_tables.OPTIONS.get(f"{name}:{object_type}") or schema_tables.OPTIONS.get(name)
    if text is None:
        return []
    pairs = [entry.partition("=") for entry in text.split()]
    return [option(_value(name, v), _option_label(v, label), order) for order, (v, _, label) in enumerate(pairs)]


def _value(name: str, text: str) -> str:
    # The only standard values with blanks in them: legal bases and two lead types (an underscore stands for the blank).
    return text.replace("_", " ") if name in ("hs_legal_basis", "hs_lead_type") else text


def _option_label(value: str, label: str) -> str:
    return label.replace("_", " ") if label else value.replace("_", " ").capitalize()


DEAL_STAGE_LABELS = {
    "appointmentscheduled": "Appointment scheduled",
    "qualifiedtobuy": "Qualified to buy",
    "presentationscheduled": "Presentation scheduled",
    "decisionmakerboughtin": "Decision maker bought in",
    "contractsent": "Contract sent",
    "closedwon": "Closed won",
    "closedlost": "Closed lost",
}
