#!/usr/bin/env python3
"""The connector's process of scripts/olist.py: built once, then one sync per line on stdin, one JSON line per answer.

Lines: `init` makes the connector's properties and list; `sync` runs once and answers as `handoff sync --json` does;
`episodes IN OUT` writes what the database holds of the contact ids in file IN to file OUT, one JSON object a line.
An error is answered as {"error", "code"}, with the exit code that the command line has for it. Settings: environment.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from connector.bootstrap import Connector, connect
from connector.config.logging import configure_logging
from connector.config.settings import load_settings
from connector.domain.contact import ContactId
from connector.domain.episode import Episode
from connector.errors import ConnectorError

MOST_AT_ONCE = 200


def main() -> int:
    """Answer until the input is over."""
    settings = load_settings(dotenv=None)
    hidden = [secret.get_secret_value() for secret in (settings.access_token, settings.webhook_secret) if secret]
    configure_logging(settings.log_format, settings.log_level, secrets=hidden)
    with connect(settings) as connector:
        for line in sys.stdin:
            print(json.dumps(_answer(connector, line.split())), flush=True)
    return 0


def _answer(connector: Connector, words: list[str]) -> dict[str, Any]:
    try:
        if words == ["init"]:
            return {"made": connector.make_owned()}
        if words == ["sync"]:
            return connector.sync().as_dict()
        if len(words) == 3 and words[0] == "episodes":
            return _write_episodes(connector, Path(words[1]), Path(words[2]))
    except ConnectorError as error:
        return {"error": str(error), "code": error.exit_code}
    return {"error": f"unknown request {words!r}: init, sync or episodes IN OUT", "code": 2}


def _write_episodes(connector: Connector, asked: Path, told: Path) -> dict[str, Any]:
    ids = [ContactId(each) for each in asked.read_text(encoding="utf-8").split()]
    rows = 0
    with told.open("w", encoding="utf-8") as file:
        for row in _rows(connector, ids):
            file.write(json.dumps(row) + "\n")
            rows += 1
    return {"contacts": rows}


def _rows(connector: Connector, ids: list[ContactId]) -> Iterator[dict[str, Any]]:
    with connector.store(connector.portal()).reading() as uow:
        for start in range(0, len(ids), MOST_AT_ONCE):
            some = ids[start : start + MOST_AT_ONCE]
            contacts, episodes = uow.contacts(some), uow.episodes(some)
            for contact, stored in contacts.items():
                yield {
                    "contact": contact,
                    "origin": stored.contact.text("origin"),
                    "episodes": [_episode(each) for each in episodes.get(contact, [])],
                    "timers": len(uow.timers(contact)),
                }


def _episode(episode: Episode) -> dict[str, Any]:
    return {
        "id": episode.id,
        "state": episode.state.value,
        "owner": episode.owner,
        "handed_off_at": episode.handed_off_at.isoformat() if episode.handed_off_at else None,
        "passed_on_at": episode.passed_on_at.isoformat() if episode.passed_on_at else None,
        "caller": episode.caller,
        "is_open": episode.is_open,
        "silent": episode.silent,
    }


if __name__ == "__main__":
    sys.exit(main())
