"""Expected: what must come of a lead at the next run, by the table of promises and what the log says so far.

A restatement of the rules in other words, for this quarter's table alone. Who gets a lead is not foretold: whoever got
it is judged by `seats`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from quarter import promises
from quarter.business import Office
from quarter.facts import Deal, Facts, Lead
from quarter.promises import CLOCKS, DESTINATIONS, RANK, RETURNS, Span

Told = tuple[str, str, str]
"""Destination, type of the notice, and what tells it from others: an owner's id, a clock's level, a state."""
CUSTOMER = ("customer", "evangelist")
ON_TOUCH = tuple(name for name, clock in CLOCKS.items() if clock.until == "touch")
"""Clocks that the first call or e-mail stops, and that a second hand-raise starts anew."""


@dataclass
class Due:
    """One level of one clock that will be told of, unless the clock stops before."""

    clock: str
    level: str
    at: datetime
    tell: tuple[str, ...]


@dataclass
class Spell:
    """A lead in sales' hands.

    Attributes:
        since: the run that handed it over; got_at: when its present owner got it. told_asking: up to here its owner
        heard of every hand-raise. clocks: what is still to come of each. again_since: a second hand-raise started the
        clocks of the first touch anew; a touch or an answer after it stops those. inherited: somebody before its owner
        had answered. had_by: who had it before.
    """

    id: str
    lane: str
    owner: str
    since: datetime
    got_at: datetime
    state: str = "handed_off"
    touched_at: datetime | None = None
    told_asking: datetime | None = None
    told_interest: datetime | None = None
    clocks: list[Due] = field(default_factory=list)
    again_since: datetime | None = None
    inherited: bool = False
    had_by: list[str] = field(default_factory=list)

    @property
    def answered(self) -> bool:
        return RANK[self.state] >= RANK["accepted"]


@dataclass
class Ended:
    """How the last spell ended. `wakes_at` None: new interest counts at once."""

    state: str
    at: datetime
    reason: str
    heard_asking: datetime
    wakes_at: datetime | None
    by_itself: bool
    owner: str
    lane: str


@dataclass
class Course:
    """One lead's way so far. `excused`: hand-raises up to here were complained of once."""

    spell: Spell | None = None
    ended: Ended | None = None
    spells: int = 0
    told_triage: datetime | None = None
    excused: datetime | None = None


@dataclass
class Outlook:
    """What one run must bring for one lead.

    Attributes:
        told: notices, with how often each. opens: lane of a spell that must begin; why: its cause.
        moves: somebody else must have it afterwards; `to`: that one, where a person chose. state: as shown afterwards.
        ends: how it ends.
    """

    told: Counter[Told] = field(default_factory=Counter)
    opens: str = ""
    why: str = ""
    moves: str = ""
    to: str = ""
    state: str = ""
    ends: Ended | None = None


class Rules:
    """The table, with the offices walked out."""

    def __init__(self, offices: dict[str, Office]) -> None:
        self.offices = offices
        self.office_of = {seat.email: offices[seat.office] for seat in promises.SEATS}

    # -- clocks ------------------------------------------------------------------------------------------------

    def clocks_of(self, spell: Spell, facts: Facts, now: datetime, *, names: tuple[str, ...] = ()) -> list[Due]:
        """Every level of every clock that begins now; `names`: of these alone, as for somebody who asks."""
        office = self.office_of[facts.owners[spell.owner].email]
        found = []
        for name, clock in CLOCKS.items():
            span = clock.span("hand_raiser" if names else spell.lane)
            if span is not None and (name in names or (not names and not _stopped(name, spell, ()))):
                levels = [(level, _at(office, span, now, share), tell) for level, share, tell in clock.levels()]
                found += [Due(name, *each) for each in levels]
        return found


def _at(office: Office, span: Span, start: datetime, percent: int) -> datetime:
    """When that share of a span is used up."""
    if span.hours:
        return start + timedelta(hours=span.hours) * percent / 100
    minutes = span.minutes
    if span.days:
        due = office.days_after(start, span.days)
        if percent == 100:
            return due
        minutes = office.between(start, due)
    return office.after(start, minutes * percent / 100)


def _stopped(name: str, spell: Spell, touches: tuple[str, ...] | list[str]) -> bool:
    """Whether a clock has nothing more to wait for."""
    until = CLOCKS[name].until
    if until == "end":
        return False
    if until == "touches" and len(touches) >= promises.TRIES and touches.count("call") >= promises.CALLS:
        return True
    if until == "touch" and spell.touched_at is not None:
        return True
    return spell.answered and (until == "answer" or not spell.inherited)


# -- one lead at one run -----------------------------------------------------------------------------------------------


def outlook(lead: Lead, course: Course, facts: Facts, rules: Rules, now: datetime) -> Outlook:
    """What the run at `now` must bring. The course is brought up to then, but for who gets it."""
    if course.spell is None:
        return _opening(lead, course, now)
    return _in_hand(lead, course, course.spell, facts, rules, now)


def _in_hand(lead: Lead, course: Course, spell: Spell, facts: Facts, rules: Rules, now: datetime) -> Outlook:
    found, owner, before = Outlook(), lead.get("hubspot_owner_id"), spell.owner
    if owner and owner != spell.owner:  # a person gave it to somebody else
        _goes_over(spell, max(spell.since, lead.changed["hubspot_owner_id"]))
        spell.inherited = spell.answered
        spell.owner, found.moves, found.to = owner, "a person gave it to somebody else", owner
    touches = [(at, channel) for at, channel in lead.touches if at > spell.got_at]
    if spell.touched_at is None and touches:
        spell.touched_at = min(at for at, _ in touches)
    state = _state(lead, spell)
    if state in promises.ENDS:
        found.state, found.ends = state, _ending(lead, spell, state, now)
        if found.moves:
            found.told["reps", "lead.withdrawn", before] += 1
        if state != "won":
            found.told["marketing", "lead.recycled", state] += 1
        return found
    if state != spell.state or _said_anew(lead, spell):
        spell.inherited, spell.again_since = False, None  # who answers has looked, be a call logged or not
    spell.state = found.state = state
    if facts.owners[spell.owner].archived:
        found.moves, found.to = "its owner has left", ""
    elif not owner:
        found.moves, found.to = "a person took it away from its owner", ""
    if found.moves:
        _told_of_move(spell, found, before, now)
    _clocks_stop(spell, [channel for _, channel in touches], lead)
    _new_interest(lead, spell, facts, rules, now, found)
    due, spell.clocks = [d for d in spell.clocks if d.at <= now], [d for d in spell.clocks if d.at > now]
    if any(one.level == promises.TAKEN for one in due):
        found.moves = "its time ran out"
        _told_of_move(spell, found, before, now)
    for one in due:
        kind = "sla.at_risk" if one.level.startswith("at_risk") else "sla.breached"
        if kind == "sla.at_risk" and any(_says_more(other, one) for other in due):
            continue
        for role in one.tell:
            found.told[DESTINATIONS[role], kind, f"{CLOCKS[one.clock].says}: {one.level}"] += 1
    return found


def _says_more(other: Due, warning: Due) -> bool:
    """Whether as much of the same time, or all of it, is up at once, and whoever is warned hears of that."""
    later = other.clock == warning.clock and other.at > warning.at
    return later and other.level.startswith(("at_risk", "breach")) and set(warning.tell) <= set(other.tell)


def _told_of_move(spell: Spell, found: Outlook, before: str, now: datetime) -> None:
    """Both hear of it; where no person said to whom it goes, the next one finds it as if nobody had accepted it."""
    if not found.to:
        _goes_over(spell, now)
        if spell.state == "accepted":
            spell.state = found.state = "handed_off"
        spell.inherited = spell.answered
    found.told["reps", "lead.withdrawn", before] += 1
    found.told["reps", "lead.moved", "to its owner"] += 1
    spell.had_by.append(before)
    spell.clocks = []  # those of the new owner begin once it is seen who that is


def _said_anew(lead: Lead, spell: Spell) -> bool:
    """Whether its present owner said in their own words what somebody before had said."""
    since = spell.got_at
    return spell.inherited and spell.state in (
        promises.ANSWERS.get(lead.said_since("handoff_verdict", since), ""),
        promises.STATUSES.get(lead.said_since("hs_lead_status", since), ""),
        promises.STAGES.get(lead.said_since("lifecyclestage", since), ""),
        _deals_say(list(lead.deals.values()), since),
    )


def _goes_over(spell: Spell, at: datetime) -> None:
    """Whoever has it next finds it untouched; an answer that was given stands."""
    spell.got_at, spell.touched_at, spell.again_since = at, None, None
    if spell.state == "working":
        spell.state = "handed_off"


def _clocks_stop(spell: Spell, channels: list[str], lead: Lead) -> None:
    spell.clocks = [
        due
        for due in spell.clocks
        if (
            not any(at > spell.again_since for at, _ in lead.touches)
            if due.clock in ON_TOUCH and spell.again_since is not None
            else not _stopped(due.clock, spell, channels)
        )
    ]


def _new_interest(
    lead: Lead, spell: Spell, facts: Facts, rules: Rules, now: datetime, found: Outlook
) -> None:
    """A second hand-raise is told at once and starts the first clock anew; strong interest is told now and then."""
    fresh = [at for at in lead.asked if at > (spell.told_asking or spell.since)]
    if fresh:
        found.told["reps", "lead.signal", "asks again"] += len(fresh)
        spell.told_asking = max(fresh)
        running = {due.clock for due in spell.clocks if not due.level.startswith("escalated")}
        rested = tuple(name for name in ON_TOUCH if name not in running)
        if rested and not found.moves:
            spell.clocks = [due for due in spell.clocks if due.clock not in rested]
            spell.again_since = max(fresh)
            spell.clocks += rules.clocks_of(spell, facts, now, names=rested)
    heard = max(at for at in (spell.since, spell.told_asking, spell.told_interest) if at is not None)
    looks = [at for at in lead.looked if at > heard]
    told = spell.told_interest
    if looks and points(looks, now) >= promises.STRONG and (told is None or now >= told + promises.QUIET_FOR):
        found.told["reps", "lead.signal", "interest"] += 1
        spell.told_interest = now


def points(looks: list[datetime], now: datetime) -> float:
    """Points of looks at the prices, halved with every half-life, and at most so many."""
    each = (promises.POINTS * 0.5 ** ((now - at) / promises.HALF_LIFE) for at in looks)
    return min(float(sum(each)), promises.MOST_POINTS)


# -- what sales says -----------------------------------------------------------------------------------------------


def _state(lead: Lead, spell: Spell) -> str:
    """Won beats all; then the rep's answer, a lost deal, lead status; else whatever is furthest."""
    deal = _deals_say(list(lead.deals.values()), spell.since)
    answer = promises.ANSWERS.get(lead.said_since("handoff_verdict", spell.since), "")
    status = promises.STATUSES.get(lead.said_since("hs_lead_status", spell.since), "")
    stage = promises.STAGES.get(lead.said_since("lifecyclestage", spell.since), "")
    if "won" in (deal, stage):
        return "won"
    for said in (answer, deal, status):
        if said in promises.ENDS:
            return said
    touched = "working" if spell.touched_at is not None else ""
    return max((said for said in (deal, answer, status, stage, touched, spell.state) if said), key=RANK.__getitem__)


def _deals_say(deals: list[Deal], since: datetime) -> str:
    ours = [deal for deal in deals if deal.made_at >= since or (deal.closed_at is not None and deal.closed_at >= since)]
    stages = {deal.stage for deal in ours}
    if "closedwon" in stages:
        return "won"
    if stages - {"closedlost"}:
        return "opportunity"
    return "lost" if stages else ""


def _ending(lead: Lead, spell: Spell, state: str, now: datetime) -> Ended:
    given = lead.get("handoff_verdict_reason")
    reason = given if given in RETURNS else promises.UNSAID.get(state, "")
    wakes_at, by_itself = None, False
    if state not in ("won", "junk"):
        back = RETURNS[reason]
        day = lead.get("handoff_return_on")
        if back.by_field and day:
            named = datetime.fromisoformat(f"{day[:10]}T00:00:00+00:00")
            wakes_at = max(named - back.ahead if named - back.ahead > now else named, now)
        elif back.after is not None:
            wakes_at = now + back.after
        by_itself = back.by_itself and wakes_at is not None
    heard = spell.told_asking or spell.since
    return Ended(state, now, reason, heard, wakes_at, by_itself, spell.owner, spell.lane)


# -- who comes to sales, and again ---------------------------------------------------------------------------------


def _opening(lead: Lead, course: Course, now: datetime) -> Outlook:
    found, last = Outlook(), course.ended
    mark = max([at for at in (course.excused, last.heard_asking if last else None) if at is not None], default=None)
    asked = [at for at in lead.asked if mark is None or at > mark]
    lane = "customer" if lead.get("lifecyclestage") in CUSTOMER else ""
    if lead.get("handoff_request") == "hand_over" and (mark is None or lead.changed["handoff_request"] > mark):
        return replace(found, opens=lane or "request", why="a person asked for it")
    if asked:
        if lead.domain in promises.RIVALS or (last is not None and last.state == "junk"):
            if course.told_triage is None or max(asked) > course.told_triage:
                course.told_triage = max(asked)
                found.told["triage", "lead.triaged", ""] += 1
            return found
        return replace(found, opens=lane or "hand_raiser", why="it asked for sales")
    if last is not None and last.state == "junk":
        return found  # nothing that it does by itself brings junk back
    if last is not None and last.state != "won":
        if last.wakes_at is not None and last.wakes_at > now:
            return found
        if last.by_itself:
            return replace(found, opens=lane or "return", why=f"its day has come: {last.reason}")
        if last.reason in promises.WOKEN_BY:
            why = _changed(lead, last)
            return replace(found, opens=lane or "return", why=why) if why else found
    if lead.domain in promises.RIVALS or lead.domain in promises.WEB_MAIL:
        return found
    if why := _interest(lead, last, now):
        return replace(found, opens=lane or "score", why=why)
    return found


def _interest(lead: Lead, last: Ended | None, now: datetime) -> str:
    """Why it goes to sales without having asked; empty where it does not."""
    looks = [at for at in lead.looked if last is None or at > last.at]
    if points(looks, now) >= promises.ENOUGH:
        return "it has shown enough interest" + (" since it came back" if last else "")
    return ""


def _changed(lead: Lead, last: Ended) -> str:
    """What has changed since the hand-back that its reason waits for; empty where nothing has."""
    name, says = promises.WOKEN_BY[last.reason]
    if lead.changed.get(name, last.at) <= last.at:
        return ""
    large = name == "numemployees" and _employees(lead) >= promises.LARGE
    decides = name == "jobtitle" and any(word in lead.get(name).lower().split() for word in promises.DECIDES)
    return says if large or decides else ""


def _employees(lead: Lead) -> int:
    return int(lead.get("numemployees").partition("-")[0].rstrip("+") or 0)


def opened(course: Course, lead: Lead, facts: Facts, rules: Rules, found: Outlook, now: datetime) -> None:
    """A spell has begun; the log says whose it is."""
    spell = Spell(lead.get("handoff_episode"), found.opens, lead.get("hubspot_owner_id"), now, now)
    spell.clocks = rules.clocks_of(spell, facts, now)
    course.spell, course.spells = spell, course.spells + 1


def moved(course: Course, lead: Lead, facts: Facts, rules: Rules, now: datetime) -> None:
    """Somebody else has it; the log says who. The clocks are theirs."""
    spell = course.spell
    assert spell is not None
    spell.owner = lead.get("hubspot_owner_id")
    touches = [channel for at, channel in lead.touches if at > spell.got_at]
    spell.clocks = [due for due in rules.clocks_of(spell, facts, now) if not _stopped(due.clock, spell, touches)]
