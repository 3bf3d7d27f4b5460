"""Pull: pages from the CRM into the store, each page one transaction (T1).

What is kept of a page is intake.py's; what is as it was costs nothing further. Decides nothing; between two pages the
run may do something else (`Context.between_pages`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

from connector.domain.activity import LIST_NAMED, LIST_NUMBERED, MEETINGS, TOUCHES
from connector.domain.deal import Deal
from connector.domain.quota import Purpose
from connector.engine import calls, completeness
from connector.engine.backfill import FULL, OF_THE_RUN, begins_at, go_on_with_the_rest, put_off
from connector.engine.context import BATCH, OVERLAP, Context
from connector.engine.erase import deals_to_keep
from connector.engine.intake import BOOKED, drop_contacts, mark_heard_of, store_activities, store_records
from connector.engine.ports import ContactPage, StreamOff, UnitOfWork, Window
from connector.engine.stand_ins import BY_CONTACT, PAGE_VIEWS, by_contact, is_refused, refused
from connector.engine.unread import GIVE_UP_AFTER, set_read
from connector.engine.unseen import alone, goes_without, leave_out
from connector.errors import BackfillShedError
from connector.rules.fields import properties_to_read
from connector.rules.lists import list_streams, stream_in_words
from connector.rules.meetings import FIELD
from connector.rules.sla import counts_touches

Row = TypeVar("Row")

CONTACTS, COMPANIES, DEALS, ARCHIVED = "contacts", "companies", "deals", "archived"
LATEST = {name: timedelta(hours=1) for name in (CONTACTS, COMPANIES, DEALS)}
LATEST_ELSEWHERE = timedelta(hours=24)
"""How late the CRM may show something and it is still seen: so often, windows reach so far behind.
HubSpot gives no bound for its search index, nor for events (hubspot-facts, sections 3.3 and 5.1)."""

EVER = datetime(1970, 1, 1, tzinfo=UTC)

MANY_PAGES = 10
"""After so many pages of contacts the other streams come first, where there is something to do meanwhile."""

OF_SALES = (TOUCHES, MEETINGS)
"""No signals of the lead's: without them clocks would run out on leads that somebody looks after."""

FORMS = "forms"
"""The stream of what was sent through forms; pulling it lists the portal's forms."""

LONG_BIN = "archived.long"
"""When looking through the recycle bin last took more than one page; kept as a watermark, and no stream."""
BIN_AGAIN = timedelta(hours=1)
"""How long a long bin is left alone: it is not sorted by time, so all of it is read for what was put in last (P8)."""

ASKED_AGAIN = timedelta(days=1)
"""How long after a refusal a stream is asked for again: a portal may be upgraded, a scope added."""


def pull(
    context: Context, progress: Mapping[str, str], *, meanwhile: Callable[[], object] | None = None
) -> frozenset[str]:
    """Everything that changed since the watermarks, stream by stream.

    Args:
        progress: cursor per stream where a run that was cut off goes on; a stream marked `done` is skipped.
        meanwhile: called between pages once all that is still to come are the rest of many contacts; of those that came
            everything is known then (P7).
    Returns:
        the streams that are complete up to the run's `as_of`.
    """
    done = {name for name, cursor in progress.items() if cursor == "done"}
    marks = dict(progress)
    completeness.go_on(context, marks)
    calls.go_on(context, marks)
    context.trailed |= {name for name in done if trailing(name) in marks}
    for name in done:
        context.unseen.pop(name, None)
    if FORMS in done:
        context.source.forms()  # which there are was known to the process alone that read them (R08)
    companies = (COMPANIES,) if context.book.fields.reads_companies else ()
    counted = (TOUCHES,) if counts_touches(context.book.sla) else ()
    lists = list_streams(context.book)
    others = (*companies, ARCHIVED, *context.source.streams(), *lists, *counted, MEETINGS, DEALS)

    def others_first() -> None:
        _pull_each(context, others, done, marks)
        assert meanwhile is not None
        with context.store.reading() as uow:
            context.listed = uow.dirty_count()
        context.between_pages = meanwhile

    _pull_each(context, (CONTACTS,), done, marks, None if meanwhile is None else others_first)
    _pull_each(context, others, done, marks)
    with context.store.transaction() as uow:
        uow.put_progress(context.run.id, marks)
    return frozenset(done)


def _pull_each(
    context: Context,
    streams: Sequence[str],
    done: set[str],
    marks: dict[str, str],
    when_many: Callable[[], None] | None = None,
) -> None:
    """These streams, one after the other; `done` and `marks` say afterwards how far they got."""
    for name in streams:
        if name == MEETINGS and name not in done and not _asks_for_meetings(context):
            continue
        if name not in done:
            with context.crm.spend(_purpose(context, name)):
                if not _pull_stream(context, name, marks, when_many):
                    continue
        done.add(name)
        completeness.keep(context, marks)
        calls.keep(context, marks)
        marks[name] = "done"  # kept with the next page; a kill before that reads this one's last page again
        if name in context.trailed:  # a run that goes on after a kill must know it too
            marks[trailing(name)] = "far"


def in_full(marks: Mapping[str, str], *, first: bool) -> Mapping[str, str]:
    """The progress of a run from which every contact is wanted.

    What a run got that asked for changes only is not gone on with: its cursor means nothing in a list of all contacts,
    and it would leave out what it passed by. `first`: there is no watermark yet, so all were asked for anyway.
    """
    if FULL in marks:
        return marks
    return {**{name: mark for name, mark in marks.items() if first or name in OF_THE_RUN}, FULL: "yes"}


def _asks_for_meetings(context: Context) -> bool:
    """Whether a rule goes by hosts, and a contact said since the last look that it booked a meeting (P8)."""
    if not context.book.routing.asks_for_hosts:
        return False
    with context.store.reading() as uow:
        mark, booked = uow.watermark(MEETINGS), uow.watermark(BOOKED)
    says_so = FIELD in context.book.fields.fields
    return mark is None or not says_so or (booked is not None and booked > mark - OVERLAP)


def _purpose(context: Context, stream: str) -> Purpose:
    """What its calls count for (R38)."""
    if stream not in (CONTACTS, COMPANIES, ARCHIVED):
        return Purpose.STREAMS
    in_whole = stream == CONTACTS and (context.options.full or context.covered is None)
    return Purpose.BACKFILL if in_whole else Purpose.DELTA


def _pull_stream(
    context: Context, name: str, marks: dict[str, str], when_many: Callable[[], None] | None
) -> bool:
    """One stream; False where the portal cannot give it. `when_many`: called once, before most of many contacts."""
    cursor = marks.get(name)
    if name == CONTACTS:
        try:
            _pull_contacts(context, marks, cursor or begins_at(context), when_many)
        except BackfillShedError as shed:
            put_off(context, marks, CONTACTS, shed)
            with context.crm.spend(Purpose.DELTA):
                _pull_contacts(context, marks, None)
        else:
            go_on_with_the_rest(context)
        return True
    if name == COMPANIES:
        _pull_companies(context, marks, cursor)
        return True
    if name == ARCHIVED:
        return _pull_archived(context)
    if name == DEALS:
        return _pull_deals(context, marks, cursor)
    return _pull_activities(context, name, marks, cursor)


def window(context: Context, stream: str) -> Window | None:
    """From the stream's watermark, less the overlap, to the run's `as_of`; None where there is no watermark yet.

    Now and then a window reaches further back, for what the CRM showed late (`LATEST`). Where the portal's own clock
    has stepped back behind the mark it is that clock that counts, and as far behind it: nobody knows when it did (I4).
    """
    with context.store.reading() as uow:
        mark, late = uow.watermark(stream), uow.watermark(trailing(stream))
    if mark is None:
        return None
    latest = LATEST.get(stream, LATEST_ELSEWHERE)
    since = mark - OVERLAP if mark <= context.portal.now else context.portal.now - latest
    if late is None or context.now - late < latest:
        return Window(since=since, until=context.now)
    context.trailed.add(stream)
    return Window(since=min(since, late - latest), until=context.now)


def _keep_page(
    context: Context,
    marks: dict[str, str],
    stream: str,
    cursor: str | None,
    rows: Sequence[Row],
    keep: Callable[[Context, UnitOfWork, Sequence[Row]], object],
    left: int | None = None,
    door: str = "",
) -> None:
    """A page's rows, and how far it reaches, in one transaction; a page without rows needs none."""
    completeness.count(context, stream, len(rows), left, door)
    if cursor is not None:
        marks[stream] = cursor
    if rows:
        with context.store.transaction() as uow:
            keep(context, uow, rows)
            if cursor is not None:  # the last page is read again after a kill, and counts then
                completeness.keep(context, marks)
                calls.keep(context, marks)
            uow.put_progress(context.run.id, marks)


def trailing(stream: str) -> str:
    """Name of the watermark of a stream's trailing pass."""
    return f"{stream}.trailing"


# -- contacts --------------------------------------------------------------------------------------------------


def _pull_contacts(
    context: Context, marks: dict[str, str], cursor: str | None, when_many: Callable[[], None] | None = None
) -> None:
    properties = properties_to_read(context.book.fields)
    changed = None if context.options.full else window(context, CONTACTS)
    pages: Iterator[ContactPage] = (
        context.source.pull_all_contacts(properties, cursor=cursor, by_search=not context.options.full)
        if changed is None
        else context.source.pull_changed_contacts(changed, properties, cursor=cursor)
    )
    completeness.begin(context, CONTACTS, changed)
    for number, page in enumerate(pages, 1):
        compared = completeness.Compared(context, CONTACTS, len(page.records))
        store = partial(store_records, compare=compared)
        _keep_page(context, marks, CONTACTS, page.cursor, page.records, store, page.left, page.door)
        context.counts.contacts_pulled += len(page.records)
        context.progress.step("contacts", context.counts.contacts_pulled)
        if number == MANY_PAGES and page.cursor is not None and when_many is not None:
            when_many()
        context.between_pages()
    _read_again(context, properties)


def _pull_companies(context: Context, marks: dict[str, str], cursor: str | None) -> None:
    """Contacts whose company changed since the last run: the CRM does not count that as a change of theirs."""
    changed = None if context.options.full else window(context, COMPANIES)
    if changed is None:
        return  # all contacts were just read, with their companies
    properties = properties_to_read(context.book.fields)
    completeness.begin(context, COMPANIES, changed)
    for page in context.source.pull_contacts_of_changed_companies(changed, properties, cursor=cursor):
        _keep_page(context, marks, COMPANIES, page.cursor, page.records, store_records)
        context.counts.contacts_pulled += len(page.records)
        context.between_pages()


def _read_again(context: Context, properties: Sequence[str]) -> None:
    """Those whose record could not be taken in by an earlier run, once (P5): their window has gone by."""
    with context.store.reading() as uow:
        tries = uow.unread()
    waiting = [one for one in sorted(context.unread - context.failed) if tries.get(one, 0) < GIVE_UP_AFTER]
    for start in range(0, len(waiting), BATCH):
        ids = waiting[start : start + BATCH]
        found = context.crm.read_contacts(ids, properties)
        with context.store.transaction() as uow:
            store_records(context, uow, list({record.id: record for record in found.values()}.values()))
            for one in ids:
                if one not in found or found[one].id != one:  # gone, or merged into one that was read just now
                    set_read(context, uow, one)
        context.missing.update(one for one in ids if one not in found)


def _pull_archived(context: Context) -> bool:
    """Contacts archived since the last look: nothing is handed over or told about them any more.

    False where a long bin was looked through within the hour: the next look reaches back as far as it must. Meanwhile
    the CRM's hints tell of archived contacts, and so does every write, which reads its contact first.
    """
    with context.store.reading() as uow:
        long_at = uow.watermark(LONG_BIN)
    if long_at is not None and timedelta(0) <= context.now - long_at < BIN_AGAIN and not context.options.full:
        return False
    since = window(context, ARCHIVED)
    if since is None:
        return True
    completeness.begin(context, ARCHIVED, since)
    pages = 0
    for ids in context.source.pull_archived_contacts(since.since):
        pages += 1
        completeness.count(context, ARCHIVED, len(ids))
        if ids:
            with context.store.transaction() as uow:
                drop_contacts(context, uow, ids)
            context.missing.difference_update(ids)  # these are in the bin
            context.between_pages()
    if pages > 1:
        with context.store.transaction() as uow:
            uow.put_watermark(LONG_BIN, context.now)
    return True


# -- activities and deals --------------------------------------------------------------------------------------


def _pull_activities(context: Context, stream: str, marks: dict[str, str], cursor: str | None) -> bool:
    look_back = Window(since=context.now - context.book.scoring.look_back, until=context.now)
    if _is_off(context, stream):
        return False
    changed = window(context, stream)
    begin = cursor if cursor is not None else _place(context, stream, changed)
    completeness.begin(context, stream, changed or look_back)
    pages = context.source.pull_activities(stream, changed or look_back, cursor=begin)
    for page in pages if stream in OF_SALES else alone(context, stream, pages):
        if isinstance(page, StreamOff):
            _go_without(context, page)
            return False
        if page.anew:
            completeness.begin_anew(context, stream)
        _keep_page(context, marks, stream, page.cursor, page.rows, partial(store_activities, cause=stream))
        if page.place is not None:
            context.places[stream] = page.place
        context.counts.activities_pulled += len(page.rows)
        context.progress.step("activities", context.counts.activities_pulled)
        context.between_pages()
    context.unseen.pop(stream, None)
    return True


def _go_without(context: Context, off: StreamOff) -> None:
    """The others go on; its watermark stays (P5). What is refused for good nobody waits for: it may never come."""
    context.counts.completeness.pop(off.stream)
    if off.lasts:
        lines = context.remarks if off.by_contact else context.troubles
        lines.append(off.why + goes_without(context.book, off.stream))
        with context.store.transaction() as uow:
            uow.put_watermark(BY_CONTACT if off.by_contact else refused(off.stream), context.now)
        context.unseen.pop(off.stream, None)
        return
    context.troubles.append(off.why)
    if off.stream not in OF_SALES:
        leave_out(context, off.stream)


def _place(context: Context, stream: str, changed: Window | None) -> str | None:
    """Where the last pull ended, of a stream that cannot be asked by time; from its beginning where more is wanted.

    Now and then more is: a window that reaches further back, a full pull (I4).
    """
    if not stream.startswith((LIST_NAMED, LIST_NUMBERED)):
        return None
    with context.store.reading() as uow:
        mark, place = uow.watermark(stream), uow.place(stream)
    if place is None or mark is None or changed is None or context.options.full:
        return None
    return place if changed.since >= mark - OVERLAP else None


def _is_off(context: Context, stream: str) -> bool:
    """Whether the CRM refused it within a day: a refusal in each quiet run would be too many (P8). A full pull asks."""
    with context.store.reading() as uow:
        if stream == PAGE_VIEWS and by_contact(uow):
            said = uow.watermark(BY_CONTACT)
            return said is not None and context.now - said < ASKED_AGAIN and not context.options.full
        said, is_off = uow.watermark(refused(stream)), is_refused(uow, stream)
    if said is None or not is_off or context.options.full or context.now - said >= ASKED_AGAIN:
        return False
    context.troubles.append(
        f"{stream_in_words(stream)} are not read: the CRM refused them at {said:%Y-%m-%d %H:%M} UTC and is asked "
        "again a day later; `handoff check` says why, `handoff sync --full` asks at once"
        + goes_without(context.book, stream)
    )
    context.unseen.pop(stream, None)
    return True


def _pull_deals(context: Context, marks: dict[str, str], cursor: str | None) -> bool:
    """The first time all of them: a deal that lies untouched for a year is open all the same."""
    changed = None if context.options.full else window(context, DEALS)
    completeness.begin(context, DEALS, changed)
    for page in context.crm.pull_deals(changed or Window(since=EVER, until=context.now), cursor=cursor):
        _keep_page(context, marks, DEALS, page.cursor, page.rows, _store_deals)
        context.between_pages()
    return True


def _store_deals(_: Context, uow: UnitOfWork, rows: Sequence[Deal]) -> None:
    mark_heard_of(uow, uow.put_deals(deals_to_keep(uow, rows)), DEALS)
