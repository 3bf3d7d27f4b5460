"""Decide: all verdicts on one contact, folded into one answer. The order of precedence is here and only here (I0).

    privacy deletion      never gets here: the contact is gone (I11)
  1 do-not-contact        ends what is open, opens nothing
  2 open episode          what people and HubSpot did to it (a human edit wins), then a request by hand, then new
                          interest (R40)
  3 request by hand       hold, or hand over (R39)
  4 hand-raiser           skips score and web-mail only; competitors and the like go to triage (R02)
  5 return condition      a hand-back whose day has come (R24)
  6 filters               (R03)
  7 triggers and score    (R04-R07)

A customer's new interest goes to the account owner by way of its lane (R16), whichever step finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from connector.domain.contact import Contact
from connector.domain.decision import Action, Decision, Score
from connector.domain.episode import Episode, EpisodeId, State, episode_id
from connector.domain.stage import Stage
from connector.domain.verdict import Verdict
from connector.rules import qualification, routing, scoring, stages, suppression
from connector.rules.filters import Then
from connector.rules.follow import end, follow
from connector.rules.hand_raisers import HandRaise
from connector.rules.rulebook import RuleBook
from connector.rules.situation import Situation
from connector.rules.words import day, sentence

CUSTOMERS = (Stage.CUSTOMER, Stage.EVANGELIST)

NOBODY = "routing"
"""Rule of the verdict that nobody is there to take a lead."""


def decide(situation: Situation, book: RuleBook, *, now: datetime) -> Decision:
    """Say what happens next to one contact, and why.

    Args:
        now: the run's `as_of`; activities after it are not looked at (I9).
    Returns:
        exactly one Decision; Action.NOTHING carries its reasons and what was missing.
    """
    case = _Case(situation, book, now)
    for step in STEPS:
        decision = step(case)
        if decision is not None:
            return decision
    return case.nothing("No rule asks for anything.")


@dataclass
class _Case:
    """One situation with what several steps need, worked out at most once."""

    situation: Situation
    book: RuleBook
    now: datetime

    @property
    def contact(self) -> Contact:
        return self.situation.contact

    @cached_property
    def floor(self) -> datetime | None:
        """Interest before the last hand-back has had its answer already (R24)."""
        last = self.situation.last_ended
        return last.ended_at if last else None

    @cached_property
    def score(self) -> Score:
        return scoring.score(self.contact, self.situation.activities, self.book.scoring, now=self.now, since=self.floor)

    @cached_property
    def hand(self) -> HandRaise | None:
        """The hand-raise to answer: a new one where there is one, else one from before Handoff began (R41)."""
        marks = [mark for mark in (self.floor, self.past) if mark is not None]
        return self._raised(max(marks, default=None)) or self._raised(self.floor)

    def _raised(self, since: datetime | None) -> HandRaise | None:
        return qualification.raised_hand(self.contact, self.situation.activities, self.book.qualification, since=since)

    def latest(self, hand: HandRaise) -> HandRaise:
        """The newest hand-raise from `hand` on: what a desk that answers none of them must look at."""
        while (later := self._raised(hand.at)) is not None:
            hand = later
        return hand

    @property
    def request(self) -> str:
        """What a person asks for in the CRM: `hold`, `hand_over`, or nothing (R39)."""
        return self.contact.text("request").strip().lower()

    @cached_property
    def past(self) -> datetime | None:
        """Where the past ends that is taken in silently; None where everything counts."""
        since = self.situation.since
        if since is None or self.situation.adopt or self.contact.created_at >= since:
            return None
        return since

    @cached_property
    def filters(self) -> tuple[Verdict, ...]:
        return qualification.filters(self.contact, self.book.qualification, now=self.now)

    @cached_property
    def qualified(self) -> Verdict:
        since = self.floor
        seen = [a for a in self.situation.activities if since is None or a.occurred_at > since]
        return qualification.qualify(self.contact, seen, self.score, self.book.qualification, now=self.now)

    @property
    def next_id(self) -> EpisodeId:
        situation = self.situation
        return episode_id(situation.portal, situation.contact.id, situation.next_ordinal)

    @property
    def is_customer(self) -> bool:
        return stages.stage_of(self.contact) in CUSTOMERS

    def result(self, action: Action, words: str, *, verdicts: tuple[Verdict, ...] = (), **more: object) -> Decision:
        base = Decision(
            contact=self.contact.id,
            as_of=self.now,
            fingerprint=self.book.fingerprint,
            action=action,
            sentence=words,
            verdicts=verdicts,
            score=self.score,
            before=self.situation.open_episode,
            episode=self.situation.open_episode or self.situation.last_ended,
        )
        return replace(base, **more)  # type: ignore[arg-type]  # names are checked by replace itself

    def nothing(self, words: str, *verdicts: Verdict, missing: tuple[str, ...] = ()) -> Decision:
        return self.result(Action.NOTHING, words, verdicts=verdicts, missing=missing)


# -- 1 ---------------------------------------------------------------------------------------------------------


def _do_not_contact(case: _Case) -> Decision | None:
    verdict = suppression.forbid(case.contact, case.book.suppression)
    if verdict.passed:
        return None
    episode, words = case.situation.open_episode, sentence(verdict.reasons)
    if episode is None or episode.silent:
        return case.nothing(words, verdict)
    ended = end(episode, State.JUNK, case.contact, (), case.book, now=case.now, said="do_not_contact")
    return case.result(Action.END, words, verdicts=(verdict,), episode=_held(ended, case), evidence="do_not_contact")


# -- 2 ---------------------------------------------------------------------------------------------------------


def _open_episode(case: _Case) -> Decision | None:
    before = case.situation.open_episode
    if before is None:
        return None
    after = follow(before, case.contact, case.situation.deals, case.book, now=case.now)
    if before.silent:
        return _silent(case, before, after)
    after = _held(after, case)
    if after.state.is_end:
        return case.result(Action.END, _ended(after, case), episode=after, evidence=after.state.value)
    if after != before:
        return case.result(Action.ADVANCE, _advanced(before, after), episode=after, evidence=after.state.value)
    if case.request == "hold":
        return _on_hold(case)
    return _signal(case, before) or case.nothing(f"Sales is working this lead: {before.state.value.replace('_', ' ')}.")


def _silent(case: _Case, before: Episode, after: Episode) -> Decision:
    """A lead that sales had before Handoff came (R41)."""
    if after.state.is_end:
        return case.result(Action.INFER, "Sales finished this lead before it was adopted.", episode=after)
    live = _brought_to_life(case, after)
    if live is not None:
        return live
    if after != before:
        return case.result(Action.INFER, "Sales moved this lead, which is not adopted yet.", episode=after)
    if case.request == "hold":
        return _on_hold(case)
    return case.nothing("Sales had this lead before Handoff began; it is waiting to be adopted.")


def _brought_to_life(case: _Case, silent: Episode) -> Decision | None:
    """By a person's word, adoption, or a hand-raise since Handoff began: who asks for sales is never left silent."""
    lane, words = _called(case)
    if not lane:
        return None
    live = replace(
        silent,
        silent=False,
        lane=lane,
        state=max(silent.state, State.HANDED_OFF, key=lambda state: state.rank),
        handed_off_at=case.now,
        reason=sentence((words,)),
    )
    away = {owner.id for owner in case.situation.desk.owners if owner.archived}
    if live.owner is None or live.owner in away:
        return _routed(case, live, live.reason, Action.ADOPT, verdicts=(), evidence="adopted", signal_at=case.now)
    return case.result(Action.ADOPT, live.reason, episode=_held(live, case), evidence="adopted", signal_at=case.now)


def _called(case: _Case) -> tuple[str, str]:
    """The lane in which a silent episode comes to life, and why; empty where nothing calls it."""
    past = case.situation.since
    if case.request == "hold":
        return "", ""
    if case.request == "hand_over" and _is_new(case, "request"):
        return "request", "A person asked to hand this lead to sales"
    hand = case._raised(past) if past is not None else case.hand
    if hand is not None:
        return "hand_raiser", hand.label
    if case.situation.adopt:
        return "inferred", "Was in sales' hands before Handoff began, and has been adopted"
    return "", ""


def _signal(case: _Case, episode: Episode) -> Decision | None:
    """A second hand-raise of a lead in work tells its holder at once, without a second episode (R40)."""
    hand = case._raised(episode.signal_at or episode.handed_off_at)
    if hand is None:
        return None
    after = replace(episode, signal_at=hand.at)
    words = sentence((f"{hand.label} again while sales is working it",))
    return case.result(Action.SIGNAL, words, episode=after, evidence=hand.activity_id, signal_at=hand.at)


# -- 3 ---------------------------------------------------------------------------------------------------------


def _request_by_hand(case: _Case) -> Decision | None:
    if case.request == "hold":
        return _on_hold(case)
    if case.request == "hand_over" and _is_new(case, "request"):
        return _hand_over(case, "request", "A person asked to hand this lead to sales.", "request", case.now)
    if stages.stage_of(case.contact) is Stage.MQL and _is_new(case, "stage") and not _is_echo(case):
        return _hand_over(case, "request", "A person marked this lead as marketing qualified.", "stage", case.now)
    return None


def _on_hold(case: _Case) -> Decision:
    return case.nothing("A person asked to hold this lead back.", Verdict(rule="request", passed=False, then="hold"))


def _is_echo(case: _Case) -> bool:
    """The stage is from a handover of ours that did not stand: it was overtaken after it was written (I2)."""
    return case.contact.text("episode") == case.next_id


def _is_new(case: _Case, field: str) -> bool:
    """Set after the last episode ended and after Handoff began; an older wish has had its answer."""
    changed = case.contact.changed_at.get(field)
    if changed is None:
        return case.floor is None and case.past is None
    marks = [mark for mark in (case.floor, case.past) if mark is not None]
    return all(changed > mark for mark in marks)


# -- 4 ---------------------------------------------------------------------------------------------------------


TO_TRIAGE = (Then.TRIAGE, Then.JUNK)
"""Filters that a hand-raise does not pass: somebody looks at it (R02)."""


def _hand_raiser(case: _Case) -> Decision | None:
    hand = case.hand
    if hand is None:
        return None
    verdicts, last = case.filters, case.situation.last_ended
    if last is not None and last.state is State.JUNK:
        junk = Verdict(rule="recycling.junk", passed=False, reasons=("sales called it junk before",), then="triage")
        verdicts = (*verdicts, junk)
    stopped = [verdict for verdict in verdicts if not verdict.passed and verdict.then in TO_TRIAGE]
    if not stopped:
        return _hand_over(case, "hand_raiser", sentence((hand.label,)), hand.activity_id, hand.at, verdicts=verdicts)
    hand = case.latest(hand)
    why = sentence([reason for verdict in stopped for reason in verdict.reasons])
    words = f"{sentence((hand.label,))} {why}"
    if case.past is not None and hand.at < case.past:
        return _predates(case, words, hand.activity_id, hand.at, verdicts)
    return case.result(Action.TRIAGE, words, verdicts=verdicts, evidence=hand.activity_id, signal_at=hand.at)


# -- 5 ---------------------------------------------------------------------------------------------------------


def _return_condition(case: _Case) -> Decision | None:
    last = case.situation.last_ended
    if last is None or last.wakes_at is None or last.state in (State.WON, State.JUNK):
        return None
    reason = case.book.recycling.reasons.get(last.exit_reason)
    label = reason.label if reason else last.exit_reason
    if last.wakes_at > case.now:
        return case.nothing(
            f"Came back from sales ({label}); waits until {day(last.wakes_at)}, or until it asks for sales."
        )
    if reason is None or reason.wake.then != "hand_over":
        return None
    words = f"The day has come that sales asked to be reminded of: {label}."
    return _hand_over(case, "return", words, f"return:{last.id}", last.wakes_at, verdicts=case.filters)


# -- 6, 7 ------------------------------------------------------------------------------------------------------


def _filters(case: _Case) -> Decision | None:
    stopped = [verdict for verdict in case.filters if not verdict.passed and verdict.then != "customer"]
    if not stopped:
        return None
    why = sentence([reason for verdict in stopped for reason in verdict.reasons])
    return case.nothing(why, *case.filters)


def _score(case: _Case) -> Decision | None:
    verdict = case.qualified
    verdicts = (*case.filters, verdict)
    if not verdict.passed:
        missing = qualification.missing(
            case.contact,
            case.situation.activities,
            case.score,
            case.book.qualification,
            case.book.scoring,
            now=case.now,
            since=case.floor,
        )
        return case.nothing(sentence(verdict.reasons) or "Not enough interest yet.", *verdicts, missing=missing)
    dates = [line.occurred_at for line in case.score.contributions if line.occurred_at is not None]
    signal_at = max(dates, default=case.contact.created_at)
    return _hand_over(case, "score", sentence(verdict.reasons), "score", signal_at, verdicts=verdicts)


# -- handing over ----------------------------------------------------------------------------------------------


def _hand_over(
    case: _Case, lane: str, words: str, evidence: str, signal_at: datetime, *, verdicts: tuple[Verdict, ...] = ()
) -> Decision:
    """Open an episode and find its owner; what only the past speaks for waits for `handoff adopt` (R41)."""
    if case.past is not None and signal_at < case.past:
        return _infer(case) or _predates(case, words, evidence, signal_at, verdicts)
    episode = Episode(
        id=case.next_id,
        contact=case.contact.id,
        ordinal=case.situation.next_ordinal,
        state=State.HANDED_OFF,
        lane="customer" if case.is_customer else lane,
        opened_at=min(signal_at, case.now),
        reason=words,
        handed_off_at=case.now,
    )
    return _routed(case, episode, words, Action.HAND_OVER, verdicts=verdicts, evidence=evidence, signal_at=signal_at)


def _predates(
    case: _Case, words: str, evidence: str, signal_at: datetime, verdicts: tuple[Verdict, ...]
) -> Decision:
    said = f"{words} That was before Handoff began."
    return case.result(Action.PREDATES, said, verdicts=verdicts, evidence=evidence, signal_at=signal_at)


def _routed(
    case: _Case,
    episode: Episode,
    words: str,
    action: Action,
    *,
    verdicts: tuple[Verdict, ...],
    evidence: str,
    signal_at: datetime,
) -> Decision:
    desk, last = case.situation.desk, case.situation.last_ended
    route = routing.route(
        case.contact,
        owners=desk.owners,
        rotation=desk.rotation,
        open_leads=desk.open_leads,
        former=last.owner if last else None,
        account=case.contact.owner if case.is_customer else case.situation.account_owner,
        rules=case.book.routing,
        now=case.now,
    )
    if route is None:
        nobody = Verdict(
            rule=NOBODY, passed=False, reasons=("the portal has no active owner to give it to",), then="hold"
        )
        return case.nothing(f"{words} Nobody is there to take it: the portal has no active owner.", *verdicts, nobody)
    given = replace(
        episode, owner=route.owner, state=max(episode.state, State.HANDED_OFF, key=lambda state: state.rank)
    )
    return case.result(
        action,
        words,
        verdicts=verdicts,
        route=route,
        before=case.situation.open_episode,
        episode=_held(given, case),
        evidence=evidence,
        signal_at=signal_at,
    )


# -- a living portal (R41) -------------------------------------------------------------------------------------


def _predating(case: _Case) -> Decision | None:
    """A lead that sales already had when Handoff came is taken in silently, before any other rule looks at it."""
    return _infer(case) if case.past is not None and not case.situation.episodes else None


def _infer(case: _Case) -> Decision | None:
    state = stages.inferred_state(case.contact, case.book.stages)
    changed = case.contact.changed_at.get("stage")
    if (
        state is None
        or case.situation.episodes
        or (changed is not None and case.past is not None and changed > case.past)
    ):
        return None
    episode = Episode(
        id=episode_id(case.situation.portal, case.contact.id, 1),
        contact=case.contact.id,
        ordinal=1,
        state=state,
        lane="inferred",
        opened_at=case.contact.created_at,
        owner=case.contact.owner,
        reason="Was in sales' hands before Handoff began.",
        silent=True,
    )
    words = "Sales had this lead before Handoff began; taken in silently."
    return _brought_to_life(case, episode) or case.result(Action.INFER, words, episode=episode)


def _held(episode: Episode, case: _Case) -> Episode:
    return replace(episode, marketing_held=suppression.holds(episode, case.book.suppression))


ENDED: Mapping[State, str] = {
    State.WON: "Sales won this lead",
    State.LOST: "Sales lost the deal",
    State.RECYCLED: "Sales handed this lead back to marketing",
    State.JUNK: "Sales called this lead junk",
    State.UNREACHABLE: "Sales could not reach this lead",
}


def _ended(episode: Episode, case: _Case) -> str:
    reason = case.book.recycling.reasons.get(episode.exit_reason)
    label = f": {reason.label}" if reason and episode.state not in (State.WON, State.UNREACHABLE) else ""
    return f"{ENDED[episode.state]}{label}."


def _advanced(before: Episode, after: Episode) -> str:
    if before.owner != after.owner:
        return "A person gave this lead to another owner."
    return f"Sales moved this lead on: {after.state.value.replace('_', ' ')}."


STEPS: tuple[Callable[[_Case], Decision | None], ...] = (
    _do_not_contact,
    _open_episode,
    _predating,
    _request_by_hand,
    _hand_raiser,
    _return_condition,
    _filters,
    _score,
)
