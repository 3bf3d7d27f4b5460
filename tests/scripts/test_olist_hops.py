"""The story in two steps, and what is compared of it: each hop of each lead, and each way in which it may be wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from olist.acts import DESK, arrival, closed_deal, from_callers
from olist.data import callers, seller_reps
from olist.driver import seats
from olist.figures import Lived, Post, Seen
from olist.hop_figures import STATES, Hops, compare, result_of, wrong
from olist.ledger import Ledger
from olist.plan import End, Story, Timetable, Word, has_deal, make_plan
from olist.receiver import SALES, TELEQUALIFICATION, receipt
from olist.rules import lay_over, load, seat_callers
from olist.steps import Calendar
from olist.two_step import NAMING, tell_in_two_steps
from olist_samples import WORTH, make_leads

LEADS = make_leads(400)
REPS, CALLERS = seats(seller_reps(LEADS), 800), seats(callers(LEADS), 900)
CALENDAR = Calendar(every=1)
PLAN = tell_in_two_steps(make_plan(LEADS, CALENDAR, WORTH, ("not_ready",), 1), tuple(REPS), 1)


def test_every_lead_is_called_first_and_passed_on_before_it_ends() -> None:
    words = set()
    for story in PLAN.stories:
        assert story.is_called
        if story.passing is None:
            assert story.end not in (End.WON, End.LOST)
            continue
        words.add(story.passing.word)
        assert story.handed_in <= story.passing.step
        assert story.ends_in is None or story.passing.step <= story.ends_in
        assert bool(story.passing.rep) == (story.passing.word in NAMING)
        assert story.end is not End.WON or story.passing.rep == story.lead.seller_rep
        assert (story.end is End.LOST) <= has_deal(story)
    assert words == set(Word)
    unanswered = [story for story in PLAN.stories if story.end is End.NONE]
    assert {story.passing is None for story in unanswered} == {True, False}
    assert all(story.ends_in is None for story in unanswered)


def test_the_same_leads_come_and_are_won_on_the_same_days_as_with_one_desk() -> None:
    for one, two in zip(make_plan(LEADS, CALENDAR, WORTH, ("not_ready",), 1).stories, PLAN.stories, strict=True):
        assert (one.arrives_at, one.views, one.handed_in) == (two.arrives_at, two.views, two.handed_in)
        assert one.end is not End.WON or (one.end, one.ends_in) == (two.end, two.ends_in)


def test_deals_are_known_by_the_order_in_which_they_are_made() -> None:
    table = Timetable(PLAN)
    stories = {story.number: story for story in PLAN.stories}
    assert sorted(table.deals) == sorted(n for n, one in stories.items() if one.end is End.WON or has_deal(one))
    made = [stories[n].passing.step if has_deal(stories[n]) else stories[n].ends_in for n in table.deals]  # type: ignore[union-attr]
    assert made == sorted(made)  # type: ignore[type-var]


def test_a_caller_s_deal_is_closed_and_no_second_one_made() -> None:
    story = next(one for one in PLAN.stories if one.end is End.WON and has_deal(one))
    at = CALENDAR.steps[0].sales_at
    (made,) = from_callers([story], {story.number: "1"}, REPS, at)
    assert (made["owner"], made["properties"]["dealstage"]) == (REPS[story.lead.seller_rep], "appointmentscheduled")
    ledger = Ledger(order=(), deals={story.number: "77"})
    closed = closed_deal(story, ledger, REPS, at)
    assert (closed["deal"], closed["properties"]["dealstage"]) == ("77", "closedwon")
    assert arrival(story)["values"][DESK] == story.lead.caller


def test_each_caller_takes_the_leads_of_their_own_campaign(tmp_path: Any) -> None:
    (tmp_path / "routing.yaml").write_text("pools: {callers: {teams: [Telequalification]}}\n")
    seat_callers(tmp_path, ["sdr-1"], ["caller.01@olist.example"])
    lay_over(tmp_path, tmp_path / "none", tmp_path)
    own = {"any": [{"field": "desk", "op": "empty"}, {"field": "desk", "op": "is", "value": "sdr-1"}]}
    pool = load(tmp_path, "routing")["pools"]["callers"]
    assert pool["members"] == [{"owner": "caller.01@olist.example", "takes": own}]


def test_a_receipt_says_in_whose_hands_the_lead_is() -> None:
    told = receipt({}, b'{"data":{"contact_id":"1","owner_id":"9","tell":["telequalification"]}}', "whsec_")
    assert (told["hop"], told["owner"]) == (TELEQUALIFICATION, "9")
    assert receipt({}, b'{"data":{"contact_id":"1","tell":["rep"]}}', "whsec_")["hop"] == SALES


# -- the comparison --------------------------------------------------------------------------------------------


def perfect() -> Hops:
    """A whole run in which everything was right."""
    ledger, seen, given = Ledger(order=()), dict[str, Seen](), dict[str, list[tuple[str, date]]]()
    ids, to = dict[tuple[str, str], set[str]](), dict[str, str]()
    turn = {TELEQUALIFICATION: 0, SALES: 0}
    post = Post(ids=ids, repeats=0, changed=0, unsigned=0, addressees=to)
    for story in PLAN.stories:
        contact = ledger.contacts[story.number] = str(story.number)
        days = [CALENDAR.steps[story.handed_in].last]
        holders = [_seat(CALLERS, story.lead.caller, TELEQUALIFICATION, turn)]
        if story.passing is not None:
            days.append(CALENDAR.steps[story.passing.step].last)
            holders.append(_seat(REPS, story.passing.rep, SALES, turn))
            post.kinds["lead.withdrawn"] += story.passing.word is Word.HAND
        post.kinds["lead.recycled"] += story.end not in (End.WON, End.NONE)
        given[contact] = list(zip(holders, days, strict=True))
        for hop, holder in zip((TELEQUALIFICATION, SALES), holders, strict=False):
            ids[contact, hop] = {f"{contact}-{hop}"}
            to[f"{contact}-{hop}"] = holder
        seen[contact] = _seen(story, holders, days)
    lived = Lived(plan=PLAN, last=CALENDAR.steps[-1])
    return Hops(lived=lived, seen=seen, post=post, ledger=ledger, given=given, callers=CALLERS, reps=REPS)


def _seat(people: dict[str, str], named: str, hop: str, turn: dict[str, int]) -> str:
    if named:
        return people[named]
    turn[hop] += 1
    return list(people.values())[turn[hop] % len(people)]


def _seen(story: Story, holders: list[str], days: list[date]) -> Seen:
    passed, is_open = len(holders) > 1, story.end is End.NONE
    return Seen(
        contact=str(story.number),
        origin=story.lead.origin,
        states=(("telequalified" if passed else "handed_off") if is_open else STATES[story.end],),
        owners=(holders[-1],),
        handed_on=(days[0],),
        is_open=is_open,
        on_a_clock=is_open,
        passed_on=(days[1] if passed else None,),
        callers=(holders[0] if passed else "",),
    )


def differing(hops: Hops) -> set[str]:
    found = {name: len(lines) for name, lines in wrong(hops).items()}
    of_one_desk = {
        "leads": len(hops.seen), "episodes": len(hops.seen), "doubles": hops.post.doubles(0), "silent": 0, "won": 0,
        "by_origin": {}, "wrong_day": 0, "list_mismatches": 0,
    }  # fmt: skip
    lines = compare(of_one_desk | result_of(hops), hops, found)
    differ = {line.name for line in lines if not line.right} - {"won", "conversion"}  # these are one desk's, too
    return {name for name in differ if not name.startswith("won of ")}


def test_a_right_run_agrees_in_every_line() -> None:
    assert differing(perfect()) == set()


def first(wanted: Callable[[Story], bool]) -> Story:
    return next(story for story in PLAN.stories if wanted(story))


PASSED = first(lambda story: story.passing is not None and story.end is End.RECYCLED)
WON = first(lambda story: story.end is End.WON)
CALLED = first(lambda story: story.passing is None and story.end is End.JUNK)


def without_second_packet(hops: Hops) -> None:
    del hops.post.ids[str(PASSED.number), SALES]  # type: ignore[attr-defined]


def told_twice(hops: Hops) -> None:
    hops.post.ids[str(PASSED.number), SALES].add("another")


def told_to_somebody_else(hops: Hops) -> None:
    hops.post.addressees[f"{PASSED.number}-{SALES}"] = "somebody"  # type: ignore[index]


def won_by_another_rep(hops: Hops) -> None:
    caller, (_, day) = hops.given[str(WON.number)]
    hops.given[str(WON.number)][:] = [caller, (CALLERS["sdr-0"], day)]


def passed_on_although_junk(hops: Hops) -> None:
    hops.given[str(CALLED.number)].append(("800", date(2017, 8, 1)))


def passed_on_a_day_late(hops: Hops) -> None:
    caller, (rep, _) = hops.given[str(PASSED.number)]
    hops.given[str(PASSED.number)][:] = [caller, (rep, date(2020, 1, 1))]


def left_open(hops: Hops) -> None:
    contact = str(CALLED.number)
    hops.seen[contact] = replace(hops.seen[contact], states=("handed_off",), is_open=True, on_a_clock=False)  # type: ignore[index]


@pytest.mark.parametrize(
    ("fault", "names"),
    [
        (without_second_packet, {"packets to sales", "leads with another packet"}),
        (told_twice, {"packets to sales", "told twice", "leads with another packet"}),
        (told_to_somebody_else, {"leads with another packet"}),
        (won_by_another_rep, {"won with their sdr_id and sr_id", "leads in other hands", "leads with another packet"}),
        (passed_on_although_junk, {"leads in other hands", "leads with another packet"}),
        (passed_on_a_day_late, {"passed on on another day"}),
        (left_open, {"ended", "leads in another state", "stand as junk", "stand as handed_off"}),
    ],
)
def test_each_wrong_hop_shows_in_its_lines(fault: Callable[[Hops], None], names: set[str]) -> None:
    hops = perfect()
    fault(hops)
    assert differing(hops) == names
