"""The rule book: all ten rule files, frozen, with a fingerprint, and the checks that need more than one of them.

Loading it from mappings/ is config/mappings.py; whether the portal has what it names is engine/preflight.py.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256

from pydantic import BaseModel

from connector.domain.contact import OwnerId
from connector.domain.owner import Owner
from connector.rules.condition import Condition, check_condition
from connector.rules.fields import FieldRules, FieldType, Write, check_fields
from connector.rules.notifications import NotificationRules, Role
from connector.rules.qualification import QualificationRules
from connector.rules.recycling import RecyclingRules
from connector.rules.reports import ReportRules
from connector.rules.routing import RoutingRules, Stick
from connector.rules.scoring import ScoringRules
from connector.rules.sla import SlaRules
from connector.rules.stages import StageRules
from connector.rules.suggestions import nearest
from connector.rules.suppression import SuppressionRules

KeyPath = tuple[str | int, ...]
PARTS: Mapping[str, type[BaseModel]] = {
    "fields": FieldRules,
    "stages": StageRules,
    "qualification": QualificationRules,
    "suppression": SuppressionRules,
    "scoring": ScoringRules,
    "routing": RoutingRules,
    "sla": SlaRules,
    "recycling": RecyclingRules,
    "notifications": NotificationRules,
    "reports": ReportRules,
}
"""Name of the file without `.yaml` -> its model; the order in which people read them."""

LANES = ("hand_raiser", "score", "request", "return", "customer", "inferred")
"""Why an episode is worked (domain/episode.py)."""


@dataclass(frozen=True, kw_only=True)
class RuleBook:
    """All rules of one portal."""

    fields: FieldRules
    stages: StageRules
    qualification: QualificationRules
    suppression: SuppressionRules
    scoring: ScoringRules
    routing: RoutingRules
    sla: SlaRules
    recycling: RecyclingRules
    notifications: NotificationRules
    reports: ReportRules

    @cached_property
    def fingerprint(self) -> str:
        """12 hex digits: the same for the same rules, whatever the comments, blanks and examples around them."""
        parts = self.as_dict()
        aside = ("examples", "conditions")  # examples decide nothing; conditions stand wherever they are used
        decides = {key: value for key, value in _mapping(parts["qualification"]).items() if key not in aside}
        canonical = json.dumps({**parts, "qualification": decides}, separators=(",", ":"), ensure_ascii=False)
        return sha256(canonical.encode()).hexdigest()[:12]

    @cached_property
    def agreed_version(self) -> int:
        """Of the definition that marketing and sales agreed (R10); 0 where none is written down."""
        definition = self.qualification.definition
        return definition.version if definition else 0

    def in_zone(self, portal_time_zone: str, owners: Sequence[Owner] = ()) -> RuleBook:
        """The same rules with the portal's zone put in where files say `portal`; still the same version of them.

        The last ones are kept: calendars learn their open hours as they are asked, and one look at a hint would learn
        years of them anew.

        Args:
            owners: of the portal; those to whom routing.yaml gives a calendar have their clocks run by it (R17).
        """
        calendars = self._calendars(owners)
        asked = portal_time_zone, frozenset(calendars.items())
        if asked not in self._settled:
            settled = replace(self, sla=self.sla.in_zone(portal_time_zone).held_by(calendars))
            settled.__dict__["fingerprint"] = self.fingerprint
            self._settled.clear()
            self._settled[asked] = settled
        return self._settled[asked]

    def without(self, names: Collection[str]) -> RuleBook:
        """The same version of the rules, with these fields neither read nor written."""
        left = {name: rule for name, rule in self.fields.fields.items() if name not in names}
        fields = FieldRules.model_construct(default_country=self.fields.default_country, fields=left)
        made = replace(self, fields=fields)
        made.__dict__["fingerprint"] = self.fingerprint
        return made

    @cached_property
    def _settled(self) -> dict[tuple[str, frozenset[tuple[OwnerId, str]]], RuleBook]:
        return {}

    def _calendars(self, owners: Sequence[Owner]) -> dict[OwnerId, str]:
        named = {person.owner.lower(): person.calendar for person in self.routing.people if person.calendar}
        if not named:
            return {}
        found = {owner.id: named.get(owner.id.lower()) or named.get(owner.email.lower()) for owner in owners}
        return {owner: name for owner, name in found.items() if name}

    def as_dict(self) -> dict[str, object]:
        """Part -> its rules as plain JSON values, in the admin's order."""
        return {name: self.part(name).model_dump(mode="json", by_alias=True) for name in PARTS}

    def part(self, name: str) -> BaseModel:
        """The rules of one file, by its name without `.yaml`."""
        found = getattr(self, name)
        assert isinstance(found, BaseModel)
        return found


def _mapping(value: object) -> dict[str, object]:
    assert isinstance(value, dict)
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """Something that one file alone cannot know. `path` leads to the key within `file` (without `.yaml`)."""

    file: str
    path: KeyPath
    message: str
    advice: str = ""


def cross_check(book: RuleBook) -> list[Complaint]:
    """Every place where a file names something that another file lacks; empty where all fits."""
    return [
        *_fields(book), *_conditions(book), *_ranges(book), *_dates(book), *_yes_no_fields(book), *_threshold(book),
        *_spans(book), *_recycling(book), *_lanes(book), *_people(book), *_examples(book), *_categories(book),
    ]  # fmt: skip


def _fields(book: RuleBook) -> Iterator[Complaint]:
    for misfit in check_fields(book.fields):
        path: KeyPath = ("fields", misfit.name, misfit.key) if misfit.key else ("fields", misfit.name)
        yield Complaint(file="fields", path=path, message=misfit.message, advice=misfit.advice)


def _conditions(book: RuleBook) -> Iterator[Complaint]:
    for name in PARTS:
        for path, tree in find_conditions(book.part(name), ()):
            for misfit in check_condition(tree, book.fields):
                yield Complaint(file=name, path=(*path, *misfit.path), message=misfit.message, advice=misfit.advice)


def find_conditions(value: object, path: KeyPath) -> Iterator[tuple[KeyPath, Condition]]:
    """Every condition tree by its root, wherever a model holds one."""
    if isinstance(value, Condition):
        yield path, value
    elif isinstance(value, BaseModel):
        for name, info in type(value).model_fields.items():
            yield from find_conditions(getattr(value, name), (*path, info.alias or name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from find_conditions(item, (*path, str(key)))
    elif isinstance(value, tuple | list):
        for place, item in enumerate(value):
            yield from find_conditions(item, (*path, place))


def _field_of(book: RuleBook, file: str, path: KeyPath, name: str, *types: FieldType) -> Iterator[Complaint]:
    rule = book.fields.fields.get(name)
    if rule is None:
        advice = nearest(name, book.fields.fields) or "add it to mappings/fields.yaml with its property"
        yield Complaint(file=file, path=path, message=f"no field is called `{name}`", advice=advice)
    elif rule.type not in types:
        wanted = " or ".join(types)
        message = f"`{name}` is of type {rule.type}, and {wanted} is needed here"
        yield Complaint(file=file, path=path, message=message, advice=f"name a field of type {wanted}")


def _ranges(book: RuleBook) -> Iterator[Complaint]:
    for place, rule in enumerate(book.scoring.fit.rules):
        if rule.field is not None:
            yield from _field_of(book, "scoring", ("fit", "rules", place, "field"), rule.field, FieldType.NUMBER)


def _dates(book: RuleBook) -> Iterator[Complaint]:
    for place, rule in enumerate(book.scoring.engagement.rules):
        if rule.at is not None:
            yield from _field_of(book, "scoring", ("engagement", "rules", place, "at"), rule.at, FieldType.INSTANT)
    for place, hand in enumerate(book.qualification.hand_raisers.fields):
        yield from _field_of(
            book, "qualification", ("hand_raisers", "fields", place, "at"), hand.at, FieldType.INSTANT
        )


def _yes_no_fields(book: RuleBook) -> Iterator[Complaint]:
    for key in ("marketing_opt_out", "do_not_contact"):
        for name in getattr(book.suppression, key):
            yield from _field_of(book, "suppression", (key, name), name, FieldType.BOOL)


def _threshold(book: RuleBook) -> Iterator[Complaint]:
    """Points that no contact can reach hand nobody over, silently."""
    rules, points = book.qualification, book.scoring
    fit = points.fit.cap
    wanted: list[tuple[KeyPath, float, float]] = [
        (("threshold", "score"), rules.threshold.score, min(fit + points.engagement.cap, points.cap or math.inf)),
        (("threshold", "fit"), rules.threshold.fit, fit),
        (("threshold", "engagement"), rules.threshold.engagement, points.engagement.cap),
    ]
    wanted += [
        ((key, place, "fit_at_least"), least, fit)
        for key, all_least in (
            ("key_pages", [page.fit_at_least for page in rules.key_pages]),
            ("triggers", [trigger.fit_at_least for trigger in rules.triggers]),
        )
        for place, least in enumerate(all_least)
    ]
    for path, asked, most in wanted:
        if asked > most:
            yield Complaint(
                file="qualification",
                path=path,
                message=f"no contact can reach {asked:g} points; scoring.yaml gives {most:g} at most",
                advice="lower it, or raise the caps in mappings/scoring.yaml",
            )
    signals = book.notifications.signals
    if signals.active and signals.points > points.engagement.cap:
        yield Complaint(
            file="notifications",
            path=("signals", "points"),
            message=f"no lead can reach {signals.points:g} points of engagement; "
            f"scoring.yaml gives {points.engagement.cap:g} at most",
            advice="lower it, or switch the signals off with `active: false`",
        )


def _spans(book: RuleBook) -> Iterator[Complaint]:
    """Activities older than the look-back are never seen, so a longer span would promise too much."""
    look_back = book.scoring.look_back
    spans: list[tuple[KeyPath, object]] = [
        (("key_pages", place, "within"), page.within) for place, page in enumerate(book.qualification.key_pages)
    ]
    spans += [
        (("abandoned_forms", place, "cool_down"), form.cool_down)
        for place, form in enumerate(book.qualification.abandoned_forms)
    ]
    for path, tree in find_conditions(book.qualification, ()):
        spans += [((*path, *inner), within) for inner, within in _withins(tree)]
    for path, within in spans:
        if within is not None and within > look_back:  # type: ignore[operator]  # both are timedeltas
            yield Complaint(
                file="qualification",
                path=path,
                message="looks back further than `look_back` in scoring.yaml",
                advice="shorten it, or lengthen `look_back`",
            )


def _withins(tree: Condition) -> Iterator[tuple[KeyPath, object]]:
    if tree.activity is not None:
        yield ("activity", "within"), tree.activity.within
    key = "all" if tree.all_of is not None else "any" if tree.any_of is not None else "not"
    for place, child in enumerate(tree.children):
        for path, within in _withins(child):
            yield ((key, *path) if key == "not" else (key, place, *path)), within


def _recycling(book: RuleBook) -> Iterator[Complaint]:
    reasons = book.recycling.reasons
    for name, reason in reasons.items():
        if reason.wake.on_field is not None:
            path = ("reasons", name, "wake", "on_field")
            yield from _field_of(book, "recycling", path, reason.wake.on_field, FieldType.DATE, FieldType.INSTANT)
    for state, assumed in book.recycling.when_unsaid.items():
        if assumed not in reasons:
            advice = nearest(assumed, reasons) or f"use one of {', '.join(reasons)}"
            unsaid = ("when_unsaid", state.value)
            yield Complaint(file="recycling", path=unsaid, message=f"no reason is called `{assumed}`", advice=advice)


def _lanes(book: RuleBook) -> Iterator[Complaint]:
    places: list[tuple[str, KeyPath, str]] = [
        ("suppression", ("marketing_hold", "lanes", lane), lane) for lane in book.suppression.marketing_hold.lanes
    ]
    places += [
        ("routing", ("telequalification", place, "lanes", number), lane)
        for place, party in enumerate(book.routing.telequalification)
        for number, lane in enumerate(party.lanes)
    ]
    for name, clock in book.sla.clocks.items():
        places += [("sla", ("clocks", name, "lanes", lane), lane) for lane in clock.lanes]
    for file, path, lane in places:
        if lane not in LANES:
            advice = nearest(lane, LANES) or f"use one of {', '.join(LANES)}"
            yield Complaint(file=file, path=path, message=f"no lane is called `{lane}`", advice=advice)


def _people(book: RuleBook) -> Iterator[Complaint]:
    """Telequalification that nobody is told of, or that cannot pass a lead on; calendars that are not there."""
    destinations = book.notifications.destinations
    for place, party in enumerate(book.routing.telequalification):
        path: KeyPath = ("telequalification", place, "agency")
        told = destinations.get(party.agency)
        if party.agency and told is None:
            advice = nearest(party.agency, destinations) or "add it to notifications.yaml, with `to: [agency]`"
            message = f"notifications.yaml has no destination `{party.agency}`"
            yield Complaint(file="routing", path=path, message=message, advice=advice)
        elif told is not None and Role.AGENCY not in told.to:
            message = f"the destination `{party.agency}` is not for agencies"
            yield Complaint(file="routing", path=path, message=message, advice="write `to: [agency]` there")
    for place, person in enumerate(book.routing.people):
        if person.calendar and person.calendar not in book.sla.calendars:
            advice = nearest(person.calendar, book.sla.calendars) or f"use one of {', '.join(book.sla.calendars)}"
            message = f"sla.yaml has no calendar `{person.calendar}`"
            yield Complaint(file="routing", path=("people", place, "calendar"), message=message, advice=advice)
    asked: tuple[tuple[KeyPath, str | None], ...] = (
        (("quiet_hours", "outside"), book.notifications.quiet_hours.outside),
        (("morning", "at_opening_of"), book.notifications.morning.at_opening_of),
    )
    for where, calendar in asked:
        if calendar is not None and calendar not in book.sla.calendars:
            advice = nearest(calendar, book.sla.calendars) or f"use one of {', '.join(book.sla.calendars)}"
            message = f"sla.yaml has no calendar `{calendar}`"
            yield Complaint(file="notifications", path=where, message=message, advice=advice)
    for place, stick in enumerate(book.routing.stickiness):
        if stick is Stick.COMPANY_OWNER:
            yield from _field_of(book, "routing", ("stickiness", place), stick.value, FieldType.OWNER)
    owner = book.fields.fields.get("owner")
    if book.routing.telequalification and owner is not None and owner.write is not Write.ALWAYS:
        message = "a lead that telequalification passes on needs its rep written, and `owner` is not always written"
        yield Complaint(
            file="fields", path=("fields", "owner", "write"), message=message, advice="write `write: always`"
        )


def _examples(book: RuleBook) -> Iterator[Complaint]:
    for place, example in enumerate(book.qualification.examples):
        for name in example.contact:
            if name not in book.fields.fields:
                advice = nearest(name, book.fields.fields) or "name a field of mappings/fields.yaml"
                path = ("examples", place, "contact", name)
                yield Complaint(
                    file="qualification", path=path, message=f"no field is called `{name}`", advice=advice
                )


def _categories(book: RuleBook) -> Iterator[Complaint]:
    """Fields by which leads are told apart in reports; what nobody wrote there may be missing."""
    named: list[tuple[KeyPath, str]] = [(("source",), book.reports.source)]
    named += [(("categories", place), name) for place, name in enumerate(book.reports.categories)]
    for path, name in named:
        if path[0] in book.reports.model_fields_set and name not in book.fields.fields:
            advice = nearest(name, book.fields.fields) or "name a field of mappings/fields.yaml"
            yield Complaint(file="reports", path=path, message=f"no field is called `{name}`", advice=advice)
