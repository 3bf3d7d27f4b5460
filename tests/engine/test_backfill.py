"""Calls by purpose, and a backfill that waits while what is more urgent goes on (R38, P8)."""

from __future__ import annotations

import pytest
from factories import DAY, MINUTE, demo_request

from connector.domain.quota import Purpose
from connector.engine.backfill import DONE, REST
from connector.errors import BackfillShedError, QuotaExhaustedError
from engine.world import World


def shed() -> None:
    raise BackfillShedError("390 of the portal's 1000 calls of today are left")


def used_up() -> None:
    raise QuotaExhaustedError("190 of the portal's 1000 calls of today are left", advice="Run again after midnight.")


def place(world: World) -> str | None:
    with world.store.reading() as uow:
        return uow.place(REST)


def pulled(world: World) -> list[str]:
    return world.crm.calls("pull_all_contacts", "pull_changed_contacts")


def test_each_runs_calls_are_counted_by_what_they_are_for() -> None:
    world = World()
    world.crm.add("101")
    first = world.run().counts.quota.by_purpose
    assert first[Purpose.BACKFILL] and first[Purpose.SETUP] and first[Purpose.STREAMS] and Purpose.DELTA not in first
    world.crm.forget()
    world.crm.add("102")
    world.crm.happen(demo_request(world.clock.now(), contact="102"))
    report = world.run_later(MINUTE)
    found = report.counts.quota.by_purpose
    assert report.counts.handed_off == 1 and found[Purpose.WRITE] and found[Purpose.DELTA]
    assert Purpose.BACKFILL not in found and sum(found.values()) == len(world.crm.asked)
    assert report.as_dict()["quota"] == {"by_purpose": found, "limit": None, "left": None}


def test_a_full_pull_that_is_shed_waits_and_the_leads_of_the_day_do_not() -> None:
    """What changed is pulled and handed over by the same run; later runs go on with the rest where it stopped."""
    world = World(page_size=2).begin()
    for number in range(5):
        world.crm.add(f"20{number}")
    world.run_later(MINUTE)
    world.crm.forget()
    world.crm.add("301")
    world.crm.happen(demo_request(world.clock.now(), contact="301"))
    world.crm.before("pull_all_contacts", shed, nth=2)
    report = world.run_later(MINUTE, full=True)
    assert (report.exit_code, report.counts.handed_off) == (0, 1)
    assert [line for line in report.remarks if "the rest of the full pull waits" in line]
    assert pulled(world)[-1] == "pull_changed_contacts" and place(world) not in (None, "", DONE)
    assert report.watermark is not None, "what changed is done; the rest waits beside it"

    stopped = place(world)
    world.crm.forget()
    report = world.run_later(MINUTE)
    assert pulled(world)[0] == "pull_changed_contacts" and place(world) == DONE
    asked = [what for name, what in world.crm.asked if name == "pull_all_contacts"]
    assert str(asked[0]) == stopped, "from where it stopped, and no page twice"
    world.crm.forget()
    world.run_later(MINUTE)
    assert set(pulled(world)) == {"pull_changed_contacts"}, "all of it is read"


def test_the_first_pull_is_never_put_off_for_decisions_rest_on_all_of_it() -> None:
    """P7: it waits as a whole, and the next run goes on with it."""
    world = World(page_size=2)
    for number in range(5):
        world.crm.add(f"20{number}")
    world.crm.before("pull_all_contacts", shed, nth=2)
    with pytest.raises(BackfillShedError) as caught:
        world.run()
    assert caught.value.exit_code == 4 and place(world) is None
    report = world.run_later(MINUTE)
    assert report.run.resumed and report.counts.contacts_pulled <= 5 and report.exit_code == 0


def test_a_full_sync_every_night_comes_to_an_end_though_each_is_put_off() -> None:
    """R38: the next one goes on where the last one stopped."""
    world = World(page_size=2).begin()
    for number in range(12):
        world.crm.add(f"20{number:02d}")
    world.run_later(MINUTE)
    places = []
    for _ in range(2):
        world.crm.before("pull_all_contacts", shed, nth=3)
        world.run_later(DAY, full=True)
        places.append(place(world))
    assert places == ["4", "8"]
    report = world.run_later(DAY, full=True)
    assert place(world) == DONE and [line for line in report.remarks if "goes on with the one that was put off" in line]


def test_notices_that_are_due_go_out_though_the_days_calls_are_used_up() -> None:
    """P2: to tell a rep costs the CRM no call."""
    world = World().begin()
    world.crm.add("900")
    world.run_later(MINUTE)
    world.crm.add("301", request="hand_over")
    world.crm.before("gone_for_good", used_up)
    with pytest.raises(QuotaExhaustedError):
        world.run_later(DAY)
    assert world.kinds() == ["lead.handed_off"]
