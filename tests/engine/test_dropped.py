"""Clicks of mail scanners, from the CRM's events to what a rep reads (R09)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factories import HOUR, make_activity

from connector.domain.activity import ActivityKind
from connector.domain.contact import ContactId
from connector.engine.explain import as_text, explain
from connector.engine.replay.people import People
from engine.world import World

SECOND = timedelta(seconds=1)
KIM = ContactId("101")


@pytest.fixture
def world() -> World:
    """Three nurture mails to Kim; a scanner clicked every link of the first two, Kim one link of the third."""
    world = World().begin()
    world.crm.add(employees="200", job_title="CEO")
    for number in (1, 2, 3):
        at = world.clock.pass_by(HOUR)
        about = {"stream": "email_events", "name": f"Nurture {number}", "ref": str(number)}
        world.crm.happen(make_activity(ActivityKind.EMAIL_SENT, at, **about))
        clicks = [at + 2 * SECOND, at + 3 * SECOND] if number < 3 else [at + HOUR / 2]
        for place, moment in enumerate(clicks):
            url = f"https://www.acme.example/offer-{place}"
            world.crm.happen(make_activity(ActivityKind.EMAIL_CLICK, moment, url=url, **about))
    world.clock.pass_by(HOUR)
    return world


def test_clicks_of_scanners_finish_no_nurture_and_are_shown_as_dropped(world: World) -> None:
    """R05, R09: with them the lead would have gone to sales."""
    world.run()
    assert world.decisions()[-1] == "nothing"
    with world.store.reading() as uow:
        told = explain(uow, KIM, world.book)
    assert told is not None and told.score is not None
    lines = {words: points for points, words, _ in told.lines}
    dropped = [words for words in lines if words.startswith("not counted, clicked a link in “Nurture ")]
    assert len(dropped) == 2 and all("twice: came within seconds of the mail" in words for words in dropped)
    assert {lines[words] for words in dropped} == {0}
    assert round(sum(points for points, _, _ in told.lines), 2) == told.score
    assert "came within seconds of the mail" in as_text(told)


def test_a_replay_drops_the_same_clicks(world: World) -> None:
    """R35: live and replay ask the same function."""
    world.run()
    with world.store.reading() as uow:
        (person,) = People(uow, world.book, None, world.clock.now()).load([KIM], world.clock.now(), {}).values()
    assert len(person.dropped) == 4
    assert [row.ref for row in person.activities if row.kind is ActivityKind.EMAIL_CLICK] == ["3"]


def test_a_page_view_that_comes_late_brings_its_click_back(world: World) -> None:
    """I4: the CRM shows page views after the click; the lead is decided again."""
    world.run()
    at = world.crm.activities["email_events"][1].occurred_at
    world.crm.happen(make_activity(at=at + SECOND / 2, url="https://www.acme.example/offer-0"))
    world.run_later(25 * HOUR)
    assert world.decisions()[-1] == "hand_over"
