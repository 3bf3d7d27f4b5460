"""One step of the story, spelled for the sandbox's control API (`POST /_sandbox/acts`).

By day the leads act: they submit a form on their landing page, with their origin, or view pages. In the evening sales
acts: deals are won, reps hand leads back by the verdict property; before it callers act, where there are any. All
people are invented by number.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from olist.data import BLANK
from olist.ledger import Ledger
from olist.plan import End, Story, Way, Word, has_deal

SITE = "https://www.olist.example"
DESK = "olist_desk"
"""The portal's property that says which caller's campaign a lead answers; a hidden field of the form fills it."""
SOON = timedelta(days=2)
"""So long after it is booked a meeting begins."""
Act = dict[str, Any]

GUIDS: Mapping[Way, str] = {
    Way.CONTACT_US: "5f0c4c0e-0001-4b6e-9a55-0c1157000001",
    Way.DOWNLOAD: "5f0c4c0e-0002-4b6e-9a55-0c1157000002",
}
"""The portal's two forms."""

SOURCES: Mapping[str, str] = {
    "organic_search": "ORGANIC_SEARCH",
    "paid_search": "PAID_SEARCH",
    "social": "SOCIAL_MEDIA",
    "direct_traffic": "DIRECT_TRAFFIC",
    "email": "EMAIL_MARKETING",
    "referral": "REFERRALS",
}
"""Origin -> HubSpot's analytics source; all others are other campaigns. The origin itself is its first drill-down."""


def by_day(arriving: list[Story], viewing: list[tuple[Story, int]]) -> list[Act]:
    """Give the leads' acts in the order of time.

    Args:
        viewing: lead and index of its view.
    """
    acts = [arrival(story) for story in arriving]
    acts += [page_view(story, index) for story, index in viewing]
    return sorted(acts, key=lambda act: str(act["at"]))


def arrival(story: Story) -> Act:
    """The form that makes the lead a contact, on its landing page and with its origin."""
    act: Act = {
        "kind": "form_submission",
        "form": GUIDS[story.way],
        "at": spell(story.arrives_at),
        "email": story.email,
        "values": {
            "email": story.email,
            "firstname": "Seller",
            "lastname": f"{story.number:05d}",
            "company": f"Shop {story.number:05d}",
        },
        "page_url": f"{SITE}/lp/{story.lead.landing_page}",
    }
    if story.is_called and story.lead.caller:
        act["values"] |= {DESK: story.lead.caller}
    if story.lead.origin != BLANK:
        act |= {
            "source": SOURCES.get(story.lead.origin, "OTHER_CAMPAIGNS"),
            "source_data_1": story.lead.origin,
        }
    return act


def page_view(story: Story, index: int) -> Act:
    view = story.views[index]
    return {
        "kind": "page_view",
        "at": spell(view.at),
        "email": story.email,
        "url": SITE + view.path,
        "title": view.path,
    }


def from_callers(
    answering: list[Story], contacts: Mapping[int, str], owners: Mapping[str, str], at: datetime
) -> list[Act]:
    """Give telequalification's acts: it hands leads back, or passes them on. Arguments as below."""
    return [
        verdict(story, contacts[story.number], at)
        if story.passing is None
        else pass_on(story, story.passing.word, contacts[story.number], owners.get(story.passing.rep, ""), at)
        for story in answering
    ]


def pass_on(story: Story, word: Word, contact: str, owner: str, at: datetime) -> Act:
    """The caller's word for it. `owner`: id of the rep, where the word names one."""
    if word is Word.DEAL:
        return deal(story, {"contact": contact, "owner": owner}, "appointmentscheduled", at)
    if word is Word.MEETING:
        return {"kind": "meeting", "at": spell(at), "contact": contact, "owner": owner, "starts_at": spell(at + SOON)}
    said = {
        Word.HAND: {"hubspot_owner_id": owner},
        Word.VERDICT: {"handoff_verdict": "qualified"},
        Word.STATUS: {"hs_lead_status": "OPEN_DEAL"},
    }
    return {"kind": "edit", "at": spell(at), "contact": contact, "properties": said[word]}


def in_the_evening(ending: list[Story], ledger: Ledger, owners: Mapping[str, str], at: datetime) -> list[Act]:
    """Give sales' acts.

    Args:
        ledger: knows contacts and deals by lead number; owners: `sr_id` -> owner id.
    """
    return [
        closed_deal(story, ledger, owners, at)
        if story.end in (End.WON, End.LOST)
        else verdict(story, ledger.contacts[story.number], at)
        for story in ending
    ]


def closed_deal(story: Story, ledger: Ledger, owners: Mapping[str, str], at: datetime) -> Act:
    """The caller's deal is closed, or one is made and won at once, with an owner of its own."""
    stage = "closedwon" if story.end is End.WON else "closedlost"
    if has_deal(story):
        return deal(story, {"deal": ledger.deals[story.number]}, stage, at)
    whose = {"contact": ledger.contacts[story.number], "owner": owners[story.lead.seller_rep]}
    return deal(story, whose, stage, at)


def deal(story: Story, whose: Mapping[str, str], stage: str, at: datetime) -> Act:
    values = {"dealname": f"Shop {story.number:05d}", "pipeline": "default", "dealstage": stage}
    closed = {"closedate": spell(at)} if stage.startswith("closed") else {}
    return {"kind": "deal", "at": spell(at), **whose, "properties": values | closed}


def verdict(story: Story, contact: str, at: datetime) -> Act:
    """The answer of a rep or a caller, as a person's edit."""
    values = {"handoff_verdict": story.end.value}
    if story.reason:
        values["handoff_verdict_reason"] = story.reason
    return {"kind": "edit", "at": spell(at), "contact": contact, "properties": values}


def spell(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
