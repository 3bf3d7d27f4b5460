"""New members of lists that the rules name: one activity for each joining, from static and active lists alike (R05).

HubSpot gives members in the order in which they joined, and takes no date: a pull begins at the page where the last one
ended, which is a call where nobody new came. Where that page is not known any more, it begins at the first member.
Source: hubspot-facts, section 6.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connector.crm.hubspot.client import Client, raw
from connector.crm.hubspot.lists import ListInfo, Lists
from connector.crm.hubspot.protocol import Cursors, parse_instant, parse_next, parse_rows, to_milliseconds, understood
from connector.crm.hubspot.refusals import QuestionRefusedError
from connector.domain.activity import LIST_NAMED, LIST_NUMBERED, Activity, ActivityKind
from connector.domain.contact import ContactId
from connector.engine.ports import ActivityPage, StreamOff, Window
from connector.errors import ScopeError

STREAM = "lists"
"""Of the activities of all lists: one that two rules name in two ways is read twice and kept once."""
PAGE = 250
STEP = "|"
"""Between a list's id and HubSpot's cursor: another list made under the name has other cursors."""


class Joined:
    """Reads who joined which list. A list is looked up once a process, and again when it is gone."""

    def __init__(self, client: Client, lists: Lists) -> None:
        self._client, self._lists = client, lists
        self._known: dict[str, ListInfo] = {}

    def pull(self, stream: str, window: Window, cursor: str | None) -> Iterator[ActivityPage | StreamOff]:
        """Who joined in the window, in that order; the last page says where the next pull begins."""
        try:
            yield from self._pull(stream, window, cursor)
        except ScopeError as error:
            lacks = f"the token lacks {', '.join(error.scopes)}" if error.scopes else "the token may not read lists"
            yield StreamOff(stream=stream, why=f"the list {_called(stream)} cannot be read: {lacks}")

    def find(self, stream: str) -> ListInfo | None:
        """The list of a stream; None where the portal has no such list of contacts."""
        if stream not in self._known:
            if stream.startswith(LIST_NUMBERED):
                found = self._lists.find_by_id(stream.removeprefix(LIST_NUMBERED))
            else:
                found = self._lists.find(stream.removeprefix(LIST_NAMED))
            if found is None:
                return None
            self._known[stream] = found
        return self._known[stream]

    def _pull(self, stream: str, window: Window, cursor: str | None) -> Iterator[ActivityPage | StreamOff]:
        remembered = stream in self._known or cursor is not None
        found = self.find(stream)
        try:
            if found is not None:
                yield from self._pages(found, window, cursor)
                return
        except QuestionRefusedError as error:
            if error.refusal.status not in (400, 404) or not remembered:
                raise
            self._known.pop(stream)  # the list was deleted since, or the page is not known any more
            found = self.find(stream)
        if found is None:
            yield StreamOff(stream=stream, why=missing(stream), lasts=False)
        else:
            yield from self._pages(found, window, None)

    def _pages(self, found: ListInfo, window: Window, cursor: str | None) -> Iterator[ActivityPage]:
        after = _after(found, cursor)
        cursors = Cursors(after)
        while True:
            only = {"after": after} if after else {}
            method = self._client.memberships.get_page_ordered_by_added_to_list_date
            payload = raw(method, found.id, limit=PAGE, **only).payload
            members = [one for row in parse_rows(payload) if (one := parse_member(row, found))]
            following = cursors.next(parse_next(payload))
            taken = tuple([one for one in members if window.since <= one.occurred_at <= window.until])
            # Who joined after the window is the next pull's, so that one begins here.
            if following is None or any(one.occurred_at > window.until for one in members):
                yield ActivityPage(rows=taken, cursor=None, place=f"{found.id}{STEP}{after or ''}")
                return
            if taken:
                yield ActivityPage(rows=taken, cursor=f"{found.id}{STEP}{following}")
            after = following


def missing(stream: str) -> str:
    """Why nobody qualifies by it, in one line for people."""
    return (
        f"the portal has no contact list {_called(stream)}, so nothing comes of the rules that ask about it; make it "
        "in HubSpot, or name another one in mappings/"
    )


def _called(stream: str) -> str:
    if stream.startswith(LIST_NUMBERED):
        return stream.removeprefix(LIST_NUMBERED)
    return f"“{stream.removeprefix(LIST_NAMED)}”"


@understood("a list's members")
def parse_member(row: Mapping[str, Any], found: ListInfo) -> Activity | None:
    """One joining; None where it lacks contact or instant. Who leaves and joins again has two."""
    contact, at = str(row.get("recordId") or ""), parse_instant(row.get("membershipTimestamp"))
    if not contact or at is None:
        return None
    return Activity(
        stream=STREAM,
        id=f"{found.id}-{contact}-{to_milliseconds(at)}",
        contact=ContactId(contact),
        kind=ActivityKind.LIST_JOINED,
        occurred_at=at,
        name=found.name,
        ref=found.id,
    )


def _after(found: ListInfo, cursor: str | None) -> str | None:
    """HubSpot's part of the cursor; None where it is another list's."""
    list_id, _, after = (cursor or "").partition(STEP)
    return after or None if list_id == found.id else None
