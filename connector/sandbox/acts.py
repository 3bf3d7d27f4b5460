"""Acts: what people do in a portal, told by a script through the control API. Each kind is one function.

Contacts are named by id or e-mail, owners by id or e-mail, forms by GUID or name. Values are checked like API writes;
they carry the source of a person (CRM_UI), a form, an import.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import merge, objects, visits, writes
from .app import ApiError
from .clock import iso, parse_instant
from .directory import Form
from .links import default_type
from .portal import Portal
from .store import Record, Source

Act = dict[str, Any]
Touched = dict[str, Any]
EMAIL_KINDS = {
    "SENT", "DELIVERED", "OPEN", "CLICK", "BOUNCE", "UNSUBSCRIBE", "UNSUBSCRIBED", "DROPPED", "DEFERRED", "REPLY",
    "SPAMREPORT", "STATUSCHANGE", "PROCESSED", "FORWARD", "PRINT", "SUPPRESSED",
}  # fmt: skip


class BadActError(Exception):
    """An act that cannot be done; the text says why and what would do."""


def perform(portal: Portal, act: Act) -> Touched:
    """Do one act at its `at` (default now); give its kind and the ids it touched.

    Raises:
        BadActError: unknown kind, a missing part, an unknown contact, owner or form, a value that cannot stand.
    """
    kind = act.get("kind")
    if kind not in _KINDS:
        raise BadActError(f"unknown act {kind!r}; known: {', '.join(sorted(_KINDS))}")
    try:
        at = parse_instant(str(act["at"])) if act.get("at") else portal.clock.ms()
        return {"kind": kind, **_KINDS[kind](portal, act, at)}
    except (ValueError, ArithmeticError) as error:
        raise BadActError(f"{kind}: {error}") from error
    except ApiError as error:
        raise BadActError(f"{kind}: {error.message}") from error


def _need(act: Act, name: str) -> str:
    if act.get(name) in (None, ""):
        raise BadActError(f"{act['kind']} needs {name!r}")
    return str(act[name])


def _contact(portal: Portal, act: Act) -> Record:
    named = str(act.get("contact") or act.get("email") or "")
    store = portal.objects["contacts"]
    found = store.find("email", named) if "@" in named else store.survivor(named)
    if found is None:
        raise BadActError(f"{act['kind']}: no contact {named!r}; name one by id or e-mail")
    return found


def _owner(portal: Portal, act: Act) -> str | None:
    named = act.get("owner")
    if named is None:
        return None
    for owner in portal.directory.owners.values():
        if str(named) in (owner.id, owner.email):
            return owner.id
    raise BadActError(f"{act['kind']}: no owner {named!r}; name one by id or e-mail")


def _form(portal: Portal, act: Act) -> Form:
    found = portal.directory.form_named(_need(act, "form"))
    if found is None:
        names = ", ".join(form.name for form in portal.directory.forms.values())
        raise BadActError(f"{act['kind']}: no form {act['form']!r}; forms: {names}")
    return found


def _page_view(portal: Portal, act: Act, at: int) -> Touched:
    contact, extra = _contact(portal, act), {name: act.get(name) for name in ("title", "referrer", "source")}
    view = visits.page_view(portal, contact, _need(act, "url"), at, **extra)
    return {"contact": contact.id, "event": view.id}


def _form_page_view(portal: Portal, act: Act, at: int) -> Touched:
    contact = _contact(portal, act)
    return {"contact": contact.id, "event": visits.form_view(portal, contact, _form(portal, act), at).id}


def _form_submission(portal: Portal, act: Act, at: int) -> Touched:
    form = _form(portal, act)
    values = {str(name): str(value) for name, value in (act.get("values") or {}).items()}
    done = visits.submit_form(
        portal, form, _need(act, "email"), values, at, page_url=act.get("page_url"), page_title=act.get("page_title"),
        source=act.get("source"), source_detail=act.get("source_data_1"),
    )  # fmt: skip
    return {"contact": done.contact_id, "submission": done.conversion_id} if done else {"contact": None}


def _email_event(portal: Portal, act: Act, at: int) -> Touched:
    kind, email = _need(act, "type").upper(), _need(act, "email")
    if kind not in EMAIL_KINDS:
        raise BadActError(f"email_event: type is one of {', '.join(sorted(EMAIL_KINDS))}, not {kind!r}")
    campaign = int(_need(act, "campaign_id"))
    name, url, filtered = act.get("name"), act.get("url"), bool(act.get("filtered"))
    event = visits.email_event(portal, kind, email, campaign, at, name=name, url=url, filtered=filtered)
    contact = portal.objects["contacts"].find("email", email)
    return {"contact": contact.id if contact else None, "event": event.id}


def _engagement(kind: str, defaults: dict[str, str]) -> Callable[[Portal, Act, int], Touched]:
    body_name = {"calls": "hs_call_body", "emails": "hs_email_text", "notes": "hs_note_body", "tasks": "hs_task_body"}

    def act_of(portal: Portal, act: Act, at: int) -> Touched:
        contact, owner = _contact(portal, act), _owner(portal, act)
        sent = {"hs_timestamp": iso(at)} | defaults | dict(act.get("properties") or {})
        if owner:
            sent["hubspot_owner_id"] = owner
        if act.get("body") and kind in body_name:
            sent[body_name[kind]] = str(act["body"])
        if kind == "meetings":
            sent["hs_meeting_start_time"] = iso(parse_instant(str(act.get("starts_at") or iso(at))))
        source = _person(portal, act, owner)
        record = _create(portal, kind, sent, source, at)
        _link(portal, kind, record, contact, source, at)
        return {"contact": contact.id, kind.removesuffix("s"): record.id}

    return act_of


def _create(portal: Portal, kind: str, sent: dict[str, Any], source: Source, at: int) -> Record:
    write = writes.prepare(portal, kind, None, {"properties": sent})
    return writes.perform(portal, kind, write, source, at)


def _link(portal: Portal, kind: str, record: Record, contact: Record, source: Source, at: int) -> None:
    link = default_type(kind, "contacts")
    assert link is not None  # every kind that acts make has one
    portal.link(kind, record.id, "contacts", contact.id, link, source, at)


def _person(portal: Portal, act: Act, owner_id: str | None = None) -> Source:
    """Say who acts: the user given, else the user behind the owner."""
    owner = portal.directory.owners.get(owner_id or "")
    user = act.get("user") or (owner.user_id if owner else None)
    return Source("CRM_UI", f"userId:{user}" if user else None, str(user) if user else None)


def _edit(portal: Portal, act: Act, at: int) -> Touched:
    contact, source = _contact(portal, act), _person(portal, act)
    write = writes.prepare(portal, "contacts", contact, {"properties": act.get("properties")}, source)
    writes.perform(portal, "contacts", write, source, at)
    return {"contact": contact.id}


def _new_contact(portal: Portal, act: Act, at: int) -> Touched:
    source = Source(str(act["source"])) if act.get("source") else _person(portal, act)
    return {"contact": _create(portal, "contacts", dict(act.get("properties") or {}), source, at).id}


def _deal(portal: Portal, act: Act, at: int) -> Touched:
    """Make a deal of a contact, or change one (`deal`: id)."""
    source, owner = _person(portal, act), _owner(portal, act)
    sent = dict(act.get("properties") or {}) | ({"hubspot_owner_id": owner} if owner else {})
    if act.get("deal"):
        deal = portal.objects["deals"].get(str(act["deal"]))
        if deal is None:
            raise BadActError(f"deal: no deal {act['deal']!r}")
        write = writes.prepare(portal, "deals", deal, {"properties": sent}, source)
        return {"deal": writes.perform(portal, "deals", write, source, at).id}
    contact = _contact(portal, act)
    name = contact.value("company") or contact.value("email") or contact.id
    defaults = {"dealname": f"{name}: new deal", "pipeline": "default", "dealstage": "appointmentscheduled"}
    deal = _create(portal, "deals", defaults | {"createdate": iso(at)} | sent, source, at)
    _link(portal, "deals", deal, contact, source, at)
    return {"contact": contact.id, "deal": deal.id}


def _archive(portal: Portal, act: Act, _at: int) -> Touched:
    contact = _contact(portal, act)
    objects.archive(portal, "contacts", contact.id, _person(portal, act))
    return {"contact": contact.id}


def _restore(portal: Portal, act: Act, _at: int) -> Touched:
    if not objects.restore(portal, "contacts", _need(act, "contact"), _person(portal, act)):
        raise BadActError(f"restore: contact {act['contact']!r} is not in the recycle bin")
    return {"contact": str(act["contact"])}


def _merge(portal: Portal, act: Act, _at: int) -> Touched:
    primary, other = _contact(portal, act), _contact(portal, {"kind": "merge", "contact": _need(act, "other")})
    if primary is other:
        raise BadActError("merge: both names lead to one contact")
    return {"contact": merge.merge(portal, "contacts", primary, other, _person(portal, act)).id}


def _erase(portal: Portal, act: Act, _at: int) -> Touched:
    contact = _contact(portal, act)
    objects.erase(portal, contact, _person(portal, act))
    return {"contact": contact.id}


_KINDS: dict[str, Callable[[Portal, Act, int], Touched]] = {
    "page_view": _page_view,
    "form_page_view": _form_page_view,
    "form_submission": _form_submission,
    "email_event": _email_event,
    "meeting": _engagement("meetings", {"hs_meeting_title": "Meeting"}),
    "call": _engagement("calls", {"hs_call_direction": "OUTBOUND", "hs_call_status": "COMPLETED"}),
    "email": _engagement("emails", {"hs_email_direction": "EMAIL", "hs_email_status": "SENT"}),
    "email_reply": _engagement("emails", {"hs_email_direction": "INCOMING_EMAIL"}),
    "note": _engagement("notes", {}),
    "edit": _edit,
    "contact": _new_contact,
    "deal": _deal,
    "archive": _archive,
    "restore": _restore,
    "merge": _merge,
    "erase": _erase,
}
