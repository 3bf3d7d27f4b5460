"""Fields: which CRM property is which of our fields, and a CRM record as a Contact with values of one form.

Reads mappings/fields.yaml. Bad data never stops: what cannot be read leaves its field empty and a sentence in
`problems`. Reading one text is rules/values.py; whether a value may be written is decided by rules/plan.py with
`FieldRule.write`; asking whether the portal has a property is `handoff check`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from functools import cached_property, lru_cache, partial
from typing import Annotated, NamedTuple, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from connector.domain.contact import Contact, Value
from connector.domain.record import COMPANY, Record
from connector.errors import UnknownPropertyError
from connector.rules.countries import country_code
from connector.rules.email_domains import company_domain, domain_of, host_of
from connector.rules.misplaced import MisplacedError
from connector.rules.suggestions import nearest
from connector.rules.values import READERS, FieldType, Reader, Unreadable, read_phone, stage_reader, wire_text

__all__ = [
    "RESERVED", "Direction", "FieldRule", "FieldRules", "FieldType", "Write",
    "check_fields", "normalise", "properties_to_read", "property_of", "to_wire",
]  # fmt: skip


class Direction(StrEnum):
    """`in`: read from the CRM. `out`: ours, written. `both`: read, and written by the rules."""

    IN = "in"
    OUT = "out"
    BOTH = "both"


class Write(StrEnum):
    """When a field that goes out may replace what stands in the CRM."""

    ALWAYS = "always"
    IF_EMPTY = "if_empty"
    NEVER = "never"


def _words(types: FieldType, names: str) -> dict[str, FieldType]:
    return dict.fromkeys(names.split(), types)


RESERVED: Mapping[str, FieldType] = {
    **_words(FieldType.TEXT, "first_name last_name company job_title message last_form episode grade reason comment"),
    **_words(FieldType.EMAIL, "email"),
    **_words(FieldType.PHONE, "phone"),
    **_words(FieldType.COUNTRY, "country"),
    **_words(FieldType.DOMAIN, "domain"),
    **_words(FieldType.STAGE, "stage"),
    **_words(FieldType.OWNER, "owner"),
    **_words(FieldType.URL, "website last_url"),
    **_words(FieldType.NUMBER, "employees touches page_views score"),
    **_words(FieldType.BOOL, "marketing_opt_out email_bounced do_not_contact"),
    **_words(FieldType.INSTANT, "last_touch_at first_touch_at meeting_booked_at last_visit_at last_form_at"),
    **_words(FieldType.INSTANT, "qualified_at due_at"),
    **_words(FieldType.DATE, "return_on"),
}
"""Fields whose meaning the code knows, with the type it counts on; others (`status`, …) are text or choice."""

PERSONAL = frozenset({
    FieldType.TEXT, FieldType.EMAIL, FieldType.PHONE, FieldType.DOMAIN, FieldType.URL, FieldType.OWNER,
})  # fmt: skip
"""Types whose values are personal unless a field says otherwise; what the rest holds are figures, days and options."""
_NAME = re.compile("[a-z][a-z0-9_]*")
REQUIRED = ("email", "stage", "status", "owner", "episode", "state", "score", "reason")
"""Without these there is no funnel to keep."""


def _country(text: str) -> str:
    code = country_code(text)
    if code is None:
        raise ValueError("is not a country; write its two letters, such as DE or US")
    return code


CountryCode = Annotated[str, AfterValidator(_country)]
"""For rule models: a country as people write it, kept as its two letters."""


class FieldRule(BaseModel):
    """One field. `property` is the CRM's internal name; a field with `of` is worked out from others and has none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    property: str | None = Field(default=None, min_length=1, max_length=100, pattern=r"^(company\.)?[a-z0-9_]+$")
    """The CRM's internal name; with `company.` before it a property of the contact's primary company."""
    type: FieldType
    direction: Direction = Direction.IN
    write: Write = Write.ALWAYS
    label: str = Field(default="", max_length=100)
    """In words, for sentences; empty: the field's name with blanks."""
    personal: bool | None = None
    """Whether values say something of a person; None: by type. Decisions, which are kept for ever, leave such out."""
    of: tuple[str, ...] = ()
    """For type `domain`: fields to take the company's domain from, best first."""

    @model_validator(mode="after")
    def _sound(self) -> FieldRule:
        if bool(self.of) == (self.property is not None):
            raise ValueError(
                "has no `property`, or has `of` as well; "
                "give either `property` (the CRM's internal name) or `of` (fields it is worked out from)"
            )
        if self.is_of_company() and self.direction is not Direction.IN:
            words = "a property of the company is read and never written; leave `direction` out"
            raise MisplacedError(("direction",), words)
        if self.of and self.type is not FieldType.DOMAIN:
            raise ValueError("only a field of type `domain` can be worked out with `of`")
        if self.of and self.direction is not Direction.IN:
            raise ValueError("a field that is worked out cannot be written; leave `direction` out")
        return self

    def is_of_company(self) -> bool:
        """Whether it is a property of the contact's primary company."""
        return self.property is not None and self.property.startswith(COMPANY)

    def is_personal(self) -> bool:
        return self.type in PERSONAL if self.personal is None else self.personal

    def may_write(self) -> bool:
        """Whether Handoff may write it at all; `write: if_empty` further asks for an empty present value."""
        return self.direction is not Direction.IN and self.write is not Write.NEVER


class _Step(NamedTuple):
    """One field to read. Phones get their reader late: it depends on the contact's country."""

    name: str
    property: str
    label: str
    reader: Reader


class _Steps(NamedTuple):
    """What normalise() does, laid out once."""

    plain: tuple[_Step, ...]
    phones: tuple[tuple[str, str, str], ...]
    derived: tuple[tuple[str, tuple[str, ...]], ...]
    mapped: tuple[tuple[str, str], ...]


class FieldRules(BaseModel):
    """mappings/fields.yaml: our name → rule."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    default_country: CountryCode | None = None
    """Country of phone numbers without `+` where the contact names none; None: only numbers with `+` are read."""
    fields: Mapping[str, FieldRule] = Field(min_length=1)

    @model_validator(mode="after")
    def _sound(self) -> FieldRules:
        for name in REQUIRED:
            if name not in self.fields:
                words = f"the field `{name}` is missing; add it: Handoff cannot work without it"
                raise MisplacedError(("fields",), words)
        writers: dict[str, str] = {}
        for name, rule in self.fields.items():
            other = writers.setdefault(rule.property, name) if rule.property and rule.may_write() else name
            if other != name:
                words = f"`{other}` and `{name}` would both write `{rule.property}`; let only one write"
                raise MisplacedError(("fields", name, "property"), words)
        return self

    @cached_property
    def reads_companies(self) -> bool:
        """Whether any field is one of the contact's company: only then are companies read at all."""
        return any(rule.is_of_company() for rule in self.fields.values())

    def label(self, name: str) -> str:
        """The field in words."""
        rule = self.fields.get(name)
        return rule.label if rule is not None and rule.label else name.replace("_", " ")

    @cached_property
    def steps(self) -> Callable[[tuple[tuple[str, str], ...]], _Steps]:
        """The steps for some stages, kept for as long as these rules are; not part of the rules themselves."""
        return lru_cache(maxsize=4)(self._lay_out)

    def _lay_out(self, stages: tuple[tuple[str, str], ...]) -> _Steps:
        readers = {**READERS, FieldType.STAGE: stage_reader(dict(stages))}
        mapped = [(name, rule.property, rule.type) for name, rule in self.fields.items() if rule.property is not None]
        return _Steps(
            plain=tuple(
                _Step(name, prop, self.label(name), readers[kind]) for name, prop, kind in mapped if kind in readers
            ),
            phones=tuple((name, prop, self.label(name)) for name, prop, kind in mapped if kind is FieldType.PHONE),
            derived=tuple((name, rule.of) for name, rule in self.fields.items() if rule.of),
            mapped=tuple((name, prop) for name, prop, _ in mapped),
        )


class FieldMisfit(NamedTuple):
    """One thing wrong with one field; `key` is its key in fields.yaml."""

    name: str
    key: str
    message: str
    advice: str


def check_fields(rules: FieldRules) -> list[FieldMisfit]:
    """Names and types that the rules cannot work with; empty where all is well."""
    found = []
    for name, rule in rules.fields.items():
        if not _NAME.fullmatch(name):
            found.append(FieldMisfit(name, "", f"`{name}` is no name for a field", "use small letters, digits and _"))
        wanted = RESERVED.get(name)
        if wanted is not None and rule.type is not wanted:
            message = f"the field `{name}` must be of type {wanted}, which the code counts on"
            advice = f"write `type: {wanted}`, or give your field another name"
            found.append(FieldMisfit(name, "type", message, advice))
        for source in rule.of:
            if source not in rules.fields:
                advice = nearest(source, rules.fields) or "name a field of this file"
                found.append(FieldMisfit(name, "of", f"no field is called `{source}`", advice))
    return found


class Previous(Protocol):
    """A contact as it was stored, normalised by the same rules (engine/ports.py StoredContact)."""

    @property
    def contact(self) -> Contact: ...
    @property
    def raw(self) -> Mapping[str, str | None]: ...


def normalise(
    record: Record, rules: FieldRules, stages: Mapping[str, str], *, previous: Previous | None = None
) -> Contact:
    """Give the contact behind a CRM record.

    Args:
        record: wire values; properties that are missing count as empty.
        stages: portal stage value → stage, from StageRules.values.
        previous: the same contact as last stored; only values that differ from its raw ones are read again. None at
            first sight, and whenever fields.yaml or stages.yaml changed since it was stored.
    Returns:
        A contact without empty fields. `changed_at` holds what the history told, else what was known, else, for a value
        that differs from the previous one, the record's own time of change.
    Source: R01, R32; mappings/fields.yaml.
    """
    steps = rules.steps(tuple(stages.items()))
    fields: dict[str, Value] = {}
    problems: list[str] = []
    changed = _changed_steps(steps.plain, record.properties, previous, fields)
    _read(changed, record.properties, fields, problems)
    if steps.phones:
        country = fields.get("country") or rules.default_country
        read = partial(read_phone, region=country if isinstance(country, str) else None)
        phones = [_Step(name, prop, label, read) for name, prop, label in steps.phones]
        _read(phones, record.properties, fields, problems)
    for name, sources in steps.derived:
        domain = _derive_domain(fields, sources)
        if domain is not None:
            fields[name] = domain
    return Contact(
        id=record.id,
        created_at=record.created_at,
        modified_at=record.modified_at,
        fields=fields,
        changed_at=_changed_at(record, steps.mapped, previous),
        problems=tuple(problems),
    )


def _changed_steps(
    steps: Sequence[_Step],
    properties: Mapping[str, str | None],
    previous: Previous | None,
    fields: dict[str, Value],
) -> Sequence[_Step]:
    """The steps still to do; what has not changed is taken over into `fields`.

    A contact with problems is read anew: they cannot be told apart by field.
    """
    if previous is None or previous.contact.problems:
        return steps
    old_raw, old_fields = previous.raw, previous.contact.fields
    changed = []
    for step in steps:
        name, prop = step[0], step[1]
        wire = properties.get(prop)
        if wire == old_raw.get(prop) and name in old_fields:
            fields[name] = old_fields[name]
        elif wire:
            changed.append(step)
    return changed


def _read(
    steps: Sequence[_Step], properties: Mapping[str, str | None], fields: dict[str, Value], problems: list[str]
) -> None:
    get = properties.get
    for name, prop, label, reader in steps:
        wire = get(prop)
        if not wire:
            continue
        try:
            value = reader(wire)
        except Unreadable as complaint:
            problems.append(f"{label} {complaint}")
            value = complaint.value
        if value is not None:
            fields[name] = value


def _derive_domain(fields: Mapping[str, Value], sources: tuple[str, ...]) -> str | None:
    """The first company domain among the sources; web-mail and throw-away addresses name no company."""
    for source in sources:
        text = fields.get(source)
        if isinstance(text, str) and text:
            domain = company_domain(domain_of(text) if "@" in text else host_of(text))
            if domain is not None:
                return domain
    return None


def _changed_at(
    record: Record, mapped: Sequence[tuple[str, str]], previous: Previous | None
) -> dict[str, datetime]:
    history, now = record.history, record.properties
    if previous is None and not history:
        return {}
    told: dict[str, datetime] = {}
    old_raw = previous.raw if previous is not None else {}
    old_times = previous.contact.changed_at if previous is not None else {}
    for name, prop in mapped:
        if history and (edits := history.get(prop)):
            told[name] = edits[0].at
        elif previous is not None and (old_raw.get(prop) or "") != (now.get(prop) or ""):
            told[name] = record.changed_at(prop)
        elif name in old_times:
            told[name] = old_times[name]
    return told


def to_wire(name: str, value: Value, rules: FieldRules, stages: Mapping[str, str] | None = None) -> str:
    """A value as the CRM takes it; empty text clears. Read back by normalise() it is the same value.

    Args:
        stages: portal stage value → stage; of several values for one stage the first is written. None: the value of a
            stage field is already the portal's own.
    """
    rule = rules.fields.get(name)
    if rule is None:
        raise _unknown(name)
    if rule.type is FieldType.STAGE and stages is not None and value is not None:
        portal_value = next((portal for portal, stage in stages.items() if stage == value), None)
        if portal_value is None:
            raise UnknownPropertyError(
                f"no stage of the portal stands for `{value}`", advice="name one under `stages` in mappings/stages.yaml"
            )
        return portal_value
    return wire_text(value)


def property_of(name: str, rules: FieldRules) -> str:
    """The CRM's internal name of a field; UnknownPropertyError where it has none."""
    rule = rules.fields.get(name)
    if rule is None or rule.property is None:
        raise _unknown(name)
    return rule.property


def _unknown(name: str) -> UnknownPropertyError:
    return UnknownPropertyError(
        f"the field `{name}` stands for no property", advice=f"add `{name}` with its `property` to mappings/fields.yaml"
    )


def properties_to_read(rules: FieldRules) -> tuple[str, ...]:
    """Every mapped property once, in the admin's order; ours too, for a plan compares with what stands there."""
    return tuple(dict.fromkeys(rule.property for rule in rules.fields.values() if rule.property is not None))
