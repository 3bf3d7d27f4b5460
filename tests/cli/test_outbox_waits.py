"""`handoff outbox list`: a notice that waits for the end of quiet hours says so (R15)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.cli.outbox import _for_people

EVENING = datetime(2026, 3, 2, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"due_at": EVENING + timedelta(hours=12)}, "waits until"),
        ({"due_at": EVENING + timedelta(minutes=1)}, "due"),
        ({"due_at": EVENING + timedelta(hours=2), "tries": 4, "last_error": "500"}, "due"),
        ({"due_at": EVENING + timedelta(hours=12), "status": "sent", "sent_at": EVENING}, "sent"),
        ({"due_at": None}, "due"),
    ],
)
def test_what_was_queued_for_later_waits_and_what_is_tried_again_is_due(facts: dict[str, Any], said: str) -> None:
    row = {
        "id": "fx_1", "contact": "101", "kind": "lead.handed_off", "destination": "reps", "status": "due", "tries": 0,
        "queued_at": EVENING, "sent_at": None, "last_error": "", "digest": None, **facts,
    }  # fmt: skip
    assert str(_for_people(row, "UTC")[3]).startswith(said)
