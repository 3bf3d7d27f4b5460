"""Templates over built-in messages (S10, R15): values escaped, masked where others read, and never a loss."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kinds import TYPES, destination, destination_off, digest
from leads import FIELDS, notice, packet

from connector.delivery import payload, wording
from connector.delivery.destinations import Destination
from connector.delivery.payload import build_body
from connector.delivery.samples import sample_notice
from connector.delivery.size import LIMIT_BYTES
from connector.delivery.wording import values_of, worded
from connector.domain.notice import Notice, NoticeKind
from connector.rules.notifications import MessageTemplate
from connector.rules.templates import TemplateError, names_of

LEAD = NoticeKind.LEAD_HANDED_OFF
EVIL = "<!channel> [x](https://evil.example) <at>B</at> *b* @everyone"
OWN = MessageTemplate(title="For you: {{ company }}", text="*{{ name }}* wrote:\n{{ message }}\n\n{{ link }}")


def with_template(kind: str, template: MessageTemplate, *, personal: bool = True) -> Destination:
    return replace(destination(kind, personal=personal), templates=dict.fromkeys(NoticeKind, template))


def body(kind: str, template: MessageTemplate, told: Notice | None = None, *, personal: bool = True) -> Any:
    return json.loads(build_body(with_template(kind, template, personal=personal), told or notice(), "msg_1"))


def test_slack_gets_the_title_as_header_and_the_text_as_markup_with_values_escaped() -> None:
    made = body("slack", OWN, notice(message=EVIL))
    header, mention, first, second, link = made["blocks"]
    assert header["text"] == {"type": "plain_text", "text": "For you: Acme Widgets & Söhne", "emoji": False}
    assert mention["text"]["text"] == "<@U0ANAFIELD>"
    assert first["text"]["type"] == "mrkdwn" and first["text"]["verbatim"] is True
    assert first["text"]["text"].startswith("*Robin Sample* wrote:\n&lt;!channel&gt; [x](https: //evil.example)")
    assert second["text"]["text"].startswith("https://app.hubspot.com/")
    assert "Open in the CRM" in link["text"]["text"]


def test_teams_gets_markdown_with_values_escaped() -> None:
    card = body("teams", OWN, notice(message=EVIL))["attachments"][0]["content"]
    title, mention, text = card["body"]
    assert title["inlines"][0]["text"] == "For you: Acme Widgets & Söhne"
    assert mention["text"] == "<at>Ana Field</at>" == card["msteams"]["entities"][0]["text"]
    assert text["type"] == "TextBlock" and text["text"].startswith("*Robin Sample* wrote:")
    assert "‹at›B‹/at›" in text["text"] and "［x］(https: //evil.example)" in text["text"] and "\\*b\\*" in text["text"]


def test_google_chat_gets_its_html_with_values_escaped() -> None:
    own = MessageTemplate(text='<b>{{ name }}</b> <a href="{{ link }}">open</a>')
    made = body("google_chat", own, notice(first_name="<b>R", last_name="&co"))
    text = made["cardsV2"][0]["card"]["sections"][0]["widgets"][0]["textParagraph"]["text"]
    assert text == ('<b>&lt;b&gt;R &amp;co</b> <a href="https://app.hubspot.com/contacts/62515/record/0-1/90210?a=1&b=2">'
                    "open</a>")  # fmt: skip
    assert made["text"] == "<users/104857600042> A new lead for you"


def test_mail_gets_a_subject_of_one_line_and_a_plain_text() -> None:
    made = body("apprise", OWN, notice(company="Acme\r\nBcc: all@evil.example", message=EVIL))
    assert made["title"] == "For you: Acme Bcc: all@evil.example"
    harmless = "‹!channel› [x](https: //evil.example) ‹at›B‹/at› *b* @ everyone"
    assert made["text"].startswith(f"*Robin Sample* wrote:\n{harmless}\n\nhttps://app.hubspot.com/")


def test_a_webhook_gets_title_and_text_beside_the_packet() -> None:
    made = body("webhook", OWN)
    assert made["data"]["title"] == "For you: Acme Widgets & Söhne"
    assert made["data"]["text"].startswith("*Robin Sample* wrote:\nCould you show us")
    assert made["data"]["contact"]["name"] == "Robin Sample"
    assert body("webhook", MessageTemplate(title="x"))["data"]["title"] == "x"
    assert "text" not in body("webhook", MessageTemplate(title="x"))["data"]


def test_a_title_alone_leaves_the_message_as_it_is_built_in() -> None:
    made = body("slack", MessageTemplate(title="Hello {{ rep }}"))
    ordinary = json.loads(build_body(destination("slack", personal=True), notice(), "msg_1"))
    assert made["blocks"][0]["text"]["text"] == "Hello Ana Field"
    assert made["blocks"][1:] == ordinary["blocks"][1:]


@pytest.mark.parametrize("kind", TYPES)
def test_a_template_in_a_shared_channel_gets_masked_values(kind: str) -> None:
    """R15: an admin cannot undo the mask by a template."""
    every = MessageTemplate(title="{{ name }}", text=" ".join(f"{{{{ {name} }}}}" for name in names_of(LEAD)))
    text = json.dumps(body(kind, every, personal=False), ensure_ascii=False)
    assert "Robin S." in text
    assert not any(FIELDS[name] in text for name in ("email", "phone", "message", "last_name"))


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_name_has_a_text_for_every_kind(kind: NoticeKind) -> None:
    told = sample_notice(kind, "team", notice().occurred_at)
    message = worded(kind, told.packet, None, "webhook")
    values = values_of(kind, told.packet, message)
    assert list(values) == list(names_of(kind)) and all(isinstance(value, str) for value in values.values())
    empty = {name for name, value in values.items() if not value}
    assert empty <= {"clock", "since_last_time", "link", "refused", "attempted"}


def test_names_of_digests_and_of_destinations_that_are_off() -> None:
    own = MessageTemplate(title="{{ count }} leads", text="{{ leads }}")
    assert body("apprise", own, digest(21))["text"].endswith("contact 1019\nand 1 more")
    own = MessageTemplate(text="{{ destination }}: {{ why }}, {{ waiting }} wait since {{ since }}")
    told = body("apprise", own, destination_off())
    assert told["text"] == (
        "crm_team: 410: the receiver is gone for good, 17 wait since 2026-02-25 09:00 UTC"
    )


def test_a_template_that_fails_when_it_matters_costs_no_notice(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """P2, I10: the built-in words go out and the log says so, once, without the person's data."""

    def broken(*_: object) -> str:
        raise TemplateError("cannot be rendered: UndefinedError")

    monkeypatch.setattr(wording, "render", broken)
    with caplog.at_level(logging.WARNING, payload.__name__):
        made = build_body(with_template("slack", OWN), notice(), "msg_1")
    assert made == build_body(destination("slack", personal=True), notice(), "msg_1")
    (record,) = caplog.records
    assert (record.__dict__["destination"], record.__dict__["kind"]) == ("slack", "lead.handed_off")
    assert not any(value in caplog.text + str(record.__dict__) for value in FIELDS.values() if len(value) > 2)


def test_a_text_that_grows_too_large_falls_back_to_the_built_in_one() -> None:
    own = MessageTemplate(text="{{ message }}" * 20)
    made = build_body(with_template("slack", own), notice(message="x" * 3_000), "msg_1")
    assert "Asked for a demo." in made and len(made.encode()) < LIMIT_BYTES


def test_a_text_without_any_words_falls_back_too() -> None:
    made = body("slack", MessageTemplate(text="{% if clock %}{{ clock }}{% endif %}"))
    assert "Asked for a demo." in json.dumps(made)


@pytest.mark.parametrize("kind", TYPES)
@given(fields=st.fixed_dictionaries(dict.fromkeys(FIELDS, st.text(max_size=300))))
def test_whatever_fields_hold_a_template_gives_json_below_20_kb(kind: str, fields: dict[str, str]) -> None:
    fields["country"] = "DE"
    made = build_body(with_template(kind, OWN), notice(**fields), "msg_1")
    assert len(made.encode()) < LIMIT_BYTES
    json.loads(made)


def test_a_link_cannot_end_the_markup_around_it() -> None:
    told = packet()
    told["link"] = "https://app.example/a(b)c'd[e]"
    message = worded(LEAD, told, None, "teams")
    assert values_of(LEAD, told, message)["link"] == "https://app.example/a%28b%29c%27d%5Be%5D"
