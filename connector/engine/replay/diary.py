"""The diary of one world: what came of it, and nothing else; decisions themselves are not kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo

from connector.domain.contact import ContactId, OwnerId
from connector.domain.decision import GIVEN, Action, Decision
from connector.domain.episode import State
from connector.domain.timer import Timer


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """One handover. `score` in points; None where nothing was scored."""

    contact: ContactId
    at: datetime
    owner: OwnerId | None
    lane: str
    why: str
    score: float | None
    grade: str


@dataclass(slots=True)
class Diary:
    """Attributes:
    handed: the first handover of each contact; again: how many came back to sales after that.
    by_day: handed over, per day of the portal and owner. most_open: most leads that each had at the end of a run.
    """

    zone: tzinfo
    handed: dict[ContactId, Handed] = field(default_factory=dict)
    again: int = 0
    given: Counter[OwnerId] = field(default_factory=Counter)
    ended: Counter[State] = field(default_factory=Counter)
    triaged: set[tuple[ContactId, str]] = field(default_factory=set)
    predating: set[ContactId] = field(default_factory=set)
    signals: int = 0
    broken: Counter[OwnerId] = field(default_factory=Counter)
    by_day: dict[date, Counter[OwnerId]] = field(default_factory=dict)
    most_open: Counter[OwnerId] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    news: list[ContactId] = field(default_factory=list)
    """Handed over for the first time in the run under way."""

    def decided(self, decision: Decision) -> None:
        episode, action = decision.episode, decision.action
        if action is Action.TRIAGE:
            self.triaged.add((decision.contact, decision.evidence))
        elif action is Action.PREDATES:
            self.predating.add(decision.contact)
        elif action in (Action.SIGNAL, Action.INTEREST):
            self.signals += 1
        elif episode is None:
            return
        elif action in GIVEN:
            self._hand(decision)
        elif action is Action.END:
            self.ended[episode.state] += 1

    def _hand(self, decision: Decision) -> None:
        episode = decision.episode
        assert episode is not None
        owner = episode.owner or OwnerId("")
        self.given[owner] += 1
        self.by_day.setdefault(self.day(decision.as_of), Counter())[owner] += 1
        if decision.contact in self.handed:
            self.again += 1
            return
        self.news.append(decision.contact)
        self.handed[decision.contact] = Handed(
            contact=decision.contact,
            at=decision.as_of,
            owner=episode.owner,
            lane=episode.lane,
            why=decision.sentence,
            score=decision.score.points if decision.score else None,
            grade=decision.score.grade if decision.score else "",
        )

    def end_of_run(self, open_leads: Mapping[OwnerId, int]) -> None:
        self.news.clear()
        for owner, count in open_leads.items():
            if count > self.most_open[owner]:
                self.most_open[owner] = count

    def day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def broke(self, owner: OwnerId | None, timer: Timer) -> None:
        if owner is not None:
            self.broken[owner] += 1

    def failed(self, contact: ContactId, error: Exception) -> None:
        self.failures[type(error).__name__] += 1
