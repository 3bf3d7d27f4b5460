"""A notice as a message of Google Chat: a card for an incoming webhook.

Texts of cards are a small HTML: whatever comes from the CRM is escaped, and an admin's template keeps its own tags
(S10). Source: Google Chat API, "cards v2", "Format messages"; its limit of 32 kB lies above ours.
"""

from __future__ import annotations

from collections.abc import Iterable

from connector.delivery.markup import for_google_chat, for_plain_services, short
from connector.delivery.message import Message

Widget = dict[str, object]

MOST_WIDGETS = 100
LONGEST_TITLE = 200
LONGEST_TEXT = 3_000


def google_chat_message(message: Message, member: str | None = None) -> dict[str, object]:
    """The JSON for an incoming webhook.

    Args:
        member: number of the Google user to mention; None mentions nobody.
    """
    widgets: list[Widget] = []
    if message.markup:
        widgets.append({"textParagraph": {"text": message.markup}})
    if message.reason:
        widgets.append(_paragraph(message.reason))
    widgets += _table(message.facts)
    widgets += _list("Lately", (f"{when}: {what}" for when, what in message.history))
    widgets += _list("Since last time", message.since)
    if message.score_line:
        widgets += _list(f"Score: {message.score_line}", (f"{points}  {label}" for points, label in message.score))
    widgets += [_lead(said, link) for said, link in message.leads]
    if message.more:
        widgets.append(_paragraph(f"and {message.more} more"))
    widgets += _table(message.closing)
    ways = [*([("Open in the CRM", message.link)] if message.link else []), *message.answers]
    if ways:
        widgets.append({"buttonList": {"buttons": [_button(label, url) for label, url in ways]}})
    title = short(message.headline, LONGEST_TITLE)
    card: dict[str, object] = {"header": {"title": title}}
    if widgets:
        card["sections"] = [{"widgets": widgets[:MOST_WIDGETS]}]
    # What a notification on a phone shows; here `<users/…>` mentions, so a title's values go without such signs.
    mention = f"<users/{member}> " if member else ""
    return {"text": mention + for_plain_services(title), "cardsV2": [{"cardId": "handoff", "card": card}]}


def _table(rows: Iterable[tuple[str, str]]) -> list[Widget]:
    return [
        {"decoratedText": {"topLabel": label, "text": _text(value), "wrapText": True}} for label, value in rows
    ]


def _list(title: str, lines: Iterable[str]) -> list[Widget]:
    text = "\n".join(f"• {_text(line)}" for line in lines)
    if text:
        return [{"textParagraph": {"text": f"<i>{_text(title)}</i>\n{text}"}}]
    return [_paragraph(title)] if title.startswith("Score") else []


def _lead(said: str, link: str) -> Widget:
    """One of a digest, with its own way to the record."""
    row: dict[str, object] = {"text": _text(said), "wrapText": True}
    if link:
        row["button"] = _button("Open", link)
    return {"decoratedText": row}


def _button(text: str, link: str) -> dict[str, object]:
    return {"text": text, "onClick": {"openLink": {"url": link}}}


def _paragraph(text: str) -> Widget:
    return {"textParagraph": {"text": _text(text)}}


def _text(text: str) -> str:
    return for_google_chat(short(text, LONGEST_TEXT)) or "–"
