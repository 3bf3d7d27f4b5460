"""One step of the story, spelled for the sandbox's control API (`POST /_sandbox/acts`).

By day the leads act: they submit a form on their landing page, with their origin, or view pages. In the evening sales
acts: deals are won, reps hand leads back by the verdict property. All people are invented by number.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from olist.data import BLANK
from olist.plan import End, Story, Way

SITE = "https://www.olist.example"
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


def in_the_evening(
    ending: list[Story], contacts: Mapping[int, str], owners: Mapping[str, str], at: datetime
) -> list[Act]:
    """Give sales' acts.

    Args:
        contacts: lead number -> contact id; owners: `sr_id` -> owner id.
    """
    return [
        won_deal(story, contacts[story.number], owners[story.lead.seller_rep], at)
        if story.end is End.WON
        else verdict(story, contacts[story.number], at)
        for story in ending
    ]


def won_deal(story: Story, contact: str, owner: str, at: datetime) -> Act:
    """A deal that is won at once, with an owner of its own."""
    return {
        "kind": "deal",
        "at": spell(at),
        "contact": contact,
        "owner": owner,
        "properties": {
            "dealname": f"Shop {story.number:05d}",
            "pipeline": "default",
            "dealstage": "closedwon",
            "closedate": spell(at),
        },
    }


def verdict(story: Story, contact: str, at: datetime) -> Act:
    """The rep's answer, as a person's edit."""
    values = {"handoff_verdict": story.end.value}
    if story.reason:
        values["handoff_verdict_reason"] = story.reason
    return {"kind": "edit", "at": spell(at), "contact": contact, "properties": values}


def spell(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
