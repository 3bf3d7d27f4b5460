"""A person is erased from every table, on both databases; what figures rest on stays, without the person (I11, S14)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import PORTAL, Opener
from sqlalchemy import insert, select
from values import BEN, NOW, activity, change, decision, entry, episode, hours, intent, run, stored, timer

from connector.bootstrap import open_database
from connector.config.settings import load_settings
from connector.domain.answer import Answer, AnswerKind, Said
from connector.domain.change import Change, ChangeKind
from connector.domain.contact import ContactId
from connector.domain.deal import Deal, DealState
from connector.domain.episode import State, episode_id
from connector.domain.verdict import Verdict
from connector.engine.erase import BY_HAND, PRIVACY, VANISHED, erase_contacts, erase_now
from connector.engine.ports import AuditRow, PortalInfo, Try
from connector.engine.ports.proof import Stranded
from connector.errors import SettingsError
from connector.rules.funnel import funnel
from connector.store import SqlStore, open_store
from connector.store.key import Key
from connector.store.tables import hint, metadata, outbox, outbox_attempt
from connector.store.tables import run as runs

WHO, OTHER = ContactId("90817263541"), ContactId("90817263542")
CANARY = "Zanziberta"
MAIL, OLD_MAIL = "zanziberta@canary.example", "old.zanziberta@canary.example"
OTHER_MAIL = "zanziberta.private@canary.example"
TRACES = (CANARY, CANARY.lower(), WHO, OTHER)
UNTOUCHED = frozenset(
    {"portal", "lease", "login", "watermark", "rulebook", "owner", "rotation", "destination", "suppression_list"}
)
"""Tables in which no person can be."""


def fill(store: SqlStore) -> None:
    """The person in every table, with a name in every text; and somebody else beside."""
    one = episode(episode_id(PORTAL, WHO, 1), WHO, reason=f"{CANARY} asked", handed_off_at=NOW)
    field = Change(contact=WHO, kind=ChangeKind.FIELD, field="reason", before=CANARY, after=f"{CANARY} 2")
    told = decision(WHO, sentence=CANARY, evidence=MAIL, missing=(CANARY,), episode=one, before=one)
    verdict = Verdict(rule="qualification.web-mail", passed=False, reasons=(MAIL,), then="nurture")
    with store.transaction() as unit:
        unit.put_run(run())
        for contact in (WHO, OTHER, BEN):
            facts: dict[str, Any] = {"email": MAIL if contact == WHO else f"p{contact}@firm.example"}
            if contact != BEN:
                facts["first_name"] = CANARY
            unit.put_contacts([stored(contact, facts, raw=dict(facts), problems=(CANARY,) if contact == WHO else ())])
        unit.put_addresses({OTHER_MAIL: OTHER})
        unit.merge_contact(OTHER, WHO)
        unit.put_field_changes([change("first_name", CANARY, contact=WHO), change("*", CANARY, contact=OTHER)])
        unit.put_field_changes([change("stage", "mql", contact=WHO), change("first_name", "Ben", contact=BEN)])
        unit.put_activities(
            [
                activity(1, WHO, name=CANARY, ref=CANARY, url=f"https://acme.example/?{MAIL}", email=OLD_MAIL),
                activity(2, None, email=OLD_MAIL, stream="forms"),
                activity(3, BEN),
            ],
            NOW,
        )
        deal = {"state": DealState.OPEN, "created_at": NOW, "modified_at": NOW, "lost_reason": CANARY}
        unit.put_deals([Deal(id="d1", contacts=(WHO,), **deal)])
        unit.mark_dirty([WHO, BEN], "signal")
        unit.mark_retry([WHO])
        unit.put_presence(began_at=NOW, looked_at=NOW, after=WHO)
        unit.put_quarantine(WHO, CANARY, NOW)
        unit.put_stranded([Stranded(contact=WHO, episode=one.id, cause="no_clock", words=CANARY, found_at=NOW)])
        unit.put_list_in_force("1", NOW)
        unit.set_on_list([WHO], True)
        unit.put_list_in_force("2", NOW)
        unit.put_episode(one, at=NOW, cause="hand_over")
        unit.put_episode(episode("ep_ben", BEN), at=NOW, cause="hand_over")
        unit.put_decision(run().id, replace(told, verdicts=(verdict,)))
        unit.put_decision(run().id, decision(OTHER, sentence=CANARY))
        unit.put_timers([timer(contact=WHO, episode=one.id), timer(contact=BEN)])
        unit.put_intents(
            [
                intent("fx_first", WHO, changes=(field,), expected={"email": MAIL}, before=one, detail=CANARY),
                intent("fx_second", WHO, changes=(field,), episode=one.id, status="written"),
                intent("fx_ben", BEN),
            ]
        )
        rows = [AuditRow(effect=f"hand_over:{MAIL}", contact=WHO, episode=one.id, rule="write",
                         inputs={"evidence": MAIL, "fields": ["stage"]}, outcome="planned")]  # fmt: skip
        unit.audit(run().id, rows, NOW)
        body = f'{{"name":"{CANARY}","email":"{MAIL}","contact":"{WHO}"}}'
        unit.put_entries(
            [
                entry("note-one", WHO, body=body, episode=one.id, intent="fx_second", status="due"),
                entry("note-two", WHO, body=body, episode=one.id, status="sent", last_error=CANARY),
                entry("note-three", WHO, body=body, status="held", intent="fx_first"),
                entry("n4", BEN),
            ]
        )
        unit.finish_run(run().id, run().status, _counts(), NOW, f"a stream is off; contact {WHO}: refused {CANARY}")
        said = Said(comment=CANARY)
        unit.put_answer(
            Answer(
                id="answer-one", contact=WHO, episode=one.id, entry="note-two", kind=AnswerKind.ACCEPT, owner=None,
                assignment=1, said=said, received_at=NOW, intent="fx_second", detail=CANARY,
            ),
            NOW,
        )  # fmt: skip
    store.outbox.record([Try(entry="note-one", at=NOW, status="due", due_at=hours(1), error=CANARY)])
    with store.database.writing() as connection:
        row = {"portal": PORTAL, "hint": "hint-one", "contact": WHO, "occurred_at": NOW, "received_at": NOW}
        connection.execute(insert(hint), [{**row, "kind": "changed"}])


def _counts() -> Any:
    from connector.domain.run import RunCounts

    return RunCounts()


def cells(store: SqlStore) -> Iterator[tuple[str, str, str]]:
    """Every value of every table, as text."""
    with store.database.reading() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(select(table)).mappings():
                for name, value in row.items():
                    yield table.name, str(name), repr(value)


def traces(store: SqlStore) -> set[tuple[str, str]]:
    return {(table, column) for table, column, text in cells(store) if any(trace in text for trace in TRACES)}


def test_nothing_of_the_person_is_left_in_any_table(store: SqlStore) -> None:
    """I11: every id, name and address; ids that can be worked out from the contact's id too."""
    fill(store)
    filled = {table for table, _ in traces(store)}
    assert filled >= {table.name for table in metadata.sorted_tables} - UNTOUCHED - {"episode_step", "erased"}
    (receipt,) = erase_now(store, [WHO], at=NOW, cause=PRIVACY)
    assert traces(store) == set()
    ids = {episode_id(PORTAL, WHO, number) for number in range(1, 9)} | {"fx_first", "fx_second", "hint-one"}
    ids |= {"note-one", "note-two", "note-three", "answer-one"}
    assert not [cell for cell in cells(store) if any(one in cell[2] for one in ids)]
    assert receipt.removed["contact"] == 2 and receipt.removed["activity"] == 2 and receipt.removed["outbox"] == 3
    with store.reading() as unit:
        assert set(unit.contacts([WHO, OTHER, BEN])) == {BEN}
        assert [row.field for row in unit.field_changes(BEN)] == ["first_name"]
        assert [one.id for one in unit.intents("open", 9)] == ["fx_ben"], "an open write of the person is cancelled"
        assert len(unit.intents("erased", 9)) == 1
        assert unit.dirty(9) == [BEN]


def test_every_table_with_a_contact_is_looked_after() -> None:
    """A table that comes later must be thought of here."""
    from connector.store import erasure

    named = {table.name for table in metadata.sorted_tables if "contact" in table.c and table.name != "contact"}
    handled = {name for name in named if hasattr(erasure, name)}
    assert named == handled


def test_what_waits_to_be_told_is_cancelled_with_a_reason_and_the_rest_forgets_its_body(store: SqlStore) -> None:
    """I11, S14."""
    fill(store)
    erase_now(store, [WHO], at=NOW, cause=PRIVACY)
    with store.database.reading() as connection:
        rows = connection.execute(select(outbox).order_by(outbox.c.sequence)).all()
        tries = connection.execute(select(outbox_attempt)).all()
    assert [row.status for row in rows] == ["cancelled", "sent", "cancelled", "due"]
    assert [row.body for row in rows[:3]] == [""] * 3 and rows[3].body
    assert {row.last_error for row in rows if row.status == "cancelled"} == {"the person was erased"}
    assert [row.error for row in tries] == [""] and tries[0].entry == rows[0].entry
    assert [one.id for one in store.outbox.claim(hours(9), 9)] == ["n4"]


def test_the_funnel_counts_the_lead_as_before(store: SqlStore) -> None:
    """R26, S14: episodes, their path, decisions and the audit trail stay, under an alias."""
    fill(store)
    book = _book()
    with store.reading() as unit:
        before = funnel(unit.all_episodes(), now=hours(2), clocks=book.sla)
    erase_now(store, [WHO], at=hours(1), cause=PRIVACY)
    with store.reading() as unit:
        rows = unit.all_episodes()
        after = funnel(rows, now=hours(2), clocks=book.sla)
        alias = next(row.contact for row in rows if row.contact != BEN)
        (told,) = unit.decisions(alias)
        history = unit.field_changes(alias)
    assert (after.handed, after.open) == (before.handed, before.open - 1)
    ended = next(row for row in rows if row.contact == alias)
    assert (ended.state, ended.exit_reason, ended.reason) == (State.UNREACHABLE, "erased", "")
    assert told["episode"] == ended.id and told["score"]["total"] == 4250  # type: ignore[index]
    assert told["route"]["candidates"][1]["owner"] == "8" and told["sentence"] == ""  # type: ignore[index]
    assert [row.field for row in history] == ["stage"]


def _book() -> Any:
    from factories import shipped_book

    return shipped_book()


def test_a_remark_of_a_run_forgets_the_person_and_keeps_the_rest(store: SqlStore) -> None:
    fill(store)
    erase_now(store, [WHO], at=NOW, cause=PRIVACY)
    with store.database.reading() as connection:
        assert connection.execute(select(runs.c.error)).scalar() == (
            "a stream is off; a remark about a person who was erased"
        )


def test_who_was_erased_is_recognised_by_any_id_and_address_and_the_receipt_is_kept(store: SqlStore) -> None:
    """I11: by keyed digests alone; a second erasure changes no receipt."""
    fill(store)
    (receipt,) = erase_now(store, [OTHER], at=NOW, cause=BY_HAND)
    with store.reading() as unit:
        assert set(unit.erased([WHO, OTHER, BEN], [MAIL, OLD_MAIL, "ben@firm.example"])) == {WHO, OTHER, MAIL, OLD_MAIL}
        assert unit.receipt(WHO) == receipt
        assert unit.receipt(f" {MAIL.upper()} ").removed == receipt.removed  # type: ignore[union-attr]
        assert unit.receipt("nobody@firm.example") is None
    erase_now(store, [WHO], at=hours(5), cause=PRIVACY)
    with store.reading() as unit:
        assert unit.receipt(WHO) == receipt


def test_what_came_since_goes_with_a_second_erasure(store: SqlStore) -> None:
    fill(store)
    erase_now(store, [WHO], at=NOW, cause=PRIVACY)
    fill(store)
    erase_now(store, [WHO], at=NOW, cause=PRIVACY)
    assert traces(store) == set()


def test_a_contact_that_was_never_known_is_remembered_too(store: SqlStore) -> None:
    """The hint may be faster than the pull."""
    (receipt,) = erase_now(store, [WHO], at=NOW, cause=PRIVACY)
    assert receipt.removed == {}
    with store.reading() as unit:
        assert set(unit.erased([WHO])) == {WHO}
        unit_of_others = unit.erased([BEN])
    assert unit_of_others == {}


def test_an_erasure_that_is_rolled_back_has_erased_nothing(store: SqlStore) -> None:
    fill(store)
    before = sorted(cells(store))
    with pytest.raises(RuntimeError), store.transaction() as unit:
        erase_contacts(unit, [WHO], at=NOW, cause=PRIVACY)
        raise RuntimeError
    assert sorted(cells(store)) == before


def test_who_only_vanished_may_be_forgotten_again(store: SqlStore) -> None:
    erase_now(store, [WHO], at=NOW, cause=VANISHED)
    with store.transaction() as unit:
        unit.forget_erased([WHO])
        assert unit.erased([WHO]) == {}


# -- the key and the file ----------------------------------------------------------------------------------------------


def test_no_file_of_a_sqlite_database_holds_the_bytes_any_more(tmp_path: Path) -> None:
    """I11: neither the pages that were let go nor the log; while the database stays open, and after a value changed."""
    store = open_store(f"sqlite:///{tmp_path / 'handoff.db'}", PORTAL, holder="me", wall_clock=lambda: NOW)
    try:
        fill(store)
        with store.transaction() as unit:  # an earlier value was overwritten before
            unit.put_contacts([stored(WHO, {"email": MAIL, "first_name": "K."}, raw={})])
        assert any(CANARY.encode() in path.read_bytes() for path in tmp_path.iterdir())
        erase_now(store, [WHO], at=NOW, cause=PRIVACY)
        found = {path.name for path in tmp_path.iterdir() if any(t.encode() in path.read_bytes() for t in TRACES)}
        assert found == set()
    finally:
        store.close()


def test_the_key_lies_beside_the_file_with_mode_0600_and_is_made_when_it_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "handoff.db"
    store = open_store(f"sqlite:///{path}", PORTAL, holder="me", wall_clock=lambda: NOW)
    key = tmp_path / "handoff.db.key"
    with store.reading() as unit:
        assert unit.erased([WHO]) == {} and not key.exists()
    erase_now(store, [WHO], at=NOW, cause=PRIVACY)
    assert key.stat().st_mode & 0o777 == 0o600
    assert sorted(one.name for one in tmp_path.iterdir() if "key" in one.name) == ["handoff.db.key"]
    text = key.read_text().strip().encode()
    assert not any(text in one.read_bytes() for one in tmp_path.iterdir() if one != key)
    store.close()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda key: key.unlink(), "cannot be read"),
        (lambda key: key.write_text("short"), "holds no whole key"),
        (lambda key: key.write_text("x" * 40), "Another key"),
        (lambda key: key.chmod(0o644), "can be read by other users"),
        (lambda key: key.write_bytes(b"\xff" * 40), "it is not text"),
    ],
)
def test_without_the_key_nobody_is_taken_in(tmp_path: Path, spoil: Any, says: str) -> None:
    """P7: who was erased can then not be told from others; the message says what to do."""
    url, key = f"sqlite:///{tmp_path / 'handoff.db'}", tmp_path / "handoff.db.key"
    store = open_store(url, PORTAL, holder="me", wall_clock=lambda: NOW)
    erase_now(store, [WHO], at=NOW, cause=PRIVACY)
    store.close()
    spoil(key)
    store = open_store(url, PORTAL, holder="me", wall_clock=lambda: NOW)
    with pytest.raises(SettingsError, match=says) as told, store.reading() as unit:
        unit.erased([BEN])
    assert told.value.advice
    store.close()


def test_a_server_needs_the_setting(open_it: Opener, url: str) -> None:
    """A database server has no place beside it."""
    if url.startswith("sqlite"):
        pytest.skip("a file has a place beside it")
    with pytest.raises(SettingsError, match="HANDOFF_KEY is not set") as told:
        erase_now(open_it(), [WHO], at=NOW, cause=PRIVACY)
    assert "token_urlsafe" in told.value.advice


def test_a_key_that_is_too_short_is_refused() -> None:
    with pytest.raises(SettingsError, match="shorter than 32"):
        Key("too short").digest("erased", "x")


def test_keys_for_different_purposes_have_nothing_in_common() -> None:
    one, other = Key("k" * 40), Key("l" * 40)
    assert len({one.derive("a"), one.derive("b"), other.derive("a"), one.derive("mark")}) == 4
    assert one.digest("a", "x") == Key("k" * 40).digest("a", "x") != one.digest("b", "x")


@pytest.fixture
def open_it(url: str) -> Iterator[Opener]:
    opened: list[SqlStore] = []

    def opener(*, key: str | None = None, **_: Any) -> SqlStore:
        opened.append(open_store(url, PORTAL, holder="me", wall_clock=lambda: NOW, key=key))
        return opened[-1]

    yield opener
    for store in opened:
        store.close()


@pytest.fixture
def store(open_it: Opener) -> SqlStore:
    return open_it(key="a key for tests that is long enough")


def test_whether_there_can_be_a_key_is_known_before_it_is_needed(tmp_path: Path) -> None:
    """P5, I11: a run is not stopped in its midst by the first person who is to be erased; nothing is made meanwhile."""
    for key in (Key(), Key("too short")):
        with pytest.raises(SettingsError, match="HANDOFF_KEY"):
            key.check()
    for key in (Key("k" * 40), Key(file=tmp_path / "handoff.db.key"), Key(passing=True)):
        key.check()
    assert not list(tmp_path.iterdir())


def test_on_a_server_nothing_opens_without_a_key(url: str) -> None:
    if url.startswith("sqlite"):
        pytest.skip("a file has a place beside it")
    given = {"HUBSPOT_ACCESS_TOKEN": "t", "HANDOFF_DATABASE_URL": url}
    portal = PortalInfo(id=PORTAL, time_zone="UTC", ui_domain="app.hubspot.com", now=NOW)
    with pytest.raises(SettingsError, match="HANDOFF_KEY is not set"):
        open_database(load_settings(given, None), portal)
    open_database(load_settings({**given, "HANDOFF_KEY": "k" * 40}, None), portal).close()
