"""Planted bugs: each a small change of the product that shows only where something goes wrong.

Without a fault each of them lives through the story as the sound product does; the proof must catch them all, by name.
They are applied in the runner's process, just before its run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crash_points import Fault, Point
from crash_seams import KILLS
from crash_world import Undisturbed

import connector.engine.begin as begin
import connector.engine.consider as consider
import connector.engine.notify as notify
import connector.engine.pull as pull
import connector.engine.run as run
import connector.engine.sweep as sweep
import connector.engine.write as write
import connector.store.lease as lease
import connector.store.outbox as outbox
from connector.delivery.sender import Sender
from connector.domain.change import ChangeKind, OutcomeKind
from connector.engine.listed import Listed, by_list
from connector.engine.ports import Try
from connector.store.contacts import Contacts
from connector.store.intents import Intents

Aim = Callable[[Point], bool]


@dataclass(frozen=True, slots=True)
class Bug:
    """One planted bug.

    Attributes:
        plant: changes the product.
        aim: the calls at which it can show; how: what happens to them.
    """

    name: str
    plant: Callable[[], None]
    aim: Aim
    how: Sequence[str]
    lasting: bool = False

    def cases(self, known: Undisturbed) -> Iterator[list[Fault]]:
        """Widely spread first, so that the bug is caught soon."""
        points = [point for point in known.points() if self.aim(point)]
        for start in range(7):
            for point in points[start::7]:
                for how in self.how:
                    yield [Fault(point, how, self.lasting)]


def _at(port: str, *labels: str) -> Aim:
    return lambda point: point.port.partition(":")[0] == port and (
        not labels or any(label in point.label for label in labels)
    )


# -- notices -------------------------------------------------------------------------------------------------------


def _sent_before_sending() -> None:
    post = Sender.post

    def bad(self: Sender, entry: Any) -> Any:
        self._outbox.record([Try(entry=entry.id, at=entry.due_at, status="sent")])
        return post(self, entry)

    Sender.post = bad  # type: ignore[method-assign]


def _new_id_after_a_restart() -> None:
    made = notify.entry_for

    def bad(context: Any, *rest: Any) -> Any:
        entry = made(context, *rest)
        return replace(entry, id=f"{entry.id}-{context.run.epoch}") if context.run.resumed else entry

    notify.entry_for = bad


def _new_id_per_retry() -> None:
    post = Sender.post

    def bad(self: Sender, entry: Any) -> Any:
        return post(self, replace(entry, id=f"{entry.id}-{entry.tries}") if entry.tries else entry)

    Sender.post = bad  # type: ignore[method-assign]


def _body_rebuilt_on_retry() -> None:
    post = Sender.post

    def bad(self: Sender, entry: Any) -> Any:
        return post(self, replace(entry, body=json.dumps(json.loads(entry.body), indent=1)) if entry.tries else entry)

    Sender.post = bad  # type: ignore[method-assign]


def _due_before_the_write() -> None:
    made = notify.entry_for

    def bad(*given: Any) -> Any:
        return replace(made(*given), status="due")

    notify.entry_for = bad


def _claims_of_the_dead_are_kept() -> None:
    lease.let_go = lambda *_, **__: 0


def _failure_is_the_end() -> None:
    record = outbox.SqlOutbox.record

    def bad(self: Any, tries: Any) -> Any:
        return record(self, [replace(one, status="sent") for one in tries])

    outbox.SqlOutbox.record = bad  # type: ignore[method-assign]


def _notices_released_apart() -> None:
    held: list[tuple[Any, Any]] = []
    release, written = outbox.Entries.release_entries, write.write_batch

    def later(self: Any, intents: Any, due_at: Any) -> None:
        held.append((list(intents), due_at))

    def bad(context: Any, intents: Any, listed: Any) -> Any:
        left = written(context, intents, listed)
        with context.store.transaction() as uow:
            while held:
                release(uow, *held.pop())
        return left

    outbox.Entries.release_entries = later  # type: ignore[method-assign]
    write.write_batch = bad


# -- the write path ------------------------------------------------------------------------------------------------


def _list_added_last() -> None:
    """Announced first, put on the list afterwards."""
    written = write.write_batch

    def bad(context: Any, intents: Any, listed: Any) -> Any:
        left = written(context, intents, listed)
        for name, rows in by_list(intents, ChangeKind.LIST_ADD).items():
            context.crm.add_to_list(name, [row.contact for row in rows if row.id not in left])
        return left

    def skipped(context: Any, intents: Any) -> Listed:
        listed = Listed()
        for name, rows in by_list(intents, ChangeKind.LIST_ADD).items():
            listed.list_id = context.crm.list_id(name)
            listed.members |= {row.contact for row in rows}
        return listed

    write.put_on_lists = skipped
    write.write_batch = bad


def _intents_in_memory() -> None:
    waiting: dict[str, Any] = {}
    put, found = Intents.put_intents, Intents.intents

    def kept(self: Any, rows: Any) -> None:
        for row in rows:
            if row.status == "open":
                waiting[row.id] = row
            else:
                waiting.pop(row.id, None)
                put(self, [row])

    def given(self: Any, status: str, limit: int) -> Any:
        if status != "open":
            return found(self, status, limit)
        return sorted(waiting.values(), key=lambda row: row.id)[:limit]

    Intents.put_intents = kept  # type: ignore[method-assign]
    Intents.settle_intents = kept  # type: ignore[method-assign]
    Intents.intents = given  # type: ignore[method-assign]


def _unclear_is_failed() -> None:
    update = write._Batch._update

    def bad(self: Any, writes: Any) -> None:
        update(self, writes)
        for row in self.intents:
            if row.id in self.unclear:
                self.unclear.discard(row.id)
                self.verdicts[row.id] = ("rejected", "no answer")

    assert OutcomeKind.LATER
    write._Batch._update = bad  # type: ignore[method-assign]


def _turn_moved_twice() -> None:
    """A restart gives everybody with an open write his turn again."""
    begun = run.begin_run

    def bad(ports: Any, *rest: Any) -> Any:
        context, marks = begun(ports, *rest)
        if context.run.resumed:
            with context.store.transaction() as uow:
                for row in uow.intents("open", 1000):
                    if row.turn is not None:
                        uow.move_rotation(*row.turn)
        return context, marks

    run.begin_run = bad


# -- runs and progress ---------------------------------------------------------------------------------------------


def _stream_done_before_it_is_pulled() -> None:
    pulled = pull._pull_stream

    def bad(context: Any, name: str, marks: dict[str, str], *more: Any) -> bool:
        with context.store.transaction() as uow:
            uow.put_progress(context.run.id, {**marks, name: "done"})
        return bool(pulled(context, name, marks, *more))

    pull._pull_stream = bad


def _watermark_before_the_work() -> None:
    """The window counts as done once it is pulled, and a run that was cut off is not gone on with."""
    pulled = run._pull

    def bad(context: Any, marks: Any) -> Any:
        streams = pulled(context, marks)
        with context.store.transaction() as uow:
            for stream in streams:
                uow.put_watermark(stream, context.now)
            for contact in uow.dirty(1000):
                uow.clear_dirty([contact])
                aside.append(contact)
        with context.store.transaction() as uow:
            uow.mark_dirty(aside, "pulled")
        return streams

    aside: list[Any] = []
    run._pull = bad


def _as_of_from_our_clock() -> None:
    resume, there = begin._resume, begin._run

    def bad(uow: Any, portal: Any, *rest: Any) -> Any:
        now.append(portal.now)
        return there(uow, portal, *rest)

    def anew(*given: Any) -> Any:
        found = resume(*given)
        return found and (replace(found[0], as_of=now[-1]), found[1])

    now: list[Any] = []
    begin._run, begin._resume = bad, anew


def _restart_is_a_new_run() -> None:
    begin._resume = lambda *_: None


def _work_list_cleared_first() -> None:
    considered, listed = consider.consider_batch, Contacts.dirty
    aside: list[Any] = []

    def bad(context: Any, guard: Any) -> Any:
        with context.store.transaction() as uow:
            aside[:] = [one for one in listed(uow, 15) if one not in guard.held | context.unclear | context.out_of_turn]
            uow.clear_dirty(aside)
        return considered(context, guard)

    def given(self: Any, limit: int) -> Any:
        ids, aside[:] = [*aside], []
        return ids or listed(self, limit)

    Contacts.dirty = given  # type: ignore[method-assign]
    run.consider_batch = bad


def _timer_fired_before_it_is_told() -> None:
    def bad(context: Any) -> int:
        fired = 0
        while True:
            with context.store.transaction() as uow:
                due = uow.due_timers(context.now, 15)
                uow.fire_timers(due, context.now)
            if not due:
                return fired
            with context.store.transaction() as uow:
                sweep._fire(context, uow, due)
            fired += len(due)

    run.sweep = bad


# -- the lease -----------------------------------------------------------------------------------------------------


def _no_epoch_check() -> None:
    """Neither within transactions nor before writes outside."""
    lease.Lease.check = lambda self, connection: None  # type: ignore[method-assign]
    lease.Lease.hold = lambda self, seconds: None  # type: ignore[method-assign]


def _lease_kept_after_death() -> None:
    """Whoever died is waited for, however long."""
    lease.is_dead = lambda holder: False


# -- all -----------------------------------------------------------------------------------------------------------

UPDATE = "batch/update"

BUGS = (
    Bug("mark sent before sending", _sent_before_sending, _at("webhook"), ("before",)),
    Bug("a failed post counts as sent", _failure_is_the_end, _at("webhook"), ("refuse",)),
    Bug("a new id after a restart", _new_id_after_a_restart, _at("commit", "consider", "_pull"), KILLS),
    Bug("a new id per retry", _new_id_per_retry, _at("webhook"), ("drop",)),
    Bug("body rebuilt on retry", _body_rebuilt_on_retry, _at("webhook"), ("drop",)),
    Bug("notices due before the write's outcome", _due_before_the_write, _at("http", UPDATE), ("500",), True),
    Bug("notices released in a transaction of their own", _notices_released_apart, _at("commit", "write"), KILLS),
    Bug("claims of the dead are kept", _claims_of_the_dead_are_kept, _at("webhook"), KILLS),
    Bug("on the list only after it was announced", _list_added_last, _at("commit", "write"), KILLS),
    Bug("intents not stored before the write", _intents_in_memory, _at("http", UPDATE, "memberships"), KILLS),
    Bug("an unclear write treated as failed", _unclear_is_failed, _at("http", UPDATE), ("drop",)),
    Bug("the turn moved twice", _turn_moved_twice, _at("http", UPDATE), KILLS),
    Bug("a stream done before it is pulled", _stream_done_before_it_is_pulled, _at("http", "search", "events"), KILLS),
    Bug("watermark before the work", _watermark_before_the_work, _at("commit", "consider"), KILLS),
    Bug("as_of from our clock after a restart", _as_of_from_our_clock, _at("commit", "consider"), ("before",)),
    Bug("a restart is a new run", _restart_is_a_new_run, _at("commit", "consider", "write"), KILLS),
    Bug("the work list cleared before T1", _work_list_cleared_first, _at("commit", "consider"), KILLS),
    Bug("a timer fired before it is told", _timer_fired_before_it_is_told, _at("commit", "sweep"), KILLS),
    Bug("no epoch check", _no_epoch_check, _at("commit", "consider", "write_batch"), ("freeze",)),
    Bug("the dead are waited for", _lease_kept_after_death, _at("http"), KILLS),
)
