"""Contacts: pulled by change, with their history and from the recycle bin; read back (in full: full_pull.py).

Gives HubSpot's own property names and wire values (Record); their meaning is left to rules/fields.py.
Source: hubspot-facts, sections 3.1–3.5; invariants I2, I3, I7, I12.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from connector.crm.hubspot.client import Client, pull_pages, raw
from connector.crm.hubspot.properties import read_schema
from connector.crm.hubspot.protocol import NOT_ITS_SHAPE, parse_instant, parse_rows, understood
from connector.crm.hubspot.search import pull_counted
from connector.domain.contact import ContactId
from connector.domain.record import NO_HISTORY, Edit, Record
from connector.engine.ports import ContactPage, Presence, Window
from connector.errors import ContractError, UnknownPropertyError

LIST_PAGE = 100
BATCH = 100
BATCH_WITH_HISTORY = 50
LONGEST_QUERY = 6_000
"""Characters of property names on a GET; beyond it HubSpot may say 414 (hubspot-facts, section 3.1)."""

ALWAYS_SENT = ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname")
FEWEST_VERSIONS = 20
"""Of one property are kept at least; HubSpot does not promise more, and does not say where a history was cut off."""
MERGED_IDS = "hs_merged_object_ids"
ADDRESSES = "hs_additional_emails"
"""Of the same person, beside `email`; forms come under any of them."""
OUR_OWN = (MERGED_IDS, ADDRESSES)
"""Asked for with every contact, whatever the rules read."""
BY_PERSON = ("CRM_UI", "CONTACTS_WEB", "MOBILE")
"""How the source types of edits in HubSpot's pages and by its mobile app begin (I2)."""


def pull_changed(
    client: Client, window: Window, properties: Sequence[str], cursor: str | None
) -> Iterator[ContactPage]:
    """Contacts modified in the window, by rising id: one search per 200, also past 10,000 and with equal stamps.

    `lastmodifieddate` is the contact's own name of the property: the other objects' name finds nothing, silently.
    The properties go into the search body: hundreds of names work there, whatever the 3,000-character rule is about.
    """
    names, surplus = named(properties)
    for rows, after, left in pull_counted(client.contact_search, "lastmodifieddate", window, names, cursor):
        see_that_all_exist(client, rows, names)
        yield ContactPage(records=tuple([parse_record(row, surplus) for row in rows]), cursor=after, left=left)


def pull_dated(client: Client, history: Sequence[str], cursor: str | None) -> Iterator[ContactPage]:
    """Every contact that is not archived, 50 a page, with these properties and all that they ever held."""
    names, surplus = named(history)
    asked = {"properties": [",".join(names)], "properties_with_history": [",".join(history)]}
    for payload, after in pull_pages(client.contacts.get_page, cursor=cursor, limit=BATCH_WITH_HISTORY, **asked):
        rows = parse_rows(payload)
        see_that_all_exist(client, rows, names)
        yield ContactPage(records=tuple([parse_record(row, surplus) for row in rows]), cursor=after)


def pull_archived(client: Client, since: datetime) -> Iterator[tuple[ContactId, ...]]:
    """Ids archived at or after `since`, for each page of the bin: it comes in order of id, so all of it is read."""
    for payload, _ in pull_pages(client.contacts.get_page, limit=LIST_PAGE, archived=True):
        rows = [row for row in parse_rows(payload) if row.get("archived") is True]  # any other answer says nothing (P7)
        yield tuple([ContactId(id_of(row)) for row in rows if _archived_since(row, since)])


def read(
    client: Client, ids: Iterable[ContactId], properties: Sequence[str], history: Sequence[str] = ()
) -> dict[ContactId, Record]:
    """Contacts straight from the record store, by the id asked for; absent where HubSpot no longer has it.

    A merged contact is found under its old id: the record's own id is then the survivor's (I12).
    """
    wanted = list(dict.fromkeys(ids))
    names, surplus = named([*properties, *history])
    size = BATCH_WITH_HISTORY if history else BATCH
    found: dict[ContactId, Record] = {}
    for start in range(0, len(wanted), size):
        chunk = wanted[start : start + size]
        body = {
            "inputs": [{"id": one} for one in chunk],
            "properties": list(names),
            "propertiesWithHistory": list(history),
        }
        payload = raw(client.contact_batches.read, body, archived=False).payload
        rows = parse_rows(payload)
        see_that_all_exist(client, rows, names)
        found.update(_by_asked_id(chunk, rows, surplus))
    return found


@understood("a contact")
def see_that_all_exist(client: Client, rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    """HubSpot leaves out a property that it does not have, without a word; an empty one comes as null.

    Taken for empty, a property deleted in the middle of a run would say "may be contacted" of everybody (P7). One row
    speaks for all of one answer; what it lacks is looked up before anything is said.

    Raises:
        UnknownPropertyError: the portal has a property of these no more.
    """
    if not rows:
        return
    shown = rows[0]["properties"]
    lacking = [one for one in names if one not in shown and one not in client.left_out and one not in OUR_OWN]
    if not lacking:
        return
    there = read_schema(client).properties
    gone = [one for one in lacking if one not in there]
    if gone:
        raise UnknownPropertyError(
            f"the portal has no contact property {', '.join(gone)} any more; nothing is decided without it",
            advice="Restore it in HubSpot (Settings > Properties > Archived) or take it out of mappings/, then run "
            "`handoff check`. The next run goes on where this one stopped.",
        )
    client.left_out.update(lacking)


def gone_for_good(client: Client, ids: Sequence[ContactId]) -> frozenset[ContactId]:
    """Those that HubSpot names as not found, live and in the recycle bin; silence about one is no such word (P7)."""
    return look_at(client, ids, ()).gone


def look_at(client: Client, ids: Sequence[ContactId], properties: Sequence[str]) -> Presence:
    """Which of them are there under their own id, as they stand, and which are gone for good; one call, two at most."""
    wanted = list(dict.fromkeys(ids))
    names, surplus = named(properties)
    payload = _present(client, wanted, names, archived=False)
    missing = _named_missing(payload, wanted)
    asked = set(wanted)
    rows = [row for row in parse_rows(payload) if row["id"] in asked] if properties else []
    records = [parse_record(row, surplus) for row in rows]
    if missing:
        missing = _named_missing(_present(client, missing, (MERGED_IDS,), archived=True), missing)
    return Presence(records=tuple(records), gone=frozenset(missing))


def _present(client: Client, ids: Sequence[ContactId], names: Sequence[str], *, archived: bool) -> Any:
    body = {"inputs": [{"id": one} for one in ids], "properties": list(names), "propertiesWithHistory": []}
    return raw(client.contact_batches.read, body, archived=archived).payload


def _named_missing(payload: Any, ids: Sequence[ContactId]) -> list[ContactId]:
    rows = parse_rows(payload)
    found = {id_of(row) for row in rows}
    found |= {old for row in rows for old in str((row.get("properties") or {}).get(MERGED_IDS) or "").split(";")}
    named_so = {
        str(one)
        for error in payload.get("errors") or ()
        if error.get("category") == "OBJECT_NOT_FOUND"
        for one in (error.get("context") or {}).get("ids") or ()
    }
    return [one for one in ids if one in named_so and one not in found]


def parse_record(row: Mapping[str, Any], surplus: Collection[str] = (), asked_id: ContactId | None = None) -> Record:
    """One row of any contact answer. `surplus` are properties to drop that nobody asked for.

    Raises:
        ContractError: a row without id, properties or instants.
    """
    try:
        properties = row["properties"]
        merged, others = properties.get(MERGED_IDS), properties.get(ADDRESSES)
        for name in surplus:
            properties.pop(name, None)
        identity = ContactId(str(row["id"]))
        history = row.get("propertiesWithHistory")
        return Record(
            id=identity,
            asked_id=asked_id or identity,
            properties=properties,
            created_at=_instant(row["createdAt"]),
            modified_at=_instant(row["updatedAt"]),
            archived=bool(row.get("archived")),
            merged_ids=tuple([ContactId(one) for one in merged.split(";") if one]) if merged else (),
            addresses=tuple([one.strip() for one in others.lower().split(";") if one.strip()]) if others else (),
            history=NO_HISTORY if not history else {name: _edits(rows) for name, rows in history.items()},
        )
    except NOT_ITS_SHAPE as error:  # spelt out, not `understood`: the hottest path of a full pull
        raise ContractError(
            f"a contact in HubSpot's answer lacks what every contact has ({type(error).__name__})",
            advice="Run again; if it stays, report it with the API version in use.",
        ) from error


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("an instant without a zone")
    return moment


def _edits(rows: Sequence[Mapping[str, Any]]) -> tuple[Edit, ...]:
    """Newest first, whatever the order on the wire; entries without an instant are of no use and dropped."""
    edits = []
    for row in rows:
        at = parse_instant(row.get("timestamp"))
        if at is not None:
            source = str(row.get("sourceType") or "")
            edits.append(Edit(value=row.get("value"), at=at, source=source, by_person=source.startswith(BY_PERSON)))
    return tuple(sorted(edits, key=lambda edit: edit.at, reverse=True))


@understood("a contact")
def _by_asked_id(
    asked: Sequence[ContactId], rows: Sequence[dict[str, Any]], surplus: Collection[str]
) -> dict[ContactId, Record]:
    by_id, ids = {id_of(row): row for row in rows}, set(asked)
    survivors = {
        old: row for row in rows for old in str((row.get("properties") or {}).get(MERGED_IDS) or "").split(";") if old
    }
    missing = [one for one in asked if one not in by_id and one not in survivors]
    strangers = [row for one, row in by_id.items() if one not in ids and row not in survivors.values()]
    if len(missing) == len(strangers) == 1:  # a survivor that does not name whom it took over
        survivors[missing[0]] = strangers[0]
    found = {}
    for one in asked:
        row = by_id.get(one) or survivors.get(one)
        if row is not None:
            found[one] = parse_record({**row, "properties": dict(row["properties"])}, surplus, asked_id=one)
    return found


def named(properties: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What to ask for, and what of the answer to drop again."""
    asked = dict.fromkeys(properties)
    every = dict.fromkeys((*asked, *OUR_OWN))
    return tuple(every), tuple(name for name in (*ALWAYS_SENT, *OUR_OWN) if name not in asked)


def _archived_since(row: Mapping[str, Any], since: datetime) -> bool:
    at = parse_instant(row.get("archivedAt"))
    return at is None or at >= since


def id_of(row: Mapping[str, Any]) -> str:
    if not row.get("id"):
        raise ContractError("a row of HubSpot's answer has no id", advice="Run again; if it stays, report it.")
    return str(row["id"])
