"""Drift: properties that the rules read or write and the portal lost since: what depends on them pauses (R32, P7).

A property that was there when these rules last ran and is gone, or of another type, is neither asked for nor written;
what is stored of it stays as it is. Which decisions wait is rules/drift.py's to say. Whole runs note what is gone and
what is back; when something is back by which rules go, every contact is read and decided again, and nobody need ask for
it; where it comes back empty, what is stored stays in force (kept.py). A name that never was one, and what no run can
do without, stop the run as before (preflight.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from connector.engine import kept
from connector.engine.alarms import Raised, tell
from connector.engine.context import Context
from connector.engine.ports import Schema, Store, UnitOfWork
from connector.rules import drift
from connector.rules.notifications import Role
from connector.rules.portal_types import wrong_types
from connector.rules.rulebook import RuleBook

NOTED = "drift"
"""Among the watermarks; beside it stands since when each field is gone."""
BACK = "back"
"""In place of the instant, until a run has read every contact again."""
CAUSE = "a property is back"


def gone(book: RuleBook, schema: Schema, known: Mapping[str, str]) -> dict[str, str]:
    """Field → what is wrong with its property, in words; only those that a run can do without.

    Args:
        known: field → property by the rules that ran last: what was no property then is a mistake in them.
    """
    types = {name: info.type for name, info in schema.properties.items()}
    wrong = {str(one.path[1]): one.message for one in wrong_types(book, types)}
    found = {}
    for name, rule in book.fields.fields.items():
        if rule.property is None or known.get(name) != rule.property or not drift.may_pause(name, book):
            continue
        if rule.property not in schema.properties:
            found[name] = f"the portal's property `{rule.property}` is gone"
        elif name in wrong:
            found[name] = wrong[name]
    return found


def known_properties(store: Store) -> dict[str, str]:
    """Field → property of the rules that ran last; empty before the first run."""
    with store.reading() as uow:
        state = uow.portal_state()
        body = uow.rulebook(state.rules) if state is not None and state.fingerprint else None
    fields = body.get("fields") if body is not None else None
    rules = fields.get("fields") if isinstance(fields, Mapping) else None
    return {
        name: rule["property"]
        for name, rule in (rules or {}).items()
        if isinstance(rule, Mapping) and isinstance(rule.get("property"), str)
    }


def sentences(book: RuleBook, lost: Mapping[str, str]) -> list[str]:
    """One for each field that is gone: what it is, what waits, and what to do."""
    return [
        f"fields.yaml: field `{name}`: {why}; until it is back, {drift.in_words(name, book)}. Restore it in "
        "HubSpot, from the archived properties, or take it out of the rules: what waits then goes on by itself. One "
        "that is made again is empty: what is stored then stays in force for each contact until HubSpot shows a value"
        for name, why in lost.items()
    ]


# -- what was, and what is back ------------------------------------------------------------------------------------


def moved(uow: UnitOfWork, lost: Mapping[str, str]) -> bool:
    """Whether something is gone, or back, since the last whole run: only a whole one takes that up."""
    return _noted(uow).keys() != lost.keys() or BACK in _noted(uow).values()


def note(uow: UnitOfWork, book: RuleBook, lost: Mapping[str, str], now: datetime) -> frozenset[str]:
    """Keep what is gone; gives the properties that are back, for which every contact must be read and decided again."""
    was = _noted(uow)
    heeded = [name for name in was if name in book.fields.fields and drift.is_heeded(name, book)]
    stands = {name: was.get(name, BACK) for name in lost}
    stands = {name: now.isoformat() if since == BACK else since for name, since in stands.items()}
    stands |= {name: BACK for name in heeded if name not in lost}
    if stands != was:
        _keep(uow, stands, now)
    if any(since == BACK and was[name] != BACK for name, since in stands.items()):
        uow.mark_all_dirty(CAUSE)
    back = (book.fields.fields[name].property for name, since in stands.items() if since == BACK)
    return frozenset(prop for prop in back if prop is not None)


def read_again(uow: UnitOfWork, now: datetime) -> None:
    """Every contact was."""
    was = _noted(uow)
    if BACK in was.values():
        _keep(uow, {name: since for name, since in was.items() if since != BACK}, now)


def raise_alarm(context: Context) -> None:
    """Ops hears once of each field, and of what came back empty, by the notice channel; every report names them."""
    if not (context.gone or context.returned) or not context.writes:
        return
    with context.store.reading() as uow:
        since, empty = _noted(uow), kept.told(uow, context.whole) if context.returned else []
    words = dict(zip(context.gone, sentences(context.whole, context.gone), strict=True))
    keys = [(f"drift:{name}:{since.get(name, '')}", one) for name, one in words.items()]
    keys += [(f"drift.kept:{context.run.id}:{place}", one) for place, one in enumerate(empty)]
    tell(context, [Raised(about="drift", key=key, words=f"{one}.", tell=(Role.OPS,), rests=None) for key, one in keys])


def _noted(uow: UnitOfWork) -> dict[str, str]:
    found: dict[str, str] = json.loads(uow.place(NOTED) or "{}")
    return found


def _keep(uow: UnitOfWork, stands: Mapping[str, str], now: datetime) -> None:
    uow.put_watermark(NOTED, now)
    uow.put_place(NOTED, json.dumps(stands))
