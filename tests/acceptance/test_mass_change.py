"""The mass-change guard: changed rules do not flood sales overnight; hand-raisers pass; a person says yes (exit 7)."""

from __future__ import annotations

import json

from portal_world import World

PEOPLE, ALLOWED = 80, 50


def lower_the_bar(world: World) -> None:
    """Eighty people who looked at the prices once, and a rule that makes that enough."""
    people = [
        {"kind": "contact", "properties": {"email": f"p{number}@guard-{number}.example", "country": "Germany"}}
        for number in range(PEOPLE)
    ]
    made = [row["contact"] for row in world.acts(*people)]
    world.acts(*({"kind": "page_view", "contact": one, "url": "https://www.acme.example/pricing"} for one in made))
    world.later(hours=1)
    assert world.sync().counts.handed_off == 0
    world.later(days=1)
    world.rule("qualification", "score: 50", "score: 20")
    world.rule("qualification", "engagement: 30 ", "engagement: 10 ")


def test_changed_rules_let_some_pass_hold_the_rest_and_ask(world: World) -> None:
    """R41, design section 5: a quarter of those to decide and at least fifty; exit code 7; ops are asked once a run."""
    lower_the_bar(world)
    asked = world.asks("asks@herself.example")

    held = world.handoff("sync", "--json")

    assert held.returncode == 7, held.stderr
    found = json.loads(held.stdout)
    assert (found["status"], found["handed_off"], found["held"]) == ("held", ALLOWED + 1, PEOPLE - ALLOWED)
    assert asked in world.listed() and len(world.listed()) == ALLOWED + 1
    kinds = world.receiver.kinds()
    assert kinds == {"lead.handed_off": ALLOWED + 1, "run.held": 1}
    (question,) = world.receiver.of("run.held")
    assert question["data"]["held"] == PEOPLE - ALLOWED

    released = world.handoff("sync", "--release-mass-change")
    assert released.returncode == 0, released.stderr
    assert len(world.listed()) == PEOPLE + 1
    assert world.receiver.kinds()["lead.handed_off"] == PEOPLE + 1
    assert world.handoff("sync").returncode == 0


def test_what_is_held_says_what_to_do(world: World) -> None:
    lower_the_bar(world)
    said = world.handoff("sync")
    assert said.returncode == 7
    assert "30 leads would be handed over without any news of their own" in said.stderr
    assert "handoff sync --release-mass-change" in said.stderr


def test_news_of_their_own_is_never_held(world: World) -> None:
    """Sixty people who ask on one day are sixty hand-offs, whatever the guard allows."""
    world.acts(
        *(
            {"kind": "form_submission", "form": "Free audit", "email": f"n{number}@news-{number}.example"}
            for number in range(60)
        )
    )
    report = world.sync()
    assert (report.exit_code, report.counts.handed_off, report.counts.held) == (0, 60, 0)
