"""Bodies: the same bytes every time, below 20 kB, masked where others read too, harmless in a chat (P2, R14, S10)."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leads import ANA, EPISODE, FIELDS, LEAD, NOW, notice, packet, with_packet

from connector.delivery.destinations import Destination
from connector.delivery.message import read_message
from connector.delivery.payload import build_body
from connector.delivery.size import LIMIT_BYTES, fit, to_json
from connector.delivery.slack import MOST_BLOCKS, slack_message
from connector.delivery.text import as_text
from connector.domain.contact import OwnerId
from connector.domain.notice import Notice, NoticeKind

GOLDEN = Path(__file__).parent / "golden"
PERSONAL = Destination(name="reps", type="webhook", url="https://hooks.example/", secrets=("x",), personal=True)
SHARED = replace(PERSONAL, name="team", personal=False)
CHAT = Destination(
    name="chat", type="slack", url="https://chat.example/", personal=True,
    members={"ana.field@seller.example": "U0ANAFIELD"},
)  # fmt: skip
CHANNEL = replace(CHAT, name="channel", personal=False)
ALL = (PERSONAL, SHARED, CHAT, CHANNEL)
TEXTS = st.text(max_size=300)
EVIL = "<!channel> <@U0BOSS> <https://evil.example|click> @here & *bold* :x: https://evil.example"


def golden(name: str, made: str) -> None:
    """Compare with the file; UPDATE_GOLDEN=1 writes it anew, for a person to read the difference."""
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(made + "\n", "utf-8")
    assert made + "\n" == path.read_text("utf-8")


def pretty(body: str) -> str:
    return json.dumps(json.loads(body), ensure_ascii=False, indent=1)


@pytest.mark.parametrize("destination", ALL, ids=lambda one: one.name)
def test_bodies_are_these(destination: Destination) -> None:
    """R14, R15"""
    golden(f"{destination.type}_{destination.name}.json", pretty(build_body(destination, notice(), "msg_1")))


def test_the_page_shows_the_body_as_it_is() -> None:
    """docs/notifications.md: the keys and their order."""
    page = (Path(__file__).parents[2] / "docs/notifications.md").read_text("utf-8")
    told = json.loads(page.partition("```json")[2].partition("```")[0])
    sent = json.loads(build_body(PERSONAL, notice(), "fx_1"))
    assert list(told) == list(sent) and list(told["data"]) == list(sent["data"])
    for part in ("contact", "score", "allowed", "due", "owner", "local_time"):
        assert set(told["data"][part]) <= set(sent["data"][part])


def test_the_text_a_rep_reads_is_this() -> None:
    golden("rep.txt", as_text(packet()))


def test_a_generic_body_has_four_keys_in_order_and_names_the_ids() -> None:
    body = json.loads(build_body(PERSONAL, notice(), "msg_1"))
    assert list(body) == ["type", "id", "occurred_at", "data"]
    assert (body["type"], body["id"], body["occurred_at"]) == ("lead.handed_off", "msg_1", NOW.isoformat())
    assert list(body["data"])[:3] == ["contact_id", "episode_id", "owner_id"]
    assert (body["data"]["contact_id"], body["data"]["episode_id"]) == (LEAD, EPISODE.id)


@pytest.mark.parametrize("destination", ALL, ids=lambda one: one.name)
@pytest.mark.parametrize("kind", NoticeKind)
def test_the_same_notice_gives_the_same_bytes_for_every_kind(destination: Destination, kind: NoticeKind) -> None:
    """P2"""
    assert build_body(destination, notice(kind), "msg_1") == build_body(destination, notice(kind), "msg_1")


@pytest.mark.parametrize("destination", [SHARED, CHANNEL], ids=lambda one: one.name)
def test_a_shared_channel_gets_no_mail_no_phone_no_message_and_no_last_name(destination: Destination) -> None:
    """R15"""
    body = build_body(destination, notice(), "msg_1")
    for name in ("email", "phone", "message", "last_name"):
        assert FIELDS[name] not in body
    assert "Robin S." in body


@pytest.mark.parametrize("destination", ALL, ids=lambda one: one.name)
@given(first=TEXTS, company=TEXTS, message=st.text(max_size=40_000))
def test_whatever_the_fields_hold_a_body_is_json_below_20_kb(
    destination: Destination, first: str, company: str, message: str
) -> None:
    body = build_body(destination, notice(first_name=first, company=company, message=message), "msg_1")
    assert len(body.encode()) < LIMIT_BYTES
    json.loads(body)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=20,
)
ROWS = st.lists(st.builds(lambda what: {"when": "now", "what": what}, st.text(max_size=900)), max_size=80)


@given(history=ROWS, more=st.dictionaries(st.text(max_size=10), JSON_VALUES, max_size=6), long=st.text(max_size=9_000))
def test_any_packet_fits_and_history_is_the_first_to_go(history: list[Any], more: dict[str, Any], long: str) -> None:
    body = json.loads(build_body(PERSONAL, with_packet({**more, "long": long, "history": history}), "msg_1"))
    assert len(to_json(body).encode()) < LIMIT_BYTES
    if len(body["data"].get("history", [])) > 3:
        assert body["data"]["long"] == long.encode("utf-8", "replace").decode()


def test_the_newest_history_stays_and_the_body_says_what_is_missing() -> None:
    rows = [{"what": f"{number} " + "x" * 1_000} for number in range(40)]
    body = json.loads(build_body(PERSONAL, with_packet({"why_now": "y", "history": rows}), "msg_1"))
    kept = [row["what"].split()[0] for row in body["data"]["history"]]
    assert kept == [str(number) for number in range(40 - len(kept), 40)] and len(kept) == 10
    assert body["data"]["left_out"] == 30


def test_when_nothing_else_helps_the_last_keys_go_first() -> None:
    data = {f"key{number}": "x" * 79 for number in range(500)}
    kept = json.loads(fit(data, lambda inner: inner))
    assert 0 < len(kept) < 500 and list(kept) == list(data)[: len(kept)]


# -- Slack ---------------------------------------------------------------------------------------------------------


def markup_of(body: dict[str, Any]) -> list[str]:
    """Every text that Slack would interpret."""
    found: list[str] = []

    def walk(value: object) -> None:
        if isinstance(value, dict):
            if value.get("type") == "mrkdwn":
                assert value.get("verbatim") is True
                found.append(value["text"])
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    walk(body["blocks"])
    return found


@pytest.mark.parametrize("destination", [CHAT, CHANNEL], ids=lambda one: one.name)
def test_no_field_can_mention_link_or_format_anything_in_slack(destination: Destination) -> None:
    """S10"""
    fields = dict.fromkeys(("first_name", "last_name", "company", "job_title", "message", "phone"), EVIL)
    body = json.loads(build_body(destination, notice(**fields), "msg_1"))
    assert all("evil" not in text and "BOSS" not in text and "channel" not in text for text in markup_of(body))
    assert "<" not in body["text"] and body["mrkdwn"] is False
    assert body["unfurl_links"] is False and "link_names" not in body and "parse" not in body


@given(st.fixed_dictionaries(dict.fromkeys(FIELDS, TEXTS)))
def test_slack_markup_never_changes_with_what_the_fields_hold(fields: dict[str, str]) -> None:
    """S10"""
    fields["country"] = "DE"
    ordinary = markup_of(json.loads(build_body(CHANNEL, notice(), "m")))
    assert markup_of(json.loads(build_body(CHANNEL, notice(**fields), "m"))) == ordinary


def test_only_the_addressee_is_mentioned_by_mail_or_by_id() -> None:
    mention = "<@U0ANAFIELD>"
    assert mention in markup_of(json.loads(build_body(CHAT, notice(), "m")))
    assert mention in markup_of(json.loads(build_body(CHANNEL, notice(), "m")))
    by_id = replace(CHAT, members={str(ANA.id): "U0ANAFIELD"})
    assert mention in markup_of(json.loads(build_body(by_id, notice(), "m")))
    other = replace(notice(), owner=OwnerId("777"))
    assert mention not in markup_of(json.loads(build_body(CHAT, other, "m")))
    assert mention not in markup_of(json.loads(build_body(CHAT, replace(notice(), owner=None), "m")))


@given(st.text(max_size=400), st.lists(st.tuples(st.text(max_size=900), st.text(max_size=900)), max_size=200))
def test_slacks_own_limits_are_kept(headline: str, rows: list[tuple[str, str]]) -> None:
    message = replace(
        read_message(NoticeKind.LEAD_HANDED_OFF, packet()), headline=headline, facts=tuple(rows), history=tuple(rows),
        score=tuple(rows), closing=tuple(rows),
    )  # fmt: skip
    body: Any = slack_message(message, "U0ANAFIELD")
    assert len(body["blocks"]) <= MOST_BLOCKS
    for block in body["blocks"]:
        texts = [block["text"]] if "text" in block else block.get("fields", block.get("elements"))
        assert 1 <= len(texts) <= 10
        limit = {"header": 150, "section": 3_000 if "text" in block else 2_000, "context": 2_000}[block["type"]]
        assert all(1 <= len(text["text"]) <= limit for text in texts)


# -- plain text ----------------------------------------------------------------------------------------------------


@given(st.fixed_dictionaries(dict.fromkeys(FIELDS, TEXTS)))
def test_plain_text_steers_no_terminal(fields: dict[str, str]) -> None:
    fields["country"] = "DE"
    assert all(sign.isprintable() or sign == "\n" for sign in as_text(packet(**fields)))


def test_the_reason_stands_before_the_name_and_the_link_last() -> None:
    lines = as_text(packet()).splitlines()
    assert lines[1] == "Asked for a demo."
    assert lines[-1].split() == ["Open", "https://app.hubspot.com/contacts/62515/record/0-1/90210?a=1&b=2"]


def test_a_link_that_is_none_is_left_out() -> None:
    for link in ("javascript:alert(1)", "https://a.example/|<!channel>", "https://a.example/x y", ""):
        assert read_message(NoticeKind.LEAD_HANDED_OFF, {**packet(), "link": link}).link == ""


def test_a_clock_is_named_first() -> None:
    """R18"""
    late = {**packet(), "clock": "First touch", "level": "breach"}
    assert as_text(late, NoticeKind.SLA_BREACHED).splitlines()[:2] == [
        "A lead was not answered in time", "First touch: the time is up. Asked for a demo.",
    ]  # fmt: skip
    assert "the time is nearly up" in as_text(late, NoticeKind.SLA_AT_RISK)


def test_ops_read_what_is_held_and_what_shadow_mode_would_have_done() -> None:
    """R41"""
    held = as_text({"held": 812, "allowed": 50}, NoticeKind.RUN_HELD)
    assert "812 contacts" in held and "50 may" in held and "handoff preview" in held
    shadow = as_text({"would_hand_over": 3, "would_change": 0}, NoticeKind.RUN_SHADOW)
    assert "3 leads" in shadow and "0 contacts" in shadow


@given(st.sampled_from(NoticeKind), st.dictionaries(
    st.sampled_from(["contact", "score", "history", "allowed", "due", "owner", "link", "why_now", "held", "clock"]),
    JSON_VALUES,
))  # fmt: skip
def test_a_packet_of_any_shape_is_read_without_an_error(kind: NoticeKind, shape: dict[str, Any]) -> None:
    as_text(shape, kind)
    slack_message(read_message(kind, shape))
    told = Notice(kind=kind, contact=None, episode=None, owner=None, key="k", occurred_at=NOW, packet=shape)
    for destination in (PERSONAL, CHAT):
        json.loads(build_body(destination, told, "msg_1"))
