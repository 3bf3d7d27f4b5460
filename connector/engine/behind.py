"""Behind: leads that moved on while the database did not, because an old copy of it was put back.

Found where a contact is decided again and the CRM shows more of an episode than this database ever planned. Such a lead
is taken up as the CRM shows it before anything is decided: it is not handed over again, nothing of people's is written
over, and nobody is told again (P3, I2). The run's report says so. Where there is none it costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from connector.domain.contact import Contact, ContactId
from connector.domain.episode import Episode, State
from connector.domain.record import Edit, Record
from connector.engine.context import Context
from connector.engine.intake import store_records
from connector.engine.ports import AuditRow, UnitOfWork
from connector.engine.timers import restore_timers
from connector.rules.fields import properties_to_read, property_of
from connector.rules.shown import Marks, as_shown, marks_of, tells_more
from connector.rules.situation import Situation

OLDER = "the database is older than what the CRM shows"
TAKEN_UP = "taken up"


def forgotten(
    context: Context, uow: UnitOfWork, situations: Mapping[ContactId, Situation]
) -> dict[ContactId, Situation]:
    """Those whose marks tell of what this database never planned; each is looked at once in a run."""
    return {
        one: situation
        for one, situation in situations.items()
        if one not in context.behind and is_forgotten(uow, situation.contact, situation.episodes)
    }


def is_forgotten(uow: UnitOfWork, contact: Contact, episodes: Sequence[Episode]) -> bool:
    """Whether the contact's marks tell of what this database never planned."""
    return tells_more(contact, episodes) and not _was_planned(uow, contact)


def _was_planned(uow: UnitOfWork, contact: Contact) -> bool:
    """A write of ours that was refused in part leaves marks too, and so does a merge; those are no news."""
    planned = {
        (row.episode, change.after)
        for row in uow.intents_of(uow.family(contact.id))
        for change in row.changes
        if change.field == "state"
    }
    return marks_of(contact) in planned


def take_up(context: Context, situations: Mapping[ContactId, Situation]) -> None:
    """Make their episodes again from the CRM's marks and the history of these; they stay on the work list.

    A contact that the CRM does not give just now waits for the next run (P7).
    """
    fields = context.book.fields
    history = [property_of("episode", fields), property_of("state", fields)]
    found = context.crm.read_contacts(list(situations), properties_to_read(fields), history=history)
    with context.store.transaction() as uow:
        stored = store_records(context, uow, [record for one, record in found.items() if record.id == one])
        for one, situation in situations.items():
            record = found.get(one)
            context.behind[one] = False
            if record is None or record.id != one or one not in stored:
                context.unclear.add(one)
                continue
            marks = _marks(context, replace(situation, contact=stored[one].contact), record)
            if marks is not None:
                _take_up_one(context, uow, replace(situation, contact=stored[one].contact), marks)
    _say(context)


def _marks(context: Context, situation: Situation, record: Record) -> Marks | None:
    """As they stand now; None where they tell nothing more, or where a person wrote one of them."""
    shown, fields = marks_of(situation.contact), context.book.fields
    if shown is None or not tells_more(situation.contact, situation.episodes):
        return None
    begun, moved = (record.history.get(property_of(name, fields), ()) for name in ("episode", "state"))
    if any(edits and edits[0].by_person for edits in (begun, moved)):
        return None
    modified = record.modified_at
    return Marks(
        episode=shown[0],
        state=shown[1],
        begun_at=_since(begun).at if begun else modified,
        moved_at=_since(moved).at if moved else modified,
    )


def _since(edits: Sequence[Edit]) -> Edit:
    """The edit by which the present value came to stand; the newest ones may repeat it."""
    first = edits[0]
    for edit in edits:
        if (edit.value or "") != (edits[0].value or ""):
            return first
        first = edit
    return first


def _take_up_one(context: Context, uow: UnitOfWork, situation: Situation, marks: Marks) -> None:
    episode = as_shown(situation, marks, context.book)
    other = situation.open_episode
    if other is not None and other.id != episode.id:  # how it ended is not known any more
        ended = replace(other, state=State.RECYCLED, exit_reason="forgotten", ended_at=marks.begun_at)
        uow.put_episode(replace(ended, marketing_held=False), at=context.now, cause=TAKEN_UP)
    uow.put_episode(episode, at=context.now, cause=TAKEN_UP)
    uow.set_on_list([episode.contact], episode.marketing_held)
    restore_timers(context, uow, episode.contact)
    uow.audit(context.run.id, [_audit(episode)], context.now)
    context.behind[episode.contact] = True


def _audit(episode: Episode) -> AuditRow:
    return AuditRow(
        effect=f"{TAKEN_UP}:{episode.id}:{episode.state.value}",
        contact=episode.contact,
        episode=episode.id,
        rule=OLDER,
        inputs={"state": episode.state.value, "owner": episode.owner},
        outcome="noted",
    )


def _say(context: Context) -> None:
    """One line for the whole run."""
    taken_up = sorted(one for one, done in context.behind.items() if done)
    if not taken_up:
        return
    named = ", ".join(taken_up[:5]) + (", …" if len(taken_up) > 5 else "")
    context.troubles[:] = [line for line in context.troubles if not line.startswith(OLDER)]
    context.troubles.append(
        f"{OLDER}: an old copy of it was put back, or another Handoff looks after this portal; what had moved on is "
        f"taken up as it stands, {len(taken_up)} in all ({named}); nobody is told of that again, and who was told "
        "before is not known any more"
    )
