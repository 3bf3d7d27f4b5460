"""Scanners: clicks that a mail scanner made, told from people's by their timing (R09). Part of mappings/scoring.yaml.

What HubSpot marks as filtered is dropped without a question (Activity.automatic); this finds what it does not mark. A
click is a scanner's when it came within seconds of the mail's delivery, or together with clicks on several other links
of the mail, or on top of another click on the same link, and no view of the page that it leads to came after it. A
click that nothing speaks against stays, for many people refuse to be tracked. Live runs and replays both ask here.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from connector.domain.activity import Activity, ActivityKind
from connector.domain.decision import Contribution
from connector.rules.durations import WallDuration
from connector.rules.patterns import path_of, phrase, times

DROPPED = "dropped"
"""Group of a score's lines that say what was not counted."""
MARKED = "the CRM marks it as made by a machine"


class ScannerRules(BaseModel):
    """By what a scanner's click is known.

    Attributes:
        after_delivery: a click within so long of the mail's sending is too quick for a person.
        links: clicks on so many different links of one mail, each within `at_once` of the first, are too many.
        at_once: also: a second click on the same link within so long is the same click again.
        page_view_within: a view of the linked page within so long after a click shows that a person came.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    active: bool = True
    after_delivery: WallDuration = timedelta(seconds=30)
    links: Annotated[int, Field(ge=2, le=100)] = 2
    at_once: WallDuration = timedelta(seconds=5)
    page_view_within: WallDuration = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """An activity that is worth nothing, and why, in words."""

    activity: Activity
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sifted:
    """Both oldest first."""

    kept: Sequence[Activity]
    dropped: Sequence[Dropped] = ()


def sift(activities: Sequence[Activity], rules: ScannerRules) -> Sifted:
    """What people did, and what machines did in their name.

    Args:
        activities: of one contact, oldest first, as known now. What is pulled later may show a person after all: then
            the contact is decided again.
    """
    if not any(row.kind is ActivityKind.EMAIL_CLICK or row.automatic for row in activities):
        return Sifted(kept=activities)
    found = _by_timing(activities, rules) if rules.active else {}
    dropped, kept = list[Dropped](), list[Activity]()
    for place, row in enumerate(activities):
        why = MARKED if row.automatic else found.get(place, "")
        if why:
            dropped.append(Dropped(activity=row, why=why))
        else:
            kept.append(row)
    return Sifted(kept=kept, dropped=dropped)


Clicks = Sequence[tuple[int, Activity]]
"""Place among all activities, and the click; oldest first."""


def _by_timing(activities: Sequence[Activity], rules: ScannerRules) -> Mapping[int, str]:
    """Place -> why it is a scanner's."""
    clicks = [
        (place, row)
        for place, row in enumerate(activities)
        if row.kind is ActivityKind.EMAIL_CLICK and not row.automatic
    ]
    if not clicks:
        return {}
    sent: defaultdict[str, list[datetime]] = defaultdict(list)
    for row in activities:
        if row.kind is ActivityKind.EMAIL_SENT:
            sent[_mail(row)].append(row.occurred_at)
    shown = _shown(activities, clicks, rules)
    by_mail: defaultdict[str, list[tuple[int, Activity]]] = defaultdict(list)
    for place, row in clicks:
        by_mail[_mail(row)].append((place, row))
    found: dict[int, str] = {}
    for mail, of_mail in by_mail.items():
        for place, why in _of_mail(of_mail, sent.get(mail, ()), shown, rules):
            found.setdefault(place, why)
    return found


def _of_mail(
    clicks: Clicks, sent: Sequence[datetime], shown: frozenset[int], rules: ScannerRules
) -> Iterator[tuple[int, str]]:
    instants = [row.occurred_at for _, row in clicks]
    for place, row in clicks:
        if place in shown:
            continue
        at = row.occurred_at
        if any(at - rules.after_delivery <= sent_at <= at for sent_at in sent):
            yield place, "came within seconds of the mail"
            continue
        near = clicks[bisect_left(instants, at - rules.at_once) : bisect_right(instants, at + rules.at_once)]
        if len({other.url for _, other in near}) >= rules.links:
            yield place, "came with clicks on other links of the mail, all at once"
        elif any(other.url == row.url and (one in shown or one < place) for one, other in near if one != place):
            yield place, "was the same click again"


def _shown(activities: Sequence[Activity], clicks: Clicks, rules: ScannerRules) -> frozenset[int]:
    """Places of the clicks after which the page was seen.

    One view shows one click: the latest that leads there; where that is a click again, the first of these.
    """
    instants = [row.occurred_at for _, row in clicks]
    shown = set[int]()
    for view in activities:
        if view.kind is not ActivityKind.PAGE_VIEW or view.automatic:
            continue
        at, path = view.occurred_at, path_of(view.url or "")
        before = clicks[bisect_left(instants, at - rules.page_view_within) : bisect_right(instants, at)]
        leading = [(one, row) for one, row in before if one not in shown and _path(row, path) == path]
        if leading:
            latest = leading[-1][1].occurred_at
            shown.add(next(one for one, row in leading if latest - row.occurred_at <= rules.at_once))
    return frozenset(shown)


def _path(click: Activity, unknown: str) -> str:
    return path_of(click.url) if click.url else unknown


def not_counted(dropped: Sequence[Dropped], *, since: datetime | None) -> tuple[Contribution, ...]:
    """A line of no points for each mail and reason, for the score; nothing of what had its answer by `since`."""
    groups: defaultdict[tuple[str, str], list[datetime]] = defaultdict(list)
    for one in dropped:
        if since is None or one.activity.occurred_at > since:
            groups[phrase(one.activity.kind, one.activity.name), one.why].append(one.activity.occurred_at)
    return tuple(
        Contribution(
            group=DROPPED, label=f"not counted, {words} {times(len(dates))}: {why}", points=0, occurred_at=max(dates)
        )
        for (words, why), dates in groups.items()
    )


def _mail(row: Activity) -> str:
    """What tells one mail from another: the campaign's id, else its name."""
    return row.ref or row.name
