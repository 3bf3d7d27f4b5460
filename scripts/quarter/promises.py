"""What was agreed, as plain figures: the table that the checker holds the log against.

It says in its own words what scripts/quarter/mappings/ says to the connector. Neither is made from the other: who
changes one changes both, and a difference shows as a violation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from quarter.business import Office

BEGINS = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday. The clocks of Europe change on 29 March; Easter, May Day and Whitsun lie within."""
MOST_DAYS = 13 * 7

# -- when people work ----------------------------------------------------------------------------------------------

_CLOSED = {
    "berlin": ["2026-04-03", "2026-04-06", "2026-05-01", "2026-05-14", "2026-05-25"],
    "london": ["2026-04-03", "2026-04-06", "2026-05-04", "2026-05-25"],
}
_FIRST, _LAST = date(2026, 3, 1), date(2026, 6, 20)
_SPLIT, _LONG, _SHORT = ((540, 750), (810, 1080)), ((510, 1050),), ((510, 960),)


def offices(*, last: date = _LAST) -> dict[str, Office]:
    """The two calendars, holidays written out by hand; `last`: nobody asks of days after it."""
    closed = {name: frozenset(map(date.fromisoformat, days)) for name, days in _CLOSED.items()}
    berlin, london = dict.fromkeys(range(5), _SPLIT), {**dict.fromkeys(range(4), _LONG), 4: _SHORT}
    return {
        "berlin": Office("Europe/Berlin", berlin, closed["berlin"], _FIRST, last),
        "london": Office("Europe/London", london, closed["london"], _FIRST, last),
    }


# -- the clocks ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Span:
    """So much time, in `minutes` or `days` of the holder's office hours, or in `hours` by the wall clock."""

    minutes: int = 0
    days: int = 0
    hours: int = 0


TAKEN = "taken"
"""The level at which a clock takes the lead from its holder."""


@dataclass(frozen=True)
class Clock:
    """One promise of sales.

    Attributes:
        until: what keeps it: `touch`, `touches`, `answer` or `end`.
        limit: where `lanes` has nothing; None: no such clock there. warn: percent of the time. later: percent -> roles
        that hear of it then. taken_at: percent at which the lead is given to somebody else; 0: never.
    """

    says: str
    until: str
    limit: Span | None
    lanes: Mapping[str, Span] = field(default_factory=dict)
    warn: tuple[int, ...] = ()
    told_warning: tuple[str, ...] = ("rep",)
    told_breach: tuple[str, ...] = ("rep", "manager")
    later: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    taken_at: int = 0

    def span(self, lane: str) -> Span | None:
        return self.lanes.get(lane, self.limit)

    def levels(self) -> list[tuple[str, int, tuple[str, ...]]]:
        """Level, percent of the time, who is told."""
        return [
            *((f"at_risk_{percent}", percent, self.told_warning) for percent in self.warn),
            ("breach", 100, self.told_breach),
            *((f"escalated_{percent}", percent, roles) for percent, roles in self.later.items()),
            *([(TAKEN, self.taken_at, ())] if self.taken_at else []),
        ]


CLOCKS: Mapping[str, Clock] = {
    "first_touch": Clock(
        "First call or e-mail", "touch", Span(minutes=480), {"hand_raiser": Span(minutes=120)}, (50, 80),
        later={200: ("manager",), 400: ("manager", "ops")},
    ),
    "left_lying": Clock(
        "Time until somebody else gets it", "touch", None, {"hand_raiser": Span(minutes=16 * 60)},
        told_breach=("manager",), taken_at=100,
    ),
    "verdict": Clock("Answer of sales", "answer", Span(hours=72), warn=(80,), later={150: ("manager",)}),
    "cadence": Clock("Three tries", "touches", Span(days=5), warn=(80,), told_breach=("rep",)),
    "age": Clock(
        "End of the matter", "end", Span(hours=28 * 24), warn=(75,), told_breach=("manager",),
        later={150: ("manager",), 200: ("manager",), 300: ("manager", "ops")},
    ),
}  # fmt: skip
TRIES, CALLS = 3, 1
"""Touches that `cadence` asks for, and how many of them are calls."""

DESTINATIONS: Mapping[str, str] = {
    "rep": "reps", "manager": "managers", "marketing": "marketing", "triage": "triage", "ops": "ops",
}  # fmt: skip

# -- who sells -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seat:
    """What was agreed with one rep. `away`: first and last day, in the zone of the office."""

    email: str
    office: str
    pool: str
    most_open: int
    away: tuple[date, date] | None = None
    joins: date | None = None


SEATS: tuple[Seat, ...] = (
    Seat("ana.sample@company.example", "berlin", "mainland", 60),
    Seat("ben.sample@company.example", "berlin", "mainland", 40),
    Seat("cara.sample@company.example", "berlin", "mainland", 40),
    Seat("dan.sample@company.example", "berlin", "mainland", 40, away=(date(2026, 4, 13), date(2026, 4, 26))),
    Seat("eva.sample@company.example", "berlin", "mainland", 15),
    Seat("finn.sample@company.example", "berlin", "mainland", 40, joins=date(2026, 3, 23)),
    Seat("gwen.sample@company.example", "london", "islands", 60),
    Seat("hugh.sample@company.example", "london", "islands", 30),
    Seat("chief.sample@company.example", "berlin", "fallback", 10_000),
)
MOST_A_DAY = 12
ISLANDS = ("GB", "IE")
"""Countries that the pool of that name serves; all others go to the mainland."""

# -- when a lead goes to sales -------------------------------------------------------------------------------------

FORMS: Mapping[str, str] = {
    "5f0c4c0e-0001-4b6e-9a55-0c1157000001": "Request a demo",
    "5f0c4c0e-0002-4b6e-9a55-0c1157000002": "Contact us",
    "5f0c4c0e-0003-4b6e-9a55-0c1157000003": "Newsletter",
}
ASKING = ("Request a demo", "Contact us")
"""Forms whose sender wants to talk to sales."""
RIVALS = ("rival.example",)
"""Domains of competitors: whoever asks from there goes to the triage desk."""
WEB_MAIL = ("gmail.com",)
"""Private addresses: they stay with marketing until they ask."""
PRICES = "/pricing"
POINTS, HALF_LIFE, MOST_POINTS = 30.0, timedelta(days=14), 60.0
"""Of one look at the prices."""
ENOUGH = 45.0
"""Points with which a lead goes to sales without asking."""
STRONG, QUIET_FOR = 20.0, timedelta(hours=24)
"""New interest of a lead in work that its holder is told of, and how long then nothing more is told."""

# -- how a lead comes back -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Return:
    """How a hand-back with one reason may go to sales again.

    Attributes:
        after: not before that long after the hand-back. by_field: the day in the rep's field counts, `ahead` before it
            where that is still to come.
        by_itself: on that day it goes to sales; else new interest counts from then on.
    """

    track: str
    after: timedelta | None = None
    by_field: bool = False
    ahead: timedelta = timedelta(0)
    by_itself: bool = False


RETURNS: Mapping[str, Return] = {
    "not_ready": Return("consideration"),
    "bad_fit": Return("awareness"),
    "no_buying_power": Return("awareness"),
    "no_budget": Return("consideration", after=timedelta(days=21), by_itself=True),
    "locked_in_contract": Return(
        "consideration", after=timedelta(days=30), by_field=True, ahead=timedelta(days=7), by_itself=True
    ),
    "closed_lost": Return("decision", after=timedelta(days=20)),
    "no_response": Return("awareness", after=timedelta(days=10)),
}
UNSAID: Mapping[str, str] = {
    "recycled": "not_ready", "unreachable": "no_response", "lost": "closed_lost", "junk": "bad_fit",
}  # fmt: skip
"""The reason that counts where the rep gives none."""
WOKEN_BY = {
    "bad_fit": ("numemployees", "its company has grown"), "no_buying_power": ("jobtitle", "its title has changed"),
}  # fmt: skip
"""Reason -> the property whose change since the hand-back brings it back: to LARGE, or to a title that DECIDES.

Until then interest does not count."""
LARGE = 100
"""Employees from which a company that was too small fits."""
DECIDES = ("director", "ceo", "founder")
"""Words of a title that can decide on a purchase."""

# -- what the CRM shows --------------------------------------------------------------------------------------------

RANK = {
    name: rank
    for rank, name in enumerate(("handed_off", "working", "accepted", "sales_qualified", "opportunity"))
}
ENDS = ("won", "lost", "recycled", "junk", "unreachable")
ANSWERS = {
    "accepted": "accepted", "qualified": "sales_qualified", "recycle": "recycled", "junk": "junk",
    "unreachable": "unreachable",
}  # fmt: skip
STATUSES = {
    "NEW": "handed_off", "OPEN": "handed_off", "ATTEMPTED_TO_CONTACT": "working", "IN_PROGRESS": "working",
    "CONNECTED": "accepted", "OPEN_DEAL": "sales_qualified", "UNQUALIFIED": "junk", "BAD_TIMING": "recycled",
}  # fmt: skip
QUALIFIED = ("marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer")
"""A lead that sales gets is shown as the first of them; one that was further stays where it was."""
STAGES = {"salesqualifiedlead": "sales_qualified", "opportunity": "opportunity", "customer": "won"}
SHOWN_STATUS = {"recycled": "BAD_TIMING", "unreachable": "BAD_TIMING", "junk": "UNQUALIFIED"}
HELD_AFTER = ("junk",)
"""Ends after which marketing still sends nothing."""
HELD_NEVER = ("customer",)
"""Lanes in which marketing goes on (`marketing_hold.lanes`), whatever becomes of the lead."""
SILENT_AFTER = timedelta(days=14)
"""An open lead on no clock, of which nobody was told and with which nothing happened for so long, is silent."""
