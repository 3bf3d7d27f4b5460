"""The past as runs came to know it: in order, not before its time, and the same on both databases (R35)."""

from __future__ import annotations

from dataclasses import replace

from values import ANA, BEN, NOW, activity, episode, hours, stored

from connector.domain.contact import ContactId
from connector.domain.deal import Deal, DealState
from connector.domain.episode import State
from connector.domain.run import RunId, SyncRun
from connector.engine.ports import FieldChange
from connector.engine.ports.history import Deed, News, instant_of
from connector.store import SqlStore


def change(contact: str, field: str, value: str, at: float, source: str = "crm") -> FieldChange:
    seen = {"occurred_at": hours(at), "observed_at": hours(at)}
    return FieldChange(contact=ContactId(contact), field=field, value=value, source=source, **seen)


def fill(store: SqlStore) -> None:
    with store.transaction() as unit:
        for name, at in (("run_1", 0), ("run_2", 1), ("run_3", 2)):
            run = SyncRun(id=RunId(name), started_at=hours(at), as_of=hours(at), fingerprint="f", seed=1, epoch=1)
            unit.put_run(run)
        unit.put_contacts([stored(ANA), replace(stored(BEN), gone=True)])
        first = [change(ANA, "*", '{"city":"Ulm"}', 0, "baseline"), change(BEN, "*", "{}", 2, "baseline")]
        unit.put_field_changes([*first, change(ANA, "city", "Bonn", 1), change(ANA, "city", "Köln", 2)])
        unit.put_activities([activity(3), activity(1, automatic=True)], hours(1))
        unit.put_activities([activity(2), activity(4, None, email="who@firm.example")], hours(2))
        deal = Deal(id="d", contacts=(ANA,), state=DealState.OPEN, created_at=hours(1), modified_at=hours(1))
        unit.put_deals([deal, replace(deal, id="old", created_at=hours(-9), modified_at=hours(-9))])
        unit.put_episode(episode(handed_off_at=hours(0)), at=hours(0), cause="hand_over")
        unit.put_episode(episode(state=State.WORKING, handed_off_at=hours(0)), at=hours(2), cause="advance")


def test_both_streams_come_in_the_order_in_which_runs_saw_them(store: SqlStore) -> None:
    fill(store)
    with store.reading() as unit:
        deeds = [Deed._make(row) for rows in unit.deeds(hours(-1), hours(2)) for row in rows]
        news = [News._make(row) for rows in unit.news(hours(0), hours(2)) for row in rows]
        assert [instant_of(row.observed_at) for row in deeds] == [hours(1), hours(2)]  # no machine's, no stranger's
        assert [instant_of(row.occurred_at) for row in deeds] == [hours(-3), hours(-2)]
        assert [(row.contact, row.field) for row in news[:1]] == [(ANA, "city")]
        assert {(row.contact, row.field, row.source) for row in news[1:]} == {
            (ANA, "city", "crm"),
            (BEN, "*", "baseline"),
        }
        assert [run.run for run in unit.past_runs(hours(1), hours(2))] == ["run_2", "run_3"]
        assert unit.first_sight() == NOW


def test_nothing_is_known_before_a_run_saw_it(store: SqlStore) -> None:
    fill(store)
    with store.reading() as unit:
        assert [row.value for row in unit.field_history([ANA, BEN], hours(1))[ANA]] == ['{"city":"Ulm"}', "Bonn"]
        assert BEN not in unit.field_history([ANA, BEN], hours(1))
        assert [row.id for row in unit.activities_seen([ANA], hours(-9), hours(1))[ANA]] == ["3"]
        assert [row.id for row in unit.activities_seen([ANA], hours(-9), hours(2))[ANA]] == ["3", "2"]
        assert [deal.id for deal in unit.deals_dated(hours(0), hours(2))] == ["d"]
        ((found, path),) = unit.episodes_opened(hours(1))
        assert found.state is State.WORKING  # as it is now; its path says how it was
        assert [step.state for step in path] == ["handed_off"]
        spots = unit.blind_spots(hours(0), hours(2))
        assert (spots.seen_late, spots.deleted, spots.merged, spots.erased, spots.undone) == (1, 1, 0, 0, 0)
        assert unit.origins([ANA, BEN])[BEN].gone
        assert unit.adopted(hours(-1), hours(2)) == []
