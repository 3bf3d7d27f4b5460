"""Answers by link: which a notice offers, whether a link still counts, and what an answer means in the CRM (R20).

A verdict that is said by link is the very value that a rep would set in the CRM; rules/follow.py then reads it there.
A call that was not logged is a touch (rules/touches.py). How links are signed is delivery's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from connector.domain.answer import Answer, AnswerKind, Said
from connector.domain.contact import Contact, OwnerId, Value
from connector.domain.episode import Episode, Hop, State
from connector.domain.notice import NoticeKind
from connector.rules.follow import touches_count_from
from connector.rules.recycling import RecyclingRules
from connector.rules.rulebook import RuleBook

EXPIRES = timedelta(days=30)
"""So long a link can be used; the body that it stood in is kept no longer either (S14)."""
LONGEST_COMMENT = 500

TOLD_WITH = frozenset(
    {
        NoticeKind.LEAD_HANDED_OFF,
        NoticeKind.LEAD_MOVED,
        NoticeKind.LEAD_SIGNAL,
        NoticeKind.SLA_AT_RISK,
        NoticeKind.SLA_BREACHED,
    }
)
"""Notices to somebody who has a lead in hand."""

MEANS: Mapping[AnswerKind, tuple[State, ...]] = MappingProxyType(
    {
        AnswerKind.ACCEPT: (State.ACCEPTED,),
        AnswerKind.QUALIFY: (State.SALES_QUALIFIED, State.TELEQUALIFIED),
        AnswerKind.RECYCLE: (State.RECYCLED,),
        AnswerKind.JUNK: (State.JUNK,),
    }
)
"""The states that a verdict's word may stand for, the best first. A call says no verdict."""

LABELS: Mapping[AnswerKind, str] = MappingProxyType(
    {
        AnswerKind.ACCEPT: "Accept",
        AnswerKind.CALLED: "I called",
        AnswerKind.QUALIFY: "Pass on to a rep",
        AnswerKind.RECYCLE: "Hand back",
        AnswerKind.JUNK: "Junk",
    }
)


class Standing(StrEnum):
    """How it stands with a link."""

    OPEN = "open"
    USED = "used"
    MOVED = "moved"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


def offered(book: RuleBook, hop: Hop) -> tuple[AnswerKind, ...]:
    """The answers that whoever has a lead on this hop may give, as far as the rules have words for them."""
    kinds = [kind for kind in AnswerKind if kind is not AnswerKind.QUALIFY or hop is Hop.TELEQUALIFICATION]
    verdicts = "verdict" in book.fields.fields
    return tuple(
        kind for kind in kinds if kind is AnswerKind.CALLED or (verdicts and word_of(kind, book.recycling))
    )


def word_of(kind: AnswerKind, rules: RecyclingRules) -> str:
    """The verdict's word as recycling.yaml spells it; empty where it has none."""
    words = (word for state in MEANS.get(kind, ()) for word, meant in rules.verdicts.items() if meant is state)
    return next(words, "")


def standing(
    told: NoticeKind,
    addressee: OwnerId | None,
    queued_at: datetime | None,
    episode: Episode | None,
    *,
    cancelled: bool,
    held_from: datetime | None,
    now: datetime,
) -> Standing:
    """Whether a link of a notice may be used, whatever was answered by it before.

    Args:
        addressee: whose notice it was; None for an agency without seats in the CRM.
        queued_at: when it was told, by the CRM's clock.
        episode: as it stands now; None where it is not known any more.
        cancelled: the notice was taken back.
        held_from: when the episode came into the hands in which it is now.
        now: by the CRM's clock.
    """
    if told not in TOLD_WITH or episode is None or queued_at is None:
        return Standing.UNKNOWN
    if not episode.is_open or episode.silent:
        return Standing.ENDED
    if episode.owner != addressee or (held_from is not None and queued_at < held_from):
        return Standing.MOVED
    if cancelled:
        return Standing.WITHDRAWN
    return Standing.EXPIRED if now - queued_at > EXPIRES else Standing.OPEN


def is_still_theirs(answer: Answer, episode: Episode | None) -> bool:
    """Whether the lead is in the hands in which it was when they answered."""
    return (
        episode is not None
        and (episode.id, episode.owner, episode.assignment) == (answer.episode, answer.owner, answer.assignment)
    )  # fmt: skip


def is_overtaken(contact: Contact, answered_at: datetime, ours: frozenset[str]) -> bool:
    """Whether somebody set a verdict in the CRM after the answer was given: then that one stands (I2).

    Args:
        ours: words that earlier answers by link put there.
    """
    said_at = contact.changed_at.get("verdict")
    word = contact.text("verdict").strip().lower()
    return said_at is not None and said_at > answered_at and word not in ours


def values(kind: AnswerKind, said: Said, book: RuleBook) -> dict[str, Value]:
    """Field → value that the answer sets in the CRM; empty where the rules have no word for it.

    What was left out in the form is left as it stands. A reason that recycling.yaml does not know counts as none.
    """
    word = word_of(kind, book.recycling)
    if not word or "verdict" not in book.fields.fields:
        return {}
    reason = said.reason if said.reason in book.recycling.reasons else ""
    found: dict[str, Value] = {
        "verdict": word,
        "verdict_reason": reason or None,
        "return_on": said.return_on,
        "comment": said.comment or None,
    }
    return {name: value for name, value in found.items() if value is not None and name in book.fields.fields}


def stands_unheard(contact: Contact, episode: Episode, word: str, rules: RecyclingRules) -> bool:
    """Whether the same word stands there and does not count: set again, the CRM would record nothing new.

    A former holder said it, or what it led to was undone (R36). The lead has been decided on what stands there, so a
    word that means more than the episode's state was not followed.
    """
    if contact.text("verdict").strip().lower() != word:
        return False
    meant = rules.verdicts.get(word)
    if meant is not None and meant.rank > episode.state.rank:
        return True
    said_at, since = contact.changed_at.get("verdict"), touches_count_from(episode, contact)
    return said_at is not None and since is not None and said_at <= since
