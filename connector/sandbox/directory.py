"""What a portal holds beside CRM records: owners and teams, forms, pipelines, and everything people did.

Plain data, filled by seed.py and acts.py, read by the HTTP modules (owners, forms, pipelines, events, email_events).
All instants are epoch milliseconds of the sandbox clock; lists of happenings are in the order they were added.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Team:
    """A team of owners."""

    id: str
    name: str


@dataclass(slots=True)
class Owner:
    """Someone who may own records; user_id is None only for queues; teams: (team, is main)."""

    id: str
    user_id: int | None
    email: str
    first_name: str
    last_name: str
    created: int
    updated: int
    archived: bool = False
    kind: str = "PERSON"
    teams: list[tuple[Team, bool]] = field(default_factory=list)

    @property
    def main_team(self) -> Team | None:
        """Give the main team, None without one."""
        return next((team for team, main in self.teams if main), None)


@dataclass(slots=True)
class Form:
    """A form definition; fields are property names of contacts."""

    guid: str
    name: str
    created: int
    fields: list[str]
    kind: str = "hubspot"
    archived: bool = False
    sets_stage: str | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """One form submission; contact_id is whom HubSpot credited with it."""

    conversion_id: str
    form_guid: str
    at: int
    values: tuple[tuple[str, str], ...]
    page_url: str | None
    page_title: str | None
    contact_id: str

    def of(self, contact_id: str) -> Submission:
        """Give the same submission, credited to another contact."""
        return replace(self, contact_id=contact_id)


@dataclass(frozen=True, slots=True)
class PageView:
    """One viewed page of a known contact."""

    id: str
    at: int
    contact_id: str
    url: str
    title: str | None = None
    referrer: str | None = None
    source: str | None = None

    def of(self, contact_id: str) -> PageView:
        """Give the same view, by another contact."""
        return replace(self, contact_id=contact_id)


@dataclass(frozen=True, slots=True)
class EmailEvent:
    """One marketing e-mail event; kind is SENT, DELIVERED, OPEN, CLICK, BOUNCE, UNSUBSCRIBE, …"""

    id: str
    at: int
    kind: str
    recipient: str
    campaign_id: int
    name: str | None = None
    url: str | None = None
    filtered: bool = False
    sent_at: int | None = None


@dataclass(slots=True)
class Stage:
    """A pipeline stage; closed/won matter for deals."""

    id: str
    label: str
    probability: str = "0.0"
    closed: bool = False
    archived: bool = False

    @property
    def won(self) -> bool:
        """Say whether a deal in it is won."""
        return self.closed and float(self.probability) >= 1.0


@dataclass(slots=True)
class Pipeline:
    """A pipeline of deals, leads, …; order = position."""

    id: str
    label: str
    stages: list[Stage]
    archived: bool = False


def default_pipelines() -> dict[str, list[Pipeline]]:
    """Give a fresh portal's pipelines by object type."""
    deal_stages = [
        Stage("appointmentscheduled", "Appointment scheduled", "0.2"),
        Stage("qualifiedtobuy", "Qualified to buy", "0.4"),
        Stage("presentationscheduled", "Presentation scheduled", "0.6"),
        Stage("decisionmakerboughtin", "Decision maker bought-in", "0.8"),
        Stage("contractsent", "Contract sent", "0.9"),
        Stage("closedwon", "Closed won", "1.0", closed=True),
        Stage("closedlost", "Closed lost", "0.0", closed=True),
    ]
    lead_stages = [
        Stage("new-stage-id", "New"),
        Stage("attempting-stage-id", "Attempting"),
        Stage("connected-stage-id", "Connected"),
        Stage("qualified-stage-id", "Qualified", closed=True),
        Stage("unqualified-stage-id", "Disqualified", closed=True),
    ]
    return {
        "deals": [Pipeline("default", "Sales pipeline", deal_stages)],
        "leads": [Pipeline("lead-pipeline-id", "Lead pipeline", lead_stages)],
    }


@dataclass(slots=True)
class Directory:
    """Everything of the module docstring, of one portal."""

    owners: dict[str, Owner] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    forms: dict[str, Form] = field(default_factory=dict)
    pipelines: dict[str, list[Pipeline]] = field(default_factory=default_pipelines)
    submissions: dict[str, list[Submission]] = field(default_factory=dict)
    page_views: list[PageView] = field(default_factory=list)
    form_views: list[PageView] = field(default_factory=list)
    email_events: list[EmailEvent] = field(default_factory=list)

    def deal_stage(self, stage_id: str) -> Stage | None:
        """Find a deal stage by id in any pipeline."""
        for pipeline in self.pipelines["deals"]:
            for stage in pipeline.stages:
                if stage.id == stage_id:
                    return stage
        return None

    def form_named(self, name_or_guid: str) -> Form | None:
        """Find a form by GUID or by name."""
        found = self.forms.get(name_or_guid)
        return found or next((form for form in self.forms.values() if form.name == name_or_guid), None)
