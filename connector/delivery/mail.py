"""A notice as a title and a plain text, for e-mail and the other services behind apprise_door.py."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connector.delivery.markup import for_plain_services, short
from connector.delivery.message import Message, with_texts

LONGEST_TITLE = 200


def mail_message(message: Message) -> dict[str, object]:
    """`title`, which is a mail's subject, and `text`. Texts of the CRM hold no address that a reader could click."""
    title = short(" ".join(for_plain_services(message.headline).split()), LONGEST_TITLE)
    said = with_texts(message, for_plain_services)
    text = "\n\n".join(filter(None, [message.markup, answers_of(message)]) if message.markup else _parts(said))
    return {"title": title, "text": text or title}


def _parts(message: Message) -> Iterator[str]:
    """Paragraphs; no columns, since a mail may be read in any font."""
    yield from filter(None, [message.reason, _pairs(message.facts)])
    yield from _titled("Lately", (f"{when}: {what}" for when, what in message.history))
    yield from _titled("Since last time", message.since)
    if message.score_line:
        rows = "".join(f"\n{points} {label}" for points, label in message.score)
        yield f"Score: {message.score_line}{rows}"
    told = [f"{said} {link}".rstrip() for said, link in message.leads]
    yield from filter(None, ["\n".join(told + ([f"and {message.more} more"] if message.more else []))])
    yield from filter(None, [_pairs(message.closing)])
    if message.link:
        yield f"Open in the CRM: {message.link}"
    yield from filter(None, [answers_of(message)])


def answers_of(message: Message) -> str:
    """A line for each answer, with the address alone behind it; empty for none."""
    ways = "\n".join(f"{label}: {url}" for label, url in message.answers)
    return f"Your answer, by link:\n{ways}" if ways else ""


def _pairs(rows: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"{label}: {value}" for label, value in rows)


def _titled(title: str, lines: Iterable[str]) -> Iterator[str]:
    text = "\n".join(f"- {line}" for line in lines)
    if text:
        yield f"{title}:\n{text}"
