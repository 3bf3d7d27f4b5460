"""A property or an option that the rules use is deleted in the portal while a run is under way (P7)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from factories import demo_request

from connector.engine.ports import PropertyInfo
from connector.errors import UnknownPropertyError
from engine.world import World

DO_NOT_CONTACT = "handoff_do_not_contact"


@pytest.fixture
def world() -> World:
    """One who asks, and one who asks and must not be contacted."""
    made = World().begin()
    for contact, forbidden in (("101", ""), ("102", "true")):
        made.crm.add(contact, email=f"kim@firm{contact}.example", do_not_contact=forbidden)
        made.crm.happen(demo_request(made.clock.now(), contact=contact, id=f"demo-{contact}"))
    return made


MOMENTS: dict[str, tuple[str, str, int]] = {
    "while contacts are pulled": ("pull_changed_contacts", "before", 1),
    "before the look at who is written": ("add_to_list", "after", 1),
    "before the write": ("update_contacts", "before", 1),
    "before the read-back": ("update_contacts", "after", 1),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_nothing_is_decided_without_the_property_and_the_run_goes_on_when_it_is_back(
    world: World, moment: str
) -> None:
    """P1, P7: the run stops, the next one hands nobody over who was not yet, and the one after that does the rest."""
    call, phase, nth = MOMENTS[moment]
    gone: list[PropertyInfo] = []
    at: Callable[..., None] = getattr(world.crm, phase)
    at(call, lambda: gone.append(world.crm.properties.pop(DO_NOT_CONTACT)), nth=nth)
    before = world.watermark()
    with pytest.raises(UnknownPropertyError, match=DO_NOT_CONTACT):
        world.run_later()
    assert (world.kinds(), world.watermark()) == ([], before)
    report = world.run_later()
    assert any(DO_NOT_CONTACT in line for line in report.troubles)
    written = call == "update_contacts"  # after a look that showed all; it is only told
    assert sorted(world.kinds()) == ["alarm.raised", *["lead.handed_off"] * written]
    assert bool(world.crm.value("101", "owner")) is written
    world.crm.properties[DO_NOT_CONTACT] = gone[0]
    world.run_later()
    assert sorted(world.kinds()) == ["alarm.raised", "lead.handed_off"]
    assert (world.crm.value("102", "owner"), world.crm.listed) == ("", {"101"})
    assert (world.dirty(), world.intents("open")) == ([], [])


def test_an_option_that_is_gone_holds_back_whom_it_concerns_and_nobody_is_told(world: World) -> None:
    """P5, P7: refused for the one, and the next run says which option to make again before it begins."""
    world.crm.refuse("101", "INVALID_OPTION hs_lead_status")
    report = world.run_later()
    assert (world.kinds(), world.quarantined()) == ([], ["101"])
    assert any("hs_lead_status" in line for line in report.troubles)
    whole = world.crm.properties["hs_lead_status"]
    world.crm.properties["hs_lead_status"] = PropertyInfo(type="enumeration", options=("IN_PROGRESS",))
    with pytest.raises(UnknownPropertyError, match="no lead status"):
        world.run_later()
    world.crm.properties["hs_lead_status"] = whole
    world.run_later()
    assert (world.kinds(), world.quarantined()) == (["lead.handed_off"], [])
