"""Bad input ends with one clear message: what, where, what to do; the right exit code, no traceback, nothing written.

The issue's "Bad input"; exit codes: design, section 6.
"""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

import pytest
from commands import Handoff, Said
from portal_world import World

from connector.crm.hubspot.scopes import SCOPES
from connector.sandbox.portal import Sandbox

CONFIG, LOGIN, CRM = 2, 3, 6


def refused(said: Said, code: int, *words: str) -> None:
    """One message with these words in it, and advice."""
    assert said.code == code, said
    assert said.out == "", said.out
    assert "Traceback" not in said.err and "unforeseen" not in said.err
    assert said.err.count("Error: ") >= 1 and said.err.count("What to do: ") == 1, said.err
    for word in words:
        assert word in said.err, said.err


def untouched(world: World) -> None:
    """Nothing in the portal, nobody told, no database begun."""
    assert world.ours(mark="ours") == [] and not world.receiver.notices
    assert not (world.folder / "handoff.db").exists()


# -- login and network -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["sync", "preview", "check"])
def test_a_missing_token_says_where_to_get_one(world: World, handoff: Handoff, command: str) -> None:
    refused(handoff(command, HUBSPOT_ACCESS_TOKEN=""), CONFIG, "HUBSPOT_ACCESS_TOKEN is not set", "Service keys")
    untouched(world)


@pytest.mark.parametrize("command", ["sync", "preview", "check"])
def test_a_wrong_token_is_told_without_showing_it(world: World, handoff: Handoff, command: str) -> None:
    """I10, S1."""
    said = handoff(command, HUBSPOT_ACCESS_TOKEN="pat-wrong-canary")
    refused(said, LOGIN, "does not accept the token (401)", "HUBSPOT_ACCESS_TOKEN")
    assert "canary" not in said.err
    untouched(world)


def test_a_token_with_blanks_in_it_is_refused_before_it_is_sent(world: World, handoff: Handoff) -> None:
    said = handoff("sync", HUBSPOT_ACCESS_TOKEN="Bearer pat-canary")
    refused(said, CONFIG, "HUBSPOT_ACCESS_TOKEN: give the token alone")
    assert "canary" not in said.err
    untouched(world)


def test_a_host_that_cannot_be_reached_is_named(world: World, handoff: Handoff) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    said = handoff("sync", HUBSPOT_BASE_URL=f"http://127.0.0.1:{port}")
    refused(said, CRM, f"127.0.0.1:{port} cannot be reached", "HUBSPOT_BASE_URL")
    untouched(world)


def test_something_else_behind_the_address_is_told(world: World, handoff: Handoff) -> None:
    """A proxy's page is no answer of the CRM."""
    world.faults({"kind": "html", "times": 0})
    refused(handoff("sync"), CRM)
    untouched(world)


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_that_the_token_lacks_is_named(
    world: World, handoff: Handoff, sandbox: Sandbox, scope: str
) -> None:
    """S2: exit 3 where the run cannot do without it; a stream that can be missed is one line, and the run goes on."""
    others = tuple(other for other in SCOPES if other != scope)
    sandbox.grant("pat-lacks", sandbox.portals[world.portal], others, oauth=False, expires=None)
    world.asks("ana@scope.example")
    said = handoff("sync", HUBSPOT_ACCESS_TOKEN="pat-lacks", HANDOFF_SINCE="2020-01-01")
    if scope in ("forms", "content", "crm.schemas.contacts.write", "crm.objects.deals.read"):
        assert said.code in (0, LOGIN), said
    else:
        assert said.code == LOGIN, said
    if said.code == LOGIN:
        assert world.members() == set(), "known before the first write, so that no lead is held by half a handover"
        assert scope in said.err and "What to do: " in said.err and "Traceback" not in said.err, said.err
        assert [notice for notice in world.receiver.notices if notice["type"] == "lead.handed_off"] == []


# -- rules -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("scoring", "cap: 40", "cap: [40", ("scoring.yaml:15:8", "cannot be read as YAML")),
        ("scoring", "  cap: 40", "  kap: 40", ("scoring.yaml:14:3: fit.kap: unknown key", "did you mean `cap`?")),
        ("sla", "limit: 48h", "limit: 48", ("sla.yaml", "48h")),
        ("stages", "NEW: handed_off", "NEW: handed_of", ("stages.yaml", "handed_of", "handed_off")),
        ("fields", "property: jobtitle", "property: jobtitel", ("`job_title`", "`jobtitel`", "did you mean jobtitle?")),
        ("stages", "  evangelist: evangelist", "  fan: evangelist", ("stages.yaml", "no lifecycle stage `fan`")),
        ("stages", "status: UNQUALIFIED", "status: NO_GOOD", ("stages.yaml", "no lead status `NO_GOOD`")),
        ("routing", 'owner: ""', "owner: nobody@reps.example", ("routing.yaml", "no owner `nobody@reps.example`")),
        ("qualification", "field: email, op: empty", "field: emial, op: empty", ("qualification.yaml", "emial")),
    ],
)  # fmt: skip
def test_a_mistake_in_a_rule_file_is_told_with_its_place(
    world: World, handoff: Handoff, file: str, old: str, new: str, words: tuple[str, ...]
) -> None:
    """Whether the file is wrong by itself or does not fit the portal."""
    world.rule(file, old, new)
    refused(handoff("sync"), CONFIG, *words)
    assert world.ours(mark="ours") == [] and not world.receiver.notices
    assert handoff("check").code == CONFIG


def test_a_named_owner_who_has_left_is_said_and_stops_no_run(world: World, handoff: Handoff) -> None:
    """P7: others get the leads meanwhile."""
    world.rule("routing", 'owner: ""', "owner: zeno.quarry@reps.example")
    for command in ("sync", "check"):
        said = handoff(command)
        assert said.code == 0 and "`zeno.quarry@reps.example` is archived" in said.out + said.err, said


def test_several_mistakes_are_told_at_once(world: World, handoff: Handoff) -> None:
    world.rule("scoring", "  cap: 40", "  kap: 40")
    world.rule("sla", "limit: 48h", "limit: 48")
    said = handoff("sync")
    assert said.code == CONFIG and said.err.count("Error: ") == 2


def test_a_folder_without_rules_says_init_once(world: World, handoff: Handoff) -> None:
    (world.folder / "empty").mkdir()
    refused(handoff("sync", HANDOFF_MAPPINGS_DIR="empty"), CONFIG, "fields.yaml: the file is missing", "handoff init")
    refused(handoff("sync", HANDOFF_MAPPINGS_DIR="nowhere"), CONFIG, "nowhere: there is no such folder", "handoff init")


def test_a_portal_without_our_properties_says_init_in_one_sentence(
    world: World, handoff: Handoff, sandbox: Sandbox
) -> None:
    bare = world._control("POST", "portals", {"seed": 9})
    said = handoff("sync", HUBSPOT_ACCESS_TOKEN=bare["token"])
    refused(said, CONFIG, "lacks 15 of Handoff's own properties", "handoff init --apply")
    assert len(said.err.strip().splitlines()) == 2


def test_a_list_that_is_gone_stops_the_handoff_before_anything_is_written(world: World, handoff: Handoff) -> None:
    """P7: no lead goes to sales without the hold, and the run says what to do; once the list is there, it goes."""
    handoff("sync")
    world.later(hours=1)
    world.asks("ana@list.example")
    world.rule("suppression", "list: \"Handoff: in sales' hands\"", 'list: "Gone"')
    said = handoff("sync")
    assert said.code == 1 and "no contact list “Gone”" in said.err and "handoff init --apply" in said.err, said
    assert world.ours(mark="ours") == [] and not world.receiver.notices
    assert handoff("init", "--apply").code == 0
    world.watch(lists=["Gone"])
    assert handoff("sync").code == 0
    assert world.receiver.kinds() == {"lead.handed_off": 1}


# -- settings and files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:///no/such/folder/handoff.db", ("folder", "does not exist")),
        ("sqlite:////proc/handoff.db", ("/proc/handoff.db", "cannot be written")),
        ("sqlite:///mappings", ("is not a file",)),
        ("sqlite:///text.db", ("text.db is damaged or no database",)),
        ("mysql://root:canary@host/x", ("HANDOFF_DATABASE_URL", "sqlite:///handoff.db")),
        ("postgresql://ana:canary@127.0.0.1:1/x", ("cannot be opened", "127.0.0.1")),
    ],
)
def test_a_database_that_cannot_be_used_is_told_and_nothing_is_made(
    world: World, handoff: Handoff, url: str, words: tuple[str, ...]
) -> None:
    """The password of its address stays out of the message (I10)."""
    (world.folder / "text.db").write_text("this is no database\n" * 100, encoding="utf-8")
    said = handoff("sync", HANDOFF_DATABASE_URL=url)
    refused(said, CONFIG, *words)
    assert "canary" not in said.err
    assert not (world.folder / "no").exists()
    untouched(world)


def test_another_portals_token_is_refused(world: World, handoff: Handoff) -> None:
    assert handoff("sync").code == 0
    other = world._control("POST", "portals", {"seed": 9})
    said = handoff("sync", HUBSPOT_ACCESS_TOKEN=other["token"])
    refused(said, CONFIG, f"belongs to portal {world.portal}", f"the token to portal {other['portalId']}")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("HUBSPOT_RATE_PER_10S", "lots", "say a whole number"),
        ("HANDOFF_SHADOW", "perhaps", "say true or false"),
        ("HUBSPOT_API_VERSION", "v9", "v3"),
        ("HUBSPOT_BASE_URL", "http://elsewhere.example", "plain http"),
        ("HANDOFF_SINCE", "yesterday", "2026-03-01"),
        ("HANDOFF_SYNC_EVERY", "5", "5m"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    world: World, handoff: Handoff, name: str, value: str, words: str
) -> None:
    refused(handoff("sync", **{name: value}), CONFIG, f"{name}: ", words)
    untouched(world)


def test_init_into_a_folder_that_cannot_be_written_is_told(world: World, handoff: Handoff) -> None:
    refused(handoff("init", HANDOFF_MAPPINGS_DIR="/proc/handoff"), CONFIG, "/proc/handoff", "HANDOFF_MAPPINGS_DIR")


# -- words on the command line -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("snyc",), "Did you mean 'sync'?"),
        (("sync", "--dryrun"), "--dry-run"),
        (("leads", "--limit", "many"), "--limit"),
        (("leads", "--limit", "0"), "--limit"),
        (("explain",), "contact"),
        (("explain", "ana@acme.example", "--as-of", "soon"), "--as-of: 'soon' is no day or time"),
        (("explain", "ana@acme.example", "--as-of", "2999-01-01"), "that day is still to come"),
        (("adopt", "--apply", "everybody"), "Cohorts: mql, sql, opportunity, qualified"),
        (("adopt", "--apply", "mql", "--per-rep-per-day", "0"), "--per-rep-per-day"),
        (("outbox", "show", "fx_nothing"), "there is no notice 'fx_nothing'"),
        (("outbox",), "list"),
        ((), "preview"),
    ],
)
def test_wrong_words_are_told_with_what_would_do(
    world: World, handoff: Handoff, words: tuple[str, ...], told: str
) -> None:
    assert handoff("sync").code == 0
    said = handoff(*words)
    assert said.code == CONFIG, said
    assert told in said.err + said.out and "Traceback" not in said.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--port", "70000"), "a port lies between 0 and 65535"),
        (("--port", "0", "--clock", "noon"), "--clock is an instant such as"),
        (("--port", "0", "--time-zone", "Mars/Base"), "Europe/Lisbon"),
    ],
)
def test_a_sandbox_that_cannot_start_says_why(world: World, words: tuple[str, ...], told: str) -> None:
    said = world.handoff("sandbox", *words)
    assert (said.returncode, said.stdout) == (CONFIG, ""), said
    assert told in said.stderr and "What to do: " in said.stderr and "Traceback" not in said.stderr


def test_a_port_that_is_taken_is_named(world: World) -> None:
    port = world.url.rsplit(":", 1)[1]
    said = world.handoff("sandbox", "--port", port)
    assert said.returncode == CONFIG
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in said.stderr
    assert "--port 0" in said.stderr and "Traceback" not in said.stderr


def test_commands_that_read_say_what_to_do_before_the_first_sync(world: World, handoff: Handoff) -> None:
    for words in (("leads",), ("runs",), ("explain", "ana@acme.example"), ("adopt",), ("outbox", "list"), ("report",)):
        said = handoff(*words)
        assert said.code in (0, CONFIG), (words, said)
        assert "Traceback" not in said.err and "unforeseen" not in said.err, (words, said)
        assert said.err or said.out, words


def test_a_process_of_its_own_ends_the_same_way(world: World) -> None:
    """What `main` does in this process, the command does in its own."""
    said = world.handoff("sync", HUBSPOT_ACCESS_TOKEN="pat-wrong")
    assert (said.returncode, said.stdout) == (LOGIN, "")
    assert "does not accept the token" in said.stderr and "Traceback" not in said.stderr
    assert not list(Path(world.folder).glob("handoff.db"))
