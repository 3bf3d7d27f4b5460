"""Stories: what people do in ninety days with a rule book, as tests/templates/stories/NAME.yaml tells it.

    portal:  what an admin has in HubSpot: forms, owners, properties of its own
    leads:   a short name -> the person's values in HubSpot; all invented
    days:    [{day: 1 to 90, at: hour in UTC, do: [[lead, verb, what], ...]}], in the order of time

A verb is one function of this module: (story, act) -> acts of the sandbox's control API. Names no date of its own: the
first day is a Monday.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

STORIES = Path(__file__).with_name("stories")
BEGINS = datetime(2026, 3, 2, tzinfo=UTC)
LASTS = 90
SITE = "https://www.company.example"
MINUTE = timedelta(minutes=1)
SandboxAct = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Deed:
    """One thing that one lead, or its rep, does."""

    lead: str
    verb: str
    what: tuple[Any, ...]
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Story:
    name: str
    forms: tuple[str, ...]
    owners: tuple[Mapping[str, Any], ...]
    properties: tuple[Mapping[str, Any], ...]
    watch: Mapping[str, Any]
    """What the sandbox watches otherwise than by the shipped rules (sandbox/watch.py)."""
    leads: Mapping[str, Mapping[str, str]]
    moments: tuple[tuple[datetime, tuple[Deed, ...]], ...]
    deals: dict[str, str] = field(default_factory=dict)
    """Lead -> id of its latest deal, once there is one."""

    @property
    def ends_at(self) -> datetime:
        return BEGINS + timedelta(days=LASTS)

    def email(self, lead: str) -> str:
        return self.leads[lead]["email"]

    def acts(self, deed: Deed) -> list[SandboxAct]:
        return [{"at": deed.at.isoformat(), **act} for act in VERBS[deed.verb](self, deed)]


def read_story(name: str) -> Story:
    """The story of one template; raises ValueError where it names a lead, a verb or a day that there is not."""
    told = YAML(typ="safe", pure=True).load(STORIES / f"{name}.yaml")
    portal, leads = told["portal"], told["leads"]
    moments = tuple(_moment(row, leads) for row in told["days"])
    times = [at for at, _ in moments]
    if times != sorted(set(times)):
        raise ValueError(f"{name}: days are not in the order of time")
    return Story(
        name=name,
        forms=tuple(portal["forms"]),
        owners=tuple(portal.get("owners", ())),
        properties=tuple(portal.get("properties", ())),
        watch=portal.get("watch", {}),
        leads=leads,
        moments=moments,
    )


def _moment(row: Mapping[str, Any], leads: Mapping[str, Any]) -> tuple[datetime, tuple[Deed, ...]]:
    if not 1 <= row["day"] <= LASTS:
        raise ValueError(f"there is no day {row['day']}")
    at = BEGINS + timedelta(days=row["day"] - 1, hours=row.get("at", 10))
    deeds = []
    for lead, verb, *what in row["do"]:
        if lead not in leads or verb not in VERBS:
            raise ValueError(f"day {row['day']}: nobody is called {lead!r}, or nobody knows how to {verb!r}")
        deeds.append(Deed(lead=lead, verb=verb, what=tuple(what), at=at))
    return at, tuple(deeds)


# -- what leads do -------------------------------------------------------------------------------------------------


def _appears(story: Story, deed: Deed) -> Iterator[SandboxAct]:
    """Comes with a list of a fair, or a newsletter: somebody whom nobody has spoken to."""
    yield {"kind": "contact", "source": "IMPORT", "properties": dict(story.leads[deed.lead])}


def _sends(story: Story, deed: Deed) -> Iterator[SandboxAct]:
    """[form] or [form, further values]; an address that is unknown becomes a contact."""
    form, *more = deed.what
    values = {**story.leads[deed.lead], **(more[0] if more else {})}
    yield {"kind": "form_submission", "form": form, "email": values.pop("email"), "values": values}


def _views(story: Story, deed: Deed) -> Iterator[SandboxAct]:
    """[page] or [page, how often], five minutes apart, the last one at the moment itself."""
    page, *often = deed.what
    for back in reversed(range(often[0] if often else 1)):
        yield {
            "kind": "page_view", "email": story.email(deed.lead), "url": SITE + page,
            "at": (deed.at - 5 * back * MINUTE).isoformat(),
        }  # fmt: skip


def _gets(story: Story, deed: Deed) -> Iterator[SandboxAct]:
    """[mail]: marketing sends it, six hours before."""
    for kind in ("SENT", "DELIVERED"):
        yield _mail(story, deed, kind) | {"at": (deed.at - 360 * MINUTE).isoformat()}


def _clicks(story: Story, deed: Deed) -> Iterator[SandboxAct]:
    """[mail, page], and looks at the page: no machine."""
    yield _mail(story, deed, "CLICK") | {"url": SITE + deed.what[1]}
    yield {"kind": "page_view", "email": story.email(deed.lead), "url": SITE + deed.what[1]}


def _opens(story: Story, deed: Deed) -> Iterator[SandboxAct]:
    yield _mail(story, deed, "OPEN")


def _unsubscribes(story: Story, deed: Deed) -> Iterator[SandboxAct]:
    """[mail], in that mail."""
    yield _mail(story, deed, "UNSUBSCRIBED")


def _books(story: Story, deed: Deed) -> Iterator[SandboxAct]:
    """Books a meeting for two days later."""
    starts = (deed.at + timedelta(days=2)).isoformat()
    yield {"kind": "meeting", "email": story.email(deed.lead), "starts_at": starts}


def _mail(story: Story, deed: Deed, kind: str) -> SandboxAct:
    mail = deed.what[0]
    number = 7_000 + sum(map(ord, mail))
    return {"kind": "email_event", "type": kind, "email": story.email(deed.lead), "campaign_id": number, "name": mail}


# -- what sales and others do --------------------------------------------------------------------------------------


def _is_called(story: Story, deed: Deed) -> Iterator[SandboxAct]:
    yield {"kind": "call", "email": story.email(deed.lead)}


def _is_answered(story: Story, deed: Deed) -> Iterator[SandboxAct]:
    """[verdict], [verdict, reason] or [verdict, reason, day of return], in Handoff's properties."""
    names = ("handoff_verdict", "handoff_verdict_reason", "handoff_return_on")
    given = (value if isinstance(value, str) else value.isoformat() for value in deed.what)
    yield _edit(story, deed, dict(zip(names, given, strict=False)))


def _is_edited(story: Story, deed: Deed) -> Iterator[SandboxAct]:
    """[values by property]: somebody types them in."""
    yield _edit(story, deed, deed.what[0])


def _has_deal(story: Story, deed: Deed) -> Iterator[SandboxAct]:
    """[open], [won] or [lost]: a new deal, or what became of it."""
    stage = {"open": "appointmentscheduled", "won": "closedwon", "lost": "closedlost"}[deed.what[0]]
    known = story.deals.get(deed.lead)
    whose: SandboxAct = {"deal": known} if known else {"email": story.email(deed.lead)}
    yield {"kind": "deal", "properties": {"dealstage": stage, "amount": "12000"}, **whose}


def _edit(story: Story, deed: Deed, properties: Mapping[str, str]) -> SandboxAct:
    return {"kind": "edit", "email": story.email(deed.lead), "properties": dict(properties)}


VERBS: Mapping[str, Callable[[Story, Deed], Iterator[SandboxAct]]] = {
    "appears": _appears,
    "sends": _sends,
    "views": _views,
    "gets": _gets,
    "opens": _opens,
    "clicks": _clicks,
    "unsubscribes": _unsubscribes,
    "books": _books,
    "is called": _is_called,
    "is answered": _is_answered,
    "is edited": _is_edited,
    "has a deal": _has_deal,
}
