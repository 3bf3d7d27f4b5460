"""Packet (R14, R15): all that a rep needs, in words, small, and masked where others read too."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import Contact, ContactId, OwnerId, Value
from connector.domain.decision import Action, Candidate, Contribution, Decision, Route, Score
from connector.domain.episode import Episode, EpisodeId, State
from connector.domain.owner import Owner
from connector.domain.verdict import Verdict
from connector.rules.local_time import local_time
from connector.rules.packet import build_packet, clip, mask
from connector.rules.suppression import Allowed

NOW = datetime(2025, 3, 3, 12, tzinfo=UTC)
ANA = Owner(id=OwnerId("7"), name="Ana Sample", email="ana@company.example")
PERSON: dict[str, Value] = {
    "first_name": "Robin", "last_name": "Muster", "email": "robin.muster@buyer.example", "phone": "+49301234567",
    "company": "Buyer AG", "job_title": "Head of IT", "country": "DE", "message": "Please call me, Robin Muster",
}  # fmt: skip
EPISODE = Episode(
    id=EpisodeId("ep_2"), contact=ContactId("1"), ordinal=2, state=State.HANDED_OFF, lane="hand_raiser", opened_at=NOW,
    owner=ANA.id, handed_off_at=NOW,
)  # fmt: skip
SCORE = Score(
    total=6_250, fit=3_000, engagement=3_250, grade="A1",
    contributions=(
        Contribution(group="fit", label="job title is a leading one", points=3_000),
        *(Contribution(group="engagement", label=f"viewed page {n}", points=n * 100) for n in range(1, 7)),
        Contribution(group="engagement", label="sent the form “Contact us”", points=1_150, occurred_at=NOW),
    ),
)  # fmt: skip
ALLOWED = Allowed(marketing_mail=False, personal_mail=True, call=True, reasons=("asked to be contacted",))


def make_activity(number: int, kind: ActivityKind = ActivityKind.PAGE_VIEW, **what_matters: object) -> Activity:
    defaults: dict[str, object] = {
        "stream": "page_views", "id": str(number), "contact": ContactId("1"), "kind": kind,
        "occurred_at": NOW - timedelta(hours=number), "url": "https://www.company.example/pricing",
    }  # fmt: skip
    return Activity(**{**defaults, **what_matters})  # type: ignore[arg-type] - a factory for tests


def make_packet(**what_matters: object) -> dict[str, object]:
    fields = {**PERSON, **what_matters.pop("fields", {})}  # type: ignore[dict-item] - a factory for tests
    contact = Contact(
        id=ContactId("1"), created_at=NOW, modified_at=NOW, fields=fields,
        changed_at=what_matters.pop("changed_at", {}),  # type: ignore[arg-type] - plain JSON values
    )  # fmt: skip
    decision = Decision(
        contact=contact.id, as_of=NOW, fingerprint="f" * 64, action=Action.HAND_OVER,
        sentence=str(what_matters.pop("sentence", "Sent the form “Contact us”.")),
        verdicts=(Verdict(rule="qualification.threshold", passed=True, reasons=("viewed pricing twice",)),),
        score=SCORE, episode=EPISODE,
        route=Route(owner=ANA.id, rule="routing.pool", sentence="Her turn.", candidates=(Candidate(owner=ANA.id),)),
    )  # fmt: skip
    given: dict[str, object] = {
        "decision": decision, "contact": contact, "activities": (), "owner": ANA, "previous": None, "allowed": ALLOWED,
        "portal_time_zone": "Europe/Berlin", "record_url": "https://app.hubspot.com/contacts/1/record/0-1/1",
        "due_at": NOW + timedelta(hours=1),
    }  # fmt: skip
    return build_packet(**{**given, **what_matters})  # type: ignore[arg-type] - plain JSON values


def test_the_packet_says_who_why_now_and_what_to_do() -> None:
    """R14"""
    packet = make_packet()
    assert packet["why_now"] == "Sent the form “Contact us”."
    assert packet["contact"] == {
        "id": "1", "name": "Robin Muster", "first_name": "Robin", "last_name": "Muster",
        "email": "robin.muster@buyer.example", "phone": "+49301234567", "company": "Buyer AG",
        "job_title": "Head of IT", "country": "Germany", "message": "Please call me, Robin Muster",
    }  # fmt: skip
    assert packet["allowed"] == {
        "call": True, "mail": True, "marketing_mail": False, "basis": ["asked to be contacted"]
    }  # fmt: skip
    assert packet["local_time"] == {"words": "Mon 13:00 in Germany", "from": "country"}
    assert packet["owner"] == {"id": "7", "name": "Ana Sample", "email": "ana@company.example"}
    assert packet["due"] == {"at": "2025-03-03T13:00:00+00:00", "when": "Mon 3 March 2025, 14:00"}
    assert packet["link"] == "https://app.hubspot.com/contacts/1/record/0-1/1"
    assert (packet["since_last_time"], packet["rules"], packet["lane"]) == ([], "f" * 12, "hand_raiser")


def test_the_score_lines_add_up() -> None:
    """R34: what is not shown is counted."""
    score = make_packet()["score"]
    assert isinstance(score, dict)
    assert [line["points"] for line in score["top"]] == [30, 11.5, 6, 5, 4]
    assert score["others"] == {"lines": 3, "points": 6}
    assert sum(line["points"] for line in score["top"]) + score["others"]["points"] == score["points"] == 62.5


def test_the_history_is_the_latest_ten_in_order_of_time() -> None:
    rows = [make_activity(number) for number in range(1, 15)]
    rows.append(make_activity(99, automatic=True, occurred_at=NOW))
    rows.append(make_activity(98, occurred_at=NOW + timedelta(hours=1)))
    rows.append(make_activity(97, ActivityKind.FORM_SUBMISSION, name="Contact us", occurred_at=NOW))
    history = make_packet(activities=rows)["history"]
    assert isinstance(history, list)
    assert len(history) == 10
    assert [row["at"] for row in history] == sorted(row["at"] for row in history)
    assert history[-1] == {
        "at": NOW.isoformat(), "when": "Mon 3 March 2025, 13:00", "what": "sent the form “Contact us”"
    }  # fmt: skip
    assert history[0]["what"] == "viewed the pricing page"


def test_a_second_handover_says_what_changed_since() -> None:
    """R24"""
    ended = NOW - timedelta(days=30)
    previous = Episode(
        id=EpisodeId("ep_1"), contact=ContactId("1"), ordinal=1, state=State.RECYCLED, lane="score", opened_at=ended,
        ended_at=ended, exit_reason="no_buying_power",
    )  # fmt: skip
    packet = make_packet(
        previous=previous,
        ended_because="cannot decide on a purchase",
        changed_at={"job_title": NOW - timedelta(days=2), "company": ended - timedelta(days=1)},
        activities=[make_activity(3), make_activity(5), make_activity(24 * 40)],
    )
    assert packet["since_last_time"] == [
        "Last time it ended as recycled on 1 February 2025: cannot decide on a purchase.",
        "New job title: Head of IT.",
        "Since then: 2 activities, the latest: viewed the pricing page.",
    ]


@pytest.mark.parametrize(
    ("country", "words", "source"),
    [
        ("DE", "Mon 13:00 in Germany", "country"),
        ("JP", "Mon 21:00 in Japan", "country"),
        ("US", "between Mon 02:00 and Mon 07:00 in United States", "country"),
        ("", "Mon 13:00 by your account's clock; where they are is not known", "portal"),
        ("XX", "Mon 13:00 by your account's clock; where they are is not known", "portal"),
    ],
)
def test_the_local_time_is_as_exact_as_the_country_allows(country: str, words: str, source: str) -> None:
    """R14"""
    assert local_time(country, "Europe/Berlin", at=NOW) == {"words": words, "from": source}


def test_a_zone_that_nobody_knows_falls_back_to_utc() -> None:
    assert make_packet(portal_time_zone="Mars/Olympus", fields={"country": ""})["due"] == {
        "at": "2025-03-03T13:00:00+00:00", "when": "Mon 3 March 2025, 13:00"
    }  # fmt: skip


def test_an_empty_contact_has_a_packet_all_the_same() -> None:
    packet = make_packet(fields=dict.fromkeys(PERSON), owner=None, due_at=None)
    assert packet["owner"] is None and packet["due"] is None
    assert mask(packet)["contact"]["name"] == "Somebody"  # type: ignore[index] - plain JSON values


WILD = st.text(st.characters(), max_size=4_000) | st.sampled_from(["😀" * 60_000, "\x00" * 60_000, "\ud800" * 10])


@given(WILD, WILD)
def test_the_body_stays_small_whatever_the_crm_holds(text: str, other: str) -> None:
    """reliability 3: a body is under 20 kB, as JSON with and without escapes."""
    rows = [make_activity(n, name=text, url=f"https://x.example/{other}") for n in range(1, 30)]
    previous = Episode(
        id=EpisodeId("ep_1"), contact=ContactId("1"), ordinal=1, state=State.RECYCLED, lane="score", opened_at=NOW,
        ended_at=NOW - timedelta(days=1), exit_reason="not_ready",
    )  # fmt: skip
    packet = make_packet(
        fields=dict.fromkeys(PERSON, text), changed_at=dict.fromkeys(PERSON, NOW), activities=rows, sentence=other,
        previous=previous,
    )  # fmt: skip
    assert len(json.dumps(packet)) < 18_000
    assert len(json.dumps(packet, ensure_ascii=False).encode()) < 18_000


@given(WILD, st.integers(20, 300))
def test_a_clipped_text_is_one_line_within_its_bounds(text: str, most: int) -> None:
    clipped = clip(text, most)
    assert len(json.dumps(clipped)) - 2 <= most
    assert "\n" not in clipped
    assert clip("plain words", most) == "plain words"


# -- masked ------------------------------------------------------------------------------------------------------


def test_a_shared_channel_reads_no_personal_data() -> None:
    """R15"""
    rows = [make_activity(1, ActivityKind.FORM_SUBMISSION, name="Order of ROBIN.MUSTER@buyer.example, Mr Muster")]
    masked = mask(make_packet(activities=rows, sentence="Robin Muster (+49301234567) asked for a demo."))
    assert masked["contact"] == {
        "id": "1", "name": "Robin M.", "first_name": "Robin", "last_name": "", "email": "", "phone": "",
        "company": "Buyer AG", "job_title": "Head of IT", "country": "Germany", "message": "",
    }  # fmt: skip
    assert masked["why_now"] == "Robin … (…) asked for a demo."
    assert masked["history"][0]["what"] == "sent the form “Order of … Mr …”"  # type: ignore[index] - plain JSON values
    assert masked["link"] == make_packet()["link"]
    assert masked["masked"] is True


NAMES = st.sampled_from(["Muster", "van der Berg", "O'Neil", "Müller-Lüdenscheidt", "Nguyễn"])


EMAILS = st.sampled_from(["x.y@buyer.example", "a+b@sub.buyer.example"])


@given(NAMES, EMAILS, st.sampled_from(["{n}", "{e}, {p}", "«{n}» {e}"]))
def test_masking_finds_the_person_in_every_text(last: str, email: str, pattern: str) -> None:
    text = pattern.format(n=last.upper(), e=email, p="+49301234567")
    fields = {"last_name": last, "email": email, "company": text, "job_title": text}
    packet = make_packet(fields=fields, sentence=text, activities=[make_activity(1, name=text, url=None)])
    written = json.dumps(mask(packet), ensure_ascii=False).casefold()
    for secret in (last, email, "+49301234567", "please call me"):
        assert secret.casefold() not in written
    assert mask(mask(packet)) == mask(packet)
