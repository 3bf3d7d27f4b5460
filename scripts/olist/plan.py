"""The story of every lead, told before anything happens: how it comes, what it views, when it must be handed over, its
end.

Two thirds raise a hand by the contact-us form and are handed over at the first sync after it. A seeded third downloads
a guide and views pages on the days after, until the points reach the threshold at a sync; that sync's step is the one
in which it must be handed over. Seeds are per lead, so that no lead's story hangs on another's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from random import Random

from olist.data import Lead
from olist.points import Signal, Worth, total
from olist.steps import CLOSES, OPENS, Calendar, Step

MARGIN = 1.0
"""Points that keep every sync clear of the threshold, so that rounding to hundredths decides nothing."""
HAND_BACK_DAYS = (3, 45)
PATIENCE = 12
"""Visits after which a lead views the best page until it crosses."""
RECYCLE_SHARE, UNREACHABLE_SHARE = 0.70, 0.18
"""The rest is junk."""


class Way(StrEnum):
    """The form by which a lead comes, by its name."""

    CONTACT_US = "Contact us"
    DOWNLOAD = "Download guide"


class End(StrEnum):
    """How the episode ends: a deal, or the answer in the verdict property; `none`: nobody answers."""

    WON = "won"
    RECYCLED = "recycle"
    JUNK = "junk"
    UNREACHABLE = "unreachable"
    LOST = "lost"
    NONE = "none"

    @property
    def keeps_hold(self) -> bool:
        """Whether marketing stays away afterwards (mappings/suppression.yaml: junk stays, the others come off)."""
        return self is End.JUNK


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    at: datetime
    path: str


class Word(StrEnum):
    """How a caller passes a lead on; the last two leave it to the turns whose it is then."""

    DEAL = "deal"  # makes a deal, with the rep as its owner
    HAND = "hand"  # gives the contact to the rep
    MEETING = "meeting"  # the lead books a meeting with the rep
    VERDICT = "verdict"
    STATUS = "status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passing:
    """The second hop. `rep`: the `sr_id` who gets the lead; empty where it is somebody's turn."""

    word: Word
    step: int
    rep: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One lead's whole life.

    Attributes:
        number: 1 for the first row of the file; names and addresses are made of it.
        handed_in: number of the step at whose first sync it must be handed over.
        ends_in: step in whose second half it ends; None where that lies beyond the last step.
        ends_on: day of the end; reason: recycle reason, empty for a deal.
        is_called: whether telequalification has it first; passing: how it passes the lead on, None where it does not.
    """

    number: int
    lead: Lead
    way: Way
    arrives_at: datetime
    views: tuple[View, ...]
    handed_in: int
    end: End
    ends_on: date
    ends_in: int | None
    reason: str
    is_called: bool = False
    passing: Passing | None = None

    @property
    def ends_with_caller(self) -> bool:
        return self.is_called and self.passing is None

    @property
    def email(self) -> str:
        return f"seller.{self.number:05d}@shop-{self.number:05d}.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All stories, in the file's order."""

    stories: tuple[Story, ...]
    calendar: Calendar

    def handed_per_step(self) -> Counter[int]:
        return Counter(story.handed_in for story in self.stories)

    def held_after(self, step: int) -> set[int]:
        """Numbers of the leads that must be on the suppression list when a step is over."""
        return {
            story.number
            for story in self.stories
            if story.handed_in <= step and (story.ends_in is None or story.ends_in > step or story.end.keeps_hold)
        }


class Timetable:
    """The plan by step: who arrives, who views which of its pages (lead and index), whom callers answer, whose episode
    sales ends.

    `order` has the lead numbers in the order of arrival, which is that in which contacts come to be; `deals` those of
    leads with a deal, in the order in which the deals are made.
    """

    def __init__(self, plan: Plan) -> None:
        self.arriving: dict[int, list[Story]] = {}
        self.viewing: dict[int, list[tuple[Story, int]]] = {}
        self.calling: dict[int, list[Story]] = {}
        self.ending: dict[int, list[Story]] = {}
        step_of = plan.calendar.step_of
        for story in plan.stories:
            self.arriving.setdefault(step_of(story.lead.arrived_on), []).append(story)
            for index, view in enumerate(story.views):
                self.viewing.setdefault(step_of(view.at.date()), []).append((story, index))
            if story.passing is not None:
                self.calling.setdefault(story.passing.step, []).append(story)
            if story.ends_in is not None:
                enders = self.calling if story.ends_with_caller else self.ending
                enders.setdefault(story.ends_in, []).append(story)
        self.order = tuple(story.number for story in sorted(plan.stories, key=lambda story: story.arrives_at))
        self.deals = tuple(self._deals(len(plan.calendar.steps)))

    def _deals(self, steps: int) -> Iterator[int]:
        for step in range(steps):
            yield from (story.number for story in self.calling.get(step, ()) if has_deal(story))
            made = (story for story in self.ending.get(step, ()) if story.end is End.WON)
            yield from (story.number for story in made if not has_deal(story))


def has_deal(story: Story) -> bool:
    """Whether the caller made the deal, which sales then closes."""
    return story.passing is not None and story.passing.word is Word.DEAL


def make_plan(leads: tuple[Lead, ...], calendar: Calendar, worth: Worth, reasons: tuple[str, ...], seed: int) -> Plan:
    """Tell all stories.

    Args:
        reasons: recycle reasons a rep may give, as mappings/recycling.yaml names them.
    """
    steps = calendar.steps
    told = [_download(lead, calendar, steps, worth, seed) for lead in leads]
    pairs = enumerate(zip(leads, told, strict=True))
    possible = [number for number, (lead, parts) in pairs if _in_time(lead, parts, calendar)]
    wanted = min(round(len(leads) / 3), len(possible))
    downloads = set(Random(f"{seed}:ways").sample(possible, wanted))
    stories = tuple(
        _story(number, lead, told[number] if number in downloads else None, calendar, steps, reasons, seed)
        for number, lead in enumerate(leads)
    )
    return Plan(stories=stories, calendar=calendar)


def _in_time(lead: Lead, parts: tuple[tuple[View, ...], int | None], calendar: Calendar) -> bool:
    """Whether a download would cross before the lead's deal: who bought at once had asked for contact."""
    crosses_in = parts[1]
    if crosses_in is None:
        return False
    return lead.won_on is None or crosses_in <= calendar.step_of(lead.won_on)


def _story(
    index: int,
    lead: Lead,
    parts: tuple[tuple[View, ...], int | None] | None,
    calendar: Calendar,
    steps: tuple[Step, ...],
    reasons: tuple[str, ...],
    seed: int,
) -> Story:
    arrived_in = calendar.step_of(lead.arrived_on)
    views, crosses_in = parts if parts is not None else ((), arrived_in)
    handed_in = arrived_in if crosses_in is None else crosses_in
    end, ends_on, reason = _end(lead, steps[handed_in].last, reasons, seed)
    ends_in = calendar.step_of(ends_on)
    return Story(
        number=index + 1,
        lead=lead,
        way=Way.CONTACT_US if parts is None else Way.DOWNLOAD,
        arrives_at=_arrival(lead, seed),
        views=views,
        handed_in=handed_in,
        end=end,
        ends_on=ends_on,
        ends_in=ends_in if ends_in < len(steps) else None,
        reason=reason,
    )


def _end(lead: Lead, handed_on: date, reasons: tuple[str, ...], seed: int) -> tuple[End, date, str]:
    if lead.won_on is not None:
        return End.WON, lead.won_on, ""
    chance = Random(f"{seed}:end:{lead.id}")
    ends_on = handed_on + timedelta(days=chance.randint(*HAND_BACK_DAYS))
    share = chance.random()
    if share < RECYCLE_SHARE:
        return End.RECYCLED, ends_on, chance.choice(reasons)
    return (End.UNREACHABLE if share < RECYCLE_SHARE + UNREACHABLE_SHARE else End.JUNK), ends_on, ""


def _arrival(lead: Lead, seed: int) -> datetime:
    return _moment(lead.arrived_on, Random(f"{seed}:arrival:{lead.id}"))


def _moment(on: date, chance: Random) -> datetime:
    seconds = chance.randrange((CLOSES - OPENS) * 3600)
    return datetime.combine(on, time(OPENS), UTC) + timedelta(seconds=seconds)


def _download(
    lead: Lead, calendar: Calendar, steps: tuple[Step, ...], worth: Worth, seed: int
) -> tuple[tuple[View, ...], int | None]:
    """Give the pages viewed until the threshold is crossed at a first sync, and that step; None if it never is."""
    chance = Random(f"{seed}:views:{lead.id}")
    signals = [Signal(at=_arrival(lead, seed), points=worth.download)]
    views: list[View] = []
    for step in steps[calendar.step_of(lead.arrived_on) :]:
        visit_days = [day for day in step.days if day > lead.arrived_on and chance.random() < 0.7]
        for day in visit_days:
            for path in _pages(chance, worth, impatient=len(views) >= PATIENCE):
                _view(views, signals, _moment(day, chance), path, worth)
        while visit_days and abs(total(signals, worth, step.first_sync_at) - worth.threshold) < MARGIN:
            _view(views, signals, _moment(visit_days[-1], chance), best_page(worth), worth)
        if total(signals, worth, step.first_sync_at) >= worth.threshold + MARGIN:
            return tuple(sorted(views, key=lambda view: view.at)), step.number
        if abs(total(signals, worth, step.first_sync_at) - worth.threshold) < MARGIN:
            return (), None  # too near without a visit to move it: such a lead raises its hand instead
    return (), None


def _view(views: list[View], signals: list[Signal], at: datetime, path: str, worth: Worth) -> None:
    views.append(View(at=at, path=path))
    signals.append(Signal(at=at, points=worth.pages[path]))


def _pages(chance: Random, worth: Worth, *, impatient: bool) -> list[str]:
    if impatient:
        return [best_page(worth)] * 3
    return chance.choices(sorted(worth.pages), k=chance.randint(1, 2))


def best_page(worth: Worth) -> str:
    return max(worth.pages, key=lambda path: worth.pages[path])
