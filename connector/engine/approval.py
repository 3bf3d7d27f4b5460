"""Approval: a preview that a person looked at, carried out lead by lead, and nothing that changed since (R33).

What was saved holds, for each lead, what was to be done and a digest of what that rested on. It is decided again as of
the preview, on the facts of now: where those are others, or something else would come out, the lead is left out and
said why. Owners are those that were named, also where a turn in between went to somebody else. Only the rep's clock is
new: it begins when the lead is handed over. Writing, and whose value stands, is as in every run (I1, I2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from connector.domain.change import BESIDE, Change
from connector.domain.contact import ContactId, OwnerId, PortalId, Value
from connector.domain.decision import Candidate, Decision
from connector.errors import SettingsError
from connector.rules.decide import decide
from connector.rules.rulebook import RuleBook
from connector.rules.situation import Situation

FRESH = timedelta(hours=24)
"""So long a preview can be approved; then too much has happened, and rules look back from another day."""
CLOCK = "due_at"
"""The one field that is not written as it was shown."""
AGAIN = "Run `handoff preview --save` again and look at that one."

Basis = Mapping[str, str]
"""Part of what a decision rested on -> its digest."""

CHANGED: Mapping[str, str] = {
    "record": "its record was edited since",
    "activities": "it did something since",
    "deals": "a deal of it changed since",
    "episodes": "its handover moved on since",
}
ANOTHER = "something else would be done now"
NOT_WAITING = "it waits for nothing any more: it was done since, is gone, or cannot be read"
RACED = "somebody edited it in the very moment"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedLead:
    """What was shown of one lead. `route`: the rule by which its owner was found; both None where no owner was."""

    contact: ContactId
    action: str
    owner: OwnerId | None
    route: str | None
    changes: Sequence[Any]
    basis: Basis


@dataclass(slots=True, kw_only=True)
class Approval:
    """A saved preview on its way. `left_out`: contact -> why."""

    portal: PortalId
    rules: str
    as_of: datetime
    leads: Mapping[ContactId, ApprovedLead]
    left_out: dict[ContactId, str] = field(default_factory=dict)
    agreed: set[ContactId] = field(default_factory=set)

    def require(self, portal: PortalId, rules: str, now: datetime) -> None:
        """Raise SettingsError where all of it is out of date."""
        if self.portal != portal:
            raise SettingsError(f"this preview is of portal {self.portal}, not of {portal}", advice=AGAIN)
        if self.rules != rules:
            raise SettingsError("the rules changed since this preview", advice=AGAIN)
        if not timedelta(0) <= now - self.as_of <= FRESH:
            raise SettingsError("this preview is not of the last day", advice=AGAIN)

    def decide(self, situation: Situation, book: RuleBook, *, on_list: bool, now: datetime) -> Decision:
        """As of the preview; where the facts are others, the lead is left out."""
        lead = self.leads[situation.contact.id]
        found = basis_of(situation, on_list=on_list, since=self._since(book))
        changed = [words for part, words in CHANGED.items() if found[part] != lead.basis.get(part)]
        if changed:
            self.left_out[lead.contact] = " and ".join(changed)
        decision = decide(situation, book, now=self.as_of)
        if lead.owner is not None and _owner(decision) != lead.owner:
            decision = _to_owner(lead, decision, situation, book, self.as_of)
        episode = decision.episode
        if episode is not None and episode.handed_off_at == self.as_of:
            episode = replace(episode, handed_off_at=now)
        if episode is not None and episode.passed_on_at == self.as_of:
            episode = replace(episode, passed_on_at=now)
        return replace(decision, as_of=now, episode=episode)

    def agrees(self, decision: Decision, changes: Sequence[Change]) -> bool:
        """Whether this is what was approved; what is not is remembered as left out."""
        lead = self.leads[decision.contact]
        route = decision.route.rule if decision.route else None
        same = (decision.action.value, _owner(decision), route) == (lead.action, lead.owner, lead.route)
        if not same or _shown(_plain_changes(changes)) != _shown(lead.changes):
            self.left_out.setdefault(decision.contact, ANOTHER)
        if decision.contact in self.left_out:
            return False
        self.agreed.add(decision.contact)
        return True

    def close(self, overtaken: Iterable[ContactId]) -> None:
        """The run is over; who was not decided again, or was overtaken by a person, is left out too."""
        for contact in self.leads:
            if contact not in self.agreed:
                self.left_out.setdefault(contact, NOT_WAITING)
        for contact in overtaken:
            if contact in self.agreed:
                self.agreed.discard(contact)
                self.left_out[contact] = RACED

    def _since(self, book: RuleBook) -> datetime:
        return oldest(self.as_of, book)


def oldest(as_of: datetime, book: RuleBook) -> datetime:
    """Activities before it are in no digest: they are about to be too old to count."""
    return as_of - book.scoring.look_back + FRESH


def basis_of(situation: Situation, *, on_list: bool, since: datetime) -> dict[str, str]:
    """Digests of what a decision on this contact rests on, by part; they say whether it changed, and not what it is."""
    contact = situation.contact
    parts: dict[str, object] = {
        "record": (sorted(contact.fields.items()), on_list),
        "activities": sorted(f"{row.stream}:{row.id}" for row in situation.activities if row.occurred_at >= since),
        "deals": sorted(repr(deal) for deal in situation.deals),
        "episodes": [repr(episode) for episode in situation.episodes],
    }
    return {name: sha256(repr(part).encode()).hexdigest()[:16] for name, part in parts.items()}


def _owner(decision: Decision) -> OwnerId | None:
    return decision.route.owner if decision.route else None


def _to_owner(lead: ApprovedLead, first: Decision, situation: Situation, book: RuleBook, as_of: datetime) -> Decision:
    """With nobody else there the rules give it to the owner that was named, or to none."""
    desk = situation.desk
    alone = replace(desk, owners=[one for one in desk.owners if one.archived or one.id == lead.owner])
    decision = decide(replace(situation, desk=alone), book, now=as_of)
    if _owner(decision) != lead.owner or decision.route is None:
        return first
    others = [one for one in (first.route.candidates if first.route else ()) if one.owner != lead.owner]
    told = (replace(one, why_not=one.why_not or "the approved preview names another owner") for one in others)
    candidates = (*((Candidate(owner=lead.owner),) if lead.owner else ()), *told)
    return replace(decision, route=replace(decision.route, candidates=candidates))


# -- saved -----------------------------------------------------------------------------------------------------


def saved(
    leads: Iterable[tuple[Decision, Sequence[Change], Basis]], *, portal: PortalId, rules: str, as_of: datetime
) -> dict[str, object]:
    """A preview as one JSON object, to be read back by read_saved()."""
    return {
        "handoff_preview": 1,
        "portal": portal,
        "rules": rules,
        "as_of": as_of.isoformat(),
        "leads": [
            {
                "contact": decision.contact,
                "action": decision.action.value,
                "why": decision.sentence,
                "owner": _owner(decision),
                "route": decision.route.rule if decision.route else None,
                "changes": _plain_changes(changes),
                "basis": dict(basis),
            }
            for decision, changes, basis in leads
        ],
    }


class _Lead(BaseModel):
    """As saved() writes one."""

    model_config = ConfigDict(strict=True)

    contact: str = Field(pattern="^[0-9]{1,20}$")
    action: str
    owner: str | None
    route: str | None
    changes: list[tuple[str, str, Any, Any]]
    basis: dict[str, str]


class _Saved(BaseModel):
    model_config = ConfigDict(strict=True)

    handoff_preview: Literal[1]
    portal: str
    rules: str
    as_of: AwareDatetime
    leads: list[_Lead]


def read_saved(text: str) -> Approval:
    """Raises SettingsError where it is not what saved() made."""
    try:
        found = _Saved.model_validate_json(text)
    except ValidationError as error:
        raise SettingsError("this is no preview that Handoff saved", advice=AGAIN) from error
    leads = [
        ApprovedLead(
            contact=ContactId(one.contact),
            action=one.action,
            owner=OwnerId(one.owner) if one.owner is not None else None,
            route=one.route,
            changes=one.changes,
            basis=one.basis,
        )
        for one in found.leads
    ]
    return Approval(
        portal=PortalId(found.portal),
        rules=found.rules,
        as_of=found.as_of,
        leads={lead.contact: lead for lead in leads},
    )


def _plain_changes(changes: Sequence[Change]) -> list[list[Any]]:
    return [[one.kind.value, one.field, _plain(one.before), _plain(one.after)] for one in changes]


def _plain(value: Value) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _shown(changes: Sequence[Any]) -> list[Any]:
    """Without the end of the rep's clock, which begins when the lead is handed over; a task or note names it too."""
    timed = (CLOCK, *BESIDE)
    return [
        [kind, name, before, None if name in timed or kind in timed else after] for kind, name, before, after in changes
    ]
