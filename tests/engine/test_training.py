"""What learning will need (R25): features as they were seen at the handover, outcomes as they are, and no person."""

from __future__ import annotations

import json

from factories import DAY, HOUR, demo_request, pricing_view

from connector.engine.ports import PortalState
from connector.engine.reports.training import training
from connector.rules.reporting.examples import Row, shareable
from connector.rules.reporting.facts import Period
from engine.world import World


def rows_of(world: World) -> tuple[list[str], list[Row]]:
    def whole(state: PortalState) -> Period:
        assert state.as_of is not None
        return Period(since=None, until=state.as_of + HOUR, words="all")

    return training(world.store, world.book, whole)


def test_before_the_first_run_there_are_no_examples() -> None:
    assert rows_of(World()) == ([], [])


def test_features_are_those_of_the_handover_and_outcomes_those_of_today() -> None:
    world = World().begin()
    now = world.clock.now()
    world.crm.add("101", created_at=now, country="DE", employees="50", industry="Logistics", message="Call Kim!")
    world.crm.happen(pricing_view(now, contact="101", id="v1"))
    world.crm.happen(demo_request(now, contact="101", id="f1"))
    world.run()
    world.clock.pass_by(2 * DAY)
    world.crm.edit("101", verdict="accepted", country="FR", employees="900")
    world.crm.happen(pricing_view(world.clock.now(), contact="101", id="v2"))
    world.run()
    columns, (row,) = rows_of(world)
    assert (row["field: country"], row["field: employees"], row["field: industry"]) == ("DE", 50, "Logistics")
    assert (row["count: page_view"], row["count: form_submission"]) == (1, 1)
    assert (row["outcome: accepted"], row["outcome: won"], row["outcome: days to accepted"]) == (1, 0, 2.0)
    assert isinstance(row["score"], float) and row["form"] == "Request a demo"
    points = sum(number for name, number in row.items() if name.startswith("points: ") and isinstance(number, float))
    assert round(points, 2) == row["score"], "the lines sum to the score"
    assert columns[0] == "lead" and columns[-1] == "outcome: days observed" and set(columns) == set(row)


def test_nobody_can_be_told_from_an_example() -> None:
    """S14: neither a name nor an address, nor what somebody typed."""
    world = World().begin()
    now = world.clock.now()
    world.crm.add("101", created_at=now, message="I am Kim", job_title="Queen of Acme", phone="+49301234567")
    world.crm.happen(demo_request(now, contact="101", id="101"))
    world.run()
    told = json.dumps(rows_of(world))
    assert not [words for words in ("Kim", "kim", "acme", "Acme", "Queen", "4930") if words in told]
    fields = shareable(world.book.fields, ("industry",))
    personal = {"email", "first_name", "last_name", "phone", "company", "message", "job_title", "verdict", "comment"}
    assert not fields.keys() & personal
    assert {"country", "employees", "origin", "industry"} <= fields.keys()
