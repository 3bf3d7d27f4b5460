"""Clicks of mail scanners, told from people's in labelled streams (R09)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest
from factories import DAY, MINUTE, NOW, make_activity, make_contact, shipped_book
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.activity import Activity, ActivityKind
from connector.rules import scorecard
from connector.rules.scanners import ScannerRules, not_counted, sift

RULES = ScannerRules()
SECOND = timedelta(seconds=1)
HUMAN, SCANNER = "human", "scanner"
STREAMS = 400
"""Of each kind."""
Stream = list[Activity]


def sent(at: datetime, mail: str = "Nurture 1") -> Activity:
    return make_activity(ActivityKind.EMAIL_SENT, at, stream="emails", name=mail, ref=mail, id=f"sent-{mail}")


def click(at: datetime, who: str, path: str = "/offer", mail: str = "Nurture 1") -> Activity:
    """Its id is its label."""
    ident = f"{who}-{mail}-{path}-{at.isoformat()}"
    url = f"https://www.acme.example{path}?utm_source=mail"
    return make_activity(ActivityKind.EMAIL_CLICK, at, stream="emails", name=mail, ref=mail, url=url, id=ident)


def view(at: datetime, path: str = "/offer") -> Activity:
    return make_activity(at=at, url=f"https://www.acme.example{path}", id=f"view-{path}-{at.isoformat()}")


def links(random: Random, at_least: int = 2) -> list[str]:
    return [f"/page-{number}" for number in range(random.randint(at_least, 8))]


# -- people ------------------------------------------------------------------------------------------------------------


def followed(random: Random, at: datetime, path: str = "/offer") -> Iterator[Activity]:
    """A click with its page view, a moment later."""
    yield click(at, HUMAN, path)
    yield view(at + random.uniform(0.4, 20) * SECOND, path)


def reads_later(random: Random, at: datetime) -> Iterator[Activity]:
    yield from followed(random, at + random.uniform(1, 5_000) * MINUTE)


def refuses_cookies(random: Random, at: datetime) -> Iterator[Activity]:
    yield click(at + random.uniform(1, 5_000) * MINUTE, HUMAN)


def is_quick(random: Random, at: datetime) -> Iterator[Activity]:
    yield from followed(random, at + random.uniform(6, 30) * SECOND)


def opens_tabs(random: Random, at: datetime) -> Iterator[Activity]:
    began = at + random.uniform(1, 600) * MINUTE
    for number, path in enumerate(links(random)[:4]):
        yield from followed(random, began + number * random.uniform(0.5, 3) * SECOND, path)


def reads_on(random: Random, at: datetime) -> Iterator[Activity]:
    """Several links, one after the other; now and then without a trace on the page."""
    began = at + random.uniform(1, 600) * MINUTE
    for number, path in enumerate(links(random)):
        moment = began + number * random.uniform(10, 200) * SECOND
        yield from followed(random, moment, path) if random.random() < 0.7 else [click(moment, HUMAN, path)]


def comes_back(random: Random, at: datetime) -> Iterator[Activity]:
    first = at + random.uniform(1, 60) * MINUTE
    yield from followed(random, first)
    yield from followed(random, first + random.uniform(1, 20) * 60 * MINUTE)


def is_impatient(random: Random, at: datetime) -> Iterator[Activity]:
    """One in fifty of those without cookies clicks two links at once: that is lost."""
    moment = at + random.uniform(1, 600) * MINUTE
    yield click(moment, HUMAN, "/page-1")
    gap = random.uniform(0.5, 4) if random.random() < 0.02 else random.uniform(6, 60)
    yield click(moment + gap * SECOND, HUMAN, "/page-2")


# -- scanners ----------------------------------------------------------------------------------------------------------


def one_link_at_once(random: Random, at: datetime) -> Iterator[Activity]:
    yield click(at + random.uniform(0.5, 29) * SECOND, SCANNER)


def every_link_at_once(random: Random, at: datetime) -> Iterator[Activity]:
    began = at + random.uniform(0.5, 25) * SECOND
    for path in links(random):
        yield click(began + random.uniform(0, 2.5) * SECOND, SCANNER, path)


def every_link_later(random: Random, at: datetime) -> Iterator[Activity]:
    """Opened in a closed room before the mail is let through, minutes after it was sent."""
    began = at + random.uniform(2, 60) * MINUTE
    for path in links(random):
        yield click(began + random.uniform(0, 2.5) * SECOND, SCANNER, path)


def again_and_again(random: Random, at: datetime) -> Iterator[Activity]:
    yield from every_link_at_once(random, at)
    yield from every_link_later(random, at)


def behind_a_person(random: Random, at: datetime) -> Iterator[Activity]:
    """A gateway that follows each click of a person; it leaves no trace on the page."""
    for step in reads_later(random, at):
        yield step
        if step.kind is ActivityKind.EMAIL_CLICK:
            yield click(step.occurred_at + random.uniform(0.1, 4) * SECOND, SCANNER)


def before_a_person(random: Random, at: datetime) -> Iterator[Activity]:
    yield from every_link_at_once(random, at)
    yield from followed(random, at + random.uniform(40, 3_000) * SECOND, "/page-0")


KINDS: list[Callable[[Random, datetime], Iterator[Activity]]] = [
    reads_later, refuses_cookies, is_quick, opens_tabs, reads_on, comes_back, is_impatient,
    one_link_at_once, every_link_at_once, every_link_later, again_and_again, behind_a_person, before_a_person,
]  # fmt: skip


def stream(kind: Callable[[Random, datetime], Iterator[Activity]], seed: int) -> Stream:
    random, at = Random(f"{kind.__name__}-{seed}"), NOW - 10 * DAY
    return sorted([sent(at), *kind(random, at)], key=lambda row: row.occurred_at)


def labels(rows: Stream, who: str) -> set[str]:
    return {row.id for row in rows if row.id.startswith(who)}


def test_no_scanner_click_counts_and_99_of_100_clicks_of_people_do() -> None:
    """R09: the labelled streams, four hundred of each of thirteen kinds."""
    people, kept_people = 0, 0
    for kind in KINDS:
        for seed in range(STREAMS):
            rows = stream(kind, seed)
            kept = [row for row in sift(rows, RULES).kept if row.kind is ActivityKind.EMAIL_CLICK]
            assert not labels(kept, SCANNER), (kind.__name__, seed)
            people += len(labels(rows, HUMAN))
            kept_people += len(labels(kept, HUMAN))
    assert people > 5_000
    assert kept_people >= 0.99 * people, f"{people - kept_people} of {people} clicks of people were lost"


@pytest.mark.parametrize("kind", [one_link_at_once, every_link_at_once, every_link_later, again_and_again])
def test_scanners_alone_score_nothing_and_every_click_of_theirs_is_shown_as_dropped(
    kind: Callable[[Random, datetime], Iterator[Activity]],
) -> None:
    for seed in range(25):
        rows = stream(kind, seed)
        sifted = sift(rows, RULES)
        score = scorecard.score(make_contact(), sifted.kept, shipped_book().scoring, now=NOW, since=None)
        assert score.engagement == 0
        assert {one.activity.id for one in sifted.dropped} == labels(rows, SCANNER)
        shown = not_counted(sifted.dropped, since=None)
        assert sum(line.points for line in shown) == 0
        assert all(line.label.startswith("not counted, clicked ") for line in shown)


def test_without_page_views_a_single_late_click_is_a_persons() -> None:
    rows = [sent(NOW - DAY), click(NOW - DAY + 31 * SECOND, HUMAN)]
    assert list(sift(rows, RULES).kept) == rows


@pytest.mark.parametrize(("seconds", "stays"), [(0, False), (30, False), (31, True)])
def test_the_edge_of_what_is_too_quick(seconds: int, stays: bool) -> None:
    rows = [sent(NOW - DAY), click(NOW - DAY + seconds * SECOND, SCANNER)]
    assert (len(sift(rows, RULES).kept) == 2) is stays


def test_a_click_right_after_another_mail_was_sent_is_not_too_quick() -> None:
    rows = [sent(NOW - DAY, "Nurture 1"), sent(NOW - MINUTE, "Nurture 2"), click(NOW - MINUTE + SECOND, HUMAN)]
    assert len(sift(rows, RULES).kept) == 3


def test_a_view_of_another_page_proves_nothing() -> None:
    rows = [sent(NOW - DAY), click(NOW - DAY + SECOND, SCANNER), view(NOW - DAY + 3 * SECOND, "/about")]
    assert [row.kind for row in sift(rows, RULES).kept] == [ActivityKind.EMAIL_SENT, ActivityKind.PAGE_VIEW]


def test_one_view_proves_one_click_the_latest_before_it() -> None:
    rows = [sent(NOW - DAY), click(NOW - DAY + SECOND, SCANNER), click(NOW - DAY + 9 * SECOND, HUMAN)]
    kept = sift([*rows, view(NOW - DAY + 11 * SECOND)], RULES).kept
    assert labels(list(kept), HUMAN) and not labels(list(kept), SCANNER)


def test_what_the_crm_marks_is_dropped_whatever_its_timing_and_whether_or_not_timing_counts() -> None:
    row = replace(click(NOW - DAY, SCANNER), automatic=True)
    for rules in (RULES, ScannerRules(active=False)):
        assert [one.activity for one in sift([row], rules).dropped] == [row]


def test_switched_off_it_drops_nothing_by_timing() -> None:
    rows = stream(every_link_at_once, 1)
    assert list(sift(rows, ScannerRules(active=False)).kept) == rows


@given(st.lists(st.tuples(st.sampled_from("scvo"), st.integers(0, 90), st.integers(0, 2)), max_size=25))
def test_nothing_but_clicks_is_ever_dropped_and_nothing_is_lost(steps: list[tuple[str, int, int]]) -> None:
    made = {
        "s": lambda at, n: sent(at, f"Mail {n}"),
        "c": lambda at, n: click(at, HUMAN, f"/page-{n}", "Mail 0"),
        "v": lambda at, n: view(at, f"/page-{n}"),
        "o": lambda at, n: make_activity(ActivityKind.EMAIL_OPEN, at, name=f"Mail {n}"),
    }
    rows = sorted((made[what](NOW + at * SECOND, n) for what, at, n in steps), key=lambda row: row.occurred_at)
    sifted = sift(rows, RULES)
    dropped = [one.activity for one in sifted.dropped]
    assert all(row.kind is ActivityKind.EMAIL_CLICK for row in dropped)
    assert sorted([*sifted.kept, *dropped], key=lambda row: (row.occurred_at, row.id)) == sorted(
        rows, key=lambda row: (row.occurred_at, row.id)
    )


def test_the_same_rows_give_the_same_answer_whatever_comes_after_in_the_list() -> None:
    """A click that was dropped for want of a page view stays once the view is known."""
    rows = [sent(NOW - DAY), click(NOW - DAY + 5 * SECOND, HUMAN)]
    assert len(sift(rows, RULES).kept) == 1
    assert len(sift([*rows, view(NOW - DAY + 9 * SECOND)], RULES).kept) == 3
