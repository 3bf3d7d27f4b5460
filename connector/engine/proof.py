"""Proof: each night, that no lead in sales' hands is silent (R12, R17). What is not so is mended, or listed.

    as the CRM shows it   read back, a hundred with one call: what no pull showed is decided, and what only we write
                          is written anew where nobody else changed it (I2)
    a living holder       else somebody else takes it over (rules/succession.py)
    on a clock            else it gets those that the rules have for it, from now
    told                  a packet that was given up goes out again, once its destination takes others

The first run after `prove_at` does it, whoever starts that; it costs a read of a hundred leads with each call. What
could not be mended stands in the database until the next night: `handoff leads --silent`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from connector.domain.contact import ContactId
from connector.domain.episode import Episode, EpisodeId
from connector.domain.record import Record
from connector.domain.timer import Timer
from connector.engine.behind import is_forgotten
from connector.engine.context import BATCH, Context
from connector.engine.intake import store_records
from connector.engine.ports import AuditRow, DestinationState, StoredContact, UnitOfWork
from connector.engine.ports.proof import PROVED, ClockSeen, PacketSeen, Stranded
from connector.engine.races import wire_text
from connector.engine.showing import show
from connector.errors import ChangeRejectedError, ContractError
from connector.rules import sla
from connector.rules.fields import properties_to_read, property_of
from connector.rules.plan import shown_anew
from connector.rules.silence import Cause, clocks_lacking, proof_due, why_no_clock, why_no_holder

RULE = "proof"
"""Of the audit rows."""
OURS = ("episode", "state")
"""Fields that nobody else writes."""
WAITS_LONG = timedelta(days=1)


@dataclass(slots=True)
class Night:
    """One proof under way. `edited`: leads of which a person changed what only we write; their value stands."""

    leads: int = 0
    mended: int = 0
    edited: set[ContactId] = field(default_factory=set)


def begin_proof(context: Context) -> Night | None:
    """Where a proof is due, compare every lead in hand with the CRM; this run decides and writes what differs."""
    if not context.writes or not _is_due(context):
        return None
    night, after = Night(), ""
    while True:
        with context.store.reading() as uow:
            page = uow.in_hand(BATCH, after)
        if not page:
            return night
        try:
            _read_back(context, night, page)
        except (ChangeRejectedError, ContractError) as error:  # new leads go on all the same (P5)
            context.troubles.append(f"the nightly proof stopped, and the next run tries again: {error}")
            return None
        after = page[-1].contact


def end_proof(context: Context, night: Night) -> Sequence[Stranded]:
    """Look at every lead as it stands now: clocks are set and packets sent again; gives the rest, which is listed."""
    with context.store.transaction() as uow:
        before = {one.contact: one for one in uow.stranded()}
        found, after = list[Stranded](), ""
        known = _Known.of(context, uow)
        while page := uow.in_hand(BATCH, after):
            night.leads += len(page)
            found += _stranded(context, uow, night, page, known)
            after = page[-1].contact
        found = [_since(before.get(one.contact), one) for one in found]
        uow.put_stranded(found)
        inputs = {"leads": night.leads, "stranded": len(found)}
        uow.audit(context.run.id, [_audit(f"proof:{context.now:%Y-%m-%dT%H:%M}", None, inputs, "proved")], context.now)
    context.counts.rescued += night.mended
    context.counts.stranded = len(found)
    if found:
        context.remarks.append(sentence(len(found), night.leads))
    return found


def close_proof(context: Context) -> None:
    """Only once its alarms are told: a kill before that proves anew (P1)."""
    with context.store.transaction() as uow:
        uow.put_watermark(PROVED, context.now)


def sentence(stranded: int, leads: int) -> str:
    """What a proof found, for a run's report."""
    what = "1 lead" if stranded == 1 else f"{stranded:,} leads"
    return f"{what} of {leads:,} in sales' hands would be heard of no more; `handoff leads --silent` says why."


def _is_due(context: Context) -> bool:
    """Not in the first run: everything was read just now, and `first_proof` begins the row of nights."""
    with context.store.reading() as uow:
        last = uow.watermark(PROVED)
    return last is not None and last < proof_due(context.book.sla, context.now, ZoneInfo(context.portal.time_zone))


def first_proof(context: Context, uow: UnitOfWork) -> None:
    """The first run has seen everything; from the next night on it is proved."""
    if context.writes and uow.watermark(PROVED) is None:
        uow.put_watermark(PROVED, context.now)


# -- as the CRM shows it -------------------------------------------------------------------------------------------


def _read_back(context: Context, night: Night, page: Sequence[Episode]) -> None:
    ids = list(dict.fromkeys(episode.contact for episode in page))
    properties = properties_to_read(context.book.fields)
    records = context.crm.read_contacts(ids, properties)
    with context.store.reading() as uow:
        known = uow.contacts(ids)
        owners = {owner.id for owner in uow.owners() if owner.archived}
        busy = {row.contact for row in uow.intents_of(ids) if row.status == "open"}
        overdue = uow.fired_timers(ids, sla.REASSIGN) if sla.reassigns(context.book.sla) else {}
    news = [record for one, record in records.items() if _is_news(record, one, known.get(one))]
    # Asked about at the end of the run (vanished.py), for a kill until then must find them in hand still.
    context.missing.update(one for one in ids if one not in records and one in known)
    left = [episode for episode in page if episode.owner in owners]
    again = [one for one in ids if one in overdue]  # somebody may be there today
    apart = [
        episode
        for episode in page
        if episode.contact not in busy
        and (record := records.get(episode.contact)) is not None
        and record.id == episode.contact
        and any((record.properties.get(name) or "") != text for name, text in _ours(context, episode).items())
    ]
    if not (news or left or apart or again):
        return
    names = [property_of(name, context.book.fields) for name in OURS if name in context.book.fields.fields]
    told = context.crm.read_contacts([one.contact for one in apart], (), history=names) if apart else {}
    with context.store.transaction() as uow:
        stored = store_records(context, uow, news)
        uow.mark_dirty([one.contact for one in left], "owner left")
        uow.mark_dirty(again, "time is up")
        rows: list[AuditRow] = [_audit(f"proof:news:{one.id}", one.id, {}, "mended") for one in news]
        for episode in apart:
            record = told.get(episode.contact)
            if record is not None and _edited(record, names):
                night.edited.add(episode.contact)
                continue
            row = stored.get(episode.contact) or known.get(episode.contact)
            if row is not None and is_forgotten(uow, row.contact, (episode,)):
                continue  # ours, and newer than this database: it is decided by that (behind.py)
            if row is not None and _show(context, uow, episode, row):
                rows.append(_audit(f"proof:shown:{episode.contact}", episode.contact, {}, "mended"))
        uow.audit(context.run.id, rows, context.now)
    night.mended += len(rows) + len(left)


def _is_news(record: Record, asked: ContactId, known: StoredContact | None) -> bool:
    """Whether it shows what is not known here; an older state of it, from a CRM that lags, shows nothing."""
    if known is None or record.id != asked:
        return True
    if record.modified_at < known.contact.modified_at:
        return False
    return any((known.raw.get(name) or "") != (value or "") for name, value in record.properties.items())


def _ours(context: Context, episode: Episode) -> dict[str, str]:
    """Property -> the text that must stand there, of what only we write."""
    rules = context.book.fields
    wanted = {"episode": str(episode.id), "state": episode.state.value}
    may = [name for name in OURS if name in rules.fields and rules.fields[name].may_write()]
    return {property_of(name, rules): wire_text(name, wanted[name], context.book) for name in may}


def _edited(record: Record, names: Sequence[str]) -> bool:
    """Whether a person wrote what stands there."""
    return any(edits[0].by_person for name in names if (edits := record.history.get(name)))


def _show(context: Context, uow: UnitOfWork, episode: Episode, stored: StoredContact) -> bool:
    changes = [one for one in shown_anew(episode, stored.contact, context.book) if one.field in OURS]
    return bool(changes) and show(context, uow, episode, stored, changes, f"shown:{episode.assignment}")


# -- on a clock, with a holder, told -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Known:
    """What holds for all leads. `unread`: contact -> why its record cannot be processed."""

    agencies: Sequence[str]
    destinations: Mapping[str, DestinationState]
    unread: Mapping[str, str]

    @classmethod
    def of(cls, context: Context, uow: UnitOfWork) -> _Known:
        parties = context.book.routing.telequalification
        return cls(
            agencies=[party.name for party in parties if party.agency],
            destinations=uow.destinations(),
            unread={str(row["contact"]): str(row["reason"]) for row in uow.quarantined()},
        )


def _stranded(
    context: Context, uow: UnitOfWork, night: Night, page: Sequence[Episode], known: _Known
) -> Iterator[Stranded]:
    clocks = uow.clocks_of([episode.contact for episode in page])
    packets: dict[EpisodeId, list[PacketSeen]] = {}
    for packet in uow.packets_of([episode.id for episode in page]):
        packets.setdefault(packet.episode, []).append(packet)
    owners = {owner.id: owner for owner in uow.owners()}
    for episode in page:
        seen = clocks.get(episode.id, ())
        running, fired = _timers(seen, fired=False), _timers(seen, fired=True)
        running += _set_clocks(context, uow, night, episode, running, fired)
        told = [one for one in packets.get(episode.id, ()) if one.owner == episode.owner]
        reasons: list[tuple[Cause, str]] = []
        if (why := why_no_clock(episode, running, fired, context.book.sla)) is not None:
            reasons.append(why)
        if holder := why_no_holder(episode, owners, known.agencies):
            reasons.append((Cause.NO_HOLDER, holder))
        if episode.contact in night.edited:
            reasons.append((Cause.CRM_DIFFERS, "A person changed what Handoff writes of it in the CRM; that stands."))
        if episode.contact in known.unread:
            reasons.append((Cause.CANNOT_BE_READ, "Its record cannot be processed; each run tries it again."))
        reasons += [(Cause.NOT_TOLD, words) for words in _untold(context, uow, night, told, known)]
        if reasons:
            words = " ".join(said for _, said in reasons)
            yield Stranded(
                contact=episode.contact, episode=episode.id, cause=reasons[0][0].value, words=words,
                found_at=context.now,
            )  # fmt: skip


def _timers(seen: Sequence[ClockSeen], *, fired: bool) -> list[Timer]:
    return [one.timer for one in seen if one.fired is fired]


def _set_clocks(
    context: Context,
    uow: UnitOfWork,
    night: Night,
    episode: Episode,
    running: Sequence[Timer],
    fired: Sequence[Timer],
) -> Sequence[Timer]:
    lacking = clocks_lacking(episode, running, fired, context.book.sla, now=context.now)
    if lacking:
        uow.put_timers(lacking)
        names = sorted({timer.name for timer in lacking})
        row = _audit(f"proof:clock:{episode.contact}", episode.contact, {"clocks": names}, "mended")
        uow.audit(context.run.id, [row], context.now)
        night.mended += 1
    return lacking


def _untold(
    context: Context, uow: UnitOfWork, night: Night, packets: Sequence[PacketSeen], known: _Known
) -> Iterator[str]:
    """Of its holder's packets those that did not arrive; one that was given up is sent again where that can help."""
    for packet in packets:
        if not context.destinations.get(packet.destination):
            continue
        state = known.destinations.get(packet.destination)
        takes = state is None or (state.off_at is None and state.failing_since is None)
        if packet.status == "exhausted" and packet.entry and takes:
            night.mended += bool(uow.send_again([packet.entry], context.now))
        elif packet.status == "exhausted":
            yield f"Its notice to {packet.destination} was given up."
        elif packet.status in ("due", "held", "digested") and _waits_long(packet, context.now):
            yield f"Its notice to {packet.destination} has been waiting since {packet.queued_at:%Y-%m-%d %H:%M} UTC."


def _waits_long(packet: PacketSeen, now: datetime) -> bool:
    return packet.queued_at is not None and now - packet.queued_at > WAITS_LONG


def _since(before: Stranded | None, now: Stranded) -> Stranded:
    """As of the night that first found it, whatever keeps it there since."""
    return replace(now, found_at=before.found_at) if before is not None and before.episode == now.episode else now


def _audit(effect: str, contact: ContactId | None, inputs: Mapping[str, object], outcome: str) -> AuditRow:
    return AuditRow(effect=effect, contact=contact, episode=None, rule=RULE, inputs=inputs, outcome=outcome)
