"""The agreement in the engine: a review that is due shows in runs and reports, packets bear the version (R10)."""

from __future__ import annotations

import pytest
from factories import DAY, demo_request, make_book

from connector.engine.figures import figures
from connector.engine.notify import Teller
from engine.world import World

AGREED = {"text": "x", "version": 4, "agreed_on": "2025-06-01", "review_by": "2026-03-03"}


def test_a_due_review_is_said_by_every_run_and_by_the_report_from_that_day_on() -> None:
    world = World(make_book(qualification={"definition": AGREED})).begin()
    assert world.run().remarks == () and figures(world.store, world.book)["review"] == ""
    report = world.run_later(DAY)
    assert report.exit_code == 0 and "was to be reviewed by 3 March 2026" in report.remarks[0]
    assert report.as_dict()["remarks"] == list(report.remarks)
    assert figures(world.store, world.book)["review"] == report.remarks[0]


def test_a_run_remarks_that_nobody_is_told_where_no_destination_is_on() -> None:
    world = World(make_book(qualification={"definition": AGREED}))
    world.destinations["reps"] = False
    (remark,) = world.begin().run().remarks
    assert "nobody is told" in remark and "handoff notifications list" in remark


def test_a_handed_lead_bears_the_version_that_let_it_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """In its decision and in its packet."""
    packets: list[dict[str, object]] = []
    build = Teller._packet

    def noted(self: Teller, *given: object) -> dict[str, object]:
        packets.append(build(self, *given))  # type: ignore[arg-type]  # as it was given
        return packets[-1]

    monkeypatch.setattr(Teller, "_packet", noted)
    world = World(make_book(qualification={"definition": AGREED})).begin()
    world.crm.add()
    world.crm.happen(demo_request(world.clock.now()))
    world.run()
    with world.store.reading() as uow:
        (decision,) = uow.decisions(world.stored().contact.id)
    assert (decision["action"], decision["definition"]) == ("hand_over", 4)
    assert [packet["definition"] for packet in packets] == [4]
