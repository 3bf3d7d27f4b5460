"""Associations: which records of one kind hang on records of another, read in batches.

Source: hubspot-facts, section 7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connector.crm.hubspot.client import Client, raw
from connector.crm.hubspot.protocol import parse_rows, understood
from connector.crm.hubspot.refusals import see_that_none_lacks


def pull_associated(
    client: Client, kind: str, to: str, ids: Sequence[str], *, strict: bool = False
) -> dict[str, tuple[str, ...]]:
    """Ids of the other kind by id; those without any are absent. At most 1,000 ids, one call unless there are many.

    `strict`: where HubSpot could not tell of one, that is a ContractError, not the same as to have none.
    """
    found: dict[str, dict[str, None]] = {}
    asking: list[dict[str, str]] = [{"id": one} for one in ids]
    while asking:
        answer = raw(client.association_batches.get_page, kind, to, {"inputs": asking})
        if strict:
            see_that_none_lacks(answer.payload)
        following = []
        for row in parse_rows(answer.payload):
            one, others, after = _parse(row)
            new = dict.fromkeys(other for other in others if other not in found.get(one, {}))
            found.setdefault(one, {}).update(new)
            if after and new:  # a page that brings nothing new ends it: no circles
                following.append({"id": one, "after": str(after)})
        asking = following
    return {one: tuple(others) for one, others in found.items()}


@understood("an association")
def _parse(row: Mapping[str, Any]) -> tuple[str, list[str], object]:
    """The record, those that hang on it, and the cursor to more of them; a false value where that was all."""
    others = [str(to["toObjectId"]) for to in row.get("to") or () if to.get("toObjectId")]
    return str((row.get("from") or {}).get("id")), others, ((row.get("paging") or {}).get("next") or {}).get("after")
