"""Filters: from which contacts sales is kept (R03). Part of mappings/qualification.yaml, under `filters`.

Each filter that is switched on gives one verdict. What a verdict leads to is rules/decide.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import cached_property, lru_cache, partial
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from connector.domain.stage import Stage
from connector.domain.verdict import Verdict
from connector.rules.comparisons import Fields
from connector.rules.condition import Condition, Facts
from connector.rules.countries import country_name
from connector.rules.email_domains import domain_of, is_throw_away, is_web_mail
from connector.rules.fields import CountryCode
from connector.rules.misplaced import MisplacedError

MOST_DOMAINS = 2_048
"""Domains of which a filter remembers its answer."""


BOUGHT = (Stage.CUSTOMER, Stage.EVANGELIST)
"""Who is a customer already goes to the account owner (R16); the filter is for others of the same company."""


class Then(StrEnum):
    """What follows where a filter stops. Hand-raisers pass `nurture`; `triage` and `junk` send them to triage; `hold`
    lets nobody through, but what a lead asked for meanwhile is answered once the cause is gone."""

    NURTURE = "nurture"
    TRIAGE = "triage"
    JUNK = "junk"
    HOLD = "hold"


def _lower(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip().casefold() for name in names))


def _domains(names: tuple[str, ...]) -> tuple[str, ...]:
    for place, name in enumerate(names):
        if any(sign in name for sign in "@/*") or "." not in name.strip("."):
            raise MisplacedError((place,), "is not a domain; write it like acme.example")
    return _lower(names)


Names = Annotated[tuple[str, ...], Field(max_length=5_000), AfterValidator(_lower)]
Domains = Annotated[tuple[str, ...], Field(max_length=20_000), AfterValidator(_domains)]


class _Filter(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    active: bool = True


class DomainListFilter(_Filter):
    """Web-mail or throw-away addresses, by lists that come with Handoff; `also` adds to them, `except` takes out."""

    then: Then = Then.NURTURE
    also: Domains = ()
    but_not: Domains = Field(default=(), alias="except")


class CompanyFilter(_Filter):
    """Contacts of some companies: by e-mail domain (with all below it), by the company's name, or by a condition.

    The condition reads fields, such as those of the contact's company (`property: company.…` in fields.yaml).
    """

    then: Then = Then.TRIAGE
    domains: Domains = ()
    companies: Names = ()
    when: Condition | None = None

    @property
    def names_any(self) -> bool:
        return bool(self.active and (self.domains or self.companies or self.when is not None))


class CountryFilter(_Filter):
    """Countries served; empty means all. A contact whose country is unknown passes."""

    then: Then = Then.TRIAGE
    served: tuple[CountryCode, ...] = Field(default=(), max_length=300)
    not_served: tuple[CountryCode, ...] = Field(default=(), max_length=300)


class RoleAddressFilter(_Filter):
    """Addresses that belong to a desk, not to a person."""

    then: Then = Then.NURTURE
    names: Names = ()


class CustomFilter(_Filter):
    """A filter of the admin's own."""

    name: str = Field(min_length=1, max_length=60, pattern="^[a-z0-9][a-z0-9_-]*$")
    say: str = Field(min_length=1, max_length=200)
    when: Condition
    then: Then


Check = Callable[[Fields, str, Facts], str]
"""The reason why a contact is stopped, by its fields, its e-mail's domain and the facts; empty where it passes."""


class FilterRules(BaseModel):
    """All filters. One that names nothing (no competitor, no country) is off."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    web_mail: DomainListFilter = DomainListFilter()
    throw_away: DomainListFilter = DomainListFilter(then=Then.TRIAGE)
    competitors: CompanyFilter = CompanyFilter()
    customers: CompanyFilter = CompanyFilter()
    partners: CompanyFilter = CompanyFilter()
    countries: CountryFilter = CountryFilter()
    role_addresses: RoleAddressFilter = RoleAddressFilter()
    rules: tuple[CustomFilter, ...] = Field(default=(), max_length=100)

    @model_validator(mode="after")
    def _names_differ(self) -> FilterRules:
        for place, rule in enumerate(self.rules):
            if any(other.name == rule.name for other in self.rules[:place]):
                words = f"two filters are called `{rule.name}`; give each a name of its own"
                raise MisplacedError(("rules", place, "name"), words)
        return self

    @cached_property
    def of_companies(self) -> tuple[tuple[str, str, CompanyFilter], ...]:
        """(name of the verdict, the reason, filter) of those that know contacts by their company."""
        return (
            ("competitor", "works for a competitor", self.competitors),
            ("customer", "works for a customer", self.customers),
            ("partner", "works for a partner", self.partners),
        )

    @cached_property
    def checks(self) -> tuple[tuple[str, str, Verdict, Check], ...]:
        """(rule, then, verdict of those who pass, check) of each filter that is on; laid out once."""
        return tuple((name, then, Verdict(rule=name, passed=True), check) for name, then, check in _checks(self))

    @cached_property
    def private_domains(self) -> frozenset[str]:
        """What the admin adds to the lists of domains that name no company (email_domains.py knows the lists)."""
        return frozenset((*self.web_mail.also, *self.throw_away.also))

    @cached_property
    def may_hold(self) -> bool:
        return any(then == Then.HOLD for _, then, _, _ in self.checks)


def judge(facts: Facts, rules: FilterRules) -> tuple[Verdict, ...]:
    """One verdict per filter that is on; every filter speaks, not only the first that stops."""
    fields, domain = facts.contact.fields, _domain(facts.contact.fields)
    verdicts = []
    for name, then, passed, check in rules.checks:
        reason = check(fields, domain, facts)
        verdicts.append(_stopped(name, then, reason, rules, facts) if reason else passed)
    return tuple(verdicts)


def stops(facts: Facts, rules: FilterRules) -> list[str]:
    """What follows from each filter that stops the contact (`then`), for where nobody asks why."""
    fields, domain = facts.contact.fields, _domain(facts.contact.fields)
    return [then for _, then, _, check in rules.checks if check(fields, domain, facts)]


def _stopped(name: str, then: str, reason: str, rules: FilterRules, facts: Facts) -> Verdict:
    """With what was seen, where the filter has a condition."""
    conditions = {f"qualification.{rule.name}": rule.when for rule in rules.rules}
    conditions |= {f"qualification.{kind}": rule.when for kind, _, rule in rules.of_companies if rule.when is not None}
    when = conditions.get(name)
    clauses = when.find(facts).clauses if when is not None else ()
    return Verdict(rule=name, passed=False, then=then, reasons=(reason,), clauses=clauses)


def _domain(fields: Fields) -> str:
    email = fields.get("email")
    return domain_of(email) if isinstance(email, str) else ""


def _text(fields: Fields, name: str) -> str:
    found = fields.get(name)
    return found if isinstance(found, str) else ""


def _checks(rules: FilterRules) -> Iterator[tuple[str, str, Check]]:
    if rules.web_mail.active:
        yield "qualification.web-mail", rules.web_mail.then.value, _web_mail(rules.web_mail)
    if rules.throw_away.active:
        yield "qualification.throw-away", rules.throw_away.then.value, _throw_away(rules.throw_away)
    for name, words, company in rules.of_companies:
        if company.names_any:
            own = BOUGHT if company is rules.customers else ()
            yield f"qualification.{name}", company.then.value, _of_company(company, words, own)
    lands = rules.countries
    if lands.active and (lands.served or lands.not_served):
        yield "qualification.country", lands.then.value, _country(lands)
    if rules.role_addresses.active and rules.role_addresses.names:
        yield "qualification.role-address", rules.role_addresses.then.value, _role_address(rules.role_addresses)
    for rule in rules.rules:
        if rule.active:
            yield f"qualification.{rule.name}", rule.then.value, _custom(rule)


def _web_mail(rule: DomainListFilter) -> Check:
    return _listed(rule, is_web_mail, "uses a private e-mail address")


def _throw_away(rule: DomainListFilter) -> Check:
    return _listed(rule, is_throw_away, "uses a throw-away e-mail address")


def _listed(rule: DomainListFilter, is_listed: Callable[[str], bool], words: str) -> Check:
    also, but_not = frozenset(rule.also), frozenset(rule.but_not)

    @lru_cache(maxsize=MOST_DOMAINS)
    def reason(domain: str) -> str:
        return words if domain and domain not in but_not and (domain in also or is_listed(domain)) else ""

    return lambda fields, domain, facts: reason(domain)


def _of_company(rule: CompanyFilter, words: str, except_stages: tuple[Stage, ...]) -> Check:
    domains, companies = frozenset(rule.domains), frozenset(rule.companies)
    is_theirs = lru_cache(maxsize=MOST_DOMAINS)(partial(_is_below, domains=domains))
    test = rule.when.test if rule.when is not None else None

    def check(fields: Fields, domain: str, facts: Facts) -> str:
        if fields.get("stage") in except_stages:
            return ""
        known = is_theirs(domain) or is_theirs(_text(fields, "domain"))
        known = known or _text(fields, "company").casefold() in companies
        return words if known or (test is not None and test(fields, facts)) else ""

    return check


def _is_below(host: str, domains: frozenset[str]) -> bool:
    return host in domains or any(host[dot + 1 :] in domains for dot in range(len(host)) if host[dot] == ".")


def _country(rule: CountryFilter) -> Check:
    served, not_served = frozenset(rule.served), frozenset(rule.not_served)

    def check(fields: Fields, domain: str, facts: Facts) -> str:
        code = fields.get("country")
        if not code or not (code in not_served or (served and code not in served)):
            return ""
        return f"is in {country_name(str(code))}, which we do not serve"

    return check


def _role_address(rule: RoleAddressFilter) -> Check:
    names = frozenset(rule.names)

    def check(fields: Fields, domain: str, facts: Facts) -> str:
        local = _text(fields, "email").partition("@")[0].partition("+")[0]
        return "writes from an address that belongs to a desk, not to a person" if local in names else ""

    return check


def _custom(rule: CustomFilter) -> Check:
    test, say = rule.when.test, rule.say
    return lambda fields, domain, facts: say if test(fields, facts) else ""
