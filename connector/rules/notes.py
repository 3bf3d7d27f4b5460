"""Notes and tasks: what a handover leaves in the CRM beside the contact, where the admin wants it (R14, R15).

A note tells what the packet tells, for whoever opens the contact; a task waits in the rep's own list and is due when
the first clock is. It is closed when its rep reached out, when somebody else has the lead, and when the episode ends.
The CRM knows who the contact is, so neither names them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from connector.domain.change import Change, ChangeKind
from connector.domain.contact import ContactId
from connector.domain.decision import Decision
from connector.domain.episode import Episode
from connector.domain.notice import PACKETS, Notice, NoticeKind
from connector.rules.notifications import CrmRecords
from connector.rules.packet import clip

TASK, NOTE = "Call the lead", "Handed over to sales"
LONGEST_SUBJECT = 140
ALLOWED = {"call": "call", "mail": "personal mail", "marketing_mail": "marketing mail"}


def beside(decision: Decision, told: Sequence[Notice], wanted: CrmRecords) -> tuple[Change, ...]:
    """The notes and tasks of one decision, those to be closed first; none where none is wanted."""
    if not (wanted.task or wanted.note):
        return ()
    return (*(_closed(decision) if wanted.task else ()), *_made(decision, told, wanted))


def _made(decision: Decision, told: Sequence[Notice], wanted: CrmRecords) -> Iterator[Change]:
    episode = decision.episode
    for notice in told:
        if notice.kind not in PACKETS or episode is None:
            continue
        key, text = _key(episode), "\n".join(lines(notice.packet))
        if wanted.note and notice.kind is NoticeKind.LEAD_HANDED_OFF:
            yield _change(decision.contact, ChangeKind.NOTE, NOTE, key, f"{NOTE}\n{text}")
        if wanted.task and notice.owner is not None:
            subject = clip(f"{TASK}: {_text(notice.packet, 'why_now')}".rstrip(": "), LONGEST_SUBJECT)
            yield _change(decision.contact, ChangeKind.TASK, subject, key, text, due_at=_due(notice.packet))


def _closed(decision: Decision) -> Iterator[Change]:
    before, after = decision.before, decision.episode
    if before is None or after is None or not before.is_open or before.silent or before.owner is None:
        return
    moved = _key(before) != _key(after)
    touched = before.touched_at is None and after.touched_at is not None
    if moved or touched or not after.is_open:
        yield _change(decision.contact, ChangeKind.TASK_DONE, TASK, _key(before), None)


def _key(episode: Episode) -> str:
    """One for each time that somebody got the lead (I5)."""
    return f"{episode.id}.{episode.assignment}.{episode.undone}"


def _change(
    contact: ContactId, kind: ChangeKind, subject: str, key: str, text: str | None, *, due_at: datetime | None = None
) -> Change:
    return Change(contact=contact, kind=kind, field=subject, before=None, after=text, key=key, due_at=due_at)


# -- words -------------------------------------------------------------------------------------------------------


def lines(packet: Mapping[str, object]) -> Iterator[str]:
    """The packet without the person: why now, the score, what they did, what is allowed, until when, why this rep."""
    yield _text(packet, "why_now")
    score = packet.get("score")
    if isinstance(score, Mapping):
        grade = f", grade {score['grade']}" if score.get("grade") else ""
        yield f"Score: {score['points']:g} points{grade} (fit {score['fit']:g}, engagement {score['engagement']:g})"
        yield from (f"  {line['points']:+g} {line['label']}" for line in _rows(score, "top"))
    if history := _rows(packet, "history"):
        yield "Lately:"
        yield from (f"  {row['when']}: {row['what']}" for row in reversed(history))
    since = packet.get("since_last_time")
    if isinstance(since, list) and since:
        yield "Since last time:"
        yield from (f"  {line}" for line in since)
    allowed = packet.get("allowed")
    if isinstance(allowed, Mapping):
        yield f"Allowed: {', '.join(word for key, word in ALLOWED.items() if allowed.get(key)) or 'no contact at all'}"
    for label, key, inner in (("Their time", "local_time", "words"), ("React until", "due", "when")):
        part = packet.get(key)
        if isinstance(part, Mapping) and part.get(inner):
            yield f"{label}: {part[inner]}"
    if routed := _text(packet, "routed"):
        yield f"Why this rep: {routed}"


def _text(packet: Mapping[str, object], key: str) -> str:
    return str(packet.get(key) or "")


def _rows(packet: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    found = packet.get(key)
    return [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []


def _due(packet: Mapping[str, object]) -> datetime | None:
    due = packet.get("due")
    return datetime.fromisoformat(str(due["at"])) if isinstance(due, Mapping) else None
