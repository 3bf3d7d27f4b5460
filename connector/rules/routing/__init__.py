"""Routing: to which owner a lead goes, and why not to the others (R12, R13). Reads mappings/routing.yaml.

model.py      what the file may say
lead.py       what is known of the lead that looks for its owner
assigning.py  the order of questions: telequalification, stickiness, territories, default pool, fallback
parties.py    telequalification, a party of its own
sticky.py     who knows the lead already
people.py     hours, absence, ramp-up, caps and skills: who can take a lead now
pools.py      which pools are asked, and who sits in one
turns.py      whose turn it is
fairness.py   how the leads were spread, and who starves
search.py     who is there, and why each candidate was passed over

Whether a lead is handed over at all is decide()'s. Archived owners get nothing.
"""

from connector.rules.routing.assigning import route
from connector.rules.routing.fairness import RoutedLead, Turns, fairness, overloaded, starves, starving
from connector.rules.routing.lead import Lead
from connector.rules.routing.model import (
    Absence,
    Fallback,
    Member,
    Party,
    Person,
    PoolRules,
    RoutingRules,
    Stick,
    Territory,
)
from connector.rules.routing.parties import callers, party_of
from connector.rules.routing.pools import sitting
from connector.rules.routing.search import Directory
from connector.rules.routing.turns import TURN, Turn, next_turn, take_turn

__all__ = [
    "TURN",
    "Absence",
    "Directory",
    "Fallback",
    "Lead",
    "Member",
    "Party",
    "Person",
    "PoolRules",
    "RoutedLead",
    "RoutingRules",
    "Stick",
    "Territory",
    "Turn",
    "Turns",
    "callers",
    "fairness",
    "next_turn",
    "overloaded",
    "party_of",
    "route",
    "sitting",
    "starves",
    "starving",
    "take_turn",
]
