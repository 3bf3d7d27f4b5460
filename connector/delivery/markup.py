"""Markup: values of the CRM made harmless where a text is read as more than letters (S10).

In each target no value can mention anybody, make a link or change how the text around it looks. An address of the web
that somebody typed into a form stays readable, with a blank in it. What an admin writes in a template is markup.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from types import MappingProxyType

FORMATTING = re.compile(r"(?<!\w)[*_~`]|[*_~`](?!\w)")
"""Within a word these signs format nothing, and an e-mail with `_` in it must stay what it is."""
AT = re.compile(r"(?<![\w.+-])@(?=\w)")
NOTHING = "\u200b"
"""A blank without width."""


def short(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def escape_signs(text: str) -> str:
    """The three signs that steer Slack's and Google Chat's text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def for_nobody(text: str) -> str:
    """JSON and places that show letters alone: only signs that cannot be shown go."""
    return "".join(sign if sign.isprintable() or sign == "\n" else " " for sign in text)


def for_slack(text: str) -> str:
    """mrkdwn: `&`, `<`, `>` escaped; formatting signs at the edge of a word, and a quote's `>`, get a blank beside."""
    safe = escape_signs(_without_links(for_nobody(text)))
    safe = FORMATTING.sub(lambda found: f"{NOTHING}{found[0]}{NOTHING}", safe)
    return NOTHING + safe if safe.startswith("&gt;") else safe


def for_teams(text: str) -> str:
    """Markdown of Adaptive Cards: formatting signs escaped; brackets of links, mentions and dates replaced."""
    safe = in_a_card(_without_links(for_nobody(text))).replace("\\", "\\\\")
    safe = safe.translate({ord("["): "［", ord("]"): "］", ord("<"): "‹", ord(">"): "›"})
    return FORMATTING.sub(lambda found: f"\\{found[0]}", safe)


def in_a_card(text: str) -> str:
    """Plain runs of an Adaptive Card: no `<at>` of a mention, no `{{DATE(…)}}`, which cards work out."""
    safe = re.sub(r"<(?=\s*/?\s*at\b)", "‹", text, flags=re.IGNORECASE)
    return re.sub(r"([{}])(?=\1)", r"\1 ", safe)


def for_google_chat(text: str) -> str:
    """The HTML of Google Chat's cards."""
    return escape_signs(_without_links(for_nobody(text)))


def for_plain_services(text: str) -> str:
    """E-mail and services whose markup we do not know: no web address, no @everyone, nothing that could be a tag."""
    safe = AT.sub("@ ", _without_links(for_nobody(text)))
    return safe.translate({ord("<"): "‹", ord(">"): "›"})


def _without_links(text: str) -> str:
    return text.replace("://", ": //")


ESCAPES: MappingProxyType[str, Callable[[str], str]] = MappingProxyType(
    {
        "webhook": for_nobody,
        "slack": for_slack,
        "teams": for_teams,
        "google_chat": for_google_chat,
        "apprise": for_plain_services,
    }
)
"""How a value is made harmless in a template's text, by the destination's type."""
