"""People are right (I0, I2): what they set stands, and Handoff follows."""

from __future__ import annotations

from portal_world import Build, World, both_versions


def owners(world: World) -> list[str]:
    return [owner["id"] for owner in world.api("GET", "/crm/v3/owners")["results"]]


@both_versions
def test_a_person_who_gives_a_lead_to_another_rep_is_followed(world: World) -> None:
    """I2: clock and packet go to the new owner, the former one is told, nobody gets it back."""
    contact = world.asks("ana@moves.example")
    world.sync()
    former = world.read(contact, "hubspot_owner_id")["hubspot_owner_id"]
    new = next(owner for owner in owners(world) if owner != former)
    world.later(hours=1)
    world.edit(contact, hubspot_owner_id=new)
    world.sync()
    assert world.read(contact, "hubspot_owner_id")["hubspot_owner_id"] == new
    assert [notice["data"]["owner_id"] for notice in world.receiver.of("lead.withdrawn")] == [former]
    assert [notice["data"]["owner_id"] for notice in world.receiver.of("lead.moved")] == [new]
    assert world.receiver.kinds()["lead.handed_off"] == 1
    world.later(hours=1)
    told = len(world.receiver.notices)
    world.sync()
    assert not [n for n in world.receiver.notices[told:] if not n["type"].startswith("sla.")]


def test_a_lead_whose_owner_a_person_took_away_goes_to_somebody_else(world: World) -> None:
    """P3, R12: a lead that nobody holds would be a silent one; the one it was taken from is told."""
    contact = world.asks("ida@taken.example")
    world.sync()
    former = world.read(contact, "hubspot_owner_id")["hubspot_owner_id"]
    world.later(hours=1)
    world.edit(contact, hubspot_owner_id="")
    world.sync()
    new = world.read(contact, "hubspot_owner_id")["hubspot_owner_id"]
    assert new and new != former
    assert [notice["data"]["owner_id"] for notice in world.receiver.of("lead.withdrawn")] == [former]
    assert [notice["data"]["owner_id"] for notice in world.receiver.of("lead.moved")] == [new]
    world.later(hours=1)
    world.sync()
    assert world.read(contact, "hubspot_owner_id")["hubspot_owner_id"] == new


def test_a_stage_or_status_that_a_person_set_is_not_taken_back(world: World) -> None:
    """I3: forward steps of people stand."""
    contact = world.asks("ben@steps.example")
    world.sync()
    world.later(hours=1)
    world.edit(contact, lifecyclestage="opportunity", hs_lead_status="OPEN_DEAL")
    world.log(mark="ours")
    world.sync()
    stands = world.read(contact, "lifecyclestage", "hs_lead_status", "handoff_state")
    assert stands["lifecyclestage"] == "opportunity" and stands["hs_lead_status"] == "OPEN_DEAL"
    assert stands["handoff_state"] == "opportunity"
    changed = {event["name"] for event in world.ours("property", mark="ours")}
    assert not changed & {"lifecyclestage", "hs_lead_status", "hubspot_owner_id"}


def test_do_not_contact_beats_a_request_for_a_demo(world: World) -> None:
    """I0, R11."""
    contact = world.contact("cleo@never.example", handoff_do_not_contact="true")
    world.asks("cleo@never.example")
    report = world.sync()
    assert report.counts.handed_off == 0 and not world.receiver.notices and contact not in world.listed()


def test_a_person_may_hold_a_lead_back_or_hand_it_over(world: World) -> None:
    """R39."""
    held = world.asks("dora@hold.example")
    world.edit(held, handoff_request="hold")
    given = world.contact("eva@give.example", handoff_request="hand_over")
    report = world.sync()
    assert report.counts.handed_off == 1 and world.listed() == {given}
    world.later(hours=1)
    world.edit(held, handoff_request="")
    world.sync()
    assert world.listed() == {held, given}


def test_an_owner_who_left_gets_nothing_more(build: Build) -> None:
    """R12: routing names an active owner; the reason says why not the former one."""
    world = build(enterprise=True)
    world.sync()
    world.later(hours=1)
    gone = next(o["id"] for o in world.api("GET", "/crm/v3/owners", archived="true")["results"])
    contact = world.asks("finn@left.example")
    world.control("POST", "acts", [{"kind": "edit", "contact": contact, "properties": {"jobtitle": "CEO"}}])
    assert world.sync().counts.handed_off == 1
    assert world.read(contact, "hubspot_owner_id")["hubspot_owner_id"] in set(owners(world)) - {gone}
