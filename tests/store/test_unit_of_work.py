"""What the engine may ask of a unit of work, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
import values as make
from values import ANA, BEN, NOW, REP, RUN, activity, change, decision, entry, episode, hours, intent, stored, timer

from connector.domain.change import Change, ChangeKind
from connector.domain.contact import ContactId, OwnerId
from connector.domain.deal import Deal, DealState
from connector.domain.decision import Action
from connector.domain.episode import Hop, State
from connector.domain.owner import Owner
from connector.domain.run import RunCounts, RunStatus
from connector.domain.timer import TimerKind
from connector.engine.ports import AuditRow, PortalState
from connector.store import SqlStore


def ids(*names: str) -> list[ContactId]:
    return [ContactId(name) for name in names]


# -- portal and runs


def test_a_portals_state_comes_back_as_it_was_put(store: SqlStore) -> None:
    state = PortalState(
        id=store.portal, time_zone="Europe/Berlin", ui_domain="app.crm.example", handoff_since=NOW, as_of=hours(1),
        shadow=True, adopting={"mql": 5},
    )
    with store.transaction() as unit:
        assert unit.portal_state() is None
        unit.put_portal_state(replace(state, adopting={}))
        unit.put_portal_state(state)
    with store.reading() as unit:
        assert unit.portal_state() == state


def test_a_run_cut_off_is_found_with_its_progress_until_it_is_finished(store: SqlStore) -> None:
    """I9: the stored as_of, seed and progress go on after a restart."""
    with store.transaction() as unit:
        unit.put_run(make.run())
        unit.put_progress(RUN, {"contacts": "cursor-7"})
        unit.put_run(make.run(resumed=True, epoch=2))
    with store.transaction() as unit:
        assert unit.unfinished_run() == (make.run(resumed=True, epoch=2), {"contacts": "cursor-7"})
        unit.finish_run(RUN, RunStatus.COMPLETED, RunCounts(decided=3, api_calls={"GET /x": 2}), hours(1), "")
    with store.reading() as unit:
        assert unit.unfinished_run() is None
        row = unit.runs(5)[0]
    assert (row["run"], row["status"], row["finished_at"]) == (RUN, "completed", hours(1))
    counts: Any = row["counts"]
    assert counts["decided"] == 3 and counts["api_calls"] == {"GET /x": 2}


def test_the_watermark_never_goes_back(store: SqlStore) -> None:
    """I4, I9."""
    with store.transaction() as unit:
        for at in (hours(1), hours(3), hours(2)):
            unit.put_watermark("contacts", at)
        assert unit.watermark("contacts") == hours(3)
        assert unit.watermark("deals") is None


def test_a_rule_book_is_stored_once_for_each_fingerprint(store: SqlStore) -> None:
    with store.transaction() as unit:
        unit.put_rulebook("f1", {"threshold": 40}, NOW)
        unit.put_rulebook("f1", {"threshold": 41}, hours(1))
        assert unit.rulebook("f1") == {"threshold": 40}
        assert unit.rulebook("f2") is None


# -- contacts


def test_a_contact_comes_back_exactly_as_it_was_put(store: SqlStore) -> None:
    odd = stored(
        fields={
            "first_name": "Zoë 🦊", "touches": 3.0, "marketing_opt_out": False, "last_touch_at": hours(-2),
            "birthday": date(1990, 2, 28), "topics": ("a", "b"), "message": "half \ud83d pair, nul \0 and ' \" ; --",
            "company": None, "long": "x" * 60_000,
        },
        changed_at={"stage": hours(-5)}, problems=("The phone number cannot be read.",),
        raw={"email": "p101@firm.example", "odd": "\0\ud83d", "none": None},
    )
    with store.transaction() as unit:
        unit.put_contacts([odd, stored(BEN)])
        unit.put_contacts([odd])
    with store.reading() as unit:
        assert unit.contacts(ids(ANA, BEN, "999")) == {ANA: odd, BEN: stored(BEN)}


def test_instants_come_back_as_the_same_instant_in_utc(store: SqlStore) -> None:
    eastern = timezone(timedelta(hours=-5))
    with store.transaction() as unit:
        unit.put_contacts([stored(modified_at=datetime(2026, 3, 2, 4, 0, 0, 123456, tzinfo=eastern))])
        found = unit.contacts([ANA])[ANA].contact.modified_at
    assert found == datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC) and found.utcoffset() == timedelta(0)


def test_a_naive_instant_is_refused(store: SqlStore) -> None:
    with pytest.raises(Exception, match="time zone"), store.transaction() as unit:
        unit.put_watermark("contacts", datetime(2026, 3, 2))


def test_a_page_that_knows_nothing_of_our_list_leaves_the_mark(store: SqlStore) -> None:
    """I1: only set_on_list takes a contact off."""
    with store.transaction() as unit:
        unit.put_contacts([stored()])
        unit.set_on_list([ANA], True)
        unit.put_contacts([stored(modified_at=hours(1))])
        assert unit.contacts([ANA])[ANA].on_list
        unit.set_on_list([ANA], False)
        assert not unit.contacts([ANA])[ANA].on_list


def test_contacts_are_found_as_people_type_them(store: SqlStore) -> None:
    with store.transaction() as unit:
        unit.put_contacts([stored(), stored(BEN, {"email": "p101@firm.example"}, modified_at=hours(1), gone=True)])
        assert unit.find_contact("  P101@Firm.example ") == ANA
        assert unit.find_contact(BEN) == BEN
        assert unit.find_contact("nobody@firm.example") is None
        assert unit.find_contact(" ") is None
        assert unit.contact_ids_by_email(["p101@firm.example", "x@y.example"]) == {"p101@firm.example": ANA}


def test_a_field_change_put_twice_is_one(store: SqlStore) -> None:
    rows = [change("*", '{"stage":"lead"}', -2, source="baseline"), change("stage", "mql"), change("stage", None, 1)]
    with store.transaction() as unit:
        unit.put_field_changes(rows)
        unit.put_field_changes(rows)
        assert unit.field_changes(ANA) == rows
        assert unit.field_changes(BEN) == []


def test_who_was_seen_to_change_comes_in_the_order_in_which_that_was_seen(store: SqlStore) -> None:
    """What was read is gone on with behind its last row; other fields do not count."""
    at = change("*", "{}").observed_at
    seen = [change("visit", "1", contact=BEN), change("*", "{}"), change("stage", "mql"), change("visit", "2", 1)]
    rows = [replace(row, observed_at=at + timedelta(hours=number // 3)) for number, row in enumerate(seen)]
    with store.transaction() as unit:
        unit.put_field_changes(rows)

        def found(since: datetime, after: str = "", hour: float = 99, limit: int = 9) -> list[ContactId]:
            return [who for _, who in unit.seen_to_change(("visit", "*"), since, after, hours(hour), limit)]

        first, last = sorted((ANA, BEN))
        assert found(at) == [first, last, ANA]
        assert (found(at, first), found(at, hour=1), found(at, limit=1)) == ([last, ANA], [first, last], [first])
        assert found(at + timedelta(microseconds=1)) == [ANA]


def test_the_work_list_is_in_id_order_and_forgets_what_is_cleared(store: SqlStore) -> None:
    """I9: ties by id, whatever language the server speaks."""
    with store.transaction() as unit:
        unit.mark_dirty(ids("b", "B", "a", "1", "10", "9"), "search")
        unit.mark_dirty(ids("a"), "timer")
        assert unit.dirty(10) == ids("1", "10", "9", "B", "a", "b")
        assert unit.dirty(2) == ids("1", "10")
        unit.clear_dirty(ids("1", "10", "x"))
        assert unit.dirty_count() == 4


def test_all_that_still_exist_can_be_marked(store: SqlStore) -> None:
    with store.transaction() as unit:
        unit.put_contacts([stored(ANA), stored(BEN), stored("103", gone=True), stored("104", merged_into=ANA)])
        unit.mark_dirty([ANA], "search")
        assert unit.mark_all_dirty("rules") == 1
        assert unit.dirty(9) == [ANA, BEN]
        unit.mark_gone([BEN])
        assert unit.contacts([BEN])[BEN].gone


def test_a_retry_waits_for_the_next_run(store: SqlStore) -> None:
    """P5: at most once a run."""
    with store.transaction() as unit:
        unit.mark_retry([ANA, BEN])
        unit.mark_retry([ANA])
        assert unit.dirty(9) == []
        unit.mark_retries_dirty()
        assert unit.dirty(9) == [ANA, BEN]
        unit.clear_dirty([ANA, BEN])
        unit.mark_retries_dirty()
        assert unit.dirty(9) == []


# -- activities, deals


def test_an_activity_is_new_once(store: SqlStore) -> None:
    rows = [activity(2), activity(1), activity(1), activity(1, BEN, stream="forms")]
    with store.transaction() as unit:
        assert unit.put_activities(rows, NOW) == {ANA, BEN}
        assert unit.put_activities(rows, NOW) == frozenset()
        found = unit.activities([ANA, BEN, ContactId("9")], hours(-9))
    assert found == {ANA: [activity(2), activity(1)], BEN: [activity(1, BEN, stream="forms")], "9": []}
    with store.reading() as unit:
        assert unit.activities([ANA], hours(-1))[ANA] == [activity(1)]


def test_a_form_waits_for_its_address(store: SqlStore) -> None:
    waiting = activity(1, None, email="new@firm.example", stream="forms")
    with store.transaction() as unit:
        assert unit.put_activities([waiting], NOW) == frozenset()
        assert unit.claim_activities({"other@firm.example": BEN}) == frozenset()
        assert unit.claim_activities({"new@firm.example": ANA, "other@firm.example": BEN}) == {ANA}
        assert unit.activities([ANA], hours(-9))[ANA] == [replace(waiting, contact=ANA)]
        assert unit.claim_activities({"new@firm.example": BEN}) == frozenset()


def test_a_deal_tells_of_all_whom_its_change_concerns(store: SqlStore) -> None:
    deal = Deal(id="1", contacts=(BEN, ANA), state=DealState.OPEN, created_at=NOW, modified_at=NOW, amount=9.5)
    won = replace(deal, contacts=(ANA,), state=DealState.WON, closed_at=hours(1))
    with store.transaction() as unit:
        assert unit.put_deals([deal]) == {ANA, BEN}
        assert unit.put_deals([deal]) == frozenset()
        assert unit.put_deals([won]) == {ANA, BEN}
        assert unit.deals([ANA, BEN]) == {ANA: [won], BEN: []}


# -- owners and turns


def test_owners_come_back_archived_ones_included(store: SqlStore) -> None:
    owners = [
        Owner(id=OwnerId("7"), name="Rep One", email="r1@us.example", teams=("EMEA",)),
        Owner(id=OwnerId("8"), name="Rep Two", email="r2@us.example", archived=True),
    ]
    with store.transaction() as unit:
        unit.put_owners([replace(owners[0], name="Before"), owners[1]])
        unit.put_owners(owners)
        assert unit.owners() == owners


def test_a_turn_is_handed_back_whatever_moved_since(store: SqlStore) -> None:
    """R12."""
    with store.transaction() as unit:
        other = OwnerId("8")
        unit.move_rotation("desk", {REP: 60, other: -60})
        unit.move_rotation("desk", {REP: -40, other: 40})
        assert unit.rotation() == {"desk": {REP: 20, other: -20}}
        unit.hand_back_turn("desk", {REP: 60, other: -60})
        assert unit.rotation() == {"desk": {REP: -40, other: 40}}
        unit.hand_back_turn("desk", {REP: -40, other: 40})
        assert unit.rotation() == {}


# -- episodes, decisions, timers


def test_episodes_come_back_by_ordinal_and_every_asked_contact_has_its_list(store: SqlStore) -> None:
    first = episode(
        "ep_1", state=State.RECYCLED, ended_at=NOW, exit_reason="not_ready", wakes_at=hours(9), signal_at=hours(-2)
    )
    second = episode("ep_2", ordinal=2, silent=True)
    with store.transaction() as unit:
        unit.put_episode(second, at=NOW, cause="infer")
        unit.put_episode(first, at=NOW, cause="end")
        assert unit.episodes([ANA, BEN]) == {ANA: [first, second], BEN: []}
        unit.delete_episode(second.id)
        assert unit.episodes([ANA]) == {ANA: [first]}
        assert unit.all_episodes() == [first]


def test_what_adoption_lets_in_counts_for_the_day_be_it_new_or_silent_until_then(store: SqlStore) -> None:
    """R41: `handoff adopt` promises so many leads per rep and day, from both kinds of cohort."""
    with store.transaction() as unit:
        unit.put_episode(episode("ep_1", silent=True), at=hours(-9), cause="infer")
        unit.put_episode(episode("ep_1"), at=NOW, cause="adopt")
        unit.put_episode(episode("ep_2", contact=BEN), at=NOW, cause="adopt")
        unit.put_episode(episode("ep_3", contact=ContactId("103")), at=NOW, cause="hand_over")
        assert unit.adopted_on(NOW) == {REP: 2}


def test_a_path_has_a_step_only_where_state_owner_or_silence_changed(store: SqlStore) -> None:
    one = episode()
    versions = [one, replace(one, reason="other words"), replace(one, owner=OwnerId("8"), assignment=2)]
    with store.transaction() as unit:
        for version in (*versions, versions[-1]):
            unit.put_episode(version, at=NOW, cause="decided")
    with store.transaction() as unit:
        unit.put_episode(replace(versions[-1], state=State.WORKING), at=hours(1), cause="touch")
    with store.database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT number, state, owner, cause FROM episode_step ORDER BY number").all()
    assert [tuple(row) for row in rows] == [
        (1, "handed_off", "7", "decided"), (2, "handed_off", "8", "decided"), (3, "working", "8", "touch")
    ]


def test_open_leads_count_neither_silent_nor_ended_ones(store: SqlStore) -> None:
    with store.transaction() as unit:
        unit.put_episode(episode("a", "1"), at=NOW, cause="")
        unit.put_episode(episode("b", "2"), at=NOW, cause="")
        unit.put_episode(episode("c", "3", silent=True), at=NOW, cause="")
        unit.put_episode(episode("d", "4", state=State.WON, ended_at=NOW), at=NOW, cause="")
        assert unit.open_leads() == {REP: 2}


def test_adoption_is_counted_by_owner_and_instant(store: SqlStore) -> None:
    """R41."""
    silent = [episode(f"ep_{n}", str(n), silent=True, state=State.SALES_QUALIFIED) for n in range(4)]
    with store.transaction() as unit:
        for one in silent:
            unit.put_episode(one, at=hours(-30), cause="infer")
        assert unit.silent_episodes(["sales_qualified"], 2, "ep_0") == silent[1:3]
        assert unit.silent_episodes(["handed_off"], 2, "") == []
        unit.put_episode(replace(silent[0], silent=False), at=hours(-25), cause="adopt")
        unit.put_episode(replace(silent[1], silent=False), at=NOW, cause="adopt")
        unit.put_episode(replace(silent[1], silent=False, state=State.WON, ended_at=NOW), at=NOW, cause="won")
        assert unit.adopted_on(hours(-24)) == {REP: 1}


def test_the_account_owner_is_that_of_the_newest_episode(store: SqlStore) -> None:
    with store.transaction() as unit:
        unit.put_contacts([stored(ANA), stored(BEN), stored("103", {"domain": "else.example"})])
        unit.put_episode(episode("a", ANA, opened_at=hours(-9)), at=NOW, cause="")
        unit.put_episode(episode("b", BEN, opened_at=hours(-2), owner=OwnerId("8")), at=NOW, cause="")
        unit.put_episode(episode("c", "103", opened_at=hours(-1), silent=True), at=NOW, cause="")
        alone = {(Hop.SALES, "firm.example"): {ANA: "7", BEN: "8"}}
        assert unit.accounts(["firm.example", "else.example"]).holders == alone
        called = episode("d", BEN, ordinal=2, opened_at=NOW, owner=OwnerId("9"), party="callers")
        unit.put_episode(called, at=NOW, cause="")
        found = unit.accounts(["firm.example", "else.example"])
        assert found.holders == alone | {(Hop.TELEQUALIFICATION, "firm.example"): {BEN: "9"}}
        assert (found.owner(Hop.SALES, "firm.example"), found.owner(Hop.SALES, "else.example")) == ("8", None)


def test_an_account_goes_by_where_its_leads_are_now(store: SqlStore) -> None:
    """R12, I12: another domain, a page that tells nothing of leads, a merge."""
    with store.transaction() as unit:
        unit.put_contacts([stored(ANA), stored(BEN, {"domain": "else.example"})])
        unit.put_episode(episode("a", ANA), at=NOW, cause="")
        unit.put_contacts([stored(ANA, {"domain": "new.example"})])
        assert unit.accounts(["firm.example", "else.example"]).holders == {}
        assert unit.accounts(["new.example"]).owner(Hop.SALES, "new.example") == "7"
        unit.merge_contact(ANA, BEN)
        assert unit.accounts(["else.example"]).holders == {(Hop.SALES, "else.example"): {BEN: "7"}}
        assert unit.accounts(["new.example"]).holders == {}


def test_a_decision_is_told_as_it_was_made(store: SqlStore) -> None:
    """R13, R34: the contributions sum to the score, and every candidate has its reason."""
    with store.transaction() as unit:
        unit.put_decision(RUN, decision())
        unit.put_decision(RUN, decision())
        unit.put_decision(RUN, decision(action=Action.NOTHING, score=None, route=None, episode=None, as_of=hours(1)))
    with store.reading() as unit:
        first, second = unit.decisions(ANA)
        assert unit.decisions(BEN) == []
    found: dict[str, Any] = dict(first)
    assert (found["number"], found["action"], found["state"], found["as_of"]) == (1, "hand_over", "handed_off", NOW)
    assert sum(line["points"] for line in found["score"]["contributions"]) == found["score"]["total"] == 4250
    assert found["score"]["contributions"][1]["occurred_at"] == hours(-3)
    assert found["route"]["candidates"][1] == {"owner": "8", "why_not": "away"}
    assert found["verdicts"][0]["reasons"] == ["a company address"]
    assert (second["score"], second["route"], second["missing"]) == (None, None, [])


def test_only_the_latest_decision_says_whether_a_contact_predates(store: SqlStore) -> None:
    """R41."""
    with store.transaction() as unit:
        for name in ("1", "2", "3"):
            unit.put_decision(RUN, decision(name, action=Action.PREDATES, episode=None))
        unit.put_decision(RUN, decision("2", as_of=hours(1)))
        assert unit.predating(9, "") == ids("1", "3")
        assert unit.predating(9, "1") == ids("3")


def test_timers_come_due_in_order_and_fire_once(store: SqlStore) -> None:
    """I5, I9: found by index, due means due_at <= as_of."""
    late, early, other = timer("late", due_at=hours(2)), timer("early"), timer("early", BEN, due_at=hours(3))
    with store.transaction() as unit:
        unit.put_timers([late, other, early])
        assert unit.due_timers(hours(0.5), 9) == []
        assert unit.due_timers(hours(2), 9) == [early, late]
        assert unit.due_timers(hours(2), 1) == [early]
        unit.fire_timers([early], NOW)
        unit.put_timers([early])
        assert unit.due_timers(hours(2), 9) == [late]
        assert unit.timers(ANA) == [late]
        unit.put_timers([replace(early, due_at=hours(1.5))])
        assert unit.timers(ANA) == [replace(early, due_at=hours(1.5)), late]


def test_timers_are_cancelled_by_kind_and_name(store: SqlStore) -> None:
    back = timer("return", kind=TimerKind.RETURN, level="", episode=None)
    with store.transaction() as unit:
        unit.put_timers([timer("a"), timer("b"), back])
        unit.cancel_timers(ANA, [TimerKind.SLA], "a")
        assert {one.name for one in unit.timers(ANA)} == {"b", "return"}
        unit.cancel_timers(ANA, [TimerKind.SLA])
        assert unit.timers(ANA) == [back]
        unit.cancel_timers(ANA, ())
        assert unit.timers(ANA) == []


# -- intents, audit, quarantine


def test_an_intent_comes_back_with_all_it_needs_to_be_settled(store: SqlStore) -> None:
    """I7: after a crash it is settled by what it says, never by guessing."""
    changes = (
        Change(contact=ANA, kind=ChangeKind.FIELD, field="due_at", before=None, after=hours(3)),
        Change(contact=ANA, kind=ChangeKind.FIELD, field="topics", before=("a",), after=("a", "b"), backward=True),
        Change(contact=ANA, kind=ChangeKind.LIST_ADD, field="hold", before=None, after=None),
    )
    one = intent(
        changes=changes, expected={"lifecyclestage": "lead", "owner": None}, before=episode(touched_at=NOW),
        turn=("desk", {REP: 60}),
    )
    with store.transaction() as unit:
        unit.put_intents([one, intent("in_2", BEN)])
        unit.put_intents([one])
        assert unit.intents("open", 9) == [one, intent("in_2", BEN)]
        unit.settle_intents([replace(one, status="written", tries=1)])
        assert unit.intents("open", 9) == [intent("in_2", BEN)]
        assert unit.intents("written", 9) == [replace(one, status="written", tries=1)]


def test_an_audit_row_put_twice_is_one(store: SqlStore) -> None:
    """P6."""
    row = AuditRow(effect="fx", contact=ANA, episode=None, rule="hand_over", inputs={"by": "e"}, outcome="planned")
    with store.transaction() as unit:
        unit.audit(RUN, [row], NOW)
        unit.audit(RUN, [row, replace(row, outcome="written")], hours(1))
    with store.database.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM audit").scalar() == 2


def test_quarantine_counts_how_often(store: SqlStore) -> None:
    """P5."""
    with store.transaction() as unit:
        assert [unit.put_quarantine(ANA, "odd", hours(n)) for n in range(3)] == [1, 2, 3]
        row = unit.quarantined()[0]
        assert (row["contact"], row["tries"], row["first_at"], row["last_at"]) == (ANA, 3, NOW, hours(2))
        unit.clear_quarantine([ANA])
        assert unit.quarantined() == []


# -- the outbox within a unit of work


def test_an_entry_is_queued_once_and_a_cancelled_one_can_be_revived(store: SqlStore) -> None:
    """P3, I5."""
    held = entry("a", status="held", intent="in_1", due_at=None)
    with store.transaction() as unit:
        assert unit.put_entries([held, held, entry("b", BEN)]) == 2
        assert unit.put_entries([replace(held, body="another"), entry("b", BEN)]) == 0
        unit.cancel_entries(["in_1"], "refused")
        assert unit.put_entries([replace(held, intent="in_2")]) == 1
        unit.release_entries(["in_1"], NOW)
    assert [one.id for one in store.outbox.claim(NOW, 9)] == ["b"]
    with store.transaction() as unit:
        unit.release_entries(["in_2"], NOW)
    assert store.outbox.claim(NOW, 9) == [replace(held, intent="in_2", status="due", due_at=NOW, sequence=3)]


def test_nothing_is_told_of_a_contact_that_is_gone(store: SqlStore) -> None:
    with store.transaction() as unit:
        unit.put_entries([entry("a"), entry("b", status="held", intent="x"), entry("c", BEN)])
        unit.cancel_contact_entries([ANA], "deleted")
        unit.release_entries(["x"], NOW)
    assert [one.id for one in store.outbox.claim(NOW, 9)] == ["c"]


# -- merges


def test_after_a_merge_all_follows_the_survivor(store: SqlStore) -> None:
    """I12: no second handoff, suppression of either side stays."""
    with store.transaction() as unit:
        unit.put_contacts([stored(ANA, on_list=True), stored(BEN), stored("100", merged_into=ANA)])
        unit.put_activities([activity(1, ANA), activity(2, BEN)], NOW)
        unit.put_episode(episode("a1", ANA, state=State.LOST, opened_at=hours(-9), ended_at=NOW), at=NOW, cause="")
        unit.put_episode(episode("a2", ANA, ordinal=2, opened_at=hours(-3)), at=NOW, cause="")
        unit.put_episode(episode("b1", BEN, state=State.WON, opened_at=hours(-1), ended_at=NOW), at=NOW, cause="")
        unit.put_timers([timer("a", ANA), timer("b", BEN)])
        unit.mark_dirty([ANA], "search")
        unit.put_entries([entry("n", ANA, status="held", intent="i")])
        unit.put_decision(RUN, decision(ANA))
        unit.merge_contact(ANA, BEN)
        unit.merge_contact(ANA, BEN)
    with store.transaction() as unit:
        rows = unit.contacts(ids("100", ANA, BEN))
        assert {name: row.merged_into for name, row in rows.items()} == {"100": BEN, ANA: BEN, BEN: None}
        assert rows[BEN].on_list and not rows[ANA].on_list
        assert [(one.id, one.ordinal) for one in unit.episodes([BEN])[BEN]] == [("a1", 1), ("b1", 2), ("a2", 3)]
        assert unit.episodes([ANA]) == {ANA: []}
        assert [one.id for one in unit.activities([BEN], hours(-9))[BEN]] == ["2", "1"]
        assert {one.name for one in unit.timers(BEN)} == {"a", "b"} and unit.timers(ANA) == []
        assert unit.dirty(9) == [BEN]
        assert unit.find_contact(ANA) == BEN
        assert len(unit.decisions(BEN)) == 1
        assert unit.put_activities([activity(3, ANA)], NOW) == {BEN}
        unit.cancel_contact_entries([BEN], "x")
        unit.release_entries(["i"], NOW)
    assert store.outbox.claim(NOW, 9) == []


def test_a_survivor_not_seen_before_starts_as_a_copy(store: SqlStore) -> None:
    """I12: the CRM may mint a new id for a merge."""
    with store.transaction() as unit:
        unit.put_contacts([stored(ANA, on_list=True)])
        unit.merge_contact(ANA, ContactId("900"))
        found = unit.contacts(ids("900"))["900"]
    assert found.on_list and found.contact.fields == stored(ANA).contact.fields and found.merged_into is None
