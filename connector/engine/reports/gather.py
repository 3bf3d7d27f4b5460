"""Gather: the facts that reports are worked out from, read once for all of them.

Of contacts only what tells leads apart is taken: the fields that reports.yaml names, the form that was sent last, lane,
owner and grade. No name and no address is read out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256
from json import dumps
from typing import TypedDict
from zoneinfo import ZoneInfo

from connector.domain.activity import Channel
from connector.domain.contact import ContactId, Value
from connector.domain.deal import Deal
from connector.domain.episode import Episode, EpisodeId, State
from connector.domain.owner import Owner
from connector.engine.ports import PortalState, Store, UnitOfWork
from connector.engine.ports.history import PastStep
from connector.engine.ports.reporting import Arrival, HandedBy
from connector.rules.local_time import portal_zone
from connector.rules.reporting.causes import RULES
from connector.rules.reporting.credit import credited
from connector.rules.reporting.facts import FORM, GRADE, LANE, OWNER, Facts, Period
from connector.rules.reporting.late import Limit
from connector.rules.reporting.passed import UNKNOWN, Held, Passed, Step, local_day, passed, states_of
from connector.rules.routing import Directory, Turns, fairness, starving
from connector.rules.rulebook import RuleBook
from connector.rules.sla import answer_due, counts_touches

SAY_NOTHING = ("reports", "notifications", "sla")
"""Rule files that decide nothing about which leads are passed; a version that differs in them alone is the same."""
NO_FORM = "(no form)"

Span = Callable[[PortalState], Period]
"""What the reports are about, once the portal's zone and its last run are known."""


def gather(store: Store, book: RuleBook, span: Span, *, by_source: bool = False) -> tuple[Facts, Period] | None:
    """Everything that is known as of the last run; None before the first.

    Args:
        by_source: whether leads that came in are told apart by source, which reads every contact of the span.
    """
    with store.reading() as uow:
        state = uow.portal_state()
        if state is None or state.as_of is None:
            return None
        period = span(state)
        settled = book.in_zone(state.time_zone, uow.owners())
        return _facts(uow, state, state.as_of, settled, period, by_source), period


def _facts(
    uow: UnitOfWork, state: PortalState, as_of: datetime, book: RuleBook, period: Period, by_source: bool
) -> Facts:
    zone = portal_zone(state.time_zone)
    found = [(episode, path) for episode, path in uow.episodes_opened(as_of) if episode.handed_off_at is not None]
    ids = sorted({episode.contact for episode, _ in found})
    deals = uow.all_deals()
    versions, decisive = _versions(uow, zone)
    people = uow.owners()
    leads = _leads(
        found, deals, uow.arrivals_of(ids), uow.forms_sent(ids),
        uow.touches(ids) if counts_touches(book.sla) else {},
        {one.episode: one for one in uow.handed_by()}, book, decisive,
    )  # fmt: skip
    return Facts(
        as_of=as_of,
        zone=zone,
        since=state.handoff_since,
        book=book,
        leads=sorted(leads, key=lambda one: (one.handed_at, one.id)),
        episodes=[episode for episode, _ in found],
        reached={episode.id: states_of(episode, steps_of(path)) for episode, path in found},
        arrived=_arrived(uow, period, book, by_source),
        owners={one.id: one.name or one.email or one.id for one in people},
        gone=frozenset(one.id for one in people if one.archived),
        limits=[
            Limit(
                episode=one.episode, clock=one.clock, assignment=one.assignment, due_at=one.due_at,
                missed_at=one.fired_at,
            )
            for one in uow.limits()
        ],
        told_at=uow.told(),
        deals=deals,
        leaks=uow.leaks(period.since, period.until),
        versions=versions,
        **_spread(uow, book, period, people),
    )  # fmt: skip


class _Spread(TypedDict):
    turns: Sequence[Turns]
    starving: Sequence[str]


def _spread(uow: UnitOfWork, book: RuleBook, period: Period, people: Sequence[Owner]) -> _Spread:
    """How the turns of each pool went, and who starves."""
    directory = Directory(people)
    turns = fairness(book.routing, directory, uow.rotation(), uow.routed(period.since, period.until))
    return {"turns": turns, "starving": tuple(starving(turns, book.routing, directory))}


def steps_of(path: Sequence[PastStep]) -> list[Step]:
    return [(step.at, State(step.state)) for step in path]


def _leads(
    found: Sequence[tuple[Episode, list[PastStep]]],
    deals: Sequence[Deal],
    people: Mapping[ContactId, Arrival],
    forms: Mapping[ContactId, Sequence[tuple[datetime, str]]],
    touches: Mapping[ContactId, Sequence[tuple[datetime, str]]],
    handed: Mapping[EpisodeId, HandedBy],
    book: RuleBook,
    decisive: Mapping[str, str],
) -> list[Passed]:
    leads, deals_of = [], _deals_of(deals)
    money_of = credited([(episode, steps_of(path)) for episode, path in found], deals)
    for episode, path in found:
        person, by = people.get(episode.contact), handed.get(episode.id)
        version = decisive.get(by.fingerprint, by.fingerprint) if by else ""
        one = passed(
            episode,
            steps_of(path),
            deals_of.get(episode.contact, ()),
            arrived_at=person.created_at if person else None,
            kinds=_kinds(episode, path, person, forms.get(episode.contact, ()), by, book) | {RULES: version},
            rules=version,
            began=_began(episode, path),
            holders=_holders(path),
            touches=[(at, Channel(name)) for at, name in touches.get(episode.contact, ())],
            credited=money_of.get(episode.id, ()),
            answer_due_at=answer_due(episode, book.sla, now=episode.handed_off_at) if episode.handed_off_at else None,
        )
        if one is not None:
            leads.append(one)
    return leads


def _began(episode: Episode, path: Sequence[PastStep]) -> set[int]:
    """The first assignment of each hop."""
    passed_on = [step.assignment for step in path if episode.passed_on_at and step.at >= episode.passed_on_at]
    return {path[0].assignment, *passed_on[:1]}


def _holders(path: Sequence[PastStep]) -> dict[int, Held]:
    """Of each assignment who had it in the end: a write that was overtaken gave it to nobody."""
    found: dict[int, Held] = {}
    for step in path:
        since = found[step.assignment].since if step.assignment in found else step.at
        found[step.assignment] = Held(step.owner, since)
    return found


def _kinds(
    episode: Episode,
    path: Sequence[PastStep],
    person: Arrival | None,
    forms: Sequence[tuple[datetime, str]],
    by: HandedBy | None,
    book: RuleBook,
) -> dict[str, str]:
    """`owner` is the first who had it: what somebody else made of it later is no reason why it came."""
    assert episode.handed_off_at is not None
    sent = [name for at, name in forms if at <= episode.handed_off_at]
    first = next((step.owner for step in path if step.owner), episode.owner)
    kinds = {LANE: episode.lane, FORM: sent[-1] if sent else NO_FORM}
    if first:
        kinds[OWNER] = first
    if by is not None and by.grade:
        kinds[GRADE] = by.grade
    for name in {book.reports.source, *book.reports.categories}:
        value = _text(person.fields.get(name)) if person else ""
        if value:
            kinds[name] = value
    return kinds


def _text(value: Value) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(sorted(str(one) for one in value))
    return str(value)


def _deals_of(deals: Sequence[Deal]) -> dict[ContactId, list[Deal]]:
    found: dict[ContactId, list[Deal]] = {}
    for one in deals:
        for contact in one.contacts:
            found.setdefault(contact, []).append(one)
    return found


def _arrived(uow: UnitOfWork, period: Period, book: RuleBook, by_source: bool) -> dict[str, int]:
    """Contacts that came in within the span, by source; all of them as not known where that was not asked."""
    if not by_source:
        return {UNKNOWN: uow.count_arrivals(period.since, period.until)}
    counted: Counter[str] = Counter()
    for some in uow.arrivals(period.since, period.until):
        counted.update(_text(one.fields.get(book.reports.source)) or UNKNOWN for one in some)
    return dict(counted)


def _versions(uow: UnitOfWork, zone: ZoneInfo) -> tuple[dict[str, date], dict[str, str]]:
    """Versions that pass leads otherwise -> their first day; fingerprint -> the first version that decides alike."""
    first: dict[str, str] = {}
    decisive: dict[str, str] = {}
    days: dict[str, date] = {}
    for one in sorted(uow.rulebooks(), key=lambda version: (version.first_seen_at, version.fingerprint)):
        body = uow.rulebook(one.fingerprint) or {}
        deciding = {name: part for name, part in body.items() if name not in SAY_NOTHING}
        key = sha256(dumps(deciding, sort_keys=True, default=str).encode()).hexdigest()
        version = decisive[one.fingerprint] = first.setdefault(key, one.fingerprint)
        days.setdefault(version, local_day(one.first_seen_at, zone))
    return days, decisive
