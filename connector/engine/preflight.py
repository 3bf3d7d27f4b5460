"""Preflight: do the rules fit the portal, and may the token do what a run does? Asked before a run pulls anything.

All complaints at once, each with the file or scope to look at; a run starts only where there are none (R32, S2, P7).
`handoff check` asks the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from difflib import get_close_matches

from connector.domain.episode import State
from connector.domain.owner import Owner
from connector.engine import drift
from connector.engine.fitting import told, types_that_never_fit
from connector.engine.ports import Crm, PropertyInfo, Schema
from connector.errors import CrmUnavailableError, RateLimitedError, ScopeError, UnknownPropertyError
from connector.rules.fields import property_of
from connector.rules.rulebook import RuleBook

OWNED = "handoff_"
OWNED_ADVICE = "run `handoff init --apply` to make Handoff's own properties and list"


SCOPES = "scopes"
"""Name of the watermark that says when the token was last found to lack nothing."""

ASKED_AGAIN = timedelta(days=1)
"""So long the token is taken to have the scopes that it had: calls are dear, and a 403 names what lacks too (P8)."""

SCOPES_ADVICE = "Add the scopes to the service key or private app in HubSpot, then run `handoff check`."


def scopes_are_due(asked_at: datetime | None, now: datetime) -> bool:
    """Whether the token is to be asked again; `asked_at`: None where it never was."""
    return asked_at is None or now - asked_at >= ASKED_AGAIN


def require_scopes(crm: Crm) -> bool:
    """Raise ScopeError that names every scope that no run can do without and the token lacks (S2); one call.

    Otherwise the first lead would be on the list before the CRM refuses the rest of its handover. False where the CRM
    cannot be asked just now: the run goes on, and the next one asks.
    """
    try:
        lacks = crm.lacking_scopes()
    except (CrmUnavailableError, RateLimitedError):
        return False
    if lacks:
        named = ", ".join(f"{scope} ({what})" for scope, what in lacks.items())
        raise ScopeError(f"the token lacks {named}", scopes=tuple(lacks), advice=SCOPES_ADVICE)
    return True


def complaints(book: RuleBook, schema: Schema, owners: Sequence[Owner]) -> tuple[str, ...]:
    """One sentence per thing that mappings/ names and the portal lacks; empty where all fits.

    Types are fitting.py's: `handoff check` gives them with their lines.
    """
    return (*_properties(book, schema), *_choices(book, schema), *_owners(book, owners))


def require(
    book: RuleBook, schema: Schema, owners: Sequence[Owner], known: Mapping[str, str] | None = None
) -> Mapping[str, str]:
    """Raise UnknownPropertyError with every complaint; nothing is read or written then.

    Args:
        known: field → property by the rules that ran last.
    Returns:
        what a run can do without meanwhile: field → what is wrong with its property (engine/drift.py).
    """
    gone = drift.gone(book, schema, known or {})
    left = book.without(gone) if gone else book
    found = (*complaints(left, schema, owners), *told(types_that_never_fit(left, schema)))
    if found:
        ours = [line for line in found if OWNED in line]
        mend = "mend mappings/, then run `handoff check`"
        advice = mend if not ours else OWNED_ADVICE if len(ours) == len(found) else f"{OWNED_ADVICE}; then {mend}"
        raise UnknownPropertyError("\n".join(found), advice=advice)
    return gone


def paused(book: RuleBook, schema: Schema) -> tuple[str, ...]:
    """For `handoff check`: of each property that lacks and that runs can do without, what waits meanwhile.

    Nothing of our own before `init --apply`.
    """
    props = {name: rule.property or "" for name, rule in book.fields.fields.items()}
    lost = drift.gone(book, schema, props)
    ours = [prop for prop in props.values() if prop.startswith(OWNED) and prop not in schema.properties]
    return tuple(drift.sentences(book, {
        name: why for name, why in lost.items() if len(ours) <= 1 or props[name] not in ours
    }))  # fmt: skip


def _properties(book: RuleBook, schema: Schema) -> Iterator[str]:
    """Before `init --apply` all of our own are missing, which is one complaint, not fifteen."""
    mapped = {name: rule.property for name, rule in book.fields.fields.items() if rule.property is not None}
    ours = [prop for prop in mapped.values() if prop.startswith(OWNED) and prop not in schema.properties]
    if len(ours) > 1:
        yield f"the portal lacks {len(ours)} of Handoff's own properties, such as `{ours[0]}` and `{ours[1]}`"
    for name, prop in mapped.items():
        rule = book.fields.fields[name]
        if len(ours) > 1 and prop in ours:
            continue
        info = schema.properties.get(prop)
        if info is None:
            near = get_close_matches(prop, schema.properties, n=1, cutoff=0.75)
            made = "; `handoff init --apply` makes it" if prop.startswith(OWNED) else ""
            hint = made or (f"; did you mean {near[0]}?" if near else "")
            yield f"fields.yaml: field `{name}` names the property `{prop}`, which the portal lacks{hint}"
        elif info.read_only and rule.may_write():
            yield f"fields.yaml: field `{name}` is to be written, but the portal's property `{prop}` is read-only"


def _choices(book: RuleBook, schema: Schema) -> Iterator[str]:
    stage = schema.properties.get(property_of("stage", book.fields))
    if stage is not None and stage.options:
        for value in book.stages.stages:
            if value not in stage.options:
                yield f"stages.yaml: the portal has no lifecycle stage `{value}`; it has {_listed(stage)}"
    status = schema.properties.get(property_of("status", book.fields))
    if status is not None and status.options:
        written = {p.status for p in book.stages.write.values() if p.status is not None}
        for value in sorted(written - set(status.options)):
            yield f"stages.yaml: the portal has no lead status `{value}` to write; it has {_listed(status)}"
    state = schema.properties.get(property_of("state", book.fields))
    if state is not None and state.options:
        written = {one for one in State if one is not State.TELEQUALIFIED or book.routing.telequalification}
        for value in sorted(written - set(state.options)):
            yield f"the portal's property `handoff_state` lacks the choice `{value}`"
    track = schema.properties.get(property_of("nurture_track", book.fields)) if _writes(book, "nurture_track") else None
    if track is not None and track.options:
        for value in sorted({reason.track for reason in book.recycling.reasons.values()} - set(track.options)):
            yield f"the portal's property `handoff_nurture_track` lacks the choice `{value}`"
    for projection in book.stages.write.values():
        if projection.stage is not None and book.stages.portal_value(projection.stage) is None:
            yield f"stages.yaml: nothing under `stages` stands for `{projection.stage.value}`, which is to be written"


def _writes(book: RuleBook, field: str) -> bool:
    rule = book.fields.fields.get(field)
    return rule is not None and rule.property is not None and rule.may_write()


def _listed(info: PropertyInfo) -> str:
    return ", ".join(info.options)


def _owners(book: RuleBook, owners: Sequence[Owner]) -> Iterator[str]:
    known = {key for owner in owners for key in _keys(owner)}
    for name in book.routing.owners_named():
        if name.lower() not in known:
            yield f"routing.yaml: the portal has no owner `{name}`"
    if all(owner.archived for owner in owners):
        yield from _left(book, owners)


def remarks(book: RuleBook, owners: Sequence[Owner]) -> tuple[str, ...]:
    """One sentence per owner in routing.yaml who has left while others are there; they get the leads, and runs go on.

    The fallback always ends in somebody who is active (R12), so only a portal without anybody is a complaint.
    """
    return () if all(owner.archived for owner in owners) else tuple(_left(book, owners))


def _left(book: RuleBook, owners: Sequence[Owner]) -> Iterator[str]:
    active = {key for owner in owners if not owner.archived for key in _keys(owner)}
    archived = {key for owner in owners if owner.archived for key in _keys(owner)} - active
    for name in book.routing.owners_named():
        if name.lower() in archived:
            yield f"routing.yaml: the owner `{name}` is archived in the portal and gets no leads; name somebody else"


def _keys(owner: Owner) -> tuple[str, ...]:
    """By which routing.yaml may name them."""
    return tuple(key for key in (owner.id.lower(), owner.email.lower()) if key)


def silence(destinations: Mapping[str, bool]) -> tuple[str, ...]:
    """What a run remarks where nobody hears of anything: no destination is switched on."""
    if any(destinations.values()):
        return ()
    return ("No destination is switched on, so nobody is told: `handoff notifications list` says what to set.",)
