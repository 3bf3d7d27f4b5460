"""A document as one e-mail message (RFC 5322), plain and as a page, for whatever sends mail.

Whom it goes to is left out: whoever sends it says so.
"""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP

from connector.cli.reporting.as_html import as_html
from connector.cli.reporting.as_markdown import as_markdown
from connector.cli.reporting.document import Document

BOUNDARY = "=_handoff_report"
"""Never part of what it parts: quoted-printable text holds no `=_`. The same report is the same message."""


def as_mail(found: Document) -> str:
    """The whole message with `\\r\\n` between its lines, all in ASCII."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = "".join(sign if sign.isprintable() else " " for sign in f"{found.title}: {found.answer}")
    message.set_content(as_markdown(found), cte="quoted-printable")
    message.add_alternative(as_html(found), subtype="html", cte="quoted-printable")
    message.set_boundary(BOUNDARY)
    return message.as_bytes().decode("ascii")
