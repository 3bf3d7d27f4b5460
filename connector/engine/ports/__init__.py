"""What the engine needs of the world, as Protocols, with the values that pass; bootstrap.py joins adapters to them.

MarketingSource, Crm    one CRM folder fulfils both today; two systems may tomorrow
Store, UnitOfWork       the database behind one portal
Outbox, Delivery        notices waiting, and what sends them
Progress                what a person at a terminal sees
"""

from connector.engine.ports.crm import (
    ActivityPage,
    ContactPage,
    Crm,
    DealPage,
    MarketingSource,
    PortalInfo,
    PropertyInfo,
    Schema,
    StreamOff,
    Window,
    Write,
    WriteResult,
)
from connector.engine.ports.outside import Delivery, NoProgress, Outbox, Progress
from connector.engine.ports.rows import AuditRow, Entry, FieldChange, Intent, PortalState, StoredContact
from connector.engine.ports.store import Store, UnitOfWork

__all__ = [
    "ActivityPage",
    "AuditRow",
    "ContactPage",
    "Crm",
    "DealPage",
    "Delivery",
    "Entry",
    "FieldChange",
    "Intent",
    "MarketingSource",
    "NoProgress",
    "Outbox",
    "PortalInfo",
    "PortalState",
    "Progress",
    "PropertyInfo",
    "Schema",
    "Store",
    "StoredContact",
    "StreamOff",
    "UnitOfWork",
    "Window",
    "Write",
    "WriteResult",
]
