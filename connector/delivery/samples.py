"""Invented notices of every kind: what `handoff notifications test` sends, and what templates can be tried with.

Nobody in them exists, and each says that it is a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from connector.domain.contact import ContactId, OwnerId
from connector.domain.notice import Notice, NoticeKind

A_TEST = "This is a test of Handoff; nobody asked for anything."
CONTACT, REP = ContactId("1"), OwnerId("1")

OPS: Mapping[NoticeKind, Mapping[str, object]] = MappingProxyType(
    {
        NoticeKind.RUN_HELD: {"held": 812, "allowed": 50},
        NoticeKind.RUN_SHADOW: {"would_hand_over": 3, "would_change": 12},
    }
)


def sample_notice(kind: NoticeKind, destination: str, at: datetime, rep: Mapping[str, str] | None = None) -> Notice:
    """One notice about an invented lead.

    Args:
        destination: its name, for kinds that tell of destinations.
        at: when it happened; what came before lies before it.
        rep: `id`, `name` and `email` of whom to mention; None mentions nobody.
    """
    return Notice(
        kind=kind,
        contact=CONTACT,
        episode=None,
        owner=OwnerId(rep["id"]) if rep else None,
        key="test",
        occurred_at=at,
        packet=_packet(kind, destination, at, rep),
    )


def _packet(
    kind: NoticeKind, destination: str, at: datetime, rep: Mapping[str, str] | None
) -> dict[str, object]:
    if kind in OPS:
        return dict(OPS[kind])
    if kind is NoticeKind.TEST_PING:
        return {"destination": destination}
    if kind is NoticeKind.DESTINATION_OFF:
        since = f"{at - timedelta(days=5):%d %B %Y}"
        return {"destination": destination, "why": A_TEST, "waiting": 3, "since": since}
    if kind is NoticeKind.MAIL_LEAKED:
        leads = [{"contact_id": str(number), "summary": f"test lead {number}", "link": ""} for number in (1, 2, 3)]
        return {"sentence": A_TEST, "mail": "Test mailing", "campaign": "1", "list": "Test", "count": 3, "leads": leads}
    if kind is NoticeKind.ALARM_RAISED:
        leads = [{"contact_id": "1", "summary": "contact 1: no clock runs on it", "link": ""}]
        return {"alarm": "silent", "sentence": A_TEST, "count": 1, "leads": leads}
    if kind is NoticeKind.LEAD_DIGEST:
        return {"count": 60, "owner": dict(rep) if rep else None, "leads": [_lead(number) for number in range(1, 61)]}
    if kind is NoticeKind.REP_MORNING:
        told = [{**_lead(number), "summary": f"Test Ltd: {70 - number} points (A1), in work"} for number in (1, 2, 3)]
        return {"count": 12, "waiting": 2, "late": 1, "owner": dict(rep) if rep else None, "leads": told}
    clock = {"clock": "First touch", "level": "breach"} if kind.value.startswith("sla.") else {}
    return {**_of_a_lead(at, rep), **clock}


def _lead(number: int) -> dict[str, object]:
    summary = f"A new lead for you: test lead {number}"
    return {"id": f"fx_test_{number}", "kind": "lead.handed_off", "contact_id": "1", "summary": summary, "link": ""}


def _of_a_lead(at: datetime, rep: Mapping[str, str] | None) -> dict[str, object]:
    """As rules/packet.py makes them; the same keys in the same order."""
    due = at + timedelta(hours=4)
    return {
        "why_now": A_TEST,
        "reasons": [A_TEST],
        "lane": "hand_raiser",
        "state": "handed_off",
        "contact": {
            "id": CONTACT,
            "name": "Robin Sample",
            "first_name": "Robin",
            "last_name": "Sample",
            "email": "robin.sample@acme.example",
            "phone": "+1 555 0100",
            "company": "Acme Example",
            "job_title": "Head of Operations",
            "country": "Germany",
            "message": "Could you show us the planner next week?",
        },
        "history": [
            {"at": _iso(at, 120), "when": _when(at, 120), "what": "viewed the pricing page"},
            {"at": _iso(at, 0), "when": _when(at, 0), "what": "sent the form “Demo request”"},
        ],
        "score": {
            "points": 74, "fit": 40.0, "engagement": 34.0, "grade": "A1",
            "top": [{"label": "asked for a demo", "points": 30.0, "at": _iso(at, 0)}],
            "others": {"lines": 2, "points": 44.0},
        },
        "allowed": {"call": True, "mail": True, "marketing_mail": False, "basis": ["asked to be contacted"]},
        "local_time": {"words": "10:00 in Germany", "from": "country"},
        "since_last_time": [],
        "owner": dict(rep) if rep else {"id": REP, "name": "Ana Example", "email": "ana@seller.example"},
        "due": {"at": due.isoformat(), "when": f"{due:%d %B %Y, %H:%M} UTC"},
        "routed": "It was their turn in the pool “all active owners”.",
        "link": "",
        "episode": None,
        "decided_at": at.isoformat(),
        "rules": "0" * 12,
        "definition": 1,
    }  # fmt: skip


def _iso(at: datetime, minutes_before: int) -> str:
    return (at - timedelta(minutes=minutes_before)).isoformat()


def _when(at: datetime, minutes_before: int) -> str:
    return f"{at - timedelta(minutes=minutes_before):%d %B %Y, %H:%M} UTC"
