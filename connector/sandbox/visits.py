"""What visitors and mail recipients do, and the contact properties that HubSpot keeps in step with it.

Page views, form submissions and marketing e-mail events are stored in the directory (read by events.py, forms.py and
email_events.py) and move the analytics, conversion and e-mail properties of the contact.
Source: hubspot-facts sections 5.2, 5.3, 5.4.
"""

from __future__ import annotations

from uuid import UUID, uuid5

from . import effects, validation, writes
from .clock import iso, parse_instant
from .directory import EmailEvent, Form, PageView, Submission
from .portal import Portal
from .store import Record, Source

SESSION_MS = 30 * 60_000
_SPACE = UUID("6f2f9d3c-5a3e-4f0e-9a53-0d8c1b7d2e41")
_ANALYTICS = Source("ANALYTICS")
_EMAIL = Source("EMAIL")
_EMAIL_COUNTS = {
    "DELIVERED": "hs_email_delivered",
    "OPEN": "hs_email_open",
    "CLICK": "hs_email_click",
    "REPLY": "hs_email_replied",
    "BOUNCE": "hs_email_bounce",
}
_EMAIL_DATES = {"SENT": "send", "OPEN": "open", "CLICK": "click", "REPLY": "reply"}


def new_id(portal: Portal, kind: str) -> str:
    """Give a fresh UUID, the same in every run that does the same."""
    return str(uuid5(_SPACE, f"{portal.seed}/{kind}/{portal.count_up(kind)}"))


def page_view(
    portal: Portal, contact: Record, url: str, at: int, *, title: str | None = None, referrer: str | None = None,
    source: str | None = None,
) -> PageView:  # fmt: skip
    """Record a viewed page and move the visit properties."""
    view = PageView(new_id(portal, "page_view"), at, contact.id, url, title, referrer, source)
    portal.directory.page_views.append(view)
    _visited(portal, contact, view)
    return view


def form_view(portal: Portal, contact: Record, form: Form, at: int) -> PageView:
    """Record that a form's page was seen: a page view that names the form."""
    url = f"https://www.sandbox.example/forms/{form.guid}"
    view = page_view(portal, contact, url, at, title=form.name)
    portal.directory.form_views.append(view)
    return view


def _visited(portal: Portal, contact: Record, view: PageView) -> None:
    value, when = contact.value, iso(view.at)
    last = value("hs_analytics_last_timestamp")
    views = _plus(contact, "hs_analytics_num_page_views")
    found = {
        "hs_analytics_num_page_views": views,
        "hs_analytics_last_timestamp": _latest(last, view.at),
        "hs_analytics_last_url": view.url,
    }
    visits = int(float(value("hs_analytics_num_visits") or 0))
    if last is None or view.at - parse_instant(last) > SESSION_MS or not visits:
        visits += 1
        found["hs_analytics_num_visits"] = str(visits)
        found["hs_analytics_last_visit_timestamp"] = _latest(value("hs_analytics_last_visit_timestamp"), view.at)
        if view.referrer:
            found["hs_analytics_last_referrer"] = view.referrer
    if not value("hs_analytics_first_visit_timestamp"):
        found |= {"hs_analytics_first_timestamp": when, "hs_analytics_first_visit_timestamp": when}
        found["hs_analytics_first_url"] = view.url
        found |= {"hs_analytics_first_referrer": view.referrer} if view.referrer else {}
    found["hs_analytics_average_page_views"] = str(round(int(views) / visits))
    if view.source:
        found |= _traffic(contact, view.source, None, view.at)
    portal.objects["contacts"].update(contact, found, _ANALYTICS, view.at)


def _traffic(contact: Record, source: str, detail: str | None, at: int) -> dict[str, str]:
    found = {"hs_latest_source": source, "hs_latest_source_timestamp": iso(at)}
    if detail:
        found["hs_latest_source_data_1"] = detail
    if not contact.value("hs_analytics_source"):
        found["hs_analytics_source"] = source
        found |= {"hs_analytics_source_data_1": detail} if detail else {}
    return found


def submit_form(
    portal: Portal, form: Form, email: str, values: dict[str, str], at: int, *, page_url: str | None = None,
    page_title: str | None = None, source: str | None = None, source_detail: str | None = None,
) -> Submission | None:  # fmt: skip
    """Record a submission; the contact is made if the address is unknown. None for an address on the blocklist."""
    email = email.strip().lower()
    if email in portal.blocked_emails:
        return None
    origin = Source("FORM", form.guid)
    contact = _submitter(portal, email, values, origin, at)
    sent = (("email", email), *((name, text) for name, text in values.items() if name != "email"))
    number = new_id(portal, "submission")
    submission = Submission(number, form.guid, at, sent, page_url, page_title, contact.id)
    portal.directory.submissions.setdefault(form.guid, []).append(submission)
    _converted(portal, contact, form, submission, origin)
    if source:
        portal.objects["contacts"].update(contact, _traffic(contact, source, source_detail, at), _ANALYTICS, at)
    if form.sets_stage:
        stage = {"lifecyclestage": form.sets_stage}
        if not effects.is_backward(portal, "contacts", contact.value("lifecyclestage"), form.sets_stage):
            writes.set_values(portal, "contacts", contact, stage, origin, at)
    return submission


def _submitter(portal: Portal, email: str, values: dict[str, str], origin: Source, at: int) -> Record:
    """Give the contact of an address, made or updated with those values that the portal can store."""
    contact = portal.objects["contacts"].find("email", email)
    clean, _dropped = validation.check(portal, "contacts", values, contact)
    clean.pop("email", None)
    if contact is None:
        return writes.create(portal, "contacts", {"email": email} | clean, origin, at)
    writes.set_values(portal, "contacts", contact, clean, origin, at)
    return contact


def _converted(portal: Portal, contact: Record, form: Form, submission: Submission, origin: Source) -> None:
    value, when = contact.value, iso(submission.at)
    name = f"{submission.page_title}: {form.name}" if submission.page_title else form.name
    known = value("hs_calculated_form_submissions")
    entries = [*(known.split(";") if known else []), f"{form.guid}:0:{submission.at}"]
    found = {
        "num_conversion_events": _plus(contact, "num_conversion_events"),
        "num_unique_conversion_events": str(len({entry.partition(":")[0] for entry in entries})),
        "hs_calculated_form_submissions": ";".join(entries),
    }
    recent = value("recent_conversion_date")
    if recent is None or parse_instant(recent) <= submission.at:
        found |= {"recent_conversion_event_name": name, "recent_conversion_date": when}
    if not value("first_conversion_date"):
        found |= {"first_conversion_event_name": name, "first_conversion_date": when}
    portal.objects["contacts"].update(contact, found, origin, submission.at)


def email_event(
    portal: Portal, kind: str, email: str, campaign_id: int, at: int, *, name: str | None = None,
    url: str | None = None, filtered: bool = False,
) -> EmailEvent:  # fmt: skip
    """Record a marketing e-mail event; filtered ones (bots) move no property. Unknown recipients are fine."""
    event = EmailEvent(
        new_id(portal, "email_event"), at, kind, email.strip().lower(), campaign_id, name, url, filtered,
        portal.state("sent_at", dict[tuple[str, int], int]).get((email.strip().lower(), campaign_id)),
    )  # fmt: skip
    portal.directory.email_events.append(event)
    contact = portal.objects["contacts"].find("email", email)
    if contact is not None and not filtered:
        portal.objects["contacts"].update(contact, _mailed(portal, contact, event), _EMAIL, at)
    if kind == "SENT":
        portal.state("sent_at", dict[tuple[str, int], int])[(event.recipient, campaign_id)] = at
    return event


def _mailed(portal: Portal, contact: Record, event: EmailEvent) -> dict[str, str]:
    found: dict[str, str] = {}
    seen = portal.state("email_seen", set[tuple[str, str, int]])
    key = (event.kind, event.recipient, event.campaign_id)
    if event.kind in _EMAIL_COUNTS and key not in seen:  # HubSpot counts e-mails opened, not openings
        seen.add(key)
        found[_EMAIL_COUNTS[event.kind]] = _plus(contact, _EMAIL_COUNTS[event.kind])
    if event.kind in _EMAIL_DATES:
        word = _EMAIL_DATES[event.kind]
        last = f"hs_email_last_{word}_date"
        found[last] = _latest(contact.value(last), event.at)
        if not contact.value(f"hs_email_first_{word}_date"):
            found[f"hs_email_first_{word}_date"] = iso(event.at)
    if event.kind == "SENT":
        found["hs_email_sends_since_last_engagement"] = _plus(contact, "hs_email_sends_since_last_engagement")
        found |= {"hs_email_last_email_name": event.name} if event.name else {}
    elif event.kind in ("OPEN", "CLICK", "REPLY"):
        found["hs_email_sends_since_last_engagement"] = "0"
    elif event.kind == "BOUNCE":
        found |= {"hs_email_bad_address": "true", "hs_email_hard_bounce_reason_enum": "UNKNOWN_USER"}
    elif event.kind in ("UNSUBSCRIBE", "UNSUBSCRIBED", "SPAMREPORT", "STATUSCHANGE"):
        found["hs_email_optout"] = "true"
    return found


def _plus(record: Record, name: str) -> str:
    return str(int(float(record.value(name) or 0)) + 1)


def _latest(present: str | None, at: int) -> str:
    return present if present and parse_instant(present) >= at else iso(at)
