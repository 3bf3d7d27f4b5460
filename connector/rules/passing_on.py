"""Passing on: telequalification is done with a lead, and a rep takes it over inside the same episode (R12).

It says so by status, stage, verdict or a deal (rules/follow.py), by a meeting that the lead booked, or by giving the
contact to somebody in sales. An agency that the rules name no more has no say: a rep gets what it had. Who gets the
lead then is routing's.
"""

from __future__ import annotations

from dataclasses import replace

from connector.domain.contact import OwnerId
from connector.domain.decision import Action, Candidate, Decision, Route
from connector.domain.episode import Episode, Hop, State
from connector.rules import meetings, routing
from connector.rules.case import Case
from connector.rules.follow import had
from connector.rules.handing import routed
from connector.rules.touches import uncounted

SAYING = ("verdict", "status", "stage", "owner")
"""Fields by which a lead is passed on; a word that was said until then is none of the rep's."""
BY_HAND = "passed_on_by_hand"
"""Evidence of a decision that follows no word of telequalification's, but a change of owner."""


def passed_on(case: Case, before: Episode, after: Episode) -> Decision | None:
    """The second hop, where there is one; None while telequalification goes on working the lead.

    Args:
        before, after: the open episode, and as rules/follow.py found it.
    """
    if before.hop is not Hop.TELEQUALIFICATION or not after.is_open:
        return None
    party = routing.party_of(before, case.book.routing)
    if after.state is State.TELEQUALIFIED:
        said, evidence = "qualified this lead", State.TELEQUALIFIED.value
    elif (party is None or party.meeting) and _meeting(case, before):
        said, evidence = "got this lead a meeting", State.TELEQUALIFIED.value
    elif after.owner != before.owner and not _sits_there(case, after):
        said, evidence = "gave this lead to sales", BY_HAND
    elif party is None and after.owner is None:
        said, evidence = "is in the rules no more, and nobody else has this lead", "party_gone"
    else:
        return None
    name = party.words if party else before.party.replace("_", " ")
    words = f"{name[:1].upper()}{name[1:]} {said}."
    moved = _moved(case, before, after, words)
    if after.owner is not None and _was_named(case, before, after):
        return _to(case, moved, after.owner, words, evidence)
    return _routed(case, before, moved, words, evidence)


def left_to_sales(
    case: Case, before: Episode, after: Episode, words: str, *, taken_from: OwnerId | None = None
) -> Decision:
    """The second hop of a lead that nobody at telequalification can take over from its caller."""
    return _routed(case, before, _moved(case, before, after, words), words, BY_HAND, taken_from)


def _routed(
    case: Case, before: Episode, moved: Episode, words: str, evidence: str, taken_from: OwnerId | None = None
) -> Decision:
    return routed(
        case, moved, words, Action.ADVANCE, verdicts=(), evidence=evidence, signal_at=case.now, held=before,
        taken_from=taken_from,
    )  # fmt: skip


def _meeting(case: Case, before: Episode) -> bool:
    return meetings.booked_at(case.contact, case.activities, since=before.handed_off_at) is not None


def _was_named(case: Case, before: Episode, after: Episode) -> bool:
    """Whether a person gave it to somebody in sales, who is there."""
    moved = after.owner is not None and after.owner != before.owner
    return moved and after.owner not in case.left and not _sits_there(case, after)


def _sits_there(case: Case, episode: Episode) -> bool:
    people = routing.Directory(case.situation.desk.owners)
    return episode.owner in routing.callers(case.book.routing, people)


def _moved(case: Case, before: Episode, after: Episode, words: str) -> Episode:
    """In sales' hands, with what was said and done at telequalification behind it."""
    said = [at for name in SAYING if (at := case.contact.changed_at.get(name))]
    said += [min(deal.created_at, deal.modified_at) for deal in case.situation.deals]
    hand = case.raised(before.signal_at or before.handed_off_at)
    return replace(
        uncounted(after),
        state=State.TELEQUALIFIED,
        assignment=before.assignment + 1,
        reason=f"{words} {before.reason}".strip(),
        passed_on_at=max([case.now, *said]),
        caller=before.owner,
        caller_touched_at=after.first_touched_at,
        touched_at=None,
        former_owners=had(before),
        inherited=False,
        signal_at=case.latest(hand).at if hand else before.signal_at,
    )


def _to(case: Case, moved: Episode, owner: OwnerId, words: str, evidence: str) -> Decision:
    named = next((one.name for one in case.situation.desk.owners if one.id == owner), "") or "an owner without a name"
    route = Route(
        owner=owner,
        rule="routing.person",
        sentence=f"A person gave this lead to {named}.",
        candidates=(Candidate(owner=owner),),
    )
    return case.result(
        Action.ADVANCE, words, route=route, episode=case.held(moved), evidence=evidence, signal_at=case.now
    )
