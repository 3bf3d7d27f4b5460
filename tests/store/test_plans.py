"""What a run asks costs by what changed, never by the size of the portal (design.md, section 5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event
from values import ANA, NOW, REP, RUN, activity, decision, entry, episode

from connector.domain.contact import PortalId
from connector.domain.timer import TimerKind
from connector.engine.ports import Try
from connector.store import SqlStore, open_store, this_process

WHOLE_BY_NATURE = (
    "ix_outbox_due", "ix_run_open", "ix_episode_silent", "lease", " dirty ", " owner ", " rotation ",
    " destination ", " former_member ",
)
"""Indexes of waiting rows only, and tables that stay small."""


@pytest.fixture
def seen(store: SqlStore) -> Iterator[dict[str, Any]]:
    """Statements as they go to the driver, with parameters."""
    caught: dict[str, Any] = {}

    def remember(connection: Any, cursor: Any, text: str, given: Any, context: Any, many: bool) -> None:
        if text.startswith(("SELECT", "UPDATE", "DELETE")):
            caught[text] = given[0] if many else given

    event.listen(store.database.engine, "before_cursor_execute", remember)
    yield caught
    event.remove(store.database.engine, "before_cursor_execute", remember)


@pytest.fixture
def store() -> Iterator[SqlStore]:
    opened = open_store("sqlite://", PortalId("1"), holder=this_process(), wall_clock=lambda: datetime.now(UTC))
    yield opened
    opened.close()


def test_every_question_of_a_run_is_answered_by_an_index(store: SqlStore, seen: dict[str, Any]) -> None:
    one = [ANA]
    with store.transaction() as unit:
        unit.unfinished_run()
        unit.watermark("contacts")
        unit.contacts(one)
        unit.contact_ids_by_email(["a@b.example"])
        unit.find_contact("a@b.example")
        unit.accounts(["b.example"])
        unit.put_activities([activity()], NOW)
        unit.claim_activities({"a@b.example": ANA})
        unit.activities(one, NOW)
        unit.deals(one)
        unit.open_leads()
        unit.put_episode(episode(), at=NOW, cause="x")
        unit.put_decision(RUN, decision())
        unit.flush()
        unit.episodes(one)
        unit.decisions(ANA)
        unit.silent_episodes(["handed_off"], 9, "")
        unit.predating(9, "")
        unit.adopted_on(NOW)
        unit.due_timers(NOW, 9)
        unit.cancel_timers(ANA, [TimerKind.SLA], "x")
        unit.intents("open", 9)
        unit.put_entries([entry("a")])
        unit.release_entries(["i"], NOW)
        unit.cancel_entries(["i"], "x")
        unit.cancel_contact_entries(one, "x")
        unit.destinations()
        unit.backlog(["crm-desk"])
        unit.crowds(NOW, 0)
        unit.crowd("crm-desk", REP, NOW)
        unit.put_digest(entry("d", None), ["a"])
        unit.put_quarantine(ANA, "x", NOW)
        unit.anybody_on_list()
        unit.to_move(9, "")
        unit.unheld_members(9)
    store.outbox.claim(NOW, 9)
    store.outbox.record([Try(entry="d", at=NOW, status="sent", learn=lambda state: replace(state, failures=1))])
    asked = dict(seen)
    assert len(asked) > 25
    with store.database.engine.connect() as connection:
        for text, given in asked.items():
            if text.startswith("SELECT max(outbox.sequence)"):
                continue        # the end of an index: one step, though its plan reads like a walk
            for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given).all():
                said = str(step[3])
                whole = said.endswith("(portal=?)") or (said.startswith("SCAN") and "anon" not in said)
                assert not whole or any(name in f"{said} " for name in WHOLE_BY_NATURE), f"{said}\n{text}"


def test_the_leads_of_an_account_are_found_among_leads_alone(store: SqlStore, seen: dict[str, Any]) -> None:
    """A mail provider that nobody knows as one may have a fifth of a portal's contacts."""
    with store.transaction() as unit:
        unit.accounts(["b.example"])
    (asked,) = [(text, given) for text, given in seen.items() if "has_lead" in text]
    with store.database.engine.connect() as connection:
        steps = [str(step[3]) for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[0]}", asked[1])]
    assert any("ix_contact_account" in step for step in steps), steps
