"""The search endpoint: body rules, which index serves a query, the lag of the index, sorting and paging to a ceiling.

What an operator means is conditions.py. Two indexes make searches cheap on large portals: ids, and the modification
date; `email EQ` and `associations.contact` have their own. Everything else walks the records.
Source: hubspot-facts section 3.3.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from . import conditions
from .app import Request, Response, route
from .conditions import Test, invalid, test_of
from .portal import ENGAGEMENTS, Portal, object_type
from .properties import definition
from .records import kind_of, page_json, paths, shown_names
from .store import ObjectStore, Record
from .windows import Windows

LARGEST_PAGE = 200
LONGEST_QUERY = 3_000
_NEVER_LOW, _NEVER_HIGH = -(2**62), 2**62
_SEARCHED: dict[str, tuple[str, ...]] = {
    "contacts": ("firstname", "lastname", "email", "phone", "hs_additional_emails", "company"),
    "companies": ("name", "domain", "website", "phone"),
    "deals": ("dealname",),
    "tickets": ("subject", "content"),
    "leads": ("hs_lead_name",),
}
_Range = tuple[int, int]


@dataclass(slots=True)
class Group:
    """One filter group: ranges of the two indexes, ids it is limited to (None = all), and the other tests."""

    ids: _Range = (_NEVER_LOW, _NEVER_HIGH)
    modified: _Range = (_NEVER_LOW, _NEVER_HIGH)
    among: set[int] | None = None
    tests: list[tuple[str, Test]] = field(default_factory=list)

    def matches(self, store: ObjectStore, record: Record) -> bool:
        """Say whether a record passes everything of the group."""
        if not self.ids[0] <= record.key <= self.ids[1] or not self.modified[0] <= record.modified <= self.modified[1]:
            return False
        if self.among is not None and record.key not in self.among:
            return False
        return all(test(store.value(record, name)) for name, test in self.tests)


@dataclass(slots=True)
class Query:
    """A search body, read and checked; sort None = order of creation."""

    groups: list[Group]
    words: str
    sort: str | None
    descending: bool
    limit: int
    offset: int
    properties: list[str]


@route("POST", *paths("/search"), limit="search")
def search_records(request: Request, name: str) -> Response:
    """One page of what the index shows; `total` counts all."""
    kind, portal = kind_of(request, name), request.portal
    query = read(portal, kind, request.json_object(), len(request.body))
    names = shown_names(portal, kind, query.properties, search=True)
    total, page = find(portal, kind, query)
    if portal.switches.search_short_pages:
        page = page[: portal.switches.search_short_pages]
    rest: dict[str, Any] = {"total": total}
    if query.offset + len(page) < total:
        rest["paging"] = {"next": {"after": str(query.offset + len(page))}}
    return Response(200, page_json(portal, kind, page, names, rest))


# -- reading the body --------------------------------------------------------------------------------------------------


def read(portal: Portal, kind: str, body: dict[str, Any], length: int) -> Query:
    """Check a search body against the rules of the portal.

    Raises:
        ApiError: 400 with what is wrong.
    """
    switches = portal.switches
    words = str(body.get("query") or "")
    if len(words) > LONGEST_QUERY or (switches.search_body_max and length > switches.search_body_max):
        raise invalid(f"The request is longer than {LONGEST_QUERY} characters")
    limit, offset = _whole(body, "limit", 10), _whole(body, "after", 0)
    if not 1 <= limit <= LARGEST_PAGE:
        raise invalid(f"limit must be between 1 and {LARGEST_PAGE}, but was {limit}")
    if offset + limit > switches.search_ceiling:
        raise invalid(f"Paging past {switches.search_ceiling} results is not supported: after={offset}, limit={limit}")
    groups = body.get("filterGroups") or []
    if body.get("filters"):
        groups = [*groups, {"filters": body["filters"]}]
    _check_size(portal, groups)
    sort, descending = _sort(portal, kind, body.get("sorts") or [])
    made = [_group(portal, kind, group.get("filters") or []) for group in groups] or [Group()]
    return Query(made, words, sort, descending, limit, offset, [str(each) for each in body.get("properties") or []])


def _whole(body: dict[str, Any], name: str, default: int) -> int:
    text = str(body.get(name) if body.get(name) not in (None, "") else default)
    if not text.isdigit():
        raise invalid(f"{name} must be a whole number, but was {text}")
    return int(text)


def _check_size(portal: Portal, groups: list[dict[str, Any]]) -> None:
    switches = portal.switches
    sizes = [len(group.get("filters") or []) for group in groups]
    if len(groups) > switches.search_groups_max:
        raise invalid(f"At most {switches.search_groups_max} filterGroups are allowed, but there were {len(groups)}")
    if max(sizes, default=0) > switches.search_group_filters_max:
        raise invalid(f"At most {switches.search_group_filters_max} filters are allowed in a group")
    if sum(sizes) > switches.search_filters_max:
        raise invalid(f"At most {switches.search_filters_max} filters are allowed in all, but there were {sum(sizes)}")


def _sort(portal: Portal, kind: str, sorts: list[Any]) -> tuple[str | None, bool]:
    if len(sorts) > 1:
        raise invalid("Only one sort is allowed")
    if not sorts:
        return None, False
    rule = sorts[0]
    if isinstance(rule, str):
        rule = {"propertyName": rule.lstrip("-"), "direction": "DESCENDING" if rule[:1] == "-" else "ASCENDING"}
    name = rule.get("propertyName")
    if definition(portal, kind, str(name)) is None:
        raise invalid(f"cannot sort by unknown property {name}")
    return str(name), str(rule.get("direction") or "ASCENDING").upper().startswith("DESC")


def _group(portal: Portal, kind: str, filters: list[dict[str, Any]]) -> Group:
    group, store = Group(), portal.objects[kind]
    for spec in filters:
        name, operator = str(spec.get("propertyName", "")), spec.get("operator")
        if name.startswith("associations."):
            _limit(group, _linked(portal, kind, name, spec))
            continue
        found = definition(portal, kind, name)
        if found is None:
            raise invalid(f"property {name} of {kind} does not exist")
        test = test_of(spec, found)  # checks the filter, whichever way it is then served
        if name == store.modified_name and operator in _RANGES:
            group.modified = _narrowed(group.modified, spec, found)
        elif name == "hs_object_id" and operator in _RANGES:
            group.ids = _narrowed(group.ids, spec, found)
        elif name == "hs_object_id" and operator == "IN":
            _limit(group, {int(float(value)) for value in spec["values"]})
        elif name == "email" and operator == "EQ" and kind == "contacts":
            holder = store.find("email", str(spec["value"]))
            _limit(group, {holder.key} if holder else set(), lagging=store)
            group.tests.append((name, test))
        else:
            group.tests.append((name, test))
    return group


_RANGES: dict[str, Callable[[int, int], _Range]] = {
    "EQ": lambda low, _high: (low, low),
    "GT": lambda low, _high: (low + 1, _NEVER_HIGH),
    "GTE": lambda low, _high: (low, _NEVER_HIGH),
    "LT": lambda low, _high: (_NEVER_LOW, low - 1),
    "LTE": lambda low, _high: (_NEVER_LOW, low),
    "BETWEEN": lambda low, high: (low, high),
}


def _narrowed(present: _Range, spec: dict[str, Any], found: dict[str, Any]) -> _Range:
    low = int(conditions.bound(spec, "value", found))
    high = int(conditions.bound(spec, "highValue", found)) if spec["operator"] == "BETWEEN" else low
    new = _RANGES[spec["operator"]](low, high)
    return max(present[0], new[0]), min(present[1], new[1])


def _limit(group: Group, keys: set[int], lagging: ObjectStore | None = None) -> None:
    if lagging is not None:
        keys = keys | set(lagging.lagging)  # what the index still sees may be another record than the store knows
    group.among = keys if group.among is None else group.among & keys


def _linked(portal: Portal, kind: str, name: str, spec: dict[str, Any]) -> set[int]:
    other = object_type(name.partition(".")[2])
    if other is None or spec.get("operator") not in ("EQ", "IN"):
        raise invalid(f"{name} {spec.get('operator')} is not supported: use associations.contact EQ <id>")
    wanted = spec.get("values") if spec["operator"] == "IN" else [spec.get("value")]
    return {int(found) for each in wanted or [] for found in portal.links.of(other, str(each), kind)}


# -- finding -----------------------------------------------------------------------------------------------------------


def find(portal: Portal, kind: str, query: Query) -> tuple[int, list[Record]]:
    """Give how many records match, and those of the page."""
    store = portal.objects[kind]
    hidden = visible_now(portal, store)
    if not hidden and (fast := _by_window(portal, store, query)):
        return fast
    passed = {
        key: seen
        for key, seen in hidden.items()
        if seen is not None and any(group.matches(store, seen) for group in query.groups)
    }
    for group in query.groups:
        for key in _candidates(store, group):
            record = store.records.get(str(key))
            if record is not None and key not in passed and key not in hidden and group.matches(store, record):
                passed[key] = record
    rows = [record for record in passed.values() if not query.words or _has_words(store, kind, record, query.words)]
    _order(portal, kind, store, rows, query)
    return len(rows), rows[query.offset : query.offset + query.limit]


def visible_now(portal: Portal, store: ObjectStore) -> dict[int, Record | None]:
    """Give the records that the index sees otherwise than they are: as they were, or None = not at all."""
    now = portal.clock.ms()
    hidden: dict[int, Record | None] = {}
    for key, line in list(store.lagging.items()):
        waiting = [seen for seen in line if seen.until > now]
        if not waiting:
            del store.lagging[key]
            continue
        store.lagging[key] = waiting
        seen, live = waiting[0], store.records.get(str(key))
        if seen.props is None or live is None:
            hidden[key] = None
        else:
            old = Record(key, seen.props, live.created, live.source)
            old.modified = seen.modified
            hidden[key] = old
    return hidden


def _by_window(portal: Portal, store: ObjectStore, query: Query) -> tuple[int, list[Record]] | None:
    """Serve the walk of large portals (a window of dates, ids above the last, sorted by id) from the index alone."""
    if len(query.groups) != 1 or query.words or query.descending or query.sort not in ("hs_object_id", None):
        return None
    group = query.groups[0]
    if group.tests or group.among is not None or (query.sort is None and not store.in_creation_order):
        return None
    if group.modified == (_NEVER_LOW, _NEVER_HIGH):
        first, last = bisect_left(store.keys, group.ids[0]), bisect_right(store.keys, group.ids[1])
        keys = store.keys[first + query.offset : min(last, first + query.offset + query.limit)]
        return max(0, last - first), [store.records[str(key)] for key in keys]
    windows = portal.state(f"windows.{store.object_type}", Windows)
    total, found = windows.page(store, group.modified, group.ids, query.offset, query.limit)
    return total, [store.records[str(key)] for key in found]


def _candidates(store: ObjectStore, group: Group) -> Iterable[int]:
    if group.among is not None:
        return sorted(group.among)
    low, high = group.modified
    if store.count_modified_between(low, high) < len(store.keys) // 2:
        return store.modified_between(low, high)
    return store.keys[bisect_left(store.keys, group.ids[0]) : bisect_right(store.keys, group.ids[1])]


def _has_words(store: ObjectStore, kind: str, record: Record, words: str) -> bool:
    names = _SEARCHED.get(kind, ("hs_note_body", "hs_task_subject", "hs_call_title", "hs_email_subject"))
    if kind in ENGAGEMENTS:
        text = " ".join(record.props.values()).lower()
    else:
        text = " ".join(store.value(record, name) or "" for name in names).lower()
    return all(word in text for word in words.lower().split())


def _order(portal: Portal, kind: str, store: ObjectStore, rows: list[Record], query: Query) -> None:
    """Sort in place; records without a value come last, equal ones by id."""
    if query.sort is None:
        rows.sort(key=lambda record: (record.created, record.key))
        return
    if query.sort == store.modified_name:
        rows.sort(key=lambda record: (record.modified, record.key), reverse=query.descending)
        return
    if query.sort == "hs_object_id":
        rows.sort(key=lambda record: record.key, reverse=query.descending)
        return
    name, key = query.sort, conditions.key_of(definition(portal, kind, query.sort) or {"type": "string"})
    valued = [(key(value), record.key, record) for record in rows if (value := store.value(record, name)) is not None]
    bare = [record for record in rows if store.value(record, name) is None]
    valued.sort(key=lambda row: row[:2], reverse=query.descending)
    rows[:] = [row[2] for row in valued] + sorted(bare, key=lambda record: record.key)
