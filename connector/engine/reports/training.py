"""Training: what learning will need of every lead passed, as it was known at its handover. Reads only.

Nothing has to be frozen beside: decisions keep the score with all of its lines, and fields and activities keep when
they were observed, so that what was known at a handover can be had on any later day, unless the person was erased.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby

from connector.domain.contact import ContactId
from connector.engine.ports import Store, UnitOfWork
from connector.engine.replay.people import People, Person
from connector.engine.reports.gather import Span, gather
from connector.rules.reporting.examples import Row, columns, example, shareable
from connector.rules.reporting.facts import Facts
from connector.rules.reporting.passed import Passed
from connector.rules.rulebook import RuleBook


def training(store: Store, book: RuleBook, span: Span) -> tuple[list[str], list[Row]]:
    """Columns and one row for each lead of the span, oldest handover first; none before the first run."""
    gathered = gather(store, book, span)
    if gathered is None:
        return [], []
    facts, period = gathered
    with store.reading() as uow:
        rows = list(_rows(uow, facts, facts.chosen(period)))
    return columns(name for row in rows for name in row), rows


def _rows(uow: UnitOfWork, facts: Facts, leads: Sequence[Passed]) -> Iterator[Row]:
    rules = facts.book.reports
    fields = shareable(facts.book.fields, (rules.source, *rules.categories))
    people = People(uow, facts.book, facts.since, facts.as_of)
    for at, together in groupby(leads, key=lambda one: one.handed_at):
        some = list(together)
        known = _known(people, [one.contact for one in some], at)
        scores = uow.scores_of([one.id for one in some])
        for one in some:
            person, (score, points) = known.get(one.contact), scores.get(one.id, (None, {}))
            yield example(
                one,
                person.contact if person else None,
                person.activities if person else (),
                points,
                score,
                fields,
                now=facts.as_of,
                lacking=() if person else ("history",),
            )


def _known(people: People, ids: Sequence[ContactId], at: datetime) -> Mapping[ContactId, Person]:
    return people.load(list(dict.fromkeys(ids)), at, {})
