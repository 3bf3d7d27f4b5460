"""The safety invariants, checked at every request of the watched client; what breaks one is kept and refused with 409.

| id | checked here |
|---|---|
| I1 | on the list before the contact shows the handover; off it only once it shows the release; never emptied |
| I2 | no write over a person's edit that the client could have read; one overwritten in the very moment is put back |
| I3 | only named properties; answers are only emptied; a stage never goes back without being cleared first |
| P3 | no second episode while the one before has not ended |
| I7 | a change whose answer was lost is not sent again before the client looked; no task twice |
| P8 | errors of the client's own are less than a twentieth of a day's calls |
| S2 | no call that needs a scope which the client does not need |
| batch | at most 100 rows, 50 with history, 1,000 when associations are read; each record once |

What the client is and may: watch.py. It is judged by what it sends and by what it was shown, by nothing else.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from . import effects, limits
from .app import ApiError, Request, Response, route
from .associations import READ_MAX
from .faults import Fault
from .list_store import lists_of
from .portal import Portal, listen, object_type
from .store import Record
from .watch import Edit, Told, Watch, watch_of

STAGE = "lifecyclestage"
PEOPLE = ("CRM_UI", "CONTACTS_WEB", "MOBILE")
LOST = ("timeout_before", "timeout_after", "reset", "reset_after", "truncate")
FAMILIES = ("tasks", "notes", "properties", "lists")
"""Of what a client creates, and how it looks whether it is there: any reading call with that word in its path."""
MADE = {("lists",), ("tasks", "batch", "update")}
MADE |= {(kind, *how) for kind in ("tasks", "notes") for how in ((), ("batch", "create"))}
"""What a client makes and closes beside the contacts."""

# -- at every request ----------------------------------------------------------------------------------------------


def check(request: Request) -> ApiError | None:
    """Judge a call before it is done; the 409 to answer it with where it breaks an invariant, else None."""
    watch = _watching(request)
    if watch is None:
        return None
    with request.portal.lock:
        known = len(watch.violations)
        _check_repeated(watch, request)
        _check_batch(watch, request)
        for contact, values in _contact_writes(request):
            _check_values(watch, request, contact, values)
        _check_lists(watch, request)
        _check_strangers(watch, request)
        broken = watch.violations[known:]
    if not broken:
        return None
    words = "; ".join(f"{each['rule']}: {each['message']}" for each in broken)
    return ApiError(409, "SANDBOX_INVARIANT", f"refused, for it breaks an invariant. {words}")


def note(request: Request, response: Response | None, fault: Fault | None, *, refused: bool) -> None:
    """Keep what the client learnt from an answer; None and a fault on the connection mean that it learnt nothing."""
    watch = _watching(request)
    if watch is None:
        return
    with request.portal.lock:
        lost = response is None or (fault is not None and fault.kind in LOST)
        status = response.status if response is not None else 0
        _note_unclear(watch, request, lost=lost, status=status)
        _note_scopes(watch, request)
        if not lost and status < 300 and response is not None:
            _note_read(watch, request, response)
        day = limits.local_now(request.portal).date().isoformat()
        watch.calls[day] += 1
        if fault is None and not refused and status >= 400:
            watch.errors[day] += 1


def _watching(request: Request) -> Watch | None:
    watch = watch_of(request.portal)
    if watch is None or request.grant is None or request.source != "INTEGRATION":
        return None
    return watch if request.grant.token == (watch.told.token or request.portal.token) else None


# -- what is sent --------------------------------------------------------------------------------------------------


def _parts(request: Request) -> tuple[str, ...]:
    """The path's segments behind the version, object types by their plural names."""
    parts = [part for part in request.path.strip("/").split("/") if part not in ("crm", "v3", "v4", "2026-03")]
    return tuple(object_type(part) or part for part in parts if part != "objects")


def _body(request: Request) -> Any:
    try:
        return json.loads(request.body) if request.body else None
    except ValueError:
        return None


def _rows(request: Request) -> list[dict[str, Any]]:
    body = _body(request)
    rows = body.get("inputs") if isinstance(body, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _contact_writes(request: Request) -> Iterator[tuple[str, dict[str, str]]]:
    """Every contact that the call changes, with the values sent, `""` for emptied ones."""
    parts = _parts(request)
    if request.method == "PATCH" and len(parts) == 2 and parts[0] == "contacts":
        rows: list[dict[str, Any]] = [{**(_body(request) or {}), "id": parts[1]}]
    elif parts == ("contacts", "batch", "update"):
        rows = _rows(request)
    else:
        return
    for row in rows:
        record = request.portal.objects["contacts"].survivor(str(row.get("id", "")))
        sent = row.get("properties")
        if record is not None and isinstance(sent, dict):
            yield record.id, {str(name): "" if value is None else str(value) for name, value in sent.items()}


def _check_values(watch: Watch, request: Request, contact: str, values: dict[str, str]) -> None:
    told = watch.told
    record = request.portal.objects["contacts"].records[contact]
    for name, value in values.items():
        if name in told.answers:
            if value and value != _said_last(record, name):
                watch.blame("I3", f"{name} is people's: it may only be emptied", request, contact=contact)
        elif name not in told.owned | told.shared:
            watch.blame("I3", f"{name} is not the client's to write", request, contact=contact)
    stage = values.get(STAGE)
    goes_back = bool(stage) and effects.is_backward(request.portal, "contacts", record.value(STAGE), stage or "")
    in_time = (contact, STAGE) not in watch.unread or watch.unread[contact, STAGE].chances
    for name, value in values.items():
        if name != STAGE or not goes_back:  # a stage that goes back is not taken, so it overwrites nobody
            _check_edit(watch, request, contact, name, value)
    if goes_back and in_time:
        watch.blame("I3", f"{STAGE} goes back to {stage} without being cleared first", request, contact=contact)
    if STAGE in values and record.value(STAGE):
        (watch.cleared.add if values[STAGE] == "" else watch.cleared.discard)(contact)
    before, after = record.value(told.state) or "", values.get(told.state, "")
    free = record.value(STAGE) in told.free_stages
    if after in told.held and before not in told.held and not free and not _listed(request.portal, told, contact):
        watch.blame("I1", f"shown as {after} before it is on the list", request, contact=contact)
    first, second = record.value(told.episode), values.get(told.episode)
    known = {change.value for change in record.changes(told.episode)}  # going back to one begins none
    if first and second and second not in known and contact not in watch.excused and before not in told.ended:
        watch.blame("P3", f"a second episode while the first is {before or 'open'}", request, contact=contact)


def _said_last(record: Record, name: str) -> str:
    """What a person said last, for a client that puts back what it emptied."""
    said = [change.value for change in record.changes(name) if change.source_type.startswith(PEOPLE)]
    return said[-1] if said else ""


def _check_edit(watch: Watch, request: Request, contact: str, name: str, value: str) -> None:
    edit = watch.unread.get((contact, name))
    if edit is None or edit.value == value:
        return
    if edit.chances:
        watch.blame("I2", f"writes over an edit of {name} by a person without having read it", request, contact=contact)
    else:
        watch.overwritten.setdefault((contact, name), edit.value)


def _check_lists(watch: Watch, request: Request) -> None:
    parts, told, portal = _parts(request), watch.told, request.portal
    if len(parts) < 2 or parts[0] != "lists" or request.method == "GET" or parts[1] in ("search", "records"):
        return
    if "memberships" not in parts:
        if request.method != "POST" or len(parts) > 1:
            watch.blame("I1", "a list is changed as a whole", request)
        return
    target = lists_of(portal).by_id.get(parts[1])
    if target is not None and not told.lists & {target.id, target.name}:
        watch.blame("I1", f"changes the list “{target.name}”, which is not the client's", request)
    if request.method == "DELETE" or parts[-1] not in ("add", "remove"):
        watch.blame("I1", "empties or fills a whole list", request)
    elif parts[-1] == "remove":
        for each in _body(request) or ():
            record = portal.objects["contacts"].get(str(each))
            state = record.value(told.state) if record is not None else None
            if state in told.held | told.kept:
                watch.blame("I1", f"taken off the list while shown as {state}", request, contact=str(each))


def _check_strangers(watch: Watch, request: Request) -> None:
    """Whatever else changes the portal is not the client's business, but for tasks and what setting up makes."""
    parts = _parts(request)
    reads = request.method == "GET" or parts[-1] in ("read", "search") or parts[0] == "oauth"
    ours = parts[:3] == ("contacts", "batch", "update") or (parts[0] == "contacts" and request.method == "PATCH")
    made = request.method == "POST" and (parts in MADE or parts[0] == "properties")
    if not (reads or ours or made or parts[0] == "lists"):
        watch.blame("I3", f"{request.method} {request.path} is no call that the client needs", request)


def _check_repeated(watch: Watch, request: Request) -> None:
    if (request.method, request.path, request.body) in watch.unclear:
        watch.blame("I7", "sent again after an unclear answer, without a look first", request)


def _check_batch(watch: Watch, request: Request) -> None:
    if "batch" not in _parts(request):
        return
    rows, body = _rows(request), _body(request)
    most = 50 if isinstance(body, dict) and body.get("propertiesWithHistory") else 100
    most = READ_MAX if "associations" in _parts(request) else most
    ids = Counter(str(row.get("id", "")) for row in rows)
    if len(rows) > most:
        watch.blame("batch", f"{len(rows)} rows where {most} are allowed", request)
    if double := [each for each, times in ids.items() if each and times > 1]:
        watch.blame("batch", f"record {double[0]} twice in one batch", request)


def _listed(portal: Portal, told: Told, contact: str) -> bool:
    return any(int(contact) in each.members for each in lists_of(portal).live() if told.lists & {each.id, each.name})


# -- what was answered ---------------------------------------------------------------------------------------------


def _note_unclear(watch: Watch, request: Request, *, lost: bool, status: int) -> None:
    parts = _parts(request)
    if request.method == "GET" or parts[-1] in ("read", "search"):
        if lost or status >= 300:
            return
        if parts == ("contacts", "batch", "read"):
            watch.unclear = {each for each in watch.unclear if "contacts" not in each[1]}
        looked = [family for family in FAMILIES if family in parts]
        watch.unclear = {each for each in watch.unclear if not any(family in each[1] for family in looked)}
        return
    creates = request.method == "POST" and (parts[0] in FAMILIES and parts[-1] != "update")
    if (lost and (creates or parts == ("contacts", "batch", "update"))) or (creates and status >= 500):
        watch.unclear.add((request.method, request.path, request.body))


def _note_scopes(watch: Watch, request: Request) -> None:
    needed = watch.told.scopes
    if needed is None:
        return
    for scope in request.asked_scopes:
        if not any(each in needed for each in scope.split("|")):
            watch.blame("S2", f"{request.method} {request.path} needs {scope}, which the client does not", request)


def _note_read(watch: Watch, request: Request, response: Response) -> None:
    """Edits that this answer showed are read; for the others it was a chance to look."""
    if not watch.unread:
        return
    parts = _parts(request)
    shown = _shown(response) if parts[0] == "contacts" else {}
    records = request.portal.objects["contacts"].records
    for key in list(watch.unread):
        contact, name = key
        record = records.get(contact)
        row = shown.get(contact, {})
        if record is None or (name in row and (row[name] or "") == watch.unread[key].value):
            del watch.unread[key]
        elif parts[:2] != ("contacts", "batch"):
            watch.unread[key].chances += 1


def _shown(response: Response) -> dict[str, dict[str, Any]]:
    body = json.loads(response.body) if isinstance(response.body, bytes) else response.body
    if not isinstance(body, dict):
        return {}
    rows = body.get("results") if isinstance(body.get("results"), list) else [body]
    return {str(row["id"]): row.get("properties") or {} for row in rows or () if isinstance(row, dict) and "id" in row}


# -- what others do ------------------------------------------------------------------------------------------------


@listen("property")
def _note_change(portal: Portal, entry: dict[str, Any]) -> None:
    watch = watch_of(portal)
    if watch is None or entry["object"] != "contacts":
        return
    told, key, value = watch.told, (entry["id"], entry["name"]), entry["after"] or ""
    by_person = str(entry["source"]).startswith(PEOPLE)
    if by_person and entry["name"] in told.owned | told.shared | told.answers:
        watch.unread[key] = Edit(value)
        watch.overwritten.pop(key, None)  # their newer word counts
    elif watch.overwritten.get(key) == value:
        del watch.overwritten[key]
    if entry["name"] == STAGE and value:
        watch.cleared.discard(entry["id"])


@listen("merged")
@listen("archived")
@listen("erased")
def _excuse(portal: Portal, entry: dict[str, Any]) -> None:
    watch = watch_of(portal)
    if watch is None or entry["object"] != "contacts":
        return
    gone = {str(entry["id"]), *(str(entry[name]) for name in ("primary", "merged", "survivor") if name in entry)}
    watch.excused |= gone
    watch.cleared -= gone
    for key in [key for key in (*watch.unread, *watch.overwritten) if key[0] in gone]:
        watch.unread.pop(key, None)
        watch.overwritten.pop(key, None)


# -- on demand -----------------------------------------------------------------------------------------------------


def unsettled(portal: Portal, watch: Watch) -> list[dict[str, Any]]:
    """What the client must have mended when its run ends, and what only the whole day shows."""
    found = [
        {"rule": "I2", "message": f"a person's {name} was overwritten and not put back", "contact": contact}
        for (contact, name) in watch.overwritten
    ]
    found += [{"rule": "I3", "message": "a stage was cleared and not set", "contact": each} for each in watch.cleared]
    bodies = Counter(record.value("hs_task_body") or record.id for record in portal.objects["tasks"].records.values())
    found += [
        {"rule": "I7", "message": f"the same task {times} times"}
        for body, times in bodies.items()
        if times > 1 and "[" in body
    ]
    for day, calls in watch.calls.items():
        errors = watch.errors[day]
        if calls >= watch.told.error_calls and errors > watch.told.error_share * calls:
            found.append({"rule": "P8", "message": f"{errors} of the {calls} calls of {day} were answered with errors"})
    return found


@route("GET", "/_sandbox/violations", auth=False, limit="none")
def get_violations(request: Request) -> Response:
    """What was broken, and what is not mended; both empty where nothing is watched."""
    watch = watch_of(request.portal)
    if watch is None:
        return Response(200, {"violations": [], "unsettled": []})
    return Response(200, {"violations": watch.violations, "unsettled": unsettled(request.portal, watch)})


@route("GET", "/_sandbox/watched/{contact}", auth=False, limit="none")
def get_watched(request: Request, contact: str) -> Response:
    """What the portal showed of one contact so far, for a receiver that checks what it is told.

    `episodes` and `states`: every value those properties had, oldest first; `listed`: whether it is on the list now.
    """
    watch, store = watch_of(request.portal), request.portal.objects["contacts"]
    record = store.survivor(contact) or store.archived.get(contact)
    if watch is None or record is None:
        raise ApiError(404, "OBJECT_NOT_FOUND", f"nothing is watched here, or there is no contact {contact}")
    told = watch.told
    shown = {name: [change.value for change in record.changes(prop)] for name, prop in _shown_properties(told)}
    return Response(200, {**shown, "listed": _listed(request.portal, told, record.id)})


def _shown_properties(told: Told) -> tuple[tuple[str, str], ...]:
    return ("episodes", told.episode), ("states", told.state)


@route("DELETE", "/_sandbox/violations", auth=False, limit="none")
def delete_violations(request: Request) -> Response:
    """Forget what was broken so far."""
    watch = watch_of(request.portal)
    if watch is not None:
        watch.violations.clear()
        watch.overwritten.clear()
        watch.cleared.clear()
        watch.calls.clear()
        watch.errors.clear()
    return Response(204)
