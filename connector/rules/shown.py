"""Shown: the episode that the CRM's own marks tell of, where the database knows of less.

A database that was restored from an old copy has forgotten what was handed over since. The marks on the contact have
not: nobody else writes them. From them the episode is made again as it stands, so that nobody is handed over twice and
nothing that people set since is written over (P3, I2). Who was told of it is not known any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connector.domain.contact import Contact
from connector.domain.episode import Episode, EpisodeId, Hop, State, episode_id
from connector.rules import qualification, suppression
from connector.rules.case import CUSTOMERS
from connector.rules.follow import end
from connector.rules.routing import Directory, sitting
from connector.rules.rulebook import RuleBook
from connector.rules.situation import Situation
from connector.rules.stages import stage_of

MOST_EPISODES = 100
"""So many ids are tried to find out which of a contact's episodes a mark names."""

A_MOMENT = timedelta(seconds=1)
"""The CRM keeps no microseconds."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What the CRM shows of an episode: its id and state, and since when each stands there."""

    episode: EpisodeId
    state: State
    begun_at: datetime
    moved_at: datetime


def marks_of(contact: Contact) -> tuple[EpisodeId, State] | None:
    """Id and state as the CRM shows them; None where it shows no episode, or none that we know the state of."""
    mark, state = contact.text("episode"), contact.text("state")
    return (EpisodeId(mark), State(state)) if mark and state in State._value2member_map_ else None


def tells_more(contact: Contact, episodes: Sequence[Episode]) -> bool:
    """Whether the CRM shows an episode that is not among these, or one of them in another state."""
    shown = marks_of(contact)
    if shown is None:
        return False
    known = next((episode for episode in episodes if episode.id == shown[0]), None)
    return known is None or known.silent or known.state is not shown[1]


def as_shown(situation: Situation, marks: Marks, book: RuleBook) -> Episode:
    """The episode as the marks and the contact show it, with the marketing hold of its state; never a silent one."""
    known = next((episode for episode in situation.episodes if episode.id == marks.episode), None)
    episode = _from(known, situation) if known is not None else _new(situation, marks, book)
    if episode.handed_off_at is None:
        episode = replace(episode, handed_off_at=marks.begun_at)
    if marks.state.is_end:
        episode = end(episode, marks.state, situation.contact, situation.deals, book, now=marks.moved_at)
    else:
        episode = replace(episode, state=marks.state)
    if episode.hop is Hop.TELEQUALIFICATION and marks.state is State.TELEQUALIFIED:
        episode = replace(episode, passed_on_at=marks.moved_at)  # while the database had forgotten
    return replace(episode, marketing_held=suppression.holds(episode, book.suppression))


def _from(known: Episode, situation: Situation) -> Episode:
    owner = situation.contact.owner or known.owner
    moved = not known.silent and owner != known.owner
    return replace(known, silent=False, owner=owner, assignment=known.assignment + moved)


def _new(situation: Situation, marks: Marks, book: RuleBook) -> Episode:
    contact = situation.contact
    opened_at = contact.instant("qualified_at") or marks.begun_at
    return Episode(
        id=marks.episode,
        contact=contact.id,
        ordinal=_ordinal(situation, marks.episode),
        state=State.HANDED_OFF,
        lane=_lane(situation, opened_at, marks, book),
        opened_at=opened_at,
        owner=contact.owner,
        reason=contact.text("reason"),
        handed_off_at=marks.begun_at,
        party=_party(situation, marks, book),
    )


def _party(situation: Situation, marks: Marks, book: RuleBook) -> str:
    """The telequalification at which the contact's owner sits; after it, nothing tells any more who called first."""
    people = Directory(situation.desk.owners)
    for party in book.routing.telequalification if marks.state is not State.TELEQUALIFIED else ():
        pool = book.routing.pools.get(party.pool)
        if pool is not None and situation.contact.owner in sitting(pool, people):
            return party.name
    return ""


def _ordinal(situation: Situation, mark: EpisodeId) -> int:
    """Its own number where the mark is this contact's, so that the next one gets an id that was never used."""
    first = situation.next_ordinal
    numbers = range(first, first + MOST_EPISODES)
    return next((n for n in numbers if episode_id(situation.portal, situation.contact.id, n) == mark), first)


def _lane(situation: Situation, opened_at: datetime, marks: Marks, book: RuleBook) -> str:
    contact = situation.contact
    if stage_of(contact) in CUSTOMERS and not marks.state.is_end:
        return "customer"
    since = opened_at - A_MOMENT
    hand = qualification.raised_hand(contact, situation.activities, book.qualification, since=since)
    return "hand_raiser" if hand is not None and hand.at <= opened_at + A_MOMENT else "score"
