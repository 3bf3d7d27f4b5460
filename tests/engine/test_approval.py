"""Approving a preview: exactly what was shown is carried out, and nothing that changed since (R33)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from factories import DAY, HOUR, MINUTE, demo_request, make_book, pricing_view

from connector.domain.contact import ContactId, PortalId
from connector.engine.approval import Approval, read_saved, saved
from connector.engine.context import Options
from connector.engine.report import RunReport
from connector.engine.run import Ports, sync
from connector.errors import SettingsError
from connector.store import scratch
from engine.world import World


@pytest.fixture
def world() -> World:
    return World().begin()


def asks(world: World, *contacts: str) -> None:
    for contact in contacts:
        world.crm.add(contact, email=f"lead{contact}@acme{contact}.example")
        world.crm.happen(demo_request(world.clock.now(), contact=ContactId(contact), id=f"demo{contact}"))


def preview(world: World) -> tuple[RunReport, Approval]:
    """As the command does it: on a copy, and by way of its file."""
    with scratch(world.store) as copy:
        ports = world.ports
        on_copy = Ports(
            source=ports.source, crm=ports.crm, store=copy, delivery=ports.delivery, build_body=ports.build_body,
            destinations=ports.destinations,
        )  # fmt: skip
        report = sync(on_copy, world.book, world.crm.portal(), Options(dry_run=True))
    leads = [(lead.decision, lead.changes, lead.basis) for lead in report.planned]
    whole = saved(leads, portal=world.crm.portal().id, rules=report.run.fingerprint, as_of=report.run.as_of)
    return report, read_saved(json.dumps(whole))


def owners(report: RunReport) -> dict[str, object]:
    return {lead.decision.contact: lead.decision.episode and lead.decision.episode.owner for lead in report.planned}


def test_what_sales_corrected_after_a_hand_back_can_be_approved(world: World) -> None:
    """R33, R21"""
    asks(world, "201")
    world.run()
    world.crm.edit("201", verdict="recycle")
    world.run_later()
    world.crm.edit("201", verdict_reason="bad_fit")
    world.clock.pass_by(HOUR)
    _, approval = preview(world)
    world.run_later(HOUR, approval=approval)
    assert (approval.left_out, world.crm.value("201", "nurture_track")) == ({}, "awareness")


def test_who_would_hear_nothing_new_is_not_shown(world: World) -> None:
    """R33: the triage desk was told of it by the former rules, and is told once."""
    world.crm.add("201", email="kim@mailinator.com")
    world.crm.happen(demo_request(world.clock.now(), contact=ContactId("201"), id="201"))
    assert [lead.decision.sentence for lead in preview(world)[0].planned]
    world.run()
    assert world.kinds() == ["lead.triaged"]
    world.book = make_book(qualification={"threshold": {"score": 20}})
    world.clock.pass_by(HOUR)
    assert preview(world)[0].planned == ()
    world.run()
    assert world.kinds() == ["lead.triaged"]


def test_exactly_what_was_shown_is_carried_out(world: World) -> None:
    asks(world, "201", "202", "203")
    shown, approval = preview(world)
    report = world.run_later(HOUR, approval=approval)
    assert (approval.left_out, report.counts.handed_off, report.status) == ({}, 3, "completed")
    for contact, owner in owners(shown).items():
        assert world.episode(contact).owner == owner
    planned = {(one.contact, one.field): one.after for lead in shown.planned for one in lead.changes}
    for (contact, field), after in planned.items():
        if field in ("score", "grade", "reason", "qualified_at", "owner", "stage", "episode"):
            assert world.stored(contact).contact.get(field) == after, field


def test_the_reps_clock_begins_when_the_lead_is_handed_over(world: World) -> None:
    asks(world, "201")
    _, approval = preview(world)
    world.run_later(3 * HOUR, approval=approval)
    assert world.episode("201").handed_off_at == world.decided_at("201") != approval.as_of
    assert all(timer.due_at > world.clock.now() - MINUTE for timer in world.timers("201"))


def test_who_was_edited_or_did_something_since_is_left_out_and_said_why(world: World) -> None:
    """The others go to the owners that were shown, though a turn before theirs was not taken."""
    asks(world, "201", "202", "203", "204")
    shown, approval = preview(world)
    world.crm.edit("201", job_title="CEO")
    world.crm.happen(pricing_view(world.clock.now() + MINUTE, contact=ContactId("203"), id="view203"))
    report = world.run_later(HOUR, approval=approval)
    assert approval.left_out == {"201": "its record was edited since", "203": "it did something since"}
    assert report.counts.handed_off == 2 and approval.agreed == {"202", "204"}
    assert {one: world.episode(one).owner for one in ("202", "204")} == {
        one: owner for one, owner in owners(shown).items() if one in ("202", "204")
    }
    assert world.episodes("201") == [] and world.episodes("203") == []
    assert world.run_later().counts.handed_off == 2, "the next run decides the others anew"


def test_who_was_not_in_the_preview_is_not_touched_by_it(world: World) -> None:
    asks(world, "201")
    _, approval = preview(world)
    asks(world, "202")
    report = world.run_later(approval=approval)
    assert report.counts.handed_off == 1 and world.episodes("202") == [] and "202" in world.dirty()
    assert report.watermark is None and report.exit_code == 0
    assert world.run_later().counts.handed_off == 1


def test_what_was_done_since_is_not_done_twice(world: World) -> None:
    """P3"""
    asks(world, "201")
    _, approval = preview(world)
    world.run_later()
    report = world.run_later(approval=approval)
    assert report.counts.handed_off == 0 and set(approval.left_out) == {"201"}
    assert len(world.episodes("201")) == 1


def test_a_preview_out_of_date_is_refused_as_a_whole(world: World) -> None:
    asks(world, "201")
    _, approval = preview(world)
    with pytest.raises(SettingsError, match="not of the last day"):
        world.run_later(timedelta(hours=25), approval=approval)
    _, approval = preview(world)
    world.book = make_book(qualification={"threshold": {"score": 1}})
    with pytest.raises(SettingsError, match="rules changed"):
        world.run_later(approval=approval)
    with pytest.raises(SettingsError, match="portal"):
        approval.require(PortalId("9"), approval.rules, approval.as_of + DAY / 2)
    assert world.episodes("201") == []


LEAD = '{"contact": "1", "action": "hand_over", "owner": null, "route": null, "basis": {}, "changes": %s}'
PLAN = '{"handoff_preview": 1, "portal": "1", "rules": "x", "as_of": "2026-03-02T09:00:00+00:00", "leads": %s}'
DAMAGED = [PLAN % f"[{LEAD % changes}]" for changes in ('[["x"]]', "5", "null", "[[[]]]")]
DAMAGED += [PLAN % "{}", PLAN % "[5]", PLAN % '[{"contact": "1\ud800"}]', "[" * 200_000]
DAMAGED += [(PLAN % "[]").replace("+00:00", "")]


def test_a_whole_plan_is_read() -> None:
    assert list(read_saved(PLAN % f"[{LEAD % '[]'}]").leads) == ["1"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"handoff_preview": 2}', *DAMAGED], ids=lambda text: text[:20])
def test_what_is_no_saved_preview_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="no preview that Handoff saved"):
        read_saved(text)


def test_a_saved_preview_holds_no_address_or_name(world: World) -> None:
    """Digests say whether something changed, not what it is."""
    asks(world, "201")
    report, _ = preview(world)
    leads = [(lead.decision, lead.changes, lead.basis) for lead in report.planned]
    text = json.dumps(saved(leads, portal=PortalId("1"), rules="x", as_of=report.run.as_of), default=str)
    assert "acme201" not in text and "Kim" not in text
