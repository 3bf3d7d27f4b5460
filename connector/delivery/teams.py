"""A notice as a message of Microsoft Teams: an Adaptive Card in the envelope that a Workflows webhook expects.

Whatever comes from the CRM stands in text runs, which Teams shows as they are; only our own words, the rep's mention
and an admin's template are Markdown (S10). Source: Microsoft, "Adaptive Cards" (RichTextBlock, TextRun) and "Create
incoming webhooks with Workflows"; the limit of 28 kB lies above ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from connector.delivery.markup import in_a_card, short
from connector.delivery.message import Message

Element = dict[str, object]

VERSION = "1.4"
LONGEST_TITLE = 300
LONGEST_TEXT = 3_000


def teams_message(message: Message, member: str | None = None, name: str = "") -> dict[str, object]:
    """The JSON for a Workflows webhook.

    Args:
        member: sign-in name or object id to mention; None mentions nobody.
        name: how the mention reads.
    """
    body: list[Element] = [_runs([_run(message.headline, LONGEST_TITLE, size="Large", weight="Bolder")])]
    teams: dict[str, object] = {"width": "Full"}
    if member:
        mention = f"<at>{_name(name)}</at>"
        body.append({"type": "TextBlock", "text": mention, "wrap": True})
        teams["entities"] = [
            {"type": "mention", "text": mention, "mentioned": {"id": member, "name": _name(name)}}
        ]
    if message.markup:
        body.append({"type": "TextBlock", "text": message.markup.replace("\n", "\n\n"), "wrap": True})
    if message.reason:
        body.append(_runs([_run(message.reason)]))
    body += _table(message.facts)
    body += _list("Lately", (f"{when}: {what}" for when, what in message.history))
    body += _list("Since last time", message.since)
    if message.score_line:
        body += _list(f"Score: {message.score_line}", (f"{points}  {label}" for points, label in message.score))
    body += [_lead(said, link) for said, link in message.leads]
    if message.more:
        body.append(_runs([_run(f"and {message.more} more", isSubtle=True)]))
    body += _table(message.closing)
    card: dict[str, object] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": VERSION,
        "body": body,
        "msteams": teams,
    }
    ways = [*([("Open in the CRM", message.link)] if message.link else []), *message.answers]
    if ways:
        card["actions"] = [{"type": "Action.OpenUrl", "title": label, "url": url} for label, url in ways]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _table(rows: Iterable[tuple[str, str]]) -> list[Element]:
    return [_runs([_run(f"{label}: ", weight="Bolder"), _run(value)]) for label, value in rows]


def _list(title: str, lines: Iterable[str]) -> list[Element]:
    """A heading and one line each; no heading without lines, but for the score."""
    rows = [_runs([_run(f"• {line}")]) for line in lines]
    return [_runs([_run(title, isSubtle=True)], space=True), *rows] if rows or title.startswith("Score") else []


def _lead(said: str, link: str) -> Element:
    """One of a digest; the run itself leads to the record."""
    run = _run(f"• {said}")
    if link:
        run["selectAction"] = {"type": "Action.OpenUrl", "url": link}
    return _runs([run])


def _runs(runs: list[Element], *, space: bool = False) -> Element:
    return {"type": "RichTextBlock", "inlines": runs, "spacing": "Medium" if space else "Small"}


def _run(text: str, longest: int = LONGEST_TEXT, **looks: object) -> Element:
    # An empty run is refused by some of Teams' clients.
    return {"type": "TextRun", "text": short(in_a_card(text), longest) or "–", **looks}


def _name(name: str) -> str:
    """A rep's name between `<at>` and `</at>`: letters, digits and what names have."""
    return re.sub(r"[^\w .,'’-]|_", "", name).strip()[:100] or "You"
