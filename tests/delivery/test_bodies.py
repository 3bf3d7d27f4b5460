"""Bodies of each type of destination and each main kind, as they are sent (R14, R15, P2).

After a change of wording: look at the new texts, then run the tests with HANDOFF_GOLDEN=write.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from kinds import TYPES, breached, destination, destination_off, digest, main_kinds
from leads import FIELDS, with_packet

from connector.delivery.payload import build_body
from connector.delivery.size import LIMIT_BYTES
from connector.domain.notice import NoticeKind

GOLDEN = Path(__file__).parent / "golden" / "bodies"


def bodies(kind: str) -> dict[str, Any]:
    return {
        f"{name}, {'personal' if personal else 'shared'}": json.loads(
            build_body(destination(kind, personal=personal), notice, "msg_1")
        )
        for name, notice in main_kinds().items()
        for personal in (True, False)
    }


@pytest.mark.parametrize("kind", TYPES)
def test_the_bodies_of_the_main_kinds_are_these(kind: str) -> None:
    """R14, R15: one file for each type of destination."""
    made = json.dumps(bodies(kind), ensure_ascii=False, indent=1) + "\n"
    golden = GOLDEN / f"{kind}.json"
    if os.environ.get("HANDOFF_GOLDEN") == "write":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(made, encoding="utf-8")
    assert made == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("name", main_kinds())
def test_the_same_notice_gives_the_same_bytes_below_20_kb(kind: str, name: str) -> None:
    """P2"""
    one, other = (
        build_body(destination(kind, personal=True), main_kinds()[name], "msg_1") for _ in range(2)
    )
    assert one == other and len(one.encode()) < LIMIT_BYTES


@pytest.mark.parametrize("kind", TYPES)
def test_shared_channels_get_no_particulars_in_any_kind(kind: str) -> None:
    """R15"""
    for name, body in bodies(kind).items():
        text = json.dumps(body, ensure_ascii=False)
        hidden = [FIELDS[field] for field in ("email", "phone", "message", "last_name")]
        assert name.endswith("personal") or not any(word in text for word in hidden), name


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind != "webhook"])
def test_a_digest_shows_twenty_and_counts_the_rest(kind: str) -> None:
    body = build_body(destination(kind, personal=True), digest(62), "msg_1")
    assert "contact 1019" in body and "contact 1020" not in body
    assert "62 notices" in body and "and 42 more" in body
    assert "more" not in build_body(destination(kind, personal=True), digest(20), "msg_1")


def test_a_digest_of_any_size_carries_every_id_below_20_kb() -> None:
    """Reliability, section 3: the ids of all that the digest tells of."""
    for count in (1, 62, 300):
        body = build_body(destination("webhook", personal=False), digest(count), "msg_1")
        data = json.loads(body)["data"]
        assert data["ids"] == [f"fx_{number:032x}" for number in range(count)]
        assert len(body.encode()) < LIMIT_BYTES
        assert data["count"] == count


def test_a_digest_without_words_still_says_what_happened() -> None:
    packet: dict[str, object] = {
        "count": 2, "leads": [{"id": "fx_1", "kind": "lead.handed_off", "contact_id": "77"}, "broken"],
    }  # fmt: skip
    told = with_packet(packet)
    body = build_body(destination("apprise", personal=True), type(told)(
        kind=NoticeKind.LEAD_DIGEST, contact=None, episode=None, owner=None, key="k", occurred_at=told.occurred_at,
        packet=packet), "msg_1")  # fmt: skip
    assert "A new lead for you: contact 77" in body and "2 notices" in body


@pytest.mark.parametrize("kind", TYPES)
def test_ops_learn_which_destination_is_off_why_and_what_to_do(kind: str) -> None:
    body = build_body(destination(kind, personal=False), destination_off(), "msg_1")
    assert all(word in body for word in ("crm_team", "410: the receiver is gone for good", "17", "2026-02-25"))
    if kind != "webhook":
        assert "handoff outbox resume crm_team" in body


@pytest.mark.parametrize("kind", ["slack", "teams", "google_chat"])
def test_the_rep_is_mentioned_in_each_chat_personal_or_not(kind: str) -> None:
    """R15: owner → member map."""
    member = {"slack": "<@U0ANAFIELD>", "teams": "<at>Ana Field</at>", "google_chat": "<users/104857600042>"}[kind]
    for personal in (True, False):
        assert member in build_body(destination(kind, personal=personal), breached(), "msg_1")
    nobody = main_kinds()["recycled"]
    assert member not in build_body(destination(kind, personal=True), nobody, "msg_1")
