"""`handoff notifications list | test`: no CRM, no database; one invented notice by the real door."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from commands import Handoff, Said

sys.path.insert(0, str(Path(__file__).parent.parent / "delivery"))

from loopback_receiver import Receiver, answer
from standardwebhooks import Webhook

from connector.cli.app import main
from connector.config.mappings import shipped_folder
from connector.delivery.signature import new_secret
from connector.domain.contact import PortalId
from connector.store import open_store

SECRET = new_secret()
MORE = """
  channel:
    type: slack
    to: manager
    url_env: HANDOFF_SLACK_URL
    owners: {ana@seller.example: U0ANAFIELD}
"""


@pytest.fixture
def handoff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Handoff]:
    """Runs a command in an empty folder with the shipped rules and one more destination; no CRM anywhere."""
    rules = tmp_path / "mappings"
    rules.mkdir()
    for path in shipped_folder().glob("*.yaml"):
        (rules / path.name).write_bytes(path.read_bytes())
    with (rules / "notifications.yaml").open("a") as file:
        file.write(MORE)

    def run(*words: str, **env: str) -> Said:
        monkeypatch.chdir(tmp_path)
        with monkeypatch.context() as patch:
            for name, value in env.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["handoff", *words])
            capfd.readouterr()
            with pytest.raises(SystemExit) as ended:
                main()
            out, err = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return Said(ended.value.code, out, err)

    yield run


def test_the_list_shows_who_is_told_and_why_not(handoff: Handoff) -> None:
    said = handoff("notifications", "list", HANDOFF_SLACK_URL="https://chat.example/canary")
    rows = [line.split("\t") for line in said.out.splitlines()]
    assert said.code == 0 and rows[0] == ["destination", "type", "to", "personal", "on"]
    assert rows[1][0] == "reps" and rows[1][4].startswith("off: set HANDOFF_WEBHOOK_URL")
    assert rows[2] == ["channel", "slack", "manager", "no", "on"]
    assert "canary" not in said.out + said.err
    found = json.loads(handoff("notifications", "list", "--json").out)["destinations"]
    assert [(row["name"], row["on"]) for row in found] == [("reps", False), ("channel", False)]


def test_the_list_shows_what_was_switched_off_since_and_makes_no_database(handoff: Handoff, tmp_path: Path) -> None:
    env = {"HANDOFF_SLACK_URL": "https://chat.example/x", "HANDOFF_DATABASE_URL": f"sqlite:///{tmp_path}/handoff.db"}
    assert json.loads(handoff("notifications", "list", "--json", **env).out)["destinations"][1]["on"]
    assert not (tmp_path / "handoff.db").exists()
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    with closing(open_store(env["HANDOFF_DATABASE_URL"], PortalId("1"), holder="test", wall_clock=lambda: at)) as store:
        store.outbox.learn("channel", lambda state: replace(state, off_at=at, off_by="gone"))
    row = json.loads(handoff("notifications", "list", "--json", **env).out)["destinations"][1]
    assert (row["on"], row["why"]) == (
        False, "it answered 410, gone for good, 2026-03-02 09:00 UTC; `handoff outbox resume channel` switches it on",
    )  # fmt: skip


def test_a_test_arrives_signed_and_says_what_came_back(handoff: Handoff) -> None:
    """S8, P2"""
    with Receiver(answer("204 No Content")) as receiver:
        said = handoff(
            "notifications", "test", "reps", "--kind", "lead.handed_off",
            HANDOFF_WEBHOOK_URL=f"http://127.0.0.1:{receiver.port}/in", HANDOFF_WEBHOOK_SECRET=SECRET,
            HANDOFF_ALLOW_HOSTS=f"127.0.0.1:{receiver.port}",
        )  # fmt: skip
    assert said.code == 0 and said.out.startswith("reps: 204 ("), said.err
    head, _, body = receiver.requests[0].partition(b"\r\n\r\n")
    Webhook(SECRET).verify(body, dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:]))
    told = json.loads(body)
    assert told["type"] == "lead.handed_off" and told["id"] in said.out
    assert "This is a test" in told["data"]["why_now"]


def test_a_refusal_ends_with_1_and_what_to_do(handoff: Handoff) -> None:
    with Receiver(answer("404 Not Found")) as receiver:
        env = {"HANDOFF_SLACK_URL": f"http://127.0.0.1:{receiver.port}/canary", "HANDOFF_ALLOW_HOSTS": "127.0.0.1"}
        said = handoff("notifications", "test", "channel", "--mention", "ana@seller.example", **env)
        found = handoff("notifications", "test", "channel", "--json", **env)
    assert said.code == 1 and said.out.startswith("channel: 404 (")
    assert "What to do: There is no such webhook" in said.err and "canary" not in said.out + said.err
    assert b"<@U0ANAFIELD>" in receiver.requests[0] and b"<@" not in receiver.requests[1]
    told = json.loads(found.out)
    assert (found.code, told["taken"], told["status"]) == (1, False, 404) and told["advice"]


def test_show_prints_the_body_and_sends_nothing_even_where_it_is_off(handoff: Handoff) -> None:
    said = handoff("notifications", "test", "channel", "--show", "--kind", "lead.digest")
    assert said.code == 0 and "60 notices" in said.out
    assert json.loads(said.out)["blocks"]


@pytest.mark.parametrize(
    ("words", "message", "advice"),
    [
        (("nobody",), "there is no destination 'nobody'", "reps"),
        (("chanel",), "there is no destination 'chanel'", "did you mean `channel`?"),
        (("reps",), "is off: set HANDOFF_WEBHOOK_URL", "--show"),
        (("reps", "--kind", "lead.lost"), "--kind: 'lead.lost'", "lead.handed_off"),
        (("reps", "--mention", "x", "--show"), "has no 'x'", "slack, teams and google_chat"),
    ],
)
def test_what_cannot_be_tried_is_said_with_what_to_do(
    handoff: Handoff, words: tuple[str, ...], message: str, advice: str
) -> None:
    said = handoff("notifications", "test", *words)
    assert said.code == 2 and message in said.err and advice in said.err.partition("What to do: ")[2]
    assert "Traceback" not in said.err
