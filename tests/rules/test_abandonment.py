"""Forms seen and sent in every order and at the edge of T: each stream ends as labelled (R08)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

import pytest
from factories import DAY, MINUTE, NOW, demo_request, make_activity, make_book, make_contact, make_situation
from pydantic import ValidationError

from connector.domain.activity import Activity
from connector.rules.abandonment import AbandonedForm, abandoned
from connector.rules.marking import FIELD, marking
from connector.rules.rulebook import RuleBook

MARK = "Request a demo"
RULE = AbandonedForm.model_validate({"mark": MARK, "page": "*/demo*", "form": MARK, "after": "30m"})
T = RULE.after
SECOND = timedelta(seconds=1)


def seen(at: datetime) -> Activity:
    return make_activity(at=at, url="https://www.acme.example/demo?from=mail")


def rows(stream: str, spans: list[timedelta]) -> list[Activity]:
    """`vs`: a view, then a submission, each so long after NOW."""
    steps = zip(stream, spans, strict=True)
    made = [seen(NOW + at) if what == "v" else demo_request(NOW + at, id=str(at)) for what, at in steps]
    return sorted(made, key=lambda row: row.occurred_at)


LABELLED = [
    ("v", [T * 0], True),
    ("s", [T * 0], False),
    ("vs", [T * 0, T / 2], False),
    ("vs", [T * 0, T - SECOND], False),
    ("vs", [T * 0, T], False),  # at the very end it came in time
    ("vs", [T * 0, T + SECOND], False),  # marked for a second, and taken off
    ("sv", [T * 0, T / 2], False),  # the page that says thank you
    ("sv", [T * 0, T], False),
    ("sv", [T * 0, T + SECOND], True),  # a visit of its own
    ("vv", [T * 0, T / 2], True),
    ("vvs", [T * 0, T - SECOND, 2 * T - SECOND], False),  # the second view put it off
    ("vvs", [T * 0, T - SECOND, 2 * T], False),
    ("vsv", [T * 0, T / 2, T], False),
    ("vsv", [T * 0, T / 2, 3 * T], True),
    ("svs", [T * 0, 2 * T, 2 * T + SECOND], False),
    ("ssv", [T * 0, SECOND, 2 * T], True),
]


@pytest.mark.parametrize(("stream", "spans", "is_abandoned"), LABELLED)
def test_each_order_is_as_labelled(stream: str, spans: list[timedelta], is_abandoned: bool) -> None:
    assert bool(abandoned(make_contact(), rows(stream, spans), (RULE,))) is is_abandoned


@pytest.mark.parametrize(("offset", "marked"), [(-SECOND, False), (0 * SECOND, True), (SECOND, True)])
def test_it_is_certain_at_the_very_end_of_the_time(offset: timedelta, marked: bool) -> None:
    found = marking(make_situation(activities=[seen(NOW)]), None, make_book(), now=NOW + T + offset)
    assert (found.change is not None) is marked
    assert marked or found.look_at == NOW + T


class Portal:
    """A naive stand-in that knows the rule as people say it, and only what has happened so far."""

    def __init__(self) -> None:
        self.last_view = self.sent = -1_000
        self.settled = True
        self.mark = ""
        self.rests_until = 0

    def tick(self, minute: int, what: str) -> str:
        is_same_visit = minute - self.last_view <= 30
        if what == "s":
            self.sent, self.mark, self.settled = minute, "", True
        elif what == "v":
            self.settled = self.settled if is_same_visit else self.sent + 30 >= minute
            self.last_view = minute
        elif not self.settled and minute - self.last_view == 30 and minute >= self.rests_until:
            self.mark, self.rests_until = MARK, minute + 30 * 24 * 60
        return self.mark


def test_every_stream_of_views_and_submissions_is_marked_minute_by_minute_as_a_naive_portal_would() -> None:
    """All orders of six moments ten minutes apart; what stands in the CRM is fed back as the connector would."""
    book = make_book()
    for stream in product("-vs", repeat=6):
        portal, stands, done = Portal(), "", list[Activity]()
        changed_at: datetime | None = None
        for minute, what in enumerate([*stream, *"------"]):
            now = NOW + minute * 10 * MINUTE
            wanted = portal.tick(minute * 10, what)
            done += rows(what, [now - NOW]) if what != "-" else []
            contact = make_contact(**{FIELD: stands or None}, changed_at={FIELD: changed_at} if changed_at else None)
            change = marking(make_situation(contact, activities=done), None, book, now=now).change
            if change is not None:
                stands, changed_at = str(change.after or ""), now
            assert stands == wanted, ("".join(stream), minute * 10)


def test_the_last_form_of_the_contact_settles_it_where_submissions_cannot_be_read() -> None:
    """Without the scope for forms the CRM tells only `page title: form name`."""
    contact = make_contact(last_form="Product tour: Request a demo", last_form_at=NOW + 10 * MINUTE)
    assert abandoned(contact, [seen(NOW)], (RULE,)) == ()
    other = make_contact(last_form="Product tour: Newsletter", last_form_at=NOW + 10 * MINUTE)
    assert abandoned(other, [seen(NOW)], (RULE,)) != ()


def test_of_two_forms_the_one_abandoned_last_stands_and_the_other_is_not_set_again() -> None:
    other = {"mark": "Price list", "page": "*/prices*", "form": "Price list", "after": "30m"}
    book = make_book(qualification={"abandoned_forms": [RULE.model_dump(), other]})
    views = [seen(NOW), make_activity(at=NOW + DAY, url="/prices")]
    now = NOW + DAY + T
    first = make_contact(**{FIELD: MARK}, changed_at={FIELD: NOW + T})
    found = marking(make_situation(first, activities=views), None, book, now=now)
    assert found.change is not None and found.change.after == "Price list"
    second = make_contact(**{FIELD: "Price list"}, changed_at={FIELD: now})
    assert marking(make_situation(second, activities=views), None, book, now=now).change is None
    sent = demo_request(now + MINUTE, name="Price list")
    back = marking(make_situation(second, activities=[*views, sent]), None, book, now=now + 2 * MINUTE)
    assert back.change is not None and back.change.after is None


def test_without_rules_or_without_the_field_nothing_is_marked_and_a_left_over_mark_goes() -> None:
    none = make_book(qualification={"abandoned_forms": []})
    assert marking(make_situation(activities=[seen(NOW)]), None, none, now=NOW + DAY / 2).change is None
    left = make_situation(make_contact(**{FIELD: MARK}))
    assert marking(left, None, none, now=NOW).change is not None
    assert marking(make_situation(activities=[seen(NOW)]), None, _without_field(), now=NOW + DAY / 2).change is None


def _without_field() -> RuleBook:
    book = make_book()
    fields = {name: rule for name, rule in book.fields.fields.items() if name != FIELD}
    return replace(book, fields=book.fields.model_copy(update={"fields": fields}))


def test_a_cool_down_shorter_than_the_time_itself_is_refused() -> None:
    with pytest.raises(ValidationError, match="longer than `after`"):
        AbandonedForm.model_validate({"mark": MARK, "page": "/demo", "form": MARK, "after": "1h", "cool_down": "30m"})
