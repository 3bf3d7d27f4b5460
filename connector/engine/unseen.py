"""Unseen: streams of signals that broke off, and what waits for them; the run goes on without (P5, P7).

A stream that ends in an error is told, keeps its watermark, and is asked for again by the next run. That it is behind
stands among the run's counts, so that hints between two runs know it too. What must not be concluded meanwhile is
rules/unseen.py's to say. Nobody waits for a stream that the portal refuses for good: it may never come, and reports and
`handoff check` name the rules that go without. Contacts, deals and what sales did are no signals: without them a run
ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from connector.domain.change import Change
from connector.domain.contact import ContactId
from connector.domain.decision import Decision
from connector.domain.run import CAME_TO_ITS_END, is_undo
from connector.engine.absent import marks_a_form_that_is_gone
from connector.engine.ports import ActivityPage, MarketingSource, StreamOff, UnitOfWork
from connector.engine.stand_ins import PAGE_VIEWS
from connector.errors import ConnectorError, ContractError, CrmUnavailableError
from connector.rules import drift, unseen
from connector.rules.lists import list_streams, stream_in_words
from connector.rules.rulebook import RuleBook
from connector.rules.situation import Situation
from connector.rules.words import many

if TYPE_CHECKING:
    from connector.engine.context import Context

ALONE = (CrmUnavailableError, ContractError)
"""What may go wrong with one stream alone; a wrong token or a day's calls that are spent concern all of them."""

NAMED = 10
"""Rules that one line names."""

FEW = 20
"""Runs among which there is one that came to its end and was no undo."""


def behind(uow: UnitOfWork, source: MarketingSource, book: RuleBook) -> dict[str, datetime | None]:
    """Streams of signals that the last whole run could not read, each with how far it was read before."""
    ended = (row for row in uow.runs(FEW, hints=False) if row["status"] in CAME_TO_ITS_END)
    counts = next((row["counts"] for row in ended if not is_undo(str(row["run"]))), {})
    left = counts.get("unseen", ()) if isinstance(counts, Mapping) else ()
    return {name: uow.watermark(name) for name in (*source.streams(), *list_streams(book)) if name in left}


def alone(
    context: Context, stream: str, pages: Iterator[ActivityPage | StreamOff]
) -> Iterator[ActivityPage | StreamOff]:
    """The pages of a stream; where asking for one fails after all tries, the stream is over and the run goes on.

    An error of whoever takes the pages is none of the stream's.
    """
    try:
        yield from pages
    except ALONE as error:
        context.broken.add(stream)
        yield StreamOff(stream=stream, why=_told(stream, error), lasts=False)


def leave_out(context: Context, stream: str) -> None:
    """This run does without what the stream would have shown."""
    with context.store.reading() as uow:
        context.unseen[stream] = uow.watermark(stream)


def goes_without(book: RuleBook, stream: str) -> str:
    """Which rules go by a stream that the portal never gives, to put behind why; empty where none does."""
    rules = unseen.rules_that_go_by(book, stream)
    more = f" and {len(rules) - NAMED} more" if len(rules) > NAMED else ""
    named = f"{', '.join(rules[:NAMED])}{more}"
    return f"; these rules ask about them and go as if nobody had done any: {named}" if rules else ""


def without_doubts(context: Context, decision: Decision, situation: Situation) -> Decision:
    """The decision, or that the lead waits for a stream that could not be read, or a property that is gone."""
    if context.lost and (why := drift.why_paused(decision, context.whole, context.lost)):
        return unseen.until(decision, situation, drift.RULE, why)
    missing = _unseen_of(context, decision.contact)
    return unseen.waiting(decision, situation, context.book, missing) if missing else decision


def mark_waits(context: Context, change: Change | None) -> bool:
    """Whether this mark of a form is not to be set yet (R08)."""
    if change is None or not change.after:
        return False
    if marks_a_form_that_is_gone(context.book, str(change.after), context.source.listed_forms()):
        return True
    return unseen.marks_wait(_unseen_of(context, change.contact)) or drift.marks_wait(context.whole, context.lost)


def _unseen_of(context: Context, contact: ContactId) -> Mapping[str, datetime | None]:
    """Of page views that come for one contact at a time only those are missing that were not asked for."""
    if context.unasked is None or contact in context.unasked:
        return context.unseen
    return {stream: since for stream, since in context.unseen.items() if stream != PAGE_VIEWS}


def whoever_waits(context: Context, decisions: Iterable[Decision]) -> None:
    """Counts them by why, for the report."""
    rules = (unseen.RULE, drift.RULE)
    context.waiting.update(why for one in decisions if (why := unseen.why_it_waits(one, *rules)))


def who_waits(context: Context) -> list[str]:
    """A line for each reason."""
    return [
        f"{many(leads, 'lead')} {'waits' if leads == 1 else 'wait'}: {why}" for why, leads in context.waiting.items()
    ]


def _told(stream: str, error: ConnectorError) -> str:
    advice = f" {error.advice}" if error.advice else ""
    return (
        f"{stream_in_words(stream)} could not be read, and the run went on without: {error}; the next run asks for "
        f"them again from where they were read last, and nothing is concluded from their absence until then.{advice}"
    )
