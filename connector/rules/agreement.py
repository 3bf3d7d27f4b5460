"""Agreement: the rules in plain words, for marketing and sales to agree on, and when they last did (R10).

Worked out from the rules themselves, so that what is agreed is what is done. How it is printed is cli's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from connector.rules.asked import asked
from connector.rules.countries import country_name
from connector.rules.definition import Definition, review
from connector.rules.durations import in_words
from connector.rules.filters import Then
from connector.rules.lanes import LANES, limit_in_words
from connector.rules.patterns import times
from connector.rules.reporting.duties import duties
from connector.rules.routing import PoolRules, RoutingRules, Stick
from connector.rules.rulebook import RuleBook
from connector.rules.scanners import ScannerRules
from connector.rules.scoring import EngagementRule
from connector.rules.sla import ClockRules, Until
from connector.rules.suppression import Hold, Policy
from connector.rules.words import day, many, plural, sentence

THEN: Mapping[Then, str] = {
    Then.NURTURE: "stays with marketing until it asks for sales",
    Then.TRIAGE: "stays with marketing; when it asks for sales, the triage desk looks at it first",
    Then.JUNK: "is junk: not nurtured; when it asks for sales, the triage desk looks at it first",
    Then.HOLD: "is held back, whatever it asks for, until that is over",
}
STICKS: Mapping[Stick, str] = {
    Stick.MEETING_HOST: "a lead that booked a meeting goes to its host",
    Stick.DEAL_OWNER: "a lead with an open deal goes to the owner of that deal",
    Stick.COMPANY_OWNER: "a contact of a company that has an owner in the CRM goes to that owner",
    Stick.FORMER_OWNER: "a lead that comes back goes to the rep who had it before",
    Stick.EXISTING_OWNER: "a contact that has an owner in the CRM goes to that owner",
    Stick.ACCOUNT_OWNER: "a lead of a company goes to the rep who has that company's latest lead",
}
AGREE = "marketing and sales read this together, then write the day to definition.agreed_on in qualification.yaml"
UNTIL: Mapping[Until, str] = {
    Until.TOUCH: "until the first call, mail or meeting",
    Until.TOUCHES: "until there are {touches}, or sales says what it thinks of the lead",
    Until.VERDICT: "until sales says what it thinks of the lead",
    Until.END: "until sales is done with the lead",
}


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the agreement: a title, and one line for each thing that is agreed."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """The whole agreement.

    Attributes:
        facts: version, dates and roles, each with its name. review: what is due, empty where nothing is.
        rules: fingerprint of the rules that it was worked out from.
    """

    text: str
    facts: tuple[tuple[str, str], ...]
    review: str
    sections: tuple[Section, ...]
    rules: str

    def as_dict(self) -> dict[str, object]:
        return {
            "text": self.text,
            **{name.replace(" ", "_"): value for name, value in self.facts},
            "review": self.review,
            "rules": self.rules,
            "sections": [{"title": section.title, "lines": list(section.lines)} for section in self.sections],
        }


def agreement(book: RuleBook, today: date) -> Agreement:
    """The agreement as it stands on a day; sections without a line are left out."""
    definition = book.qualification.definition
    sections = (Section(title, tuple(lines)) for title, lines in _sections(book))
    return Agreement(
        text=definition.text if definition else "",
        facts=tuple(_facts(definition)) if definition else (),
        review=review(definition, today, what_to_do=AGREE),
        sections=tuple(section for section in sections if section.lines),
        rules=book.fingerprint,
    )


def _facts(definition: Definition) -> Iterator[tuple[str, str]]:
    yield "version", str(definition.version)
    yield "agreed on", day(definition.agreed_on) if definition.agreed_on else "not yet"
    if definition.agreed_by:
        yield "agreed by", ", ".join(definition.agreed_by)
    if definition.in_force_on is not None:
        yield "in force since", day(definition.in_force_on)
    if definition.review_due_on is not None:
        yield "review by", day(definition.review_due_on)


def _sections(book: RuleBook) -> Iterator[tuple[str, Iterator[str]]]:
    yield "Who goes to sales at once", _hands(book)
    yield "Who is kept from sales", _kept(book)
    yield "What is enough interest", _enough(book)
    yield f"Points for who a lead is, {book.scoring.fit.cap:g} at most", _fit(book)
    yield f"Points for what a lead does, {book.scoring.engagement.cap:g} at most", _interest(book)
    yield "How a lead is graded, from A1 to C3", _grades(book)
    yield "Who gets a lead", _routing(book)
    yield "How fast sales reacts", _clocks(book)
    yield "What sales may answer, and when a lead comes back", _answers(book)
    yield "When marketing keeps still", _hold(book)
    yield "Forms that were opened and not sent", _unsent(book)
    yield from duties(book.reports)


# -- qualifying ------------------------------------------------------------------------------------------------


def _hands(book: RuleBook) -> Iterator[str]:
    raisers = book.qualification.hand_raisers
    for form in raisers.forms:
        said = f" ({form.say})" if form.say else ""
        yield f"whoever sends the form “{form.form}”{said}"
    if raisers.meetings:
        yield "whoever books a meeting"
    for field in raisers.fields:
        yield f"whoever {field.say}: {asked(field.when, book.fields)}"


def _kept(book: RuleBook) -> Iterator[str]:
    for words in book.suppression.do_not_contact.values():
        yield f"{words}: nobody contacts this lead at all"
    rules = book.qualification.filters
    if rules.web_mail.active:
        yield f"whoever uses a private e-mail address: {THEN[rules.web_mail.then]}"
    if rules.throw_away.active:
        yield f"whoever uses a throw-away e-mail address: {THEN[rules.throw_away.then]}"
    for _, words, company in rules.of_companies:
        if company.names_any:
            known = [*company.domains, *company.companies]
            known += [asked(company.when, book.fields)] if company.when is not None else []
            yield f"whoever {words} ({', '.join(known)}): {THEN[company.then]}"
    lands = rules.countries
    if lands.active and lands.served:
        served = ", ".join(country_name(code) for code in lands.served)
        yield f"whoever is in another country than {served}: {THEN[lands.then]}"
    if lands.active and lands.not_served:
        named = ", ".join(country_name(code) for code in lands.not_served)
        yield f"whoever is in {named}: {THEN[lands.then]}"
    if rules.role_addresses.active and rules.role_addresses.names:
        names = ", ".join(rules.role_addresses.names)
        yield f"whoever writes from the address of a desk ({names}): {THEN[rules.role_addresses.then]}"
    for rule in rules.rules:
        if rule.active:
            yield f"whoever {rule.say}: {THEN[rule.then]}"


def _enough(book: RuleBook) -> Iterator[str]:
    rules = book.qualification
    wanted = rules.threshold
    groups = ((wanted.fit, "who the lead is"), (wanted.engagement, "what it does"))
    parts = [f"{points:g} of them for {what}" for points, what in groups if points]
    yield f"{wanted.score:g} points in all" + (f", at least {' and '.join(parts)}" if parts else "")
    for page in rules.key_pages:
        yield f"{page.say} {times(page.at_least)} in {in_words(page.within)}{_with_fit(page.fit_at_least)}"
    for trigger in rules.triggers:
        told = asked(trigger.when, book.fields)
        words = f"{trigger.say}: {told}" if trigger.say and trigger.say != told else told
        yield f"{words}{_with_fit(trigger.fit_at_least)}"
    if rules.opens_may_qualify:
        yield "opened e-mails alone may be enough, though mail programs open them by themselves"


def _with_fit(points: float) -> str:
    return f", with {points:g} points or more for who the lead is" if points else ""


def _fit(book: RuleBook) -> Iterator[str]:
    for rule in book.scoring.fit.rules:
        for part in rule.parts:
            told = asked(part.when, book.fields) if rule.field is None else book.fields.label(rule.field)
            yield f"{part.points:+g} {part.say}" + (f" ({told})" if told != rule.say else "")


def _stands_in(rule: EngagementRule) -> str:
    if rule.instead_of is None:
        return ""
    return f", or what its {plural(rule.instead_of.value.replace('_', ' '))} give, whichever is more"


def _interest(book: RuleBook) -> Iterator[str]:
    rules = book.scoring.engagement
    for rule in rules.rules:
        source = f" ({asked(rule.when, book.fields)})" if rule.when is not None else ""
        yield f"{rule.points:+g} {rule.say}{source}{_stands_in(rule)}{_limits(rule, rules.half_life)}"
    if rules.rules:
        yield f"nothing older than {in_words(book.scoring.look_back)} counts"
        yield "no click counts that a machine made: what the CRM marks as such" + _scanned(book.scoring.scanners)


def _scanned(rules: ScannerRules) -> str:
    """`in_words` begins with minutes, and a machine is quicker than that."""
    if not rules.active:
        return ""
    return (
        f", within {rules.after_delivery.total_seconds():g} seconds of the mail, or on {rules.links} links of one mail "
        "at once, where nobody then looks at the page"
    )


def _grades(book: RuleBook) -> Iterator[str]:
    grades = book.scoring.grades
    yield f"A from {grades.fit.best:g} points for who the lead is, B from {grades.fit.middle:g}, else C"
    yield f"1 from {grades.engagement.best:g} points for what it does, 2 from {grades.engagement.middle:g}, else 3"


def _limits(rule: EngagementRule, half_life: timedelta) -> str:
    most = f", {rule.cap:g} at most" if rule.cap is not None else ""
    most += f", counts {times(rule.counts)} at most" if rule.counts is not None else ""
    return f"{most}; half as much after {in_words(rule.half_life or half_life)}"


# -- working -----------------------------------------------------------------------------------------------------


def _routing(book: RuleBook) -> Iterator[str]:
    rules = book.routing
    for party in rules.telequalification:
        lanes = ", ".join(LANES.get(lane, lane) for lane in party.lanes)
        where = f" where {asked(party.when, book.fields)}" if party.when is not None else ""
        yield f"{party.words} calls first, and passes on to a rep what is worth it: {lanes}{where}"
    yield from (STICKS[stick] for stick in rules.stickiness)
    for territory in rules.territories:
        yield f"where {asked(territory.when, book.fields)}: {_pool(territory.pool, rules)}"
    others = "everybody else" if rules.stickiness or rules.territories else "everybody"
    yield f"{others}: {_pool(rules.default_pool, rules)}"
    if rules.fallback.owner:
        yield f"whom nobody of these can take: {rules.fallback.owner}"


def _pool(name: str, rules: RoutingRules) -> str:
    pool = rules.pools[name]
    return f"one after the other of “{rules.label(name)}”{_members(pool)}"


def _members(pool: PoolRules) -> str:
    shares = [f"{one.owner} {times(one.weight)} as often" if one.weight > 1 else one.owner for one in pool.members]
    who = [*(f"team {team}" for team in pool.teams), *shares]
    parts = [", ".join(who)] if who else []
    if pool.exclude:
        parts.append(f"without {', '.join(pool.exclude)}")
    if pool.max_open_leads:
        parts.append(f"{many(pool.max_open_leads, 'open lead')} each at most")
    return f" ({'; '.join(parts)})" if parts else ""


def _clocks(book: RuleBook) -> Iterator[str]:
    for clock in book.sla.clocks.values():
        yield f"{clock.label}, {UNTIL[clock.until].format(touches=_touches(clock))}: {limit_in_words(clock)}"
        if clock.tell_breach:
            yield f"{clock.label} too late: {' and '.join(role.value for role in clock.tell_breach)} are told"


def _touches(clock: ClockRules) -> str:
    """`5 calls, mails or meetings, at least 2 by call`; minima alone where no number in all is asked for."""
    least = " and ".join(f"{number} by {channel.value}" for channel, number in clock.at_least.items())
    if clock.touches is None:
        return f"at least {least}"
    return f"{clock.touches} calls, mails or meetings" + (f", at least {least}" if least else "")


def _answers(book: RuleBook) -> Iterator[str]:
    yield f"answers: {', '.join(name.replace('_', ' ') for name in book.recycling.verdicts)}"
    for reason in book.recycling.reasons.values():
        wake = reason.wake
        if wake.on_field is not None:
            ahead = f"{in_words(wake.before)} before " if wake.before else "on "
            when = f"{ahead}the day in “{book.fields.label(wake.on_field)}”"
            when += f", or after {in_words(wake.after)} where there is none" if wake.after else ""
        else:
            when = f"after {in_words(wake.after)}" if wake.after else ""
        if wake.when is not None:
            when += f"{', or ' if when else ''}as soon as {asked(wake.when, book.fields)}"
        if wake.then == "hand_over" and when:
            back = f"goes back to sales {when}"
        else:
            back = f"new interest brings it back{f' {when}' if when else ' at any time'}"
        yield f"{reason.label}: {back}; nurtured for {reason.track.value} meanwhile"
    yield "whoever asks for sales again comes back at any time, except who was called junk: the triage desk looks first"


def _hold(book: RuleBook) -> Iterator[str]:
    hold = book.suppression.marketing_hold
    free = [LANES.get(lane, lane) for lane, policy in hold.lanes.items() if policy is Policy.NONE]
    yield f"while sales works on a lead, it is on the list “{hold.list}” and gets no marketing mail" + (
        f", except {', '.join(free)}" if free else ""
    )
    stays = [state.value.replace("_", " ") for state, what in hold.after.items() if what is Hold.ON]
    stays += [f"lost: {reason}" for reason, what in hold.lost.items() if what is Hold.ON]
    if stays:
        yield f"it stays on the list afterwards where it ended as {', '.join(stays)}"
    for words in book.suppression.marketing_opt_out.values():
        yield f"{words}: no marketing mail, though sales may answer what was asked"


def _unsent(book: RuleBook) -> Iterator[str]:
    for form in book.qualification.abandoned_forms:
        yield (
            f"whoever opens {form.page} and does not send “{form.form}” within {in_words(form.after)} is marked "
            f"“{form.mark}”, so that marketing can write"
        )


# -- as text -----------------------------------------------------------------------------------------------------


def as_text(found: Agreement) -> str:
    """Blocks with an empty line between, each with its title."""
    facts = "\n".join(f"  {name:<14}  {value}" for name, value in found.facts)
    head = "The definition of a sales-ready lead" if found.text else "The rules in force; no definition is written down"
    blocks = [f"{head}\n\n  {found.text}\n\n{facts}" if found.text else head]
    if found.review:
        blocks.append(f"Due: {found.review}")
    blocks += ["\n".join([f"{one.title}:", *(f"  - {line}" for line in one.lines)]) for one in found.sections]
    blocks.append(sentence([f"worked out from the rules themselves, version {found.rules}"]))
    return "\n\n".join(blocks) + "\n"
