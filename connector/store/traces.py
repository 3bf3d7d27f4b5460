"""What a lead left behind, for telling it (ports/traces.py). Reads only; found by contact."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, union

from connector.domain.contact import ContactId
from connector.domain.episode import EpisodeId
from connector.engine.ports.history import PastStep
from connector.engine.ports.traces import WriteSeen
from connector.store.codec import changes_from_plain
from connector.store.part import IDS, PORTAL, Part
from connector.store.tables import activity, audit, deal_contact, decision, episode, episode_step, intent

_STEPS = (
    select(episode_step)
    .join(episode, (episode.c.portal == episode_step.c.portal) & (episode.c.episode == episode_step.c.episode))
    .where(episode.c.portal == PORTAL, episode.c.contact.in_(IDS))
    .order_by(episode_step.c.episode, episode_step.c.number)
)
_WRITES = (
    select(audit.c.at, audit.c.run, audit.c.outcome, intent.c.changes, intent.c.detail, intent.c.status)
    .join(intent, (intent.c.portal == audit.c.portal) & (intent.c.intent == audit.c.effect))
    .where(audit.c.portal == PORTAL, audit.c.contact.in_(IDS), audit.c.outcome != "planned")
    .order_by(audit.c.at, audit.c.effect)
)


_HEARD_OF = union(*(
    select(table.c.contact).where(table.c.portal == PORTAL, table.c.contact.in_(IDS))
    for table in (activity, deal_contact, episode, decision)
))


class Traces(Part):
    def heard_of(self, ids: Sequence[ContactId]) -> frozenset[ContactId]:
        self.flush()
        return frozenset(ContactId(row.contact) for row in self.select_by_id(_HEARD_OF, ids))

    def paths(self, ids: Sequence[ContactId]) -> dict[EpisodeId, list[PastStep]]:
        found: dict[EpisodeId, list[PastStep]] = {}
        for row in self.select_by_id(_STEPS, ids):
            step = PastStep(
                at=row.at, cause=row.cause, state=row.state, owner=row.owner, silent=row.silent,
                assignment=row.assignment, exit_reason=row.exit_reason, track=row.track, wakes_at=row.wakes_at,
            )
            found.setdefault(row.episode, []).append(step)
        return found

    def writes(self, ids: Sequence[ContactId]) -> list[WriteSeen]:
        return [
            WriteSeen(
                at=row.at, run=row.run, outcome=row.outcome, changes=changes_from_plain(row.changes),
                detail=row.detail if row.outcome == row.status else "",
            )
            for row in self.select_by_id(_WRITES, ids)
        ]
