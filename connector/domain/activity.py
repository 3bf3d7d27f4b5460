"""An activity: something a contact did, or that was done to reach it, at one instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connector.domain.contact import ContactId, require_aware


class ActivityKind(StrEnum):
    PAGE_VIEW = "page_view"
    FORM_SUBMISSION = "form_submission"
    EMAIL_SENT = "email_sent"
    EMAIL_OPEN = "email_open"
    EMAIL_CLICK = "email_click"
    MEETING = "meeting"
    TOUCH = "touch"  # sales reached out: `name` is the channel (R17)
    LIST_JOINED = "list_joined"  # a workflow or a person put it on a list: `name` is the list's, `ref` its id (R05)


class Channel(StrEnum):
    """By which sales reaches out."""

    CALL = "call"
    EMAIL = "email"
    MEETING = "meeting"


TOUCHES = "touches"
"""The stream of what sales did; pulled only where a rule counts it."""
MEETINGS = "meetings"
"""The stream of meetings that were booked; pulled only where a rule asks for their hosts."""


LIST_NAMED, LIST_NUMBERED = "list:", "list-id:"
"""Before the name, or the id, of a list whose new members are pulled: each list is a stream of its own (R05)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One row of a contact's history.

    Attributes:
        stream: which pull brought it, such as `page_views` or `forms`; with `id` it is unique in a portal.
        name: form, page title, campaign or list, as people call it; may be empty.
        ref: form GUID, campaign id, list id, or the owner id of a meeting's host; may be empty.
        url: address of the page, or of the link that was clicked; None where there is none.
        contact: None until a contact with the address `email` is known (form submissions carry no contact id).
        email: the address it came with, lower-case; empty where the CRM gave a contact id. Erased with the person.
        automatic: true when a machine did it (a mail scanner's click, R09); such rows never score.
    """

    stream: str
    id: str
    contact: ContactId | None
    kind: ActivityKind
    occurred_at: datetime
    name: str = ""
    ref: str = ""
    url: str | None = None
    email: str = ""
    automatic: bool = False

    def __post_init__(self) -> None:
        require_aware(self.occurred_at, "occurred_at")
