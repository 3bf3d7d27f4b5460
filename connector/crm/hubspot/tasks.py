"""Tasks and notes: one per effect, however often a run asks for it.

HubSpot has no key against doubles, so each carries ours in its body, and those of the contact are looked through before
one is sent (I5, I7). They are found by association, not by search: the index knows a new one too late.
Source: hubspot-facts, section 7.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.crm.hubspot.client import Client, pull_pages, raw
from connector.crm.hubspot.protocol import parse_rows, to_iso, understood
from connector.domain.contact import ContactId, OwnerId
from connector.errors import ContractError, CrmUnavailableError

PAGE = 500
BATCH = 100
KEY = re.compile(r"[A-Za-z0-9_.:-]{1,200}")


@dataclass(frozen=True, slots=True)
class _Kind:
    """`objects`: its place in the API; `body`: the property that holds its text; `to_contact`: type of its link."""

    objects: str
    body: str
    to_contact: int


TASK = _Kind("tasks", "hs_task_body", 204)
NOTE = _Kind("notes", "hs_note_body", 202)
AS_MADE = "NOT_STARTED"


def ensure(
    client: Client, contact: ContactId, owner: OwnerId, subject: str, body: str, due_at: datetime, key: str
) -> str:
    """Give the id of the contact's task with that key, made now where there is none.

    Args:
        key: letters, digits and `_ . : -`; stands in the task's body as [handoff:KEY].
        body: plain text; it is escaped, for HubSpot shows the body as HTML.
    """
    properties = {
        "hs_timestamp": to_iso(due_at),
        "hs_task_subject": subject,
        "hs_task_body": build_body(body, key),
        "hs_task_status": AS_MADE,
        "hs_task_priority": "HIGH",
        "hs_task_type": "TODO",  # HubSpot's own word for a task that is no call and no mail
        "hubspot_owner_id": owner,
    }
    return _ensure(client, TASK, contact, properties, key)


def ensure_note(client: Client, contact: ContactId, owner: OwnerId | None, body: str, at: datetime, key: str) -> str:
    """Give the id of the contact's note with that key, made now where there is none; as ensure()."""
    properties = {"hs_timestamp": to_iso(at), "hs_note_body": build_body(body, key)}
    return _ensure(client, NOTE, contact, properties | ({"hubspot_owner_id": owner} if owner else {}), key)


def finish(client: Client, contact: ContactId, key: str) -> bool:
    """Close the contact's task with that key; False where there is none, or somebody has changed its state (I2)."""
    found = _find(client, TASK, contact, key, ("hs_task_status",))
    if found is None or found["properties"].get("hs_task_status") != AS_MADE:
        return False
    raw(client.tasks.update, str(found["id"]), {"properties": {"hs_task_status": "COMPLETED"}})
    return True


def marker(key: str) -> str:
    return f"[handoff:{key}]"


def build_body(text: str, key: str) -> str:
    escaped = html.escape(text, quote=False).replace("\n", "<br>")
    return f"{escaped}<br><br>{marker(key)}"


def _ensure(client: Client, kind: _Kind, contact: ContactId, properties: Mapping[str, str], key: str) -> str:
    if not KEY.fullmatch(key):
        raise ValueError("a key is made of letters, digits and _ . : -")
    found = _find(client, kind, contact, key)
    if found is not None:
        return str(found["id"])
    link = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": kind.to_contact}
    wanted = {"properties": dict(properties), "associations": [{"to": {"id": contact}, "types": [link]}]}
    try:
        answer = raw(client.engagements(kind.objects).create, wanted)
    except CrmUnavailableError as error:
        if not error.unclear:
            raise
        found = _find(client, kind, contact, key)  # it may have been made all the same (I7)
        if found is None:
            raise
        return str(found["id"])
    if not isinstance(answer.payload, dict) or not answer.payload.get("id"):
        what = f"HubSpot's answer names no {kind.objects.removesuffix('s')}"
        raise ContractError(what, advice="Run again; if it stays, report it.")
    return str(answer.payload["id"])


def _find(
    client: Client, kind: _Kind, contact: ContactId, key: str, properties: tuple[str, ...] = ()
) -> dict[str, Any] | None:
    """The contact's task or note that carries the key; None where it has none."""
    ids = list(_ids(client, kind, contact))
    for start in range(0, len(ids), BATCH):
        chunk = [{"id": one} for one in ids[start : start + BATCH]]
        body = {"inputs": chunk, "properties": [kind.body, *properties], "propertiesWithHistory": []}
        for row in parse_rows(raw(client.engagement_batches(kind.objects).read, body, archived=False).payload):
            with understood("a task or note"):
                if marker(key) in str((row.get("properties") or {}).get(kind.body) or ""):
                    return {"id": row["id"], "properties": row["properties"]}
    return None


def _ids(client: Client, kind: _Kind, contact: ContactId) -> Iterator[str]:
    for payload, _ in pull_pages(client.associations.get_page, "contacts", contact, kind.objects, limit=PAGE):
        for row in parse_rows(payload):
            if row.get("toObjectId"):
                yield str(row["toObjectId"])
