"""Cast: the leads and reps of a quarter, all invented, drawn from a seed; and what each tends to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random


class Way(StrEnum):
    """How a lead makes itself known."""

    ASKS = "asks"
    LOOKS = "looks at the prices until that is enough"
    BY_HAND = "is handed over by a person"
    GLANCES = "looks once"
    RIVAL = "asks, and is a competitor"
    PRIVATE_ASKS = "asks from a private address"
    PRIVATE_LOOKS = "looks from a private address"


WAYS: Mapping[Way, int] = {
    Way.ASKS: 45, Way.LOOKS: 28, Way.BY_HAND: 8, Way.GLANCES: 9, Way.RIVAL: 3, Way.PRIVATE_ASKS: 4,
    Way.PRIVATE_LOOKS: 3,
}  # fmt: skip


@dataclass(frozen=True)
class Person:
    """A lead: who it is, how it comes, and when."""

    number: int
    email: str
    values: Mapping[str, str]
    way: Way
    comes_at: datetime

    @property
    def is_small(self) -> bool:
        return self.values["numemployees"] in ("1-5", "5-25")


class Manner(StrEnum):
    PROMPT = "within the hour"
    LATE = "after days"
    SLEEPY = "after a week, or never"


@dataclass(frozen=True)
class Rep:
    """`leaves_on`: day of the quarter on which they are archived."""

    number: int
    email: str
    manner: Manner
    leaves_on: int = 0

    @property
    def id(self) -> str:
        return str(80_000_001 + self.number)


REPS = (
    Rep(0, "ana.sample@company.example", Manner.PROMPT),
    Rep(1, "ben.sample@company.example", Manner.LATE),
    Rep(2, "cara.sample@company.example", Manner.PROMPT, leaves_on=31),
    Rep(3, "dan.sample@company.example", Manner.PROMPT),
    Rep(4, "eva.sample@company.example", Manner.SLEEPY),
    Rep(5, "finn.sample@company.example", Manner.PROMPT),
    Rep(6, "gwen.sample@company.example", Manner.PROMPT),
    Rep(7, "hugh.sample@company.example", Manner.LATE),
    Rep(8, "chief.sample@company.example", Manner.PROMPT),
)

ANSWERS: Mapping[str, int] = {
    "not_ready": 12, "bad_fit": 9, "no_buying_power": 8, "no_budget": 8, "locked_in_contract": 8,
    "status: BAD_TIMING": 5, "unreachable": 11, "junk": 5, "status: UNQUALIFIED": 3, "won": 12, "lost": 10,
    "keeps it": 6, "forgets it": 3,
}  # fmt: skip
"""What a rep ends with, and how often of a hundred."""

COUNTRIES = {"DE": 50, "FR": 15, "AT": 10, "GB": 20, "IE": 5}
SIZES = {"1-5": 15, "5-25": 30, "25-50": 20, "50-100": 15, "100-500": 15, "500-1000": 5}
TITLES = ("office manager", "engineer", "head of purchasing", "analyst")


def draw(rng: Random, weights: Mapping[str, int]) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]


def people(count: int, days: int, begins: datetime, rng: Random) -> list[Person]:
    """So many leads, who come within the first days but for the last two; every twelfth knows a company mate."""
    found: list[Person] = []
    for number in range(count):
        way = Way(draw(rng, {way.value: weight for way, weight in WAYS.items()}))
        company = f"shop-{number - 1:04d}" if number % 12 == 11 else f"shop-{number:04d}"
        email = f"lead.{number:04d}@{company}.example"
        if way is Way.RIVAL:
            email = f"lead.{number:04d}@rival.example"
        elif way in (Way.PRIVATE_ASKS, Way.PRIVATE_LOOKS):
            email = f"pat-nobody-{number:04d}@gmail.com"  # that provider allows no hyphen: the address is nobody's
        values = {
            "firstname": "Robin",
            "lastname": f"Sample {number:04d}",
            "company": company.title(),
            "country": draw(rng, COUNTRIES),
            "numemployees": draw(rng, SIZES),
            "jobtitle": rng.choice(TITLES),
        }
        found.append(Person(number, email, values, way, _daytime(begins, max(1, days - 2), rng)))
    return sorted(found, key=lambda person: person.comes_at)


def _daytime(begins: datetime, days: int, rng: Random) -> datetime:
    """Any day, mostly weekdays, between seven in the morning and ten at night; never on a full minute."""
    day = rng.randrange(days)
    if (begins + timedelta(days=day)).weekday() >= 5 and rng.random() < 0.6:
        day = max(0, day - 2)
    return begins + timedelta(days=day, minutes=rng.randrange(7 * 60, 22 * 60), seconds=rng.randrange(1, 60))
