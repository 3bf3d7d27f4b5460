"""Wording: what is stored of a lead, in words a rep understands and in the portal's own time. For explain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from connector.domain.answer import Answer, AnswerKind, AnswerStatus
from connector.domain.change import Change, ChangeKind
from connector.domain.contact import OwnerId, Value
from connector.domain.decision import GIVEN, Action
from connector.domain.episode import Episode, State
from connector.domain.run import is_undo
from connector.domain.timer import Timer, TimerKind
from connector.engine.as_it_stood import Paths, clocks_at
from connector.engine.ports import UnitOfWork
from connector.engine.ports.history import PastStep
from connector.engine.ports.traces import WriteSeen
from connector.rules import sla
from connector.rules.abandonment import Abandoned
from connector.rules.asked import asked
from connector.rules.handing import NOBODY_ELSE
from connector.rules.qualification import THRESHOLD
from connector.rules.routing import party_of
from connector.rules.rulebook import RuleBook
from connector.rules.words import day

STANDS: Mapping[State, str] = {
    State.QUALIFIED: "not yet with a rep",
    State.HANDED_OFF: "nobody in sales has reacted yet",
    State.TELEQUALIFIED: "qualified by telequalification; no rep has reacted yet",
    State.WORKING: "sales is working on it",
    State.ACCEPTED: "accepted by sales",
    State.SALES_QUALIFIED: "qualified by sales",
    State.OPPORTUNITY: "a sales opportunity",
    State.WON: "won",
    State.LOST: "lost",
    State.RECYCLED: "handed back to marketing",
    State.JUNK: "called junk by sales",
    State.UNREACHABLE: "given up: could not be reached",
}
FINE: Mapping[str, str] = {
    "qualification.web-mail": "no private e-mail address",
    "qualification.throw-away": "no throw-away e-mail address",
    "qualification.competitor": "does not work for a competitor",
    "qualification.customer": "does not work for a customer",
    "qualification.partner": "does not work for a partner",
    "qualification.country": "is not in a country that we do not serve",
    "qualification.role-address": "the address is a person's, not a desk's",
    "suppression.do_not_contact": "may be contacted",
}
"""What it means that a rule found nothing, by the rule's name."""
IDS = ("episode",)
"""Fields that say nothing to people."""
WORDS = ("stage", "status", "state", "nurture_track", "verdict", "verdict_reason", "request")
"""Fields whose values are words of a list, written as the CRM spells them."""
OUTCOMES: Mapping[str, str] = {
    "overtaken": "not written, for somebody was faster: ",
    "rejected": "refused by the CRM: ",
    "gone": "not written, for the contact was gone: ",
}
SAID: Mapping[AnswerKind, str] = {
    AnswerKind.ACCEPT: "accepted by link",
    AnswerKind.CALLED: "said by link that they called; no call is logged in the CRM",
    AnswerKind.QUALIFY: "passed it on by link",
    AnswerKind.RECYCLE: "handed it back by link",
    AnswerKind.JUNK: "called it junk by link",
}
CAME_TO: Mapping[AnswerStatus, str] = {
    AnswerStatus.WAITING: "not carried out yet",
    AnswerStatus.DONE: "done",
    AnswerStatus.MOVED: "not carried out, for somebody else had the lead by then",
    AnswerStatus.ENDED: "not carried out, for the lead was not in work any more",
    AnswerStatus.OVERTAKEN: "not carried out, for a verdict was set in the CRM after it",
    AnswerStatus.REFUSED: "not carried out, for the rules have no word for it any more",
    AnswerStatus.ERASED: "not carried out, for the person was erased",
}
"""What was said by link, and what became of it."""


class Wording:
    """One portal's names, rules, zone and clock, to tell with."""

    def __init__(
        self, uow: UnitOfWork, book: RuleBook, time_zone: str, *, as_of: datetime | None = None
    ) -> None:
        self._names = {owner.id: owner.name or owner.email or "an owner without a name" for owner in uow.owners()}
        self._book, self._zone = book.in_zone(time_zone), ZoneInfo(time_zone)
        state = uow.portal_state()
        self._as_of, self._now = as_of, as_of or (state.as_of if state else None)

    def day(self, at: datetime) -> str:
        return day(at.astimezone(self._zone))

    def _day_named(self, at: datetime) -> str:
        """A day that sales named counts from midnight in UTC; elsewhere that may be the evening before."""
        return day(at) if at == at.replace(hour=0, minute=0, second=0, microsecond=0) else self.day(at)

    def name(self, owner: Any) -> str:
        return self._names.get(owner, "a former owner")

    def line(self, row: Mapping[str, Any]) -> tuple[float, str, str]:
        at = row["occurred_at"]
        return row["points"] / 100, str(row["label"]), self.day(at) if isinstance(at, datetime) else ""

    def path(self, cause: Mapping[str, Any]) -> Iterator[tuple[bool, str]]:
        """Each rule that spoke. Who asked for sales passes filters that stop others (R02)."""
        for verdict in cause["verdicts"]:
            said = "; ".join(str(reason) for reason in verdict["reasons"])
            if verdict["passed"]:
                told = said and f"{said[0].upper()}{said[1:]}." == cause["sentence"]
                yield True, "shows enough interest" if told else said or self._fine(str(verdict["rule"]))
            elif cause["action"] in GIVEN:
                yield True, f"{said}, which does not matter here"
            else:
                yield False, said

    def seen(self, cause: Mapping[str, Any]) -> Iterator[tuple[bool, str]]:
        """What rules of the admin's own looked at, whether it was so, and what stood there."""
        for verdict in cause["verdicts"]:
            for clause in verdict["clauses"]:
                found = f" ({clause['seen']})" if clause["seen"] else ""
                yield bool(clause["held"]), f"{clause['words']}{found}"

    def _fine(self, rule: str) -> str:
        own = rule.removeprefix("qualification.")
        custom = next((f.say for f in self._book.qualification.filters.rules if f.name == own), "")
        return FINE.get(rule) or (f"no case of “{custom}”" if custom else own.replace("-", " ").replace("_", " "))

    def owner(self, route: Mapping[str, Any], episodes: Sequence[Episode]) -> str:
        """Who has it now, else to whom it went."""
        now = episodes[-1].owner if episodes and episodes[-1].is_open else None
        owner = now or route.get("owner")
        return self.name(owner) if owner else ""

    def definition(self, cause: Mapping[str, Any] | None, then: RuleBook | None) -> str:
        """By which version of the agreement it was decided (R10); empty where the rules had none."""
        agreed = then.qualification.definition if then else None
        if cause is None or agreed is None:
            return ""
        on = f", agreed on {day(agreed.agreed_on)}" if agreed.agreed_on else ""
        return f"by version {agreed.version} of the definition{on}"

    def candidates(self, route: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        for row in route.get("candidates", ()):
            if row["why_not"]:
                yield self.name(row["owner"]), str(row["why_not"])

    # -- what comes next ---------------------------------------------------------------------------------------

    def next(
        self, cause: Mapping[str, Any] | None, episode: Episode | None, uow: UnitOfWork, paths: Paths
    ) -> Iterator[str]:
        """What is due, or what would bring it to sales."""
        if episode is not None and episode.is_open:
            steps = paths.get(episode.id, ())
            past = clocks_at(episode, steps, self._book.sla, self._as_of) if self._as_of else None
            yield from self._clocks(episode, uow.timers(episode.contact) if past is None else past)
        elif episode is not None:
            yield from self._return(episode, cause)
        elif cause is not None and cause["action"] == "nothing":
            yield from self._if_it_asks(cause)

    def forms(self, visits: Sequence[Abandoned], mark: str) -> Iterator[str]:
        """Forms that were opened and not sent: the mark that is to come, and until when one stands (R08)."""
        for visit in visits:
            if self._now is not None and visit.due_at > self._now:
                local = visit.due_at.astimezone(self._zone)
                when = f"{day(local)} at {local:%H:%M}"
                yield f"opened the form “{visit.mark}” and has not sent it: marked for it on {when}, unless it is sent"
            elif visit.mark == mark:
                yield f"marked for the form “{mark}” until {self.day(visit.over_at)}, unless it is sent"

    def _clocks(self, episode: Episode, running: Sequence[Timer]) -> Iterator[str]:
        """What runs, and what ran out; the latter is known of a first owner, whose clock began at the handover."""
        known = [timer for timer in running if timer.kind is TimerKind.SLA]
        names = {timer.name for timer in known}
        if self._as_of is None and episode.assignment == 1 and episode.handed_off_at is not None:
            first = sla.clocks(episode, self._book.sla, now=episode.handed_off_at)
            known += [timer for timer in first if timer.name not in names]
        for timer in sorted(known, key=lambda one: (one.due_at, one.name)):
            clock = self._book.sla.clocks.get(timer.name)
            if timer.level != sla.BREACH or clock is None:
                continue
            local = timer.due_at.astimezone(self._zone)
            late = self._now is not None and timer.due_at <= self._now
            due = f"due on {day(local)} at {local:%H:%M}"
            yield f"{clock.label}: was {due} and is late" if late else f"{clock.label}: {due}"

    def _return(self, episode: Episode, cause: Mapping[str, Any] | None) -> Iterator[str]:
        if episode.state is State.WON or (episode.was_undone and episode.ordinal > 1):
            return  # the attempt before an undone one says what brings the lead back, and why it does not go now
        if episode.state is State.JUNK:
            yield "when this lead asks for sales again, the triage desk looks at it first"
            return
        reason = self._book.recycling.reasons.get(episode.exit_reason)
        if episode.wakes_at is None and reason is not None and reason.wake.when is not None:
            back = "it goes back to sales" if reason.wake.then == "hand_over" else "new interest counts again"
            when = asked(reason.wake.when, self._book.fields)
            yield f"as soon as {when}, {back}; asking for sales brings it back at any time"
        elif episode.wakes_at is None and cause is not None and _is_kept_back(cause):
            yield from self._if_it_asks(cause)
        elif episode.wakes_at is None:
            yield "new interest brings this lead back to sales"
        elif self._now is None or episode.wakes_at > self._now:
            when = self._day_named(episode.wakes_at)
            by_itself = reason is not None and reason.wake.then == "hand_over"
            what = f"on {when} it goes back to sales" if by_itself else f"from {when} on new interest counts again"
            yield f"{what}; asking for sales brings it back at any time"

    def _if_it_asks(self, cause: Mapping[str, Any]) -> Iterator[str]:
        """What a filter keeps from sales may still ask (R02)."""
        then = {str(verdict["then"]) for verdict in cause["verdicts"] if not verdict["passed"]}
        if then & {"triage", "junk"}:
            yield "when this lead asks for sales, the triage desk looks at it first"
        elif then == {"nurture"}:
            yield "when this lead asks for sales, it goes to a rep at once"

    # -- what was written --------------------------------------------------------------------------------------

    def written(self, writes: Sequence[WriteSeen]) -> Iterator[tuple[str, str]]:
        """(when, what) of each write until the day that is told; ids are left out."""
        for row in writes:
            if self._as_of is not None and row.at > self._as_of:
                continue
            local = row.at.astimezone(self._zone)
            changes = "; ".join(self._change(one) for one in row.changes if one.field not in IDS)
            undone = "put back by an undo: " if is_undo(row.run) else ""
            not_so = OUTCOMES.get(row.outcome, "")
            why = f" ({row.detail})" if not_so and row.detail else ""
            yield f"{day(local)} at {local:%H:%M}", f"{not_so}{undone}{changes or 'the handover alone'}{why}"

    def _change(self, one: Change) -> str:
        if one.kind is ChangeKind.LIST_ADD:
            return f"put on the list “{one.field}”"
        if one.kind is ChangeKind.LIST_REMOVE:
            return f"taken off the list “{one.field}”"
        if one.kind is ChangeKind.TASK:
            return f"task “{one.field}”"
        if one.kind is ChangeKind.TASK_DONE:
            return f"task “{one.field}” closed"
        if one.kind is ChangeKind.NOTE:
            return f"note “{one.field}”"
        before, after = self._value(one.field, one.before), self._value(one.field, one.after)
        label = self._book.fields.label(one.field)
        return f"{label}: {before} → {after or 'empty'}" if before else f"{label}: {after}"

    def _value(self, field: str, value: Value) -> str:
        if value is None or value == "":
            return ""
        if field == "owner":
            return self.name(value)
        if isinstance(value, datetime):
            local = value.astimezone(self._zone)
            return f"{day(local)} at {local:%H:%M}"
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, tuple):
            return ", ".join(value)
        if isinstance(value, float):
            return f"{value:g}"
        text = str(value)
        return text.replace("_", " ").lower() if field in WORDS else f"“{text.rstrip('.')}”" if "; " in text else text

    def answered(self, answers: Sequence[Answer]) -> Iterator[tuple[str, str]]:
        """(when, what) of each answer by link until the day that is told."""
        for one in answers:
            at = one.answered_at or one.received_at
            if self._as_of is not None and at > self._as_of:
                continue
            local = at.astimezone(self._zone)
            who = self.name(one.owner) if one.owner else "The agency"
            said = one.said
            reason = self._book.recycling.reasons.get(said.reason)
            more = [
                *([reason.label] if reason else []),
                *([f"to come back on {day(said.return_on)}"] if said.return_on else []),
                *([f"“{said.comment}”"] if said.comment else []),
            ]
            why = f" ({one.detail})" if one.detail else ""
            told = f"{who} {SAID[one.kind]}{': ' + ', '.join(more) if more else ''}; {CAME_TO[one.status]}{why}"
            yield f"{day(local)} at {local:%H:%M}", told

    # -- what was ----------------------------------------------------------------------------------------------

    def history(
        self, episodes: Sequence[Episode], decisions: Sequence[Mapping[str, Any]], paths: Paths
    ) -> Iterator[str]:
        """One line per episode with who got it first, and under it each time that somebody else got the lead."""
        for number, episode in enumerate(episodes, start=1):
            began = self.day(episode.handed_off_at or episode.opened_at)
            first, later = _holders(paths.get(episode.id, ()))
            owner = f", {self.name(first or episode.owner)}" if first or episode.owner else ""
            because = episode.reason.partition(";")[0].rstrip(".")
            yield f"{number}. {began}{owner}: {because}; {self._stands(episode)}."
            for row in decisions:
                if row["episode"] == episode.id and row["action"] == "advance" and row.get("route"):
                    yield f"   {self.day(row['as_of'])}, {self.name(row['route']['owner'])}: {row['sentence']}"
                elif row["episode"] == episode.id and (given := later.get(row["as_of"])) is not None:
                    yield f"   {self.day(row['as_of'])}, {self.name(given)}: {row['sentence']}"
                elif row["episode"] == episode.id and _is_told(row):
                    yield f"   {self.day(row['as_of'])}: {row['sentence']}"

    def _caller(self, episode: Episode) -> str:
        """Which telequalification has it; empty where sales does."""
        party = party_of(episode, self._book.routing)
        return f"with {party.words}: " if party else ""

    def _stands(self, episode: Episode) -> str:
        if episode.silent and episode.is_open:
            return "waits for `handoff adopt`"
        if episode.ended_at is None:
            return f"{self._caller(episode)}{STANDS[episode.state]}"
        if episode.was_undone:
            return f"a person undid this handover on {self.day(episode.ended_at)}"
        reason = self._book.recycling.reasons.get(episode.exit_reason)
        why = f" ({reason.label})" if reason and episode.state is not State.WON else ""
        return f"{STANDS[episode.state]} on {self.day(episode.ended_at)}{why}"


def _is_told(decision: Mapping[str, Any]) -> bool:
    """Whether an episode's history tells of a decision that gave the lead to nobody."""
    corrected = decision["action"] == Action.CORRECTED
    return corrected or any(one["rule"] == NOBODY_ELSE for one in decision["verdicts"])


def _holders(path: Sequence[PastStep]) -> tuple[OwnerId | None, Mapping[datetime, OwnerId]]:
    """Who had the lead first, and when somebody else came to have it."""
    first = next((step.owner for step in path if step.owner), None)
    moved = (new for old, new in pairwise(path) if new.owner != old.owner)
    return first, {step.at: step.owner for step in moved if step.owner}


def _is_kept_back(cause: Mapping[str, Any]) -> bool:
    """Whether a filter stops it, so that interest alone does nothing."""
    return any(not one["passed"] and one["then"] and one["rule"] != THRESHOLD for one in cause["verdicts"])
