"""Drift: which fields the rules can do without for a while, and which decisions wait meanwhile (R32, P7).

A property that is gone from the portal, or has become of another type, is neither asked for nor written until it is
back. What only shows something is left out. Where a rule goes by it, what is stored may be old and a new contact has
nothing there, which is no "no": whatever that rule could have kept back waits. What makes the funnel itself (stage,
status, owner, our own episode, what sales answers and does) nothing can do without.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from connector.domain.decision import Action, Decision
from connector.rules.condition import Condition
from connector.rules.fields import REQUIRED
from connector.rules.routing.model import Stick
from connector.rules.rulebook import RuleBook, find_conditions
from connector.rules.unseen import BY_SCORE

RULE = "drift"
"""Of the verdict that a lead waits."""
ONLY_SHOWN = ("score", "reason")
NEEDED = frozenset(REQUIRED) - set(ONLY_SHOWN) | {
    "verdict", "verdict_reason", "return_on", "comment", "request",
    "touches", "last_touch_at", "first_touch_at", "meeting_booked_at",
}  # fmt: skip
"""Without these leads would be handed over twice, or sales be blamed for what it did."""
MAILED = ("last_form", "last_form_at")
"""By these a form counts as sent where its submission is not known (R08)."""
OPENED = frozenset({Action.HAND_OVER, Action.TRIAGE})
TOLD = OPENED | {Action.ADOPT, Action.SIGNAL, Action.INTEREST, Action.HOLD_CHANGED}
"""Decisions by which somebody may turn to the contact."""


def may_pause(name: str, book: RuleBook) -> bool:
    """Whether a run can do without the field."""
    waiting = book.sla.waiting
    return name not in NEEDED and not (waiting is not None and name in waiting.fields_used)


def with_derived(gone: Iterable[str], book: RuleBook) -> frozenset[str]:
    """With the fields that are worked out from them."""
    lost = frozenset(gone)
    return lost | {name for name, rule in book.fields.fields.items() if lost.intersection(rule.of)}


def is_heeded(name: str, book: RuleBook) -> bool:
    """Whether anything waits while the field is gone."""
    lost = with_derived([name], book)
    return any(lost & uses for uses in (_forbidding(book), _filtering(book), _counting(book), _routing(book),
                                        _returning(book), _raising(book)))  # fmt: skip


def in_words(name: str, book: RuleBook) -> str:
    """What waits, or is left out, while the field is gone."""
    lost = with_derived([name], book)
    kinds = {
        "nobody is handed over and nobody is told of a lead's interest, for it may say no": _forbidding(book),
        "nobody is handed over or put to the triage desk, for a filter goes by it": _filtering(book),
        "nobody is handed over by score, triggers or key pages, for points or a trigger go by it": _counting(book),
        "nobody is handed over, for who gets the lead goes by it": _routing(book),
        "nobody comes back by a return condition, for one goes by it": _returning(book),
        "nobody raises a hand by it": _raising(book),
    }
    found = [words for words, uses in kinds.items() if lost & uses]
    rule = book.fields.fields[name]
    return " and ".join(found[:2]) or ("it is not written" if rule.may_write() else "notices do without it")


def why_paused(decision: Decision, book: RuleBook, gone: Collection[str]) -> str:
    """Why the decision waits for a property to come back; empty where it stands without.

    `gone`: with the fields that are worked out from them.
    """
    if not gone or decision.action not in TOLD:
        return ""
    lost = frozenset(gone)
    if (found := lost & _forbidding(book)):
        return _said(found, book, "and by it somebody may have said no")
    if decision.action in OPENED and (found := lost & _filtering(book)):
        return _said(found, book, "and a filter goes by it")
    if decision.action in (Action.HAND_OVER, Action.ADOPT) and (found := lost & _routing(book)):
        return _said(found, book, "and who gets the lead goes by it")
    if decision.evidence == BY_SCORE or decision.action is Action.INTEREST:
        found = lost & _counting(book)
        return _said(found, book, "and points or a trigger go by it") if found else ""
    if decision.evidence.startswith("return:") and (found := lost & _returning(book)):
        return _said(found, book, "and the return condition goes by it")
    by_field = any(decision.evidence.startswith(f"{rule.at}:") for rule in book.qualification.hand_raisers.fields)
    found = lost & _raising(book)
    return _said(found, book, "and by it a hand is raised") if by_field and found else ""


def marks_wait(book: RuleBook, gone: Collection[str]) -> bool:
    """Whether nobody can say just now that somebody may be reminded of a form (R08)."""
    return not _forbidding(book).union(MAILED).isdisjoint(gone)


def _said(found: frozenset[str], book: RuleBook, so: str) -> str:
    named = " and ".join(sorted(book.fields.label(name) for name in found)[:3])
    return f"{named} cannot be read, for the portal's property is gone or of another type, {so}"


# -- who goes by a field -------------------------------------------------------------------------------------------


def _forbidding(book: RuleBook) -> frozenset[str]:
    return frozenset({*book.suppression.do_not_contact, *book.suppression.marketing_opt_out})


def _filtering(book: RuleBook) -> frozenset[str]:
    filters = book.qualification.filters
    used = set(_fields_of(filters))
    lands = filters.countries
    if lands.active and (lands.served or lands.not_served):
        used.add("country")
    if any(rule.names_any for _, _, rule in filters.of_companies):
        used |= {"company", "domain"}
    return frozenset(used)


def _counting(book: RuleBook) -> frozenset[str]:
    scoring, qualification = book.scoring, book.qualification
    used = {*_fields_of(scoring), *_fields_of(qualification.triggers)}
    used |= {rule.field for rule in scoring.fit.rules if rule.field is not None}
    used |= {rule.at for rule in scoring.engagement.rules if rule.at is not None}
    return frozenset(used)


def _routing(book: RuleBook) -> frozenset[str]:
    rules = book.routing
    sticks = {*rules.stickiness, *(stick for party in rules.telequalification for stick in party.straight_to)}
    used = set(_fields_of(rules))
    used |= {"company_owner"} if Stick.COMPANY_OWNER in sticks else set()
    used |= {"domain"} if Stick.ACCOUNT_OWNER in sticks else set()
    return frozenset(used)


def _returning(book: RuleBook) -> frozenset[str]:
    named = {reason.wake.on_field for reason in book.recycling.reasons.values() if reason.wake.on_field}
    return frozenset({*_fields_of(book.recycling), *named})


def _raising(book: RuleBook) -> frozenset[str]:
    rules = book.qualification.hand_raisers.fields
    return frozenset({*_fields_of(rules), *(rule.at for rule in rules)})


def _fields_of(rules: object) -> Iterator[str]:
    trees: list[Condition] = [tree for _, tree in find_conditions(rules, ())]
    for tree in trees:
        yield from tree.fields_used
