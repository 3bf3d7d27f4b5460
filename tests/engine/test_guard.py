"""The mass-change guard: rules that change overnight do not flood sales (design.md, section 5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from factories import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    demo_request,
    make_book,
    make_contact,
    make_episode,
    pricing_view,
    shipped_folder,
)
from hypothesis import given
from hypothesis import strategies as st

from connector.config.mappings import load_rulebook
from connector.domain.contact import ContactId
from connector.domain.decision import Action, Decision
from connector.domain.run import RunStatus
from connector.engine.guard import AT_LEAST, Guard, allowance, refuses_too_much
from connector.errors import CrmUnavailableError
from engine.world import World


def moving(contact: str = "101", lane: str = "score", **more: Any) -> Decision:
    given: dict[str, Any] = {"action": Action.HAND_OVER, "signal_at": NOW - DAY, **more}
    episode = make_episode(lane=lane)
    return Decision(
        contact=ContactId(contact), as_of=NOW, fingerprint="f", sentence="Why.", episode=episode, **given
    )


def test_the_excess_is_held_and_remembered() -> None:
    guard = Guard(new_since=NOW - HOUR, allowance=2)
    assert [guard.holds(moving(str(number))) for number in range(4)] == [False, False, True, True]
    assert guard.held == {"2", "3"}


@pytest.mark.parametrize(
    "decision",
    [
        moving(lane="hand_raiser"),
        moving(lane="request"),
        moving(lane="return"),
        moving(signal_at=NOW),
        moving(action=Action.ADOPT),
        moving(action=Action.END),
        moving(action=Action.NOTHING),
    ],
)
def test_what_has_a_signal_of_its_own_is_never_held(decision: Decision) -> None:
    assert not Guard(new_since=NOW - HOUR, allowance=0).holds(decision)


def test_a_first_run_holds_nothing() -> None:
    assert not Guard(new_since=None, allowance=0).holds(moving())


@given(st.integers(0, 10**6))
def test_at_least_fifty_may_move_and_all_once_somebody_agreed(count: int) -> None:
    assert allowance(count, released=False) == max(AT_LEAST, count // 4)
    assert allowance(count, released=True) > count


@pytest.fixture
def flooded() -> World:
    """Eighty contacts with some interest, and rules that ask for less from now on."""
    return crowd(80)


def crowd(count: int) -> World:
    world = World().begin()
    for number in range(count):
        world.crm.add(str(1000 + number), email=f"kim@firm{number}.example", job_title="CEO", employees="200")
    world.run()
    world.run_later(DAY)
    world.clock.pass_by(DAY)
    world.book = make_book(qualification={"threshold": {"score": 10}})
    return world


def test_changed_rules_hand_over_no_more_than_the_allowance_and_ask(flooded: World) -> None:
    """Exit 7; ops are told, and only what was let through is written."""
    report = flooded.run()
    assert (report.status, report.exit_code, report.counts.held) == (RunStatus.HELD, 7, 30)
    assert flooded.kinds().count("lead.handed_off") == len(flooded.crm.listed) == AT_LEAST
    assert flooded.kinds().count("run.held") == 1


@pytest.mark.parametrize("deaths", [1, 2, 3])
def test_a_run_that_breaks_off_and_goes_on_lets_no_more_pass_than_one_that_does_not(deaths: int) -> None:
    """P1, P7: the allowance is the run's, however many processes it takes."""
    undisturbed, world = crowd(400), crowd(400)
    whole = undisturbed.run()
    for number in range(deaths):
        world.crm.before("update_contacts", unavailable, nth=number + 1)
    for _ in range(deaths):
        with pytest.raises(CrmUnavailableError):
            world.run()
    report = world.run()
    assert report.run.resumed and report.status is whole.status is RunStatus.HELD
    assert len(world.crm.listed) == len(undisturbed.crm.listed) == 100
    assert report.counts.held == whole.counts.held == 300
    effects = []
    for one in (undisturbed, world):
        with one.store.reading() as uow:
            effects += [row.effect for row in uow.rulebooks() if row.fingerprint == one.book.fingerprint]
    assert effects[0] == effects[1] is not None


def unavailable() -> None:
    raise CrmUnavailableError("HubSpot answered 503", status=503, unclear=False)


def test_a_hand_raiser_passes_while_the_guard_holds(flooded: World) -> None:
    flooded.crm.add("5000", email="kim@asks.example")
    flooded.crm.happen(demo_request(flooded.clock.now(), contact="5000"))
    assert flooded.run().status is RunStatus.HELD
    assert "5000" in flooded.crm.listed


def test_what_is_held_waits_until_somebody_agrees(flooded: World) -> None:
    """However many runs go by; who asks for sales meanwhile is handed over all the same."""
    flooded.run()
    again = flooded.run_later(MINUTE)
    assert (again.status, again.counts.handed_off, again.counts.held) == (RunStatus.HELD, 0, 30)
    asks = sorted(flooded.dirty())[0]
    flooded.clock.pass_by(MINUTE)
    flooded.crm.happen(demo_request(flooded.clock.now(), contact=asks))
    third = flooded.run_later(MINUTE)
    assert (third.status, third.counts.handed_off, third.counts.held) == (RunStatus.HELD, 1, 29)
    agreed = flooded.run_later(MINUTE, release_mass_change=True)
    assert (agreed.status, agreed.counts.handed_off) == (RunStatus.COMPLETED, 29)


def test_a_person_may_let_all_pass_at_once(flooded: World) -> None:
    report = flooded.run(release_mass_change=True)
    assert (report.status, len(flooded.crm.listed)) == (RunStatus.COMPLETED, 80)


def test_an_outage_of_a_month_is_no_mass_change() -> None:
    """Fault table: news is news, however late we hear of it."""
    world = World().begin()
    world.clock.pass_by(30 * DAY)
    for number in range(80):
        world.crm.add(str(1000 + number), email=f"kim@firm{number}.example", created_at=world.clock.now() - 20 * DAY)
        world.crm.happen(
            demo_request(world.clock.now() - 20 * DAY, contact=str(1000 + number), id=f"demo-{number}")
        )
    report = world.run()
    assert (report.status, len(world.crm.listed)) == (RunStatus.COMPLETED, 80)


def test_a_contact_of_the_guard_is_the_one_that_was_decided() -> None:
    guard = Guard(new_since=NOW, allowance=0)
    guard.holds(moving(make_contact().id))
    assert guard.held == {make_contact().id}


# -- a CRM that refuses much ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("attempted", "refused", "halts"), [(3, 3, False), (50, 10, False), (49, 10, True)])
def test_more_than_a_fifth_of_refused_writes_halts_and_a_person_may_go_on(
    attempted: int, refused: int, halts: bool
) -> None:
    assert refuses_too_much(attempted, refused, released=False) is halts
    assert not refuses_too_much(attempted, refused, released=True)


def refusing(leads: int = 150) -> World:
    """Many ask for sales, and the CRM takes none of the writes."""
    world = World().begin()
    for number in range(leads):
        contact = str(1_000 + number)
        world.crm.add(contact)
        world.crm.happen(demo_request(world.clock.now(), contact=contact, id=contact))
        world.crm.refuse(contact)
    return world


def test_a_crm_that_refuses_much_is_not_pressed_on_and_ops_are_asked() -> None:
    """Reliability.md, section 7: halted before more writes; what waits is kept, and nobody was told of a handover."""
    world = refusing()
    report = world.run()
    assert (report.status, report.exit_code) == (RunStatus.HELD, 7)
    assert "refused" in report.troubles[-1] and "release-mass-change" in report.troubles[-1]
    assert world.crm.calls("update_contacts") == ["update_contacts"]
    assert world.kinds() == ["run.held"]
    assert world.intents("open") or world.dirty()
    assert world.crm.listed == set()  # whoever is not written keeps getting marketing's mail, too (R11)


def test_after_the_cause_is_mended_everybody_is_handed_over_once() -> None:
    """P1, P3: the next run goes on with what waited and with those that were refused."""
    world = refusing()
    world.run()
    world.run_later()
    world.run_later()
    assert world.kinds().count("lead.handed_off") == 150
    assert (world.dirty(), world.intents("open"), world.quarantined()) == ([], [], [])


def test_a_contact_that_the_crm_calls_gone_but_shows_is_not_dropped() -> None:
    """P7: a refusal is not a deletion."""
    world = World().begin()
    world.crm.add()
    world.crm.happen(demo_request(at=world.clock.now()))
    world.crm.deny()
    world.run()
    assert not world.stored().gone and world.quarantined() == ["101"]
    world.run_later()
    assert world.kinds() == ["lead.handed_off"]


def test_what_waits_is_said_to_come_of_the_rules_and_what_they_do_is_known_before(flooded: World) -> None:
    """The version is stored with what it did to the leads; the next run still names it (R35)."""
    report = flooded.run()
    change = report.rule_change
    assert change is not None and change.sentence == "80 contacts would change stage, " + ", ".join(
        ["0 would leave sales' hands", "80 would go to sales"]
    )
    assert (change.contacts, change.moved) == (80, 80)
    with flooded.store.reading() as uow:
        version = next(one for one in uow.rulebooks() if one.fingerprint == flooded.book.fingerprint)
    assert version.effect == change.stored() and "100" not in str(sorted(version.effect))
    cause = f"the rules changed: version {version.fingerprint[:12]}, first used by {version.first_used_by}"
    assert report.held_because.startswith(cause)
    assert report.held_because.endswith("30 of the 30 leads that wait are looked at for that alone")
    again = flooded.run_later()
    assert again.rule_change is None and again.held_because == report.held_because


def test_a_run_whose_rules_are_those_of_the_run_before_compares_nothing(flooded: World) -> None:
    flooded.run()
    report = flooded.run_later(release_mass_change=True)
    assert report.rule_change is None and report.held_because == "" and report.as_dict()["rule_change"] is None


def test_a_newer_handoff_that_reads_the_same_rules_changed_none_of_them() -> None:
    """R35: the version that is stored lacks a key which a newer Handoff writes out with its default."""
    world = World(load_rulebook(shipped_folder())).begin()
    world.run()
    body = world.book.as_dict()
    older = {**body, "scoring": {name: value for name, value in body["scoring"].items() if name != "look_back"}}
    with world.store.lease(), world.store.transaction() as uow:
        uow.put_rulebook("of an older release", older, world.clock.now())
        state = uow.portal_state()
        assert state is not None
        uow.put_portal_state(replace(state, fingerprint="of an older release"))
    assert world.run_later().rule_change is None


# -- what comes late ---------------------------------------------------------------------------------------------------


def waiting() -> tuple[World, list[str]]:
    """Sixty who would qualify by three views of the prices."""
    world, ids = World().begin(), [str(number) for number in range(101, 161)]
    for one in ids:
        world.crm.add(one, email=f"kim@firm{one}.example", job_title="CEO", employees="2000")
    world.run()
    world.clock.pass_by(HOUR)
    return world, ids


def look_at_prices(world: World, ids: list[str]) -> None:
    for one in ids:
        for place in range(3):
            at = world.clock.now() - place * MINUTE
            world.crm.happen(pricing_view(at, contact=ContactId(one), id=f"v{one}{place}"))


def test_what_a_stream_brings_late_is_news_though_all_else_was_read_since() -> None:
    """P7: an outage of some hours is no mass change."""
    world, ids = waiting()
    world.crm.broken["page_views"] = CrmUnavailableError("HubSpot answered 503", status=503)
    look_at_prices(world, ids)
    for _ in range(2):
        assert world.run_later(HOUR).counts.handed_off == 0
    world.crm.broken.clear()
    report = world.run_later(HOUR)
    assert (report.counts.handed_off, report.counts.held) == (len(ids), 0)


def test_who_waited_for_a_property_is_no_mass_change_when_it_is_back() -> None:
    """R32, P7"""
    world, ids = waiting()
    lost = world.crm.properties.pop("handoff_do_not_contact")
    look_at_prices(world, ids)
    for _ in range(2):
        assert world.run_later(HOUR).counts.handed_off == 0
    world.crm.properties["handoff_do_not_contact"] = lost
    report = world.run_later(HOUR)
    assert (report.counts.handed_off, report.counts.held) == (len(ids), 0)
