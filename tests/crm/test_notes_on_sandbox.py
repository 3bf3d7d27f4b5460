"""Notes and tasks in the local HubSpot, in both API versions: made once, closed as they were made (R14, I2, I5, I7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from test_joined_on_sandbox import Portal, portal  # noqa: F401 - the same portal

from connector.domain.contact import ContactId, OwnerId
from connector.engine.ports import Beside, Note, Task
from connector.errors import CrmUnavailableError

AT = datetime(2026, 3, 2, 10, 16, tzinfo=UTC)
STRANGER = "999999"
CREATE = {"method": "POST", "path": "/tasks/batch/create$"}


def read(portal: Portal, objects: str, number: str, *names: str) -> dict[str, Any]:  # noqa: F811 - the fixture
    found: dict[str, Any] = portal.api("GET", f"/objects/{objects}/{number}?properties={','.join(names)}")["properties"]
    return found


def notes(contacts: Sequence[str], key: str, owner: OwnerId | None = None) -> list[Note]:
    """One for each of them, with a key of its own."""
    return [
        Note(contact=ContactId(one), owner=owner, body="Asked for <a demo>\nCall", at=AT, key=f"{key}.{one}")
        for one in contacts
    ]


def tasks(portal: Portal, contacts: Sequence[str], key: str = "ep_1") -> list[Task]:  # noqa: F811 - the fixture
    owner = portal.gateway.owners()[0].id
    return [
        Task(contact=ContactId(one), owner=owner, subject="Call", body="A demo", due_at=AT, key=f"{key}.{one}")
        for one in contacts
    ]


def made(portal: Portal) -> Counter[str]:  # noqa: F811 - the fixture
    """How often a task of each key was made."""
    events = portal.control("GET", "log?kinds=task&limit=1000", None)["events"]
    return Counter(event["properties"]["hs_task_body"].split("handoff:")[1].rstrip("]") for event in events)


def keys(contacts: Sequence[str], key: str = "ep_1") -> set[str]:
    return {f"{key}.{one}" for one in contacts}


def test_a_note_is_made_once_for_its_key_and_shows_text_as_it_is(portal: Portal) -> None:  # noqa: F811 - the fixture
    gateway, contacts = portal.gateway, portal.contacts
    portal.control("POST", "acts", [{"kind": "note", "contact": contacts[0]}])
    owner = gateway.owners()[0].id
    first = gateway.ensure_notes(notes(contacts[:2], "ep_1", owner))
    assert first.standing.keys() == keys(contacts[:2]) and not first.refused
    again = gateway.ensure_notes([*notes(contacts[:2], "ep_1", owner), *notes(contacts[:3], "ep_2")])
    assert first.standing.items() <= again.standing.items() and len(set(again.standing.values())) == 5
    shown = read(portal, "notes", first.standing[f"ep_1.{contacts[0]}"], "hs_note_body", "hubspot_owner_id")
    assert shown["hs_note_body"] == f"Asked for &lt;a demo&gt;<br>Call<br><br>[handoff:ep_1.{contacts[0]}]"
    assert shown["hubspot_owner_id"] == owner


def test_tasks_are_closed_unless_somebody_changed_their_state(portal: Portal) -> None:  # noqa: F811 - the fixture
    gateway, contacts = portal.gateway, portal.contacts[:3]
    found = gateway.ensure_tasks(tasks(portal, contacts)).standing
    theirs = found[f"ep_1.{contacts[0]}"]
    portal.api("PATCH", f"/objects/tasks/{theirs}", {"properties": {"hs_task_status": "WAITING"}})
    wanted = {f"ep_1.{one}": ContactId(one) for one in contacts} | {"ep_9.1": ContactId(contacts[0])}
    closed = gateway.finish_tasks(wanted)
    assert closed == Beside(standing={key: one for key, one in found.items() if one != theirs})
    states = [read(portal, "tasks", one, "hs_task_status")["hs_task_status"] for one in found.values()]
    assert states == ["WAITING", "COMPLETED", "COMPLETED"]
    assert gateway.finish_tasks(wanted) == Beside()
    assert gateway.ensure_tasks(tasks(portal, contacts)).standing == found


@pytest.mark.parametrize("kind", ["reset_after", "truncate", "timeout_after"])
def test_a_batch_whose_answer_was_lost_is_made_once(portal: Portal, kind: str) -> None:  # noqa: F811 - the fixture
    """I5, I7"""
    wanted = tasks(portal, portal.contacts)
    portal.control("POST", "faults", [CREATE | {"kind": kind, "seconds": 0.1}])
    first = portal.gateway.ensure_tasks(wanted)
    assert portal.gateway.ensure_tasks(wanted) == first and not first.refused
    assert made(portal) == Counter(keys(portal.contacts))


def test_a_batch_that_was_never_made_is_left_to_the_next_try(portal: Portal) -> None:  # noqa: F811 - the fixture
    """I7: some stood already; nobody gets two."""
    wanted = tasks(portal, portal.contacts)
    portal.gateway.ensure_tasks(wanted[:2])
    portal.control("POST", "faults", [CREATE | {"kind": "reset"}])
    with pytest.raises(CrmUnavailableError):
        portal.gateway.ensure_tasks(wanted)
    assert portal.gateway.ensure_tasks(wanted).standing.keys() == keys(portal.contacts)
    assert made(portal) == Counter(keys(portal.contacts))


@pytest.mark.parametrize("whole", [False, True])
def test_one_that_hubspot_refuses_leaves_the_others(portal: Portal, whole: bool) -> None:  # noqa: F811 - the fixture
    """P5: told in an answer of its own, or by a refusal of all of them."""
    wanted = tasks(portal, [*portal.contacts[:5], STRANGER, *portal.contacts[5:]])
    if whole:
        refusal = {"category": "VALIDATION_ERROR", "message": "scripted"}
        portal.control("POST", "faults", [CREATE | {"kind": "status", "status": 400, "body": refusal}])
    found = portal.gateway.ensure_tasks(wanted)
    assert found.standing.keys() == keys(portal.contacts) and list(found.refused) == [f"ep_1.{STRANGER}"]
    assert "VALIDATION_ERROR" in found.refused[f"ep_1.{STRANGER}"]
    assert made(portal) == Counter(keys(portal.contacts))


def test_many_cost_two_calls_and_three_where_some_are_there(portal: Portal) -> None:  # noqa: F811 - the fixture
    """P8"""
    wanted, before = tasks(portal, portal.contacts), calls(portal)
    portal.gateway.ensure_tasks(wanted[:4])
    assert calls(portal) - before == 2
    portal.gateway.ensure_tasks(wanted)
    assert calls(portal) - before == 5


def calls(portal: Portal) -> int:  # noqa: F811 - the fixture
    return sum(portal.gateway.api_calls().values())


def test_a_text_that_looks_like_one_of_our_marks_makes_nothing_twice(portal: Portal) -> None:  # noqa: F811 - the fixture
    """I5: what somebody typed stands before our own."""
    gateway, contact = portal.gateway, portal.contacts[0]
    said = "They wrote: see [handoff:abc]"
    note = Note(contact=ContactId(contact), owner=None, body=said, at=AT, key=f"ep_7.{contact}")
    owner = gateway.owners()[0].id
    task = Task(contact=ContactId(contact), owner=owner, subject="Call", body=said, due_at=AT, key=f"ep_7.{contact}")
    assert len({tuple(gateway.ensure_notes([note]).standing.values()) for _ in range(2)}) == 1
    assert len({tuple(gateway.ensure_tasks([task]).standing.values()) for _ in range(2)}) == 1
