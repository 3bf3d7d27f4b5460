"""A notice as a Slack message (Block Kit).

Whatever comes from the CRM stands in `plain_text`, which Slack shows as it is: no link, no mention, no formatting. Only
our own words, the rep's mention from notifications.yaml, the link to the record and an admin's template, in which
values are escaped (markup.py), are markup (S10).
Source: Slack, "Block Kit" and "Formatting message text".
"""

from __future__ import annotations

from collections.abc import Iterable

from connector.delivery.markup import escape_signs as escape
from connector.delivery.markup import short as _short
from connector.delivery.message import Message

Block = dict[str, object]

MOST_BLOCKS = 50
LONGEST_HEADER = 150
LONGEST_TEXT = 3_000
LONGEST_FIELD = 2_000
PAIRS_IN_A_SECTION = 5


def slack_message(message: Message, member: str | None = None) -> dict[str, object]:
    """The JSON for an incoming webhook.

    Args:
        member: Slack member id to mention, such as `U012AB3CD`; None mentions nobody.
    """
    blocks: list[Block] = [{"type": "header", "text": _plain(message.headline, LONGEST_HEADER)}]
    if member:
        blocks.append(_markup(f"<@{member}>"))
    if message.markup:
        blocks += [_markup(_short(part, LONGEST_TEXT)) for part in message.markup.split("\n\n") if part.strip()]
    if message.reason:
        blocks.append({"type": "section", "text": _plain(message.reason)})
    blocks += _table(message.facts)
    blocks += _list("Lately", (f"{when}: {what}" for when, what in message.history))
    blocks += _list("Since last time", message.since)
    if message.score_line:
        blocks += _list(f"Score: {message.score_line}", (f"{points}  {label}" for points, label in message.score))
    blocks += [_lead(said, link) for said, link in message.leads]
    if message.more:
        blocks.append({"type": "context", "elements": [_plain(f"and {message.more} more", LONGEST_FIELD)]})
    blocks += _table(message.closing)
    if message.link:
        blocks.append(_markup(f"<{escape(message.link)}|Open in the CRM>"))
    if message.answers:
        ways = " · ".join(f"<{escape(url)}|{escape(label)}>" for label, url in message.answers)
        blocks.append(_markup(f"*Your answer:* {ways}"))
    summary = f"{message.headline}: {message.reason}" if message.reason else message.headline
    return {
        "text": escape(_short(summary, LONGEST_TEXT // 2)),
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": blocks[:MOST_BLOCKS],
    }


def _lead(said: str, link: str) -> Block:
    """One of a digest: what happened is plain, beside it the way to the record."""
    if not link:
        return {"type": "section", "text": _plain(said)}
    way: Block = {"type": "mrkdwn", "text": f"<{escape(link)}|Open>", "verbatim": True}
    return {"type": "section", "fields": [_plain(said, LONGEST_FIELD), way]}


def _table(rows: tuple[tuple[str, str], ...]) -> list[Block]:
    """Two columns; a label is ours and bold, its value is plain."""
    return [
        {
            "type": "section",
            "fields": [
                cell
                for label, value in rows[start : start + PAIRS_IN_A_SECTION]
                for cell in (_bold(label), _plain(value, LONGEST_FIELD))
            ],
        }
        for start in range(0, len(rows), PAIRS_IN_A_SECTION)
    ]


def _list(title: str, lines: Iterable[str]) -> list[Block]:
    text = "\n".join(f"• {line}" for line in lines)
    heading: Block = {"type": "context", "elements": [_plain(title, LONGEST_FIELD)]}
    if text:
        return [heading, {"type": "section", "text": _plain(text)}]
    return [heading] if title.startswith("Score") else []


def _plain(text: str, longest: int = LONGEST_TEXT) -> Block:
    # Slack refuses an empty text; emoji off, so that ":x:" in a company's name stays what it is.
    return {"type": "plain_text", "text": _short(text, longest) or "–", "emoji": False}


def _bold(label: str) -> Block:
    return {"type": "mrkdwn", "text": f"*{escape(label)}*", "verbatim": True}


def _markup(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}

