"""Abandonment: who opened a form's page and did not send the form (R08). Part of mappings/qualification.yaml.

Says when it will be certain, for a timer, and what to mark the contact with once it is. Writing to it is marketing's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field

from connector.domain.activity import Activity, ActivityKind
from connector.rules.durations import WallDuration
from connector.rules.patterns import ActivityPattern, NamePattern, UrlPattern


class AbandonedForm(BaseModel):
    """A form page that was viewed, and no form sent within `after` (R08). `mark` is written to the contact."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mark: str = Field(min_length=1, max_length=100)
    page: UrlPattern
    form: NamePattern
    after: WallDuration = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenForm:
    """A form page that was viewed and whose form has not been sent since. Certain from `due_at` on."""

    mark: str
    viewed_at: datetime
    due_at: datetime


def open_forms(activities: Sequence[Activity], rules: Sequence[AbandonedForm]) -> tuple[OpenForm, ...]:
    """Per rule at most one, by the latest view. Before `due_at` it asks for a timer, from then on for the mark.

    A form that was sent at any time after that view, or up to `after` before it (thank-you pages, reloads), settles it.
    """
    found = (_open_form(activities, rule) for rule in rules)
    return tuple(form for form in found if form is not None)


def _open_form(activities: Sequence[Activity], rule: AbandonedForm) -> OpenForm | None:
    page = ActivityPattern(kind=ActivityKind.PAGE_VIEW, url=rule.page)
    views = [row.occurred_at for row in activities if page.fits(row)]
    if not views:
        return None
    viewed_at = max(views)
    by_name = ActivityPattern(kind=ActivityKind.FORM_SUBMISSION, name=rule.form)
    by_ref = ActivityPattern(kind=ActivityKind.FORM_SUBMISSION, ref=rule.form)
    for row in activities:
        if row.occurred_at >= viewed_at - rule.after and (by_name.fits(row) or by_ref.fits(row)):
            return None
    return OpenForm(mark=rule.mark, viewed_at=viewed_at, due_at=viewed_at + rule.after)
