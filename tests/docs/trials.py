"""What the tables of the cookbook claim, carried out by the rules themselves.

Each trial belongs to the column that says what comes of it; the other columns are what it is given, or more of what
comes of it (given.py). Every trial takes place at the moment of the examples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from factories import make_episode
from given import NAMES, NOTHING, REPS, WHO, Row, ago, deals, did, former, lead, plain, read, read_list, situation, wire

from connector.config.examples import NOW
from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import OwnerId
from connector.domain.decision import Action, Decision
from connector.domain.episode import Episode, State
from connector.domain.notice import Notice, NoticeKind
from connector.domain.record import Record
from connector.domain.stage import Stage
from connector.rules import (
    funnel,
    leaks,
    morning,
    notes,
    notifications,
    quiet,
    scorecard,
    sla,
    stages,
    suppression,
    targets,
)
from connector.rules.condition import Condition, Facts, check_condition
from connector.rules.decide import decide
from connector.rules.durations import parse_duration
from connector.rules.fields import normalise
from connector.rules.marking import marking
from connector.rules.plan import plan
from connector.rules.routing import take_turn
from connector.rules.rulebook import RuleBook
from connector.rules.scanners import sift
from connector.rules.situation import Desk
from connector.rules.words import day, in_points

Trial = Callable[[RuleBook, Sequence[Row]], Iterator[Row]]
TRIALS: dict[str, tuple[frozenset[str], Trial]] = {}
"""The column that names a trial -> all columns that it knows, and the trial."""


def trial(outcome: str, *others: str) -> Callable[[Trial], Trial]:
    def keep(made: Trial) -> Trial:
        TRIALS[outcome] = (frozenset((outcome, *others)), made)
        return made

    return keep


# -- qualification, scoring ----------------------------------------------------------------------------------------


@trial("what happens", "lead", "did", "deals", "handed over before", "in words")
def _what_happens(book: RuleBook, rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        contact = lead(read(row.get("lead", "")), book)
        activities = did(read_list(row.get("did", "")))
        given = situation(contact, activities=activities, deals=deals(read_list(row.get("deals", ""))),
                          episodes=former(row))  # fmt: skip
        decision = decide(given, book, now=NOW)
        yield {"what happens": decision.action.value.replace("_", " "), "in words": decision.sentence}


@trial("lines", "lead", "did", "fit", "engagement", "points", "grade")
@trial("grade", "lead", "did", "fit", "engagement", "points")
def _points(book: RuleBook, rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        kept = sift(did(read_list(row.get("did", ""))), book.scoring.scanners).kept
        found = scorecard.score(lead(read(row.get("lead", "")), book), kept, book.scoring, now=NOW, since=None)
        part = {"fit", "engagement"} & set(row)
        lines = [line for line in found.contributions if len(part) != 1 or line.group in part]
        yield {
            "fit": in_points(found.fit), "engagement": in_points(found.engagement), "points": in_points(found.total),
            "grade": found.grade,
            "lines": "; ".join(f"{line.points / 100:+g} {line.label}" for line in lines),
        }  # fmt: skip


@trial("mark", "lead", "did")
def _mark(book: RuleBook, rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        given = situation(lead(read(row.get("lead", "")), book), activities=did(read_list(row["did"])))
        found = marking(given, None, book, now=NOW)
        yield {"mark": str(found.change.after) if found.change else ""}


# -- conditions ----------------------------------------------------------------------------------------------------


@trial("holds for", "condition", "does not hold for", "for")
def _condition(book: RuleBook, rows: Sequence[Row]) -> Iterator[Row]:
    """Each cell as it stands where it is right; else what came out."""
    for row in rows:
        tree = Condition.model_validate(read(row["condition"]))
        assert check_condition(tree, book.fields) == [], row["condition"]
        said = {True: "does not hold", False: "holds"}
        yield {
            column: plain(row[column]) if tree.holds(_facts(read(row[column]), book)) is wanted else said[wanted]
            for column, wanted in (("holds for", True), ("does not hold for", False))
        }


def _facts(given: dict[str, Any], book: RuleBook) -> Facts:
    activities, bought = did(given.pop("did", [])), deals(given.pop("deals", []))
    back = given.pop("handed_back", None)
    since = ago(back) if back else None
    return Facts(lead(given, book), NOW, activities, bought, since, book.fields)


# -- fields, stages ------------------------------------------------------------------------------------------------


@trial("a rule sees", "HubSpot sends", "noted")
def _sees(book: RuleBook, rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        sent = {name: wire(value) for name, value in read(row["HubSpot sends"]).items()}
        known = {rule.property for rule in book.fields.fields.values()}
        assert set(sent) <= known, f"no field reads all of {', '.join(sent)}"
        record = Record(id=WHO, asked_id=WHO, properties=sent, created_at=NOW, modified_at=NOW)
        contact = normalise(record, book.fields, book.stages.values)
        named = [name for name in read(row["a rule sees"]) if name in book.fields.fields]
        seen = {name: contact.get(name) for name in named or contact.fields}
        yield {"a rule sees": _flow(seen), "noted": "; ".join(contact.problems)}


def _flow(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {_shown(value)}" for name, value in values.items() if value is not None)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, tuple):
        return f"[{', '.join(value)}]"
    return f"{value:g}" if isinstance(value, float) else str(value)


@trial("after the handover", "before")
def _handover_writes(book: RuleBook, rows: Sequence[Row]) -> Iterator[Row]:
    """The fields that the row names, as they stand once the lead is handed over."""
    for row in rows:
        before = read(row["before"])
        contact = lead({"request": "hand_over"} | {name: value for name, value in before.items() if value}, book)
        decision = decide(situation(contact), book, now=NOW)
        made = plan(decision, contact, book, on_list=False, now=NOW)
        after = {**contact.fields, **{change.field: change.after for change in made.changes}}
        shown = {name: NAMES.get(str(after.get(name)), after.get(name)) for name in before}
        yield {"after the handover": _flow(shown)}


@trial("Handoff reads", "lifecycle stage", "lead status")
def _reads(book: RuleBook, rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        given = {name: value for name, column in (("stage", "lifecycle stage"), ("status", "lead status"))
                 if (value := plain(row.get(column, "")))}  # fmt: skip
        state = stages.reported_state(lead(given, book), book.stages)
        yield {"Handoff reads": state.value if state else ""}


@trial("HubSpot then shows", "a lead becomes", "lifecycle stage before")
def _shows(book: RuleBook, rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        before = plain(row["lifecycle stage before"])
        contact = lead({"stage": before} if before else {}, book)
        state = State(plain(row["a lead becomes"]))
        after = make_episode(contact=WHO, state=state, ended_at=NOW if state.is_end else None)
        action = Action.HAND_OVER if state is State.HANDED_OFF else Action.END if state.is_end else Action.ADVANCE
        decision = Decision(contact=WHO, as_of=NOW, fingerprint="", action=action, sentence="", episode=after)
        made = {c.field: c.after for c in plan(decision, contact, book, on_list=False, now=NOW).changes}
        stage = book.stages.portal_value(Stage(str(made["stage"]))) if "stage" in made else None
        yield {"HubSpot then shows": _flow({"stage": stage or before or None, "status": made.get("status")})}


# -- suppression, routing, sla, recycling --------------------------------------------------------------------------


@trial("marketing may mail", "lead", "sales may call", "sales may mail", "basis")
def _allowed(book: RuleBook, rows: Sequence[Row]) -> Iterator[Row]:
    word = {True: "yes", False: "no"}
    for row in rows:
        found = suppression.allow(lead(read(row["lead"]), book), book.suppression, asked_for_contact=True)
        yield {
            "sales may call": word[found.call], "sales may mail": word[found.personal_mail],
            "marketing may mail": word[found.marketing_mail], "basis": "; ".join(found.reasons),
        }  # fmt: skip


@trial("marketing hold", "lane", "the lead is", "because")
def _hold(book: RuleBook, rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        state = State(plain(row["the lead is"]).replace(" ", "_"))
        episode = make_episode(contact=WHO, state=state, lane=plain(row.get("lane", "")) or "score",
                               exit_reason=plain(row.get("because", "")))  # fmt: skip
        yield {"marketing hold": "on" if suppression.holds(episode, book.suppression) else "off"}


@trial("the rep is told", "a lead in work did", "told before")
def _interest(book: RuleBook, rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        told = plain(row["told before"])
        episode = make_episode(
            contact=WHO, handed_off_at=NOW - timedelta(days=2),
            interest_told_at=NOW - parse_duration(told).wall() if told else None,
        )  # fmt: skip
        activities = did(read_list(row["a lead in work did"]))
        given = situation(lead({}, book), activities=activities, episodes=[episode])
        decision = decide(given, book, now=NOW)
        yield {"the rep is told": decision.sentence if decision.action is Action.INTEREST else NOTHING}


@trial("marketing is told", "an e-mail", "sent after the handover")
def _leak(book: RuleBook, rows: Sequence[Row]) -> Iterator[Row]:
    episode = make_episode(contact=WHO)
    assert episode.handed_off_at is not None
    for row in rows:
        at = episode.handed_off_at + parse_duration(plain(row["sent after the handover"])).wall()
        kind, name = ActivityKind.EMAIL_SENT, plain(row["an e-mail"])
        mail = Activity(stream="emails", id="1", contact=WHO, kind=kind, occurred_at=at, name=name)
        yield {"marketing is told": "yes" if leaks.held_in(mail, [episode], book.suppression) else "no"}


@trial("goes to", "lead", "had it before", "company's lead with", "open leads", "because")
def _goes_to(book: RuleBook, rows: Sequence[Row]) -> Iterator[Row]:
    """One lead after the other, as one run takes them; turns move on from row to row."""
    rotation: dict[str, dict[OwnerId, int]] = {}
    for row in rows:
        held = {REPS[name].id: count for name, count in read(row.get("open leads", "")).items()}
        desk = Desk(owners=tuple(REPS.values()), rotation=rotation, open_leads=held)
        account = plain(row.get("company's lead with", ""))
        contact = replace(lead({"request": "hand_over", **read(row["lead"])}, book), changed_at={"request": NOW})
        decision = decide(situation(contact, desk=desk, episodes=former(row),
                                    account_owner=REPS[account].id if account else None), book, now=NOW)  # fmt: skip
        route = decision.route
        assert route is not None, decision.sentence
        take_turn(rotation, route)
        yield {"goes to": NAMES[route.owner], "because": route.sentence}


@trial("due", "handed over", "lane", "clock", "reminders", "then tells", "waits from", "until", "taken away")
def _due(book: RuleBook, rows: Sequence[Row]) -> Iterator[Row]:
    """Times in the zone of the clock's calendar."""
    for row in rows:
        name = plain(row["clock"])
        rules = book.sla.clocks[name]
        calendar = book.sla.calendars[rules.calendar or next(iter(book.sla.calendars))]
        zone = ZoneInfo(calendar.zone)
        handed = datetime.strptime(plain(row["handed over"]), MOMENT).replace(tzinfo=zone).astimezone(UTC)
        lane = plain(row.get("lane", "")) or "score"
        episode = make_episode(contact=WHO, lane=lane, opened_at=handed, handed_off_at=handed)
        timers = [timer for timer in sla.clocks(episode, book.sla, now=handed) if timer.name == name]
        if waits := plain(row.get("waits from", "")):
            since, until = (datetime.strptime(cell, MOMENT).replace(tzinfo=zone).astimezone(UTC)
                            for cell in (waits, plain(row["until"])))  # fmt: skip
            paused = [replace(timer, paused_at=since) for timer in timers if sla.may_pause(timer, book.sla)]
            timers = [sla.resumed(timer, episode, book.sla, now=until) for timer in paused]
        told = {timer.level: timer.due_at.astimezone(zone).strftime(MOMENT) for timer in timers}
        breach = next((timer for timer in timers if timer.level == sla.BREACH), None)
        yield {
            "due": told.pop(sla.BREACH, ""),
            "taken away": told.pop(sla.REASSIGN, ""),
            "reminders": "; ".join(told.values()),
            "then tells": ", ".join(sla.tell(breach, book.sla)) if breach else "",
        }


MOMENT = "%a %d %b %Y %H:%M"


@trial("comes back", "sales answers", "the lead is", "nurture track", "reason")
def _comes_back(book: RuleBook, rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        contact = lead(read(row["sales answers"]), book, said_now=True)
        handed = NOW - timedelta(days=2)
        before = make_episode(contact=WHO, owner=REPS["Ana"].id, opened_at=handed, handed_off_at=handed)
        decision = decide(situation(contact, episodes=(before,)), book, now=NOW)
        after = decision.episode
        assert after is not None, decision.sentence
        yield {
            "the lead is": after.state.value.replace("_", " "),
            "reason": after.exit_reason,
            "nurture track": after.track,
            "comes back": _back(after, book),
        }


def _back(after: Episode, book: RuleBook) -> str:
    """What the next decisions say of the lead, once sales has answered."""
    if not after.state.is_end:
        return ""
    if after.state is State.JUNK:
        return "only by way of the triage desk"
    wake = book.recycling.reasons[after.exit_reason].wake
    if wake.when is not None:
        return f"by a change of {' or '.join(book.fields.label(name) for name in sorted(wake.when.fields_used))}"
    if after.wakes_at is None:
        return "by new interest, at once"
    given = situation(lead({}, book), episodes=(after,))
    then = decide(given, book, now=after.wakes_at)
    if then.action is Action.HAND_OVER:
        return f"by itself, on {day(after.wakes_at)}"
    return f"by new interest, from {day(after.wakes_at)} on"


# -- notifications, reports ----------------------------------------------------------------------------------------


@trial("is told to", "notice", "roles", "when")
def _told_to(book: RuleBook, rows: Sequence[Row]) -> Iterator[Row]:
    rules = book.notifications
    present = {name for destination in rules.destinations.values() for name in destination.needs()}
    active = notifications.switched_on(rules, present)
    for row in rows:
        roles = [role.strip() for role in plain(row.get("roles", "")).split(",") if role.strip()]
        notice = Notice(kind=NoticeKind(plain(row["notice"])), contact=WHO, episode=None, owner=REPS["Ana"].id, key="",
                        occurred_at=NOW, packet={"tell": roles})  # fmt: skip
        yield {"is told to": ", ".join(notifications.recipients(notice, rules, active))}


@trial("the rep hears of it", "notice", "urgent", "at")
def _quiet(book: RuleBook, rows: Sequence[Row]) -> Iterator[Row]:
    """`at`: local time of the calendar, in which the answer is told, too."""
    rules = book.notifications
    (destination,) = rules.destinations.values()
    zone = ZoneInfo(book.sla.calendar_named(rules.quiet_hours.outside, None).zone)
    for row in rows:
        at = datetime.fromisoformat(plain(row["at"])).replace(tzinfo=zone).astimezone(UTC)
        since = at if plain(row["urgent"]) else None
        notice = Notice(kind=NoticeKind(plain(row["notice"])), contact=WHO, episode=None, owner=REPS["Ana"].id, key="",
                        occurred_at=at, packet={"tell": ["rep"]}, urgent_since=since)  # fmt: skip
        until = quiet.quiet_until(notice, destination, rules, book.sla, now=at)
        until = None if quiet.disturbs(notice, rules) else until
        yield {"the rep hears of it": f"{until.astimezone(zone):%Y-%m-%d %H:%M}" if until else "at once"}


@trial("the morning's leads are told", "at")
def _morning(book: RuleBook, rows: Sequence[Row]) -> Iterator[Row]:
    """`at`: local time of the calendar."""
    rules = book.notifications.morning
    zone = ZoneInfo(book.sla.calendar_named(rules.at_opening_of, None).zone)
    for row in rows:
        at = datetime.fromisoformat(plain(row["at"])).replace(tzinfo=zone).astimezone(UTC)
        opened = morning.morning_of(REPS["Ana"].id, rules, book.sla, now=at)
        told = f"up to {rules.most}, as of {opened.astimezone(zone):%H:%M}" if opened else ""
        yield {"the morning's leads are told": told}


@trial("what the handover leaves in HubSpot", "lead", "did")
def _left_beside(book: RuleBook, rows: Sequence[Row]) -> Iterator[Row]:
    """The task's and the note's first lines."""
    for row in rows:
        contact = lead(read(row["lead"]), book)
        decision = decide(situation(contact, activities=did(read_list(row["did"]))), book, now=NOW)
        told = Notice(kind=NoticeKind.LEAD_HANDED_OFF, contact=WHO, episode=None, owner=REPS["Ana"].id, key="",
                      occurred_at=NOW, packet={"why_now": decision.sentence})  # fmt: skip
        made = sorted(notes.beside(decision, [told], book.notifications.crm), key=lambda one: one.kind, reverse=True)
        yield {"what the handover leaves in HubSpot": "; ".join(f"{one.kind}: {one.field}" for one in made)}


@trial("counts", "leads", "figure", "shown")
@trial("met", "leads", "figure", "shown", "target")
def _figures(book: RuleBook, rows: Sequence[Row]) -> Iterator[Row]:
    word = {True: "yes", False: "no", None: ""}
    for row in rows:
        counted = funnel.funnel(_episodes(read(row["leads"])), now=NOW, clocks=book.sla)
        found = {result.kpi.figure.value: result for result in targets.measure(counted, book.reports)}
        result = found[plain(row["figure"])]
        yield {"shown": result.shown, "target": result.target, "met": word[result.met]}


@trial("on course", "day", "leads", "due by then")
def _promise(book: RuleBook, rows: Sequence[Row]) -> Iterator[Row]:
    word = {True: "yes", False: "no"}
    for row in rows:
        now = datetime.combine(date.fromisoformat(plain(row["day"])), datetime.min.time(), UTC)
        first = now.replace(day=1) + timedelta(hours=1)
        episodes = [replace(one, opened_at=first, handed_off_at=first) for one in _episodes(read(row["leads"]))]
        kept = targets.promise(episodes, book.reports, now=now, portal_time_zone="UTC")
        assert kept is not None
        yield {"due by then": f"{kept.due_by_now:.0f}", "on course": word[kept.met]}


def _episodes(counts: Mapping[str, int]) -> list[Episode]:
    """So many leads in each state, handed over two weeks ago; those that were touched, three hours later."""
    handed, found = NOW - timedelta(days=14), []
    for word, count in counts.items():
        state = State(word)
        touched = None if state is State.HANDED_OFF else handed + timedelta(hours=3)
        ended_at = handed + timedelta(days=7) if state.is_end else None
        found += [
            make_episode(contact=f"{word}{place}", state=state, opened_at=handed, handed_off_at=handed,
                         touched_at=touched, ended_at=ended_at, exit_reason="not_ready")
            for place in range(count)
        ]  # fmt: skip
    return found
