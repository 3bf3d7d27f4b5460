"""The sandbox with more contacts than memory holds: contact n is worked out from n.

    python scripts/bench/stub.py --contacts 1000000 [options of `handoff sandbox`]

All is the sandbox's own (account, scopes, properties, owners, forms, activity, limits, latency, counters) but for what
is asked of contacts: list, search and batch read. The sandbox invents SAMPLE of them, and each block of as many that
follows is the same people once more, each with an id, an address, a domain and instants of its own. Pages are filled
into texts made beforehand. Contacts cannot be changed here, nobody is in the recycle bin, and what people did (visits,
forms, deals) only those of the sample did.
"""

from __future__ import annotations

import json
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from connector.sandbox import handlers
from connector.sandbox.app import ApiError, Request, Response, route
from connector.sandbox.cli import parser, serve, start
from connector.sandbox.clock import iso
from connector.sandbox.portal import Portal
from connector.sandbox.records import batch_body, batch_inputs, missing_rows, show, shown_names
from connector.sandbox.search import Group, read, search_records
from connector.sandbox.server import describe

SAMPLE = 1_000
LIST_PAGE = 100
V3, DATED = "/crm/v3/objects/contacts", "/crm/objects/2026-03/contacts"
MARK = "\x01"
WEB_MAIL = "mail.example"
WITHOUT_WINDOW = Group().modified


class One(NamedTuple):
    """What differs from block to block of a contact of the sample. Instants in milliseconds; `local` is None without an
    address."""

    id: str
    created: int
    modified: int
    local: str | None
    domain: str


@dataclass(slots=True)
class Many:
    """The contacts of the portal, `count` of them; their ids follow each other from `first` on."""

    portal: Portal
    count: int
    first: int
    sample: list[One]
    _texts: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    _windows: dict[tuple[int, int], list[int]] = field(default_factory=dict)

    def ids(self, low: int, high: int) -> range:
        """Those from low to high."""
        return range(max(low, self.first), max(self.first, min(high + 1, self.first + self.count)))

    def modified(self, low: int, high: int) -> list[int]:
        """Ids, rising, of those modified from low to high."""
        if (low, high) not in self._windows:
            last = (self.count - 1) // SAMPLE
            numbers = [
                block * SAMPLE + place
                for place, one in enumerate(self.sample)
                for block in range(max(0, low - one.modified), min(last, high - one.modified) + 1)
            ]
            self._windows.clear()
            self._windows[low, high] = sorted(self.first + number for number in numbers if number < self.count)
        return self._windows[low, high]

    def forget(self) -> None:
        """What was worked out for fewer contacts."""
        self._windows.clear()

    def page(self, ids: Sequence[int], names: Sequence[str], rest: dict[str, Any]) -> Response:
        texts = self._made(tuple(names))
        rows = ",".join([self._row(one - self.first, texts) for one in ids])
        more = json.dumps(rest, separators=(",", ":"))[1:-1]
        return Response(200, f'{{"results":[{rows}]{"," if more else ""}{more}}}'.encode())

    def _row(self, number: int, texts: Sequence[str]) -> str:
        block, place = divmod(number, SAMPLE)
        one = self.sample[place]
        name, _, ending = one.domain.partition(".")
        domain = f"{name}-{block}.{ending}" if block and one.domain != WEB_MAIL else one.domain
        return texts[place] % {
            "id": self.first + number,
            "domain": domain,
            "email": f"{one.local}.b{block}@{domain}" if block else f"{one.local}@{domain}",
            "created": iso(one.created + block),
            "modified": iso(one.modified + block),
        }

    def _made(self, names: tuple[str, ...]) -> list[str]:
        """For each contact of the sample its JSON, with gaps for what differs."""
        if names not in self._texts:
            self._texts[names] = [self._text(one, names) for one in self.sample]
        return self._texts[names]

    def _text(self, one: One, names: Sequence[str]) -> str:
        record = self.portal.objects["contacts"].records[one.id]
        shown = show(self.portal, "contacts", record, names)
        gaps = {"hs_object_id": "id", "createdate": "created", "lastmodifieddate": "modified"}
        if one.local is not None:
            gaps |= {"email": "email", "hs_email_domain": "domain"}
        shown["properties"] |= {name: MARK + gap for name, gap in gaps.items() if name in shown["properties"]}
        shown |= {"id": MARK + "id", "createdAt": MARK + "created", "updatedAt": MARK + "modified"}
        text = json.dumps(shown, separators=(",", ":")).replace("%", "%%")
        for gap in ("id", "created", "modified", "email", "domain"):
            text = text.replace(f'"\\u0001{gap}"', f'"%({gap})s"')
        return text


MANY: dict[int, Many] = {}
"""By portal."""


def pretend(portal: Portal, count: int) -> None:
    """Let a portal that has SAMPLE contacts, or all where they are fewer, have so many."""
    sample = []
    for record in portal.objects["contacts"].records.values():
        local, _, domain = (record.value("email") or "").partition("@")
        sample.append(One(record.id, record.created, record.modified, local or None, domain))
    MANY[portal.id] = Many(portal, count, int(sample[0].id), sample)


def many(request: Request) -> Many:
    return MANY[request.portal.id]


def grow(request: Request) -> Response:
    """From now on there are so many contacts; at least SAMPLE where the ids shall stay."""
    many(request).count = int(request.json_object()["contacts"])
    many(request).forget()
    return Response(200, {"contacts": many(request).count})


def list_contacts(request: Request) -> Response:
    """One page by rising id; `after` is the id of the next contact."""
    if request.flag("archived"):
        return Response(200, {"results": []})
    if request.names("propertiesWithHistory") or request.names("associations"):
        raise ApiError(400, "VALIDATION_ERROR", "this server keeps no histories; the sandbox does")
    limit, after = request.number("limit", 10, LIST_PAGE), request.param("after") or "0"
    left = many(request).ids(int(after), 2**62)
    following = {"paging": {"next": {"after": str(left[limit])}}} if len(left) > limit else {}
    names = shown_names(request.portal, "contacts", request.names("properties"))
    return many(request).page(left[:limit], names, following)


def search_contacts(request: Request) -> Response:
    """By id and by date of change; what else is asked is looked for in the sample alone."""
    query = read(request.portal, "contacts", request.json_object(), len(request.body))
    group = query.groups[0]
    if len(query.groups) > 1 or query.words or group.tests or group.among is not None or query.sort != "hs_object_id":
        return search_records(request, "contacts")
    found: Sequence[int] = many(request).ids(*group.ids)
    if group.modified != WITHOUT_WINDOW:
        changed = many(request).modified(*group.modified)
        found = changed[bisect_left(changed, group.ids[0]) : bisect_right(changed, group.ids[1])]
    page = (found[::-1] if query.descending else found)[query.offset : query.offset + query.limit]
    rest: dict[str, Any] = {"total": len(found)}
    if query.offset + len(page) < len(found):
        rest["paging"] = {"next": {"after": str(query.offset + len(page))}}
    return many(request).page(page, shown_names(request.portal, "contacts", query.properties, search=True), rest)


def read_contacts(request: Request) -> Response:
    """Up to 100 by id; who is not there is named, and in the recycle bin is nobody."""
    body = request.json_object()
    if body.get("propertiesWithHistory") or body.get("idProperty"):
        raise ApiError(400, "VALIDATION_ERROR", "this server keeps no histories and reads by id alone")
    wanted = [str(row.get("id", "")) for row in batch_inputs(request)]
    there = many(request).ids(0, 2**62) if not request.flag("archived") else range(0)
    found = [int(one) for one in wanted if one.isdigit() and int(one) in there]
    missing = missing_rows("contacts", [one for one in wanted if not one.isdigit() or int(one) not in there])
    now = request.portal.clock.ms()
    rest = {name: value for name, value in batch_body(now, [], missing, now).items() if name != "results"}
    answer = many(request).page(found, shown_names(request.portal, "contacts", body.get("properties") or []), rest)
    answer.status = 207 if missing else 200
    return answer


def update_contacts(request: Request) -> Response:
    raise ApiError(400, "VALIDATION_ERROR", "contacts of this server are worked out and cannot be changed")


def take_over() -> None:
    """Answer here from now on what is asked of contacts: a path without {names} is found before those with."""
    assert handlers.LOADED
    scopes = ("crm.objects.contacts.read",)
    route("GET", V3, DATED, scopes=scopes)(list_contacts)
    route("POST", f"{V3}/search", f"{DATED}/search", scopes=scopes, limit="search")(search_contacts)
    route("POST", f"{V3}/batch/read", f"{DATED}/batch/read", scopes=scopes)(read_contacts)
    route("POST", f"{V3}/batch/update", f"{DATED}/batch/update")(update_contacts)
    route("PUT", "/_sandbox/stub", limit="none", auth=False)(grow)


def main() -> int:
    take_over()
    options = parser().parse_args()
    count, options.contacts = options.contacts, min(options.contacts, SAMPLE)
    server, token, portal_id = start(options)
    pretend(server.sandbox.portals[portal_id], count)
    print(describe(server, token, portal_id), flush=True)
    serve(server)
    return 0


if __name__ == "__main__":
    sys.exit(main())
