"""The demo as a newcomer meets it: one command, a story that cannot lie, nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from connector.cli import demo
from connector.cli.funnel import WIDTH, bars
from connector.cli.story import StoryError
from connector.cli.story.people import WEEKS, crowd
from connector.cli.story.post import open_post_room
from connector.cli.story.rules import lay_out
from connector.cli.story.stage import Scene, Stage
from connector.cli.story.teller import Teller
from connector.config.mappings import load_rulebook
from connector.delivery.signature import new_secret, sign
from connector.domain.notice import NoticeKind
from connector.errors import SettingsError

COMMAND = [sys.executable, "-m", "connector.cli.app", "demo"]


@contextmanager
def started(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The demo in a process group of its own, its temporary files under `folder`."""
    folder.mkdir(exist_ok=True)
    process = subprocess.Popen(
        COMMAND,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(folder)},
        start_new_session=True,
        # As a terminal starts it: who runs the tests in the background may have told them not to hear Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def assert_nothing_is_left(process: subprocess.Popen[str], folder: Path) -> None:
    assert list(folder.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)  # the sandbox was of the same group


@pytest.mark.slow
def test_the_story_comes_out_as_told_and_twice_the_same(tmp_path: Path) -> None:
    with started(tmp_path / "one") as first, started(tmp_path / "two") as second:
        (told, complaints), (again, _) = first.communicate(timeout=110), second.communicate(timeout=110)
    assert (first.returncode, complaints) == (0, "")
    assert told == again
    assert "\x1b" not in told and "╭" not in told
    for words in (
        "Uses a private e-mail address.",
        "Is in Japan, which we do not serve.",
        "One more pricing view would do, or one more",
        "A new lead for you",
        "viewed the pricing page twice in 7 days",
        "2 answers of 429",
        "1 answer of 207",
        "Sales handed a lead back",
        "Since last time",
        "A lead was not answered in time",
        "handed over           26",
        "export HUBSPOT_ACCESS_TOKEN=",
    ):
        assert words in told
    assert_nothing_is_left(first, tmp_path / "one")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_is_interrupted_clears_away(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path / "tmp") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("=== Mon 2 March")
        if number is signal.SIGINT:
            os.killpg(process.pid, number)  # as a terminal does
        else:
            process.send_signal(number)
        _, complaints = process.communicate(timeout=30)
        assert process.returncode == 130
        assert "Traceback" not in complaints
        until = time.monotonic() + 5
        while time.monotonic() < until and list((tmp_path / "tmp").iterdir()):
            time.sleep(0.05)
        assert_nothing_is_left(process, tmp_path / "tmp")


def test_a_claim_that_is_not_so_ends_the_story(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lie(teller: Teller) -> None:
        with teller.stage.scene("Mon 2 March", "a lie") as scene:
            scene.checked("The portal is empty.", teller.world.contacts() == 0, teller.world.contacts())

    monkeypatch.setattr(demo, "configure_logging", lambda *_: None)
    monkeypatch.setattr(demo, "SCENES", (lie,))
    assert demo.tell() == 1
    told = capsys.readouterr()
    assert "Mon 2 March: this did not come out as told: The portal is empty. (found: 240)" in told.err
    assert "The portal is empty" not in told.out and "three commands" not in told.out


def test_a_folder_to_keep_must_be_empty(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(SettingsError, match="not empty"):
        demo._folder(tmp_path)
    assert demo._folder(tmp_path / "new" / "deeper").is_dir()


def test_a_scene_shows_the_same_words_on_a_terminal_and_in_a_pipe(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    stage = Stage(picture=True)
    with stage.scene("Tue 3 March", "leads arrive", drawn=True) as scene:
        scene.say("Somebody [bold]comes[/bold].")
        scene.checked("It was looked up.", True)
        scene.quote("to Ana", "A new lead <&> for you")
        scene.table(("who", "what"), [("Ana", "ok")])
    plain = capsys.readouterr().out
    assert plain.startswith("=== Tue 3 March: leads arrive ===\n")
    assert "Somebody [bold]comes[/bold]." in plain and "✓ It was looked up." in plain
    assert "  | A new lead <&> for you" in plain and "  Ana  ok" in plain
    stage.save_picture(tmp_path / "demo.svg", "demo")
    drawn = (tmp_path / "demo.svg").read_text(encoding="utf-8")
    assert "lead&#160;&lt;&amp;&gt;&#160;for" in drawn and "@font-face" not in drawn
    with pytest.raises(SettingsError, match="cannot be written"):
        stage.save_picture(tmp_path / "missing" / "demo.svg", "demo")


def test_a_scene_that_fails_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    def tell(scene: Scene) -> None:
        scene.say("Said before it was known.")
        scene.checked("Two is three.", False, 2)

    with pytest.raises(StoryError, match="Two is three"), Stage().scene("", "sums") as scene:
        tell(scene)
    assert capsys.readouterr().out == ""


def test_the_post_room_takes_signed_letters_only() -> None:
    """R15: as a customer's receiver checks them."""
    secret, other = new_secret(), new_secret()
    body = json.dumps({"type": "lead.handed_off", "data": {"contact": {"email": "a@b.example"}}})
    with open_post_room(secret) as room, requests.Session() as session:

        def post(desk: str, key: str) -> int:
            headers = sign([key], "fx_1", datetime.now(UTC), body)
            return session.post(room.url(desk), data=body, headers=headers, timeout=5).status_code

        assert post("reps", other) == 401 and room.forged == 1 and not room.letters
        assert post("nobody", secret) == 404
        assert post("reps", secret) == 204
        assert room.only("reps", NoticeKind.LEAD_HANDED_OFF, "a@b.example").text().startswith("A new lead for you")
        with pytest.raises(StoryError, match="0 times"):
            room.only("managers", NoticeKind.SLA_BREACHED, "a@b.example")


def test_the_admins_changes_are_the_only_ones(tmp_path: Path) -> None:
    shipped, ours = load_rulebook(Path(__file__).parents[2] / "mappings"), tmp_path / "mappings"
    lay_out(ours)
    book = load_rulebook(ours)
    assert book.qualification.filters.competitors.domains == ("rival.example",)
    assert book.qualification.hand_raisers == shipped.qualification.hand_raisers
    assert set(book.notifications.destinations) == {"reps", "managers", "marketing", "triage", "ops"}
    for part in ("fields", "stages", "suppression", "scoring", "routing", "sla", "recycling", "reports"):
        assert getattr(book, part) == getattr(shipped, part)
    assert book.qualification.threshold == shipped.qualification.threshold
    assert book.qualification.filters.role_addresses == shipped.qualification.filters.role_addresses


def test_the_crowd_is_made_of_different_invented_people() -> None:
    leads = list(crowd())
    assert (
        len({lead.person.email for lead in leads}) == len({lead.person.company for lead in leads}) == len(leads) == 20
    )
    assert all(lead.person.email.endswith(".example") for lead in leads)
    assert {week: sum(lead.week == week for lead in leads) for week in WEEKS} == dict.fromkeys(WEEKS, 5)


def test_a_bar_is_as_long_as_its_share_and_never_hides_a_lead() -> None:
    counts = {"handed": 1000, "touched": 500, "accepted": 1, "opportunities": 0, "won": 0}
    drawn = bars({"funnel": counts})
    assert [len(bar.drawn) for bar in drawn] == [WIDTH, WIDTH // 2, 1, 0, 0]
    assert [bar.share for bar in drawn] == [100, 50, 0.1, 0, 0]
    assert len({len(bar.line()) for bar in drawn}) == 1
    assert [bar.share for bar in bars({"funnel": dict.fromkeys(counts, 0)})] == [0] * 5
