"""Invented leads for the tests: no file needed."""

from datetime import date, timedelta
from random import Random

from olist.data import Lead
from olist.points import Worth

WORTH = Worth(
    threshold=60,
    download=25,
    pages={"/pricing": 20.0, "/how-it-works": 10.0, "/stories": 5.0},
    half_life=timedelta(days=14),
)


def make_leads(count: int, *, days: int = 40, seed: int = 3) -> tuple[Lead, ...]:
    """Leads of the first `days` days; every eighth one is won some days later, by one of three reps."""
    chance = Random(seed)
    leads = []
    for number in range(count):
        arrived_on = date(2017, 6, 14) + timedelta(days=chance.randrange(days))
        won = number % 8 == 0
        leads.append(
            Lead(
                id=f"{number:032x}",
                arrived_on=arrived_on,
                landing_page=f"page-{number % 5}",
                origin=("social", "unknown", "blank", "email")[number % 4],
                won_on=arrived_on + timedelta(days=chance.choice((0, 1, 5, 30))) if won else None,
                seller_rep=f"rep-{number % 3}" if won else "",
                caller=f"sdr-{number % 5}" if won else "",
            )
        )
    return tuple(leads)


LEADS = make_leads(240)
