"""Canaries in every test run: no secret and nobody's address comes out where it must not (I10, S13).

Worlds plant their secrets and people here. After each test what was logged and what commands printed is searched, when
a world closes its database too; a test in which something sang has failed, and its name says which. Where:

    secrets    nowhere: logs, stdout, stderr, argv, databases
    people     not in logs, on stderr or in argv, unless the command was asked about that very person; they may stand
               in the database and in what a person asked to see

Every e-mail address counts as somebody's. Sandbox and tests may log what they like: they are the CRM's side.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from connector.config.redaction import redact_text

TOKEN = "pat-na1-canary-3f1c7a90-0000"
WEBHOOK_SECRET = "whsec_Y2FuYXJ5LWluLXRoZS1jb2FsLW1pbmUtMDEyMzQ1Ng=="
SLACK_URL = "https://hooks.slack.com/services/T0CANARY/B0CANARY/canarysings"
PERSON = {
    "email": "canary.vogelsang@leak.example", "firstname": "Canaria", "lastname": "Vogelsang-Zwitscher",
    "phone": "+493099887766",
}  # fmt: skip

SHORTEST = 6
EMAIL = re.compile(r"[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+")
PLAIN_FACTS = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
"""What every log record has; the rest of it is what was given as `extra`."""

_secrets: dict[str, str] = {TOKEN: "the token", WEBHOOK_SECRET: "the webhook secret", SLACK_URL: "Slack's address"}
_people: dict[str, str] = {value: f"the canary's {name}" for name, value in PERSON.items()}
_heard: list[str] = []


def plant_secret(value: str, what: str) -> None:
    """From now on nobody may say it."""
    if len(value) >= SHORTEST:
        _secrets[value] = what


def plant_person(values: Iterable[str]) -> None:
    """Names, addresses and numbers; short ones are passed over, for they stand in ordinary words too."""
    _people.update({value: "a person's data" for value in values if len(value) >= SHORTEST})


def look(text: str, where: str, *, people: bool = True, asked: Sequence[str] = ()) -> None:
    """Search a text. `asked`: the words of a command, which may be answered with what stands in them."""
    found = [what for value, what in _secrets.items() if value in text]
    if people:
        allowed = " ".join(asked)
        found += [what for value, what in _people.items() if value in text and value not in allowed]
        found += ["an e-mail address" for one in EMAIL.findall(text) if one not in allowed]
    _heard.extend(f"{what} in {where}" for what in dict.fromkeys(found))


def look_at_command(words: Sequence[str], out: str, err: str, *, rules: Path | None = None) -> None:
    """Of one command: its words hold no secret, stdout no secret, stderr neither secret nor person.

    `rules`: a folder of rule files; what the admin wrote there may be quoted in a complaint about it.
    """
    quoted = [path.read_text(encoding="utf-8", errors="replace") for path in rules.glob("*.y*ml")] if rules else []
    name = " ".join(words[:2])
    look(" ".join(words), f"the words of `{name}`", people=False)
    look(out, f"stdout of `{name}`", people=False)
    look(err, f"stderr of `{name}`", asked=[*words, *quoted])


def look_at_files(folder: Path, pattern: str = "*.db*") -> None:
    """Databases and what stands beside them hold no secret, whatever page of the file it would be on."""
    for path in folder.glob(pattern):
        if path.is_file():
            look(path.read_bytes().decode("latin-1"), path.name, people=False)


def heard() -> list[str]:
    """What sang since the last look; then silence."""
    found = list(_heard)
    _heard.clear()
    return found


class _Listener(logging.Handler):
    """Hears our own loggers before anything is redacted: what is logged is ids to begin with. A traceback may quote."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("connector.sandbox"):
            return
        facts = {name: value for name, value in record.__dict__.items() if name not in PLAIN_FACTS}
        look(f"{record.getMessage()} {facts or ''}", f"the log of {record.name}")
        if record.exc_info and record.exc_info[1] is not None:
            text = logging.Formatter().formatException(record.exc_info)
            look(redact_text(text, _secrets), f"a traceback in the log of {record.name}")


LISTENER = _Listener(logging.DEBUG)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "canaries_may_sing: logs canaries on purpose, to see that they are hidden")
    ours = logging.getLogger("connector")
    ours.addHandler(LISTENER)
    ours.setLevel(logging.DEBUG)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Generator[None, Any, Any]:
    report = yield
    for phase, name, text in getattr(item, "_report_sections", ()):
        if phase == call.when and name in ("stdout", "stderr"):
            look(text, f"{name} of the test", people=False)
    sung = heard()
    if sung and report.passed and item.get_closest_marker("canaries_may_sing") is None:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: canaries were heard: " + "; ".join(dict.fromkeys(sung))
    return report
