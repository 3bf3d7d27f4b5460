"""An answer: what whoever has a lead said of it by a link in a notice (R20)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from connector.domain.contact import ContactId, OwnerId
from connector.domain.episode import EpisodeId

CLAIMED = "answers"
"""The stream of touches that were claimed by a link and not logged in the CRM."""


class AnswerKind(StrEnum):
    """What can be said by a link, in the order in which a notice offers it."""

    ACCEPT = "accept"
    CALLED = "called"
    QUALIFY = "qualify"  # telequalification passes the lead on (R12)
    RECYCLE = "recycle"
    JUNK = "junk"


class AnswerStatus(StrEnum):
    """What became of an answer; all but the first are final."""

    WAITING = "waiting"  # stored; the next look at the lead takes it up
    DONE = "done"  # it stands in the CRM, or the touch is counted
    MOVED = "moved"  # somebody else had the lead by then
    ENDED = "ended"  # the lead was no longer in work by then
    OVERTAKEN = "overtaken"  # a verdict was set in the CRM after it
    REFUSED = "refused"  # the rules know no word for it any more
    ERASED = "erased"  # the person was erased first


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a form was filled in with. `reason`: a name of recycling.yaml, or empty; `return_on`: None for no day."""

    reason: str = ""
    return_on: date | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer as it is stored.

    Attributes:
        id: made of the notice and the kind, so that a link has one answer (I5).
        entry: the notice's id in the outbox.
        owner, assignment: who had the lead when they answered; owner None where an agency without seats had it.
        received_at: by our own clock; answered_at: the same instant by the CRM's, known once it was taken up.
        intent: the write that carries it into the CRM; None where none does, or not yet.
        detail: why it waits still, or what became of it, in words without the person's; may be empty.
        age: how long ago it was received, when it was read.
    """

    id: str
    contact: ContactId
    episode: EpisodeId
    entry: str
    kind: AnswerKind
    owner: OwnerId | None
    assignment: int
    said: Said
    received_at: datetime
    answered_at: datetime | None = None
    status: AnswerStatus = AnswerStatus.WAITING
    intent: str | None = None
    detail: str = ""
    age: timedelta = timedelta(0)
