"""People: what reps, managers, marketing and leads do, and when; they learn of leads by the notices they get.

Everything that somebody means to do stands in one agenda, in the order of time. When its time comes it is looked at
once more: who has lost the lead meanwhile does nothing. Acts are those of the sandbox's control API.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from itertools import count
from random import Random
from typing import Any

from quarter.cast import ANSWERS, REPS, Manner, Person, Rep, Way, draw
from quarter.promises import ASKING, FORMS

Act = dict[str, Any]
Deed = Callable[[datetime], list[Act]]
SITE = "https://www.company.example"
GUIDS = {name: guid for guid, name in FORMS.items()}
DAN_IS_AWAY = (date(2026, 4, 13), date(2026, 4, 26))


class People:
    """Everybody of one quarter.

    Attributes:
        holder: contact -> owner id, as the reps were told; a lead that was answered for good has none.
        left: reps who are gone.
    """

    def __init__(self, leads: list[Person], seed: int) -> None:
        self.rng = Random(f"{seed}:people")
        self.by_email = {lead.email: lead for lead in leads}
        self.person_of: dict[str, Person] = {}
        self.holder: dict[str, str] = {}
        self.spells: dict[str, int] = {}
        self.deals: dict[str, str] = {}
        self.said: dict[str, str] = {}
        self.left: set[str] = set()
        self._agenda: list[tuple[datetime, int, Deed]] = []
        self._number = count()
        for lead in leads:
            self._comes(lead)

    def _plan(self, at: datetime, deed: Deed) -> None:
        if at.second == 0:
            at += timedelta(seconds=self.rng.randrange(1, 60))
        heapq.heappush(self._agenda, (at, next(self._number), deed))

    def until(self, end: datetime) -> Iterator[list[Act]]:
        """What happens before `end`, deed by deed, each act with its time."""
        while self._agenda and self._agenda[0][0] < end:
            at, _, deed = heapq.heappop(self._agenda)
            if acts := deed(at):
                yield [{"at": at.isoformat(), **act} for act in acts]

    def done(self, act: Act, result: Mapping[str, Any]) -> None:
        """What an act gave: ids of contacts and deals."""
        contact = result.get("contact")
        if contact and act.get("email") in self.by_email:
            self.person_of[str(contact)] = self.by_email[act["email"]]
        elif contact and act["kind"] == "contact":
            self.person_of[str(contact)] = self.by_email[act["properties"]["email"]]
        if act["kind"] == "deal" and result.get("deal"):
            self.deals[act.get("email") or act["deal"]] = str(result["deal"])

    # -- leads ---------------------------------------------------------------------------------------------------

    def _comes(self, lead: Person) -> None:
        at, rng = lead.comes_at, self.rng
        if lead.way in (Way.ASKS, Way.RIVAL, Way.PRIVATE_ASKS):
            self._plan(at, lambda _: [_sends(lead, rng.choice(ASKING))])
            return
        more = {"handoff_request": "hand_over"} if lead.way is Way.BY_HAND else {}
        made = {"kind": "contact", "properties": {"email": lead.email, **lead.values, **more}}
        self._plan(at, lambda _: [made if more else made | {"source": "IMPORT"}])
        if lead.way is Way.GLANCES:
            self._looks(lead, at + timedelta(hours=3))
        elif lead.way in (Way.LOOKS, Way.PRIVATE_LOOKS):
            first = at + timedelta(minutes=rng.randrange(20, 4_000))
            self._looks(lead, first)
            self._looks(lead, first + timedelta(minutes=rng.randrange(3, 6_000)))

    def _looks(self, lead: Person, at: datetime) -> None:
        page = f"{SITE}/pricing?visit={next(self._number)}"
        self._plan(at, lambda _: [{"kind": "page_view", "email": lead.email, "url": page}])

    def _asks_again(self, lead: Person, at: datetime) -> None:
        self._plan(at, lambda _: [_sends(lead, "Request a demo")])

    def _edits(self, lead: Person, at: datetime, **values: str) -> None:
        self._plan(at, lambda _: [_edit(lead, values)])

    # -- what people are told ------------------------------------------------------------------------------------

    def hear(self, destination: str, notice: Mapping[str, Any], at: datetime) -> None:
        """One notice, as its addressee gets it."""
        kind, data = notice["type"], notice["data"]
        lead = self.person_of.get(str(data.get("contact_id")))
        if lead is None:
            return
        if destination == "reps" and kind in ("lead.handed_off", "lead.moved"):
            self.holder[lead.email] = str(data["owner_id"])
            self.spells[lead.email] = self.spells.get(lead.email, 0) + 1
            self._works(lead, REPS[int(data["owner_id"]) - int(REPS[0].id)], at)
            if kind == "lead.handed_off":
                self._goes_on(lead, at)
        elif destination == "reps" and kind == "lead.signal" and self.rng.random() < 0.6:
            rep = self._rep(lead)
            if rep is not None:
                self._touch(lead, rep, self._reaction(rep, at), "call")
        elif destination == "managers" and data.get("level") in ("escalated_200", "escalated_400"):
            self._steps_in(lead, at)
        elif destination == "marketing" and kind == "lead.recycled":
            self._afterwards(lead, str(data["state"]), at)

    def _rep(self, lead: Person) -> Rep | None:
        owner = self.holder.get(lead.email)
        return None if owner is None else REPS[int(owner) - int(REPS[0].id)]

    # -- reps ----------------------------------------------------------------------------------------------------

    def _works(self, lead: Person, rep: Rep, at: datetime) -> None:
        """A rep plans the whole course of a lead; whatever comes between makes the rest of it void."""
        rng = self.rng
        if rep.manner is Manner.SLEEPY and rng.random() < 0.4:
            return
        spell, then = self.spells[lead.email], self._reaction(rep, at)
        answer = draw(rng, ANSWERS)
        if answer == "bad_fit" and not lead.is_small:
            answer = "not_ready"
        if answer == "forgets it":
            return
        for number in range(rng.choice((1, 2, 3, 3, 4))):
            self._touch(lead, rep, then, "call" if number == 0 or rng.random() < 0.5 else "email")
            then = self._at_work(rep, then + timedelta(hours=rng.uniform(3, 40)))
        if answer in ("won", "lost", "keeps it") or rng.random() < 0.3:
            value = rng.choice(({"handoff_verdict": "accepted"}, {"hs_lead_status": "CONNECTED"}))
            self._mine(lead, rep, spell, then, lambda: [_edit(lead, value)])
            then = self._at_work(rep, then + timedelta(hours=rng.uniform(5, 100)))
        if rng.random() < 0.06:
            self._mine(lead, rep, spell, then, lambda: self._passes_by_hand(lead, rep))
            return
        self._answers(lead, rep, spell, then, answer)

    def _answers(self, lead: Person, rep: Rep, spell: int, at: datetime, answer: str) -> None:
        rng = self.rng
        if answer in ("won", "lost"):
            self._mine(lead, rep, spell, at, lambda: [_deal(lead, "appointmentscheduled")])
            closes = self._at_work(rep, at + timedelta(days=rng.uniform(3, 18)))
            stage = f"closed{answer}"
            self._mine(lead, rep, spell, closes, lambda: self._closes(lead, stage))
        elif answer == "keeps it":
            by_stage = rng.random() < 0.5
            said = {"lifecyclestage": "salesqualifiedlead"} if by_stage else {"hs_lead_status": "OPEN_DEAL"}
            self._mine(lead, rep, spell, at, lambda: [_edit(lead, said)])
        elif answer.startswith("status: "):
            status = {"hs_lead_status": answer.removeprefix("status: ")}
            self._mine(lead, rep, spell, at, lambda: self._ends(lead, status))
        elif answer in ("junk", "unreachable"):
            self._mine(lead, rep, spell, at, lambda: self._ends(lead, {"handoff_verdict": answer}))
        else:
            day = (at + timedelta(days=rng.randrange(9, 45))).date().isoformat()
            values = {"handoff_verdict": "recycle", "handoff_verdict_reason": answer}
            if answer == "locked_in_contract" and rng.random() < 0.8:
                values["handoff_return_on"] = day
            self._mine(lead, rep, spell, at, lambda: self._ends(lead, values))

    def _mine(self, lead: Person, rep: Rep, spell: int, at: datetime, deed: Callable[[], list[Act]]) -> None:
        """Something a rep means to do, if the lead is still theirs then, and they are still there."""

        def when_due(_: datetime) -> list[Act]:
            same = self.holder.get(lead.email) == rep.id and self.spells.get(lead.email) == spell
            return deed() if same and rep.id not in self.left else []

        self._plan(at, when_due)

    def _touch(self, lead: Person, rep: Rep, at: datetime, kind: str) -> None:
        act = {"kind": kind, "email": lead.email, "owner": rep.id}
        self._mine(lead, rep, self.spells[lead.email], at, lambda: [act])

    def _ends(self, lead: Person, values: Mapping[str, str]) -> list[Act]:
        self.holder.pop(lead.email, None)
        self.said[lead.email] = values.get("handoff_verdict_reason", "")
        return [_edit(lead, values)]

    def _closes(self, lead: Person, stage: str) -> list[Act]:
        deal = self.deals.get(lead.email)
        if deal is None:
            return []
        self.holder.pop(lead.email, None)
        self.deals.pop(lead.email)
        self.said[lead.email] = ""
        return [{"kind": "deal", "deal": deal, "properties": {"dealstage": stage}}]

    def _passes_by_hand(self, lead: Person, rep: Rep) -> list[Act]:
        """Gives it to a colleague in the CRM, or simply takes the name off it."""
        others = [one.id for one in REPS[:-1] if one.id not in {*self.left, rep.id}]
        owner = "" if self.rng.random() < 0.25 else self.rng.choice(others)
        self.holder.pop(lead.email, None)
        return [_edit(lead, {"hubspot_owner_id": owner})]

    def _reaction(self, rep: Rep, at: datetime) -> datetime:
        minutes = {
            Manner.PROMPT: self.rng.uniform(4, 150), Manner.LATE: self.rng.uniform(700, 5_000),
            Manner.SLEEPY: self.rng.uniform(6_000, 14_000),
        }  # fmt: skip
        return self._at_work(rep, at + timedelta(minutes=minutes[rep.manner]))

    def _at_work(self, rep: Rep, at: datetime) -> datetime:
        """Then, or the next morning of a weekday; after their holidays where they are away."""
        while at.weekday() >= 5 or not 7 <= at.hour < 17 or _is_away(rep, at.date()):
            following = at.date() + timedelta(days=0 if at.hour < 7 and at.weekday() < 5 else 1)
            early = time(7, self.rng.randrange(5, 55), self.rng.randrange(1, 60), tzinfo=at.tzinfo)
            at = datetime.combine(following, early)
            if _is_away(rep, at.date()):
                at += timedelta(days=1, hours=-7)
        return at

    # -- managers, marketing, leads again ------------------------------------------------------------------------

    def _steps_in(self, lead: Person, at: datetime) -> None:
        """A manager who hears of it again may give the lead to somebody else."""
        if self.rng.random() > 0.25:
            return
        spell = self.spells.get(lead.email)

        def gives(_: datetime) -> list[Act]:
            rep = self._rep(lead)
            return self._passes_by_hand(lead, rep) if rep is not None and self.spells.get(lead.email) == spell else []

        self._plan(at + timedelta(minutes=self.rng.randrange(10, 300)), gives)

    def _goes_on(self, lead: Person, at: datetime) -> None:
        """Somebody whom sales has may ask once more, or look at the prices again."""
        if self.rng.random() < 0.12:
            self._asks_again(lead, at + timedelta(hours=self.rng.uniform(6, 250)))
        if self.rng.random() < 0.18:
            for _ in range(self.rng.choice((1, 2, 3))):
                self._looks(lead, at + timedelta(hours=self.rng.uniform(20, 300)))

    def _afterwards(self, lead: Person, state: str, at: datetime) -> None:
        """Back with marketing: some come again by themselves, some are not heard of any more."""
        rng = self.rng
        later = at + timedelta(days=rng.uniform(1, 30))
        reason = self.said.get(lead.email, "")
        if state == "junk":
            if rng.random() < 0.5:
                self._asks_again(lead, later)
        elif reason == "bad_fit":
            if rng.random() < 0.7:
                self._edits(lead, later, numemployees=rng.choice(("50-100", "100-500", "100-500", "500-1000")))
        elif reason == "no_buying_power":
            if rng.random() < 0.7:
                self._edits(lead, later, jobtitle=rng.choice(("purchasing director", "founder", "senior analyst")))
        elif rng.random() < 0.15:
            self._asks_again(lead, later)
        elif rng.random() < 0.6:
            for _ in range(rng.choice((1, 2, 2))):
                self._looks(lead, later + timedelta(minutes=rng.randrange(3, 3_000)))


def _is_away(rep: Rep, day: date) -> bool:
    return rep.email.startswith("dan.") and DAN_IS_AWAY[0] <= day <= DAN_IS_AWAY[1]


def _sends(lead: Person, form: str) -> Act:
    return {"kind": "form_submission", "form": GUIDS[form], "email": lead.email, "values": dict(lead.values)}


def _edit(lead: Person, values: Mapping[str, str]) -> Act:
    return {"kind": "edit", "email": lead.email, "properties": dict(values)}


def _deal(lead: Person, stage: str) -> Act:
    return {"kind": "deal", "email": lead.email, "properties": {"dealstage": stage, "amount": "12000"}}
