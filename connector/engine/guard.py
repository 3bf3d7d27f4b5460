"""The guards: a change of rules may not flood sales overnight, and a CRM that refuses much is not pressed on.

Counts only handovers and changes of the marketing hold without a signal of the contact's own since the run before:
those come from changed rules or from a change across the portal. What comes late, for a stream or a property could not
be read, is the contact's own. It holds what is beyond the allowance, never a hand-raiser, and a person must say yes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connector.domain.contact import ContactId
from connector.domain.decision import Action, Decision
from connector.engine.backfill import PASSED
from connector.engine.context import OVERLAP, Context
from connector.engine.ports import UnitOfWork
from connector.engine.unseen import behind
from connector.rules import drift, unseen

SHARE = 0.25
AT_LEAST = 50
REFUSED_SHARE = 0.2
REFUSED_AT_LEAST = 10
"""So many refusals must there be before their share is looked at: of three writes, one is nothing."""


@dataclass(slots=True)
class Guard:
    """One run's allowance.

    Attributes:
        new_since: signals at or after it are the contact's own news; None for a first run, where all is past anyway.
        allowance: moves without news that may pass.
        waiting: contacts that an earlier run held back and nothing new came of: they wait for a person, not for a day.
        held: contacts held back in this run; they stay on the work list.
    """

    new_since: datetime | None
    allowance: int
    waiting: frozenset[ContactId] = frozenset()
    held: set[ContactId] = field(default_factory=set)
    passed: int = 0

    def holds(self, decision: Decision, waited: Callable[[], bool] = lambda: False) -> bool:
        """Whether this decision must wait for a person; it is remembered as held then.

        `waited`: whether the lead only waited until now for what could not be read; asked where the answer matters.
        """
        if not self._counts(decision) or waited():
            return False
        if self.passed < self.allowance and decision.contact not in self.waiting:
            self.passed += 1
            return False
        self.held.add(decision.contact)
        return True

    def _counts(self, decision: Decision) -> bool:
        if decision.action is Action.HOLD_CHANGED:
            return self.new_since is not None and (decision.signal_at is None or decision.signal_at < self.new_since)
        if decision.action is not Action.HAND_OVER or self.new_since is None or decision.signal_at is None:
            return False
        lane = decision.episode.lane if decision.episode else ""
        return lane == "score" and decision.signal_at < self.new_since


def begin_guard(
    context: Context, marks: Mapping[str, str], *, to_decide: int, waiting: frozenset[ContactId], since: datetime | None
) -> Guard:
    """The guard of a run; of one that was cut off with what it let pass until then. `marks`: its progress.

    A person who released the change lets it pass, whatever was held back before.
    """
    released = context.options.release_mass_change
    passed, most = (int(part) for part in marks.get(PASSED, "0 0").split())
    allowed = allowance(to_decide, released=released)
    return Guard(
        new_since=since,
        allowance=most if most and not released else allowed,
        waiting=frozenset() if released else waiting,
        passed=0 if released else passed,
    )


def keep_passed(uow: UnitOfWork, guard: Guard) -> None:
    """In the transaction of the decisions that passed."""
    stored = uow.unfinished_run()
    if stored is not None:
        run, marks = stored
        uow.put_progress(run.id, {**marks, PASSED: f"{guard.passed} {guard.allowance}"})


def news_since(context: Context, uow: UnitOfWork) -> datetime | None:
    """From when on signals are news to this run: a stream that the run before could not read brings them late.

    None for a first run.
    """
    if context.covered is None:
        return None
    late = behind(uow, context.source, context.book).values()
    marks = [mark or context.past or context.covered for mark in late]
    return min([context.covered, *marks]) - OVERLAP


def waited(uow: UnitOfWork, contact: ContactId) -> bool:
    """Whether the last word on the contact was that it waits for a stream or a property."""
    said: Any = uow.decisions(contact)
    last = said[-1]["verdicts"][-1:] if said else ()
    return any(verdict["rule"] in (unseen.RULE, drift.RULE) for verdict in last)


def allowance(to_decide: int, *, released: bool) -> int:
    """How many may move without news: a quarter of the contacts to decide, at least fifty; all once somebody agreed."""
    return to_decide + AT_LEAST if released else max(AT_LEAST, int(to_decide * SHARE))


def refuses_too_much(attempted: int, refused: int, *, released: bool) -> bool:
    """Whether more than a fifth of this run's writes were refused: then no more are sent until a person has looked."""
    return not released and refused >= REFUSED_AT_LEAST and refused > attempted * REFUSED_SHARE
