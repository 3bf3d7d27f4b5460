"""Tasks and notes in batches: one per effect, however often a run asks for it.

HubSpot has no key against doubles, so each carries ours in its body, and those of its contact are looked through before
one is sent (I5, I7). They are found by association, not by search: the index knows a new one too late. What HubSpot
refuses as a whole is halved until the one that it is about is found, and looked through again each time (P5).
Source: hubspot-facts, sections 3.2 and 7.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.crm.hubspot.associations import pull_associated
from connector.crm.hubspot.client import Client, raw
from connector.crm.hubspot.protocol import parse_rows, to_iso, understood
from connector.crm.hubspot.refusals import RefusedError, parse_refusal, see_that_none_lacks
from connector.crm.hubspot.writes import named
from connector.domain.contact import ContactId
from connector.engine.ports import Beside, Note, Task
from connector.errors import ContractError, CrmUnavailableError

BATCH = 100
KEY = re.compile(r"[A-Za-z0-9_.:-]{1,200}")
MARKER = re.compile(r"\[handoff:([A-Za-z0-9_.:-]{1,200})\]")
AS_MADE = "NOT_STARTED"
NOT_NAMED = "HubSpot's answer does not name it"


@dataclass(frozen=True, slots=True)
class _Kind:
    """`objects`: its place in the API; `body`: the property that holds its text; `to_contact`: type of its link."""

    objects: str
    body: str
    to_contact: int


TASK = _Kind("tasks", "hs_task_body", 204)
NOTE = _Kind("notes", "hs_note_body", 202)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One task or note; `properties` are what it is made of, none where it is only to be closed."""

    key: str
    contact: ContactId
    properties: Mapping[str, str]


def ensure_tasks(client: Client, tasks: Sequence[Task]) -> Beside:
    """Each task under its key, made now where its contact has none such; bodies are escaped, for HubSpot shows HTML."""
    wanted = [_Wanted(one.key, one.contact, _task(one)) for one in tasks]
    return _each(wanted, lambda some: _ensure(client, TASK, some))


def ensure_notes(client: Client, notes: Sequence[Note]) -> Beside:
    """Each note, as ensure_tasks()."""
    wanted = [_Wanted(one.key, one.contact, _note(one)) for one in notes]
    return _each(wanted, lambda some: _ensure(client, NOTE, some))


def finish_tasks(client: Client, tasks: Mapping[str, ContactId]) -> Beside:
    """Close the tasks of these keys; those that are not there or whose state somebody changed are left alone (I2)."""
    wanted = [_Wanted(key, contact, {}) for key, contact in tasks.items()]
    return _each(wanted, lambda some: _finish(client, some))


def marker(key: str) -> str:
    return f"[handoff:{key}]"


def build_body(text: str, key: str) -> str:
    escaped = html.escape(text, quote=False).replace("\n", "<br>")
    return f"{escaped}<br><br>{marker(key)}"


def _task(one: Task) -> dict[str, str]:
    return {
        "hs_timestamp": to_iso(one.due_at),
        "hs_task_subject": one.subject,
        "hs_task_body": build_body(one.body, one.key),
        "hs_task_status": AS_MADE,
        "hs_task_priority": "HIGH",
        "hs_task_type": "TODO",  # HubSpot's own word for a task that is no call and no mail
        "hubspot_owner_id": one.owner,
    }


def _note(one: Note) -> dict[str, str]:
    owner = {"hubspot_owner_id": one.owner} if one.owner else {}
    return {"hs_timestamp": to_iso(one.at), "hs_note_body": build_body(one.body, one.key)} | owner


# -- batches -----------------------------------------------------------------------------------------------------


def _each(wanted: Sequence[_Wanted], act: Callable[[Sequence[_Wanted]], Beside]) -> Beside:
    """All of them, a hundred at a time, each key once."""
    once = list({one.key: one for one in wanted}.values())
    if not all(KEY.fullmatch(one.key) for one in once):
        raise ValueError("a key is made of letters, digits and _ . : -")
    return _joined(_divided(once[start : start + BATCH], act) for start in range(0, len(once), BATCH))


def _divided(wanted: Sequence[_Wanted], act: Callable[[Sequence[_Wanted]], Beside]) -> Beside:
    try:
        return act(wanted)
    except (RefusedError, ContractError) as error:
        if len(wanted) == 1:
            return Beside(refused={wanted[0].key: str(error)})
    middle = len(wanted) // 2
    return _joined(_divided(some, act) for some in (wanted[:middle], wanted[middle:]))


def _joined(parts: Iterable[Beside]) -> Beside:
    standing, refused = dict[str, str](), dict[str, str]()
    for part in parts:
        standing |= part.standing
        refused |= part.refused
    return Beside(standing=standing, refused=refused)


def _ensure(client: Client, kind: _Kind, wanted: Sequence[_Wanted]) -> Beside:
    standing = {key: str(row["id"]) for key, row in _find(client, kind, wanted).items()}
    lacking = [one for one in wanted if one.key not in standing]
    made = _make(client, kind, lacking) if lacking else Beside()
    return Beside(standing={**standing, **made.standing}, refused=made.refused)


def _make(client: Client, kind: _Kind, lacking: Sequence[_Wanted]) -> Beside:
    """One call; none is sent a second time before it was looked for (I7)."""
    link = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": kind.to_contact}
    inputs = [
        {
            "properties": dict(one.properties),
            "associations": [{"to": {"id": one.contact}, "types": [link]}],
            "objectWriteTraceId": one.key,
        }
        for one in lacking
    ]
    why, standing, refused = NOT_NAMED, dict[str, str](), dict[str, str]()
    try:
        payload = raw(client.engagement_batches(kind.objects).create, {"inputs": inputs}).payload
        standing, refused = _parse_made(kind, lacking, payload)
    except CrmUnavailableError as error:
        if not error.unclear:
            raise
        made = _look_again(client, kind, lacking)  # they may have been made all the same
        if len(made) < len(lacking):
            raise
        return Beside(standing=made)
    except ContractError as error:  # whatever came back, they may have been made
        why = str(error)
    open_ = [one for one in lacking if one.key not in standing and one.key not in refused]
    standing |= _look_again(client, kind, open_)
    refused |= {one.key: why for one in open_ if one.key not in standing}
    return Beside(standing=standing, refused=refused)


@understood("a batch of tasks or notes")
def _parse_made(kind: _Kind, lacking: Sequence[_Wanted], payload: Any) -> tuple[dict[str, str], dict[str, str]]:
    """Ids and reasons by key, of those that a 201 or 207 body tells of."""
    keys = {one.key for one in lacking}
    standing: dict[str, str] = {}
    for row in parse_rows(payload):
        key = str(row.get("objectWriteTraceId") or _key_of(kind, row))
        if key in keys and row.get("id"):
            standing[key] = str(row["id"])
    return standing, _refusals(lacking, payload)


def _refusals(wanted: Sequence[_Wanted], payload: Any) -> dict[str, str]:
    """Reasons by key, of those that the answer's errors name by their trace."""
    keys = {one.key for one in wanted}
    return {
        key: str(parse_refusal(207, part)) for part in payload.get("errors") or () for key in named(part) if key in keys
    }


def _look_again(client: Client, kind: _Kind, wanted: Sequence[_Wanted]) -> dict[str, str]:
    return {key: str(row["id"]) for key, row in _find(client, kind, wanted).items()} if wanted else {}


def _finish(client: Client, wanted: Sequence[_Wanted]) -> Beside:
    found = _find(client, TASK, wanted, ("hs_task_status",))
    going = {key: str(row["id"]) for key, row in found.items() if row["properties"].get("hs_task_status") == AS_MADE}
    if not going:
        return Beside()
    inputs = [
        {"id": number, "properties": {"hs_task_status": "COMPLETED"}, "objectWriteTraceId": key}
        for key, number in going.items()
    ]
    payload = raw(client.engagement_batches(TASK.objects).update, {"inputs": inputs}).payload
    refused = _refusals(wanted, payload if isinstance(payload, dict) else {})
    return Beside(standing={key: number for key, number in going.items() if key not in refused}, refused=refused)


# -- looking -----------------------------------------------------------------------------------------------------


def _find(
    client: Client, kind: _Kind, wanted: Sequence[_Wanted], properties: tuple[str, ...] = ()
) -> dict[str, dict[str, Any]]:
    """The contacts' tasks or notes that carry these keys, by key; those that are not there are absent.

    Raises:
        ContractError: HubSpot did not show all of them; then nobody knows what is not there.
    """
    contacts = list(dict.fromkeys(one.contact for one in wanted))
    keys, found = {one.key for one in wanted}, dict[str, dict[str, Any]]()
    theirs = pull_associated(client, "contacts", kind.objects, contacts, strict=True)
    ids = list(dict.fromkeys(one for some in theirs.values() for one in some))
    for start in range(0, len(ids), BATCH):
        chunk = [{"id": one} for one in ids[start : start + BATCH]]
        body = {"inputs": chunk, "properties": [kind.body, *properties], "propertiesWithHistory": []}
        payload = raw(client.engagement_batches(kind.objects).read, body, archived=False).payload
        see_that_none_lacks(payload)
        for row in parse_rows(payload):
            with understood("a task or note"):
                if (key := _key_of(kind, row)) in keys:
                    found.setdefault(key, {"id": row["id"], "properties": row["properties"]})
        if len(found) == len(keys):
            break
    return found


def _key_of(kind: _Kind, row: Mapping[str, Any]) -> str:
    """Ours ends its body, whatever the text before it says; empty where it is none of ours."""
    marked = MARKER.findall(str((row.get("properties") or {}).get(kind.body) or ""))
    return marked[-1] if marked else ""
