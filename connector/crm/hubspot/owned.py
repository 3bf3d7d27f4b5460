"""The properties that Handoff brings along: its own, and the ones by which reps answer.

Only their shape in HubSpot; what they mean stands in rules/ and mappings/, and their choices come from there.
Source: design.md, section 4 (owned properties).
"""

from __future__ import annotations

from collections.abc import Mapping

from connector.crm.hubspot.properties import PropertyDefinition

GROUP = "handoff"
GROUP_LABEL = "Handoff"
YES = (("true", "Yes"), ("false", "No"))


def definitions(
    *,
    states: Mapping[str, str],
    tracks: Mapping[str, str],
    verdicts: Mapping[str, str],
    reasons: Mapping[str, str],
    requests: Mapping[str, str],
) -> tuple[PropertyDefinition, ...]:
    """All of them; each argument is value → label of one property's choices, in the order to show."""
    return (
        _text("episode", "episode", "Written by Handoff: which qualification of this contact is the present one."),
        _choice("state", "state", states, "Written by Handoff: where the lead stands between marketing and sales."),
        PropertyDefinition(
            name="handoff_score",
            label="Handoff score",
            type="number",
            field_type="number",
            description="Written by Handoff: points at the last decision.",
        ),
        _text("grade", "grade", "Written by Handoff: fit and interest in one word."),
        _text("reason", "reason", "Written by Handoff: why this lead was handed over, in one sentence.", long=True),
        _instant("qualified_at", "qualified at", "Written by Handoff: when the lead qualified."),
        _instant("due_at", "due at", "Written by Handoff: by when sales answers."),
        _choice("nurture_track", "nurture track", tracks, "Written by Handoff: read it in nurture workflows."),
        _text("abandoned_form", "abandoned form", "Written by Handoff: the form that was opened and not sent."),
        _choice("request", "request", requests, "For sales: ask for this lead, or send it back."),
        _choice("verdict", "verdict", verdicts, "For sales: what became of this lead."),
        _choice("verdict_reason", "verdict reason", reasons, "For sales: why."),
        PropertyDefinition(
            name="handoff_return_on",
            label="Handoff return on",
            type="date",
            field_type="date",
            description="For sales: from which day this lead may come back.",
        ),
        _text("comment", "comment", "For sales: what marketing should know.", long=True),
        PropertyDefinition(
            name="handoff_do_not_contact",
            label="Handoff do not contact",
            type="bool",
            field_type="booleancheckbox",
            description="For everyone: this person asked not to be contacted at all.",
            options=YES,
        ),
    )


def _text(name: str, label: str, description: str, *, long: bool = False) -> PropertyDefinition:
    return PropertyDefinition(
        name=f"handoff_{name}",
        label=f"Handoff {label}",
        type="string",
        field_type="textarea" if long else "text",
        description=description,
    )


def _instant(name: str, label: str, description: str) -> PropertyDefinition:
    return PropertyDefinition(
        name=f"handoff_{name}",
        label=f"Handoff {label}",
        type="datetime",
        field_type="date",
        description=description,
    )


def _choice(name: str, label: str, options: Mapping[str, str], description: str) -> PropertyDefinition:
    return PropertyDefinition(
        name=f"handoff_{name}",
        label=f"Handoff {label}",
        type="enumeration",
        field_type="select",
        description=description,
        options=tuple(options.items()),
    )
