"""What the engine needs of the world, as Protocols, with the values that pass; bootstrap.py joins adapters to them.

MarketingSource, Crm    one CRM folder fulfils both today; two systems may tomorrow
Store, UnitOfWork       the database behind one portal
Outbox, Delivery        notices waiting, and what sends them
Progress                what a person at a terminal sees
"""

from connector.engine.ports.crm import (
    ActivityPage,
    Beside,
    ContactPage,
    Crm,
    DealPage,
    Form,
    MarketingSource,
    Note,
    PortalInfo,
    Presence,
    PropertyInfo,
    Schema,
    StreamOff,
    Task,
    Window,
    Write,
    WriteResult,
)
from connector.engine.ports.outside import Delivery, Learn, NoProgress, Outbox, Progress, Try
from connector.engine.ports.privacy import ErasedPerson, Receipt
from connector.engine.ports.rows import (
    AuditRow,
    DestinationState,
    Entry,
    FieldChange,
    Intent,
    PortalState,
    RuleVersion,
    StoredContact,
)
from connector.engine.ports.store import Store, UnitOfWork

__all__ = [
    "ActivityPage",
    "AuditRow",
    "Beside",
    "ContactPage",
    "Crm",
    "DealPage",
    "Delivery",
    "DestinationState",
    "Entry",
    "ErasedPerson",
    "FieldChange",
    "Form",
    "Intent",
    "Learn",
    "MarketingSource",
    "NoProgress",
    "Note",
    "Outbox",
    "PortalInfo",
    "PortalState",
    "Presence",
    "Progress",
    "PropertyInfo",
    "Receipt",
    "RuleVersion",
    "Schema",
    "Store",
    "StoredContact",
    "StreamOff",
    "Task",
    "Try",
    "UnitOfWork",
    "Window",
    "Write",
    "WriteResult",
]
