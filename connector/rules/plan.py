"""Plan: what must change in the CRM so that it shows what was decided; what already is so is no change.

The projection of an episode onto the contact (design.md, section 2): stage, status, owner, our own properties, list.
Our own echo ends here: planning what was just written gives nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from connector.domain.change import Change, ChangeKind, Plan
from connector.domain.contact import Contact, Value
from connector.domain.decision import GIVEN, Action, Decision
from connector.domain.episode import Episode, State
from connector.domain.stage import Stage
from connector.rules import sla, stages
from connector.rules.fields import FieldRules, Write
from connector.rules.rulebook import RuleBook

WRITING = frozenset({Action.HAND_OVER, Action.ADOPT, Action.ADVANCE, Action.END, Action.HOLD_CHANGED, Action.CORRECTED})
RESCUED = "rescued"
"""Evidence of a decision that gives a lead to somebody else because nobody has it any more."""
REASSIGNED = "reassigned"
"""… because a clock took it from its holder (R17)."""
POLICY = "policy"
"""What stood before, in a list change that follows a changed policy: undoing a run leaves these alone."""
ANSWERS = ("verdict", "verdict_reason", "return_on", "comment")
"""What a rep said of the last episode; emptied when a new one begins, so that the next answer is seen as new.

One given since the handover began is the rep's word about this very episode, and stands (I2)."""


def plan(decision: Decision, contact: Contact, book: RuleBook, *, on_list: bool, now: datetime) -> Plan:
    """All changes for one decision, in the order of mappings/fields.yaml, the list first (I1)."""
    episode = decision.episode
    if episode is None or decision.action not in WRITING:
        return Plan(contact=contact.id, episode=None, changes=())
    if decision.action is Action.HOLD_CHANGED:
        return Plan(contact=contact.id, episode=episode.id, changes=tuple(_list_change(episode, book, on_list, POLICY)))
    if decision.action is Action.CORRECTED and not _ends_otherwise(decision):
        moved = decision.before is not None and decision.before.track != episode.track
        track: dict[str, Value] = {"nurture_track": episode.track or None} if moved else {}
        changes = (*_list_change(episode, book, on_list), *_differing(track, contact, book))
        return Plan(contact=contact.id, episode=episode.id, changes=changes)
    changes = (*_list_change(episode, book, on_list), *_field_changes(decision, episode, contact, book, now))
    return Plan(contact=contact.id, episode=episode.id, changes=changes)


def _ends_otherwise(decision: Decision) -> bool:
    """Whether sales corrected the answer itself, and not its reason or day alone."""
    before, after = decision.before, decision.episode
    return before is not None and after is not None and before.state is not after.state


def _list_change(
    episode: Episode, book: RuleBook, on_list: bool, follows: str | None = None
) -> Iterator[Change]:
    if episode.marketing_held != on_list:
        kind = ChangeKind.LIST_ADD if episode.marketing_held else ChangeKind.LIST_REMOVE
        name = book.suppression.marketing_hold.list
        yield Change(contact=episode.contact, kind=kind, field=name, before=follows, after=None)


def _field_changes(
    decision: Decision, episode: Episode, contact: Contact, book: RuleBook, now: datetime
) -> Iterator[Change]:
    return _differing(dict(_wanted(decision, episode, contact, book, now)), contact, book)


def shown_anew(episode: Episode, contact: Contact, book: RuleBook) -> tuple[Change, ...]:
    """Whose lead it is, where a record does not show it though nobody took the lead away: after a merge (I12)."""
    wanted: dict[str, Value] = {"episode": episode.id, "state": episode.state.value}
    if episode.owner is not None:
        wanted["owner"] = episode.owner
    return tuple(_differing(wanted, contact, book))


def _differing(wanted: Mapping[str, Value], contact: Contact, book: RuleBook) -> Iterator[Change]:
    for name in book.fields.fields:
        if name not in wanted or not _may_write(name, contact, book.fields):
            continue
        before, after = contact.get(name), wanted[name]
        if _same(before, after):
            continue
        backward = name == "stage" and _goes_back(before, after)
        yield Change(
            contact=contact.id, kind=ChangeKind.FIELD, field=name, before=before, after=after, backward=backward
        )


def _wanted(
    decision: Decision, episode: Episode, contact: Contact, book: RuleBook, now: datetime
) -> Iterator[tuple[str, Value]]:
    """Field name → the value that must stand there."""
    yield from _projected(decision, episode, contact, book)
    yield "episode", episode.id
    yield "state", episode.state.value
    if decision.action in GIVEN:
        if episode.owner is not None:  # an agency outside has no seat in the CRM
            yield "owner", episode.owner
        yield "reason", episode.reason
        yield "qualified_at", episode.opened_at
        yield "due_at", sla.first_due(episode, book.sla, now=now)
        yield "nurture_track", None
        yield from ((name, None) for name in ANSWERS if not _said_since(decision, name, contact))
        if decision.score is not None:
            yield "score", decision.score.points
            yield "grade", decision.score.grade
    elif episode.state.is_end:
        yield "due_at", None
        yield "nurture_track", episode.track or None
    elif episode.assignment != (decision.before or episode).assignment:
        if decision.route is not None and episode.owner is not None:
            yield "owner", episode.owner
        yield "due_at", sla.first_due(episode, book.sla, now=now)
        if decision.passes_on:  # what was answered is telequalification's word, and has been acted on
            yield "reason", episode.reason
            yield from ((name, None) for name in ANSWERS)
        elif decision.evidence in (RESCUED, REASSIGNED):  # the word of who is gone; their successor's is to be seen
            yield "verdict", None
    elif sla.first_due(episode, book.sla, now=now) is None:  # touched, or answered without a touch
        yield "due_at", None


def _projected(
    decision: Decision, episode: Episode, contact: Contact, book: RuleBook
) -> Iterator[tuple[str, Value]]:
    """Stage and status of the episode's state; a stage moves on only, except where the rule says backward (I3).

    A stage or status that was set since the handover began is a person's word about this very episode (I2).
    """
    projection = book.stages.write.get(episode.state)
    if projection is None:
        return
    stage = stages.stage_of(contact)
    wanted = projection.stage
    allowed = wanted is not None and stages.may_move(stage, wanted, backward=projection.backward)
    stands = decision.action in GIVEN and _said_since(decision, "stage", contact)
    if wanted is not None and allowed and not stands and not (stage and _beyond(stage, wanted, episode.state)):
        yield "stage", wanted.value
    said = book.stages.statuses.get(contact.text("status").lower())
    if decision.action in GIVEN and contact.text("status") and _said_since(decision, "status", contact):
        return
    before = decision.before
    if before is not None and (before.state, before.assignment) == (episode.state, episode.assignment):
        return      # nothing came that a status could tell; the one that stands may be a person's, such as "waiting"
    if projection.status is not None and (said is not episode.state or not episode.state.is_end):
        yield "status", projection.status


def _said_since(decision: Decision, name: str, contact: Contact) -> bool:
    """Whether the field was changed since the run of this decision began; what a new contact came with was not."""
    said_at = contact.changed_at.get(name)
    return said_at is not None and said_at >= decision.as_of and said_at > contact.created_at


def _beyond(stage: Stage, wanted: Stage, state: State) -> bool:
    """A customer who did not buy again stays a customer: nothing takes back what was sold."""
    return state.is_end and stage in (Stage.CUSTOMER, Stage.EVANGELIST) and wanted.rank < stage.rank


def _goes_back(before: Value, after: Value) -> bool:
    return (
        isinstance(before, str)
        and isinstance(after, str)
        and before in Stage._value2member_map_
        and Stage(after).rank < Stage(before).rank
    )


def _may_write(name: str, contact: Contact, rules: FieldRules) -> bool:
    """As fields.yaml allows; a rep's answers are only ever emptied, and that belongs to beginning anew."""
    rule = rules.fields[name]
    if name in ANSWERS:
        return True
    if rule.write is Write.IF_EMPTY and contact.get(name) is not None:
        return False
    return rule.may_write()


def _same(before: Value, after: Value) -> bool:
    if isinstance(before, str) and isinstance(after, str):
        return before.strip() == after.strip()
    return before == after or (before in (None, "") and after in (None, ""))
