"""Every contact that is not archived: from the list API, and beside it from the search, which has a limit of its own.

It begins with one cursor of the list, as a small portal needs no more. A longer pull is gone on with in spans of ids
(spans.py) that threads read side by side (ranges.py), once the list was seen to give what follows any id that it is
asked for; HubSpot's documentation does not say so. A portal that does not, and one whose ids do not rise, is read with
one cursor to the end. The list is the record store itself; the search is an index, so the newest contacts, which it may
not show yet, are left to the list.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from connector.crm.hubspot import contacts
from connector.crm.hubspot.client import Client, pull_pages, raw
from connector.crm.hubspot.protocol import parse_next, parse_rows
from connector.crm.hubspot.ranges import Doors, Fetched, Given, Ranges
from connector.crm.hubspot.refusals import QuestionRefusedError
from connector.crm.hubspot.search import PAGE as SEARCH_PAGE
from connector.crm.hubspot.spans import LIST, SEARCH, OutOfOrderError, Plan, Span
from connector.domain.contact import ContactId
from connector.domain.record import Record
from connector.engine.ports import ContactPage
from connector.errors import ContractError, RateLimitedError, ScopeError

logger = logging.getLogger(__name__)

ONE_CURSOR_PAGES = 10
"""So many pages are read with one cursor before a pull is a long one."""
ID = "hs_object_id"


def pull(
    client: Client, properties: Sequence[str], cursor: str | None, *, doors: Sequence[str] = (LIST, SEARCH)
) -> Iterator[ContactPage]:
    """Pages of at most 100 records of the list, 200 of the search; only the first ones in order of id.

    Every contact that was there all the time comes at least once, and once only unless a portal's list turns out to
    have no order in the middle of it. `doors`: without SEARCH the index is not asked.

    Raises:
        ContractError: a cursor that comes twice, an answer of another shape.
    """
    full = FullPull(client, properties, is_whole=cursor is None)
    if cursor is None or not cursor.startswith("{"):
        for page in full.with_one_cursor(cursor):
            cursor = page.cursor
            yield page
            if full.may_divide(cursor):
                break
        else:
            return
        assert cursor is not None
        plan = Plan([Span(full.known[-1] + 1, after=cursor)])
    else:
        plan = Plan.read(cursor)
    try:
        for given in full.in_spans(plan, doors):
            yield full.page(given)
    except (OutOfOrderError, QuestionRefusedError):
        client.has_order = False
        full.is_whole = False
        logger.warning("the list has no order that can be relied on; it is read anew with one cursor", extra=REMARK)
        yield from full.with_one_cursor(None)


REMARK = {"action": "one_cursor"}


@dataclass(slots=True)
class FullPull:
    """One pull's questions.

    Attributes:
        known: ids of the last page that one cursor gave, rising; empty where they do not.
        total: contacts that the portal counts; None before it was asked.
        is_whole: it began at the beginning, so that what it gave can be held against the portal's count.
    """

    client: Client
    properties: Sequence[str]
    is_whole: bool
    known: list[int] = field(default_factory=list)
    total: int | None = None
    _given: int = 0
    _pages: int = 0

    def with_one_cursor(self, cursor: str | None) -> Iterator[ContactPage]:
        method, asked = self.client.contacts.get_page, self._asked()
        for payload, after in pull_pages(method, cursor=cursor, limit=contacts.LIST_PAGE, **asked):
            records = self._records(parse_rows(payload))
            self.known = _rising(records)
            self._given += len(records)
            self._pages += 1
            yield ContactPage(records=records, cursor=after, door=LIST)

    def may_divide(self, cursor: str | None) -> bool:
        """Whether what is left may be read in spans."""
        return self.client.has_order and cursor is not None and self._pages >= ONE_CURSOR_PAGES and bool(self.known)

    def in_spans(self, plan: Plan, doors: Sequence[str]) -> Generator[Given[Record], None, None]:
        _ = self.client.contacts, self.client.contact_search  # built here: on other threads they might be built twice
        fetch = {door: one for door, one in ((LIST, self._list), (SEARCH, self._search)) if door in doors}
        transport = self.client.transport
        asked = Doors(
            fetch=fetch,
            survey=self._survey,
            held_up=lambda door: transport.held_up(search=door == SEARCH),
            refusals=lambda: transport.refusals(search=True),
        )
        return Ranges(plan, asked).pages()

    def page(self, given: Given[Record]) -> ContactPage:
        total, before = self.total, self._given
        self._given += len(given.rows)
        left = total - before if total is not None and self.is_whole else None
        return ContactPage(records=given.rows, cursor=given.cursor, left=left, door=given.door)

    # -- on other threads ----------------------------------------------------------------------------------------

    def _list(self, span: Span) -> Fetched[Record]:
        payload = self._list_page(span.asked, **self._asked())
        records, following = self._records(parse_rows(payload)), parse_next(payload)
        return Fetched(records, _numbers(records), following, following is None)

    def _search(self, span: Span) -> Fetched[Record]:
        assert span.end is not None
        names, surplus = contacts.named(self.properties)
        within = [("GTE", span.low), ("LT", span.end)]
        payload = self._search_page("ASCENDING", names, within)
        rows, total = parse_rows(payload), payload.get("total")
        if not isinstance(total, int) or (total > 0 and not rows):
            raise ContractError("the search does not say how much is left", advice="Run again.")
        contacts.see_that_all_exist(self.client, rows, names)
        records = tuple([contacts.parse_record(row, surplus) for row in rows])
        return Fetched(records, _numbers(records), None, total <= len(rows))

    def _survey(self) -> int | None:
        """Counts the portal; the id from which on contacts are the newest, None where spans may not be divided."""
        try:
            if self.known and not self._gives_what_follows(self.known):
                self.client.has_order = False
                logger.warning("the list does not take any id to begin at; one cursor reads it", extra=REMARK)
                return None
            payload = self._search_page("DESCENDING", ["email"], [])
            newest = [int(row["id"]) for row in parse_rows(payload)]
        except (ContractError, ScopeError, RateLimitedError, KeyError, TypeError, ValueError) as error:
            logger.warning("the full pull is not divided (%s)", type(error).__name__, extra=REMARK)
            return None
        self.total = payload["total"] if isinstance(payload.get("total"), int) else None
        return min(newest, default=None)

    def _gives_what_follows(self, known: Sequence[int]) -> bool:
        """Whether the list, asked for what comes after an id in the middle of a page, gives just the rest of it."""
        middle = len(known) // 2
        try:
            rows = parse_rows(self._list_page(str(known[middle] - 1)))
        except QuestionRefusedError:
            return False
        found = [int(row["id"]) for row in rows]
        return [one for one in found if one <= known[-1]] in (list(known[middle:]), list(known[middle - 1 :]))

    # -- the wire ------------------------------------------------------------------------------------------------

    def _list_page(self, after: str | None, **asked: object) -> object:
        following = {} if after is None else {"after": after}
        return raw(self.client.contacts.get_page, limit=contacts.LIST_PAGE, **following, **asked).payload

    def _search_page(self, order: str, names: Sequence[str], within: Sequence[tuple[str, int]]) -> dict[str, Any]:
        filters = [{"propertyName": ID, "operator": operator, "value": str(one)} for operator, one in within]
        body = {
            "filterGroups": [{"filters": filters}] if filters else [],
            "sorts": [{"propertyName": ID, "direction": order}],
            "properties": list(names),
            "limit": SEARCH_PAGE,
            "after": "0",
        }
        payload = raw(self.client.contact_search.do_search, body).payload
        if not isinstance(payload, dict):
            raise ContractError("HubSpot's search answered with no object", advice="Run again; if it stays, report it.")
        return payload

    def _asked(self) -> dict[str, list[str]]:
        names, _ = contacts.named(self.properties)
        query = ",".join(names)
        return {"properties": [query]} if len(query) <= contacts.LONGEST_QUERY else {}

    def _records(self, rows: Sequence[dict[str, Any]]) -> tuple[Record, ...]:
        """Where the names are too long for an address, the list gave ids only, and the rows are read by them."""
        names, surplus = contacts.named(self.properties)
        if self._asked():
            contacts.see_that_all_exist(self.client, rows, names)
            return tuple([contacts.parse_record(row, surplus) for row in rows])
        ids = [ContactId(contacts.id_of(row)) for row in rows]
        return tuple(contacts.read(self.client, ids, self.properties).values())


def _numbers(records: Sequence[Record]) -> list[int]:
    """Raises OutOfOrderError: ids that are no numbers have no order."""
    try:
        return [int(record.id) for record in records]
    except ValueError:
        raise OutOfOrderError("the ids of HubSpot's contacts are no numbers", advice="Report it.") from None


def _rising(records: Sequence[Record]) -> list[int]:
    """The ids as numbers; empty where they are none or do not rise."""
    if not all(record.id.isdecimal() for record in records):
        return []
    ids = [int(record.id) for record in records]
    return ids if all(one < two for one, two in pairwise(ids)) else []
