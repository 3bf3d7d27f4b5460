"""An invented lead and the notices about it, as the rules build them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import Contact, ContactId, OwnerId, PortalId
from connector.domain.decision import Action, Candidate, Contribution, Decision, Route, Score
from connector.domain.episode import Episode, State, episode_id
from connector.domain.notice import Notice, NoticeKind
from connector.domain.owner import Owner
from connector.rules.packet import build_packet
from connector.rules.suppression import Allowed

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ANA = Owner(id=OwnerId("501"), name="Ana Field", email="ana.field@seller.example")
LEAD = ContactId("90210")
FIELDS = {
    "first_name": "Robin",
    "last_name": "Sample",
    "email": "robin.sample@acme.example",
    "phone": "+493012345678",
    "company": "Acme Widgets & Söhne",
    "job_title": "Head of Operations",
    "country": "DE",
    "message": "Could you show us the planner next week?",
}
EPISODE = Episode(
    id=episode_id(PortalId("62515"), LEAD, 1), contact=LEAD, ordinal=1, state=State.HANDED_OFF, lane="hand_raiser",
    opened_at=NOW, owner=ANA.id, reason="Asked for a demo.", handed_off_at=NOW,
)  # fmt: skip
SCORE = Score(
    total=7400, fit=4000, engagement=3400, grade="A1",
    contributions=(
        Contribution(group="fit", label="company of 200 to 500 people", points=2500, occurred_at=NOW),
        Contribution(group="fit", label="decides on operations", points=1500),
        Contribution(group="engagement", label="asked for a demo", points=3000, occurred_at=NOW),
        Contribution(group="engagement", label="viewed the pricing page", points=650, occurred_at=NOW),
        Contribution(group="engagement", label="opened a mail", points=50),
        Contribution(group="engagement", label="above the cap for mails", points=-300),
    ),
)  # fmt: skip
ROUTE = Route(
    owner=ANA.id, rule="territory", sentence="Ana Field sells in Germany and was next in turn.",
    candidates=(Candidate(owner=ANA.id),),
)  # fmt: skip


def activities(count: int = 2) -> list[Activity]:
    rows = [
        Activity(
            stream="forms", id="f1", contact=LEAD, kind=ActivityKind.FORM_SUBMISSION, occurred_at=NOW,
            name="Demo request",
        ),
        Activity(
            stream="pages", id="p1", contact=LEAD, kind=ActivityKind.PAGE_VIEW, occurred_at=NOW - timedelta(hours=2),
            name="Pricing", url="https://seller.example/pricing?email=robin.sample@acme.example",
        ),
    ]  # fmt: skip
    return rows[:count]


def packet(**fields: str) -> dict[str, object]:
    contact = Contact(id=LEAD, created_at=NOW, modified_at=NOW, fields={**FIELDS, **fields})
    decision = Decision(
        contact=LEAD, as_of=NOW, fingerprint="f" * 64, action=Action.HAND_OVER, sentence="Asked for a demo.",
        score=SCORE, route=ROUTE, episode=EPISODE,
    )  # fmt: skip
    return build_packet(
        decision=decision, contact=contact, activities=activities(), owner=ANA, previous=None,
        portal_time_zone="Europe/Berlin", record_url="https://app.hubspot.com/contacts/62515/record/0-1/90210?a=1&b=2",
        allowed=Allowed(marketing_mail=False, personal_mail=True, call=True, reasons=("asked to be contacted",)),
        due_at=NOW + timedelta(hours=4),
    )  # fmt: skip


def notice(kind: NoticeKind = NoticeKind.LEAD_HANDED_OFF, **fields: str) -> Notice:
    return Notice(
        kind=kind, contact=LEAD, episode=EPISODE.id, owner=ANA.id, key="1", occurred_at=NOW, packet=packet(**fields)
    )  # fmt: skip


def with_packet(body: dict[str, object]) -> Notice:
    return replace(notice(), packet=body)
