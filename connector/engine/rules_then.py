"""Rules then: a rule book as it was when something was decided, from what is stored of it."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from connector.engine.ports import UnitOfWork
from connector.rules.rulebook import PARTS, RuleBook


def rules_then(uow: UnitOfWork, fingerprint: str, today: RuleBook) -> RuleBook | None:
    """The rules of that version; None where they are not known, or where today's program does not read them any more.

    Calendars are in the zone of `today`'s where they name the portal's.
    """
    if fingerprint == today.fingerprint:
        return today
    body = uow.rulebook(fingerprint)
    return read_rules(body) if body is not None else None


def read_rules(body: Mapping[str, object]) -> RuleBook | None:
    """A book from RuleBook.as_dict(), in no zone yet; None where today's program does not read it any more."""
    try:
        return RuleBook(**{name: model.model_validate(body.get(name)) for name, model in PARTS.items()})  # type: ignore[arg-type]  # each part by its model
    except ValidationError:
        return None
