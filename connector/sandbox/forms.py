"""Forms and their submissions: definitions (/marketing/v3/forms) and the old submissions list, newest first.

Storing only: whom a submission credits, makes or moves on is visits.py. The sandbox's own route:

- `POST /_sandbox/forms?portal=ID` one form or a list: `{name, guid?, fields?, type?, setsStage?, archived?}` →
  `{"results": [{guid, name}, …]}`. A guid left out is derived from the name, so that it is the same on every portal.

Source: hubspot-facts 5.3. The submissions list has no time filter and no contact id; its cursor is opaque.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable
from typing import Any

from . import schema
from .app import ApiError, Request, Response, route
from .clock import iso
from .definitions import definition
from .directory import Form, Submission
from .portal import Portal

FIELDS = ("email", "firstname", "lastname", "company", "phone", "country", "message")
KINDS = ("hubspot", "captured", "flow", "blog_comment")
SCOPES = ("forms",)
V3 = "/marketing/v3/forms"
DATED = "/marketing/forms/2026-03"
_NAMESPACE = uuid.UUID("6f1d2b3e-58c4-5e0a-9b6c-3a7d1f0c4e21")
_INPUTS = {
    "email": "email",
    "phone": "phone",
    "mobilephone": "mobile_phone",
    "message": "multi_line_text",
}


def guid_of(name: str) -> str:
    """Give the GUID that a form of this name has on every portal unless another was asked for."""
    return str(uuid.uuid5(_NAMESPACE, name))


def ensure(
    portal: Portal,
    guid: str | None,
    name: str,
    *,
    fields: Iterable[str] = FIELDS,
    kind: str = "hubspot",
    sets_stage: str | None = None,
) -> Form:
    """Give the form of this guid (or name), made if it is not there; an existing one takes the new name.

    Raises:
        ApiError: 400, no name or an unknown kind.
    """
    if not name or kind not in KINDS:
        raise ApiError(400, "VALIDATION_ERROR", f"a form needs a name, and a type of {', '.join(KINDS)}")
    guid = guid or guid_of(name)
    present = portal.directory.forms.get(guid)
    if present is not None:
        present.name = name
        return present
    made = Form(guid, name, portal.clock.ms(), list(fields), kind, sets_stage=sets_stage)
    portal.directory.forms[guid] = made
    return made


# -- definitions ---------------------------------------------------------------------------------------------------


@route("GET", V3, DATED, scopes=SCOPES)
def list_forms(request: Request) -> Response:
    """A page of forms in order of id; ?formTypes= chooses kinds (all = every one), default hubspot."""
    kinds = request.names("formTypes") or ["hubspot"]
    limit, after = request.number("limit", 20, 1000), request.param("after") or ""
    archived = request.flag("archived")
    chosen = [
        form
        for form in sorted(request.portal.directory.forms.values(), key=lambda each: each.guid)
        if form.archived == archived and ("all" in kinds or form.kind in kinds) and form.guid > after
    ]
    body: dict[str, Any] = {"results": [show(request.portal, form) for form in chosen[:limit]]}
    if len(chosen) > limit:
        last = chosen[limit - 1].guid
        body["paging"] = {"next": {"after": last, "link": f"{request.base_url}{request.path}?after={last}"}}
    return Response(200, body)


@route("GET", V3 + "/{form}", DATED + "/{form}", scopes=SCOPES)
def get_form(request: Request, guid: str) -> Response:
    """One form by GUID."""
    return Response(200, show(request.portal, _live(request, guid)))


@route("POST", V3, DATED, scopes=SCOPES)
def create_form(request: Request) -> Response:
    """Make a form from a definition; of its fields only the property names are kept: 201."""
    body = request.json_object()
    name, kind = str(body.get("name") or ""), str(body.get("formType") or "hubspot")
    made = ensure(request.portal, str(uuid.uuid4()), name, fields=_field_names(body), kind=kind)
    return Response(201, show(request.portal, made))


@route("PATCH", V3 + "/{form}", DATED + "/{form}", scopes=SCOPES)
@route("PUT", V3 + "/{form}", DATED + "/{form}", scopes=SCOPES)
def update_form(request: Request, guid: str) -> Response:
    """Change a form's name, fields or archive flag."""
    form, body = _live(request, guid), request.json_object()
    form.name = str(body.get("name") or form.name)
    form.archived = bool(body.get("archived", form.archived))
    if "fieldGroups" in body:
        form.fields = _field_names(body)
    return Response(200, show(request.portal, form))


@route("DELETE", V3 + "/{form}", DATED + "/{form}", scopes=SCOPES)
def delete_form(request: Request, guid: str) -> Response:
    """Archive a form: 204."""
    _live(request, guid).archived = True
    return Response(204)


# -- submissions ---------------------------------------------------------------------------------------------------


@route("GET", "/form-integrations/v1/submissions/forms/{form}", scopes=SCOPES)
def list_submissions(request: Request, guid: str) -> Response:
    """A page of a form's submissions, newest first; limit default 20, at most 50."""
    refuse_service_key(request)
    form = request.portal.directory.forms.get(guid)
    if form is None:
        raise _unknown(guid)
    limit, cursor = request.number("limit", 20, 50), _read_cursor(request.param("after"))
    stored = request.portal.directory.submissions.get(guid, [])
    places = sorted(range(len(stored)), key=lambda place: stored[place].at)
    line = [(stored[place].at, place) for place in reversed(places)]
    line = [key for key in line if cursor is None or key < cursor]
    body: dict[str, Any] = {"results": [_show_submission(stored[place]) for _, place in line[:limit]]}
    if len(line) > limit:
        after = base64.urlsafe_b64encode(f"{line[limit - 1][0]}:{line[limit - 1][1]}".encode()).decode().rstrip("=")
        link = f"{request.base_url}{request.path}?limit={limit}&after={after}"
        body["paging"] = {"next": {"after": after, "link": link}}
    return Response(200, body)


@route("POST", "/_sandbox/forms", auth=False, limit="none")
def add_forms(request: Request) -> Response:
    """Make forms: see the module docstring."""
    body = request.json()
    made = [add_row(request.portal, row) for row in (body if isinstance(body, list) else [body])]
    return Response(200, {"results": [{"guid": form.guid, "name": form.name} for form in made]})


def add_row(portal: Portal, row: Any) -> Form:
    """Make one form from a row of POST /_sandbox/forms, or of the `forms` of a new portal.

    Raises:
        ApiError: 400, no object, an unknown key or kind, no name.
    """
    known = {"name", "guid", "fields", "type", "setsStage", "archived"}
    if not isinstance(row, dict) or set(row) - known:
        raise ApiError(400, "VALIDATION_ERROR", f"a form is an object with name; known: {', '.join(sorted(known))}")
    form = ensure(
        portal,
        row.get("guid"),
        str(row.get("name") or ""),
        fields=[str(name) for name in row.get("fields") or FIELDS],
        kind=str(row.get("type") or "hubspot"),
        sets_stage=row.get("setsStage"),
    )
    form.archived = bool(row.get("archived", False))
    return form


def refuse_service_key(request: Request) -> None:
    """Refuse static tokens where the switch service_key_limits says so (not settled, hubspot-facts 11)."""
    if request.portal.switches.service_key_limits and request.grant is not None and not request.grant.oauth:
        raise ApiError(403, "FORBIDDEN", "This API cannot be called with a service key")


# -- inside --------------------------------------------------------------------------------------------------------


def show(portal: Portal, form: Form) -> dict[str, Any]:
    """Give a form in HubSpot's shape, one field group per property."""
    shown = {
        "id": form.guid,
        "name": form.name,
        "formType": form.kind,
        "createdAt": iso(form.created),
        "updatedAt": iso(form.created),
        "archived": form.archived,
        "fieldGroups": [
            {"groupType": "default_group", "richTextType": "text", "fields": [_field(portal, name)]}
            for name in form.fields
        ],
        "configuration": _configuration(form),
        "displayOptions": _DISPLAY,
        "legalConsentOptions": {"type": "none"},
    }
    return shown | ({"archivedAt": iso(form.created)} if form.archived else {})


def _configuration(form: Form) -> dict[str, Any]:
    stages = [{"objectTypeId": "0-1", "value": form.sets_stage}] if form.sets_stage else []
    return {
        "language": "en",
        "cloneable": True,
        "editable": True,
        "archivable": True,
        "recaptchaEnabled": False,
        "notifyContactOwner": False,
        "notifyRecipients": [],
        "createNewContactForNewEmail": True,
        "prePopulateKnownValues": True,
        "allowLinkToResetKnownValues": False,
        "postSubmitAction": {"type": "thank_you", "value": "Thank you for your message."},
        "lifecycleStages": stages,
    }


_DISPLAY = {
    "renderRawHtml": False,
    "theme": "default_style",
    "submitButtonText": "Send",
    "cssClass": "hs-form",
    "style": {
        "fontFamily": "arial, helvetica, sans-serif",
        "backgroundWidth": "100%",
        "labelTextColor": "#33475b",
        "labelTextSize": "14px",
        "helpTextColor": "#7c98b6",
        "helpTextSize": "11px",
        "legalConsentTextColor": "#33475b",
        "legalConsentTextSize": "14px",
        "submitColor": "#ff7a59",
        "submitAlignment": "left",
        "submitFontColor": "#ffffff",
        "submitSize": "12px",
    },
}


def _field(portal: Portal, name: str) -> dict[str, Any]:
    known = definition(portal, "contacts", name)
    shown: dict[str, Any] = {
        "objectTypeId": "0-1",
        "name": name,
        "label": known["label"] if known else schema.label_of(name),
        "fieldType": _INPUTS.get(name, "single_line_text"),
        "required": name == "email",
        "hidden": False,
        "dependentFields": [],
    }
    if name == "email":
        shown["validation"] = {"blockedEmailDomains": [], "useDefaultBlockList": False}
    elif name in ("phone", "mobilephone"):
        shown |= {"useCountryCodeSelect": False, "validation": {"minAllowedDigits": 7, "maxAllowedDigits": 20}}
    return shown


def _field_names(body: dict[str, Any]) -> list[str]:
    groups = body.get("fieldGroups") or []
    return [str(each["name"]) for group in groups for each in group.get("fields") or () if each.get("name")]


def _show_submission(stored: Submission) -> dict[str, Any]:
    values = [{"name": name, "value": value, "objectTypeId": "0-1"} for name, value in stored.values]
    body: dict[str, Any] = {"conversionId": stored.conversion_id, "submittedAt": stored.at, "values": values}
    return body | ({"pageUrl": stored.page_url} if stored.page_url else {})


def _read_cursor(after: str | None) -> tuple[int, int] | None:
    if not after:
        return None
    try:
        at, _, place = base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)).decode().partition(":")
        return int(at), int(place)
    except ValueError as error:
        raise ApiError(400, "VALIDATION_ERROR", f"Unable to parse value for query parameter: after={after}") from error


def _live(request: Request, guid: str) -> Form:
    form = request.portal.directory.forms.get(guid)
    if form is None or form.archived != request.flag("archived"):
        raise _unknown(guid)
    return form


def _unknown(form: str) -> ApiError:
    return ApiError(404, "OBJECT_NOT_FOUND", f"No form found with id {form}")
