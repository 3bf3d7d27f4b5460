"""A rep answers by the link in the notice: what the portal, the next notice and explain show then (R20, R21, R34)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import requests
from commands import Handoff
from portal_world import WATCHED, World

from connector.bootstrap import answer_links, desk
from connector.config.settings import Settings, load_settings
from connector.domain.contact import PortalId
from connector.web.answers import AnswerRoutes
from connector.web.server import serving

SAID = ("handoff_verdict", "handoff_verdict_reason", "handoff_return_on", "handoff_comment")
ANSWERS = {"HANDOFF_PUBLIC_URL": "https://handoff.example", "HANDOFF_ANSWER_SECRET": "secret-of-the-test-" + "s" * 20}


@contextmanager
def served(settings: Settings, portal: PortalId) -> Iterator[str]:
    links = answer_links(settings, portal)
    assert links is not None
    with (
        closing(AnswerRoutes(desk(settings, portal), links, arrived=lambda: None)) as routes,
        serving(routes, "127.0.0.1", 0) as address,
    ):
        yield address


def test_from_the_link_to_the_portal_and_back_to_marketing(world: World, handoff: Handoff) -> None:
    """The links stand in the notice; opening changes nothing, the button hands the lead back, explain says who did."""
    # With answers by link these are people's and Handoff's to fill; who is faster is watched as for a status (I2).
    world.watch(shared=[*WATCHED["shared"], *SAID], answers=["handoff_request"])
    contact = world.asks("kim@acme.example")
    world.later(minutes=10)
    world.sync(env=ANSWERS)
    (told,) = world.receiver.of("lead.handed_off")
    links = told["data"]["answers"]
    assert list(links) == ["accept", "called", "recycle", "junk"]
    settings, portal = load_settings({**world.env, **ANSWERS}, None), PortalId(str(world.portal))
    with served(settings, portal) as address:
        here = {kind: link.replace("https://handoff.example", f"http://{address}") for kind, link in links.items()}
        assert requests.get(here["recycle"], timeout=60).status_code == 200
        form = {"reason": "locked_in_contract", "return_on": "2026-09-01", "comment": "until autumn"}
        assert requests.post(here["recycle"], data=form, timeout=60).status_code == 200
        assert requests.post(here["recycle"], data=form, timeout=60).status_code == 409
        world.later(minutes=10)
        world.sync(env=ANSWERS)
        shown = world.read(contact, *SAID, "handoff_state")
        wanted = ["recycle", "locked_in_contract", "2026-09-01", "until autumn", "recycled"]
        assert [shown[name] for name in (*SAID, "handoff_state")] == wanted
        assert requests.post(here["junk"], data={"send": ""}, timeout=60).status_code == 410
    assert world.receiver.kinds() == {"lead.handed_off": 1, "lead.recycled": 1}
    explained = handoff("explain", contact).out
    assert "handed it back by link: bound by a contract with somebody else" in " ".join(explained.split())
    shown_to_ops = handoff("outbox", "show", told["id"]).out
    assert "/answer/accept-[hidden]" in shown_to_ops and links["accept"] not in shown_to_ops
    assert "answers by link: none: set HANDOFF_PUBLIC_URL and HANDOFF_ANSWER_SECRET" in handoff("check").out
    assert "answers by link: in notices to reps" in handoff("check", **ANSWERS).out


