"""Teams, Google Chat and mail: limits of theirs kept, nothing from a field is markup, any packet is laid out (S10)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kinds import destination
from leads import FIELDS, notice, packet
from test_markup import EVIL

from connector.delivery.google_chat import MOST_WIDGETS, google_chat_message
from connector.delivery.mail import mail_message
from connector.delivery.message import Message, read_message
from connector.delivery.payload import build_body
from connector.delivery.size import LIMIT_BYTES
from connector.delivery.teams import teams_message
from connector.domain.notice import NoticeKind
from connector.rules.notifications import MessageTemplate
from connector.rules.templates import names_of

TEAMS, CHAT, MAIL = (destination(kind, personal=True) for kind in ("teams", "google_chat", "apprise"))
TEXTS = st.text(max_size=200) | st.sampled_from(EVIL)
PERSON = st.fixed_dictionaries(dict.fromkeys(FIELDS, TEXTS)).map(lambda fields: {**fields, "country": "DE"})


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(inner)


def card(body: str) -> dict[str, Any]:
    return json.loads(body)["attachments"][0]["content"]  # type: ignore[no-any-return]


@given(PERSON)
def test_in_teams_fields_stand_in_plain_runs_and_markdown_never_changes_with_them(fields: dict[str, str]) -> None:
    """S10"""
    made = card(build_body(TEAMS, notice(**fields), "m"))
    markdown = [node["text"] for node in nodes(made) if node.get("type") == "TextBlock"]
    assert markdown == ["<at>Ana Field</at>"]
    assert [node["url"] for node in nodes(made) if "url" in node] == [packet()["link"]]
    runs = [node["text"] for node in nodes(made) if node.get("type") == "TextRun"]
    assert runs and all(text and "<at>" not in text.lower() and "{{" not in text for text in runs)


def test_the_envelope_is_what_a_workflow_expects() -> None:
    body = json.loads(build_body(TEAMS, notice(), "m"))
    (attachment,) = body["attachments"]
    assert (body["type"], attachment["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
    content = attachment["content"]
    assert (content["type"], content["version"]) == ("AdaptiveCard", "1.4")
    assert content["msteams"]["entities"] == [
        {"type": "mention", "text": "<at>Ana Field</at>",
         "mentioned": {"id": "ana.field@seller.example", "name": "Ana Field"}},
    ]  # fmt: skip
    assert content["actions"][0] == {"type": "Action.OpenUrl", "title": "Open in the CRM", "url": packet()["link"]}


def test_a_rep_whose_name_has_markup_in_it_is_mentioned_without() -> None:
    message = Message(headline="x")
    made = teams_message(message, "ana@seller.example", "<at>Ana</at> [F](https://evil.example) O'Neil-Ö.")
    text = made["attachments"][0]["content"]["body"][1]["text"]  # type: ignore[index]
    assert text == "<at>atAnaat Fhttpsevil.example O'Neil-Ö.</at>"
    nameless = teams_message(message, "ana@seller.example", "<>")
    assert "<at>You</at>" in json.dumps(nameless)


@given(PERSON)
def test_in_google_chat_fields_are_escaped_and_buttons_lead_to_the_record_alone(fields: dict[str, str]) -> None:
    """S10"""
    made = json.loads(build_body(CHAT, notice(**fields), "m"))
    assert made["text"] == "<users/104857600042> A new lead for you"
    allowed = ("<i>", "</i>")
    for node in nodes(made["cardsV2"]):
        text = str(node.get("text", ""))
        for tag in allowed:
            text = text.replace(tag, "")
        assert "<" not in text and "://" not in text
    assert [node["url"] for node in nodes(made["cardsV2"]) if "url" in node] == [packet()["link"]]


@given(PERSON)
def test_in_a_mail_only_the_record_has_an_address(fields: dict[str, str]) -> None:
    """S10"""
    made = json.loads(build_body(MAIL, notice(**fields), "m"))
    assert made["title"] == "A new lead for you"
    assert made["text"].count("://") == 1 and str(packet()["link"]) in made["text"]
    assert "<" not in made["text"]


KEYS = ("contact", "owner", "score", "history", "allowed", "due", "link", "why_now", "held", "clock", "leads", "count",
        "destination", "why", "waiting", "since", "resume", "id", "kind", "summary", "contact_id", "name", "top",
        "email")  # fmt: skip
ROWS = st.lists(st.tuples(st.text(max_size=900), st.text(max_size=900)), max_size=150)


@pytest.mark.parametrize("layout", [teams_message, google_chat_message])
@given(headline=st.text(max_size=400), rows=ROWS)
def test_messages_of_any_length_keep_the_services_own_limits(
    layout: Any, headline: str, rows: list[tuple[str, str]]
) -> None:
    message = replace(
        read_message(NoticeKind.LEAD_HANDED_OFF, packet()), headline=headline, facts=tuple(rows),
        history=tuple(rows), score=tuple(rows), closing=tuple(rows), leads=tuple(rows[:20]), more=3,
    )  # fmt: skip
    made = layout(message, "1")
    for node in nodes(made):
        if node.get("type") == "TextRun":
            assert 1 <= len(node["text"]) <= 3_000
        if "widgets" in node:
            assert 1 <= len(node["widgets"]) <= MOST_WIDGETS


@given(st.integers(0, 60), st.text(max_size=3_000))
def test_long_packets_fit_into_every_service(rows: int, text: str) -> None:
    told = notice(message=text)
    history = [{"at": "x", "when": "now", "what": text[:200]} for _ in range(rows)]
    long = replace(told, packet={**told.packet, "history": history, "why_now": text})
    for one in (TEAMS, CHAT, MAIL):
        assert len(build_body(one, long, "m").encode()) < LIMIT_BYTES


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner),
    max_leaves=12,
)


@settings(max_examples=40)
@given(kind=st.sampled_from(NoticeKind), shape=st.dictionaries(st.sampled_from(KEYS), VALUES), own=st.booleans())
def test_a_packet_of_any_shape_gives_a_body_in_every_service(
    kind: NoticeKind, shape: dict[str, Any], own: bool
) -> None:
    """P2: nothing that a packet may hold costs the notice, with a template or without."""
    template = MessageTemplate(text=" ".join(f"{{{{ {name} }}}}" for name in names_of(kind)))
    for one in (TEAMS, CHAT, MAIL, destination("slack", personal=False), destination("webhook", personal=True)):
        made = replace(one, templates={kind: template} if own else {})
        body = build_body(made, replace(notice(), kind=kind, packet=shape), "m")
        assert json.loads(body) and len(body.encode()) < LIMIT_BYTES


def test_a_message_without_anything_still_has_its_headline() -> None:
    empty = Message(headline="A test")
    assert "A test" in json.dumps(teams_message(empty)) and "A test" in json.dumps(google_chat_message(empty))
    assert mail_message(empty) == {"title": "A test", "text": "A test"}
    assert "sections" not in json.dumps(google_chat_message(empty))
