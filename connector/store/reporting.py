"""What reports read of the whole portal (ports/reporting.py). Reads only, and in pieces where there is much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Row, Select, bindparam, func, or_, select

from connector.domain.activity import ActivityKind
from connector.domain.contact import ContactId
from connector.domain.deal import Deal
from connector.domain.decision import GIVEN
from connector.domain.episode import EpisodeId
from connector.domain.notice import NoticeKind
from connector.domain.timer import BREACH, TimerKind
from connector.engine.ports.reporting import Arrival, HandedBy, LimitSeen
from connector.rules.leaks import RULE as LEAK
from connector.rules.reporting.leaked import Leaked
from connector.store.activities import Activities
from connector.store.codec import decode_values
from connector.store.part import IDS, PORTAL, Part
from connector.store.tables import activity, audit, contact, deal, decision, outbox, timer

AT_ONCE = 2_000
_GIVEN = [action.value for action in GIVEN]

_HANDED_BY = (
    select(decision.c.episode, decision.c.fingerprint, decision.c.grade)
    .where(decision.c.portal == PORTAL, decision.c.episode.is_not(None), decision.c.action.in_(_GIVEN))
    .order_by(decision.c.as_of, decision.c.number)
)
_SCORES = (
    select(decision.c.episode, decision.c.score, decision.c.body)
    .where(decision.c.portal == PORTAL, decision.c.episode.in_(IDS), decision.c.action.in_(_GIVEN))
    .order_by(decision.c.as_of, decision.c.number)
)
_ARRIVED = select(contact.c.contact, contact.c.created_at, contact.c.fields).where(contact.c.portal == PORTAL)
_WITHIN = (
    contact.c.merged_into.is_(None),
    or_(bindparam("from_the_first", type_=Boolean()), contact.c.created_at >= bindparam("since_", None)),
    contact.c.created_at < bindparam("until_", None),
)
_ARRIVALS = _ARRIVED.where(*_WITHIN)
_COUNT_ARRIVALS = select(func.count().label("found")).select_from(contact).where(contact.c.portal == PORTAL, *_WITHIN)
_ARRIVALS_OF = _ARRIVED.where(contact.c.contact.in_(IDS))
_NAMED = (
    select(activity.c.contact, activity.c.occurred_at, activity.c.name)
    .where(activity.c.portal == PORTAL, activity.c.contact.in_(IDS), activity.c.name != "")
    .order_by(activity.c.occurred_at, activity.c.activity)
)
_FORMS = _NAMED.where(activity.c.kind == ActivityKind.FORM_SUBMISSION.value)
_TOUCHES = _NAMED.where(activity.c.kind == ActivityKind.TOUCH.value)
_LIMITS = select(timer.c.episode, timer.c.name, timer.c.assignment, timer.c.due_at, timer.c.fired_at).where(
    timer.c.portal == PORTAL, timer.c.kind == TimerKind.SLA.value, timer.c.level == BREACH
)
_TOLD = (
    select(outbox.c.episode, func.min(outbox.c.sent_at).label("at"))
    .where(
        outbox.c.portal == PORTAL, outbox.c.kind == NoticeKind.LEAD_HANDED_OFF.value, outbox.c.episode.is_not(None),
        outbox.c.owner.is_not(None), outbox.c.status.in_(("due", "digested", "sent", "exhausted")),
    )
    .group_by(outbox.c.episode)
)  # fmt: skip
_LEAKS = (
    select(audit.c.contact, audit.c.inputs, audit.c.at)
    .where(
        audit.c.portal == PORTAL, audit.c.rule == LEAK,
        or_(bindparam("from_the_first", type_=Boolean()), audit.c.at >= bindparam("since_", None)),
        audit.c.at < bindparam("until_", None),
    )
    .order_by(audit.c.at, audit.c.effect)
)
_DEALS = select(deal.c.deal).where(deal.c.portal == PORTAL).order_by(deal.c.deal)


class Reports(Part):
    """Fulfils ports.reporting.Reporting."""

    def handed_by(self) -> Iterator[HandedBy]:
        self.flush()
        seen: set[str] = set()
        for rows in self._pieces(_HANDED_BY):
            for row in rows:
                if row.episode not in seen:
                    seen.add(row.episode)
                    yield HandedBy(episode=row.episode, fingerprint=row.fingerprint, grade=row.grade)

    def scores_of(self, ids: Sequence[EpisodeId]) -> dict[EpisodeId, tuple[float | None, dict[str, float]]]:
        found: dict[EpisodeId, tuple[float | None, dict[str, float]]] = {}
        for row in self.select_by_id(_SCORES, ids):
            if row.episode not in found:
                points: dict[str, float] = {}
                for _, label, hundredths, *_ in (row.body.get("score") or (0, 0, ()))[2]:
                    points[label] = points.get(label, 0) + hundredths / 100
                found[row.episode] = None if row.score is None else row.score / 100, points
        return found

    def arrivals(self, since: datetime | None, until: datetime) -> Iterator[Sequence[Arrival]]:
        for rows in self._pieces(_ARRIVALS, from_the_first=since is None, since_=since or until, until_=until):
            yield [_arrival(row) for row in rows]

    def count_arrivals(self, since: datetime | None, until: datetime) -> int:
        span = {"from_the_first": since is None, "since_": since or until, "until_": until}
        found: int = self.select(_COUNT_ARRIVALS, **span)[0].found
        return found

    def arrivals_of(self, ids: Sequence[ContactId]) -> dict[ContactId, Arrival]:
        return {row.contact: _arrival(row) for row in self.select_by_id(_ARRIVALS_OF, ids)}

    def forms_sent(self, ids: Sequence[ContactId]) -> dict[ContactId, list[tuple[datetime, str]]]:
        return self._named(_FORMS, ids)

    def touches(self, ids: Sequence[ContactId]) -> dict[ContactId, list[tuple[datetime, str]]]:
        return self._named(_TOUCHES, ids)

    def limits(self) -> Iterator[LimitSeen]:
        self.flush()
        for rows in self._pieces(_LIMITS):
            for row in rows:
                yield LimitSeen(
                    episode=row.episode, clock=row.name, assignment=row.assignment, due_at=row.due_at,
                    fired_at=row.fired_at,
                )  # fmt: skip

    def told(self) -> dict[EpisodeId, datetime | None]:
        return {row.episode: row.at for row in self.select(_TOLD)}

    def leaks(self, since: datetime | None, until: datetime) -> list[Leaked]:
        found = self.select(_LEAKS, from_the_first=since is None, since_=since or until, until_=until)
        return [
            Leaked(
                contact=row.contact, mail=row.inputs.get("mail", ""), campaign=row.inputs.get("campaign", ""),
                told_at=row.at,
            )
            for row in found
        ]  # fmt: skip

    def all_deals(self) -> list[Deal]:
        names = [row.deal for row in self.select(_DEALS)]
        found = Activities(self.connection, self.portal).deals_named(names)
        return [found[name] for name in names]

    def _named(self, what: Select[Any], ids: Sequence[ContactId]) -> dict[ContactId, list[tuple[datetime, str]]]:
        found: dict[ContactId, list[tuple[datetime, str]]] = {}
        for row in self.select_by_id(what, ids):
            found.setdefault(row.contact, []).append((row.occurred_at, row.name))
        return found

    def _pieces(self, statement: Select[Any], **values: Any) -> Iterator[Sequence[Row[Any]]]:
        given = {"portal_": self.portal, **values}
        found = self.connection.execute(statement, given, execution_options={"yield_per": AT_ONCE})
        yield from found.partitions()


def _arrival(row: Row[Any]) -> Arrival:
    return Arrival(contact=row.contact, created_at=row.created_at, fields=decode_values(row.fields))
