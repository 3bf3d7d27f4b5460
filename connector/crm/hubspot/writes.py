"""Writing contacts: batches of 100, one result per contact whatever HTTP said, bad rows found by halving.

Never guesses: a contact that the answer does not name, or an answer that was lost, is LATER, and the engine looks at
the contact again before it decides (I7). Details name codes and properties, never values (I10).
Source: hubspot-facts, section 3.2; fault table of reliability.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connector.crm.hubspot.client import Client, raw
from connector.crm.hubspot.protocol import parse_rows, understood
from connector.crm.hubspot.refusals import GONE, Refusal, RefusedError, parse_refusal
from connector.domain.change import OutcomeKind
from connector.domain.contact import ContactId
from connector.engine.ports import Write, WriteResult
from connector.errors import CrmUnavailableError

BATCH = 100
SAME_FOR_ALL = frozenset({"PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE", "READ_ONLY_PROPERTY"})
"""Codes that hit every contact with that property: no need to halve the batch to find out."""


def update(client: Client, writes: Sequence[Write]) -> tuple[WriteResult, ...]:
    """Write all; a contact that comes twice is written once, its later values over the earlier ones.

    Raises:
        CrmUnavailableError: HubSpot could not be reached, so that surely nothing of this batch was written.
        others: token, quota or limit; what was written before is found again by reading (I7).
    """
    merged: dict[ContactId, dict[str, str]] = {}
    for write in writes:
        merged.setdefault(write.contact, {}).update(write.properties)
    rows = [Write(contact=contact, properties=properties) for contact, properties in merged.items()]
    results: list[WriteResult] = []
    for start in range(0, len(rows), BATCH):
        results += _send(client, rows[start : start + BATCH])
    return tuple(results)


def _send(client: Client, writes: Sequence[Write]) -> list[WriteResult]:
    if not writes:
        return []
    try:
        answer = raw(client.contact_batches.update, build_batch(writes))
    except RefusedError as error:
        return _divide(client, writes, error.refusal)
    except CrmUnavailableError as error:
        if not error.unclear:
            raise
        return [_result(write, OutcomeKind.LATER, "no clear answer") for write in writes]
    return parse_batch(writes, answer.payload)


def _divide(client: Client, writes: Sequence[Write], refusal: Refusal) -> list[WriteResult]:
    """A whole batch was refused: set aside whom it must be about, halve the rest."""
    if len(writes) == 1:
        return [_refused(writes[0], refusal)]
    if SAME_FOR_ALL.intersection(refusal.codes) and refusal.properties:
        hit = [write for write in writes if not set(refusal.properties).isdisjoint(write.properties)]
        if hit:
            rest = [write for write in writes if write not in hit]
            return [_refused(write, refusal) for write in hit] + _send(client, rest)
    middle = len(writes) // 2
    return _send(client, writes[:middle]) + _send(client, writes[middle:])


def build_batch(writes: Sequence[Write]) -> dict[str, Any]:
    """The body; each input carries its contact's id as trace id, so that each error names its row."""
    return {
        "inputs": [
            {"id": write.contact, "properties": dict(write.properties), "objectWriteTraceId": write.contact}
            for write in writes
        ]
    }


@understood("a batch of writes")
def parse_batch(writes: Sequence[Write], payload: Any) -> list[WriteResult]:
    """One result per write from a 200 or 207 body."""
    written = {str(row.get(key)) for row in parse_rows(payload) for key in ("id", "objectWriteTraceId")}
    errors: dict[str, Refusal] = {}
    for part in payload.get("errors") or ():
        refusal = parse_refusal(207, part)
        for contact in named(part):
            errors[contact] = refusal
    results = []
    for write in writes:
        if write.contact in errors:
            results.append(_refused(write, errors[write.contact]))
        elif write.contact in written:
            results.append(_result(write, OutcomeKind.WRITTEN))
        else:
            results.append(_result(write, OutcomeKind.LATER, "HubSpot's answer does not name this contact"))
    return results


def named(part: Any) -> list[str]:
    """The rows that one of the errors of a 207 is about, by trace id or id."""
    context = part.get("context") if isinstance(part, dict) else None
    if not isinstance(context, dict):
        return []
    values = [context.get(key) for key in ("objectWriteTraceId", "ids", "id")]
    return [str(one) for value in values for one in (value if isinstance(value, list) else [value]) if one]


def _refused(write: Write, refusal: Refusal) -> WriteResult:
    gone = refusal.category in GONE or refusal.status == 404
    return _result(write, OutcomeKind.GONE if gone else OutcomeKind.REJECTED, str(refusal))


def _result(write: Write, kind: OutcomeKind, detail: str = "") -> WriteResult:
    return WriteResult(contact=write.contact, kind=kind, detail=detail)
