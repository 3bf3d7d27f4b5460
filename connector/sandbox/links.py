"""Associations between records of one portal: which, with which labels. Both directions are always kept.

Only the store: the HTTP side (v4 and 2026-03) is associations.py; what a new link causes is effects.py.
Object types are plural names (contacts, companies, …); ids are strings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

HUBSPOT = "HUBSPOT_DEFINED"

# (from, to) → unlabelled type id; (from, to, label) entries follow below. Source: hubspot-facts section 7.
TYPE_IDS: dict[tuple[str, str], int] = {
    ("contacts", "companies"): 279, ("companies", "contacts"): 280,
    ("contacts", "deals"): 4, ("deals", "contacts"): 3,
    ("companies", "deals"): 342, ("deals", "companies"): 341,
    ("contacts", "tasks"): 203, ("tasks", "contacts"): 204,
    ("contacts", "calls"): 193, ("calls", "contacts"): 194,
    ("contacts", "emails"): 197, ("emails", "contacts"): 198,
    ("contacts", "meetings"): 199, ("meetings", "contacts"): 200,
    ("contacts", "notes"): 201, ("notes", "contacts"): 202,
    ("contacts", "leads"): 609, ("leads", "contacts"): 578,
    ("contacts", "contacts"): 449, ("companies", "companies"): 450,
    ("companies", "tasks"): 191, ("tasks", "companies"): 192,
    ("companies", "calls"): 181, ("calls", "companies"): 182,
    ("companies", "emails"): 185, ("emails", "companies"): 186,
    ("companies", "meetings"): 187, ("meetings", "companies"): 188,
    ("companies", "notes"): 189, ("notes", "companies"): 190,
    ("deals", "tasks"): 215, ("tasks", "deals"): 216,
    ("deals", "calls"): 205, ("calls", "deals"): 206,
    ("deals", "emails"): 209, ("emails", "deals"): 210,
    ("deals", "meetings"): 211, ("meetings", "deals"): 212,
    ("deals", "notes"): 213, ("notes", "deals"): 214,
    ("companies", "leads"): 611, ("leads", "companies"): 610,
}  # fmt: skip
PRIMARY: dict[tuple[str, str], int] = {
    ("contacts", "companies"): 1, ("companies", "contacts"): 2,
    ("deals", "companies"): 5, ("companies", "deals"): 6,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LinkType:
    """One label of an association; label None = unlabelled."""

    category: str
    type_id: int
    label: str | None = None


def default_type(from_type: str, to_type: str) -> LinkType | None:
    """Give the unlabelled type of a pair of object types, None where HubSpot has none."""
    type_id = TYPE_IDS.get((from_type, to_type))
    return LinkType(HUBSPOT, type_id) if type_id is not None else None


def primary_type(from_type: str, to_type: str) -> LinkType | None:
    """Give the "Primary" type of a pair, None where the pair has none."""
    type_id = PRIMARY.get((from_type, to_type))
    return LinkType(HUBSPOT, type_id, "Primary") if type_id is not None else None


_REVERSE: dict[int, tuple[str, str, bool]] = {number: (*pair, False) for pair, number in TYPE_IDS.items()} | {
    number: (*pair, True) for pair, number in PRIMARY.items()
}


def reverse_type(link: LinkType) -> LinkType:
    """Give the type as seen from the other end; a type of the user's own is its own reverse."""
    if link.category != HUBSPOT or link.type_id not in _REVERSE:
        return link
    from_type, to_type, primary = _REVERSE[link.type_id]
    found = (primary_type if primary else default_type)(to_type, from_type)
    return found or link


@dataclass(slots=True)
class Links:
    """All associations of a portal."""

    _by_end: dict[tuple[str, str, str], dict[str, set[LinkType]]] = field(default_factory=dict)

    def add(self, from_type: str, from_id: str, to_type: str, to_id: str, link: LinkType) -> bool:
        """Make a link in both directions; True if it was not there."""
        there = self._by_end.setdefault((from_type, from_id, to_type), {}).setdefault(to_id, set())
        back = self._by_end.setdefault((to_type, to_id, from_type), {}).setdefault(from_id, set())
        new = link not in there
        there.add(link)
        back.add(reverse_type(link))
        return new

    def remove(
        self, from_type: str, from_id: str, to_type: str, to_id: str, links: set[LinkType] | None = None
    ) -> bool:
        """Drop the given labels, or all (None), in both directions; True if something went."""
        there = self._by_end.get((from_type, from_id, to_type), {})
        present = there.get(to_id, set())
        going = present if links is None else present & links
        if not going:
            return False
        back = self._by_end[(to_type, to_id, from_type)]
        back[from_id] -= {reverse_type(link) for link in going}
        there[to_id] = present - going
        if not there[to_id]:
            del there[to_id]
            back.pop(from_id, None)
        return True

    def of(self, from_type: str, from_id: str, to_type: str) -> dict[str, set[LinkType]]:
        """Give linked ids with their labels, in the order they were linked."""
        return self._by_end.get((from_type, from_id, to_type), {})

    def types_of(self, from_type: str, from_id: str, all_types: tuple[str, ...]) -> Iterator[str]:
        """Give the object types to which a record has links."""
        return (to_type for to_type in all_types if self._by_end.get((from_type, from_id, to_type)))

    def drop_record(self, object_type: str, record_id: str, all_types: tuple[str, ...]) -> None:
        """Forget all links of a record."""
        for to_type in all_types:
            for to_id in list(self.of(object_type, record_id, to_type)):
                self.remove(object_type, record_id, to_type, to_id)
            self._by_end.pop((object_type, record_id, to_type), None)

    def move(self, object_type: str, old_id: str, new_id: str, all_types: tuple[str, ...]) -> None:
        """Give all links of one record to another of its type (a merge)."""
        for to_type in all_types:
            for to_id, links in list(self.of(object_type, old_id, to_type).items()):
                for link in links:
                    if to_id != new_id:
                        self.add(object_type, new_id, to_type, to_id, link)
        self.drop_record(object_type, old_id, all_types)
