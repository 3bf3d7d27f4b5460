"""Outcome: what two replayed worlds came to, what became of these leads in fact, and what nobody can know.

What is said of the past (opportunities, revenue, junk) is what the database holds of it, not what a replay made up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from connector.domain.contact import ContactId, OwnerId
from connector.domain.deal import DealState
from connector.domain.episode import Episode, State
from connector.engine.ports import UnitOfWork
from connector.engine.replay.diary import Diary, Handed
from connector.engine.replay.lived import Lived, Refusal
from connector.rules.rulebook import RuleBook

AT_ONCE = 500
GAINED, LOST, EARLIER, LATER, OTHER_OWNER = "only_changed", "only_today", "earlier", "later", "other_owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One lead that the changed rules treat otherwise.

    Attributes:
        kind: `only_changed`, `only_today`, `earlier`, `later` or `other_owner`.
        why: of the world that hands over first, or at all; why_not: of the other one at that moment.
    """

    contact: ContactId
    kind: str
    today_at: datetime | None
    changed_at: datetime | None
    today_owner: OwnerId | None
    changed_owner: OwnerId | None
    why: str
    why_not: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Became:
    """What became of some leads in fact, within the time looked at."""

    leads: int
    opportunities: int
    won: int
    revenue: float
    junk: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one owner had in each world: leads given, the most open on one day, clocks that ran out."""

    owner: OwnerId
    name: str
    today: int
    changed: int
    most_open_today: int
    most_open_changed: int
    broken_today: int
    broken_changed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far the replay of today's rules gives what happened: first handovers, on the same run to the same owner."""

    handovers: int
    same: int
    other_run: int
    other_owner: int
    missing: int
    invented: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Attributes:
    weeks: first day of each week -> handed over by today's and by the changed rules.
    became: group of leads -> what became of them; groups are `both`, `only_today` and `only_changed`.
    unknown: (sentence, count) of what the past cannot tell; only those that count something.
    """

    since: datetime
    until: datetime
    runs: int
    days: int
    activities: int
    rules_today: str
    rules_changed: str
    handed_today: int
    handed_changed: int
    again_today: int
    again_changed: int
    triaged_today: int
    triaged_changed: int
    taken_in_today: int
    taken_in_changed: int
    moves: tuple[Move, ...]
    loads: tuple[Load, ...]
    weeks: Mapping[date, tuple[int, int]]
    became: Mapping[str, Became]
    agreement: Agreement
    unknown: tuple[tuple[str, int], ...]

    def counted(self) -> Counter[str]:
        """Moves by kind."""
        return Counter(move.kind for move in self.moves)

    def as_dict(self) -> dict[str, object]:
        """Plain values; instants stay instants."""
        weeks = [{"week": day, "today": a, "changed": b} for day, (a, b) in self.weeks.items()]
        unknown = [{"what": words, "count": count} for words, count in self.unknown]
        return asdict(self) | {"weeks": weeks, "unknown": unknown, "moved": dict(self.counted())}


def outcome(uow: UnitOfWork, lived: Lived, today: RuleBook, changed: RuleBook) -> Outcome:
    """Put the two worlds side by side."""
    assert lived.changed is not None
    a, b = lived.today, lived.changed
    groups = {
        "both": a.handed.keys() & b.handed.keys(),
        LOST: a.handed.keys() - b.handed.keys(),
        GAINED: b.handed.keys() - a.handed.keys(),
    }
    past = {episode.contact: episode for episode in _handed_in_fact(uow, lived)}
    return Outcome(
        since=lived.since,
        until=lived.until,
        runs=sum(moment.kept for moment in lived.moments),
        days=sum(not moment.kept for moment in lived.moments),
        activities=lived.activities,
        rules_today=today.fingerprint,
        rules_changed=changed.fingerprint,
        handed_today=len(a.handed),
        handed_changed=len(b.handed),
        again_today=a.again,
        again_changed=b.again,
        triaged_today=len(a.triaged),
        triaged_changed=len(b.triaged),
        taken_in_today=len(a.predating),
        taken_in_changed=len(b.predating),
        moves=tuple(_moves(lived, a, b)),
        loads=tuple(_loads(uow, a, b)),
        weeks=_weeks(lived, a, b),
        became={name: _became(uow, ids, lived) for name, ids in groups.items()},
        agreement=_agreement(a, past),
        unknown=tuple((words, count) for words, count in _unknown(uow, lived, past, today, changed) if count),
    )


# -- who would move ------------------------------------------------------------------------------------------------


def _moves(lived: Lived, a: Diary, b: Diary) -> Iterator[Move]:
    for contact in sorted(a.handed.keys() | b.handed.keys()):
        was, would = a.handed.get(contact), b.handed.get(contact)
        kind = _kind(was, would)
        if kind:
            first = min((one for one in (was, would) if one), key=lambda one: one.at)
            refused = lived.refused["changed" if first is was else "today"].get(contact, Refusal(why=""))
            yield Move(
                contact=contact,
                kind=kind,
                today_at=was.at if was else None,
                changed_at=would.at if would else None,
                today_owner=was.owner if was else None,
                changed_owner=would.owner if would else None,
                why=first.why,
                why_not=refused.why if kind != OTHER_OWNER else "",
                missing=refused.missing,
            )


def _kind(was: Handed | None, would: Handed | None) -> str:
    if was is None or would is None:
        return GAINED if was is None else LOST
    if was.at != would.at:
        return EARLIER if would.at < was.at else LATER
    return OTHER_OWNER if was.owner != would.owner else ""


def _loads(uow: UnitOfWork, a: Diary, b: Diary) -> Iterator[Load]:
    names = {owner.id: owner.name or owner.email or owner.id for owner in uow.owners()}
    for owner in sorted({*a.given, *b.given, *a.most_open, *b.most_open}, key=lambda one: (len(one), one)):
        yield Load(
            owner=owner,
            name=names.get(owner, owner),
            today=a.given[owner],
            changed=b.given[owner],
            most_open_today=a.most_open[owner],
            most_open_changed=b.most_open[owner],
            broken_today=a.broken[owner],
            broken_changed=b.broken[owner],
        )


def _weeks(lived: Lived, a: Diary, b: Diary) -> dict[date, tuple[int, int]]:
    """Every week of the time, those without any handover too."""
    first, last = a.day(lived.since), a.day(lived.until)
    weeks: dict[date, tuple[int, int]] = {}
    monday = first - timedelta(days=first.weekday())
    while monday <= last:
        days = [monday + timedelta(days=n) for n in range(7)]
        counted = [sum(diary.by_day[day].total() for day in days if day in diary.by_day) for diary in (a, b)]
        weeks[monday] = (counted[0], counted[1])
        monday += timedelta(days=7)
    return weeks


# -- what became of them -------------------------------------------------------------------------------------------


def _became(uow: UnitOfWork, ids: Collection[ContactId], lived: Lived) -> Became:
    opportunities = won = junk = 0
    revenue = 0.0
    told: set[str] = set()
    for some in _pages(sorted(ids)):
        deals, episodes = uow.deals(some), uow.episodes(some)
        for contact in some:
            recent = [one for one in deals[contact] if lived.since < one.created_at <= lived.until]
            closed = [one for one in recent if one.state is DealState.WON]
            opportunities += bool(recent)
            won += bool(closed)
            revenue += sum(one.amount or 0 for one in closed if one.id not in told)  # a deal may have many contacts
            told |= {one.id for one in closed}
            junk += any(_ended_as(one, State.JUNK, lived) for one in episodes[contact])
    return Became(leads=len(ids), opportunities=opportunities, won=won, revenue=revenue, junk=junk)


def _ended_as(episode: Episode, state: State, lived: Lived) -> bool:
    return episode.state is state and episode.ended_at is not None and lived.since < episode.ended_at <= lived.until


def _pages(ids: Sequence[ContactId]) -> Iterator[Sequence[ContactId]]:
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]


# -- how far it can be trusted -------------------------------------------------------------------------------------


def _handed_in_fact(uow: UnitOfWork, lived: Lived) -> Iterator[Episode]:
    """Each contact's first handover within the time, as it happened; the last ones first, so that the first stays."""
    found = [
        episode
        for episode, _ in uow.episodes_opened(lived.until)
        if not episode.silent and episode.handed_off_at and lived.since < episode.handed_off_at <= lived.until
    ]
    return iter(sorted(found, key=lambda one: one.ordinal, reverse=True))


def _agreement(a: Diary, past: Mapping[ContactId, Episode]) -> Agreement:
    counts: Counter[str] = Counter()
    for contact, episode in past.items():
        handed = a.handed.get(contact)
        if handed is None:
            counts["missing"] += 1
        elif handed.at != episode.handed_off_at:
            counts["run"] += 1
        else:
            counts["same"] += 1
    return Agreement(
        handovers=len(past),
        same=counts["same"],
        other_run=counts["run"],
        other_owner=sum(
            one.owner is not None and contact in past and past[contact].assignment == 1
            and past[contact].owner != one.owner
            for contact, one in a.handed.items()
        ),
        missing=counts["missing"],
        invented=len(a.handed.keys() - past.keys()),
    )  # fmt: skip


def _unknown(
    uow: UnitOfWork, lived: Lived, past: Mapping[ContactId, Episode], today: RuleBook, changed: RuleBook
) -> Iterator[tuple[str, int]]:
    assert lived.changed is not None
    handed = lived.changed.handed
    spots = uow.blind_spots(lived.since, lived.until)
    yield (
        "contacts were there before but were first seen within this time; what they did before is not known",
        (spots.seen_late),
    )
    yield (
        "leads would be handed over that never were; what sales would have said of them is unknown, so they stay open",
        len(handed.keys() - past.keys()),
    )
    yield (
        "leads were handed over in fact and would not be; marketing would have gone on writing to them, and what they "
        "would have done with these mails is unknown",
        len(past.keys() - handed.keys()),
    )
    yield (
        "leads would be handed over on another day; what reps said of them stands on the day on which they said it",
        sum(one.contact in past and one.at != past[one.contact].handed_off_at for one in handed.values()),
    )
    yield "handovers were undone by a person; in a replay they stand", spots.undone
    yield "contacts were merged into others; what both did counts for one from the beginning", spots.merged
    yield "contacts were deleted in the CRM, nobody knows when; in a replay they stay", spots.deleted
    yield "people were erased; they take no part", spots.erased
    yield "owners have left since; in a replay they get no leads at all", sum(o.archived for o in uow.owners())
    yield "days had no stored runs and were replayed as one run each", sum(not m.kept for m in lived.moments)
    yield (
        "versions of the rules were in force in fact; today's are put in place of all of them",
        (len(lived.fingerprints) if len(lived.fingerprints) > 1 else 0),
    )
    yield (
        "leads were in sales' hands at the beginning; whose turn it was then is not kept, so all begin alike",
        (lived.opened_with),
    )
    known = {rule.property for rule in today.fields.fields.values()}
    yield (
        "fields of the changed rules were not read in the past, so they are empty",
        sum(rule.property is not None and rule.property not in known for rule in changed.fields.fields.values()),
    )
    yield "contacts could not be decided by the changed rules", lived.changed.failures.total()
