"""Judge: reads the log line by line and, at each run, holds what came of it against what had to come.

Every notice of the quarter is accounted for: it was due at that run, once, at that destination; or it is a violation.
After a violation the judge goes on from what the log shows, so that one mistake is told once.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from quarter import promises
from quarter.expected import Course, Ended, Outlook, Rules, Told, moved, opened, outlook
from quarter.facts import Facts, Lead, Line, when
from quarter.seats import Seats


@dataclass(frozen=True)
class Violation:
    """What was not kept. `rule`: one word or two that the table counts by."""

    rule: str
    contact: str
    at: str
    says: str


class Judge:
    """One log, from its first line to its last. `counts`: what was seen and found right."""

    def __init__(self, rules: Rules) -> None:
        self.rules, self.facts, self.seats = rules, Facts(), Seats(rules)
        self.courses: dict[str, Course] = defaultdict(Course)
        self.counts: Counter[str] = Counter()
        self.violations: list[Violation] = []
        self._now: datetime | None = None
        self._outlooks: dict[str, Outlook] = {}
        self._told: dict[str, Counter[Told]] = defaultdict(Counter)
        self._ids: dict[str, str] = {}
        self._alarms: list[tuple[datetime, str]] = []
        self._again: set[str] = set()
        self._states: dict[str, str] = {}

    def read(self, lines: Iterable[Line]) -> None:
        for line in lines:
            kind = line["kind"]
            if kind == "run":
                self._begin(when(line["at"]))
            elif kind == "ran":
                self._end()
            elif kind == "notice":
                self._notice(line)
            elif kind == "broken":
                self._wrong("sandbox", str(line.get("contact", "")), line["says"])
            else:
                self.facts.take(line)

    # -- a run begins ------------------------------------------------------------------------------------------

    def _begin(self, now: datetime) -> None:
        self._now = now
        self.counts["runs"] += 1
        due = set()
        while self._alarms and self._alarms[0][0] <= now:
            due.add(heapq.heappop(self._alarms)[1])
        left = {owner.id for owner in self.facts.owners.values() if owner.archived}
        stranded = {number for number, one in self.courses.items() if one.spell is not None and one.spell.owner in left}
        wanted = sorted(self.facts.touched | due | self._again | stranded, key=int)
        self.seats.begin(now, Counter(each.spell.owner for each in self.courses.values() if each.spell is not None))
        self._again = set()
        self._states = {number: self.facts.leads[number].get("handoff_episode") for number in wanted}
        self._owners = {number: self._owner_of(number) for number in wanted}
        self._outlooks = {
            number: outlook(self.facts.leads[number], self.courses[number], self.facts, self.rules, now)
            for number in wanted
        }
        for number, found in self._outlooks.items():
            if found.ends is not None:
                self.seats.frees(self._owners[number])
        self.facts.touched.clear()
        self.facts.written.clear()

    def _owner_of(self, number: str) -> str:
        spell = self.courses[number].spell
        return spell.owner if spell is not None else ""

    # -- notices -----------------------------------------------------------------------------------------------

    def _notice(self, line: Line) -> None:
        data, kind = line["data"], line["type"]
        number = data.get("contact_id")
        known = self._ids.setdefault(line["id"], line["destination"])
        if known != line["destination"]:
            self._wrong("notices", str(number or ""), f"{line['id']} went to {known} and to {line['destination']}")
        if number is None:
            self.counts[f"{kind} to {line['destination']}"] += 1
            return
        self._told[str(number)][line["destination"], kind, self._detail(kind, data)] += 1
        lead = self.facts.leads[str(number)]
        lead.last_at = self._now

    def _detail(self, kind: str, data: Line) -> str:
        if kind in ("lead.handed_off", "lead.moved"):
            owner = self.facts.leads[str(data["contact_id"])].get("hubspot_owner_id")
            return "to its owner" if str(data["owner_id"]) == owner else f"to {data['owner_id']}, who does not have it"
        if kind == "lead.withdrawn":
            return str(data["owner_id"])
        if kind.startswith("sla."):
            return f"{data['clock']}: {data['level']}"
        if kind == "lead.recycled":
            return str(data["state"])
        if kind == "lead.signal":
            return "interest" if "viewed" in data["why_now"].lower() else "asks again"
        return ""

    # -- a run is over -----------------------------------------------------------------------------------------

    def _end(self) -> None:
        now = self._now
        assert now is not None
        for number in sorted({*self._outlooks, *self._told, *self.facts.touched}, key=int):
            if number not in self._outlooks:
                self._states.setdefault(number, self._episode_before(number))
            self._settle(number, self._outlooks.get(number, Outlook()), now)
        self.facts.touched.clear()
        self._told.clear()
        self._outlooks.clear()
        self._look_for_silence(now)

    def _episode_before(self, number: str) -> str:
        lines = [line for line in self.facts.written[number] if line["name"] == "handoff_episode"]
        return str(lines[0]["before"] or "") if lines else self.facts.leads[number].get("handoff_episode")

    def _settle(self, number: str, found: Outlook, now: datetime) -> None:
        lead, course = self.facts.leads[number], self.courses[number]
        begun = lead.get("handoff_episode") != self._states[number]
        if found.opens and begun:
            found.told["reps", "lead.handed_off", "to its owner"] += 1
            opened(course, lead, self.facts, self.rules, found, now)
            self._judge_opening(lead, course, found, now)
        elif found.opens:
            self._wrong("not handed over", number, f"{found.why}, and nothing came of it")
            course.excused = now
        elif begun:
            self._wrong("handed over", number, "it came to sales, and nothing says why")
            found = Outlook(told=found.told, opens=course.spell.lane if course.spell else "score", why="unknown")
            found.told["reps", "lead.handed_off", "to its owner"] += 1
            opened(course, lead, self.facts, self.rules, found, now)
        elif found.ends is not None:
            self._judge_end(lead, course, found.ends, now)
        elif found.moves and course.spell is not None:
            self._judge_move(lead, course, found, now)
        if found.state and not found.ends and course.spell is not None:
            self._judge_state(lead, course)
        self._judge_hold(lead, course)
        self._judge_told(number, found.told, now)
        self._set_alarm(number, course)

    def _judge_opening(self, lead: Lead, course: Course, found: Outlook, now: datetime) -> None:
        self.counts[f"handed over: {found.opens}" + (" again" if course.spells > 1 else "")] += 1
        if course.ended is not None:
            self.counts[f"came back: {course.ended.state}, {course.ended.reason or 'a customer'} ({found.why})"] += 1
        spell = course.spell
        assert spell is not None
        former = course.ended.owner if course.ended else ""
        if why_not := self.seats.why_not(lead, former, spell.owner, self.facts, now):
            self._wrong("routing", lead.id, why_not)
        self.seats.gives(lead, spell.owner)
        self._shows(lead, {"handoff_state": "handed_off", "handoff_verdict": "", "handoff_verdict_reason": ""})
        if lead.get("lifecyclestage") not in promises.QUALIFIED:
            self._shows(lead, {"lifecyclestage": promises.QUALIFIED[0]})

    def _judge_end(self, lead: Lead, course: Course, ended: Ended, now: datetime) -> None:
        self.counts[f"ended: {ended.state}" + (f", {ended.reason}" if ended.state == "recycled" else "")] += 1
        course.ended, lane = ended, course.spell.lane if course.spell else ""
        course.spell = None
        wanted = {"handoff_state": ended.state, "handoff_due_at": ""}
        if ended.state in promises.SHOWN_STATUS:
            wanted["hs_lead_status"] = promises.SHOWN_STATUS[ended.state]
        if ended.state in ("recycled", "unreachable") and lane != "customer":
            wanted["lifecyclestage"] = "lead"
        if ended.state not in ("won", "junk"):
            wanted["handoff_nurture_track"] = promises.RETURNS[ended.reason].track
        self._shows(lead, wanted)
        if any(at > ended.heard_asking for at in lead.asked):
            self._again.add(lead.id)

    def _judge_move(self, lead: Lead, course: Course, found: Outlook, now: datetime) -> None:
        self.counts[f"moved: {found.moves}"] += 1
        spell = course.spell
        assert spell is not None
        before, owner = self._owners[lead.id], lead.get("hubspot_owner_id")
        former = course.ended.owner if course.ended and course.ended.owner not in spell.had_by else ""
        if found.to and owner != found.to:
            self._wrong("owner", lead.id, f"a person gave it to {found.to}, and {owner or 'nobody'} has it")
        elif not found.to and owner in spell.had_by:
            self._wrong("routing", lead.id, f"{found.moves}; {owner or 'nobody'} had it before, and has it again")
        elif not found.to:
            why_not = self.seats.why_not(lead, former, owner, self.facts, now, had_by=spell.had_by)
            if why_not:
                self._wrong("routing", lead.id, f"{found.moves}; {why_not}")
        self.seats.frees(before)
        self.seats.gives(lead, owner)
        if owner:
            moved(course, lead, self.facts, self.rules, now)

    def _judge_state(self, lead: Lead, course: Course) -> None:
        spell = course.spell
        assert spell is not None
        self._shows(lead, {"handoff_state": spell.state})
        owner = self.facts.owners.get(lead.get("hubspot_owner_id"))
        if owner is None or owner.archived:
            self._wrong("owner", lead.id, "it is in sales' hands, and nobody who is there has it")

    def _judge_hold(self, lead: Lead, course: Course) -> None:
        spell, ended = course.spell, course.ended
        after = ended is not None and ended.state in promises.HELD_AFTER
        lane = spell.lane if spell else ended.lane if ended else ""
        held = lane not in promises.HELD_NEVER and (spell is not None or after)
        if lead.listed != held:
            self._wrong("hold", lead.id, "marketing holds it back" if lead.listed else "marketing may write to it")
            lead.listed = held

    def _shows(self, lead: Lead, wanted: dict[str, str]) -> None:
        for name, value in wanted.items():
            if lead.get(name) != value:
                self._wrong("record", lead.id, f"{name} is {lead.get(name) or 'empty'}, not {value or 'empty'}")

    def _judge_told(self, number: str, wanted: Counter[Told], now: datetime) -> None:
        got = self._told.get(number, Counter())
        for told in sorted({*wanted, *got}):
            destination, kind, detail = told
            words = f"{kind} ({detail})" if detail else kind
            self.counts[f"{kind} to {destination}"] += min(wanted[told], got[told])
            if kind.startswith("sla."):
                self.counts[f"{detail} to {destination}"] += min(wanted[told], got[told])
            if got[told] < wanted[told]:
                self._wrong("not told", number, f"{destination} should have had {words}")
            elif got[told] > wanted[told]:
                times = f"{got[told]} times, not {wanted[told]}" if wanted[told] else "without cause"
                self._wrong("told", number, f"{destination} had {words} {times}")

    def _set_alarm(self, number: str, course: Course) -> None:
        """When the lead must be looked at though nothing happens to it."""
        moments = [due.at for due in course.spell.clocks] if course.spell else []
        if course.spell is not None and course.spell.told_interest is not None:
            moments.append(course.spell.told_interest + promises.QUIET_FOR)
        if course.spell is None and course.ended is not None and course.ended.wakes_at is not None:
            moments.append(course.ended.wakes_at)
        if moments and self._now is not None:
            coming = [at for at in moments if at > self._now]
            if coming:
                heapq.heappush(self._alarms, (min(coming), number))

    # -- nobody is silent --------------------------------------------------------------------------------------

    def _look_for_silence(self, now: datetime) -> None:
        for number, course in self.courses.items():
            lead = self.facts.leads[number]
            if course.spell is None or course.spell.clocks:
                continue
            last = max(at for at in (lead.last_at, course.spell.since) if at is not None)
            if now - last > promises.SILENT_AFTER:
                self._wrong("silent", number, f"no clock runs on it, and nothing has happened since {last:%d %B}")
                lead.last_at = now

    def finish(self) -> None:
        """What stands at the end."""
        open_now = sum(course.spell is not None for course in self.courses.values())
        self.counts["leads that sales has at the end"] = open_now
        self.counts["leads"] = len(self.facts.leads)

    def _wrong(self, rule: str, contact: str, says: str) -> None:
        at = f"{self._now:%Y-%m-%dT%H:%M}Z" if self._now else ""
        self.violations.append(Violation(rule, contact, at, says))
