"""Routing: to which owner a lead goes, and why not to the others (R12, R13). Reads mappings/routing.yaml.

model.py      what the file may say
lead.py       what is known of the lead that looks for its owner
assigning.py  the order of questions: telequalification, stickiness, territories, default pool, fallback
parties.py    telequalification, a party of its own
sticky.py     who knows the lead already
pools.py      who sits in a pool, who is free, whose turn it is
search.py     who is there, and why each candidate was passed over

Whether a lead is handed over at all is decide()'s. Archived owners get nothing.
"""

from connector.rules.routing.assigning import route
from connector.rules.routing.lead import Lead
from connector.rules.routing.model import Fallback, Member, Party, PoolRules, RoutingRules, Stick, Territory
from connector.rules.routing.parties import callers, party_of
from connector.rules.routing.pools import STRIDE, sitting
from connector.rules.routing.search import Directory

__all__ = [
    "STRIDE",
    "Directory",
    "Fallback",
    "Lead",
    "Member",
    "Party",
    "PoolRules",
    "RoutingRules",
    "Stick",
    "Territory",
    "callers",
    "party_of",
    "route",
    "sitting",
]
