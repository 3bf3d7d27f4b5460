"""The sender: what each answer leads to, who waits for whom, and what is never lost (P2, I6, reliability section 3)."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
import requests
import responses
from fake_outbox import NOW, FakeOutbox, entry
from loopback_receiver import Receiver, answer
from responses.registries import OrderedRegistry
from standardwebhooks import Webhook

from connector.delivery.destinations import Destination
from connector.delivery.doors import open_doors
from connector.delivery.sender import BATCH, MOST_IN_A_ROW, POST_SECONDS, Sender
from connector.delivery.signature import new_secret
from connector.engine.ports import DestinationState, Entry, Try
from connector.errors import FatalError, LeaseLostError

SECRET = new_secret()
CRM = Destination(name="crm", type="webhook", url="https://crm.example/in", secrets=(SECRET,), personal=True)
OPEN: list[Sender] = []
CHAT = Destination(name="chat", type="slack", url="https://chat.example/canary")


def sender(
    outbox: FakeOutbox, *destinations: Destination, timeout_seconds: float = 15.0, **more: object
) -> Sender:
    known = {one.name: one for one in destinations or (CRM, CHAT)}
    doors = open_doors(known, allow_hosts=["slow.example", "gone.example"], resolve=lambda *_: ["127.0.0.1"],
                       timeout_seconds=timeout_seconds)  # fmt: skip
    made = Sender(outbox, known, doors, **more)  # type: ignore[arg-type]  # a test says which arguments matter
    OPEN.append(made)
    return made


@pytest.fixture(autouse=True)
def close_what_was_opened() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


def deliver(outbox: FakeOutbox, *answers: tuple[int, Mapping[str, str]], at: datetime = NOW) -> int:
    """One pass where crm.example gives these answers, one after the other."""
    with responses.RequestsMock(registry=OrderedRegistry, assert_all_requests_are_fired=False) as mock:
        for status, headers in answers:
            mock.post(CRM.url, status=status, headers=dict(headers))
        return sender(outbox).deliver(at)


def test_a_2xx_is_sent_and_nothing_else_is() -> None:
    """I6"""
    for status in (200, 201, 202, 204, 299):
        outbox = FakeOutbox.of(entry(1))
        assert deliver(outbox, (status, {})) == 1
        assert outbox.rows["msg_1"].status == "sent" and outbox.rows["msg_1"].sent_at is not None


@pytest.mark.parametrize("status", [300, 302, 304, 400, 401, 404, 408, 410, 413, 422, 429, 500, 502, 503, 504, 599])
def test_any_other_answer_is_tried_again_five_seconds_later(status: int) -> None:
    outbox = FakeOutbox.of(entry(1))
    assert deliver(outbox, (status, {"Location": "https://elsewhere.example/"})) == 0
    row = outbox.rows["msg_1"]
    assert (row.status, row.tries) == ("due", 1) and str(status) in row.last_error
    assert row.due_at is not None
    assert timedelta(seconds=4.4) < row.due_at - NOW < timedelta(seconds=8)


def test_the_post_is_the_stored_body_signed_with_the_entrys_id() -> None:
    """P2: the same id and the same bytes on every try."""
    outbox = FakeOutbox.of(entry(1))
    with responses.RequestsMock() as mock:
        mock.post(CRM.url, status=500)
        sender(outbox).deliver(NOW)
        mock.replace(responses.POST, CRM.url, status=200)
        sender(outbox).deliver(NOW + timedelta(minutes=1))
        first, second = (call.request for call in mock.calls)
    for request in (first, second):
        assert Webhook(SECRET).verify(request.body, dict(request.headers)) == {"number": 1}
        assert request.headers["webhook-id"] == "msg_1"
        assert request.headers["Content-Type"] == "application/json"
    assert first.body == second.body == b'{"number":1}'


def test_a_signature_bears_the_wall_clocks_time_whatever_time_the_run_lives_in() -> None:
    outbox = FakeOutbox.of(entry(1))
    with responses.RequestsMock() as mock:
        mock.post(CRM.url)
        sender(outbox, wall_clock=lambda: datetime(2026, 11, 1, tzinfo=UTC)).deliver(NOW)
        assert mock.calls[0].request.headers["webhook-timestamp"] == "1793491200"


def test_after_ten_tries_an_entry_is_exhausted_and_shown() -> None:
    """P2"""
    outbox, at = FakeOutbox.of(entry(1)), NOW
    for _ in range(10):
        assert outbox.rows["msg_1"].status == "due"
        deliver(outbox, (500, {}), at=at)
        at = outbox.rows["msg_1"].due_at or at
    assert (outbox.rows["msg_1"].status, outbox.rows["msg_1"].tries) == ("exhausted", 10)
    assert timedelta(hours=68) < at - NOW < timedelta(hours=84)


def test_what_the_receiver_asks_for_is_kept() -> None:
    outbox = FakeOutbox.of(entry(1))
    deliver(outbox, (503, {"Retry-After": "3600"}))
    due = outbox.rows["msg_1"].due_at
    assert due is not None and timedelta(hours=1) <= due - NOW < timedelta(hours=1, seconds=5)


@pytest.mark.parametrize("status", [429, 502, 504])
def test_an_overloaded_receiver_gets_no_further_entry_for_a_while(status: int) -> None:
    outbox = FakeOutbox.of(entry(1), entry(2), entry(3))
    with responses.RequestsMock() as mock:
        mock.post(CRM.url, status=status, headers={"Retry-After": "120"})
        mine = sender(outbox)
        mine.deliver(NOW)
        mine.deliver(NOW + timedelta(seconds=90))
        assert len(mock.calls) == 1
        mock.replace(responses.POST, CRM.url, status=200)
        assert mine.deliver(NOW + timedelta(minutes=10)) == 3
    assert all(row.status == "sent" for row in outbox.rows.values())


def test_a_receiver_that_is_gone_gets_nothing_more_and_its_entries_stay_due() -> None:
    outbox = FakeOutbox.of(entry(1), entry(2))
    with responses.RequestsMock() as mock:
        mock.post(CRM.url, status=410)
        mine = sender(outbox)
        mine.deliver(NOW)
        mine.deliver(NOW + timedelta(days=1))
        assert len(mock.calls) == 1
    assert [row.status for row in outbox.rows.values()] == ["due", "due"]
    assert "gone for good" in outbox.rows["msg_1"].last_error


def test_an_entry_for_a_destination_nobody_knows_any_more_says_so_and_can_be_replayed() -> None:
    outbox = FakeOutbox.of(entry(1, "old"))
    assert sender(outbox).deliver(NOW) == 0
    assert outbox.tried == [("msg_1", "due", "not sent: no such destination, or its variables are unset")]


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("3600", timedelta(hours=1), timedelta(hours=1, seconds=5)),
        ("Mon, 02 Mar 2026 12:00:00 GMT", timedelta(hours=2, minutes=59), timedelta(hours=3, seconds=5)),
        ("86400", timedelta(hours=24), timedelta(hours=24, seconds=5)),
        ("999999999", timedelta(hours=24), timedelta(hours=24, seconds=5)),
        ("Tue, 01 Jan 2030 00:00:00 GMT", timedelta(hours=24), timedelta(hours=24, seconds=5)),
        ("1", timedelta(seconds=4.5), timedelta(seconds=11)),
    ],
)
def test_retry_after_is_kept_in_seconds_or_as_a_date_up_to_a_day(
    header: str, least: timedelta, most: timedelta
) -> None:
    outbox = FakeOutbox.of(entry(1))
    deliver(outbox, (503, {"Retry-After": header}))
    due = outbox.rows["msg_1"].due_at
    assert due is not None and least <= due - NOW < most


def test_a_whole_post_has_fifteen_seconds() -> None:
    found = open_doors({"crm": CRM})
    assert vars(found["crm"])["_timeout"] == 15.0
    found["crm"].close()


def test_a_restart_forgets_no_rest_and_nobody_who_is_gone() -> None:
    """Fault row "receiver down, slow, gone": the state is stored, so a new process knows it."""
    slow, gone = FakeOutbox.of(entry(1), entry(2)), FakeOutbox.of(entry(1), entry(2))
    deliver(slow, (429, {"Retry-After": "7200"}))
    deliver(gone, (410, {}))
    assert deliver(slow, (200, {}), (200, {}), at=NOW + timedelta(minutes=119)) == 0
    assert deliver(slow, (200, {}), (200, {}), at=NOW + timedelta(minutes=121)) == 2
    assert deliver(gone, (200, {}), (200, {}), at=NOW + timedelta(days=90)) == 0
    assert [row.status for row in gone.rows.values()] == ["due", "due"]


def test_nothing_more_is_sent_to_one_that_failed_for_five_days_and_nothing_of_its_is_given_up() -> None:
    outbox = FakeOutbox.of(*(entry(number) for number in range(1, 4)))
    at, failed = NOW, [NOW]
    while (state := outbox.states.get("crm")) is None or state.off_at is None:
        at += timedelta(hours=12)
        tried = len(outbox.tried)
        deliver(outbox, *[(500, {})] * 9, at=at)
        failed += [at] if len(outbox.tried) > tried else []
    assert state.off_by == "failing" and state.failing_since is not None
    assert state.off_at - state.failing_since >= timedelta(days=5) > failed[-2] - state.failing_since
    outbox.rows["msg_9"] = entry(9)
    tried = len(outbox.tried)
    for day in range(30):
        assert deliver(outbox, (500, {}), at=at + timedelta(days=day)) == 0
    assert len(outbox.tried) == tried and outbox.rows["msg_9"].status == "due"


def test_410_on_the_last_try_gives_nothing_up() -> None:
    outbox = FakeOutbox.of(entry(1, tries=9))
    deliver(outbox, (410, {}))
    assert outbox.rows["msg_1"].status == "due"


def test_what_a_person_sends_again_gets_ten_tries_anew() -> None:
    outbox = FakeOutbox.of(entry(1, tries=10, spent=10), entry(2, tries=19, spent=10))
    deliver(outbox, (500, {}), (500, {}))
    assert [row.status for row in outbox.rows.values()] == ["due", "exhausted"]


def test_a_destination_that_is_paused_in_the_midst_of_a_pass_gets_nothing_more() -> None:
    class Paused(FakeOutbox):
        def record(self, tries: Sequence[Try]) -> list[DestinationState]:
            self.states["crm"] = DestinationState(name="crm", off_at=NOW, off_by="person")
            return super().record(tries)

    outbox = Paused.of(*(entry(number) for number in range(1, 9)))
    assert deliver(outbox, *[(200, {})] * 8) == 1
    assert [row.status for row in outbox.rows.values()] == ["sent", *["due"] * 7]


def test_two_thousand_that_wait_for_a_dead_destination_hide_nobody_elses() -> None:
    dead = [entry(number, "chat") for number in range(1, 2_001)]
    outbox = FakeOutbox.of(*dead, entry(3_000), entry(3_001))
    with responses.RequestsMock() as mock:
        mock.post(CHAT.url, body=requests.ConnectionError())
        mock.post(CRM.url)
        assert sender(outbox).deliver(NOW) == 2
    assert [outbox.rows[f"msg_{number}"].status for number in (3_000, 3_001)] == ["sent", "sent"]


def test_an_answer_that_could_not_be_written_down_is_sent_again() -> None:
    """I6, I7: what is not known to have arrived is repeated, with the same id and bytes; nothing is skipped."""

    class Full(FakeOutbox):
        def record(self, tries: Sequence[Try]) -> list[DestinationState]:
            raise FatalError("the disk is full", advice="free some space")

    broken = Full.of(entry(1), entry(2))
    with responses.RequestsMock() as mock:
        mock.post(CRM.url)
        with pytest.raises(FatalError):
            sender(broken).deliver(NOW)
        assert len(mock.calls) == 1, "and nothing more is sent that could not be written down"
        mended = FakeOutbox(broken.rows)
        assert sender(mended).deliver(NOW + timedelta(minutes=5)) == 2
        first, second, _ = (call.request for call in mock.calls)
    assert first.body == second.body and first.headers["webhook-id"] == second.headers["webhook-id"]


def test_a_pass_that_ends_early_writes_down_what_was_on_its_way() -> None:
    """I6: the other destination had taken it by then."""

    class Half(FakeOutbox):
        def claim(self, now: datetime, limit: int, destination: str | None = None) -> list[Entry]:
            if destination is not None:
                raise LeaseLostError("another process works here", advice="wait")
            return super().claim(now, limit, destination)

    def late(_: object) -> tuple[int, dict[str, str], str]:
        time.sleep(0.3)
        return 200, {}, ""

    outbox = Half.of(entry(1), entry(2, "chat"))
    with responses.RequestsMock() as mock:
        mock.add_callback(responses.POST, CHAT.url, late)
        mock.post(CRM.url)
        with pytest.raises(LeaseLostError):
            sender(outbox).deliver(NOW)
    assert [row.status for row in outbox.rows.values()] == ["sent", "sent"]


def test_a_failure_of_the_network_is_a_try_and_shows_no_address() -> None:
    """I10"""
    outbox = FakeOutbox.of(entry(1, "chat"))
    with responses.RequestsMock() as mock:
        mock.post(CHAT.url, body=requests.ConnectionError("https://chat.example/canary"))
        assert sender(outbox).deliver(NOW) == 0
    assert outbox.tried == [("msg_1", "due", "the connection broke before an answer came")]


def test_after_three_posts_without_an_answer_a_destination_rests() -> None:
    outbox = FakeOutbox.of(*(entry(number) for number in range(1, 9)))
    with responses.RequestsMock() as mock:
        mock.post(CRM.url, body=requests.ConnectionError())
        sender(outbox).deliver(NOW)
        assert len(mock.calls) == 3


def test_the_notices_of_one_contact_arrive_in_their_order() -> None:
    outbox = FakeOutbox.of(*(entry(number, contact="7") for number in range(1, 6)))
    with responses.RequestsMock() as mock:
        mock.post(CRM.url)
        assert sender(outbox).deliver(NOW) == 5
        assert [json.loads(call.request.body)["number"] for call in mock.calls] == [1, 2, 3, 4, 5]


def test_a_refused_notice_holds_back_the_next_of_that_contact_and_of_nobody_else() -> None:
    outbox = FakeOutbox.of(entry(1, contact="7"), entry(2, contact="7"), entry(3, contact="8"))
    assert deliver(outbox, (500, {}), (200, {})) == 1
    assert [outbox.rows[f"msg_{number}"].status for number in (1, 2, 3)] == ["due", "due", "sent"]


def test_nothing_due_costs_one_look() -> None:
    outbox = FakeOutbox.of(entry(1, due_at=NOW + timedelta(seconds=1)))
    assert sender(outbox).deliver(NOW) == 0
    assert outbox.claims == 1 and outbox.tried == []


def test_more_than_a_batch_is_sent_in_one_pass() -> None:
    outbox = FakeOutbox.of(*(entry(number) for number in range(1, 2 * BATCH + 8)))
    with responses.RequestsMock() as mock:
        mock.post(CRM.url)
        assert sender(outbox).deliver(NOW) == 2 * BATCH + 7


def test_a_slow_receiver_delays_nobody_else() -> None:
    """Even when its entries fill whole batches before the other's."""
    arrived: list[float] = []
    awoke: list[float] = []

    def slow(_: object) -> None:
        time.sleep(0.6)
        awoke.append(time.monotonic())

    def quick(connection: object) -> None:
        arrived.append(time.monotonic())
        answer("200 OK")(connection)  # type: ignore[arg-type]  # the socket that the receiver gives

    with Receiver(slow) as tired, Receiver(quick) as awake:
        a = Destination(name="slow", type="webhook", url=f"http://slow.example:{tired.port}/", secrets=(SECRET,))
        b = Destination(name="quick", type="webhook", url=f"http://gone.example:{awake.port}/", secrets=(SECRET,))
        rows = [*(entry(number, "slow") for number in range(1, BATCH + 2)), entry(900, "quick"), entry(901, "quick")]
        outbox = FakeOutbox.of(*rows)
        assert sender(outbox, a, b, timeout_seconds=0.5).deliver(NOW) == 2
    assert arrived[-1] < awoke[0]
    assert [status for _, status, _ in outbox.tried].count("sent") == 2


class Counted(FakeOutbox):
    """Knows how many tries were recorded together."""

    @property
    def together(self) -> list[int]:
        return vars(self).setdefault("recorded", [])  # type: ignore[no-any-return]

    def record(self, tries: Sequence[Try]) -> list[DestinationState]:
        self.together.append(len(tries))
        return super().record(tries)


def test_a_receiver_that_takes_all_gets_more_and_more_in_a_row_before_they_are_recorded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """P2: so many may come twice after a kill, and no more."""
    monkeypatch.setattr("connector.delivery.sender.ROW_SECONDS", 60.0)
    outbox = Counted.of(*(entry(number) for number in range(1, 41)))
    held: list[float] = []
    with responses.RequestsMock() as mock:
        mock.post(CRM.url)
        assert sender(outbox, hold=held.append).deliver(NOW) == 40
    assert outbox.together == [1, 2, 4, 8, 16, 9] and max(outbox.together) == MOST_IN_A_ROW
    assert held == [POST_SECONDS + 60.0] * 6, "the lease is asked for before each row (I8)"


def test_a_row_ends_with_the_first_that_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the next one is a single post."""
    monkeypatch.setattr("connector.delivery.sender.ROW_SECONDS", 60.0)
    outbox = Counted.of(*(entry(number) for number in range(1, 9)))
    assert deliver(outbox, *[(200, {})] * 4, (500, {}), *[(200, {})] * 3) == 7
    assert [name for name, status, _ in outbox.tried if status == "due"] == ["msg_5"]
    assert outbox.together == [1, 2, 2, 1, 2], "of a row of four, two were tried"


def test_a_slow_receiver_has_each_post_recorded_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.delivery.sender.ROW_SECONDS", 0.0)
    outbox = Counted.of(*(entry(number) for number in range(1, 9)))
    assert deliver(outbox, *[(200, {})] * 8) == 8
    assert outbox.together == [1] * 8


def test_the_outbox_is_touched_from_one_thread_only() -> None:
    threads = set()

    class Watched(FakeOutbox):
        def record(self, tries: Sequence[Try]) -> list[DestinationState]:
            threads.add(threading.get_ident())
            return super().record(tries)

    outbox = Watched({f"msg_{number}": entry(number, name) for number, name in enumerate(["crm", "chat"] * 3)})
    with responses.RequestsMock() as mock:
        mock.post(CRM.url)
        mock.post(CHAT.url)
        assert sender(outbox).deliver(NOW) == 6
    assert threads == {threading.get_ident()}


def test_a_pass_that_takes_too_long_starts_nothing_more() -> None:
    outbox = FakeOutbox.of(entry(1), entry(2))
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.post(CRM.url)
        sender(outbox, pass_seconds=-1.0).deliver(NOW)
        assert len(mock.calls) == 0
    assert outbox.tried == []


def test_logs_hold_ids_and_no_address_no_body_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    """I10, S13"""
    outbox = FakeOutbox.of(entry(1, "chat", body='{"text":"canary"}'), entry(2, body='{"text":"canary"}'))
    with caplog.at_level(logging.DEBUG, logger="connector"), responses.RequestsMock() as mock:
        mock.post(CHAT.url, status=500, body="canary")
        mock.post(CRM.url)
        sender(outbox).deliver(NOW)
    said = " ".join(str(record.__dict__) for record in caplog.records if record.name.startswith("connector"))
    assert "msg_1" in said and "msg_2" in said
    assert "canary" not in said and SECRET not in said


def test_what_a_pass_did_not_get_to_can_be_claimed_at_once() -> None:
    """By the next run, or by another process that has taken over."""
    outbox = FakeOutbox.of(*(entry(number) for number in range(1, 9)))
    with responses.RequestsMock() as mock:
        mock.post(CRM.url, status=429)
        sender(outbox).deliver(NOW)
        mock.replace(responses.POST, CRM.url, status=200)
        assert sender(outbox).deliver(NOW + timedelta(seconds=61)) == 8
