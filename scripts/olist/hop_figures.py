"""The figures of a run in two steps: each hop of each lead next to what the files and the plan say of it.

The witnesses are those of `figures`: the sandbox's log says who was given each contact and when, the receiver's file
who was told, the connector's episodes how they stand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from olist.figures import Line, Lived, Post, Seen, common, near, same
from olist.ledger import Ledger
from olist.plan import End, Story, Word
from olist.receiver import SALES, TELEQUALIFICATION

STATES: Mapping[End, str] = {
    End.WON: "won", End.LOST: "lost", End.RECYCLED: "recycled", End.JUNK: "junk", End.UNREACHABLE: "unreachable",
}  # fmt: skip
WAITING = ("handed_off", "telequalified")
"""How a lead stands that its caller, or its rep, has not answered."""
Given = Mapping[str, list[tuple[str, date]]]
"""Per contact, every owner it was given, with the day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hops:
    """What the witnesses say. `callers`, `reps`: `sdr_id` and `sr_id` -> owner id."""

    lived: Lived
    seen: Mapping[str, Seen]
    post: Post
    ledger: Ledger
    given: Given
    callers: Mapping[str, str]
    reps: Mapping[str, str]

    # -- what should have happened -----------------------------------------------------------------------------

    def handed(self) -> list[Story]:
        return [story for story in self.lived.plan.stories if story.handed_in <= self.lived.last.number]

    def is_passed(self, story: Story) -> bool:
        return story.passing is not None and story.passing.step <= self.lived.last.number

    def has_ended(self, story: Story) -> bool:
        return story.ends_in is not None and story.ends_in <= self.lived.last.number

    def state(self, story: Story) -> str:
        return STATES[story.end] if self.has_ended(story) else WAITING[self.is_passed(story)]

    # -- what the witnesses say --------------------------------------------------------------------------------

    def contact(self, story: Story) -> str:
        return self.ledger.contacts.get(story.number, "")

    def holders(self, story: Story) -> list[str]:
        return [owner for owner, _ in self.given.get(self.contact(story), ())]

    def packets(self, hop: str) -> int:
        return sum(len(ids) for (_, which), ids in self.post.ids.items() if which == hop)

    def passed_on(self) -> int:
        return sum(day is not None for lead in self.seen.values() for day in lead.passed_on)

    def ended(self) -> int:
        return sum(bool(lead.states) and not lead.is_open for lead in self.seen.values())

    def on_a_clock(self) -> int:
        return sum(lead.is_open and lead.on_a_clock for lead in self.seen.values())

    # -- what is wrong with one lead; each a sentence, or nothing ------------------------------------------------

    def wrong_holder(self, story: Story) -> str:
        """Given to whom the files name, or to somebody whose turn it may be; on each hop once; and so says the
        connector."""
        found, passing = self.holders(story), story.passing if self.is_passed(story) else None
        may = [_seats(self.callers, story.lead.caller), *([_seats(self.reps, passing.rep)] if passing else ())]
        lead = self.seen.get(self.contact(story))
        says = [*(lead.callers if passing else ()), *lead.owners] if lead else []
        right = len(found) == len(may) and all(one in those for one, those in zip(found, may, strict=True))
        return "" if right and says == found else f"given to {found}, {says} by the connector"

    def wrong_day(self, story: Story) -> str:
        """Passed on once, on its day, by the connector's word and by the sandbox's log."""
        if not self.is_passed(story) or story.passing is None:
            return ""
        should = (self.lived.plan.calendar.steps[story.passing.step].last,)
        lead = self.seen.get(self.contact(story))
        says = lead.passed_on if lead else ()
        shows = tuple(day for _, day in self.given.get(self.contact(story), ())[1:])
        return "" if says == shows == should else f"passed on {should}, {says} by the connector, {shows} by the log"

    def wrong_packet(self, story: Story) -> str:
        """One packet for each hop, to who has the lead then."""
        hops = (TELEQUALIFICATION, SALES)[: 1 + self.is_passed(story)]
        told = [self._told(self.contact(story), hop) for hop in (TELEQUALIFICATION, SALES)]
        should = [[one] for one in self.holders(story)] + [[]] * (2 - len(hops))
        return "" if told == should else f"packets {told}, but it was given to {self.holders(story)}"

    def _told(self, contact: str, hop: str) -> list[str]:
        return [self.post.addressees.get(one, "") for one in sorted(self.post.ids.get((contact, hop), ()))]

    def wrong_state(self, story: Story) -> str:
        lead = self.seen.get(self.contact(story))
        found = lead.states if lead else ()
        return "" if found == (self.state(story),) else f"stands as {found}, not as {self.state(story)}"


def _seats(seats: Mapping[str, str], named: str) -> frozenset[str]:
    return frozenset([seats[named]] if named else seats.values())


WRONG: Mapping[str, Callable[[Hops, Story], str]] = {
    "leads in other hands": Hops.wrong_holder,
    "passed on on another day": Hops.wrong_day,
    "leads with another packet": Hops.wrong_packet,
    "leads in another state": Hops.wrong_state,
}


def wrong(hops: Hops) -> dict[str, list[str]]:
    """A sentence for each lead with which something is wrong, by what it is."""
    handed = hops.handed()
    return {
        name: [f"lead {story.number}: {said}" for story in handed if (said := check(hops, story))]
        for name, check in WRONG.items()
    }


def result_of(hops: Hops) -> dict[str, Any]:
    """What the JSON object says beyond that of one desk."""
    handed = hops.handed()
    won = [story for story in handed if story.end is End.WON and hops.has_ended(story)]
    passed = [story for story in handed if hops.is_passed(story)]
    return {
        "by_caller": _by_seat(hops, hops.callers, 0, handed),
        "by_owner": _by_seat(hops, hops.reps, 1, passed),
        "hops": {TELEQUALIFICATION: sum(bool(lead.states) for lead in hops.seen.values()), SALES: hops.passed_on()},
        "packets": {hop: hops.packets(hop) for hop in (TELEQUALIFICATION, SALES)},
        "terminal": hops.ended(),
        "on_a_clock": hops.on_a_clock(),
        "won_with_their_sdr_and_sr": sum(_is_as_filed(hops, story) for story in won),
        "states": dict(Counter(state for lead in hops.seen.values() for state in lead.states).most_common()),
    }


def _is_as_filed(hops: Hops, story: Story) -> bool:
    lead = story.lead
    return hops.holders(story) == [hops.callers[lead.caller], hops.reps[lead.seller_rep]]


def compare(result: Mapping[str, Any], hops: Hops, extra: Mapping[str, int]) -> list[Line]:
    """Put each figure next to the one from the files and the plan. `extra` are further counts that must be 0."""
    return [*common(result, hops.lived), *_of_hops(result, hops), *(same(name, n, 0) for name, n in extra.items())]


def _of_hops(result: Mapping[str, Any], hops: Hops) -> Iterator[Line]:
    handed = hops.handed()
    passed = [story for story in handed if hops.is_passed(story)]
    ended = [story for story in handed if hops.has_ended(story)]
    won = sum(story.end is End.WON for story in ended)
    for hop, stories in ((TELEQUALIFICATION, handed), (SALES, passed)):
        yield same(f"hops to {hop}", result["hops"][hop], len(stories))
        yield same(f"packets to {hop}", result["packets"][hop], len(stories))
    yield same("ended", result["terminal"], len(ended))
    yield same("open and on a clock", result["on_a_clock"], len(handed) - len(ended))
    yield same("won with their sdr_id and sr_id", result["won_with_their_sdr_and_sr"], won)
    yield same("hand-backs told", hops.post.kinds["lead.recycled"], len(ended) - won)
    by_hand = sum(story.passing is not None and story.passing.word is Word.HAND for story in passed)
    yield same("callers told that a lead left them", hops.post.kinds["lead.withdrawn"], by_hand)
    for state, count in Counter(hops.state(story) for story in handed).most_common():
        yield same(f"stand as {state}", result["states"].get(state, 0), count)
    called_by_turns = [story for story in handed if not story.lead.caller]
    passed_by_turns = [story for story in passed if story.passing and not story.passing.rep]
    yield near("turns of callers", _by_seat(hops, hops.callers, 0, called_by_turns).values())
    yield near("turns of reps", _by_seat(hops, hops.reps, 1, passed_by_turns).values())


def _by_seat(hops: Hops, seats: Mapping[str, str], place: int, stories: list[Story]) -> dict[str, int]:
    """How many of these leads each got on the hop at `place`."""
    taken = Counter(holders[place] for story in stories if len(holders := hops.holders(story)) > place)
    return {person: taken[owner] for person, owner in seats.items()}
