"""The three witnesses: the sandbox's log, the receiver's file, the connector's own episodes; and their comparison."""

import base64
import hashlib
import hmac
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from olist.figures import (
    Lived,
    Seen,
    by_origin,
    by_owner,
    compare,
    owners_lost,
    read_post,
    read_seen,
    silent,
    steps_differing,
    wrong_days,
)
from olist.ledger import Ledger
from olist.plan import make_plan
from olist.receiver import is_signed, receipt
from olist.rules import lay_over, load, read_reasons
from olist.state import State, load_state
from olist.steps import Calendar
from olist_samples import LEADS, WORTH

SECRET = "whsec_" + base64.b64encode(b"a key of twenty-four bytes").decode()


def event(seq: int, kind: str, **facts: Any) -> dict[str, Any]:
    return {"seq": seq, "at": "2017-06-15T20:00:00.000Z", "kind": kind, **facts}


def signed(body: bytes, notice: str = "msg_1") -> dict[str, str]:
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    mark = base64.b64encode(hmac.new(key, f"{notice}.1497556800.".encode() + body, hashlib.sha256).digest()).decode()
    return {"webhook-id": notice, "webhook-timestamp": "1497556800", "webhook-signature": f"v1,{mark}"}


# -- the sandbox's log -----------------------------------------------------------------------------------------


def test_the_list_is_what_was_added_and_not_taken_off_again() -> None:
    ledger = Ledger(order=(7, 3))
    ledger.replay(
        [
            event(1, "created", object="contacts", id="101"),
            event(2, "created", object="deals", id="900"),
            event(3, "created", object="contacts", id="102"),
            event(4, "list_add", list_id="5", record_id="101"),
            event(5, "list_add", list_id="5", record_id="102"),
            event(6, "list_remove", list_id="5", record_id="101"),
        ]
    )
    assert ledger.contacts == {7: "101", 3: "102"}
    assert ledger.on_any_list() == {"102"}
    assert ledger.entered_on["101"] == date(2017, 6, 15)
    assert (ledger.mismatches({3}), ledger.mismatches({7}), ledger.mismatches(set())) == (0, 2, 1)


def test_events_taken_in_once_are_passed_over_the_second_time() -> None:
    ledger = Ledger(order=(1,))
    events = [event(1, "created", object="contacts", id="101"), event(2, "list_add", list_id="5", record_id="101")]
    ledger.replay(events)
    ledger.replay(events)
    assert ledger.entries == {"101": 1}


# -- the receiver ----------------------------------------------------------------------------------------------


def test_a_right_signature_is_known_and_one_changed_byte_is_not() -> None:
    body = b'{"type":"lead.handed_off","data":{"contact":{"id":"101"}}}'
    headers = signed(body)
    assert is_signed(headers, body, SECRET)
    assert not is_signed(headers, body + b" ", SECRET)
    assert not is_signed(headers | {"webhook-id": "msg_2"}, body, SECRET)
    assert not is_signed({}, body, SECRET)
    assert not is_signed(headers | {"webhook-signature": "v1,é nonsense"}, body, SECRET)


def test_the_older_of_two_signatures_counts_as_well() -> None:
    body = b"{}"
    headers = signed(body)
    assert is_signed(headers | {"webhook-signature": "v1,bm90IGl0 " + headers["webhook-signature"]}, body, SECRET)


def test_a_receipt_holds_no_body_but_its_hash() -> None:
    body = b'{"type":"lead.handed_off","data":{"contact_id":101,"name":"Seller 00001"}}'
    row = receipt(signed(body), body, SECRET)
    assert row == {
        "id": "msg_1", "type": "lead.handed_off", "contact": "101", "hop": "sales", "owner": "", "signed": True,
        "body": hashlib.sha256(body).hexdigest(),
    }  # fmt: skip
    assert receipt({}, b"no json", SECRET)["signed"] is False


def test_the_file_tells_doubles_from_repeats(tmp_path: Path) -> None:
    """P2: a repeat with the same id and bytes is allowed after a crash; another id for the same lead never is (P3)."""
    rows = [
        {"id": "a", "type": "lead.handed_off", "contact": "1", "body": "x", "signed": True},
        {"id": "a", "type": "lead.handed_off", "contact": "1", "body": "x", "signed": True},
        {"id": "b", "type": "lead.handed_off", "contact": "2", "body": "x", "signed": True},
        {"id": "c", "type": "lead.handed_off", "contact": "2", "body": "x", "signed": True},
        {"id": "d", "type": "lead.recycled", "contact": "2", "body": "x", "signed": True},
        {"id": "e", "type": "lead.handed_off", "contact": "3", "body": "x", "signed": False},
    ]
    (tmp_path / "notices.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    post = read_post(tmp_path / "notices.jsonl")
    assert (post.notices, post.repeats, post.changed, post.unsigned) == (3, 1, 0, 1)
    assert (post.doubles(deaths=0), post.doubles(deaths=1)) == (2, 1)


def test_the_same_id_with_other_bytes_is_a_double(tmp_path: Path) -> None:
    row = {"id": "a", "type": "lead.handed_off", "contact": "1", "body": "x", "signed": True}
    (tmp_path / "notices.jsonl").write_text(json.dumps(row) + "\n" + json.dumps(row | {"body": "y"}) + "\n")
    assert read_post(tmp_path / "notices.jsonl").doubles(deaths=3) == 1


# -- the comparison --------------------------------------------------------------------------------------------


def perfect() -> tuple[Lived, dict[str, Seen], Ledger]:
    """A whole run in which everything was right."""
    calendar = Calendar(every=1)
    plan = make_plan(LEADS, calendar, WORTH, ("not_ready",), 1)
    order = sorted(plan.stories, key=lambda story: story.arrives_at)
    ledger = Ledger(order=tuple(story.number for story in order))
    seen = {}
    for turn, story in enumerate(order):
        contact = str(1000 + story.number)
        ledger.contacts[story.number] = contact
        ledger.entered_on[contact] = calendar.steps[story.handed_in].last
        ledger.entries[contact] = 1
        seen[contact] = Seen(
            contact=contact,
            origin=story.lead.origin,
            states=("won" if story.lead.won_on else "recycled",),
            owners=(f"owner-{turn % 3}",),
            handed_on=(calendar.steps[story.handed_in].last,),
            is_open=False,
            on_a_clock=False,
        )
    return Lived(plan=plan, last=calendar.steps[-1]), seen, ledger


def result_of(lived: Lived, seen: dict[str, Seen], ledger: Ledger) -> dict[str, Any]:
    reps = {f"owner-{n}": f"rep-{n}" for n in range(3)}
    return {
        "leads": len(seen), "episodes": sum(len(lead.states) for lead in seen.values()), "notices": len(seen),
        "doubles": 0,
        "silent": silent(lived, seen, ledger), "won": sum("won" in lead.states for lead in seen.values()),
        "by_origin": by_origin(seen.values()), "by_owner": by_owner(seen.values(), reps),
        "wrong_day": len(wrong_days(lived, seen, ledger, lived.plan.calendar.steps)), "list_mismatches": 0,
    }  # fmt: skip


def test_a_right_run_agrees_in_every_line() -> None:
    lived, seen, ledger = perfect()
    lines = compare(result_of(lived, seen, ledger), lived, {"owners": 0})
    assert [line for line in lines if not line.right] == []
    assert owners_lost(seen, {contact: list(lead.owners) for contact, lead in seen.items()}) == 0


def changed(seen: dict[str, Seen], contact: str, **facts: Any) -> dict[str, Seen]:
    values = {name: getattr(seen[contact], name) for name in Seen.__slots__}
    return seen | {contact: Seen(**(values | facts))}


@pytest.mark.parametrize(
    ("facts", "names"),
    [
        ({"handed_on": (date(2017, 1, 1),)}, {"on a wrong day"}),
        ({"states": (), "owners": (), "handed_on": ()},
         {"episodes", "silent", "won", "conversion", "won of social", "handed to owners", "on a wrong day"}),
        ({"is_open": True}, {"silent"}),
        ({"origin": "email"}, {"won of social", "won of email"}),
        ({"states": ("lost",)}, {"won", "conversion", "won of social"}),
    ],
)  # fmt: skip
def test_each_wrong_lead_shows_in_its_lines(facts: dict[str, Any], names: set[str]) -> None:
    lived, seen, ledger = perfect()
    seen = changed(seen, ledger.contacts[1], **facts)  # lead 1 was won, and came by social
    lines = compare(result_of(lived, seen, ledger), lived, {})
    assert {line.name for line in lines if not line.right} - {"owners' loads, most - least"} == names


def test_a_lead_that_entered_the_list_twice_or_on_another_day_is_on_a_wrong_day() -> None:
    lived, seen, ledger = perfect()
    ledger.entries[ledger.contacts[5]] = 2
    ledger.entered_on[ledger.contacts[6]] = date(2017, 1, 1)
    lines = wrong_days(lived, seen, ledger, lived.plan.calendar.steps)
    assert [line.split(" (")[0] for line in lines] == ["lead 5", "lead 6"]


def test_reported_counts_are_compared_but_where_the_connector_died() -> None:
    lived, _, _ = perfect()
    planned = lived.plan.handed_per_step()
    reported = {str(step): count for step, count in planned.items()}
    assert steps_differing(lived, reported, ()) == []
    reported["3"] = reported.get("3", 0) + 1
    assert len(steps_differing(lived, reported, ())) == 1
    assert steps_differing(lived, reported, (3,)) == []


def test_owners_that_routing_did_not_choose_are_counted() -> None:
    _, seen, _ = perfect()
    log = {contact: list(lead.owners) for contact, lead in seen.items()}
    one, two = list(log)[:2]
    log[one] = [*log[one], "someone"]
    log[two] = []
    assert owners_lost(seen, log) == 2


def test_the_connector_s_answer_is_read_without_its_silent_episodes(tmp_path: Path) -> None:
    shown = {
        "state": "won",
        "owner": "7",
        "handed_off_at": "2017-06-20T20:00:00+00:00",
        "is_open": False,
        "silent": False,
    }
    row = {"contact": "101", "origin": "social", "timers": 0, "episodes": [shown, shown | {"silent": True}]}
    (tmp_path / "episodes.jsonl").write_text(json.dumps(row) + "\n")
    seen = read_seen(tmp_path / "episodes.jsonl")["101"]
    assert (seen.states, seen.owners, seen.handed_on, seen.is_open) == (("won",), ("7",), (date(2017, 6, 20),), False)


# -- what is kept and laid over --------------------------------------------------------------------------------


def test_the_state_comes_back_as_it_was_kept_and_is_the_owner_s_alone(tmp_path: Path) -> None:
    state = State(every=7, days=10, seed=2, kills=3, step=4, move=2, posting_after=17, reported={"1": 5}, torn=[2])
    state.save(tmp_path)
    assert load_state(tmp_path) == state
    assert (tmp_path / "driver.json").stat().st_mode & 0o077 == 0
    (tmp_path / "driver.json").write_text("{")
    assert load_state(tmp_path) is None


def test_our_keys_replace_the_shipped_ones_and_no_others(tmp_path: Path) -> None:
    shipped, ours, target = tmp_path / "shipped", tmp_path / "ours", tmp_path / "target"
    for folder in (shipped, ours):
        folder.mkdir()
    (shipped / "a.yaml").write_text("one: {two: 2, three: [1, 2]}   # why\nfour: 4\n")
    (shipped / "b.yaml").write_text("kept: as it is\n")
    (ours / "a.yaml").write_text("one: {three: [3]}\n")
    lay_over(shipped, ours, target)
    assert load(target, "a") == {"one": {"two": 2, "three": [3]}, "four": 4}
    assert (target / "b.yaml").read_text() == "kept: as it is\n"


def test_reasons_that_hand_over_again_by_themselves_are_not_given(tmp_path: Path) -> None:
    (tmp_path / "recycling.yaml").write_text(
        "reasons: {not_ready: {label: x}, closed_lost: {label: x}, contract: {label: x, wake: {then: hand_over}},"
        " later: {label: x, wake: {after: 9d, then: eligible}}}\n"
    )
    assert read_reasons(tmp_path) == ("not_ready", "later")
