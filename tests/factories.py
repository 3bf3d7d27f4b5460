"""Values for tests: each maker takes only what matters to the test and invents the rest. Nobody in them is real."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from pydantic import BaseModel

from connector.config.mappings import load_rulebook, shipped_folder
from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import Contact, ContactId, OwnerId, PortalId, Value
from connector.domain.deal import Deal, DealState
from connector.domain.decision import Contribution, Score
from connector.domain.episode import Episode, State, episode_id
from connector.domain.owner import Owner
from connector.rules.rulebook import RuleBook
from connector.rules.situation import Desk, Situation
from connector.rules.suppression import holds

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""A Monday, nine o'clock."""
PORTAL = PortalId("62515")
KIM = ContactId("101")
ANA, BEN = OwnerId("7"), OwnerId("8")
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@cache
def shipped_book() -> RuleBook:
    """The rules that Handoff ships, in a portal of UTC."""
    return load_rulebook(shipped_folder()).in_zone("UTC")


def make_book(**parts: Mapping[str, Any]) -> RuleBook:
    """The shipped rules with some keys of some files replaced: `make_book(stages={"write": {...}})`."""
    book = shipped_book()
    changed: dict[str, Any] = {}
    for name, keys in parts.items():
        model: type[BaseModel] = type(book.part(name))
        changed[name] = model.model_validate({**book.part(name).model_dump(by_alias=True), **keys})
    return replace(book, **changed)


def make_contact(
    *,
    id: str = KIM,  # noqa: A002 - the field's own name
    created_at: datetime = NOW - 30 * DAY,
    modified_at: datetime = NOW - HOUR,
    changed_at: Mapping[str, datetime] | None = None,
    **fields: Value,
) -> Contact:
    """A lead of a company with an address; a field given as None is empty."""
    values: dict[str, Value] = {
        "email": "kim@acme.example", "domain": "acme.example", "email_domain": "acme.example",
        "first_name": "Kim", "last_name": "Sample",
        "country": "US", "stage": "lead",
    } | fields  # fmt: skip
    return Contact(
        id=ContactId(id),
        created_at=created_at,
        modified_at=modified_at,
        fields={name: value for name, value in values.items() if value is not None},
        changed_at=dict(changed_at or {}),
    )


def make_activity(kind: ActivityKind = ActivityKind.PAGE_VIEW, at: datetime = NOW - HOUR, **more: Any) -> Activity:
    """Its id is its instant unless given, so that two at different times are two."""
    given = {"stream": "page_views", "id": f"{kind.value}-{at.isoformat()}", "contact": KIM, **more}
    return Activity(kind=kind, occurred_at=at, **given)


def demo_request(at: datetime = NOW - MINUTE, **more: Any) -> Activity:
    return make_activity(ActivityKind.FORM_SUBMISSION, at, **{"stream": "forms", "name": "Request a demo", **more})


def pricing_view(at: datetime = NOW - HOUR, **more: Any) -> Activity:
    return make_activity(at=at, **{"url": "https://www.acme.example/pricing", "name": "Pricing", **more})


def two_pricing_views(last: datetime = NOW - HOUR) -> list[Activity]:
    """Enough interest for the shipped rules."""
    return [pricing_view(last - DAY), pricing_view(last)]


def make_episode(*, contact: str = KIM, ordinal: int = 1, **more: Any) -> Episode:
    """Handed to Ana two days ago, unless said otherwise; an ended state ended yesterday."""
    state: State = more.get("state", State.HANDED_OFF)
    given: dict[str, Any] = {
        "id": episode_id(PORTAL, ContactId(contact), ordinal), "state": state, "lane": "score", "owner": ANA,
        "opened_at": NOW - 2 * DAY, "reason": "Viewed the pricing page twice.",
        "handed_off_at": None if more.get("silent") else NOW - 2 * DAY,
        "ended_at": NOW - DAY if state.is_end else None,
    }  # fmt: skip
    made = Episode(contact=ContactId(contact), ordinal=ordinal, **{**given, **more})
    return made if "marketing_held" in more else replace(made, marketing_held=holds(made, shipped_book().suppression))


def make_deal(state: DealState = DealState.OPEN, *, at: datetime = NOW - HOUR, **more: Any) -> Deal:
    given: dict[str, Any] = {
        "id": "d1", "contacts": (KIM,), "created_at": at, "modified_at": at,
        "closed_at": None if state is DealState.OPEN else at,
    }  # fmt: skip
    return Deal(state=state, **{**given, **more})


def make_owner(id: str = ANA, *, archived: bool = False, **more: Any) -> Owner:  # noqa: A002 - the field's own name
    names = {"7": "Ana Sample", "8": "Ben Sample"}
    given = {"name": names.get(id, f"Owner {id}"), "email": f"owner{id}@company.example", **more}
    return Owner(id=OwnerId(id), archived=archived, **given)


def make_desk(*owners: Owner) -> Desk:
    return Desk(owners=owners or (make_owner(ANA), make_owner(BEN)), rotation={}, open_leads={})


def make_situation(contact: Contact | None = None, **more: Any) -> Situation:
    """A contact with its past, in a portal with Ana and Ben."""
    return Situation(portal=PORTAL, contact=contact or make_contact(), **{"desk": make_desk(), **more})


def make_score(points: float = 60) -> Score:
    line = Contribution(group="engagement", label="viewed the pricing page", points=int(points * 100), occurred_at=NOW)
    return Score(total=line.points, fit=0, engagement=line.points, grade="B1", contributions=(line,))
