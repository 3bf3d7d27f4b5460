"""A decision: all verdicts on one contact, folded into what happens next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from connector.domain.contact import ContactId, OwnerId
from connector.domain.episode import Episode
from connector.domain.verdict import Verdict


class Action(StrEnum):
    """What a decision asks for. NOTHING is an answer too, with its reasons."""

    NOTHING = "nothing"
    HAND_OVER = "hand_over"  # opens an episode and gives it to an owner
    TRIAGE = "triage"  # a hand-raiser that a filter stopped goes to the triage desk (R02)
    ADVANCE = "advance"  # the open episode moved on: state, owner or touch
    END = "end"  # the open episode ended: won, lost, recycled, junk, unreachable
    ADOPT = "adopt"  # a silent episode comes to life (R41)
    CORRECTED = "corrected"  # sales gave another answer, reason or day after the hand-back (R21)
    HOLD_CHANGED = "hold_changed"  # the marketing hold follows a policy that was changed (R11)
    SIGNAL = "signal"  # a lead in work raised its hand again (R40)
    INTEREST = "interest"  # strong new interest of a lead in work (R40)
    INFER = "infer"  # an episode taken in silently from a living portal (R41)
    PREDATES = "predates"  # would qualify, but on signals from before Handoff began (R41)


GIVEN = (Action.HAND_OVER, Action.ADOPT)
"""Actions with which an episode comes into sales' hands."""


class Contribution(NamedTuple):
    """One line of a score. `points` are hundredths, so that lines sum exactly (R04, R34).

    A decision holds a dozen of them, and a named tuple is made in a fifth of the time that a dataclass takes.

    Attributes:
        group: `fit` or `engagement`.
        label: in words, such as "viewed the pricing page".
        occurred_at: instant of the activity, or when the fit field took its value; None where unknown.
    """

    group: str
    label: str
    points: int
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Points in hundredths; `total` is the sum of all contributions, caps included as lines of their own."""

    total: int
    fit: int
    engagement: int
    grade: str
    contributions: tuple[Contribution, ...]

    def __post_init__(self) -> None:
        if sum(line.points for line in self.contributions) != self.total:
            raise ValueError("contributions do not sum to the score")

    @property
    def points(self) -> float:
        return self.total / 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An owner that routing considered; `why_not` is empty for the one it chose."""

    owner: OwnerId
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """To whom, by which rule, and everyone who was considered (R13).

    `owner`: None where an agency without seats in the CRM gets it. `party`: the telequalification that gets it, empty
    for sales. `rotation` holds the pointers that moved, by owner, in the pool named, that of whose turn it was first;
    written in the assignment's transaction.
    """

    owner: OwnerId | None
    rule: str
    sentence: str
    candidates: tuple[Candidate, ...]
    pool: str = ""
    party: str = ""
    rotation: Mapping[OwnerId, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Everything decided on one contact at one instant.

    Attributes:
        episode: as it stands after the decision; None where the contact has none.
        before: the open episode as it stood before, or the ended one whose hold changes; None where there was none.
        sentence: the whole answer in one sentence, for people.
        signal_at: the newest signal that the decision rests on; None where it rests on none.
        evidence: effect-relevant key of what caused it (activity id, verdict, deal), part of effect ids (I5).
        missing: how many points were short, one part of a sentence each.
        definition: version of the agreement by which it was decided (R10); 0 where the rules name none.
    """

    contact: ContactId
    as_of: datetime
    fingerprint: str
    action: Action
    sentence: str
    verdicts: tuple[Verdict, ...] = ()
    score: Score | None = None
    route: Route | None = None
    before: Episode | None = None
    episode: Episode | None = None
    signal_at: datetime | None = None
    evidence: str = ""
    missing: tuple[str, ...] = ()
    definition: int = 0

    @property
    def passes_on(self) -> bool:
        """Telequalification is done with the lead, and a rep begins inside the same episode (R12)."""
        before, after = self.before, self.episode
        return bool(before and after and before.passed_on_at is None and after.passed_on_at is not None)
