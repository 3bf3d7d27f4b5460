"""Stickiness: somebody knows this lead, or its company, already; in the admin's order (R12, R16, R24)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from connector.domain.contact import OwnerId
from connector.domain.decision import Route
from connector.rules.routing.lead import Lead
from connector.rules.routing.model import Stick
from connector.rules.routing.people import People
from connector.rules.routing.search import LEFT, Search

_WORDS: Mapping[Stick, tuple[str, str]] = {
    Stick.MEETING_HOST: ("is the host of the meeting that was booked", "The host of the meeting"),
    Stick.DEAL_OWNER: ("has an open deal with this contact", "The owner of this contact's deal"),
    Stick.FORMER_OWNER: ("worked this lead before", "The former owner"),
    Stick.EXISTING_OWNER: ("already owns this contact", "The present owner"),
    Stick.COMPANY_OWNER: ("owns this contact's company", "The owner of this contact's company"),
    Stick.ACCOUNT_OWNER: ("already looks after this company", "The owner of this company's latest lead"),
}


def stuck(search: Search, people: People, sticks: Sequence[Stick], callers: Collection[OwnerId]) -> Route | None:
    """The first of `sticks` who is there; None, with the reasons noted, where nobody is. Hours and caps do not count.

    Args:
        callers: who sits at telequalification; knowing a lead from there makes nobody its rep.
    """
    lead = search.lead
    for stick in sticks:
        owner = known(lead, stick)
        if owner is None or owner == lead.passed_on_by:
            continue
        why, who = _WORDS[stick]
        if owner in callers:
            search.pass_over(owner, f"{why}, but works for telequalification")
        elif theirs := search.was_theirs(owner):
            search.pass_over(owner, theirs)
        elif away := people.back_on(owner):
            search.pass_over(owner, f"{why}, but {away}")
            search.remarks.append(f"{who}, {search.name(owner)}, {away}.")
        elif search.is_active(owner):
            return search.choose(owner, stick.value, f"{search.name(owner)} {why}")
        else:
            search.pass_over(owner, f"{why}, but {LEFT}")
            named = f", {search.name(owner)}," if owner in search.by_id else ""
            search.remarks.append(f"{who}{named} {LEFT}.")
    return None


def known(lead: Lead, stick: Stick) -> OwnerId | None:
    """Whom it means for this lead."""
    company = lead.contact.text("company_owner")
    owners: Mapping[Stick, OwnerId | None] = {
        Stick.MEETING_HOST: lead.host,
        Stick.DEAL_OWNER: lead.deal,
        Stick.FORMER_OWNER: lead.former,
        Stick.EXISTING_OWNER: lead.contact.owner,
        Stick.COMPANY_OWNER: OwnerId(company) if company else None,
        Stick.ACCOUNT_OWNER: lead.account,
    }
    return owners[stick]
