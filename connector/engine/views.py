"""Views: page views for one contact at a time, where the CRM gives them in no other way (R06, R08).

Who came back stands in the database: each change of the field that tells of visits is kept with when it was seen, by
pulls and hints alike. That log is gone through in its order, so that nobody starves, and how far a run got is kept
beside the watermark. Then come those who wait to be decided and whose views are not known, by turns; where no field
tells of visits, all that wait, and some of those in hand. A run asks for so many and no more; nothing is concluded
meanwhile from views that did not come (P7).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from connector.domain.contact import ContactId
from connector.domain.json_text import dumps, loads
from connector.domain.quota import Purpose
from connector.engine.context import BATCH, Context
from connector.engine.intake import store_activities
from connector.engine.ports import PortalState, StreamOff, Window
from connector.engine.stand_ins import BY_CONTACT, PAGE_VIEWS, by_contact, refused
from connector.errors import ContractError, CrmUnavailableError, QuotaExhaustedError
from connector.rules.words import many

MOST = 100
"""Contacts asked for in one run, each with a call or more."""
LOOKED_AT = 2_000
"""Contacts on the work list among which those are found; a first sync has all of them there."""
LOG_LOOKED_AT = 20_000
"""Rows of the log that one run goes through."""
SHOWN_LATE = timedelta(hours=1)
"""So long after a visit its views are asked for again where they are not shown yet."""
VISIT = "last_visit_at"
FIRST_SIGHT = "*"
GIVES_UP_AFTER = 2
"""Contacts whose views could not be read: one may have a fault of its own, two are an outage."""
FOR_THE_WAITING = 5
"""At least each so many-th call is theirs, however long the log is."""


@dataclass(frozen=True, slots=True)
class _Place:
    """How far earlier runs got: in the log (instant seen, then contact), among those that wait, among those in hand."""

    at: str = ""
    contact: str = ""
    turn: str = ""
    hand: str = ""

    @classmethod
    def read(cls, text: str | None) -> _Place:
        found = loads(text) if text and text.startswith("{") else {}
        return cls(**found)

    def text(self) -> str:
        return dumps(asdict(self))


@dataclass(slots=True)
class _Log:
    """What a run found in the log: its rows (when seen, of whom), and those of them to ask for, since when."""

    rows: list[tuple[datetime, ContactId]]
    due: dict[ContactId, datetime]
    whole: bool

    def place(self, before: _Place, left: Collection[ContactId], now: datetime) -> _Place:
        """Up to the first whose turn did not come. Once all of it is done: this run's instant, for it goes on."""
        done = before
        for at, contact in self.rows:
            if contact in left:
                return done
            done = replace(before, at=at.isoformat(), contact=contact)
        return replace(before, at=now.isoformat(), contact="") if self.whole else done


def pull_views_of_due(context: Context) -> None:
    """Read the views of contacts whose turn it is; nothing where the CRM gives those of all, or gives none."""
    if context.covered is None or context.options.approval is not None:
        return  # in a first run all wait; what they did since HANDOFF_SINCE stands in its log for the next one
    with context.store.reading() as uow:
        if not by_contact(uow):
            return
        place = _Place.read(uow.place(BY_CONTACT))
    context.unseen.pop(PAGE_VIEWS, None)  # of an earlier run, which did not come to all
    told = VISIT in context.book.fields.fields
    log = _look_through_log(context, place) if told else _Log([], {}, whole=True)
    waiting = {one: since for one, since in _waiting(context, place.turn, told=told).items() if one not in log.due}
    kept = min(len(waiting), MOST // FOR_THE_WAITING)
    asked = dict([*list(log.due.items())[: MOST - kept], *waiting.items()][:MOST])
    if not told and len(asked) < MOST:
        place, in_hand = _in_turn(context, place)
        asked = dict([*asked.items(), *((one, since) for one, since in in_hand.items() if one not in asked)][:MOST])
    done, failed, why = _ask(context, asked)
    left = [one for one in (*log.due, *waiting, *asked) if one not in done]
    with context.store.transaction() as uow:
        moved = log.place(place, set(left), context.now) if told else place
        turn = next((one for one in reversed(asked) if one in waiting and one in done), place.turn)
        uow.put_place(BY_CONTACT, replace(moved, turn=turn).text())
        uow.mark_retry(failed)
    _left(context, list(dict.fromkeys([*left, *failed])), why, whole=log.whole)


def _look_through_log(context: Context, place: _Place) -> _Log:
    """Those who came back since the last run, in the order in which that was seen.

    What this run's own writes show later bears its instant too: the next run begins with that instant once more.
    """
    with context.store.reading() as uow:
        state = uow.portal_state()
        at = datetime.fromisoformat(place.at) if place.at else _beginning(context, state)
        rows = uow.seen_to_change((VISIT, FIRST_SIGHT), at, place.contact, context.now, LOG_LOOKED_AT)
    log = _Log([], {}, whole=len(rows) < LOG_LOOKED_AT)
    for start in range(0, len(rows), BATCH):
        if len(log.due) >= LOOKED_AT:
            log.whole = False
            break
        part = rows[start : start + BATCH]
        found = _since(context, list(dict.fromkeys(one for _, one in part)), told=True, past=context.past)
        log.due |= {one: found[one] for _, one in part if one in found and one not in log.due}
        log.rows += part
    return log


def _beginning(context: Context, state: PortalState | None) -> datetime:
    """After the last run; where signals before the first one count (HANDOFF_SINCE), with what that one saw."""
    assert context.covered is not None
    since, ready_at = context.past, state.ready_at if state is not None else None
    if since is not None and ready_at is not None and since < ready_at:
        return since
    return context.covered + timedelta(microseconds=1)


def _waiting(context: Context, turn: str, *, told: bool) -> dict[ContactId, datetime]:
    """Who waits and may have views that are not known → since when to ask; first those after whoever was asked last."""
    with context.store.reading() as uow:
        ids = uow.dirty(LOOKED_AT)
    found: dict[ContactId, datetime] = {}
    for start in range(0, len(ids), BATCH):
        found.update(_since(context, ids[start : start + BATCH], told=told))
    return {one: found[one] for one in sorted(found, key=lambda one: (one <= turn, one))}


def _in_turn(context: Context, place: _Place) -> tuple[_Place, dict[ContactId, datetime]]:
    """Some of those in hand."""
    with context.store.reading() as uow:
        page = uow.in_hand(BATCH // 5, place.hand)
    ids = list(dict.fromkeys(episode.contact for episode in page))
    return replace(place, hand=ids[-1] if ids else ""), _since(context, ids, told=False)


def _since(
    context: Context, ids: Sequence[ContactId], *, told: bool, past: datetime | None = None
) -> dict[ContactId, datetime]:
    """`told`: only those whose record tells of a later visit, and of none before `past`."""
    start = context.now - context.book.scoring.look_back
    with context.store.reading() as uow:
        views, rows = uow.activities(ids, start), uow.contacts(ids)
    found = {}
    for one, row in rows.items():
        newest = max((view.occurred_at for view in views.get(one, ()) if view.stream == PAGE_VIEWS), default=start)
        visit = row.contact.instant(VISIT)
        came = visit is not None and visit > newest and (past is None or visit >= past)
        if not (row.gone or row.merged_into) and (not told or came):
            found[one] = newest
    return found


def _ask(
    context: Context, asked: dict[ContactId, datetime]
) -> tuple[frozenset[ContactId], list[ContactId], str]:
    """Whose turn is over, those whose views could not be read, and why the first of them, or the rest, could not."""
    read, failed, why = set[ContactId](), list[ContactId](), ""
    for contact, since in asked.items():
        try:
            if refusal := _read(context, contact, since):
                return frozenset(read), [], refusal
        except QuotaExhaustedError as error:
            return frozenset(read), [], str(error)
        except (CrmUnavailableError, ContractError) as error:  # around one contact: the others go on (P5)
            failed.append(contact)
            why = why or str(error)
            if len(failed) == GIVES_UP_AFTER:
                break
            continue
        read.add(contact)
        context.between_pages()
    over = {*read, *failed} if read else read  # where nobody's could be read it is no fault of theirs
    return frozenset(over), failed, why


def _read(context: Context, contact: ContactId, since: datetime) -> str:
    """One contact's views; why the CRM gives none, where it does not."""
    newest = since
    with context.crm.spend(Purpose.STREAMS):
        for page in context.source.pull_views(contact, Window(since=since, until=context.now)):
            if isinstance(page, StreamOff):
                with context.store.transaction() as uow:
                    uow.put_watermark(refused(PAGE_VIEWS), context.now + timedelta(milliseconds=1))
                return page.why
            newest = max([newest, *(row.occurred_at for row in page.rows)])
            if page.rows:
                with context.store.transaction() as uow:
                    store_activities(context, uow, page.rows, PAGE_VIEWS)
                context.counts.activities_pulled += len(page.rows)
    with context.store.transaction() as uow:
        row = uow.contacts([contact]).get(contact)
        visit = row.contact.instant(VISIT) if row is not None else None
        if visit is not None and visit > newest and context.now - visit < SHOWN_LATE:
            uow.mark_retry([contact])
    return ""


def _left(context: Context, ids: Sequence[ContactId], why: str, *, whole: bool) -> None:
    """Whom this run did not come to is asked for by the next one; nobody else waits, where all were found (`whole`)."""
    if not ids:
        return
    context.unseen[PAGE_VIEWS] = None
    with context.store.transaction() as uow:
        uow.mark_retry(uow.dirty_among(ids))
        context.unasked = frozenset(ids) if whole and uow.dirty_count() <= LOOKED_AT else None
    because = f": {why}" if why else f", for a run asks for {MOST} and no more"
    context.troubles.append(
        f"page views of {many(len(ids), 'contact')} were not asked for{because}; the next run goes on with them"
    )
