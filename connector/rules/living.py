"""A living portal: leads that sales had before Handoff came are taken in silently, and brought to life (R41)."""

from __future__ import annotations

from dataclasses import replace

from connector.domain.decision import Action, Decision
from connector.domain.episode import Episode, State, episode_id
from connector.rules import stages
from connector.rules.case import Case
from connector.rules.handing import routed
from connector.rules.words import sentence


def predating(case: Case) -> Decision | None:
    """A lead that sales already had when Handoff came is taken in silently, before any other rule looks at it."""
    return infer(case) if case.past is not None and not case.situation.episodes else None


def infer(case: Case) -> Decision | None:
    state = stages.inferred_state(case.contact, case.book.stages)
    changed = case.contact.changed_at.get("stage")
    if (
        state is None
        or case.situation.episodes
        or (changed is not None and case.past is not None and changed > case.past)
    ):
        return None
    episode = Episode(
        id=episode_id(case.situation.portal, case.contact.id, 1),
        contact=case.contact.id,
        ordinal=1,
        state=state,
        lane="inferred",
        opened_at=case.contact.created_at,
        owner=case.contact.owner,
        reason="Was in sales' hands before Handoff began.",
        silent=True,
    )
    words = "Sales had this lead before Handoff began; taken in silently."
    return brought_to_life(case, episode) or case.result(Action.INFER, words, episode=episode)


def silent(case: Case, before: Episode, after: Episode) -> Decision:
    """A lead that sales had before Handoff came (R41)."""
    if after.state.is_end:
        return case.result(Action.INFER, "Sales finished this lead before it was adopted.", episode=after)
    live = brought_to_life(case, after)
    if live is not None:
        return live
    if after != before:
        return case.result(Action.INFER, "Sales moved this lead, which is not adopted yet.", episode=after)
    if case.request == "hold":
        return case.on_hold()
    return case.nothing("Sales had this lead before Handoff began; it is waiting to be adopted.")


def brought_to_life(case: Case, silent: Episode) -> Decision | None:
    """By a person's word, adoption, or a hand-raise since Handoff began: who asks for sales is never left silent."""
    lane, words = _called(case)
    if not lane:
        return None
    live = replace(
        silent,
        silent=False,
        lane=lane,
        state=max(silent.state, State.HANDED_OFF, key=lambda state: state.rank),
        handed_off_at=case.now,
        reason=sentence((words,)),
    )
    if live.owner is None or live.owner in case.left:
        return routed(case, live, live.reason, Action.ADOPT, verdicts=(), evidence="adopted", signal_at=case.now)
    return case.result(Action.ADOPT, live.reason, episode=case.held(live), evidence="adopted", signal_at=case.now)


def _called(case: Case) -> tuple[str, str]:
    """The lane in which a silent episode comes to life, and why; empty where nothing calls it."""
    past = case.situation.since
    if case.request == "hold":
        return "", ""
    if case.asks_by_hand:
        return "request", "A person asked to hand this lead to sales"
    hand = case.raised(past) if past is not None else case.hand
    if hand is not None:
        return "hand_raiser", hand.label
    if case.situation.adopt:
        return "inferred", "Was in sales' hands before Handoff began, and has been adopted"
    return "", ""
