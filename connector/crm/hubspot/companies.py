"""Companies: properties of each contact's primary company, laid beside the contact's own.

A mapping names them `company.<property>`. HubSpot keeps the id of the primary company on the contact, so no association
is read for it; the companies of a page are read in batches, each once. A company that changed brings its contacts
along, for HubSpot does not stamp those. Without such a mapping no call is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from connector.crm.hubspot import contacts
from connector.crm.hubspot.associations import pull_associated
from connector.crm.hubspot.client import Client, raw
from connector.crm.hubspot.properties import read_schema
from connector.crm.hubspot.protocol import parse_instant, parse_rows, understood
from connector.crm.hubspot.search import pull_by_id
from connector.domain.contact import ContactId
from connector.domain.record import COMPANY, Record
from connector.engine.ports import ContactPage, Window
from connector.errors import UnknownPropertyError

OBJECT = "companies"
PRIMARY = "associatedcompanyid"
"""The contact's property with the id of its primary company."""
MERGED_IDS = "hs_merged_object_ids"
MODIFIED = "hs_lastmodifieddate"
BATCH = 100
MOST_KEPT = 5_000
"""Companies kept while a pull goes on; the next one reads them anew."""


class Company(NamedTuple):
    properties: Mapping[str, str | None]
    modified_at: datetime | None


class Companies:
    """Wraps what reads contacts: it asks for their own properties, this adds those of the companies."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def pages(
        self, properties: Sequence[str], pull: Callable[[Sequence[str]], Iterator[ContactPage]]
    ) -> Iterator[ContactPage]:
        """The pages that `pull` gives of the contacts' own properties, with those of their companies."""
        own, theirs = split(properties)
        if not theirs:
            yield from pull(own)
            return
        known: dict[str, Company | None] = {}
        for page in pull(_with_primary(own)):
            yield replace(page, records=tuple(self._beside(page.records, own, theirs, known)))

    def records(
        self, properties: Sequence[str], read: Callable[[Sequence[str]], Mapping[ContactId, Record]]
    ) -> Mapping[ContactId, Record]:
        """The same for records by the id that was asked for."""
        own, theirs = split(properties)
        if not theirs:
            return read(own)
        found = read(_with_primary(own))
        return dict(zip(found, self._beside(found.values(), own, theirs, {}), strict=True))

    def contacts_of_changed(
        self, window: Window, properties: Sequence[str], cursor: str | None
    ) -> Iterator[ContactPage]:
        """Contacts of the companies modified in the window, read anew; `cursor` is of the companies."""
        last = cursor
        for rows, after in pull_by_id(self._client.company_search, MODIFIED, window, ("hs_object_id",), cursor):
            linked = pull_associated(self._client, OBJECT, "contacts", [str(row["id"]) for row in rows])
            ids = list(dict.fromkeys(ContactId(one) for found in linked.values() for one in found))
            for start in range(0, len(ids), BATCH):
                found = self.records(
                    properties, lambda own, chunk=ids[start : start + BATCH]: contacts.read(self._client, chunk, own)  # type: ignore[misc]  # the default binds the chunk
                )
                records = {record.id: record for record in found.values()}
                yield ContactPage(records=tuple(records.values()), cursor=last)
            last = after
            yield ContactPage(records=(), cursor=after)

    def _beside(
        self,
        records: Iterable[Record],
        own: Sequence[str],
        theirs: Sequence[str],
        known: dict[str, Company | None],
    ) -> Iterator[Record]:
        records = list(records)
        wanted = [one for record in records if (one := record.properties.get(PRIMARY))]
        if len(known) + len(wanted) > MOST_KEPT:
            known.clear()
        lacking = [one for one in dict.fromkeys(wanted) if one not in known]
        for start in range(0, len(lacking), BATCH):
            known.update(self._read(lacking[start : start + BATCH], theirs))
        for record in records:
            company = known.get(record.properties.get(PRIMARY) or "")
            values = company.properties if company is not None else {}
            kept = {name: value for name, value in record.properties.items() if name != PRIMARY or PRIMARY in own}
            yield replace(
                record,
                properties={**kept, **{f"{COMPANY}{name}": values.get(name) for name in theirs}},
                company_modified_at=company.modified_at if company is not None else None,
            )

    def _read(self, ids: Sequence[str], names: Sequence[str]) -> dict[str, Company | None]:
        """By the id asked for; None where HubSpot has it no more. One that was merged is found under its old id."""
        asked = [*names, MERGED_IDS]
        body = {"inputs": [{"id": one} for one in ids], "properties": asked, "propertiesWithHistory": []}
        payload = raw(self._client.company_batches.read, body, archived=False).payload
        rows = parse_rows(payload)
        self._see_that_all_exist(rows, names)
        return parse_companies(ids, rows)

    @understood("a company")
    def _see_that_all_exist(self, rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
        """HubSpot leaves out a property that it does not have, without a word; an empty one comes as null (P7)."""
        shown = rows[0]["properties"] if rows else dict.fromkeys(names)
        if all(name in shown for name in names):
            return
        there = read_schema(self._client, OBJECT).properties
        gone = [name for name in names if name not in there]
        if gone:
            raise UnknownPropertyError(
                f"the portal has no company property {', '.join(gone)} any more; nothing is decided without it",
                advice="Restore it in HubSpot (Settings > Properties > Archived) or take it out of mappings/, then run "
                "`handoff check`. The next run goes on where this one stopped.",
            )


@understood("a company")
def parse_companies(ids: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, Company | None]:
    """The rows of an answer by the id asked for."""
    found: dict[str, Company | None] = dict.fromkeys(ids)
    for row in rows:
        values = row["properties"]
        company = Company(values, parse_instant(row.get("updatedAt")))
        merged = str(values.get(MERGED_IDS) or "").split(";")
        for one in (str(row["id"]), *merged):
            if one in found:
                found[one] = company
    return found


def split(properties: Sequence[str]) -> tuple[list[str], list[str]]:
    """The contacts' own properties, and those of companies without the prefix."""
    own = [name for name in properties if not name.startswith(COMPANY)]
    return own, [name.removeprefix(COMPANY) for name in properties if name.startswith(COMPANY)]


def _with_primary(own: Sequence[str]) -> list[str]:
    return [*own, *([] if PRIMARY in own else [PRIMARY])]
