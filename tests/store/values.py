"""Values for the store's tests; nobody in them is real."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import Contact, ContactId, OwnerId, Value
from connector.domain.decision import Action, Candidate, Contribution, Decision, Route, Score
from connector.domain.episode import Episode, EpisodeId, State
from connector.domain.run import RunId, SyncRun
from connector.domain.timer import Timer, TimerKind
from connector.domain.verdict import Verdict
from connector.engine.ports import Entry, FieldChange, Intent, StoredContact

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RUN = RunId("run-1")
ANA = ContactId("101")
BEN = ContactId("102")
REP = OwnerId("7")


def hours(number: float) -> datetime:
    return NOW + timedelta(hours=number)


def stored(contact: str = ANA, fields: dict[str, Value] | None = None, **only: Any) -> StoredContact:
    values: dict[str, Value] = {"email": f"p{contact}@firm.example", "domain": "firm.example", "stage": "lead"}
    one = Contact(
        id=ContactId(contact), created_at=hours(-48), modified_at=only.pop("modified_at", NOW),
        fields={**values, **(fields or {})}, changed_at=only.pop("changed_at", {}), problems=only.pop("problems", ()),
    )
    return StoredContact(contact=one, raw=only.pop("raw", {"email": f"p{contact}@firm.example", "city": None}), **only)


def activity(number: int = 1, contact: str | None = ANA, **only: Any) -> Activity:
    given = {"stream": "page_views", "kind": ActivityKind.PAGE_VIEW, "occurred_at": hours(-number)} | only
    return Activity(id=str(number), contact=None if contact is None else ContactId(contact), **given)


def episode(name: str = "ep_1", contact: str = ANA, **only: Any) -> Episode:
    given = {"ordinal": 1, "state": State.HANDED_OFF, "lane": "score", "opened_at": hours(-1), "owner": REP} | only
    return Episode(id=EpisodeId(name), contact=ContactId(contact), **given)


def timer(name: str = "first_touch", contact: str = ANA, **only: Any) -> Timer:
    given = {
        "kind": TimerKind.SLA, "episode": EpisodeId("ep_1"), "level": "breach", "assignment": 1, "due_at": hours(1)
    } | only
    return Timer(contact=ContactId(contact), name=name, **given)


def entry(name: str, contact: str | None = ANA, **only: Any) -> Entry:
    given = {
        "destination": "crm-desk", "kind": "lead.handed_off", "episode": None, "body": f'{{"id":"{name}"}}',
        "status": "due", "due_at": NOW,
    } | only
    return Entry(id=name, contact=None if contact is None else ContactId(contact), **given)


def intent(name: str = "in_1", contact: str = ANA, **only: Any) -> Intent:
    given = {"run": RUN, "episode": EpisodeId("ep_1"), "changes": (), "expected": {}} | only
    return Intent(id=name, contact=ContactId(contact), **given)


def change(field: str, value: str | None, hour: float = 0, contact: str = ANA, source: str = "search") -> FieldChange:
    return FieldChange(
        contact=ContactId(contact), field=field, value=value, occurred_at=hours(hour), observed_at=hours(hour + 1),
        source=source,
    )


def run(name: str = RUN, **only: Any) -> SyncRun:
    given = {"started_at": NOW, "as_of": NOW, "fingerprint": "f1", "seed": 3, "epoch": 1} | only
    return SyncRun(id=RunId(name), **given)


def decision(contact: str = ANA, **only: Any) -> Decision:
    score = Score(
        total=4250, fit=2000, engagement=2250, grade="B2",
        contributions=(
            Contribution(group="fit", label="company of 50 to 200 people", points=2000, occurred_at=None),
            Contribution(group="engagement", label="viewed the pricing page", points=2250, occurred_at=hours(-3)),
        ),
    )
    route = Route(
        owner=REP, rule="desk", sentence="Their turn.", pool="desk",
        candidates=(Candidate(owner=REP), Candidate(owner=OwnerId("8"), why_not="away")),
    )
    given = {
        "as_of": NOW, "fingerprint": "f1", "action": Action.HAND_OVER, "sentence": "Two pricing views in a week.",
        "verdicts": (Verdict(rule="qualification.web-mail", passed=True, reasons=("a company address",)),),
        "score": score, "route": route, "episode": episode(contact=contact), "signal_at": hours(-3),
        "evidence": "page_views:1", "missing": (),
    } | only
    return Decision(contact=ContactId(contact), **given)
