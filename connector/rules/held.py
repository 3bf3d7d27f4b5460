"""Held: the marketing hold of leads that sales has, or had last, follows a policy that was changed (R11).

Nothing else of the lead moves, and nobody is told. Whether sales' own next move changes the hold, that move decides.
"""

from __future__ import annotations

from connector.domain.decision import Action, Decision
from connector.rules import suppression
from connector.rules.case import Case

QUIET = frozenset({Action.NOTHING, Action.TRIAGE, Action.PREDATES, Action.SIGNAL, Action.INTEREST})
"""Decisions that leave the hold as it is; those that move an episode give it its hold anew."""


def held_anew(case: Case, decision: Decision) -> Decision | None:
    """The hold as suppression.yaml says now, where it said otherwise before; None where it is so already.

    What the lead itself asks for is decided at the next look, in the same run. Of who must not be contacted at all no
    policy speaks (I0).
    """
    episode = case.situation.open_episode or case.situation.last_ended
    if episode is None or decision.action not in QUIET:
        return None
    after = case.held(episode)
    if after == episode or not suppression.forbid(case.contact, case.book.suppression).passed:
        return None
    what = "keeps away from this lead again" if after.marketing_held else "may write to this lead again"
    words = f"The policy of the marketing hold was changed: marketing {what}."
    return case.result(
        Action.HOLD_CHANGED, words, before=episode, episode=after, evidence="policy", signal_at=decision.signal_at
    )
