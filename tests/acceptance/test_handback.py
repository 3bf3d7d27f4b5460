"""A lead comes back from sales with a reason, and new interest brings it to its former rep again (R20-R24)."""

from __future__ import annotations

from portal_world import World, both_versions

LEAD = "cora@back.example"


def handed_over(world: World) -> tuple[str, str]:
    """Contact and owner."""
    contact = world.asks(LEAD, firstname="Cora", lastname="Back", company="Back Ltd")
    assert world.sync().counts.handed_off == 1
    return contact, world.read(contact, "hubspot_owner_id")["hubspot_owner_id"]


@both_versions
def test_a_reps_verdict_takes_the_hold_off_moves_the_stage_back_and_sets_the_track(world: World) -> None:
    """R20-R23, I1, I3: list off only after the release; the stage is cleared, then set, in two requests."""
    contact, _ = handed_over(world)
    assert world.listed() == {contact}
    world.later(days=1)
    world.edit(contact, handoff_verdict="recycle", handoff_verdict_reason="not_ready", handoff_comment="Next year")
    world.log(mark="ours")
    world.calls()

    report = world.sync()

    assert (report.exit_code, report.counts.recycled) == (0, 1)
    assert world.listed() == set()
    stands = world.read(contact, "lifecyclestage", "hs_lead_status", "handoff_state", "handoff_nurture_track")
    assert stands["lifecyclestage"] == "lead" and stands["hs_lead_status"] == "BAD_TIMING"
    assert stands["handoff_state"] == "recycled" and stands["handoff_nurture_track"] == "consideration"
    assert world.calls()["POST /crm/v3/objects/contacts/batch/update"] == 2
    made = world.ours(mark="ours")
    path = [event["after"] or "" for event in made if event.get("name") == "lifecyclestage"]
    assert path == ["", "lead"]
    order = [event["kind"] if event["kind"] != "property" else event["name"] for event in made]
    assert order.index("list_remove") > order.index("handoff_state"), "the hold goes only once the release stands"
    (told,) = world.receiver.of("lead.recycled")
    assert told["data"]["state"] == "recycled"


def test_new_interest_hands_it_over_again_to_its_former_rep_with_what_has_changed(world: World) -> None:
    """R24: a second episode, the same owner, a packet that says what happened since."""
    contact, owner = handed_over(world)
    first = world.read(contact, "handoff_episode")["handoff_episode"]
    world.later(days=1)
    world.edit(contact, handoff_verdict="recycle", handoff_verdict_reason="not_ready")
    world.sync()
    world.edit(contact, hubspot_owner_id="")
    world.asks("another@lead.example")
    world.sync()
    world.later(days=30)
    world.act("edit", contact=contact, properties={"jobtitle": "Managing Director"})
    world.asks(LEAD, form="Free audit")

    assert world.sync().counts.handed_off == 1

    notice = world.receiver.of("lead.handed_off")[-1]
    assert (notice["data"]["contact_id"], notice["data"]["owner_id"]) == (contact, owner)
    since = " ".join(notice["data"]["since_last_time"])
    assert "not ready" in since and "New job title: Managing Director" in since, since
    stands = world.read(
        contact, "handoff_episode", "lifecyclestage", "handoff_verdict", "handoff_nurture_track", "hubspot_owner_id"
    )
    assert stands["handoff_episode"] != first and stands["hubspot_owner_id"] == owner
    assert stands["lifecyclestage"] == "marketingqualifiedlead"
    assert not stands["handoff_verdict"] and not stands["handoff_nurture_track"]
    assert contact in world.listed()


def test_a_lead_that_is_bound_elsewhere_comes_back_by_itself_on_its_day(world: World) -> None:
    """R21: `return on`, thirty days ahead; nobody has to do anything."""
    contact, owner = handed_over(world)
    world.later(days=1)
    world.edit(
        contact, handoff_verdict="recycle", handoff_verdict_reason="locked_in_contract", handoff_return_on="2026-06-01"
    )
    world.sync()
    world.later(days=50)
    assert world.sync().counts.handed_off == 0
    world.later(days=11)
    assert world.sync().counts.handed_off == 1
    notice = world.receiver.of("lead.handed_off")[-1]
    assert (notice["data"]["contact_id"], notice["data"]["owner_id"]) == (contact, owner)


def test_junk_stays_on_the_list_and_a_second_request_goes_to_the_triage_desk(world: World) -> None:
    """R02, R11, R20."""
    contact, _ = handed_over(world)
    world.later(days=1)
    world.edit(contact, handoff_verdict="junk")
    world.sync()
    assert world.listed() == {contact}
    assert world.read(contact, "hs_lead_status")["hs_lead_status"] == "UNQUALIFIED"
    world.later(days=2)
    world.asks(LEAD)
    assert world.sync().counts.handed_off == 0
    assert len(world.receiver.of("lead.triaged")) == 1
    world.later(hours=1)
    world.sync()
    assert len(world.receiver.of("lead.triaged")) == 1, "told once"


def test_a_won_deal_ends_the_episode_and_the_hold(world: World) -> None:
    """R11, R25."""
    contact, _ = handed_over(world)
    world.later(days=3)
    world.act("deal", contact=contact, properties={"dealstage": "closedwon", "amount": "1200"})
    assert world.sync().exit_code == 0
    assert world.listed() == set()
    assert world.read(contact, "handoff_state")["handoff_state"] == "won"
    assert world.read(contact, "lifecyclestage")["lifecyclestage"] == "customer"
