"""Hand-raisers: who asked for sales (R02, R07). Part of mappings/qualification.yaml, under `hand_raisers`.

A form, a booked meeting, or fields that say so. What a hand-raise leads to is rules/decide.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import Contact
from connector.rules.activity_index import Group, index
from connector.rules.condition import Condition, Facts
from connector.rules.patterns import ActivityKey, ActivityPattern, Known, NamePattern, phrase


def _form(value: object) -> object:
    return {"form": value} if isinstance(value, str) else value


class HandRaiserForm(BaseModel):
    """A form whose sender wants to talk to sales: its name (case does not matter, `*` for anything) or its GUID."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    form: NamePattern
    say: str = Field(default="", max_length=200)

    @cached_property
    def by_name(self) -> ActivityPattern:
        return ActivityPattern(kind=ActivityKind.FORM_SUBMISSION, name=self.form)

    @cached_property
    def by_ref(self) -> ActivityPattern:
        return ActivityPattern(kind=ActivityKind.FORM_SUBMISSION, ref=self.form)

    def fits(self, activity: Activity) -> bool:
        return self.by_name.fits(activity) or self.by_ref.fits(activity)

    def label(self, key: ActivityKey) -> str:
        """In words what sending the form was; empty where it is another form."""
        if not (self.by_name.knows(key) or self.by_ref.knows(key)):
            return ""
        return self.say or phrase(ActivityKind.FORM_SUBMISSION, key[0])


class HandRaiserField(BaseModel):
    """A hand-raise that shows in fields alone, such as an imported event; it happened at the instant in field `at`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    say: str = Field(min_length=1, max_length=200)
    when: Condition
    at: str

    @model_validator(mode="after")
    def _fields_alone(self) -> HandRaiserField:
        if not self.when.fields_only:
            raise ValueError("this hand-raise shows in fields alone; name forms under `forms`, or make it a trigger")
        return self


class HandRaisers(BaseModel):
    """What skips score and web-mail filter and goes straight to sales (R02, R07)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    forms: tuple[Annotated[HandRaiserForm, BeforeValidator(_form)], ...] = Field(default=(), max_length=200)
    meetings: bool = True
    fields: tuple[HandRaiserField, ...] = Field(default=(), max_length=50)

    @cached_property
    def form_label(self) -> Callable[[ActivityKey], str]:
        """What sending a form was, in words; empty where it is no hand-raise. Each form is looked at once."""
        return Known(self._form_label).__getitem__

    def _form_label(self, key: ActivityKey) -> str:
        return next((label for form in self.forms if (label := form.label(key))), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class HandRaise:
    """Somebody asked for sales.

    Attributes:
        label: what they did, in words.
        activity_id: stream and id of the activity, or field and instant that stand for one; part of effect ids (I5).
    """

    label: str
    activity_id: str
    at: datetime


def first_hand(
    contact: Contact, activities: Sequence[Activity], rules: HandRaisers, *, since: datetime | None
) -> HandRaise | None:
    """The first hand-raise after `since` (None: the first of all); None where there is none.

    Of two at the same instant the one with the smaller id is first, so that a replay finds the same.
    """
    found = [hand for hand in _hands(contact, activities, rules) if since is None or hand.at > since]
    return min(found, key=lambda hand: (hand.at, hand.activity_id)) if found else None


def _hands(contact: Contact, activities: Sequence[Activity], rules: HandRaisers) -> Iterator[HandRaise]:
    groups = index(activities).groups
    forms = groups.get(ActivityKind.FORM_SUBMISSION)
    if forms is not None:
        for row, label in zip(forms, map(rules.form_label, forms.keys), strict=True):
            if label:
                yield HandRaise(label=label, activity_id=f"{row.stream}:{row.id}", at=row.occurred_at)
    if rules.meetings:
        yield from _meetings(contact, groups.get(ActivityKind.MEETING), activities)
    for rule in rules.fields:
        at = contact.instant(rule.at)
        if at is not None and rule.when.find(Facts(contact=contact, now=at)).holds:
            yield HandRaise(label=rule.say, activity_id=f"{rule.at}:{at.isoformat()}", at=at)


def _meetings(contact: Contact, meetings: Group | None, activities: Sequence[Activity]) -> Iterator[HandRaise]:
    """Meetings that were pulled, else the one that the contact's own field tells of."""
    for row in meetings or ():
        yield HandRaise(label=phrase(row.kind, row.name), activity_id=f"{row.stream}:{row.id}", at=row.occurred_at)
    booked = contact.instant("meeting_booked_at")
    if booked is not None and not any(row.kind is ActivityKind.MEETING for row in activities):
        yield HandRaise(label="booked a meeting", activity_id=f"meeting_booked_at:{booked.isoformat()}", at=booked)
