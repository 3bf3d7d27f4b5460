"""A small log of a quarter, written by hand: what the sandbox and the receiver would have kept of an honest connector.

Each lead's lines are spelled out by time. Faults are planted by changing the finished list.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from quarter.promises import SEATS

Line = dict[str, Any]
EMAILS = [seat.email for seat in SEATS]
ANA, BEN = "80000001", "80000002"
DEMO = "5f0c4c0e-0001-4b6e-9a55-0c1157000001"


def at(text: str) -> datetime:
    """`2 09:00`: day of March, hour and minute in UTC; days after the 31st run on."""
    day, clock = text.split()
    hour, minute, *second = map(int, clock.split(":"))
    start = datetime(2026, 3, 1, hour, minute, *second, tzinfo=UTC)
    return start + timedelta(days=int(day) - 1)


class LogBook:
    """Collects lines with their times; `lines` puts them in order, with the runs between."""

    def __init__(self) -> None:
        self._kept: list[tuple[datetime, int, int, Line]] = []
        self._number = count()
        for number, email in enumerate(EMAILS):
            self.say("1 17:00:01", kind="owner", id=str(80_000_001 + number), email=email, archived=False)

    def say(self, when: str, *, by_run: int = 0, **line: Any) -> None:
        """One line; `by_run`: 0 before the run of that minute, 1 in it."""
        moment = at(when)
        self._kept.append((moment, by_run, next(self._number), {"at": moment.isoformat(), **line}))

    def runs(self, *times: str) -> None:
        for moment in times:
            self.say(moment, by_run=1, kind="run")
            self.say(moment, by_run=3, kind="ran")

    def lines(self) -> list[Line]:
        return [line for _, _, _, line in sorted(self._kept, key=lambda row: row[:3])]

    # -- people --------------------------------------------------------------------------------------------------

    def comes(self, when: str, lead: str, **values: str) -> None:
        given = {"email": f"lead.{lead}@shop-{lead}.example", "country": "DE", "lifecyclestage": "lead", **values}
        self.say(when, kind="created", object="contacts", id=lead, source="FORM", properties=given)

    def asks(self, when: str, lead: str) -> None:
        sent = f"{DEMO}:0:{int(at(when).timestamp() * 1000)}"
        self.edits(when, lead, source="FORM", hs_calculated_form_submissions=sent)

    def looks(self, when: str, lead: str) -> None:
        self.edits(when, lead, source="ANALYTICS", hs_analytics_last_url=f"https://www.company.example/pricing?{when}")

    def edits(self, when: str, lead: str, *, source: str = "CRM_UI", by_run: int = 0, **values: str) -> None:
        for name, value in values.items():
            line = {"kind": "property", "object": "contacts", "id": lead, "name": name, "before": "", "after": value}
            self.say(when, by_run=by_run, source=source, **line)

    def calls(self, when: str, lead: str) -> None:
        number = str(next(self._number))
        moment = at(when).isoformat()
        self.say(when, kind="created", object="calls", id=number, source="CRM_UI", properties={"hs_timestamp": moment})
        ends = {"from_type": "calls", "from_id": number, "to_type": "contacts", "to_id": lead}
        self.say(when, kind="association", removed=False, **ends)

    # -- the connector -------------------------------------------------------------------------------------------

    def writes(self, run: str, lead: str, **values: str) -> None:
        self.edits(run, lead, source="INTEGRATION", by_run=2, **values)

    def tells(self, run: str, lead: str, destination: str, kind: str, **data: str) -> None:
        identity = f"fx_{next(self._number)}"
        facts = {"contact_id": lead, **data}
        self.say(run, by_run=2, kind="notice", destination=destination, id=identity, type=kind, data=facts)

    def hands_over(self, run: str, lead: str, episode: str, owner: str = ANA) -> None:
        self.say(run, by_run=2, kind="list_add", list_id="1", record_id=lead)
        self.writes(
            run, lead, handoff_episode=episode, handoff_state="handed_off", hubspot_owner_id=owner,
            lifecyclestage="marketingqualifiedlead", hs_lead_status="NEW", handoff_verdict="",
            handoff_verdict_reason="",
        )  # fmt: skip
        self.tells(run, lead, "reps", "lead.handed_off", owner_id=owner)

    def takes_back(self, run: str, lead: str, track: str) -> None:
        self.say(run, by_run=2, kind="list_remove", list_id="1", record_id=lead)
        self.writes(
            run, lead, handoff_state="recycled", hs_lead_status="BAD_TIMING", lifecyclestage="lead",
            handoff_nurture_track=track, handoff_due_at="",
        )  # fmt: skip
        self.tells(run, lead, "marketing", "lead.recycled", state="recycled")

    def warns(self, run: str, lead: str, clock: str, level: str, *destinations: str) -> None:
        kind = "sla.at_risk" if level.startswith("at_risk") else "sla.breached"
        for destination in destinations:
            self.tells(run, lead, destination, kind, owner_id=ANA, clock=clock, level=level)


TOUCH, ANSWER, TRIES = "First call or e-mail", "Answer of sales", "Three tries"


def small_log() -> list[Line]:
    """Two leads of March, told in full.

    7 asks on Monday at 9:10 in Berlin, is called too late, comes back for want of budget and goes again by itself three
    weeks later. 8 is called at once and turns out to be junk; it asks again, and the triage desk looks.
    """
    book = LogBook()
    book.runs("1 20:00", "2 09:00", "2 10:00", "2 11:00", "2 12:00", "2 14:00", "2 15:00", "3 09:00", "3 10:00")
    book.runs("4 09:00", "12 09:00", "24 09:00", "24 10:00", "24 11:00", "25 09:00")
    _late(book)
    _junk(book)
    return book.lines()


def _late(book: LogBook) -> None:
    book.comes("2 08:10:17", "7")
    book.asks("2 08:10:17", "7")
    book.hands_over("2 09:00", "7", "ep_7_1")             # 10:00 in Berlin: two office hours end at 12:00
    book.warns("2 10:00", "7", TOUCH, "at_risk_50", "reps")
    book.warns("2 11:00", "7", TOUCH, "breach", "reps", "managers")     # 80 % are up too: nobody is warned any more
    book.warns("2 14:00", "7", TOUCH, "escalated_200", "managers")      # an hour's break between
    book.calls("2 14:20:30", "7")
    book.writes("2 15:00", "7", handoff_state="working")
    book.edits("3 08:20:09", "7", handoff_verdict="recycle", handoff_verdict_reason="no_budget")
    book.takes_back("3 09:00", "7", "consideration")
    book.looks("12 07:00:11", "7")
    book.looks("12 08:00:11", "7")                       # enough points, but its day has not come
    book.hands_over("24 09:00", "7", "ep_7_2")            # to the minute three weeks after
    book.warns("25 09:00", "7", TOUCH, "breach", "reps", "managers")


def _junk(book: LogBook) -> None:
    book.comes("2 09:30:11", "8")
    book.asks("2 09:30:11", "8")
    book.hands_over("2 10:00", "8", "ep_8_1", BEN)
    book.calls("2 10:40:03", "8")
    book.writes("2 11:00", "8", handoff_state="working")
    book.edits("2 13:00:03", "8", handoff_verdict="junk")
    book.writes("2 14:00", "8", handoff_state="junk", hs_lead_status="UNQUALIFIED", handoff_due_at="")
    book.tells("2 14:00", "8", "marketing", "lead.recycled", state="junk")
    book.asks("12 08:30:00", "8")
    book.tells("12 09:00", "8", "triage", "lead.triaged")


Pick = Callable[[Line], bool]


def notice(kind: str, contact: str, **data: str) -> Pick:
    """Whether a line is that notice."""

    def fits(line: Line) -> bool:
        told = line.get("data", {})
        same = line["kind"] == "notice" and line["type"] == kind and told["contact_id"] == contact
        return same and all(told.get(name) == value for name, value in data.items())

    return fits


def without(lines: list[Line], pick: Pick) -> list[Line]:
    """The log with the first such line left out."""
    place = next(number for number, line in enumerate(lines) if pick(line))
    return lines[:place] + lines[place + 1 :]


def twice(lines: list[Line], pick: Pick) -> list[Line]:
    place = next(number for number, line in enumerate(lines) if pick(line))
    return [*lines[: place + 1], {**lines[place], "id": "fx_again"}, *lines[place + 1 :]]


def moved_to(lines: list[Line], run: str, pick: Pick) -> list[Line]:
    """The log with all such lines in another run."""
    moment = at(run).isoformat()
    gone = [line for line in lines if pick(line)]
    rest = [line for line in lines if not pick(line)]
    place = next(number for number, line in enumerate(rest) if line["kind"] == "ran" and line["at"] == moment)
    return [*rest[:place], *({**line, "at": moment} for line in gone), *rest[place:]]
