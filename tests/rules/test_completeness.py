"""Completeness: each row of a pull is counted once, as new, changed or known, and the sentence says so (P1, I4)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.run import Seen
from connector.rules.completeness import Stamps, add_contacts, add_rows, as_plain, in_a_sentence, restored

NOW = datetime(2026, 3, 2, 10, 16, tzinfo=UTC)
COVERED = NOW - timedelta(minutes=10)
SINCE = COVERED - timedelta(minutes=5)
SECOND = timedelta(seconds=1)

moments = st.integers(-1_200, 60).map(lambda seconds: NOW + seconds * SECOND)
rows = st.tuples(moments, st.none() | moments)
pages = st.lists(st.lists(rows, max_size=6), max_size=6)


def add_page(seen: Seen, page: list[Stamps], covered: datetime | None = COVERED) -> Seen:
    return add_contacts(add_rows(seen, len(page)), page, covered=covered, until=NOW)


@settings(max_examples=30)
@given(pages, st.none() | st.just(COVERED), st.none() | st.just(SINCE))
def test_each_row_is_new_or_changed_or_known_however_it_is_paged(
    pages: list[list[Stamps]], covered: datetime | None, since: datetime | None
) -> None:
    """The figures add up, and where a page ends means nothing."""
    seen = Seen(since=since)
    for page in pages:
        seen = add_page(seen, page, covered)
    assert seen.rows == seen.new + seen.changed + seen.known == sum(map(len, pages))
    assert seen.overlap <= seen.known and seen.late <= seen.new + seen.changed and seen.outside <= seen.rows
    assert (seen.latest > 0) <= (seen.late > 0)
    assert seen == add_page(Seen(since=since), [row for page in pages for row in page], covered)
    if covered is None:
        assert (seen.overlap, seen.late) == (0, 0)


def test_what_the_run_before_should_have_seen_is_late_unless_it_did() -> None:
    """I4: that is what overlap and trailing pass are for, so their find is counted."""
    hidden, changed_again, seen_then, after = (COVERED - 90 * SECOND, COVERED - SECOND, COVERED, COVERED + SECOND)
    seen = add_page(
        Seen(since=SINCE),
        [(hidden, None), (changed_again, hidden), (seen_then, seen_then), (seen_then, after), (after, None)],
    )
    assert (seen.new, seen.changed, seen.known) == (2, 1, 2)
    assert (seen.late, seen.latest, seen.overlap) == (2, 90, 2)


def test_the_crms_first_count_stands_and_is_of_the_whole_pull() -> None:
    """Pages shift: later counts are of what is left by then."""
    seen = add_rows(add_rows(Seen(since=SINCE), 200, 450), 150, 251)
    assert (seen.rows, seen.counted) == (350, 450)
    assert add_rows(Seen(since=None, rows=1_000), 100, 24_000).counted == 25_000


def test_the_doors_of_a_long_pull_are_told_apart() -> None:
    seen = add_rows(add_rows(add_rows(Seen(since=None), 100, 1_500, "list"), 200, 1_400, "search"), 1_200, None, "list")
    assert (seen.doors, seen.rows) == ({"list": 1_300, "search": 200}, 1_500)
    told = in_a_sentence({"contacts": seen}, NOW)
    assert "1,500 seen (1,300 by the list, 200 by the search), as many as the CRM counts" in told


def test_rows_outside_the_window_are_counted() -> None:
    assert add_page(Seen(since=SINCE), [(NOW + SECOND, None), (SINCE - SECOND, None), (NOW, None)]).outside == 2
    assert add_page(Seen(since=None), [(SINCE - SECOND, None)]).outside == 0


def test_the_sentence_says_what_was_covered_and_seen() -> None:
    whole = {"contacts": Seen(since=None, rows=1_234, new=1_234)}
    assert in_a_sentence(whole, NOW) == "All contacts as of 2026-03-02 10:16 UTC: 1,234 seen; 1,234 new."
    some = Seen(
        since=SINCE, rows=125, counted=125, new=20, changed=30, known=74, overlap=70, erased=1, late=3, latest=95
    )
    assert in_a_sentence({"contacts": some}, NOW) == (
        "Contacts changed from 2026-03-02 10:01 to 10:16 UTC: 125 seen, as many as the CRM counts; 20 new, 30 changed, "
        "74 known already (70 of them read again on purpose); 3 changes had been shown late, by up to 95 seconds; 1 "
        "left out, erased here."
    )
    quiet = {"contacts": Seen(since=SINCE - timedelta(days=1), counted=0)}
    assert in_a_sentence(quiet, NOW, is_open=True) == (
        "Contacts changed from 2026-03-01 10:01 to 2026-03-02 10:16 UTC: 0 seen, as many as the CRM counts. The window "
        "stays open: the next run reads it again."
    )
    assert "3 seen, 4 counted by the CRM when" in in_a_sentence({"contacts": Seen(since=SINCE, rows=3, counted=4)}, NOW)
    assert in_a_sentence({"forms": Seen(since=SINCE)}, NOW) == ""


def test_figures_come_back_as_they_were_stored_whatever_version_stored_them() -> None:
    seen = Seen(since=SINCE, rows=2, new=1, known=1)
    facts = asdict(seen)
    assert restored({"contacts": facts | {"of tomorrow": 1}}) == {"contacts": seen}
    assert restored({"contacts": facts | {"since": SINCE.isoformat()}}) == {"contacts": seen}
    assert restored({"forms": {"since": None}}) == {"forms": Seen(since=None)}
    assert restored(None) == {}


def test_json_has_each_stream_and_the_comparison_of_contacts_alone() -> None:
    plain = as_plain({"contacts": Seen(since=None, rows=2, new=2), "forms": Seen(since=SINCE, rows=1)}, NOW)
    assert plain["forms"] == {"since": SINCE.isoformat(), "until": NOW.isoformat(), "trailing": False, "rows": 1}
    assert (plain["contacts"]["since"], plain["contacts"]["new"], plain["contacts"]["counted"]) == (None, 2, None)
