"""Answering: what a link in a notice shows to whoever opens it, and what its form stores (R20).

Both look at the notice, the lead and its holder as they are now. Looking changes nothing; storing is one insert, whose
effect comes when the answer is taken up (engine/answers.py). Whether a link is genuine was settled before
(delivery/answer_links.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from connector.domain.answer import Answer, AnswerKind, Said
from connector.domain.contact import Contact, PortalId
from connector.domain.effect import effect_id
from connector.domain.episode import Episode, Hop
from connector.domain.notice import NoticeKind
from connector.engine.ports import Entry, UnitOfWork
from connector.engine.rules_then import read_rules
from connector.rules.answers import Standing, offered, standing
from connector.rules.packet import initials
from connector.rules.rulebook import RuleBook


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What the page of a link may show.

    Attributes:
        name: first name and initials of the others; who, company, holder: empty where not known.
        given: the answer that was given by this link; None: none yet.
        reasons: name and label of each reason for handing back; none where the portal keeps none.
        dated: names of the reasons for which a day to come back counts; today: by the CRM's clock, in UTC.
        keeps_comment: whether the portal has a place for one.
    """

    kind: AnswerKind
    standing: Standing
    name: str = ""
    company: str = ""
    holder: str = ""
    given: Answer | None = None
    reasons: tuple[tuple[str, str], ...] = ()
    dated: tuple[str, ...] = ()
    today: date | None = None
    keeps_comment: bool = False


def look(uow: UnitOfWork, entry: str, kind: AnswerKind) -> Page:
    """What is to be shown; an unknown notice gives a page that says no more than that."""
    found = _find(uow, entry, kind)
    if found is None or found.standing is Standing.UNKNOWN:
        return Page(kind=kind, standing=Standing.UNKNOWN)
    contact, rules = found.contact, found.book
    known = rules.fields.fields
    holder = next((one.name or one.email for one in uow.owners() if one.id == found.entry.owner), "")
    given = rules.recycling.reasons.items() if "verdict_reason" in known else ()
    return Page(
        kind=kind,
        standing=found.standing,
        name=initials(f"{contact.text('first_name')} {contact.text('last_name')}"),
        company=contact.text("company"),
        holder=holder,
        given=found.given,
        reasons=tuple((name, one.label) for name, one in given),
        dated=tuple(name for name, one in given if one.wake.on_field == "return_on") if "return_on" in known else (),
        today=found.now.date(),
        keeps_comment="comment" in known,
    )


def take(uow: UnitOfWork, entry: str, kind: AnswerKind, said: Said) -> Standing:
    """Store an answer; OPEN where that was done, else why not. What is unfit in `said` is left out.

    In a writing transaction, so that of two clicks one counts.
    """
    found = _find(uow, entry, kind)
    if found is None or found.standing is not Standing.OPEN or found.episode is None:
        return found.standing if found is not None else Standing.UNKNOWN
    asks = kind is AnswerKind.RECYCLE
    reason = said.reason if asks and said.reason in found.book.recycling.reasons else ""
    answer = Answer(
        id=answer_id(found.portal, entry, kind),
        contact=found.contact.id,
        episode=found.episode.id,
        entry=entry,
        kind=kind,
        owner=found.episode.owner,
        assignment=found.episode.assignment,
        said=Said(reason=reason, return_on=said.return_on if asks else None, comment=said.comment),
        received_at=uow.clock(),
    )
    state = uow.portal_state()
    assert state is not None and state.as_of is not None  # a notice was told, so there was a run
    return Standing.OPEN if uow.put_answer(answer, state.as_of) else Standing.USED


def answer_id(portal: PortalId, entry: str, kind: AnswerKind) -> str:
    """One for each link (I5)."""
    return effect_id(portal, None, None, "answer", kind.value, entry)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    portal: PortalId
    entry: Entry
    contact: Contact
    episode: Episode | None
    book: RuleBook
    given: Answer | None
    standing: Standing
    now: datetime


def _find(uow: UnitOfWork, name: str, kind: AnswerKind) -> _Found | None:
    """None where there is no such notice, contact or rule book any more."""
    entry, state = uow.notice(name), uow.portal_state()
    if entry is None or entry.contact is None or state is None or state.as_of is None:
        return None
    stored = uow.contacts([entry.contact]).get(entry.contact)
    body = uow.rulebook(state.rules)
    book = read_rules(body) if body is not None else None
    if stored is None or stored.gone or book is None:
        return None
    episodes = uow.episodes([entry.contact])[entry.contact]
    episode = next((one for one in episodes if one.id == entry.episode), None)
    steps = uow.paths([entry.contact]).get(episode.id, []) if episode is not None else []
    held = [
        step.at for step in steps
        if episode is not None and (step.owner, step.assignment) == (episode.owner, episode.assignment)
    ]  # fmt: skip
    stands = standing(
        NoticeKind(entry.kind),
        entry.owner,
        entry.queued_at,
        episode,
        cancelled=entry.status == "cancelled",
        held_from=min(held, default=None),
        now=state.as_of,
    )
    given = uow.answer(answer_id(state.id, name, kind))
    if given is not None:
        stands = Standing.USED
    elif stands is Standing.OPEN and kind not in offered(book, episode.hop if episode else Hop.SALES):
        stands = Standing.UNKNOWN
    return _Found(
        portal=state.id, entry=entry, contact=stored.contact, episode=episode, book=book, given=given, standing=stands,
        now=state.as_of,
    )  # fmt: skip
