"""How a terminal names people and times: names beside the ids, the portal's zone. Pipes, JSON and files keep to ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from connector.cli.console import moment

if TYPE_CHECKING:
    from connector.config.settings import Settings
    from connector.domain.contact import ContactId
    from connector.engine.named import Names


def known_names(settings: Settings, contacts: Iterable[ContactId]) -> Names:
    """Of these contacts and of all owners, as the database knows them; no call is made."""
    from connector.bootstrap import open_database
    from connector.engine.named import names_of

    store = open_database(settings, None)
    try:
        with store.reading() as uow:
            return names_of(uow, contacts)
    finally:
        store.close()


def for_people(field: object, value: object, names: Names, zone: ZoneInfo) -> str:
    """One value of a field, such as `Ana Sample (7)` of an owner, or an instant in the portal's zone."""
    if value is None or value == "":
        return ""
    if isinstance(value, datetime):
        return moment(value, zone)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return with_name(str(value), names.owners) if field == "owner" else str(value)


def with_name(name: str, known: Mapping[Any, str]) -> str:
    """Such as `Kim Sample (506)`."""
    return f"{known[name]} ({name})" if name in known else name
