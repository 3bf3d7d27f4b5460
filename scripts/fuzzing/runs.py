"""Whole runs over a CRM that answers oddly: the real client, engine and store; now and then an answer is bent.

A run ends in a report or in an error of ours. When the CRM is itself again, the next runs bring everything to its end:
no write is left open, no notice is held back, and nobody hears the same twice.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from contextlib import closing

import requests

from connector.errors import ConnectorError
from fuzzing.choices import Choices
from fuzzing.crm import STATUSES, Leak
from fuzzing.portal import PEOPLE, World, world
from fuzzing.shapes import PERSON, bent

MOST_CALLS = 32
"""Among so many calls the bent ones are chosen; a run of this world makes about so many."""

HEALING_RUNS = 3


class NotMendedError(AssertionError):
    """Something is left half-done although the CRM is itself again."""


def feed(data: bytes) -> None:
    choices = Choices(data)
    with world() as made:
        for _ in range(choices.below(3)):
            made.asks(choices.pick(PEOPLE))
        made.later(60 * (1 + choices.below(200)))
        made.wire.bend = _Bend(choices)
        try:
            made.sync()
        except ConnectorError as error:
            if PERSON in f"{error} {error.advice}":
                raise Leak(type(error).__name__) from error
        made.wire.bend = None
        for _ in range(HEALING_RUNS):
            made.later(3600)
            made.sync()
        _judge(made)


class _Bend:
    """Changes up to four of a run's answers."""

    def __init__(self, choices: Choices) -> None:
        self._choices, self._calls = choices, 0
        self._which = {choices.below(MOST_CALLS) for _ in range(1 + choices.below(4))}

    def __call__(self, _path: str, body: bytes) -> tuple[int, bytes] | None:
        self._calls += 1
        if self._calls - 1 not in self._which:
            return None
        choices, kind = self._choices, self._choices.below(8)
        if kind == 0:
            raise requests.ConnectionError("broken off")
        if kind == 1:
            return choices.pick(STATUSES), body
        if kind == 2 or not body:
            return 200, choices.pick((b"", b"null", b"[]", b"{}", b'{"results":', b'{"results":[]}', b"<html>"))
        return 200, json.dumps(bent(json.loads(body), choices)).encode()


def _judge(made: World) -> None:
    with closing(sqlite3.connect(made.folder / "handoff.db")) as opened:
        for what, question in (
            ("a write is open", "SELECT count(*) FROM intent WHERE status = 'open'"),
            ("a notice is held", "SELECT count(*) FROM outbox WHERE status = 'held'"),
            ("a run is open", "SELECT count(*) FROM run WHERE finished_at IS NULL"),
        ):
            (count,) = opened.execute(question).fetchone()
            if count:
                raise NotMendedError(f"{what} ({count})")
    told: dict[str, set[bytes]] = defaultdict(set)
    for _, body, headers in made.posts:
        told[headers["webhook-id"]].add(body)
    if any(len(bodies) > 1 for bodies in told.values()):
        raise NotMendedError("one id was sent with two bodies")
