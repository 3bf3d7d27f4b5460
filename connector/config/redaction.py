"""What logs must not show: secrets, and what points to a person (I10, S13). Pure: text in, text out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

HIDDEN = "[hidden]"
SHORTEST_SECRET = 6
"""A shorter "secret" would be found in ordinary words and make logs unreadable."""

DEEPEST = 6
LONGEST_TEXT = 20_000

SECRET_KEYS = re.compile(
    r"token|secret|password|passwd|authoriz|cookie|signature|api_?key|hapikey|credential|^(webhook_|slack_)?url$|^body$"
    r"|^packet$|^headers$",
    re.IGNORECASE,
)
PERSONAL_KEYS = re.compile(r"e?mail|phone|mobile|^(first|last|full)_?name$|^properties$|^fields$", re.IGNORECASE)

ANSWER_LINK = re.compile(r"(/answer/[a-z]{1,20}-)[0-9a-f]{32}-[0-9a-f]{20,}")
"""The token of a link by which a rep answers: whoever has it can."""

# Order matters: an address with a password is cut before its host could be taken for an e-mail's.
PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{6,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://)[^\s/@:]*:[^\s@]*@"), rf"\1{HIDDEN}@"),
    (re.compile(r"(?i)(hooks\.slack\.com/)[^\s\"'<>]+"), rf"\1{HIDDEN}"),
    (re.compile(r"\bpat-[A-Za-z0-9-]{4,}"), HIDDEN),
    (ANSWER_LINK, rf"\1{HIDDEN}"),
    (re.compile(r"\bwhsec_[A-Za-z0-9+/=_-]*"), HIDDEN),
    (
        re.compile(
            r"(?i)((?:access_|refresh_|id_)?token|client_secret|secret|password|api_?key|hapikey|authorization|signature)"
            r"([\"']?\s*[=:]\s*[\"']?)(?!\[hidden\])[^\s\"'&,;}]+"
        ),
        rf"\1\2{HIDDEN}",
    ),
    (
        re.compile(r"[^\s\"'<>()\[\]{},;:=/@][^\s\"<>()\[\]{},;:=/@]{0,63}(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63})+"),
        "[e-mail]",
    ),
    (re.compile(r"(?<![\w.])\+\d[\d ().\-/\u00a0]{5,20}\d"), "[phone]"),
    (re.compile(r"(?<![\w:.-])(?:\(0?\d{1,5}\)|0\d{1,5})[ ./-]?\d[\d ./-]{4,14}\d(?![\w-])"), "[phone]"),
    (re.compile(r"(?<![\w.-])\d{3}[ .-]\d{3}[ .-]\d{4}(?![\w-])"), "[phone]"),
)


def redact_text(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without what it must not show; `secrets` are hidden wherever they stand, whatever they look like."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    text = text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…"
    for pattern, instead in PATTERNS:
        text = pattern.sub(instead, text)
    return text


def without_answer_links(text: str) -> str:
    """For people who look at a notice that was not sent to them."""
    return ANSWER_LINK.sub(rf"\1{HIDDEN}", text)


def redact(value: object, secrets: Iterable[str] = (), depth: int = 0) -> object:
    """The same shape with every text redacted; keys that name a secret or a person hide whatever they hold.

    Numbers, yes/no and None stay; anything that is no plain value becomes text first.
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth >= DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {
            redact_text(str(key), secrets): HIDDEN if _hides(str(key), item) else redact(item, secrets, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item, secrets, depth + 1) for item in value]
    return redact_text(value if isinstance(value, str) else str(value), secrets)


def escape_controls(text: str) -> str:
    """Signs that would move the cursor, start a new line or turn the reading direction, written out (S13)."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in text)


def worth_hiding(values: Iterable[str | None]) -> tuple[str, ...]:
    """The secrets among `values`, longest first, so that one that holds another goes whole."""
    return tuple(sorted({value for value in values if value and len(value) >= SHORTEST_SECRET}, key=len, reverse=True))


def _hides(key: str, item: object) -> bool:
    is_count = isinstance(item, bool | int | float) or item is None
    return not is_count and bool(SECRET_KEYS.search(key) or PERSONAL_KEYS.search(key))
