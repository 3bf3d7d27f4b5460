"""Consider: what changed is decided again, and everything that follows is committed at once (I4, P5, P6, R40)."""

from __future__ import annotations

from typing import Any

import pytest
from factories import DAY, HOUR, MINUTE, demo_request, make_book

from connector.domain.episode import State
from connector.domain.run import RunStatus
from connector.engine import consider
from engine.world import World


@pytest.fixture
def world() -> World:
    return World().begin()


@pytest.fixture
def in_work(world: World) -> World:
    """A lead that Ana has called."""
    world.crm.add()
    world.crm.happen(demo_request(world.clock.now()))
    world.run()
    world.clock.pass_by(HOUR)
    world.crm.edit(last_touch_at=world.clock.now().isoformat())
    world.run_later()
    world.delivery.sent.clear()
    return world


# -- poison ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def poisoned(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Contact 102 breaks the rules; 101 and 103 are sound."""
    true = consider.decide

    def decide(situation: Any, *rest: Any, **more: Any) -> Any:
        if situation.contact.id == "102" and situation.contact.text("company") != "Healed":
            raise KeyError("kim102@acme.example")
        return true(situation, *rest, **more)

    monkeypatch.setattr(consider, "decide", decide)
    for contact in ("101", "102", "103"):
        world.crm.add(contact)
        world.crm.happen(demo_request(world.clock.now(), contact=contact, id=contact))
    return world


def test_a_poison_contact_is_set_aside_and_the_others_go_on(poisoned: World) -> None:
    """P5"""
    report = poisoned.run()
    assert (report.status, report.counts.quarantined) == (RunStatus.COMPLETED_WITH_ERRORS, 1)
    assert (sorted(poisoned.crm.listed), poisoned.quarantined()) == (["101", "103"], ["102"])
    assert poisoned.watermark() == report.run.as_of


def test_a_poison_contact_is_told_of_without_its_data(poisoned: World) -> None:
    """I10"""
    report = poisoned.run()
    assert [line for line in report.troubles if "102" in line]
    assert "acme.example" not in " ".join(report.troubles)
    with poisoned.store.reading() as uow:
        assert "acme.example" not in str(uow.quarantined())


def test_a_poison_contact_is_tried_three_times_and_again_when_it_changes(poisoned: World) -> None:
    """P5: at most once a run."""
    quarantined = [poisoned.run_later(MINUTE).counts.quarantined for _ in range(5)]
    assert quarantined == [1, 1, 1, 0, 0]
    poisoned.crm.edit("102", company="Healed")
    poisoned.run_later()
    assert (poisoned.quarantined(), "102" in poisoned.crm.listed) == ([], True)


# -- second hand-raises ----------------------------------------------------------------------------------------------


def test_a_second_hand_raise_tells_the_holder_once_and_opens_nothing(in_work: World) -> None:
    """R40, P3"""
    in_work.crm.happen(demo_request(in_work.clock.now()))
    in_work.run()
    in_work.run_later()
    in_work.crm.edit(company="Acme")
    in_work.run_later()
    assert in_work.told() == [("lead.signal", "7")]
    assert len(in_work.episodes()) == 1


def test_two_at_once_are_told_both(in_work: World) -> None:
    """R40: once per activity."""
    for minutes in (2, 1):
        in_work.crm.happen(demo_request(in_work.clock.now() - minutes * MINUTE))
    in_work.run()
    assert in_work.kinds() == ["lead.signal", "lead.signal"]


def test_a_second_hand_raise_starts_a_new_clock_for_the_first_reaction(in_work: World) -> None:
    """R40: the rep who called last week is asked to call again."""
    assert "first_touch" not in {timer.name for timer in in_work.timers()}
    in_work.crm.happen(demo_request(in_work.clock.now()))
    in_work.run()
    assert {timer.level for timer in in_work.timers() if timer.name == "first_touch"} == {
        "at_risk_50", "at_risk_80", "breach",
    }  # fmt: skip
    in_work.delivery.sent.clear()
    in_work.run_later(3 * HOUR)
    assert in_work.kinds().count("sla.breached") == 1


def test_the_new_clock_stops_when_the_rep_reacts(in_work: World) -> None:
    """R40"""
    in_work.crm.happen(demo_request(in_work.clock.now()))
    in_work.run()
    in_work.delivery.sent.clear()
    in_work.clock.pass_by(MINUTE)
    in_work.crm.edit(last_touch_at=in_work.clock.now().isoformat())
    in_work.run_later(3 * HOUR)
    assert "sla.breached" not in in_work.kinds()


def test_a_clock_that_runs_already_is_not_made_longer_by_new_interest(world: World) -> None:
    """R40, R17"""
    world.crm.add()
    world.crm.happen(demo_request(world.clock.now()))
    world.run()
    before = [timer for timer in world.timers() if timer.name == "first_touch"]
    world.clock.pass_by(5 * MINUTE)
    world.crm.happen(demo_request(world.clock.now()))
    world.run()
    assert [timer for timer in world.timers() if timer.name == "first_touch"] == before


def test_a_clock_that_ran_out_starts_again_though_it_may_still_be_escalated() -> None:
    """R40, R17: the broken promise of the first hand-raise does not stand for that of the second."""
    clock = {"label": "call", "until": "touch", "limit": "1h", "escalate": [{"at": 2000, "tell": ["manager"]}]}
    world = World(make_book(sla={"clocks": {"first_touch": clock}})).begin()
    world.crm.add()
    world.crm.happen(demo_request(world.clock.now()))
    world.run()
    world.run_later(2 * HOUR)
    world.crm.happen(demo_request(world.clock.now()))
    world.run_later()
    assert len(world.timers()) == 4
    world.delivery.sent.clear()
    world.run_later(2 * HOUR)
    assert world.kinds().count("sla.breached") == 1


# -- owners changed by people ----------------------------------------------------------------------------------------


def test_an_owner_changed_by_a_person_moves_packet_and_clock_and_withdraws_the_old(world: World) -> None:
    """design.md section 2"""
    world.crm.add()
    world.crm.happen(demo_request(world.clock.now()))
    world.run()
    world.clock.pass_by(5 * MINUTE)
    world.crm.edit(owner="8")
    world.run_later()
    assert world.told()[1:] == [("lead.withdrawn", "7"), ("lead.moved", "8")]
    assert {timer.assignment for timer in world.timers()} == {2}
    assert (world.episode().owner, world.crm.value("101", "owner")) == ("8", "8")
    world.run_later(9 * DAY)
    assert {owner for kind, owner in world.told() if kind.startswith("sla.")} == {"8"}


# -- triage ----------------------------------------------------------------------------------------------------------


def test_a_competitor_who_asks_for_a_demo_goes_to_triage_once(world: World) -> None:
    """R02"""
    filters = world.book.qualification.filters.model_dump(by_alias=True)
    rivals = {"then": "triage", "domains": ["acme.example"]}
    world.book = make_book(qualification={"filters": filters | {"competitors": rivals}})
    world.crm.add()
    world.crm.happen(demo_request(world.clock.now()))
    world.run()
    world.crm.edit(company="Acme")
    world.run_later()
    assert world.told() == [("lead.triaged", None)]
    assert (world.episodes(), world.crm.listed, world.crm.value("101", "owner")) == ([], set(), "")


def test_a_hand_raise_after_junk_goes_to_triage(in_work: World) -> None:
    """R02, R21"""
    in_work.crm.edit(verdict="junk")
    in_work.run_later()
    in_work.crm.happen(demo_request(in_work.clock.now()))
    in_work.run_later()
    assert in_work.kinds() == ["lead.recycled", "lead.triaged"]
    assert [episode.state for episode in in_work.episodes()] == [State.JUNK]
    assert in_work.crm.listed == {"101"}


# -- the trail -------------------------------------------------------------------------------------------------------


def test_every_decision_is_kept_with_what_it_rests_on(world: World) -> None:
    """P6, R34"""
    world.crm.add()
    world.crm.happen(demo_request(world.clock.now(), id="form-1"))
    world.run()
    with world.store.reading() as uow:
        (decision,) = uow.decisions(world.stored().contact.id)
    score: Any = decision["score"]
    assert decision["evidence"] == "forms:form-1"
    assert sum(line["points"] for line in score["contributions"]) == score["total"]
    assert decision["fingerprint"] == world.book.fingerprint


def test_a_dry_run_plans_and_leaves_intents_and_notices_out(world: World) -> None:
    """R33: its store is a scratch copy; even there nothing waits to be written or told."""
    world.crm.add()
    world.crm.happen(demo_request(world.clock.now()))
    report = world.run(dry_run=True)
    (lead,) = report.planned
    assert {change.field for change in lead.changes} >= {"stage", "status", "owner", "episode"}
    assert (report.counts.handed_off, world.intents("open"), world.kinds()) == (1, [], [])
    assert world.crm.calls("update_contacts", "add_to_list") == []
