"""The notes of one export: only what counts is kept, and a deal's money is put down once (R25, R26)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from factories import DAY, HOUR, NOW, demo_request, make_deal, pricing_view

from connector.domain.contact import ContactId
from connector.domain.deal import Deal, DealState
from connector.engine.ports.past import Ready
from connector.store import open_notebook

LOOK_BACK = 30 * DAY


def ready(contact: str, at: datetime = NOW, *deals: Deal, email: str = "") -> Ready:
    known = (email,) if email else ()
    return Ready(contact=ContactId(contact), at=at, sure=True, addresses=known, deals=deals)


def test_only_what_those_who_became_ready_did_within_the_look_back_is_kept() -> None:
    with open_notebook() as notes:
        assert notes.span() is None
        notes.note_ready([ready("101", email="kim@acme.example"), ready("102", NOW - DAY)])
        assert notes.span() == (NOW - DAY, NOW)
        dates = (NOW + HOUR, NOW, NOW - HOUR, NOW - LOOK_BACK + HOUR, NOW - LOOK_BACK)
        rows = [pricing_view(at, contact="101") for at in dates]
        by_address = [
            replace(demo_request(NOW - 2 * HOUR, id=email), contact=None, email=email)
            for email in ("kim@acme.example", "strange@acme.example")
        ]
        for _ in range(2):  # a page that comes twice is kept once
            notes.note_activities([*rows, *by_address, pricing_view(contact="999")], LOOK_BACK.total_seconds())
        kept = notes.activities(ContactId("101"))
        assert [one.occurred_at for one in kept] == [dates[3], NOW - 2 * HOUR, dates[2], dates[1]]
        assert (kept[2], kept[1].contact) == (rows[2], "101") and notes.activities(ContactId("102")) == []


def test_they_come_by_instant_in_pieces_with_their_deals() -> None:
    deal = make_deal(DealState.LOST, at=NOW - DAY, contacts=("102",), amount=None)
    with open_notebook() as notes:
        notes.note_ready([ready("103"), ready("101"), ready("102", NOW - DAY, deal)])
        pieces = [[one.contact for one in some] for some in notes.ready(2)]
        assert pieces == [["102", "101"], ["103"]]
        (first, *_), *_ = notes.ready(2)
        assert (first.deals, first.credited) == ([deal], {"d1"})


def test_the_last_who_was_ready_before_a_deal_was_closed_has_its_money() -> None:
    """R26: as with the leads of Handoff; an open deal is the last one's."""
    closed = make_deal(DealState.WON, at=NOW - 5 * DAY)
    still_open = make_deal(at=NOW - 5 * DAY, id="d2")
    with open_notebook() as notes:
        for one, days in (("1", 9), ("2", 7), ("3", 1)):
            notes.note_ready([ready(one, NOW - days * DAY, closed, still_open)])
        credited = {one.contact: one.credited for some in notes.ready(10) for one in some}
    assert credited == {"1": set(), "2": {"d1"}, "3": {"d2"}}


def test_rows_come_back_as_they_were_noted() -> None:
    with open_notebook() as notes:
        for row in ({"lead": "ep_1", "score": 1.5, "form": None}, {"lead": "ep_2", "again": 0}):
            notes.note_row(row)  # type: ignore[arg-type]  # the rows differ in what they hold
        assert list(notes.rows()) == [{"lead": "ep_1", "score": 1.5, "form": None}, {"lead": "ep_2", "again": 0}]
