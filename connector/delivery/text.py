"""A notice in plain text: how a rep sees it in a terminal or a plain mail. It is no markup: print it as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connector.delivery.message import Message, Packet, read_message
from connector.domain.notice import NoticeKind

GAP = 2


def as_text(packet: Packet, kind: NoticeKind = NoticeKind.LEAD_HANDED_OFF) -> str:
    """The whole message in lines of any length, without a line end at its end."""
    return "\n".join(lines_of(read_message(kind, packet)))


def lines_of(message: Message) -> Iterator[str]:
    """Headline first, then what follows it."""
    yield message.headline
    if message.markup:
        yield from message.markup.splitlines()
        return
    if message.reason:
        yield message.reason
    if message.facts:
        yield ""
        yield from _columns(message.facts)
    if message.history:
        yield from ("", "Lately")
        yield from _columns(message.history, indent=GAP)
    if message.since:
        yield from ("", "Since last time")
        yield from (f"{'':{GAP}}{line}" for line in message.since)
    if message.score_line:
        yield from ("", f"Score: {message.score_line}")
        yield from _columns(message.score, indent=GAP, right=True)
    if message.leads:
        yield ""
        yield from (f"{'':{GAP}}{said}{'  ' if link else ''}{link}" for said, link in message.leads)
    if message.more:
        yield f"{'':{GAP}}and {message.more} more"
    if message.closing or message.link:
        yield ""
        yield from _columns((*message.closing, *([("Open", message.link)] if message.link else [])))


def _columns(rows: Iterable[tuple[str, str]], *, indent: int = 0, right: bool = False) -> Iterator[str]:
    rows = tuple(rows)
    width = max((len(first) for first, _ in rows), default=0)
    for first, second in rows:
        yield f"{'':{indent}}{first:{'>' if right else '<'}{width}}{'':{GAP}}{second}".rstrip()
