"""Owners: everyone to whom contacts are or were given, those who left included.

An owner is known by the `id` of this list; the user ids beside it are something else (hubspot-facts, section 4).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.crm.hubspot.client import Client, pull_pages
from connector.crm.hubspot.protocol import parse_rows, understood
from connector.domain.contact import OwnerId
from connector.domain.owner import Owner
from connector.errors import ContractError

PAGE = 100


def pull(client: Client) -> tuple[Owner, ...]:
    """All owners, active ones first: two calls as long as there are at most 100 of each kind."""
    owners: dict[OwnerId, Owner] = {}
    for archived in (False, True):
        for payload, _ in pull_pages(client.owners.get_page, limit=PAGE, archived=archived):
            for row in parse_rows(payload):
                owner = parse_owner(row, archived=archived)
                owners.setdefault(owner.id, owner)
    return tuple(owners.values())


@understood("an owner")
def parse_owner(row: Mapping[str, Any], *, archived: bool = False) -> Owner:
    """One row. Teams by their names, the main one first; the name falls back to the e-mail address, then to the id."""
    if not row.get("id"):
        raise ContractError("an owner in HubSpot's answer has no id", advice="Run again; if it stays, report it.")
    email = str(row.get("email") or "").strip().lower()
    name = " ".join(str(row.get(part) or "").strip() for part in ("firstName", "lastName")).strip()
    teams = sorted(
        (team for team in row.get("teams") or () if isinstance(team, dict)), key=lambda team: not team.get("primary")
    )
    return Owner(
        id=OwnerId(str(row["id"])),
        name=name or email or str(row["id"]),
        email=email,
        archived=bool(row.get("archived", archived)),
        teams=tuple(str(team.get("name") or team.get("id")) for team in teams),
    )
