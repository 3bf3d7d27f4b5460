"""What the sandbox's log says: who is on the suppression list, since which day, and which contact is which lead.

Replayed from `created`, `list_add` and `list_remove` events alone, by code that knows nothing of the connector; so it
is rebuilt from the log's beginning when the driver comes back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

KINDS = ("created", "list_add", "list_remove")


@dataclass(slots=True)
class Ledger:
    """The log so far.

    Attributes:
        order: lead numbers in the order in which their contacts come to be; contacts: lead number -> contact id.
        deal_order, deals: the same for deals.
        members: contact ids on each list; entered_on: day of each contact's first entry; entries: how often it entered.
    """

    order: tuple[int, ...]
    deal_order: tuple[int, ...] = ()
    contacts: dict[int, str] = field(default_factory=dict)
    deals: dict[int, str] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    entered_on: dict[str, date] = field(default_factory=dict)
    entries: dict[str, int] = field(default_factory=dict)
    seq: int = 0

    def replay(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Take in events in their order; those taken in before are passed over."""
        for event in events:
            if event["seq"] <= self.seq:
                continue
            self.seq = event["seq"]
            if event["kind"] == "created" and event["object"] == "contacts":
                self.contacts[self.order[len(self.contacts)]] = str(event["id"])
            elif event["kind"] == "created" and event["object"] == "deals" and self.deal_order:
                self.deals[self.deal_order[len(self.deals)]] = str(event["id"])
            elif event["kind"] == "list_add":
                self._enter(str(event["list_id"]), str(event["record_id"]), date.fromisoformat(str(event["at"])[:10]))
            elif event["kind"] == "list_remove":
                self.members.setdefault(str(event["list_id"]), set()).discard(str(event["record_id"]))

    def _enter(self, list_id: str, contact: str, on: date) -> None:
        self.members.setdefault(list_id, set()).add(contact)
        self.entered_on.setdefault(contact, on)
        self.entries[contact] = self.entries.get(contact, 0) + 1

    def on_any_list(self) -> set[str]:
        """Give the contacts on a list; the portal has no list but the suppression list."""
        return set().union(*self.members.values())

    def mismatches(self, held: set[int]) -> int:
        """Count the contacts that are on the list and should not be, or should be and are not."""
        should = {self.contacts.get(number, f"lead {number}") for number in held}
        return len(should ^ self.on_any_list())
