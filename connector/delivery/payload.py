"""Bodies: a notice as the exact text that one destination gets; built once, and every try sends the same bytes (P2).

A destination that is not marked personal gets the packet masked. Who hears of what is rules/notifications.py; headers
and signatures belong to the try and are sender.py's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from connector.delivery.answer_links import AnswerLinks
from connector.delivery.destinations import NO_TEMPLATES, Destination
from connector.delivery.google_chat import google_chat_message
from connector.delivery.mail import mail_message
from connector.delivery.message import Message, Packet
from connector.delivery.size import LIMIT_BYTES, Json, fit
from connector.delivery.slack import slack_message
from connector.delivery.teams import teams_message
from connector.delivery.wording import worded
from connector.domain.answer import AnswerKind
from connector.domain.notice import Notice, NoticeKind
from connector.rules.answers import LABELS
from connector.rules.packet import mask
from connector.rules.templates import TemplateError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Mention:
    """A rep to mention: id in the chat, None where notifications.yaml names none, and how the mention reads."""

    member: str | None
    name: str


Layout = Callable[[Message, Mention], Json]
LAYOUTS: Mapping[str, Layout] = {
    "slack": lambda message, mention: slack_message(message, mention.member),
    "teams": lambda message, mention: teams_message(message, mention.member, mention.name),
    "google_chat": lambda message, mention: google_chat_message(message, mention.member),
    "apprise": lambda message, _: mail_message(message),
}


def build_body(destination: Destination, notice: Notice, entry: str, links: AnswerLinks | None = None) -> str:
    """The body for one destination, below 20 kB of JSON; the same notice and entry always give the same text.

    An admin's template that cannot be rendered costs no notice: the built-in words go out, and the log says so.

    Args:
        entry: the entry's id, which is the message's id for its receiver.
        links: for answers by whoever has the lead (R20); None where the portal gives none.
    """
    answers = links.of(notice, destination, entry) if links is not None else {}
    try:
        return _build(destination, notice, entry, answers)
    except TemplateError as wrong:
        facts = {"destination": destination.name, "kind": notice.kind.value, "entry": entry, "why": wrong.message}
        log.warning("Template not used, the built-in message goes out", extra={"action": "notify", **facts})
        return _build(replace(destination, templates=NO_TEMPLATES), notice, entry, answers)


def _build(destination: Destination, notice: Notice, entry: str, answers: Mapping[AnswerKind, str]) -> str:
    packet = notice.packet if destination.personal else mask(notice.packet)
    if destination.type == "webhook":
        return _webhook(destination, notice, packet, entry, answers)
    layout, template = LAYOUTS[destination.type], destination.templates.get(notice.kind)
    mention, ways = _mention(destination, notice), tuple((LABELS[kind], url) for kind, url in answers.items())

    def laid_out(data: Json) -> Json:
        return layout(replace(worded(notice.kind, data, template, destination.type), answers=ways), mention)

    return fit(packet, laid_out)


def _webhook(
    destination: Destination, notice: Notice, packet: Packet, entry: str, answers: Mapping[AnswerKind, str]
) -> str:
    """`type`, `id`, `occurred_at`, `data`, in this order; docs/notifications.md lists what stands in `data`."""
    ids: Json = {"contact_id": notice.contact, "episode_id": notice.episode, "owner_id": notice.owner}
    if notice.kind is NoticeKind.LEAD_DIGEST:
        ids["ids"] = _ids(packet)       # whole, however much of `leads` must be left out
    if answers:
        ids["answers"] = {kind.value: url for kind, url in answers.items()}
    template = destination.templates.get(notice.kind)

    def wrap(data: Json) -> Json:
        return {
            "type": notice.kind.value,
            "id": entry,
            "occurred_at": notice.occurred_at.isoformat(),
            "data": ids | (_own_words(worded(notice.kind, data, template, "webhook")) if template else {}) | data,
        }

    return fit(packet, wrap)


def _own_words(message: Message) -> Json:
    return {"title": message.headline, "text": message.markup} if message.markup else {"title": message.headline}


def _ids(packet: Packet) -> list[str]:
    leads = packet.get("leads")
    rows = leads if isinstance(leads, list | tuple) else ()
    found = [str(row["id"]) for row in rows if isinstance(row, Mapping) and "id" in row]
    room = LIMIT_BYTES * 9 // 10
    while found and sum(len(one.encode("utf-8", "replace")) + 4 for one in found) > room:
        found.pop()
    return found


def _mention(destination: Destination, notice: Notice) -> Mention:
    """The addressee in the chat; by e-mail, which stands in the unmasked packet only, or by owner id."""
    if notice.owner is None:
        return Mention(None, "")
    owner = notice.packet.get("owner")
    facts = owner if isinstance(owner, Mapping) and owner.get("id") == notice.owner else {}
    email, name = facts.get("email"), facts.get("name")
    by_email = destination.members.get(email.lower()) if isinstance(email, str) else None
    member = by_email or destination.members.get(notice.owner.lower())
    return Mention(member, name if isinstance(name, str) else "")
