"""Abandonment: who opened a form's page and did not send the form (R08). Part of mappings/qualification.yaml.

Says from when on it is certain, and until when the contact is marked for it. Whether a mark may be set at all, and what
stands in the CRM, is rules/marking.py's; writing to the contact is marketing's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import Contact
from connector.rules.durations import WallDuration
from connector.rules.misplaced import MisplacedError
from connector.rules.patterns import ActivityPattern, NamePattern, UrlPattern, glob


class AbandonedForm(BaseModel):
    """A form page that was viewed, and no form sent within `after` (R08). `mark` is written to the contact.

    Attributes:
        cool_down: so long the mark stands, unless the form is sent; and so long nothing is marked anew for this form.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mark: str = Field(min_length=1, max_length=100)
    page: UrlPattern
    form: NamePattern
    after: WallDuration = timedelta(minutes=30)
    cool_down: WallDuration = timedelta(days=30)

    @model_validator(mode="after")
    def _stands_a_while(self) -> AbandonedForm:
        if self.cool_down <= self.after:
            raise MisplacedError(("cool_down",), "must be longer than `after`; lengthen it, such as 30d")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandoned:
    """One visit to a form's page after which the form was not sent, as far as is known.

    Attributes:
        certain_at: the earliest instant at which it could be taken for abandoned; views since then put it off.
        due_at: certain from then on, `after` the last view of the visit. over_at: the mark has stood long enough.
    """

    mark: str
    certain_at: datetime
    due_at: datetime
    over_at: datetime


def abandoned(
    contact: Contact, activities: Sequence[Activity], rules: Sequence[AbandonedForm], *, since: datetime | None = None
) -> tuple[Abandoned, ...]:
    """Every abandoned visit that no form has settled, also those of which it is not certain yet.

    Views that follow each other within `after` are one visit. A form settles it that was sent from `after` before its
    first view (thank-you pages, reloads) at any time on; at the very end of `after` it still came in time. Within the
    cool-down of one such visit others of the same form do not count.

    Args:
        activities: oldest first. since: visits up to and including it do not count; None: all do.
    """
    views = [row for row in activities if row.kind is ActivityKind.PAGE_VIEW and (not since or row.occurred_at > since)]
    if not views:
        return ()
    return tuple(found for rule in rules for found in _of_rule(contact, activities, views, rule))


def _of_rule(
    contact: Contact, activities: Sequence[Activity], views: Sequence[Activity], rule: AbandonedForm
) -> Iterator[Abandoned]:
    page = ActivityPattern(kind=ActivityKind.PAGE_VIEW, url=rule.page)
    seen = [row.occurred_at for row in views if page.fits(row)]
    if not seen:
        return
    sent, free_from = _sent(contact, activities, rule), seen[0]
    for first, last in _visits(seen, rule.after):
        due_at = last + rule.after
        if due_at < free_from or any(first - rule.after <= at <= due_at for at in sent):
            continue
        free_from = due_at + rule.cool_down
        if not any(at > due_at for at in sent):
            certain_at = first + rule.after
            yield Abandoned(mark=rule.mark, certain_at=certain_at, due_at=due_at, over_at=free_from)


def _visits(seen: Sequence[datetime], after: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """(first, last view) of each visit, oldest first."""
    ordered = sorted(seen)
    first = last = ordered[0]
    for at in ordered[1:]:
        if at - last > after:
            yield first, last
            first = at
        last = at
    yield first, last


def _sent(contact: Contact, activities: Sequence[Activity], rule: AbandonedForm) -> list[datetime]:
    """When the form was sent: by its submissions, and by what the CRM keeps of the contact's last form.

    The latter is a text, "page title: form name", for portals whose submissions cannot be read.
    """
    by_name = ActivityPattern(kind=ActivityKind.FORM_SUBMISSION, name=rule.form)
    by_ref = ActivityPattern(kind=ActivityKind.FORM_SUBMISSION, ref=rule.form)
    sent = [row.occurred_at for row in activities if by_name.fits(row) or by_ref.fits(row)]
    last_at = contact.instant("last_form_at")
    if last_at is not None and glob(f"*{rule.form}")(contact.text("last_form")):
        sent.append(last_at)
    return sent
