"""What a write sets in motion by itself: stage stamps, the silent refusal of earlier stages, owner stamps, deals that
move the stage on, and the touch properties of engagements.

Called by writes.py (values) and, as a link hook, by portal.link. What visitors do (pages, forms, mails) is visits.py.
Source: hubspot-facts sections 4, 5.2, 7.
"""

from __future__ import annotations

from collections.abc import Mapping

from . import properties
from .clock import iso, parse_instant
from .portal import LINK_HOOKS, Portal
from .store import Record, Source

CALCULATED = Source("CALCULATED", "sandbox")
STAGED = ("contacts", "companies")
_CONTACTED = {"calls": "CALL", "emails": "EMAIL", "meetings": "MEETING_EVENT"}


def stage_order(portal: Portal, object_type: str = "contacts") -> list[str]:
    """Give the lifecycle stages in the portal's order."""
    definition = properties.definition(portal, object_type, "lifecyclestage")
    options = sorted(definition["options"], key=lambda option: int(option["displayOrder"])) if definition else []
    return [str(option["value"]) for option in options]


def is_backward(portal: Portal, object_type: str, before: str | None, after: str) -> bool:
    """Say whether a stage lies before the present one; clearing and unknown stages never do."""
    order = stage_order(portal, object_type)
    return before in order and after in order and order.index(after) < order.index(before)


def refuse_backward(
    portal: Portal, object_type: str, record: Record, props: dict[str, str], source: Source
) -> str | None:
    """Take an earlier stage out of an API write (a person may set it); give the refused stage."""
    stage = props.get("lifecyclestage")
    if not stage or source.type == "CRM_UI" or portal.switches.backward_stage == "accept":
        return None
    if not is_backward(portal, object_type, record.value("lifecyclestage"), stage):
        return None
    return props.pop("lifecyclestage")


def derived(
    portal: Portal, object_type: str, record: Record | None, props: Mapping[str, str], at: int
) -> dict[str, str]:
    """Give the calculated values that follow from values about to be written (record None = a new one)."""
    found: dict[str, str] = {}
    before = record.value if record is not None else lambda name: None
    if object_type in STAGED and props.get("lifecyclestage", before("lifecyclestage") or "") != (
        before("lifecyclestage") or ""
    ):
        found |= _stage_stamps(portal, object_type, record, props["lifecyclestage"], at)
    if "hubspot_owner_id" in props and props["hubspot_owner_id"] != (before("hubspot_owner_id") or ""):
        found |= _owner_stamps(portal, props["hubspot_owner_id"], at)
    if object_type == "deals" and "dealstage" in props and props["dealstage"] != before("dealstage"):
        found |= _deal_stamps(portal, record, props, at)
    if object_type == "contacts" and "email" in props:
        found["hs_email_domain"] = props["email"].partition("@")[2]
    if object_type == "tasks" and props.get("hs_task_status") == "COMPLETED":
        found["hs_task_completion_date"] = iso(at)
    return found


def _stage_stamps(portal: Portal, object_type: str, record: Record | None, stage: str, at: int) -> dict[str, str]:
    now, found = iso(at), {}
    old = record.value("lifecyclestage") if record is not None else None
    if record is not None and old:
        entered = record.value(f"hs_v2_date_entered_{old}")
        if entered:
            spent = max(0, at - parse_instant(entered))
            total = int(record.value(f"hs_v2_cumulative_time_in_{old}") or 0) + spent
            found[f"hs_v2_latest_time_in_{old}"], found[f"hs_v2_cumulative_time_in_{old}"] = str(spent), str(total)
        found[f"hs_v2_date_exited_{old}"] = now
    if not stage:
        return found | {"hs_v2_date_entered_current_stage": ""}
    order = stage_order(portal, object_type)
    if record is not None and stage in order:
        later = order[order.index(stage) + 1 :]
        found |= {f"hs_lifecyclestage_{each}_date": "" for each in later}
    found |= {f"hs_lifecyclestage_{stage}_date": now, f"hs_v2_date_entered_{stage}": now}
    return found | {"hs_v2_date_entered_current_stage": now, f"hs_v2_date_exited_{stage}": ""}


def _owner_stamps(portal: Portal, owner_id: str, at: int) -> dict[str, str]:
    if not owner_id:
        return {"hubspot_owner_assigneddate": "", "hubspot_team_id": "", "hs_sa_first_engagement_date": ""}
    owner = portal.directory.owners.get(owner_id)
    team = owner.main_team if owner else None
    return {
        "hubspot_owner_assigneddate": iso(at),
        "hubspot_team_id": team.id if team else "",
        "hs_sa_first_engagement_date": "",
        "hs_sa_first_engagement_object_type": "",
        "hs_is_unworked": "true",
    }


def _deal_stamps(portal: Portal, record: Record | None, props: Mapping[str, str], at: int) -> dict[str, str]:
    stage = portal.directory.deal_stage(props["dealstage"])
    found = {f"hs_v2_date_entered_{props['dealstage']}": iso(at), "hs_v2_date_entered_current_stage": iso(at)}
    if stage is None:
        return found
    found["hs_is_closed"] = str(stage.closed).lower()
    found["hs_is_closed_won"] = str(stage.won).lower()
    found["hs_is_closed_lost"] = str(stage.closed and not stage.won).lower()
    found["hs_deal_stage_probability"] = stage.probability
    if stage.closed and "closedate" not in props and not (record and record.value("closedate")):
        found["closedate"] = iso(at)
    return found


# -- deals and contacts ------------------------------------------------------------------------------------------------


def deal_changed(portal: Portal, deal: Record, at: int) -> None:
    """Move the stage of a deal's contacts and companies on, and keep their deal figures."""
    for object_type in STAGED:
        for record_id in list(portal.links.of("deals", deal.id, object_type)):
            record = portal.objects[object_type].get(record_id)
            if record is not None:
                _advance(portal, object_type, record, deal, at)
                if object_type == "contacts":
                    _deal_figures(portal, record, at)


def _advance(portal: Portal, object_type: str, record: Record, deal: Record, at: int) -> None:
    stage = "customer" if deal.value("hs_is_closed_won") == "true" else "opportunity"
    if deal.value("hs_is_closed_lost") == "true":
        return
    before, order = record.value("lifecyclestage"), stage_order(portal, object_type)
    if stage not in order or (before in order and order.index(before) >= order.index(stage)):
        return
    stamps = derived(portal, object_type, record, {"lifecyclestage": stage}, at)
    portal.objects[object_type].update(record, {"lifecyclestage": stage}, Source("DEALS", deal.id), at)
    portal.objects[object_type].update(record, stamps, CALCULATED, at)


def _deal_figures(portal: Portal, contact: Record, at: int) -> None:
    store = portal.objects["deals"]
    deals = [deal for key in portal.links.of("contacts", contact.id, "deals") if (deal := store.get(key))]
    won = [deal for deal in deals if deal.value("hs_is_closed_won") == "true"]
    found = {"num_associated_deals": str(len(deals)) if deals else ""}
    if deals:
        found["first_deal_created_date"] = iso(
            min(parse_instant(store.value(deal, "createdate") or "") for deal in deals)
        )
    if won:
        last = max(won, key=lambda deal: deal.value("closedate") or "")
        found["recent_deal_close_date"] = last.value("closedate") or ""
        found["recent_deal_amount"] = last.value("amount") or ""
        found["total_revenue"] = f"{sum(float(deal.value('amount') or 0) for deal in won):.2f}"
    portal.objects["contacts"].update(contact, found, CALCULATED, at)


# -- engagements and contacts ------------------------------------------------------------------------------------------


def on_link(portal: Portal, start: tuple[str, str], end: tuple[str, str], at: int) -> None:
    """Draw the consequences of a new association between two (type, id)."""
    (from_type, from_id), (to_type, to_id) = start, end
    record = portal.objects[from_type].get(from_id)
    if record is None:
        return
    if from_type == "deals" and to_type in STAGED:
        deal_changed(portal, record, at)
    elif to_type == "contacts" and from_type in (*_CONTACTED, "notes", "tasks"):
        contact = portal.objects["contacts"].get(to_id)
        if contact is not None:
            _engaged(portal, from_type, record, contact, at)
    elif (from_type, to_type) == ("contacts", "companies"):
        present = portal.links.of("contacts", from_id, "companies").get(to_id, set())
        if not record.value("associatedcompanyid") or any(link.label == "Primary" for link in present):
            portal.objects["contacts"].update(record, {"associatedcompanyid": to_id}, CALCULATED, at)


LINK_HOOKS.append(on_link)


def _engaged(portal: Portal, kind: str, engagement: Record, contact: Record, at: int) -> None:
    happened = parse_instant(engagement.value("hs_timestamp") or iso(engagement.created))
    found: dict[str, str] = {}
    if kind == "tasks":
        if engagement.value("hs_task_status") != "COMPLETED" and happened > at:
            found["notes_next_activity_date"] = iso(happened)
    elif kind == "emails" and engagement.value("hs_email_direction") == "INCOMING_EMAIL":
        found = {"hs_sales_email_last_replied": _later(contact, "hs_sales_email_last_replied", happened)}
        found["hs_last_sales_activity_timestamp"] = _later(contact, "hs_last_sales_activity_timestamp", happened)
        found["hs_last_sales_activity_type"] = "EMAIL_REPLY"
    else:
        found = _noted(contact, happened)
        if kind in _CONTACTED:
            found |= _touched(contact, kind, engagement, happened, at)
    store = portal.objects["contacts"]
    if not store.update(contact, found, CALCULATED, at):
        store.touch(contact, at)


def _noted(contact: Record, happened: int) -> dict[str, str]:
    return {
        "num_notes": _plus_one(contact, "num_notes"),
        "notes_last_updated": _later(contact, "notes_last_updated", happened),
    }


def _touched(contact: Record, kind: str, engagement: Record, happened: int, at: int) -> dict[str, str]:
    """Give what a sales touch changes: counts, last contact, first outreach, the owner's first engagement."""
    found = {
        "num_contacted_notes": _plus_one(contact, "num_contacted_notes"),
        "notes_last_contacted": _later(contact, "notes_last_contacted", happened),
        "hs_last_sales_activity_timestamp": _later(contact, "hs_last_sales_activity_timestamp", happened),
        "hs_is_unworked": "false",
    }
    if not contact.value("hs_first_outreach_date"):
        found["hs_first_outreach_date"] = iso(happened)
    owner = contact.value("hubspot_owner_id")
    by = engagement.value("hubspot_owner_id")
    if owner and by in (None, owner) and not contact.value("hs_sa_first_engagement_date"):
        found["hs_sa_first_engagement_date"] = iso(happened)
        found["hs_sa_first_engagement_object_type"] = _CONTACTED[kind]
    if kind == "calls":
        found["hs_last_sales_activity_type"] = "CALL"
    if kind == "meetings":
        starts = parse_instant(engagement.value("hs_meeting_start_time") or iso(happened))
        found["engagements_last_meeting_booked"] = iso(engagement.created)
        found["hs_latest_meeting_activity"] = _later(contact, "hs_latest_meeting_activity", starts)
        found["hs_last_sales_activity_type"] = "MEETING_BOOKED"
        if starts > at:
            found["notes_next_activity_date"] = iso(starts)
    return found


def _plus_one(record: Record, name: str) -> str:
    return str(int(float(record.value(name) or 0)) + 1)


def _later(record: Record, name: str, at: int) -> str:
    present = record.value(name)
    return present if present and parse_instant(present) >= at else iso(at)
