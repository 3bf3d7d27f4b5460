"""Who appears in the story. All invented: names mixed at random, domains of .example, phones kept for fiction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from connector.cli.story.world import Act, spell

SITE = "https://www.sandbox.example"


@dataclass(frozen=True, slots=True)
class Person:
    first: str
    last: str
    email: str
    company: str
    title: str
    country: str
    employees: str
    phone: str = ""

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}"

    def sends(self, form: str, at: datetime, message: str = "") -> Act:
        """Fills in a form; an address that HubSpot does not know becomes a contact."""
        values = {
            "firstname": self.first,
            "lastname": self.last,
            "company": self.company,
            "jobtitle": self.title,
            "country": self.country,
            "numemployees": self.employees,
            "phone": self.phone,
            "message": message,
        }
        filled = {name: value for name, value in values.items() if value}
        return {"kind": "form_submission", "form": form, "email": self.email, "values": filled, "at": spell(at)}

    def views(self, page: str, at: datetime) -> Act:
        return {"kind": "page_view", "email": self.email, "url": SITE + page, "at": spell(at)}


INES = Person("Ines", "Marlowe", "ines.marlowe@juniper-clinics.example", "Juniper Clinics", "Head of Marketing",
              "Germany", "100-500", "+49 30 23125 014")  # fmt: skip
NORA = Person("Nora", "Kestrel", "nora.kestrel@harbor-foods.example", "Harbor Foods", "VP Sales",
              "Netherlands", "50-100")  # fmt: skip
MIRA = Person("Mira", "Tarnow", "mira.tarnow@mail.example", "", "Consultant", "Spain", "")
KAYA = Person("Kaya", "Ostrava", "kaya.ostrava@violet-textiles.example", "Violet Textiles", "CEO", "Japan", "100-500")
DARIO = Person("Dario", "Vasconte", "dario.vasconte@rival.example", "Rival Systems", "Sales Director",
               "Portugal", "100-500")  # fmt: skip
SILAS = Person("Silas", "Farrow", "silas.farrow@cobalt-robotics.example", "Cobalt Robotics", "Founder",
               "United Kingdom", "25-50", "+44 20 7946 0321")  # fmt: skip
VERA = Person("Vera", "Elverum", "vera.elverum@onyx-media.example", "Onyx Media", "CMO", "France", "50-100")
JOANA = Person("Joana", "Yarrow", "joana.yarrow@saffron-travel.example", "Saffron Travel", "Managing Director",
               "Portugal", "50-100")  # fmt: skip

# -- the weeks between -----------------------------------------------------------------------------------------------

WEEKS = ("2026-03-10", "2026-03-17", "2026-03-24", "2026-03-31")
_CROWD = """
Alma   Corvo      Amber Logistics    won
Bruno  Bexley     Birch Energy       accepted
Celia  Hollis     Delta Labs         not_ready
Ebba   Ibsby      Ember Retail       opportunity
Fabio  Jansoon    Fjord Tools        junk
Greta  Pellam     Granite Systems    accepted
Henk   Quarry     Indigo Energy      opportunity
Karl   Rosmarin   Kelp Foods         won
Leda   Sandoval   Lumen Clinics      no_buying_power
Milo   Ulverton   Maple Logistics    accepted
Rosa   Wexcombe   Nimbus Travel      unreachable
Tove   Zellmer    Pine Tools         accepted
Ugo    Alcantil   Quartz Media       opportunity
Wanda  Brisbois   River Robotics     accepted
Xenia  Cardoen    Tidal Textiles     won
Yara   Dunmore    Umber Labs         bad_fit
Zeno   Esteva     Willow Retail      opportunity
Olga   Grendel    Xenon Systems      accepted
Paulo  Lindqvist  Yonder Foods       not_ready
Gita   Norrland   Zephyr Energy      won
"""


@dataclass(frozen=True, slots=True)
class Lead:
    """One of the crowd: when they come, and what sales will make of them."""

    person: Person
    week: str
    end: str

    @property
    def answer(self) -> dict[str, str]:
        """What the rep puts into the CRM's properties."""
        if self.end in ("won", "opportunity", "accepted"):
            return {"handoff_verdict": "accepted"}
        if self.end in ("junk", "unreachable"):
            return {"handoff_verdict": self.end}
        return {"handoff_verdict": "recycle", "handoff_verdict_reason": self.end}


def crowd() -> Iterator[Lead]:
    """Twenty leads, five a week, in the order in which they come."""
    for number, line in enumerate(_CROWD.strip().splitlines()):
        first, last, *company, end = line.split()
        domain = f"{'-'.join(company)}.example".lower()
        email = f"{first}.{last}@{domain}".lower()
        person = Person(first, last, email, " ".join(company), "Managing Director", "Germany", "50-100")
        yield Lead(person, WEEKS[number // 5], end)
