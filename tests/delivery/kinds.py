"""One invented notice of each main kind, as the rules and the sender build them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from leads import ANA, EPISODE, FIELDS, LEAD, NOW, ROUTE, SCORE, activities, notice

from connector.delivery.destinations import Destination
from connector.domain.contact import Contact, PortalId
from connector.domain.decision import Action, Decision
from connector.domain.episode import Episode, State, episode_id
from connector.domain.notice import Notice, NoticeKind
from connector.rules.packet import build_packet
from connector.rules.suppression import Allowed

HOOK = "https://hooks.example/"
OWNERS = {"webhook": {}, "slack": {ANA.email: "U0ANAFIELD"}, "teams": {ANA.email: "ana.field@seller.example"},
          "google_chat": {ANA.email: "104857600042"}, "apprise": {}}  # fmt: skip
TYPES = tuple(OWNERS)


def destination(kind: str, *, personal: bool) -> Destination:
    secrets = ("x",) if kind == "webhook" else ()
    url = "mailtos://u:p@mail.example?to=reps@seller.example" if kind == "apprise" else HOOK
    return Destination(
        name=kind, type=kind, url=url, secrets=secrets, personal=personal, members=OWNERS[kind]
    )


def second_handover() -> Notice:
    """As leads.packet(), for a lead that had been handed back before."""
    before = Episode(
        id=EPISODE.id, contact=LEAD, ordinal=1, state=State.RECYCLED, lane="score", owner=ANA.id,
        opened_at=NOW - timedelta(days=90), ended_at=NOW - timedelta(days=60), reason="Scored 61 points.",
        exit_reason="no_budget",
    )  # fmt: skip
    now = replace(EPISODE, id=episode_id(PortalId("62515"), LEAD, 2), ordinal=2)
    contact = Contact(
        id=LEAD, created_at=NOW - timedelta(days=100), modified_at=NOW, fields=FIELDS,
        changed_at={"job_title": NOW - timedelta(days=3)},
    )  # fmt: skip
    decision = Decision(
        contact=LEAD, as_of=NOW, fingerprint="f" * 64, action=Action.HAND_OVER, sentence="Asked for a demo again.",
        score=SCORE, route=ROUTE, episode=now,
    )  # fmt: skip
    packet = build_packet(
        decision=decision, contact=contact, activities=activities(), owner=ANA, previous=before,
        ended_because="no budget",
        portal_time_zone="Europe/Berlin", record_url="https://app.hubspot.com/contacts/62515/record/0-1/90210",
        allowed=Allowed(marketing_mail=False, personal_mail=True, call=True, reasons=("asked to be contacted",)),
        due_at=NOW + timedelta(hours=4),
    )  # fmt: skip
    return replace(notice(), episode=now.id, packet=packet)


def digest(count: int = 23) -> Notice:
    leads = [
        {
            "id": f"fx_{number:032x}",
            "kind": "lead.handed_off",
            "contact_id": str(1000 + number),
            "summary": f"A new lead for you: contact {1000 + number}",
            "link": f"https://app.hubspot.com/contacts/62515/record/0-1/{1000 + number}",
            "waited_hours": 30,
        }
        for number in range(count)
    ]
    owner = {"id": ANA.id, "name": ANA.name, "email": ANA.email}
    packet: dict[str, object] = {"count": count, "owner": owner, "leads": leads}
    return replace(notice(), kind=NoticeKind.LEAD_DIGEST, contact=None, episode=None, packet=packet)


def destination_off() -> Notice:
    packet: dict[str, object] = {
        "destination": "crm_team", "why": "410: the receiver is gone for good", "waiting": 17,
        "since": "2026-02-25 09:00 UTC", "resume": "handoff outbox resume crm_team",
    }  # fmt: skip
    return replace(
        notice(), kind=NoticeKind.DESTINATION_OFF, contact=None, episode=None, owner=None, packet=packet
    )


def breached() -> Notice:
    made = notice(NoticeKind.SLA_BREACHED)
    return replace(made, packet={**made.packet, "clock": "First touch", "level": "breach"})


def main_kinds() -> dict[str, Notice]:
    """Name of the case -> its notice."""
    return {
        "handed off": notice(),
        "handed off again": second_handover(),
        "signal": notice(NoticeKind.LEAD_SIGNAL),
        "recycled": replace(notice(NoticeKind.LEAD_RECYCLED), owner=None),
        "triaged": replace(notice(NoticeKind.LEAD_TRIAGED), owner=None),
        "breached": breached(),
        "digest": digest(),
        "destination off": destination_off(),
    }
