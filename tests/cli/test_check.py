"""`handoff check` finds what would go wrong later, by settings as well as by rules; it makes nothing."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from commands import Handoff
from portal_world import World

CONFIG = 2


def test_all_fits_speaks_of_the_next_sync(world: World, handoff: Handoff) -> None:
    said = handoff("check")
    assert said.code == 0 and "what the next sync would do" in said.out


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"HANDOFF_WEBHOOK_SECRET": "whsec_c2hvcnQ="}, ("HANDOFF_WEBHOOK_SECRET: 24 bytes", ".env.example has")),
        ({"HANDOFF_WEBHOOK_SECRET": "canary"}, ("`reps`: HANDOFF_WEBHOOK_SECRET: a secret begins with",)),
        ({"HANDOFF_WEBHOOK_URL": "canary"}, ("HANDOFF_WEBHOOK_URL: this is no web address", "It begins with https")),
        ({"HANDOFF_ALLOW_HOSTS": "other.example"}, ("only https on port 443 is open", "HANDOFF_ALLOW_HOSTS")),
        ({"HANDOFF_WEBHOOK_URL": "https://10.0.0.7/canary"}, ("10.0.0.7 leads to an address inside",)),
        ({"HANDOFF_DATABASE_URL": "sqlite:////nope/x.db"}, ("The folder /nope", "Make it")),
        (
            {"HANDOFF_PUBLIC_URL": "https://handoff.example", "HANDOFF_ANSWER_SECRET": "canary"},
            ("holds no secret to sign links with", "at least 32 signs", "token_urlsafe"),
        ),
    ],
)
def test_a_setting_that_cannot_be_is_told(
    world: World, handoff: Handoff, env: dict[str, str], words: tuple[str, ...]
) -> None:
    """S8, I10: what is secret is not shown."""
    said = handoff("check", **env)
    assert said.code == CONFIG and "All fits" not in said.out
    assert said.err.count("What to do: ") == 1 and "canary" not in said.out + said.err
    assert all(word in said.err for word in words), said.err
    assert "in notices to reps" not in said.out
    found = json.loads(handoff("check", "--json", **env).out)
    assert len(found["complaints"]) == 1 and found["portal"] == str(world.portal)
    assert not Path("/nope").exists() and not (world.folder / "handoff.db").exists()


def test_a_receiver_that_no_destination_names_is_remarked(world: World, handoff: Handoff) -> None:
    said = handoff("check", HANDOFF_SLACK_URL="https://hooks.chat.example/canary")
    assert said.code == 0 and "HANDOFF_SLACK_URL is set, but no destination" in said.err and "canary" not in said.err


def test_a_receivers_broken_address_is_told_though_nobody_names_it(world: World, handoff: Handoff) -> None:
    said = handoff("check", HANDOFF_SLACK_URL="foo")
    assert said.code == CONFIG and "HANDOFF_SLACK_URL: this is no web address" in said.err


def test_a_database_that_is_another_portals_is_told(world: World, handoff: Handoff) -> None:
    assert handoff("sync").code == 0
    assert handoff("check").code == 0
    other = world._control("POST", "portals", {"seed": 9})
    said = handoff("check", HUBSPOT_ACCESS_TOKEN=other["token"])
    assert said.code == CONFIG and "belongs to portal" in said.err


def test_what_lies_beside_the_database_is_private(world: World, handoff: Handoff) -> None:
    """S14."""
    assert handoff("sync").code == 0
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in world.folder.glob("handoff.db*")}
    assert set(modes) >= {"handoff.db", "handoff.db.pacing", "handoff.db.pacing.lock"}
    assert set(modes.values()) == {0o600}


def test_init_a_second_time_says_that_all_was_there(world: World, handoff: Handoff) -> None:
    said = handoff("init", "--apply")
    assert said.code == 0 and "were all there already" in said.out


def test_what_stays_in_force_is_told_as_long_as_it_does(world: World, handoff: Handoff) -> None:
    """I0: HubSpot shows an empty field, and somebody may wonder why its contact is let be."""
    forbidden = "/crm/v3/properties/contacts/handoff_do_not_contact"
    contact = world.contact("kim@acme.example", handoff_do_not_contact="true")
    assert handoff("sync").code == 0 and "stays in force" not in handoff("check").err
    world.api("DELETE", forbidden)
    world.later(hours=1)
    handoff("sync")
    assert handoff("init", "--apply").code == 0
    world.edit(contact, handoff_do_not_contact="")  # the sandbox brings the values back with the property
    for _ in range(2):
        world.later(hours=1)
        handoff("sync")
        assert "is empty for 1 contact of whom a value is stored" in handoff("check").err
    assert "do_not_contact: HubSpot shows nothing" in handoff("explain", contact).out
