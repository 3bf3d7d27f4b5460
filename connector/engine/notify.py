"""Notify: what a decision means for people becomes notices, and notices become outbox entries.

Which destinations hear a notice is decided by rules/notifications.py; sending is delivery's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from connector.domain.activity import Activity
from connector.domain.contact import Contact, OwnerId
from connector.domain.decision import GIVEN, Action, Decision
from connector.domain.effect import effect_id
from connector.domain.episode import Episode, State
from connector.domain.notice import PACKETS, Notice, NoticeKind
from connector.domain.owner import Owner
from connector.engine.context import Context
from connector.engine.ports import Entry, Intent
from connector.rules import sla, suppression
from connector.rules.handing import NOBODY_ELSE
from connector.rules.notifications import AUDIENCE, Role, headline, recipients
from connector.rules.packet import SHORT, build_packet, clip, due_in_words
from connector.rules.passing_on import BY_HAND
from connector.rules.quiet import disturbs, quiet_until
from connector.rules.routing import party_of

ASKING = ("hand_raiser", "customer")
"""Lanes of those who asked for sales themselves."""
FRESH = timedelta(hours=24)
"""So long what is urgent stands in no digest, however much waits."""
SUMMARY_BYTES = 140
HANDED_BACK = (State.RECYCLED, State.JUNK, State.UNREACHABLE, State.LOST)


def notices(
    context: Context,
    decision: Decision,
    contact: Contact,
    activities: Sequence[Activity],
    previous: Episode | None,
    owners: dict[OwnerId, Owner],
) -> Iterator[Notice]:
    """Everything that must be told of one decision; nothing for those that concern nobody."""
    episode, before = decision.episode, decision.before
    tell = Teller(context, decision, contact, activities, previous, owners)
    if decision.action is Action.TRIAGE:
        yield tell.notice(NoticeKind.LEAD_TRIAGED, None, decision.evidence)
    if episode is None:
        return
    if decision.action in GIVEN or decision.passes_on:
        yield tell.notice(NoticeKind.LEAD_HANDED_OFF, episode.owner, str(episode.assignment))
        if decision.evidence == BY_HAND and before is not None:
            yield tell.notice(NoticeKind.LEAD_WITHDRAWN, before.owner, str(before.assignment), of=before)
    elif decision.action in (Action.SIGNAL, Action.INTEREST):
        yield tell.notice(NoticeKind.LEAD_SIGNAL, episode.owner, decision.evidence)
    elif decision.action is Action.CORRECTED and before is not None:
        if (before.state, before.exit_reason) != (episode.state, episode.exit_reason):
            yield tell.notice(NoticeKind.LEAD_RECYCLED, None, f"{episode.state.value}:{decision.as_of.isoformat()}")
    elif decision.action is Action.END and episode.state in HANDED_BACK:
        yield tell.notice(NoticeKind.LEAD_RECYCLED, None, episode.state.value)
    stays = next((one for one in decision.verdicts if one.rule == NOBODY_ELSE), None)
    if stays is not None:
        words, clock = " ".join(stays.reasons), stays.then
        roles = tuple(dict.fromkeys((*context.book.sla.clocks[clock].tell_breach, Role.MANAGER)))
        yield tell.of_clock(NoticeKind.SLA_BREACHED, clock, sla.REASSIGN, words, roles, due_at=None)
    if decision.action in (Action.ADVANCE, Action.END) and before and _went_over(decision):
        yield tell.notice(NoticeKind.LEAD_WITHDRAWN, before.owner, str(before.assignment), of=before)
        if episode.is_open:
            yield tell.notice(NoticeKind.LEAD_MOVED, episode.owner, str(episode.assignment))


def _went_over(decision: Decision) -> bool:
    """Somebody else has it now, in the same hands of telequalification or sales; passing on is told as a handover."""
    before, after = decision.before, decision.episode
    return bool(before and after and not decision.passes_on and (before.owner, before.hop) != (after.owner, after.hop))


class Teller:
    """Builds notices of one decision; they share one packet."""

    def __init__(
        self,
        context: Context,
        decision: Decision,
        contact: Contact,
        activities: Sequence[Activity],
        previous: Episode | None,
        owners: dict[OwnerId, Owner],
    ) -> None:
        self._context, self._decision, self._contact = context, decision, contact
        self._activities, self._previous, self._owners = activities, previous, owners

    def notice(self, kind: NoticeKind, owner: OwnerId | None, key: str, *, of: Episode | None = None) -> Notice:
        """`of`: the episode as its holder had it, where that is not as it stands now."""
        decision = self._decision
        episode = decision.episode if decision.action is not Action.TRIAGE else None
        key += f":undone{episode.undone}" if episode is not None and episode.undone else ""
        return Notice(
            kind=kind,
            contact=self._contact.id,
            episode=episode.id if episode else None,
            owner=owner,
            key=key,
            occurred_at=decision.as_of,
            packet=self._packet(owner, episode) | self.holder(of or episode, AUDIENCE[kind]) | self._said(kind),
            urgent_since=self._urgent_since(kind, episode),
        )

    def of_clock(
        self, kind: NoticeKind, clock: str, level: str, words: str, roles: Sequence[Role], *, due_at: datetime | None
    ) -> Notice:
        """What a clock says to `roles`; its key is clock, level, assignment and a second hand-raise (I5, R40).

        `due_at`: when this clock's time is up, or was; None where it does not matter any more.
        """
        episode = self._decision.episode
        assert episode is not None
        again = f":{episode.signal_at.isoformat()}" if episode.signal_at else ""
        notice = self.notice(kind, episode.owner, f"{clock}:{level}:{episode.assignment}{again}")
        label = self._context.book.sla.clocks[clock].label
        facts: dict[str, object] = {"clock": label[:1].upper() + label[1:], "level": level, "sentence": words}
        facts["due"] = due_in_words(due_at, self._context.portal.time_zone)
        facts |= {"tell": [role.value for role in roles]} | self.holder(episode, roles)
        return replace(notice, packet={**notice.packet, **facts})

    def _said(self, kind: NoticeKind) -> dict[str, object]:
        """What sales noted for marketing when it handed the lead back; the next handover empties the field."""
        return {"comment": clip(self._contact.text("comment"), SHORT)} if kind is NoticeKind.LEAD_RECYCLED else {}

    def holder(self, episode: Episode | None, roles: Sequence[Role]) -> dict[str, object]:
        """Whom a notice for these roles reaches while telequalification has the lead; nothing where a rep has it."""
        party = party_of(episode, self._context.book.routing) if episode is not None else None
        if party is None or Role.REP not in roles:
            return {}
        role = Role.AGENCY if party.agency else Role.TELEQUALIFICATION
        told = [(role if one is Role.REP else one).value for one in roles]
        return {"tell": told, "agency": party.agency} if party.agency else {"tell": told}

    def _urgent_since(self, kind: NoticeKind, episode: Episode | None) -> datetime | None:
        asked = episode is not None and episode.lane in ASKING
        raised = kind is NoticeKind.LEAD_SIGNAL and self._decision.action is Action.SIGNAL
        if raised or (kind is NoticeKind.LEAD_HANDED_OFF and asked):
            return self._decision.signal_at or self._decision.as_of
        return None

    def _packet(self, owner: OwnerId | None, episode: Episode | None) -> dict[str, object]:
        context, decision = self._context, self._decision
        asked = decision.action is Action.TRIAGE or bool(episode and episode.lane in ASKING)
        holder = owner or (episode.owner if episode else None)
        return build_packet(
            decision=decision,
            contact=self._contact,
            activities=self._activities,
            owner=self._owners.get(holder) if holder else None,
            previous=self._previous,
            ended_because=context.book.recycling.label_of(self._previous.exit_reason) if self._previous else "",
            portal_time_zone=context.portal.time_zone,
            record_url=context.crm.record_url(self._contact.id),
            allowed=suppression.allow(self._contact, context.book.suppression, asked_for_contact=asked),
            due_at=self._due_at(episode),
            called_by=self._called_by(),
        )

    def _called_by(self) -> str:
        """Who passes the lead on to the rep, by name and party."""
        before = self._decision.before
        party = party_of(before, self._context.book.routing) if before and self._decision.passes_on else None
        if before is None or party is None:
            return ""
        caller = self._owners.get(before.owner) if before.owner else None
        return f"{caller.name} ({party.words})" if caller and caller.name else party.words[:1].upper() + party.words[1:]

    def _due_at(self, episode: Episode | None) -> datetime | None:
        """A clock that begins now is worked out; one that runs already stands in the CRM since it began.

        One that a touch or an answer has stopped may stand there still: what empties it is on its way (I7).
        """
        decision, before = self._decision, self._decision.before
        if episode is None or not episode.is_open:
            return None
        due = sla.first_due(episode, self._context.book.sla, now=decision.as_of)
        begins = decision.action in GIVEN or (before is not None and before.assignment != episode.assignment)
        return due if begins or due is None else self._contact.instant("due_at")


def entries(context: Context, told: Sequence[Notice], intent: Intent | None, *, due_at: datetime) -> list[Entry]:
    """Outbox rows: `held` while a write stands before them, else due at once."""
    rows = [
        entry_for(context, notice, destination, intent, due_at)
        for notice in told
        for destination in recipients(notice, context.book.notifications, context.destinations)
    ]
    return [_no_later_than_its_heir(row, rows) if row.kind == NoticeKind.LEAD_WITHDRAWN.value else row for row in rows]


def _no_later_than_its_heir(withdrawal: Entry, rows: Sequence[Entry]) -> Entry:
    """A contact's notices go in order, so the quiet hours of who lost a lead must not keep it from who has it now."""
    heirs = (row for row in rows if row.kind in PACKETS and row.destination == withdrawal.destination)
    due = [row.due_at for row in (withdrawal, *heirs) if row.due_at is not None]
    return replace(withdrawal, due_at=min(due, default=None))


def entry_for(context: Context, notice: Notice, destination: str, intent: Intent | None, due_at: datetime) -> Entry:
    """One notice for one destination; in the rep's quiet hours it waits for their end (R15)."""
    rules, quiet = context.book.notifications, None
    if (model := rules.destinations.get(destination)) is not None:
        quiet = quiet_until(notice, model, rules, context.book.sla, now=context.now)
    goes_at_once = quiet is None or disturbs(notice, rules)
    entry = effect_id(context.portal.id, notice.contact, notice.episode, notice.kind.value, notice.key, destination)
    return Entry(
        id=entry,
        destination=destination,
        kind=notice.kind.value,
        contact=notice.contact,
        episode=notice.episode,
        body=context.build_body(destination, notice, entry),
        status="due" if intent is None else "held",
        intent=intent.id if intent else None,
        due_at=due_at if quiet is None or goes_at_once else max(due_at, quiet),
        hurries=quiet is not None and goes_at_once,
        owner=notice.owner,
        summary=_summary(notice),
        queued_at=context.now,
        alone_until=notice.urgent_since + FRESH if notice.urgent_since else None,
    )


def _summary(notice: Notice) -> str:
    """One line for a digest: what happened and why, without the person."""
    why = notice.packet.get("sentence") or notice.packet.get("why_now") or ""
    return clip(f"{headline(notice)}: {why}" if why else headline(notice), SUMMARY_BYTES)
