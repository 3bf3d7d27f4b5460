"""What grows old goes, and nothing else does (S14); an emptied notice is still known (P2, P3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from conftest import Opener
from sqlalchemy import Table, event, func, insert, select
from values import ANA, BEN, NOW, RUN, activity, change, decision, entry, episode, intent, run, stored, timer

from connector.domain.run import RunCounts, RunId, RunStatus
from connector.engine.ports import Try
from connector.store import Queries, SqlStore
from connector.store.retention import BODIES, TECHNICAL
from connector.store.tables import hint, metadata, outbox

A_MOMENT = timedelta(milliseconds=1)
LONG_AGO = NOW - TECHNICAL - A_MOMENT
A_MONTH_AGO = NOW - BODIES - A_MOMENT


def forget(store: SqlStore, limit: int = 500) -> int:
    with store.transaction() as unit:
        return unit.forget_old(NOW, limit)


def count(store: SqlStore, table: Table) -> int:
    with store.database.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def hold(store: SqlStore, name: str, status: str, *, queued_at: datetime, sent_at: datetime | None = None) -> None:
    with store.transaction() as unit:
        unit.put_entries([replace(entry(name, name), status=status, queued_at=queued_at, sent_at=sent_at)])


def bodies(store: SqlStore) -> dict[str, str]:
    with store.database.reading() as connection:
        return {row.entry: row.body for row in connection.execute(select(outbox))}


def put_hints(store: SqlStore, done: dict[str, datetime | None]) -> None:
    with store.database.writing() as connection:
        connection.execute(insert(hint), [
            {"portal": store.portal, "hint": name, "contact": ANA, "kind": "changed", "occurred_at": LONG_AGO,
             "received_at": LONG_AGO, "done_at": at}
            for name, at in done.items()
        ])  # fmt: skip


def test_runs_and_their_intents_go_after_400_days_but_none_that_is_open(store: SqlStore) -> None:
    with store.transaction() as unit:
        for name, at, status in (
            ("old", LONG_AGO, "written"), ("open", LONG_AGO, "open"), ("young", NOW - TECHNICAL, "written"),
        ):  # fmt: skip
            unit.put_run(run(name, started_at=at))
            unit.put_intents([intent(f"in_{name}_{number}", run=RunId(name), status=status) for number in range(3)])
            unit.finish_run(RunId(name), RunStatus.COMPLETED, RunCounts(), at, "")
        unit.put_run(run("cut off", started_at=LONG_AGO))
    assert forget(store) == 4
    with store.reading() as unit:
        assert {row["run"] for row in unit.runs(9)} == {"open", "young", "cut off"}
        assert len(unit.intents("open", 9)) == 3 and len(unit.intents("written", 9)) == 3
    assert forget(store) == 0


def test_bodies_of_sent_notices_go_after_30_days_and_of_others_after_400(store: SqlStore) -> None:
    for name, status, queued, sent in (
        ("sent long ago", "sent", A_MONTH_AGO, A_MONTH_AGO),
        ("sent late", "sent", LONG_AGO, NOW - BODIES),
        ("given up", "exhausted", LONG_AGO, None),
        ("given up lately", "exhausted", A_MONTH_AGO, None),
        ("cancelled", "cancelled", LONG_AGO, None),
        ("waits", "due", LONG_AGO, None),
        ("held", "held", LONG_AGO, None),
    ):  # fmt: skip
        hold(store, name, status, queued_at=queued, sent_at=sent)
    assert forget(store) == 3
    emptied = {name for name, body in bodies(store).items() if not body}
    assert emptied == {"sent long ago", "given up", "cancelled"}
    assert forget(store) == 0


def test_an_emptied_notice_is_not_sent_again(store: SqlStore) -> None:
    """P2, P3: its id is still known, so that the same handoff is no news; what it said is gone."""
    hold(store, "n1", "sent", queued_at=A_MONTH_AGO, sent_at=A_MONTH_AGO)
    assert forget(store) == 1
    with store.transaction() as unit:
        assert unit.put_entries([entry("n1", "n1")]) == 0
    assert store.outbox.claim(NOW, 9) == []
    shown = Queries(store).outbox_entry("n1")
    assert shown is not None and (shown["status"], shown["body"]) == ("sent", "")


def test_tries_go_after_400_days_and_done_hints_after_30(store: SqlStore) -> None:
    hold(store, "n1", "due", queued_at=LONG_AGO)
    for at in (LONG_AGO, NOW - TECHNICAL):
        store.outbox.record([Try(entry="n1", at=at, status="due", due_at=NOW, error="503")])
    put_hints(store, {"old": A_MONTH_AGO, "young": NOW - BODIES, "waiting": None})
    assert forget(store) == 2
    shown = Queries(store).outbox_entry("n1")
    assert shown is not None and isinstance(shown["attempts"], list) and len(shown["attempts"]) == 1
    with store.database.reading() as connection:
        assert set(connection.execute(select(hint.c.hint)).scalars()) == {"young", "waiting"}


def test_what_is_kept_for_good_is_kept(store: SqlStore) -> None:
    """S14: decisions, routing, paths, field history, audit, activities, whose turn it is."""
    with store.transaction() as unit:
        unit.put_contacts([stored(ANA), stored(BEN)])
        unit.put_field_changes([change("stage", "lead", -24 * 500)])
        unit.put_activities([activity(number=24 * 500)], LONG_AGO)
        unit.put_episode(episode(opened_at=LONG_AGO), at=LONG_AGO, cause="x")
        unit.put_decision(RUN, replace(decision(), as_of=LONG_AGO))
        unit.put_timers([timer(due_at=LONG_AGO)])
        unit.put_quarantine(ANA, "x", LONG_AGO)
        unit.put_watermark("contacts", LONG_AGO)
    before = {table.name: count(store, table) for table in metadata.sorted_tables}
    assert forget(store) == 0
    assert {table.name: count(store, table) for table in metadata.sorted_tables} == before


def test_no_transaction_takes_more_than_its_share_and_all_goes_in_the_end(store: SqlStore) -> None:
    for number in range(7):
        hold(store, f"n{number}", "sent", queued_at=A_MONTH_AGO, sent_at=A_MONTH_AGO)
    with store.transaction() as unit:
        unit.put_run(run("old", started_at=LONG_AGO))
        unit.put_intents([intent(f"in{number}", run=RunId("old"), status="written") for number in range(5)])
        unit.finish_run(RunId("old"), RunStatus.COMPLETED, RunCounts(), LONG_AGO, "")
    taken = []
    while not taken or taken[-1]:
        taken.append(forget(store, 3))
    assert taken == [6, 3 + 2 + 1, 1, 0]
    assert set(bodies(store).values()) == {""}


def test_another_portals_rows_are_left_alone(store: SqlStore, open_it: Opener) -> None:
    put_hints(store, {"old": A_MONTH_AGO})
    with store.database.writing() as connection:
        connection.execute(hint.update().values(portal="another"))
    assert forget(store) == 0


@pytest.mark.parametrize("rows", [0, 300])
def test_finding_nothing_costs_the_same_in_a_large_database(store: SqlStore, rows: int) -> None:
    """Each look goes by an index whose rows are those that are still to go."""
    if store.database.dialect != "sqlite":
        return      # PostgreSQL plans by its statistics; the indexes are the same
    for number in range(rows):
        hold(store, f"n{number}", "sent", queued_at=NOW, sent_at=NOW)
    seen: dict[str, Any] = {}

    def remember(connection: Any, cursor: Any, text: str, given: Any, context: Any, many: bool) -> None:
        seen[text] = given

    event.listen(store.database.engine, "before_cursor_execute", remember)
    forget(store)
    event.remove(store.database.engine, "before_cursor_execute", remember)
    asked = {text: given for text, given in seen.items() if text.startswith(("UPDATE outbox", "DELETE", "SELECT run"))}
    assert len(asked) >= 5
    with store.database.engine.connect() as connection:
        plans = [
            str(step[3]) for text, given in asked.items()
            for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given).all()
        ]  # fmt: skip
    for index in ("ix_run_started", "ix_outbox_attempt_at", "ix_outbox_sent", "ix_outbox_given_up", "ix_hint_done"):
        assert any(f"{index} (portal=? AND " in plan for plan in plans), (index, plans)
    assert not [plan for plan in plans if plan.startswith("SCAN")], plans
