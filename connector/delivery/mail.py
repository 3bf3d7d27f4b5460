"""A notice as a title and a plain text, for e-mail and the other services behind apprise_door.py."""

from __future__ import annotations

from connector.delivery.markup import for_plain_services, short
from connector.delivery.message import Message, with_texts
from connector.delivery.text import lines_of

LONGEST_TITLE = 200


def mail_message(message: Message) -> dict[str, object]:
    """`title`, which is a mail's subject, and `text`. Texts of the CRM hold no addresses that a reader could click."""
    _, *lines = lines_of(with_texts(message, for_plain_services))
    title = " ".join(for_plain_services(message.headline).split())
    return {"title": short(title, LONGEST_TITLE), "text": "\n".join(lines).strip() or title}
