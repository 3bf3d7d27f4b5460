"""New rules: a run that is the first with a changed rule book says what that does to the leads, before it does it.

What is found is stored with the version (`handoff rules history`); the guard names it as the cause of what it holds.
"""

from __future__ import annotations

from collections import Counter

from connector.domain.contact import ContactId
from connector.engine.context import Context
from connector.engine.guard import Guard
from connector.engine.ports import UnitOfWork
from connector.engine.rule_change import Books, RuleChange, compare
from connector.engine.rules_then import rules_then

RULES_CHANGED = "rules changed"
"""Cause on the work list of contacts that stand there for no other reason."""
HELD = "held: "
"""Before the cause of what the guard held back in an earlier run."""
SHORT = 12
"""Signs of a version that tell it from all others."""


def look_at_new_rules(context: Context) -> RuleChange | None:
    """Compare the rules of this run with those of the run before; None where they are the same, or a preview asks.

    Also None where this run told it before it was cut off, where the former rules cannot be read any more, and where
    they come out the same: then only the version of Handoff is another one, which writes out more defaults. Every
    contact is decided all the same.
    """
    if not context.former or context.options.dry_run or context.options.approval is not None:
        return None
    with context.store.reading() as uow:
        known = any(one.fingerprint == context.book.fingerprint and one.effect for one in uow.rulebooks())
        if context.run.resumed and known:
            return None  # it was looked at before the run was cut off, when all leads were still as before
        before, state = rules_then(uow, context.former, context.book), uow.portal_state()
        if before is None or state is None:
            return None
        books = Books(before.in_zone(context.portal.time_zone), context.book)
        if books.before.fingerprint == books.after.fingerprint:
            return None
        found = compare(uow, books, state=state, now=context.now, progress=context.progress)
    with context.store.transaction() as uow:
        uow.put_rule_change(context.book.fingerprint, found.stored())
    return found


def held_before(uow: UnitOfWork) -> frozenset[ContactId]:
    """Contacts that an earlier run held back and of which nothing new was heard since."""
    return frozenset(uow.dirty_because(HELD))


def keep_held(uow: UnitOfWork, guard: Guard) -> None:
    """What waits is known by it in later runs; news of its own takes the mark away, for it is another cause."""
    causes = uow.dirty_causes(sorted(guard.held))
    for cause in set(causes.values()):
        if not cause.startswith(HELD):
            uow.mark_dirty([one for one, why in causes.items() if why == cause], HELD + cause)


def cause_of_held(context: Context, guard: Guard) -> str:
    """Why what the guard holds would move at all, where a change of rules is why; else empty.

    `the rules changed: version 81bc…, first used by ana@host on 2026-03-02; by it 142 of 900 contacts move; …`
    """
    if not guard.held:
        return ""
    with context.store.reading() as uow:
        causes = Counter(cause.removeprefix(HELD) for cause in uow.dirty_causes(sorted(guard.held)).values())
        if not causes[RULES_CHANGED]:
            return ""
        version = next(one for one in uow.rulebooks() if one.fingerprint == context.book.fingerprint)
    who = f"first used by {version.first_used_by}" if version.first_used_by else "first used"
    effect = version.effect
    of_whom = f"; by it {effect['moved']:,} of {effect['contacts']:,} contacts move" if effect else ""
    return (
        f"the rules changed: version {version.fingerprint[:SHORT]}, {who} on {version.first_seen_at:%Y-%m-%d %H:%M} UTC"
        f"{of_whom}; {causes[RULES_CHANGED]:,} of the {len(guard.held):,} leads that wait are looked at for that alone"
    )
