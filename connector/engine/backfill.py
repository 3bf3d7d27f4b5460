"""Backfill: a full pull for which the day's calls do not last is put off, and gone on with by later runs (R38).

What is more urgent goes on meanwhile: the run pulls what changed instead, decides and writes. Where the rest begins
stands beside the watermarks. A full pull that decisions rest on is not put off: the first of all, and one for rules
that read other fields than before; it waits as a whole, with its cursor, until there are calls again (P7).
"""

from __future__ import annotations

from dataclasses import replace

from connector.domain.quota import Purpose
from connector.engine.context import Context
from connector.engine.intake import store_records
from connector.errors import BackfillShedError
from connector.rules.fields import properties_to_read

FULL = "in full"
"""The mark of a run that pulls every contact: whoever goes on with it pulls the rest so too."""
IN_SHADOW = "in shadow"
"""The mark of a run that only reported; what it decided before it was cut off moved nothing."""
FORMER = "former rules"
"""The mark of a run before which one by other rules was cut off: those rules, and any before them, by blanks."""
PASSED = "moved without news"
"""How many leads the guard has let pass in this run, of how many; a run that is gone on with gets no more."""
CALLS = "calls made"
"""The calls that were made for this run, whatever process made them (engine/calls.py)."""
OF_THE_RUN = (FULL, IN_SHADOW, FORMER, PASSED, CALLS)
"""Marks that are no stream's."""
REST = "contacts in full"
"""Under this name among the watermarks stands where the rest of a full pull begins; empty: from its beginning."""
DONE = "done"


def put_off(context: Context, marks: dict[str, str], stream: str, shed: BackfillShedError) -> None:
    """Note where the rest of the stream begins; the run is one of what changed from here on.

    Raises:
        BackfillShedError: decisions rest on it; nothing is changed.
    """
    if context.covered is None or context.renormalise or context.options.dry_run:
        raise shed
    rest = marks.pop(stream, "")
    marks.pop(FULL, None)
    context.options = replace(context.options, full=False)
    context.counts.completeness.pop(stream, None)
    with context.store.transaction() as uow:
        uow.put_watermark(REST, context.now)
        uow.put_place(REST, rest)
        uow.put_progress(context.run.id, marks)
    _say(context, shed)


def begins_at(context: Context) -> str | None:
    """Where a full pull begins: with the rest of one that was put off, so that it comes to an end some day.

    None for the beginning: there is no rest, or decisions rest on every contact being read now.
    """
    if not context.options.full or context.covered is None or context.renormalise:
        return None
    with context.store.reading() as uow:
        place = uow.place(REST)
    if not place or place == DONE:
        return None
    context.remarks.append("this full pull goes on with the one that was put off; the next begins at the beginning")
    return place


def go_on_with_the_rest(context: Context) -> None:
    """Pull the rest of a full pull that was put off, as far as the day's calls last."""
    options = context.options
    with context.store.reading() as uow:
        place = uow.place(REST)
    if place in (None, DONE) or options.dry_run or options.approval is not None:
        return
    if options.full:
        _keep_place(context, DONE)  # all of them were just read
        return
    properties = properties_to_read(context.book.fields)
    try:
        with context.crm.spend(Purpose.BACKFILL):
            for page in context.source.pull_all_contacts(properties, cursor=place or None, by_search=False):
                with context.store.transaction() as uow:
                    store_records(context, uow, page.records)
                    uow.put_place(REST, page.cursor or DONE)
                context.counts.contacts_pulled += len(page.records)
                context.progress.step("contacts", context.counts.contacts_pulled)
                context.between_pages()
        _keep_place(context, DONE)
    except BackfillShedError as shed:
        _say(context, shed)


def _keep_place(context: Context, place: str) -> None:
    with context.store.transaction() as uow:
        uow.put_place(REST, place)


def _say(context: Context, shed: BackfillShedError) -> None:
    context.remarks.append(f"{shed}: the rest of the full pull waits; later runs go on with it")
