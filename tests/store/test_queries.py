"""What the command line asks."""

from __future__ import annotations

from dataclasses import replace

from values import ANA, BEN, NOW, REP, RUN, decision, episode, hours, stored, timer

from connector.domain.contact import OwnerId
from connector.domain.decision import Action
from connector.domain.episode import State
from connector.domain.owner import Owner
from connector.store import Queries, SqlStore


def test_leads_are_listed_with_owner_score_and_clock(store: SqlStore) -> None:
    with store.transaction() as unit:
        unit.put_owners([Owner(id=REP, name="Rep One", email="r@us.example")])
        unit.put_contacts([stored(fields={"first_name": "Ana", "last_name": "Test", "company": "Firm"}), stored(BEN)])
        unit.put_episode(episode("ep_1", handed_off_at=hours(-1)), at=NOW, cause="x")
        unit.put_episode(episode("ep_2", BEN, owner=OwnerId("8"), handed_off_at=NOW), at=NOW, cause="x")
        unit.put_episode(episode("ep_3", "103", silent=True), at=NOW, cause="x")
        unit.put_episode(episode("ep_4", "104", state=State.WON, ended_at=NOW), at=NOW, cause="x")
        unit.put_decision(RUN, decision())
        unit.put_decision(RUN, decision(action=Action.NOTHING, score=None, as_of=hours(1)))
        unit.put_timers([timer("a", due_at=hours(4)), timer("b", due_at=hours(2))])
    asked = Queries(store)
    newest = asked.leads(limit=9)
    assert [row["contact"] for row in newest] == [BEN, ANA]
    assert [row["contact"] for row in asked.leads(limit=1, hot=True)] == [ANA]
    assert [row["episode"] for row in asked.leads(limit=9, state="won")] == ["ep_4"]
    row = newest[1]
    assert (row["name"], row["company"], row["owner"], row["score"], row["grade"], row["due_at"]) == (
        "Ana Test", "Firm", "Rep One", 42.5, "B2", hours(2)
    )
    shown = (newest[0]["name"], newest[0]["email"], newest[0]["owner"], newest[0]["score"])
    assert shown == ("", "p102@firm.example", "8", None)


def test_the_deadline_of_a_lead_is_the_one_that_its_rep_was_told(store: SqlStore) -> None:
    """R18: a limit, never a reminder; first what a touch stops, then what comes next."""

    def due(**only: object) -> object:
        with store.transaction() as unit:
            unit.put_episode(episode(handed_off_at=hours(-9), assignment=2, **only), at=NOW, cause="x")
        (row,) = Queries(store).leads(limit=9, reaction=("first_touch",))
        return row["due_at"]

    reminder = timer("verdict", level="at_risk_50", assignment=2, due_at=hours(1))
    former = timer(assignment=1, due_at=hours(-3))
    first = timer(assignment=2, due_at=hours(4))
    verdict = timer("verdict", assignment=2, due_at=hours(2))
    with store.transaction() as unit:
        unit.put_contacts([stored()])
        unit.put_timers([reminder, former, first, verdict])
    assert due() == hours(4)
    with store.transaction() as unit:
        unit.fire_timers([first], hours(4))
    assert due() == hours(4), "it is late, and stays so until somebody reacts"
    assert due(touched_at=hours(5)) == hours(2)
    assert due(state=State.ACCEPTED) == hours(2)


def test_cohorts_say_what_waits_to_be_adopted(store: SqlStore) -> None:
    """R41."""
    silent = [
        replace(episode(f"ep_{n}", str(n), silent=True), state=state)
        for n, state in enumerate((State.HANDED_OFF, State.WORKING, State.SALES_QUALIFIED, State.WON))
    ]
    with store.transaction() as unit:
        for one in silent:
            unit.put_episode(one, at=NOW, cause="infer")
        unit.put_decision(RUN, decision("8", action=Action.PREDATES, episode=None))
    assert Queries(store).cohorts() == {"mql": 2, "sql": 1, "opportunity": 0, "qualified": 1}
