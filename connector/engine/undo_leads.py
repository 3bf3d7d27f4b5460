"""Which leads of a run go back when it is undone, what of each, and why the others stay (R36). Writes nothing.

What a person or a later run changed stays (rules/undoing.py says it field by field), and so does a lead that sales has
answered. undo.py does what is found here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from connector.domain.answer import AnswerStatus
from connector.domain.change import Change, ChangeKind
from connector.domain.contact import ContactId, OwnerId
from connector.domain.effect import effect_id
from connector.domain.episode import UNDONE, Episode, EpisodeId, State
from connector.domain.record import Record
from connector.domain.run import RunId, is_undo
from connector.engine.answers import is_answer
from connector.engine.context import Context
from connector.engine.marks import is_mark
from connector.engine.ports import Intent, StoredContact
from connector.engine.races import SHARED
from connector.rules import undoing
from connector.rules.fields import properties_to_read, property_of
from connector.rules.undoing import Line, Undoing, Written


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """One contact with what the run did to it, and what of that goes back.

    Attributes:
        intents: in their order. episode: which they moved; None where the run only changed the contact's mark (R08).
    """

    contact: ContactId
    intents: Sequence[Intent]
    episode: Episode | None
    record: Record
    undoing: Undoing

    @property
    def begun(self) -> bool:
        """Whether the run handed it over, or moved on what was handed over before."""
        return _begun(self.intents)

    def after(self, now: datetime) -> Episode | None:
        if self.episode is None:
            return None
        before = _moves(self.intents)[0].before
        if self.begun or before is None:
            ended = replace(self.episode, state=State.RECYCLED, ended_at=now, exit_reason=UNDONE)
            return replace(ended, track="", wakes_at=None, marketing_held=False)
        return replace(before, undone=self.episode.undone + 1)


@dataclass(slots=True)
class Found:
    """Leads of which something may go back, a line for each of the others, and how many are done already."""

    leads: list[Lead] = field(default_factory=list)
    left: list[Line] = field(default_factory=list)
    already: int = 0

    def leave(self, contact: ContactId, why: str) -> None:
        self.left.append(Line(contact=contact, field="", why=why))


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the database knows of some contacts."""

    written: Mapping[ContactId, Sequence[Intent]]
    stored: Mapping[ContactId, StoredContact]
    episodes: Mapping[ContactId, Sequence[Episode]]
    starts: Mapping[RunId, tuple[datetime, datetime]]
    active: frozenset[OwnerId]
    answered: frozenset[EpisodeId]


class Look:
    """Looks at the leads of the run `target`, to undo it under the run of `context`."""

    def __init__(self, context: Context, target: RunId) -> None:
        self.context, self.target = context, target

    def at(self, ids: Sequence[ContactId]) -> Found:
        """At most a hundred contacts that the run wrote to; one call of the CRM."""
        kept, found = self._kept(ids), Found()
        living = dict[ContactId, tuple[list[Intent], Episode | None]]()
        for contact in ids:
            ours = sorted((one for one in kept.written[contact] if one.run == self.target), key=_order)
            if ours and all(_is_correction(one) for one in ours):
                found.leave(contact, "sales itself corrected why the lead came back; change it in HubSpot")
                continue
            moves = _moves(ours)
            episode = next((one for one in kept.episodes[contact] if moves and one.id == moves[-1].episode), None)
            known = episode is not None or not moves
            if known and self.effect(contact, episode) in {one.id for one in kept.written[contact]}:
                found.already += 1
                continue
            why = _gone(contact, kept.stored.get(contact)) or self._moved_on(contact, ours, episode, kept)
            if why or not known:
                found.leave(contact, why or "its handover is not kept any more")
            else:
                living[contact] = (ours, episode)
        records = self._read(living)
        for contact, (ours, episode) in living.items():
            record = records.get(contact)
            if record is None or record.id != contact:
                found.leave(contact, f"the contact was {'deleted in the CRM' if record is None else MERGED}")
            else:
                found.leads.append(self._lead(contact, ours, episode, record, kept))
        return found

    def effect(self, contact: ContactId, episode: Episode | None) -> str:
        """Id of the intent that undoes this run on this lead."""
        return self._effect(contact, episode.id if episode else None, self.target)

    def _effect(self, contact: ContactId, episode: EpisodeId | None, run: RunId) -> str:
        return effect_id(self.context.portal.id, contact, episode, "undo", run, "crm")

    def _kept(self, ids: Sequence[ContactId]) -> _Kept:
        with self.context.store.reading() as uow:
            written, stored, episodes = uow.written_intents(ids), uow.contacts(ids), uow.episodes(ids)
            starts = uow.run_starts(sorted({one.run for rows in written.values() for one in rows}))
            active = frozenset(owner.id for owner in uow.owners() if not owner.archived)
            answers = uow.answers(ids)
        waiting = frozenset(one.episode for one in answers if one.status is AnswerStatus.WAITING)
        return _Kept(written, stored, episodes, starts, active, waiting)

    def _moved_on(self, contact: ContactId, ours: Sequence[Intent], episode: Episode | None, kept: _Kept) -> str:
        """Why the lead is not where the run left it; empty where it is."""
        written, starts = kept.written[contact], kept.starts
        began = starts[self.target]
        done = {one.id for one in written}
        for one in written:
            later = one.run in starts and starts[one.run] > began and not is_undo(one.run)
            aside = _moves([one]) == [] and episode is not None  # a lead's handover and its mark do not hang together
            if later and not aside and self._effect(contact, one.episode, one.run) not in done:
                return f"the later run {one.run} moved it on; undo that one first"
        if episode is not None and _begun(ours) and not episode.is_open:
            return f"it has ended since: {episode.exit_reason.replace('_', ' ') or episode.state.value}"
        if episode is not None and episode.id in kept.answered:
            return "sales has answered by a link; the next run takes that up"
        return ""

    def _read(self, living: Mapping[ContactId, tuple[list[Intent], Episode | None]]) -> Mapping[ContactId, Record]:
        if not living:
            return {}
        rules = self.context.book.fields
        changes = [one for intents, _ in living.values() for row in intents for one in row.changes]
        names = {one.field for one in changes if _mapped(one, rules.fields)}
        history = sorted({property_of(name, rules) for name in (*names, *SHARED)})
        return self.context.crm.read_contacts(list(living), properties_to_read(rules), history=history)

    def _lead(
        self, contact: ContactId, ours: Sequence[Intent], episode: Episode | None, record: Record, kept: _Kept
    ) -> Lead:
        undone = undoing.undo(
            self._written(ours),
            [one for row in ours for one in row.changes if one.kind is not ChangeKind.FIELD],
            record,
            self.context.book.fields,
            self.context.book.stages.values,
            begun=_begun(ours),
            on_list=kept.stored[contact].on_list,
            active=kept.active,
        )
        return Lead(contact=contact, intents=ours, episode=episode, record=record, undoing=undone)

    def _written(self, intents: Sequence[Intent]) -> dict[str, Written]:
        """Field by field, from the first value that the run found to the last that it left."""
        rules, found = self.context.book.fields, dict[str, Written]()
        for row in intents:
            for one in row.changes:
                if not _mapped(one, rules.fields):
                    continue
                first = found.get(one.field)
                raw = row.expected.get(property_of(one.field, rules)) or ""
                found[one.field] = (
                    replace(first, after=one.after) if first else Written(before=one.before, after=one.after, found=raw)
                )
        return found


MERGED = "merged into another one"


def _order(row: Intent) -> tuple[int, int, int, int, bool]:
    """What a run did to one lead, in the order in which it can only have happened."""
    before = row.before
    if before is None:
        return (0 if _moves([row]) else -1, 0, 0, 0, False)
    return (before.ordinal, int(not before.silent), before.assignment, before.state.rank, before.touched_at is not None)


def _moves(ours: Sequence[Intent]) -> list[Intent]:
    """Those that moved an episode: neither a mark nor a holder's answer does by itself, nor what sales corrected."""
    return [row for row in ours if not is_mark(row) and not is_answer(row) and not _is_correction(row)]


def _is_correction(row: Intent) -> bool:
    """Whether it followed what sales said after a hand-back; a hold that a policy changed leaves the track alone."""
    ended = row.before is not None and row.before.state.is_end
    return ended and any(change.field == "nurture_track" for change in row.changes)


def _begun(ours: Sequence[Intent]) -> bool:
    moves = _moves(ours)
    before = moves[0].before if moves else None
    return bool(moves) and (before is None or before.silent)


def _gone(contact: ContactId, known: StoredContact | None) -> str:
    if contact.startswith("erased-"):
        return "the person was erased"
    if known is not None and known.merged_into:
        return f"the contact was {MERGED}"
    return "the contact was deleted in the CRM" if known is None or known.gone else ""


def _mapped(one: Change, fields: Mapping[str, object]) -> bool:
    """A field that fields.yaml still has."""
    return one.kind is ChangeKind.FIELD and one.field in fields
