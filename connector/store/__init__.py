"""The database; nobody else knows that it is SQL.

    open_store(url, portal, holder=this_process(), wall_clock=…) -> SqlStore     fulfils ports.Store
    check_store(url, portal, wall_clock=…)                                      would open_store find its place?
    SqlStore.outbox                                                             fulfils ports.Outbox
    open_inbox(url, portal, wall_clock=…) -> SqlInbox                           where the receiver puts hints
    open_desk(url, portal, wall_clock=…) -> SqlDesk                             where answers by link are taken in
    scratch(store)                                                              a private copy, for preview
    open_notebook() -> SqlNotebook                                              what an export notes down meanwhile
    Queries(store)                                                              lists and counts for people
"""

from connector.store.desk import SqlDesk, open_desk
from connector.store.hints import SqlInbox, open_inbox
from connector.store.notebook import SqlNotebook, open_notebook
from connector.store.process import this_process
from connector.store.queries import Queries
from connector.store.scratch import scratch
from connector.store.store import SqlStore, check_store, open_store

__all__ = [
    "Queries",
    "SqlDesk",
    "SqlInbox",
    "SqlNotebook",
    "SqlStore",
    "check_store",
    "open_desk",
    "open_inbox",
    "open_notebook",
    "open_store",
    "scratch",
    "this_process",
]
