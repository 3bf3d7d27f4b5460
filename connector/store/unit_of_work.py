"""One transaction with all that the engine may ask of it: the parts, joined. Fulfils ports.UnitOfWork.

Which table is whose is said in docs/database.md. What parts have gathered (`flush`) is written before
the commit.
"""

from __future__ import annotations

from connector.store.activities import Activities
from connector.store.answers import Answers
from connector.store.contacts import Contacts
from connector.store.decisions import Decisions
from connector.store.digests import Digests
from connector.store.episodes import Episodes
from connector.store.erasure import Erasure
from connector.store.hints import Hints
from connector.store.history import Past
from connector.store.intents import Intents
from connector.store.merges import Merges
from connector.store.portals import Portals
from connector.store.presence import Presence
from connector.store.proof import Proof
from connector.store.quarantine import Quarantine
from connector.store.reporting import Reports
from connector.store.retention import Retention
from connector.store.rotation import Rotation
from connector.store.suppression import Suppression
from connector.store.timers import Timers
from connector.store.traces import Traces
from connector.store.undoing import Undoings


class SqlUnitOfWork(
    Portals, Contacts, Activities, Rotation, Episodes, Decisions, Timers, Hints, Answers, Intents, Digests, Quarantine,
    Merges, Erasure, Presence, Retention, Suppression, Undoings,
    Past, Traces, Reports, Proof,
):
    """Made by `SqlStore.transaction()` and `.reading()`; good until their block ends."""
