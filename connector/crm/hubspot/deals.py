"""Deals with the contacts they belong to, as far as a funnel needs them.

The deal's own flags say whether it is won or lost; stage metadata is the fall-back for deals without flags, since
portals have lost stages that say otherwise (hubspot-facts, section 7).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connector.crm.hubspot.associations import pull_associated
from connector.crm.hubspot.client import Client, raw
from connector.crm.hubspot.protocol import parse_instant, parse_rows, understood
from connector.crm.hubspot.search import pull_by_id
from connector.domain.contact import ContactId, OwnerId
from connector.domain.deal import Deal, DealState
from connector.engine.ports import DealPage, Window
from connector.errors import ContractError

PROPERTIES = (
    "amount",
    "closed_lost_reason",
    "closedate",
    "createdate",
    "dealstage",
    "hs_is_closed",
    "hs_is_closed_lost",
    "hs_is_closed_won",
    "hs_lastmodifieddate",
    "hubspot_owner_id",
)
BATCH = 100
Stages = Mapping[str, DealState]


class DealReader:
    """Reads deals; keeps what the pipelines say of their stages once that was needed."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._stages: Stages | None = None

    def pull(self, window: Window, cursor: str | None) -> Iterator[DealPage]:
        """Deals modified in the window by rising id, 200 a page: one search, and one more call where there are any."""
        for rows, after in pull_by_id(
            self._client.deal_search, "hs_lastmodifieddate", window, PROPERTIES, cursor
        ):
            contacts = pull_associated(self._client, "deals", "contacts", [str(row["id"]) for row in rows])
            stages = self._known_stages() if any(not _has_flags(row) for row in rows) else {}
            yield DealPage(
                rows=tuple(
                    parse_deal(row, tuple(map(ContactId, contacts.get(str(row["id"]), ()))), stages) for row in rows
                ),
                cursor=after,
            )

    def of_contacts(self, ids: Sequence[ContactId]) -> dict[ContactId, tuple[Deal, ...]]:
        """Every deal of at most 1,000 contacts, whenever it was made; those without any are absent.

        Each deal names those of these contacts alone. One call for the ids, and one for each 100 deals.
        """
        linked = pull_associated(self._client, "contacts", "deals", ids)
        contacts_of: dict[str, list[ContactId]] = {}
        for contact, its in linked.items():
            for one in its:
                contacts_of.setdefault(one, []).append(ContactId(contact))
        wanted, found = list(contacts_of), dict[ContactId, list[Deal]]()
        for start in range(0, len(wanted), BATCH):
            for deal in self._read(wanted[start : start + BATCH], contacts_of):
                for contact in deal.contacts:
                    found.setdefault(contact, []).append(deal)
        return {contact: tuple(deals) for contact, deals in found.items()}

    def _read(self, ids: Sequence[str], contacts_of: Mapping[str, Sequence[ContactId]]) -> list[Deal]:
        inputs = [{"id": one} for one in ids]
        body = {"inputs": inputs, "properties": list(PROPERTIES), "propertiesWithHistory": []}
        rows = parse_rows(raw(self._client.deal_batches.read, body, archived=False).payload)
        stages = self._known_stages() if any(not _has_flags(row) for row in rows) else {}
        return [parse_deal(row, tuple(contacts_of.get(str(row.get("id")), ())), stages) for row in rows]

    def _known_stages(self) -> Stages:
        if self._stages is None:
            self._stages = parse_stages(raw(self._client.pipelines.get_all, "deals").payload)
        return self._stages


@understood("a deal")
def parse_deal(row: Mapping[str, Any], contacts: tuple[ContactId, ...], stages: Stages) -> Deal:
    """One row. An amount that is no number counts as none.

    Raises:
        ContractError: a row without instants of its creation and change.
    """
    properties = row.get("properties") or {}
    created = parse_instant(properties.get("createdate")) or parse_instant(row.get("createdAt"))
    modified = parse_instant(row.get("updatedAt")) or parse_instant(properties.get("hs_lastmodifieddate"))
    if created is None or modified is None:
        raise ContractError(
            "a deal in HubSpot's answer has no instant of creation or change", advice="Run again; else report it."
        )
    owner = properties.get("hubspot_owner_id")
    return Deal(
        id=str(row["id"]),
        contacts=contacts,
        state=_state(properties, stages),
        created_at=created,
        modified_at=modified,
        closed_at=parse_instant(properties.get("closedate")),
        amount=_number(properties.get("amount")),
        owner=OwnerId(str(owner)) if owner else None,
        lost_reason=str(properties.get("closed_lost_reason") or ""),
    )


@understood("a pipeline")
def parse_stages(payload: object) -> Stages:
    """Stage id → state, by metadata: closed with probability 1 is won, closed with 0 is lost, all else is open."""
    states = {}
    for pipeline in parse_rows(payload):
        for stage in pipeline.get("stages") or ():
            metadata = stage.get("metadata") or {}
            closed = str(metadata.get("isClosed", "")).lower() == "true"
            probability = _number(metadata.get("probability"))
            won = closed and probability == 1.0
            states[str(stage.get("id"))] = (
                DealState.WON if won else DealState.LOST if closed and probability == 0.0 else DealState.OPEN
            )
    return states


@understood("a deal")
def _has_flags(row: Mapping[str, Any]) -> bool:
    properties = row.get("properties") or {}
    return any(properties.get(name) for name in ("hs_is_closed", "hs_is_closed_won", "hs_is_closed_lost"))


def _state(properties: Mapping[str, Any], stages: Stages) -> DealState:
    if properties.get("hs_is_closed_won") == "true":
        return DealState.WON
    if "true" in (properties.get("hs_is_closed_lost"), properties.get("hs_is_closed")):
        return DealState.LOST
    if _has_flags({"properties": properties}):
        return DealState.OPEN
    return stages.get(str(properties.get("dealstage")), DealState.OPEN)


def _number(value: object) -> float | None:
    try:
        number = float(str(value)) if value not in (None, "") else None
    except ValueError:
        return None
    return number if number is None or abs(number) < float("inf") else None
