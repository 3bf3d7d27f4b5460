"""Consequences: what it means for one lead that a rule book decides otherwise than another. Values in, values out.

Compared is what would be done now, not what was done before: where both books do nothing, nothing changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from connector.domain.contact import Contact
from connector.domain.decision import GIVEN, Action, Decision
from connector.rules import stages
from connector.rules.plan import plan
from connector.rules.rulebook import RuleBook


class Consequence(StrEnum):
    """One kind of change; a lead may have several."""

    STAGE = "change_stage"
    TO_SALES = "go_to_sales"
    NOT_TO_SALES = "stay_with_marketing"
    LEAVES_SALES = "leave_sales"
    STAYS_IN_SALES = "stay_with_sales"
    OWNER = "get_another_owner"
    TRIAGE = "go_to_triage"
    NO_TRIAGE = "leave_triage"
    HOLD = "change_marketing_hold"
    TAKEN_IN = "be_taken_in"
    NOT_TAKEN_IN = "not_be_taken_in"
    SCORE = "change_score"


WORDS: dict[Consequence, str] = {
    Consequence.STAGE: "would change stage",
    Consequence.TO_SALES: "would go to sales",
    Consequence.NOT_TO_SALES: "would stay with marketing and not go to sales",
    Consequence.LEAVES_SALES: "would leave sales' hands",
    Consequence.STAYS_IN_SALES: "would stay in sales' hands and not leave them",
    Consequence.OWNER: "would go to another owner",
    Consequence.TRIAGE: "would go to triage",
    Consequence.NO_TRIAGE: "would not go to triage any more",
    Consequence.HOLD: "would be held from marketing, or released, otherwise",
    Consequence.TAKEN_IN: "would be taken in silently, as from before Handoff began",
    Consequence.NOT_TAKEN_IN: "would not be taken in silently any more",
    Consequence.SCORE: "would have another score",
}
"""After "142 contacts"."""

MOVING = frozenset(Consequence) - {Consequence.TAKEN_IN, Consequence.NOT_TAKEN_IN, Consequence.SCORE}
"""Those by which a lead moves: its score alone does nothing, and who is taken in silently waits to be adopted (R41)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one rule book says of one contact.

    Attributes:
        stage, status: as they would stand afterwards; held: whether marketing would be kept away from it.
    """

    decision: Decision
    stage: str
    status: str
    held: bool


def answer(decision: Decision, contact: Contact, book: RuleBook, *, on_list: bool) -> Answer:
    """The decision with what it would leave in the CRM; `contact` as this book reads it."""
    planned = plan(decision, contact, book, on_list=on_list, now=decision.as_of)
    after = {change.field: change.after for change in planned.changes}
    now = stages.stage_of(contact)
    hold = decision.episode.marketing_held if decision.episode is not None else False
    return Answer(
        decision,
        stage=str(after.get("stage") or now or ""),
        status=str(after["status"] or "") if "status" in after else contact.text("status"),
        held=hold,
    )


def consequences(before: Answer, after: Answer) -> frozenset[Consequence]:
    """How the second answer differs from the first; empty where both do the same to the lead."""
    old, new = before.decision, after.decision
    found = set()
    if (before.stage, before.status) != (after.stage, after.status):
        found.add(Consequence.STAGE)
    found |= _turned(_hands_over(old), _hands_over(new), Consequence.TO_SALES, Consequence.NOT_TO_SALES)
    found |= _turned(_takes_back(old), _takes_back(new), Consequence.LEAVES_SALES, Consequence.STAYS_IN_SALES)
    triage = Action.TRIAGE
    found |= _turned(old.action is triage, new.action is triage, Consequence.TRIAGE, Consequence.NO_TRIAGE)
    predates = Action.PREDATES
    found |= _turned(old.action is predates, new.action is predates, Consequence.TAKEN_IN, Consequence.NOT_TAKEN_IN)
    if _hands_over(old) and _hands_over(new) and _owner(old) != _owner(new):
        found.add(Consequence.OWNER)
    if before.held != after.held and not (_hands_over(old) ^ _hands_over(new)):
        found.add(Consequence.HOLD)
    if (old.score and old.score.total) != (new.score and new.score.total):
        found.add(Consequence.SCORE)
    return frozenset(found)


def _turned(before: bool, after: bool, begins: Consequence, ends: Consequence) -> set[Consequence]:
    return set() if before == after else {begins if after else ends}


def _hands_over(decision: Decision) -> bool:
    """To a person: an episode begins, or one that was found silent comes to life."""
    return decision.action in GIVEN


def _takes_back(decision: Decision) -> bool:
    return decision.action is Action.END and decision.before is not None and not decision.before.silent


def _owner(decision: Decision) -> str | None:
    return decision.episode.owner if decision.episode is not None else None
