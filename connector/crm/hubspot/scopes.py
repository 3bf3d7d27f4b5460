"""The scopes that Handoff asks a token for, and what it cannot do without each (S2).

Source: hubspot-facts, section 1; what is called stands in paths.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple

from connector.rules.rulebook import RuleBook
from connector.rules.sla import counts_touches


class Scope(NamedTuple):
    """`needed`: no run without it; else `what` is switched off where it is missing."""

    what: str
    needed: bool


SCOPES: Mapping[str, Scope] = MappingProxyType(
    {
        "crm.objects.contacts.read": Scope("reading contacts", True),
        "crm.objects.contacts.write": Scope("writing stage, owner and reason", True),
        "crm.lists.read": Scope("the suppression list", True),
        "crm.lists.write": Scope("the suppression list", True),
        "crm.objects.owners.read": Scope("routing", True),
        "crm.objects.deals.read": Scope("won and lost deals", True),
        "crm.schemas.contacts.write": Scope("making Handoff's own properties (`handoff init --apply`)", False),
        "forms": Scope("form submissions", False),
        "content": Scope("marketing e-mail events", False),
    }
)
COMPANIES = {"crm.objects.companies.read": Scope("fields of the contact's company", True)}
"""Only where a field of mappings/fields.yaml is one of companies."""
TOUCHES = {"sales-email-read": Scope("e-mails of sales, which a clock of sla.yaml counts", False)}
"""Only where a clock asks for so many touches; calls and meetings come with the contacts."""
HARMLESS = frozenset({"oauth", "crm.schemas.contacts.read", "forms-uploaded-files"})
"""Scopes that HubSpot adds by itself, or that come with those above."""


def asked_by(book: RuleBook) -> dict[str, bool]:
    """What else than the least the rules need, as `wanted` and `judge` take it."""
    return {"companies": book.fields.reads_companies, "touches": counts_touches(book.sla)}


def wanted(*, companies: bool = False, touches: bool = False) -> dict[str, Scope]:
    """The scopes to ask for.

    Args:
        companies: whether the rules read fields of companies; touches: whether they count what sales did.
    """
    return {**SCOPES, **(COMPANIES if companies else {}), **(TOUCHES if touches else {})}


def lacking(granted: Collection[str] | None) -> dict[str, str]:
    """Scopes that the token lacks and no run can do without, and what each is for.

    Empty where HubSpot does not tell, or names its scopes in words that we know none of: then its own 403 speaks.
    """
    needed = {name: scope.what for name, scope in SCOPES.items() if scope.needed}
    if granted is None or needed.keys().isdisjoint(granted):
        return {}
    return {name: what for name, what in needed.items() if name not in granted}


def judge(
    granted: Collection[str], *, companies: bool = False, touches: bool = False
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Complaints about scopes that no run can do without, and remarks about the rest; one sentence each."""
    asked = wanted(companies=companies, touches=touches)
    lacking = {name: scope for name, scope in asked.items() if name not in granted}
    complaints = tuple(f"the token lacks the scope {n}: {s.what}" for n, s in lacking.items() if s.needed)
    remarks = [f"the token lacks the scope {n}, so this is off: {s.what}" for n, s in lacking.items() if not s.needed]
    extra = sorted(set(granted) - set(asked) - HARMLESS)
    if extra:
        remarks.append(f"the token may do more than Handoff needs: {', '.join(extra)}")
    return complaints, tuple(remarks)
