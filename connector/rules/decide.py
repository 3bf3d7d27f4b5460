"""Decide: all verdicts on one contact, folded into one answer. The order of precedence is here and only here (I0).

    privacy deletion      never gets here: the contact is gone (I11)
  1 do-not-contact        ends what is open, opens nothing
  2 open episode          what people and HubSpot did to it (a human edit wins), then a request by hand, then new
                          interest (R40)
  3 request by hand       hold, or hand over (R39)
    filters that hold     nobody passes them, whatever the lead asks for, until their cause is gone
  4 hand-raiser           skips score and web-mail only; competitors and the like go to triage (R02)
  5 return condition      a hand-back whose day has come (R24)
  6 filters               (R03)
  7 triggers and score    (R04-R07)

A customer's new interest goes to the account owner by way of its lane (R16), whichever step finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from connector.domain.decision import Action, Decision
from connector.domain.episode import Episode, State
from connector.domain.stage import Stage
from connector.domain.verdict import Verdict
from connector.rules import sla, stages, suppression
from connector.rules.asked import asked
from connector.rules.case import Case
from connector.rules.filters import Then
from connector.rules.follow import end, follow
from connector.rules.handing import hand_over, predates
from connector.rules.held import held_anew
from connector.rules.living import predating, silent
from connector.rules.missing import shortfall
from connector.rules.passing_on import passed_on
from connector.rules.recycling import Wake, corrected, woken_at
from connector.rules.routing import party_of
from connector.rules.rulebook import RuleBook
from connector.rules.signals import interest
from connector.rules.situation import Situation
from connector.rules.succession import succession
from connector.rules.touches import claims, counted
from connector.rules.words import day, sentence


def decide(situation: Situation, book: RuleBook, *, now: datetime) -> Decision:
    """Say what happens next to one contact, and why.

    Args:
        now: the run's `as_of`; activities after it are not looked at (I9).
    Returns:
        exactly one Decision; Action.NOTHING carries its reasons and what was missing.
    """
    case = Case(situation, book, now)
    decision = next((found for step in STEPS if (found := step(case)) is not None), None)
    decision = decision or case.nothing("No rule asks for anything.")
    return held_anew(case, decision) or decision


def asks_still(situation: Situation, ended: Episode, book: RuleBook, *, now: datetime) -> bool:
    """Whether the lead asked for sales while its episode was ending: the next run opens another one (R24)."""
    others = [episode for episode in situation.episodes if episode.id != ended.id]
    case = Case(replace(situation, episodes=(*others, ended)), book, now)
    return case.hand is not None or case.asks_by_hand


def shows_more(situation: Situation, moved: Episode, book: RuleBook, *, now: datetime) -> bool:
    """Whether a lead that people just moved on shows new interest besides, of which its holder is to hear (R40)."""
    if not moved.is_open or moved.silent:
        return False
    others = [episode for episode in situation.episodes if episode.id != moved.id]
    case = Case(replace(situation, episodes=(*others, moved)), book, now)
    return (_signal(case, moved) or interest(case, moved)) is not None


# -- 1 ---------------------------------------------------------------------------------------------------------


def _do_not_contact(case: Case) -> Decision | None:
    verdict = suppression.forbid(case.contact, case.book.suppression)
    if verdict.passed:
        return None
    episode, words = case.situation.open_episode, sentence(verdict.reasons)
    if episode is None or episode.silent:
        return case.nothing(words, verdict)
    ended = end(episode, State.JUNK, case.contact, (), case.book, now=case.now, said="do_not_contact")
    return case.result(Action.END, words, verdicts=(verdict,), episode=case.held(ended), evidence="do_not_contact")


# -- 2 ---------------------------------------------------------------------------------------------------------


def _open_episode(case: Case) -> Decision | None:
    before = case.situation.open_episode
    if before is None:
        return None
    claimed = claims(case.activities)
    after = follow(before, case.contact, case.situation.deals, case.book, now=case.now, claimed=claimed)
    if before.silent:
        return silent(case, before, after)
    after = _waiting(case, counted(case, after))
    passed = passed_on(case, before, after)
    if passed is not None:
        return passed
    succeeded = succession(case, before, after)
    if succeeded is not None:
        return succeeded
    if after.state.is_end:
        return case.result(Action.END, _ended(after, case), episode=case.held(after), evidence=after.state.value)
    if after != before:
        words = _advanced(before, after, case)
        return case.result(Action.ADVANCE, words, episode=case.held(after), evidence=after.state.value)
    if case.request == "hold":
        return case.on_hold()
    words = f"{_who(before, case)} is working this lead: {before.state.value.replace('_', ' ')}."
    return _signal(case, before) or interest(case, before) or case.nothing(words)


def _waiting(case: Case, episode: Episode) -> Episode:
    """The episode with whether sales waits for the customer, as sla.yaml knows it (R17)."""
    when = case.book.sla.waiting
    waits = when is not None and episode.is_open and when.holds(case.facts)
    if waits == (episode.waiting_since is not None):
        return episode
    return replace(episode, waiting_since=case.now if waits else None)


def _signal(case: Case, episode: Episode) -> Decision | None:
    """A second hand-raise of a lead in work tells its holder at once, without a second episode (R40)."""
    hand = case.raised(episode.signal_at or episode.handed_off_at)
    if hand is None:
        return None
    after = replace(episode, signal_at=hand.at)
    words = sentence((f"{hand.label} again while sales is working it",))
    return case.result(Action.SIGNAL, words, episode=after, evidence=hand.activity_id, signal_at=hand.at)


# -- 3 ---------------------------------------------------------------------------------------------------------


def _request_by_hand(case: Case) -> Decision | None:
    if case.request == "hold":
        return case.on_hold()
    if case.asks_by_hand:
        return hand_over(case, "request", "A person asked to hand this lead to sales.", "request", case.now)
    if stages.stage_of(case.contact) is Stage.MQL and case.is_new("stage", case.floor) and not _is_echo(case):
        return hand_over(case, "request", "A person marked this lead as marketing qualified.", "stage", case.now)
    return None


def _is_echo(case: Case) -> bool:
    """The stage is from a handover of ours that did not stand: it was overtaken after it was written (I2)."""
    return case.contact.text("episode") == case.next_id


def _held_back(case: Case) -> Decision | None:
    if not case.book.qualification.filters.may_hold:
        return None
    stopped = [verdict for verdict in case.filters if not verdict.passed and verdict.then == Then.HOLD]
    reasons = [reason for verdict in stopped for reason in verdict.reasons]
    return case.nothing(f"Held back: {sentence(reasons)}", *case.filters) if stopped else None


# -- 4 ---------------------------------------------------------------------------------------------------------


TO_TRIAGE = (Then.TRIAGE, Then.JUNK)
"""Filters that a hand-raise does not pass: somebody looks at it (R02)."""


def _hand_raiser(case: Case) -> Decision | None:
    hand = case.hand
    if hand is None:
        return None
    verdicts, last = case.filters, case.situation.last_ended
    if last is not None and last.state is State.JUNK:
        junk = Verdict(rule="recycling.junk", passed=False, reasons=("sales called it junk before",), then="triage")
        verdicts = (*verdicts, junk)
    stopped = [verdict for verdict in verdicts if not verdict.passed and verdict.then in TO_TRIAGE]
    if not stopped:
        return hand_over(case, "hand_raiser", sentence((hand.label,)), hand.activity_id, hand.at, verdicts=verdicts)
    hand = case.latest(hand)
    why = sentence([reason for verdict in stopped for reason in verdict.reasons])
    words = f"{sentence((hand.label,))} {why}"
    if case.past is not None and hand.at < case.past:
        return predates(case, words, hand.activity_id, hand.at, verdicts)
    return case.result(Action.TRIAGE, words, verdicts=verdicts, evidence=hand.activity_id, signal_at=hand.at)


# -- 5 ---------------------------------------------------------------------------------------------------------


def _corrected(case: Case) -> Decision | None:
    """Another answer, reason or day than that with which the lead came back; whether it returns, the next run says."""
    last, undone = case.situation.last_ended, case.situation.undone
    if last is None or (undone is not None and undone.ordinal > last.ordinal):
        return None  # a handover emptied the answers, and a person undid it
    after = corrected(last, case.contact, case.book.recycling)
    if after == last:
        return None
    day_of_it = f" It comes back on {day(after.wakes_at)}." if after.wakes_at is not None else ""
    words = f"Sales said more of why this lead came back. {_ended(after, case)}{day_of_it}"
    return case.result(Action.CORRECTED, words, before=last, episode=case.held(after), evidence=after.exit_reason)


def _return_condition(case: Case) -> Decision | None:
    last = case.situation.last_ended
    if last is not None and last.state is State.JUNK:
        return case.nothing("Sales called it junk before; nothing that it does by itself brings it back.")
    if last is None or last.ended_at is None or last.state is State.WON:
        return None
    reason = case.book.recycling.reasons.get(last.exit_reason)
    label, wake = (reason.label, reason.wake) if reason else (last.exit_reason, Wake())
    changed_at = woken_at(case.facts, wake, since=last.ended_at)
    wakes_at = changed_at or last.wakes_at
    if wakes_at is None and wake.when is None:
        return None
    undone = case.situation.undone
    if undone is not None and undone.ended_at is not None and wakes_at is not None and undone.ended_at >= wakes_at:
        return None  # it came back then, and a person undid it (R36)
    if wakes_at is None or wakes_at > case.now:
        until = [f"until {day(wakes_at)}"] if wakes_at is not None else []
        until += [f"until {asked(wake.when, case.book.fields)}"] if wake.when is not None else []
        return case.nothing(f"Came back from sales ({label}); waits {', '.join(until)}, or until it asks for sales.")
    if wake.then != "hand_over":
        return None
    words = f"Back because {_cause(wake, changed_at, wakes_at, case)}. {_ended(last, case, on=last.ended_at)}"
    return hand_over(case, "return", words, f"return:{last.id}", wakes_at, verdicts=case.filters)


def _cause(wake: Wake, changed_at: datetime | None, wakes_at: datetime, case: Case) -> str:
    """What brings a lead back by itself: the change that makes its condition hold, else its day."""
    if wake.when is None or changed_at is None:
        return f"the day for it has come, {day(wakes_at)}"
    return " and ".join(wake.when.find(case.facts).reasons)


# -- 6, 7 ------------------------------------------------------------------------------------------------------


def _filters(case: Case) -> Decision | None:
    stopped = [verdict for verdict in case.filters if not verdict.passed and verdict.then != "customer"]
    if not stopped:
        return None
    why = sentence([reason for verdict in stopped for reason in verdict.reasons])
    return case.nothing(why, *case.filters)


def _score(case: Case) -> Decision | None:
    verdict = case.qualified
    verdicts = (*case.filters, verdict)
    if not verdict.passed:
        short = shortfall(case.score, case.book.qualification)
        return case.nothing(sentence(verdict.reasons) or "Not enough interest yet.", *verdicts, missing=short)
    dates = [line.occurred_at for line in case.score.contributions if line.occurred_at is not None]
    signal_at = max(dates, default=case.contact.created_at)
    return hand_over(case, "score", sentence(verdict.reasons), "score", signal_at, verdicts=verdicts)


ENDED: Mapping[State, str] = {
    State.WON: "won this lead",
    State.LOST: "lost the deal",
    State.RECYCLED: "handed this lead back to marketing",
    State.JUNK: "called this lead junk",
    State.UNREACHABLE: "could not reach this lead",
}


def _ended(episode: Episode, case: Case, *, on: datetime | None = None) -> str:
    """Who ended it, how and why; `on`: and on which day."""
    rules = case.book.recycling
    reason = rules.reasons.get(episode.exit_reason)
    label = f": {reason.label}" if reason and episode.state not in (State.WON, State.UNREACHABLE) else ""
    unsaid = episode.state is State.RECYCLED and episode.exit_reason == rules.when_unsaid.get(episode.state)
    if label and unsaid and not case.contact.text("verdict_reason"):
        label += " (assumed, for no reason was given)"
    date = f" on {day(on)}" if on is not None else ""
    return f"{_who(episode, case)} {ENDED[episode.state]}{date}{label}."


def _who(episode: Episode, case: Case) -> str:
    """Who has the lead, or had it when it ended, as a sentence begins."""
    party = party_of(episode, case.book.routing)
    return f"{party.words[:1].upper()}{party.words[1:]}" if party else "Sales"


def _advanced(before: Episode, after: Episode, case: Case) -> str:
    if before.owner != after.owner:
        return "A person gave this lead to another owner."
    if replace(after, waiting_since=before.waiting_since) == before:
        does = "waits for the customer: clocks that allow it stand still" if after.waiting_since else "goes on"
        return f"{_who(after, case)} {does}."
    if replace(after, calls=before.calls, mails=before.mails, meetings=before.meetings) == before:
        return f"{_who(after, case)} has reached out: {sla.reached_out(after)}."
    return f"{_who(after, case)} moved this lead on: {after.state.value.replace('_', ' ')}."


STEPS: tuple[Callable[[Case], Decision | None], ...] = (
    _do_not_contact,
    _open_episode,
    predating,
    _request_by_hand,
    _held_back,
    _hand_raiser,
    _corrected,
    _return_condition,
    _filters,
    _score,
)
