"""Rule files broken while `handoff run` is up: the last good rules stay in force until they are mended (P7)."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from engine.world import World
from factories import MINUTE, demo_request
from fakes import FakeCrm

from connector.bootstrap import Connector
from connector.config.defaults import write_mappings
from connector.config.mappings import load_rulebook
from connector.config.settings import load_settings
from connector.jobs.bell import Bell
from connector.jobs.scheduler import _Works


class Gateway(FakeCrm):
    """What the connector asks of its gateway besides the ports."""

    def count_anew(self) -> None:
        self.forget()

    def hold_before_writes(self, hold: object) -> None:
        """Nothing here outlasts a lease."""


class Up:
    """A scheduler in its folder; `tick` is its next run, ten minutes later."""

    def __init__(self, folder: Path) -> None:
        self.rules = folder / "mappings"
        write_mappings(self.rules)
        self.world = World()
        self.crm = self.world.crm = Gateway(self.world.clock, load_rulebook(self.rules))
        named = {"HUBSPOT_ACCESS_TOKEN": "token-of-the-test", "HANDOFF_MAPPINGS_DIR": str(self.rules)}
        settings = load_settings(named, None)
        stores = {self.crm.portal().id: self.world.store}
        self.connector = Connector(settings, load_rulebook(self.rules), self.crm, stores)  # type: ignore[arg-type]
        self.works = _Works(self.connector, Bell())
        self.leads = 0
        assert self.works._run()

    def change(self, file: str, old: str, new: str) -> None:
        path = self.rules / f"{file}.yaml"
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1
        path.write_text(text.replace(old, new), encoding="utf-8")

    def tick(self) -> bool:
        self.world.clock.pass_by(10 * MINUTE)
        return self.works._run()

    def hands_over(self) -> bool:
        """Whether the next run gives somebody who asks for a demo to sales."""
        self.leads += 1
        contact = str(500 + self.leads)
        self.crm.add(contact, email=f"kim@firm{contact}.example")
        self.crm.happen(demo_request(self.world.clock.now(), contact=contact, id=contact))
        return self.tick() and bool(self.world.episodes(contact))


@pytest.fixture
def up(tmp_path: Path) -> Up:
    return Up(tmp_path)


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    caplog.clear()
    return said


def test_broken_files_leave_the_last_good_rules_in_force_until_they_are_mended(
    up: Up, caplog: pytest.LogCaptureFixture
) -> None:
    good = up.connector.book.fingerprint
    up.change("sla", "clocks:", "clocks: [")
    up.change("routing", "fallback:", "falback:")
    for _ in range(2):
        assert up.hands_over()
        (said,) = complaints(caplog)
        assert "the old ones stay active" in said and "\n" not in said
        assert "routing.yaml:" in said and said.split("routing.yaml:")[1][0].isdigit()
        assert "more" in said and "handoff rules check" in said
        assert up.connector.book.fingerprint == good
    up.change("sla", "clocks: [", "clocks:")
    up.change("routing", "falback:", "fallback:")
    assert up.hands_over() and complaints(caplog) == []
    assert up.connector.book.fingerprint == good


def test_a_file_that_is_taken_away_is_told_and_changes_nothing(up: Up, caplog: pytest.LogCaptureFixture) -> None:
    path = up.rules / "scoring.yaml"
    text = path.read_text(encoding="utf-8")
    path.unlink()
    assert up.hands_over()
    assert "scoring.yaml: the file is missing" in complaints(caplog)[0]
    path.write_text(text, encoding="utf-8")
    assert up.hands_over() and complaints(caplog) == []


def test_rules_that_can_be_read_and_do_not_fit_the_portal_are_not_taken_up(
    up: Up, caplog: pytest.LogCaptureFixture
) -> None:
    """R32: the run goes on by the former ones; with the property made, the new ones are in force."""
    good = up.connector.book.fingerprint
    up.change("fields", "  job_title: {property: jobtitle,", "  job_title: {property: job_position,")
    assert up.hands_over()
    (said,) = complaints(caplog)
    assert "job_position" in said and "the old ones stay active" in said and "\n" not in said
    assert up.connector.book.fingerprint == good
    up.crm.properties["job_position"] = up.crm.properties["jobtitle"]
    assert up.hands_over() and complaints(caplog) == []
    assert up.connector.book.fingerprint != good


def test_what_the_former_rules_lack_too_stops_the_run(up: Up, caplog: pytest.LogCaptureFixture) -> None:
    """P7: a property that everybody needs is gone; nothing is begun by either."""
    up.change("fields", "  job_title: {property: jobtitle,", "  job_title: {property: job_position,")
    del up.crm.properties["handoff_state"]
    assert not up.hands_over()
    assert ["stay active" in line for line in complaints(caplog)] == [True, False]
