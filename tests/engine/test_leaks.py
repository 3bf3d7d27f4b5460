"""The leak alarm (R11): marketing is told once of each e-mail of its own that went to a lead which sales holds."""

from __future__ import annotations

from datetime import datetime

from factories import DAY, HOUR, MINUTE, demo_request, make_activity, make_book

from connector.domain.activity import ActivityKind
from connector.engine.report import RunReport
from engine.world import World


def lead(world: World, contact: str) -> None:
    world.crm.add(contact)
    world.crm.happen(demo_request(world.clock.now(), contact=contact, id=f"demo-{contact}"))


def mail(world: World, contact: str, at: datetime, campaign: str = "88", name: str = "April news") -> None:
    row = make_activity(
        ActivityKind.EMAIL_SENT, at, contact=contact, id=f"{campaign}-{contact}-{at:%d%H%M}", stream="email_events",
        name=name, ref=campaign,
    )  # fmt: skip
    world.crm.happen(row)


def make_world(**keys: object) -> World:
    """Two leads are in sales' hands since an hour, a third contact is not."""
    made = World(make_book(suppression={"leak_alarm": keys}) if keys else None).begin()
    lead(made, "101")
    lead(made, "102")
    made.crm.add("500")
    made.run()
    made.clock.pass_by(HOUR)
    made.delivery.sent.clear()
    return made


def told(world: World) -> int:
    return world.kinds().count("mail.leaked")


def said(report: RunReport) -> list[str]:
    return [line for line in report.remarks if "marketing e-mail" in line]


def send_news(world: World) -> None:
    for contact in ("101", "102", "500"):
        mail(world, contact, world.clock.now() - MINUTE)


def test_marketing_is_told_which_mail_went_to_how_many_held_leads() -> None:
    """R11: by a notice, in the run's report, and in the audit trail that reports count."""
    world = make_world()
    send_news(world)
    report = world.run()
    assert told(world) == 1
    assert report.counts.mails_leaked == report.as_dict()["mails_leaked"] == 2
    with world.store.reading() as uow:
        assert len(uow.leaks(None, world.clock.now() + DAY)) == 2  # for the meeting and the SLA report
        assert uow.leaks(world.clock.now() + DAY, world.clock.now() + 2 * DAY) == []
    (remark,) = said(report)
    assert remark.startswith("The marketing e-mail “April news” (campaign 88) went to 2 leads that sales holds.")
    assert world.audit_of("campaign") == ["88", "88"]


def test_each_mail_is_told_of_once() -> None:
    """I5"""
    world = make_world()
    send_news(world)
    world.run()
    world.delivery.sent.clear()
    assert (said(world.run_later()), said(world.run_later()), told(world)) == ([], [], 0)
    mail(world, "101", world.clock.now() - MINUTE)
    assert (len(said(world.run_later())), told(world)) == (1, 1)


def test_a_campaign_each_has_a_notice_of_its_own() -> None:
    world = make_world()
    send_news(world)
    mail(world, "101", world.clock.now() - MINUTE, "91", "Welcome")
    world.run()
    assert told(world) == 2


def test_what_went_out_before_the_handover_is_none() -> None:
    world = make_world()
    mail(world, "101", world.clock.now() - 2 * HOUR)
    assert said(world.run()) == []


def test_neither_what_is_expected_nor_anything_while_it_is_off() -> None:
    for keys in ({"expected": ["April*"]}, {"active": False}):
        world = make_world(**keys)
        send_news(world)
        assert (said(world.run()), told(world)) == ([], 0)


def test_what_went_out_while_it_was_off_is_not_told_of_later() -> None:
    """R11: switched on again, it tells of what goes out from then on."""
    world = make_world()
    alarmed = world.book
    world.book = make_book(suppression={"leak_alarm": {"active": False}})
    world.run_later()
    send_news(world)
    world.run_later()
    world.clock.pass_by(MINUTE)
    world.book = alarmed
    assert (said(world.run()), told(world)) == ([], 0)
    world.clock.pass_by(HOUR)
    mail(world, "101", world.clock.now() - MINUTE)
    assert (len(said(world.run())), told(world)) == (1, 1)


def test_after_a_hand_back_marketing_may_write_again() -> None:
    world = make_world()
    world.crm.edit("101", verdict="recycle")
    world.run()
    world.clock.pass_by(DAY)
    mail(world, "101", world.clock.now() - MINUTE)
    assert said(world.run()) == []


def test_while_nobody_takes_notices_it_waits_and_is_told_once() -> None:
    """P1"""
    world = make_world()
    send_news(world)
    world.delivery.down = True
    world.run()
    world.delivery.down = False
    world.run()
    assert told(world) == 1
