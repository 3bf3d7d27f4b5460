"""A case: one situation under decision, with what several steps need worked out at most once. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from connector.domain.contact import Contact, OwnerId
from connector.domain.deal import DealState
from connector.domain.decision import Action, Decision, Score
from connector.domain.episode import Episode, EpisodeId, Hop, episode_id
from connector.domain.stage import Stage
from connector.domain.verdict import Verdict
from connector.rules import meetings, qualification, scorecard, stages, suppression
from connector.rules.activity_index import ActivityIndex, index
from connector.rules.condition import Facts
from connector.rules.email_domains import domain_of, registered_domain
from connector.rules.hand_raisers import HandRaise
from connector.rules.routing import Lead, Stick
from connector.rules.rulebook import RuleBook
from connector.rules.scanners import not_counted
from connector.rules.situation import Situation

CUSTOMERS = (Stage.CUSTOMER, Stage.EVANGELIST)


@dataclass
class Case:
    """One situation with what several steps need, worked out at most once."""

    situation: Situation
    book: RuleBook
    now: datetime

    @property
    def contact(self) -> Contact:
        return self.situation.contact

    @cached_property
    def floor(self) -> datetime | None:
        """Interest before the last hand-back has had its answer already (R24); before an undone handover too (R36)."""
        ends = [one.ended_at for one in (self.situation.last_ended, self.situation.undone) if one and one.ended_at]
        return max(ends, default=None)

    @cached_property
    def told(self) -> datetime | None:
        """Up to here sales has heard of every hand-raise; one that came as an episode ended is still to be answered."""
        ended = [one for one in (self.situation.last_ended, self.situation.undone) if one is not None]
        told = [one.signal_at or one.handed_off_at or one.ended_at for one in ended]
        return max((at for at in told if at is not None), default=None)

    @cached_property
    def activities(self) -> ActivityIndex:
        return index(self.situation.activities)

    @cached_property
    def facts(self) -> Facts:
        """What conditions may look at."""
        situation, book = self.situation, self.book
        return Facts(situation.contact, self.now, self.activities, situation.deals, self.floor, book.fields)

    @cached_property
    def score(self) -> Score:
        return scorecard.score(self.contact, self.activities, self.book.scoring, now=self.now, since=self.floor)

    def interest_since(self, mark: datetime) -> Score:
        """What the lead has scored by what it did after an instant."""
        return scorecard.score(self.contact, self.activities, self.book.scoring, now=self.now, since=mark)

    @cached_property
    def hand(self) -> HandRaise | None:
        """The hand-raise to answer: a new one where there is one, else one from before Handoff began (R41)."""
        marks = [mark for mark in (self.told, self.past) if mark is not None]
        newest = max(marks, default=None)
        found = self.raised(newest)
        return found if found is not None or newest == self.told else self.raised(self.told)

    def raised(self, since: datetime | None) -> HandRaise | None:
        return qualification.raised_hand(self.contact, self.activities, self.book.qualification, since=since)

    def latest(self, hand: HandRaise) -> HandRaise:
        """The newest hand-raise from `hand` on: what a desk that answers none of them must look at."""
        while (later := self.raised(hand.at)) is not None:
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
        return qualification.filters(self.contact, self.book.qualification, now=self.now, facts=self.facts)

    @cached_property
    def seen(self) -> ActivityIndex:
        """The interest that has had no answer yet."""
        return self.activities.after(self.floor)

    @cached_property
    def qualified(self) -> Verdict:
        rules, last = self.book.qualification, self.situation.last_ended
        return qualification.qualify(
            self.contact,
            self.seen,
            self.score,
            rules,
            now=self.now,
            facts=self.facts,
            handed_at=last.handed_off_at if last is not None else None,
        )

    @property
    def next_id(self) -> EpisodeId:
        situation = self.situation
        return episode_id(situation.portal, situation.contact.id, situation.next_ordinal)

    def lead(
        self,
        lane: str,
        *,
        in_sales: bool = False,
        passed_on_by: OwnerId | None = None,
        taken_from: OwnerId | None = None,
    ) -> Lead:
        """What routing is to know; the arguments as in routing.Lead."""
        situation = self.situation
        ended = sorted(
            (one for one in situation.episodes if one.ended_at is not None and not one.was_undone),
            key=lambda one: (one.ended_at, one.ordinal),
        )
        reps = [one.owner for one in ended if one.hop is Hop.SALES and one.owner]
        called = [one.caller if one.hop is Hop.SALES else one.owner for one in ended if one.party]
        open_deals = [deal for deal in situation.deals if deal.state is DealState.OPEN and deal.owner]
        newest = max(open_deals, key=lambda deal: (deal.created_at, deal.id), default=None)
        host = domain_of(self.contact.text("email"))
        is_private = host in self.book.qualification.filters.private_domains
        is_alone = is_private and registered_domain(host) == self.contact.text("domain")
        of_account = None if is_alone else situation.account_owner
        return Lead(
            contact=self.contact,
            lane=lane,
            former=reps[-1] if reps and not self._was_given_since(ended[-1], reps[-1]) else None,
            former_caller=called[-1] if called else None,
            account=self.contact.owner if self.is_customer else of_account,
            account_caller=None if is_alone else situation.account_caller,
            host=meetings.host(self.activities, since=self.floor),
            deal=newest.owner if newest else None,
            taken_from=taken_from,
            in_sales=in_sales,
            passed_on_by=passed_on_by,
        )

    def _was_given_since(self, last: Episode, former: OwnerId) -> bool:
        """Whether somebody gave the contact to another owner since sales had it, where the rules ask for that (I2).

        In an open episode the owner is whom sales has, and nobody's word on who should get it next.
        """
        if self.situation.open_episode is not None:
            return False
        owner, at = self.contact.owner, self.contact.changed_at.get("owner")
        if Stick.EXISTING_OWNER not in self.book.routing.stickiness or owner in (None, former):
            return False
        return at is not None and last.ended_at is not None and at > last.ended_at

    @property
    def left(self) -> frozenset[OwnerId]:
        """Owners who are archived: they never get a lead, nor keep one (R12)."""
        return frozenset(owner.id for owner in self.situation.desk.owners if owner.archived)

    @property
    def is_customer(self) -> bool:
        return stages.stage_of(self.contact) in CUSTOMERS

    def result(self, action: Action, words: str, *, verdicts: tuple[Verdict, ...] = (), **more: object) -> Decision:
        base = Decision(
            contact=self.contact.id,
            as_of=self.now,
            fingerprint=self.book.fingerprint,
            definition=self.book.agreed_version,
            action=action,
            sentence=words,
            verdicts=verdicts,
            score=self._score_with_dropped(),
            before=self.situation.open_episode,
            episode=self.situation.open_episode or self.situation.last_ended,
        )
        return replace(base, **more) if more else base  # type: ignore[arg-type]  # names are checked by replace itself

    def _score_with_dropped(self) -> Score:
        """With lines of no points for what machines did since the last answer, so that people see it (R09)."""
        lines = not_counted(self.situation.dropped, since=self.floor) if self.situation.dropped else ()
        return replace(self.score, contributions=(*self.score.contributions, *lines)) if lines else self.score

    def nothing(self, words: str, *verdicts: Verdict, missing: tuple[str, ...] = ()) -> Decision:
        if not missing:
            return self.result(Action.NOTHING, words, verdicts=verdicts)
        return self.result(Action.NOTHING, words, verdicts=verdicts, missing=missing)

    def on_hold(self) -> Decision:
        verdict = Verdict(rule="request", passed=False, then="hold")
        return self.nothing("A person asked to hold this lead back.", verdict)

    def is_new(self, field: str, since: datetime | None) -> bool:
        """Set after `since` and after Handoff began; an older wish has had its answer."""
        changed = self.contact.changed_at.get(field)
        marks = [mark for mark in (since, self.past) if mark is not None]
        return not marks if changed is None else all(changed > mark for mark in marks)

    @property
    def asks_by_hand(self) -> bool:
        """A person wants this lead handed over, and has not had the answer yet (R39)."""
        return self.request == "hand_over" and self.is_new("request", self.told)

    def held(self, episode: Episode) -> Episode:
        """The episode with the marketing hold that its state asks for (R11)."""
        return replace(episode, marketing_held=suppression.holds(episode, self.book.suppression))
