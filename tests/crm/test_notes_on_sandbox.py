"""Notes and tasks in the local HubSpot, in both API versions: made once, closed as they were made (R14, I2, I5)."""

from __future__ import annotations

from typing import Any

from test_joined_on_sandbox import Portal, portal  # noqa: F401 - the same portal

from connector.domain.contact import ContactId


def read(portal: Portal, objects: str, number: str, *names: str) -> dict[str, Any]:  # noqa: F811 - the fixture
    found: dict[str, Any] = portal.api("GET", f"/objects/{objects}/{number}?properties={','.join(names)}")["properties"]
    return found


def test_a_note_is_made_once_for_its_key_and_shows_text_as_it_is(portal: Portal) -> None:  # noqa: F811 - the fixture
    gateway, one, other = portal.gateway, ContactId(portal.contacts[0]), ContactId(portal.contacts[1])
    now, owner = gateway.portal().now, gateway.owners()[0].id
    portal.control("POST", "acts", [{"kind": "note", "contact": one}])
    first = gateway.ensure_note(one, owner, "Asked for <a demo>\nCall", now, "ep_1.1.0")
    assert gateway.ensure_note(one, owner, "Asked for <a demo>\nCall", now, "ep_1.1.0") == first
    made = {first, *(gateway.ensure_note(who, None, "x", now, "ep_1.2.0") for who in (one, other))}
    assert len(made) == 3
    shown = read(portal, "notes", first, "hs_note_body", "hubspot_owner_id")
    assert shown["hs_note_body"] == "Asked for &lt;a demo&gt;<br>Call<br><br>[handoff:ep_1.1.0]"
    assert shown["hubspot_owner_id"] == owner


def test_a_task_is_closed_unless_somebody_changed_its_state(portal: Portal) -> None:  # noqa: F811 - the fixture
    gateway, one = portal.gateway, ContactId(portal.contacts[0])
    now, owner = gateway.portal().now, gateway.owners()[0].id
    task = gateway.ensure_task(one, owner, "Call", "Asked for a demo", now, "ep_1.1.0")
    assert [gateway.finish_task(one, key) for key in ("ep_1.2.0", "ep_1.1.0", "ep_1.1.0")] == [False, True, False]
    assert read(portal, "tasks", task, "hs_task_status")["hs_task_status"] == "COMPLETED"
    assert gateway.ensure_task(one, owner, "Call", "Asked for a demo", now, "ep_1.1.0") == task
