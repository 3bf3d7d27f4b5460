"""Wording: an admin's templates put over the built-in message; where one fails, the built-in words stand.

What may stand in a template is rules/templates.py; how values are escaped is markup.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from connector.delivery.markup import ESCAPES, for_nobody, short
from connector.delivery.message import Message, Packet, read_message
from connector.delivery.text import lines_of
from connector.domain.notice import NoticeKind
from connector.rules.notifications import MessageTemplate
from connector.rules.templates import Trusted, names_of, render

LONGEST_VALUE = 2_000
UNFIT_IN_MARKUP = {ord("("): "%28", ord(")"): "%29", ord("'"): "%27", ord("["): "%5B", ord("]"): "%5D"}
"""Signs that would end a link in one markup or another; `<`, `>` and quotes are in no link (message.py)."""
PERSON = ("name", "first_name", "last_name", "job_title", "company", "country", "email", "phone", "message")


def worded(kind: NoticeKind, packet: Packet, template: MessageTemplate | None, target: str) -> Message:
    """The message for a type of destination, in the admin's words where there are some.

    Raises:
        TemplateError: the template cannot be rendered with these values.
    """
    message = read_message(kind, packet)
    if template is None:
        return message
    values = values_of(kind, packet, message)
    title = " ".join(render(template.title, values, for_nobody).split()) if template.title else message.headline
    if not template.text:
        return replace(message, headline=title or message.headline)
    text = render(template.text, values, ESCAPES[target])
    return Message(headline=title or message.headline, markup=text, link=message.link) if text else message


def values_of(kind: NoticeKind, packet: Packet, message: Message) -> dict[str, str]:
    """Every name of rules/templates.py with its text, empty where the notice has none."""
    found = {
        **_of_the_lead(packet, message),
        **_of_ops(packet),
        "headline": message.headline,
        "reason": message.reason,
        "kind": kind.value,
        "summary": "\n".join([*lines_of(message)][1:]).strip(),
        "leads": "\n".join(_leads(message)),
    }
    values = {name: short(found.get(name, ""), LONGEST_VALUE) for name in names_of(kind)}
    return {**values, "link": Trusted(message.link.translate(UNFIT_IN_MARKUP))} if "link" in values else values


def _leads(message: Message) -> Iterator[str]:
    yield from (said for said, _ in message.leads)
    if message.more:
        yield f"and {message.more} more"


def _of_the_lead(packet: Packet, message: Message) -> dict[str, str]:
    person, owner = _part(packet, "contact"), _part(packet, "owner")
    told = dict(message.closing)
    return {
        **{name: _line(person.get(name)) for name in PERSON},
        "why_now": _line(packet.get("why_now")),
        "clock": _line(packet.get("clock")),
        "local_time": _line(_part(packet, "local_time").get("words")),
        "score": message.score_line,
        "score_lines": "\n".join(f"{points} {label}" for points, label in message.score),
        "history": "\n".join(f"{when}: {what}" for when, what in message.history),
        "since_last_time": "\n".join(message.since),
        "due": told.get("React until", ""),
        "rep": _line(owner.get("name")),
        "routed": _line(packet.get("routed")),
        "allowed": told.get("Allowed", ""),
    }


def _of_ops(packet: Packet) -> dict[str, str]:
    """Numbers and texts that stand in the packet by themselves."""
    plain = {key: value for key, value in packet.items() if isinstance(value, str | int | float)}
    return {key: _line(value) for key, value in plain.items() if key in OPS_KEYS}


OPS_KEYS = (
    "held", "allowed", "refused", "attempted", "would_hand_over", "would_change", "count", "destination", "why",
    "waiting", "since", "mail", "campaign", "list", "alarm", "late",
)  # fmt: skip


def _part(packet: Packet, key: str) -> Mapping[str, object]:
    value = packet.get(key)
    return value if isinstance(value, Mapping) else {}


def _line(value: object) -> str:
    """One line, without signs that cannot be shown."""
    text = f"{value:.12g}" if isinstance(value, int | float) else value if isinstance(value, str) else ""
    return " ".join(for_nobody(text.replace("\n", " ")).split())
