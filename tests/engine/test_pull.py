"""Pull: pages into the store, each once; what changed is decided, what did not costs nothing (I4, I12, R31)."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from factories import DAY, HOUR, MINUTE, NOW, demo_request, make_book, make_deal, pricing_view, shipped_book
from fakes import kill

from connector.domain.contact import ContactId
from connector.domain.deal import Deal, DealState
from connector.domain.episode import State
from connector.engine import pull, run
from connector.rules.rulebook import RuleBook
from engine.world import World


@pytest.fixture
def world() -> World:
    return World().begin()


def test_the_first_run_reads_every_contact_and_later_ones_what_changed(world: World) -> None:
    """R31"""
    for number in range(5):
        world.crm.add(str(101 + number))
    assert world.run().counts.contacts_pulled == 5
    world.run_later(HOUR)
    world.crm.forget()
    world.crm.edit("103", company="Acme")
    report = world.run_later()
    assert (report.counts.contacts_pulled, world.crm.calls("pull_all_contacts")) == (1, [])


def test_a_full_run_reads_every_contact_and_decides_none_that_is_as_it_was(world: World) -> None:
    for number in range(5):
        world.crm.add(str(101 + number))
    world.run()
    report = world.run_later(full=True)
    assert (report.counts.contacts_pulled, report.counts.decided) == (5, 0)


def test_what_the_index_shows_late_is_still_found(world: World) -> None:
    """I4: each run re-reads an overlap behind its watermark."""
    world.run()
    mark = world.clock.now()
    world.clock.pass_by(MINUTE)
    world.crm.add("101", created_at=mark - 2 * MINUTE)
    assert world.run().counts.contacts_pulled == 1


def test_a_page_that_is_read_twice_changes_nothing(world: World) -> None:
    world.crm.add()
    world.run()
    with world.store.reading() as uow:
        before = uow.field_changes(ContactId("101"))
    assert world.run_later(MINUTE).counts.decided == 0
    with world.store.reading() as uow:
        assert uow.field_changes(ContactId("101")) == before


def test_every_change_of_a_mapped_field_is_kept_with_both_times(world: World) -> None:
    """R35: replay will need them."""
    world.crm.add(company="Old")
    world.run()
    world.crm.edit(company="New")
    edited = world.clock.now()
    report = world.run_later()
    with world.store.reading() as uow:
        first, *others = uow.field_changes(ContactId("101"))
    assert (first.field, first.source, json.loads(first.value or "")["company"]) == ("*", "baseline", "Old")
    assert [(c.field, c.value, c.occurred_at, c.observed_at) for c in others] == [
        ("company", "New", edited, report.run.as_of)
    ]


def test_a_submission_waits_for_the_contact_of_its_address(world: World) -> None:
    """R07: forms come with an address, not with an id."""
    world.crm.happen(demo_request(world.clock.now(), contact=None, email="kim101@acme.example"))
    assert world.run().counts.decided == 0
    world.crm.add()
    world.run_later()
    assert world.kinds() == ["lead.handed_off"]


def test_a_submission_of_a_known_address_finds_its_contact_at_once(world: World) -> None:
    world.crm.add()
    world.run()
    world.clock.pass_by(HOUR)
    world.crm.happen(demo_request(world.clock.now(), contact=None, email="kim101@acme.example"))
    world.run()
    assert world.kinds() == ["lead.handed_off"]


def test_activities_after_the_runs_time_wait_for_the_next(world: World) -> None:
    """I9"""
    world.crm.add()
    world.crm.happen(demo_request(world.clock.now() + MINUTE))
    world.run()
    assert world.kinds() == []
    world.run_later()
    assert world.kinds() == ["lead.handed_off"]


def test_clicks_of_machines_are_kept_and_never_count(world: World) -> None:
    """R09"""
    world.crm.add()
    for minutes in (3, 2, 1):
        world.crm.happen(pricing_view(world.clock.now() - minutes * MINUTE, automatic=True))
    report = world.run()
    assert (report.counts.activities_pulled, world.kinds()) == (3, [])


def test_a_deal_that_lies_untouched_for_a_year_is_known_from_the_first_run_on() -> None:
    """R25: and a full run reads them all again."""
    world = World()
    world.crm.add(created_at=NOW - 500 * DAY)
    world.crm.deals.append(make_deal(DealState.OPEN, at=NOW - 400 * DAY))
    world.begin()
    world.run()
    assert [deal.id for deal in deals_of(world)] == ["d1"]
    world.crm.deals.append(make_deal(DealState.WON, id="d2", at=NOW - 300 * DAY))
    world.run_later()
    assert len(deals_of(world)) == 1
    world.run_later(full=True)
    assert len(deals_of(world)) == 2


def deals_of(world: World, contact: str = "101") -> Sequence[Deal]:
    with world.store.reading() as uow:
        return uow.deals([ContactId(contact)])[ContactId(contact)]


def test_a_deal_reaches_the_contact_that_it_is_about(world: World) -> None:
    """R25"""
    world.crm.add()
    world.crm.happen(demo_request(world.clock.now()))
    world.run()
    world.clock.pass_by(HOUR)
    world.crm.deals.append(make_deal(DealState.WON, at=world.clock.now()))
    world.run()
    assert world.episode().state is State.WON
    assert (world.crm.value("101", "stage"), world.crm.listed) == ("customer", set())


# -- archived and merged ---------------------------------------------------------------------------------------------


def lead(world: World, contact: str = "101") -> None:
    """A hand-raiser in sales' hands."""
    world.crm.add(contact, email=f"kim@firm{contact}.example")
    world.crm.happen(demo_request(world.clock.now(), contact=contact, id=contact))
    world.run()
    world.clock.pass_by(HOUR)


def test_an_archived_lead_is_dropped_and_its_notices_are_cancelled(world: World) -> None:
    world.delivery.down = True
    lead(world)
    world.crm.archive("101")
    world.run()
    world.delivery.down = False
    world.run_later()
    assert (world.kinds(), world.timers(), world.stored().gone) == ([], [], True)
    assert (world.episode().state, world.episode().exit_reason) == (State.UNREACHABLE, "contact_deleted")
    world.run_later(9 * DAY)
    assert world.kinds() == []


def test_an_archived_contact_that_comes_back_is_a_contact_again(world: World) -> None:
    lead(world)
    world.crm.archive("101")
    world.run()
    world.crm.rows[ContactId("101")].archived_at = None
    world.crm.edit(company="Acme")
    world.run_later()
    assert not world.stored().gone
    world.crm.happen(demo_request(world.clock.now() + MINUTE))
    world.run_later()
    assert world.episode().ordinal == 2


def test_do_not_contact_means_nothing_to_a_deleted_contact(world: World) -> None:
    """I0: deletion comes before all."""
    lead(world)
    world.crm.edit(do_not_contact="true")
    world.crm.archive("101")
    world.crm.forget()
    world.run()
    assert (world.episode().exit_reason, world.crm.calls("update_contacts")) == ("contact_deleted", [])


def test_what_was_known_of_a_merged_contact_goes_on_under_the_survivor(world: World) -> None:
    """I12: the episode keeps its id; no second handover; the hold stays."""
    lead(world)
    before = world.episode()
    world.crm.add("102", email="kim.other@acme.example")
    world.run()
    world.crm.merge("101", "102")
    world.run_later()
    assert world.episodes("101") == []
    assert world.episode("102").id == before.id
    assert world.kinds().count("lead.handed_off") == 1
    assert (world.crm.listed, world.stored("102").on_list) == ({"102"}, True)


def test_of_two_leads_that_are_one_person_the_further_one_goes_on(world: World) -> None:
    """I12, P3"""
    lead(world, "101")
    world.crm.edit("101", verdict="qualified")
    world.run()
    lead(world, "102")
    first, second = world.episode("101"), world.episode("102")
    world.crm.merge("101", "102")
    world.run_later()
    merged = {episode.id: episode for episode in world.episodes("102")}
    assert (merged[first.id].is_open, merged[second.id].is_open) == (True, False)
    assert merged[second.id].exit_reason == "merged"
    world.crm.edit("102", verdict="recycle")
    world.run_later()
    assert not any(episode.is_open for episode in world.episodes("102"))
    assert world.kinds().count("lead.handed_off") == 2


# -- a run that is gone on with --------------------------------------------------------------------------------------


def portal_of_five(*, begun: bool = True) -> World:
    """Two a page."""
    world = World(page_size=2)
    for number in range(5):
        world.crm.add(str(101 + number))
    if begun:
        world.run()
        world.clock.pass_by(HOUR)
    return world


@pytest.mark.parametrize("kill_before_page", [1, 2])
def test_a_full_pull_is_gone_on_with_in_full(kill_before_page: int) -> None:
    """I4, I9: by whatever run comes next; a cursor in the list of all contacts says nothing about what changed."""
    world = portal_of_five()
    for contact in ("101", "104"):
        world.crm.edit(contact, company="Acme")
    world.crm.before("pull_all_contacts", kill, nth=kill_before_page)
    world.run_and_die(full=True)
    world.crm.forget()
    report = world.run()
    assert (report.run.resumed, world.crm.calls("pull_changed_contacts")) == (True, [])
    assert [world.stored(one).contact.text("company") for one in ("101", "104")] == ["Acme", "Acme"]
    world.crm.forget()
    world.run_later()
    assert world.crm.calls("pull_all_contacts") == []


def test_a_run_of_changes_is_not_gone_on_with_where_every_contact_is_asked_for() -> None:
    """I4: a full pull that began in mid-portal would say that it saw every contact."""
    world = portal_of_five()
    for contact in ("101", "102", "105"):
        world.crm.edit(contact, company="Acme")
    world.crm.after("pull_changed_contacts", kill)
    world.run_and_die()
    report = world.run(full=True)
    assert (report.run.resumed, report.counts.contacts_pulled) == (True, 5)


def test_a_first_run_goes_on_where_it_was_also_in_full() -> None:
    """It pulls every contact anyway: nothing is read twice."""
    world = portal_of_five(begun=False)
    world.crm.before("pull_all_contacts", kill, nth=3)
    world.run_and_die()
    assert world.run(full=True).counts.contacts_pulled == 1


# -- many contacts, the first time -------------------------------------------------------------------------------------


def portal_of_ten() -> World:
    """Two a page; five asked for a demo, and sales is at work with two of them already."""
    world = World(page_size=2)
    for number in range(101, 111):
        world.crm.add(str(number), email=f"kim@firm{number}.example")
    for number in (101, 102, 103, 109, 110):
        world.crm.happen(demo_request(world.clock.now() - HOUR, contact=ContactId(str(number)), id=str(number)))
    for number, state in ((102, DealState.OPEN), (110, DealState.WON)):
        at = world.clock.now() - 30 * MINUTE
        world.crm.deals.append(make_deal(state, id=f"d{number}", contacts=(ContactId(str(number)),), at=at))
    return world


def decided(world: World) -> dict[str, list[str]]:
    with world.store.reading() as uow:
        return {
            str(one): [str(row["action"]) for row in uow.decisions(ContactId(str(one)))] for one in range(101, 111)
        }


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "MANY_PAGES", 2)
    monkeypatch.setattr(run, "BATCH", 2)


@pytest.mark.usefixtures("many")
def test_many_contacts_are_decided_while_the_rest_is_on_its_way_by_all_that_is_known_of_them() -> None:
    """P7: their deals and activities are pulled before the rest of the contacts."""
    few, world = portal_of_ten(), portal_of_ten()
    since = world.clock.now() - DAY
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pull, "MANY_PAGES", 1_000)
        few.run(since=since)
    before_the_last_page: list[dict[str, list[str]]] = []
    world.crm.before("pull_all_contacts", lambda: before_the_last_page.append(decided(world)), nth=5)
    world.run(since=since)
    assert decided(world) == decided(few) and sorted(world.kinds()) == sorted(few.kinds())
    assert before_the_last_page[0]["101"] == ["hand_over"] and before_the_last_page[0]["109"] == []
    asked = [call for call, _ in world.crm.asked]
    assert asked.index("pull_deals") < [n for n, call in enumerate(asked) if call == "pull_all_contacts"][2]


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("page", [1, 2, 3, 4, 5])
def test_a_long_first_pull_that_is_cut_off_comes_to_the_same(page: int) -> None:
    """P3, I4, I9"""
    undisturbed, world = portal_of_ten(), portal_of_ten()
    since = world.clock.now() - DAY
    undisturbed.run(since=since)
    world.crm.after("pull_all_contacts", kill, nth=page)
    world.run_and_die(since=since)
    report = world.run(since=since)
    assert report.run.resumed and decided(world) == decided(undisturbed)
    assert sorted(world.kinds()) == sorted(undisturbed.kinds())


# -- cut off, and then otherwise --------------------------------------------------------------------------------------


def book_of_trials(points: int) -> RuleBook:
    fields = shipped_book().fields.model_dump(by_alias=True)
    fields["fields"]["trial_at"] = {"property": "trial_at", "type": "instant"}
    trial = {"say": "began a trial", "points": points, "when": {"field": "phone", "op": "filled"}, "at": "trial_at"}
    return make_book(
        fields=fields, scoring={"engagement": {"rules": [trial]}}, qualification={"threshold": {"score": 50}}
    )


def test_whom_a_first_run_passed_over_is_looked_at_by_the_rules_that_came_after_its_end() -> None:
    """P1: cut off, it left nobody on the work list of whom its own rules said that nothing comes."""
    world = World(book=book_of_trials(1))
    since, began = world.clock.now() - 10 * DAY, (world.clock.now() - DAY).isoformat()
    world.crm.add(country="US", employees="2000", job_title="Head of Sales", phone="(212) 555-0123", trial_at=began)
    world.crm.before("pull_deals", kill)
    world.run_and_die(since=since)
    world.book = book_of_trials(45)
    world.crm.before("pull_deals", kill)
    world.run_and_die(since=since)
    world.run(since=since)
    assert world.decisions() == ["hand_over"]


@pytest.mark.usefixtures("many")
def test_what_a_run_in_shadow_decided_before_it_was_cut_off_is_decided_when_live() -> None:
    """P1"""
    world = portal_of_ten()
    since = world.clock.now() - DAY
    world.crm.after("pull_all_contacts", kill, nth=5)
    world.run_and_die(since=since, shadow=True)
    assert decided(world)["101"] == ["hand_over"]
    world.run(since=since)
    assert world.kinds().count("lead.handed_off") == 5


# -- the recycle bin ---------------------------------------------------------------------------------------------------


def test_a_long_recycle_bin_is_read_once_an_hour_and_nobody_in_it_is_missed() -> None:
    """P8: it is not sorted by time, so each look costs a call for every hundred that were ever archived."""
    world = portal_of_five()
    for contact in ("101", "102", "103"):
        world.crm.archive(contact)
    world.run()
    assert len(world.crm.calls("pull_archived_contacts")) == 2, "two a page; the first run had nothing to look for"
    assert world.stored("103").gone
    world.crm.archive("104")
    world.crm.forget()
    for _ in range(4):
        report = world.run_later(10 * MINUTE)
        assert ("archived" in report.counts.completeness, report.exit_code) == (False, 0)
    assert world.crm.calls("pull_archived_contacts") == [] and not world.stored("104").gone
    world.run_later(30 * MINUTE)
    assert len(world.crm.calls("pull_archived_contacts")) == 2 and world.stored("104").gone
    world.run_later(MINUTE, full=True)
    assert len(world.crm.calls("pull_archived_contacts")) == 4, "a full pull looks all the same"


def test_a_short_recycle_bin_is_read_in_each_run() -> None:
    world = portal_of_five()
    world.crm.archive("101")
    world.run()
    world.crm.archive("102")
    world.run_later(MINUTE)
    assert world.stored("102").gone


# -- what was seen -----------------------------------------------------------------------------------------------------


def test_a_run_says_which_window_it_covered_and_what_it_saw_there() -> None:
    """P1, I4"""
    world = portal_of_five()
    first = world.runs()[0]["counts"]["completeness"]["contacts"]
    assert (first["since"], first["rows"], first["new"]) == (None, 5, 5)
    covered = world.clock.now() - HOUR
    world.crm.edit("102", company="Acme")
    world.crm.add("106", created_at=covered - 2 * MINUTE)
    seen = world.run().counts.completeness["contacts"]
    assert (seen.rows, seen.new, seen.changed, seen.known) == (6, 1, 1, 4)
    assert (seen.overlap, seen.late, seen.latest, seen.trailing) == (4, 1, 120, True)


@pytest.mark.parametrize("page", [1, 2, 3])
@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_run_that_is_gone_on_with_counts_each_row_once(page: int, phase: str) -> None:
    """I4, I9: the figures are kept with the rows that they count, wherever the kill comes."""
    world = portal_of_five(begun=False)
    getattr(world.crm, phase)("pull_all_contacts", kill, nth=page)
    world.run_and_die()
    report = world.run()
    seen = report.counts.completeness["contacts"]
    assert (report.run.resumed, seen.rows, seen.new + seen.known) == (True, 5, 5)
    assert report.as_dict()["completeness"]["deals"]["rows"] == 0


def test_streams_that_are_off_are_not_said_to_be_covered() -> None:
    """P5: what the portal does not give is no window that was seen."""
    world = World()
    world.crm.off["page_views"] = "page views are off"
    assert "page_views" not in world.run().counts.completeness


# -- rules that read differently -------------------------------------------------------------------------------------


def test_other_stages_in_the_rules_are_read_anew_from_every_contact(world: World) -> None:
    """R32"""
    world.crm.add(stage="marketingqualifiedlead")
    world.run()
    assert world.stored().contact.text("stage") == "mql"
    stages = dict(world.book.stages.stages)
    world.book = make_book(stages={"stages": stages | {"marketingqualifiedlead": "lead", "lead": "mql"}})
    world.run_later()
    assert world.stored().contact.text("stage") == "lead"
