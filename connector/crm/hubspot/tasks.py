"""Tasks: one per effect, however often a run asks for it.

HubSpot has no key against doubles, so each task carries ours in its body and the contact's tasks are looked through
before one is sent (I5, I7). They are found by association, not by search: the index knows a new task too late.
Source: hubspot-facts, section 7.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from connector.crm.hubspot.client import Client, pull_pages, raw
from connector.crm.hubspot.protocol import parse_rows, to_iso, understood
from connector.domain.contact import ContactId, OwnerId
from connector.errors import ContractError, CrmUnavailableError

TASK_TO_CONTACT = 204
PAGE = 500
BATCH = 100
KEY = re.compile(r"[A-Za-z0-9_.:-]{1,200}")


def ensure(
    client: Client, contact: ContactId, owner: OwnerId, subject: str, body: str, due_at: datetime, key: str
) -> str:
    """Give the id of the contact's task with that key, made now where there is none.

    Args:
        key: letters, digits and `_ . : -`; stands in the task's body as [handoff:KEY].
        body: plain text; it is escaped, for HubSpot shows the body as HTML.
    """
    if not KEY.fullmatch(key):
        raise ValueError("a task's key is made of letters, digits and _ . : -")
    found = find(client, contact, key)
    if found is not None:
        return found
    try:
        answer = raw(client.tasks.create, build_task(contact, owner, subject, body, due_at, key))
    except CrmUnavailableError as error:
        if not error.unclear:
            raise
        found = find(client, contact, key)  # it may have been made all the same (I7)
        if found is None:
            raise
        return found
    if not isinstance(answer.payload, dict) or not answer.payload.get("id"):
        raise ContractError("HubSpot's answer names no task", advice="Run again; if it stays, report it.")
    return str(answer.payload["id"])


def find(client: Client, contact: ContactId, key: str) -> str | None:
    """The id of the contact's task that carries the key; None where it has none."""
    ids = list(_ids(client, contact))
    for start in range(0, len(ids), BATCH):
        chunk = [{"id": one} for one in ids[start : start + BATCH]]
        body = {"inputs": chunk, "properties": ["hs_task_body"], "propertiesWithHistory": []}
        for row in parse_rows(raw(client.task_batches.read, body, archived=False).payload):
            with understood("a task"):
                if marker(key) in str((row.get("properties") or {}).get("hs_task_body") or ""):
                    return str(row["id"])
    return None


def marker(key: str) -> str:
    return f"[handoff:{key}]"


def build_task(
    contact: ContactId, owner: OwnerId, subject: str, body: str, due_at: datetime, key: str
) -> dict[str, Any]:
    text = html.escape(body, quote=False).replace("\n", "<br>")
    return {
        "properties": {
            "hs_timestamp": to_iso(due_at),
            "hs_task_subject": subject,
            "hs_task_body": f"{text}<br><br>{marker(key)}",
            "hs_task_status": "NOT_STARTED",
            "hs_task_priority": "HIGH",
            "hs_task_type": "TODO",
            "hubspot_owner_id": owner,
        },
        "associations": [
            {
                "to": {"id": contact},
                "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": TASK_TO_CONTACT}],
            }
        ],
    }


def _ids(client: Client, contact: ContactId) -> Iterator[str]:
    for payload, _ in pull_pages(client.associations.get_page, "contacts", contact, "tasks", limit=PAGE):
        for row in parse_rows(payload):
            if row.get("toObjectId"):
                yield str(row["toObjectId"])
