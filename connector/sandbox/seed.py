"""Invents a portal: teams, owners (one archived), forms, companies, contacts with histories, some deals and activity.

Everything follows from the seed's number; instants are counted back from the sandbox clock. Contacts come with about
thirty values; activity is made for a small share only, so that 100,000 contacts take seconds. Some rows are messy on
purpose: no e-mail, a bad phone, an unknown country, an emoji name, one text of 60,000 characters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

from . import effects, visits
from . import invented as words
from .clock import iso, parse_instant
from .directory import Form, Owner, Team
from .links import default_type, primary_type
from .portal import Portal
from .store import Change, Record, Source

DAY = 86_400_000
SPAN_DAYS = 540
STAGES = ("subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist",
          "other")  # fmt: skip
_MIX = {"subscriber": 0.34, "lead": 0.42, "marketingqualifiedlead": 0.08, "salesqualifiedlead": 0.05,
        "opportunity": 0.04, "customer": 0.06, "other": 0.01}  # fmt: skip
_IMPORT = Source("IMPORT", "import-1")
_FORM = Source("FORM", "seed")
_LONG_TEXT = "A long story. " * 4_286  # 60,004 characters
_MOST_ACTIVE = 2_000
_MOST_LINKED = 20_000
_MOST_DEALS = 500
_SHARED: dict[str, str] = {}


def check_stages(stages: Any, contacts: int) -> dict[str, int] | None:
    """Check the wished number of contacts per stage; None = the usual mix.

    Raises:
        ValueError: an unknown stage, a bad number, or more than there are contacts.
    """
    if stages is None:
        return None
    if not isinstance(stages, dict) or not all(isinstance(n, int) and n >= 0 for n in stages.values()):
        raise ValueError('stages is an object of counts, such as {"marketingqualifiedlead": 200}')
    if unknown := set(stages) - set(STAGES):
        raise ValueError(f"unknown stage {sorted(unknown)[0]!r}; known: {', '.join(STAGES)}")
    if sum(stages.values()) > contacts:
        raise ValueError(f"stages ask for {sum(stages.values())} contacts, but the portal has {contacts}")
    return stages


@dataclass(slots=True)
class Company:
    """A company as contacts need it."""

    id: str
    name: str
    domain: str
    industry: str
    place: tuple[str, str, str, str]
    size: str


def fill(portal: Portal, contacts: int, number: int, stages: dict[str, int] | None = None) -> None:
    """Invent everything of the module docstring; the journal and webhooks hear nothing of it."""
    random, now = Random(f"portal {number}"), portal.clock.ms()
    portal.quiet = True
    lag, portal.switches.lag_seconds = portal.switches.lag_seconds, 0
    try:
        _owners(portal, random, now)
        _forms(portal, random, now)
        if contacts:
            store = portal.objects["contacts"]
            companies = _companies(portal, random, min(5_000, max(5, contacts // 8)), now)
            with store.bulk():
                people = _contacts(portal, random, contacts, _stage_list(random, contacts, stages), companies, now)
                _deals(portal, random, people, now)
                _activity(portal, random, people, now)
    finally:
        portal.quiet = False
        portal.switches.lag_seconds = lag


def _owners(portal: Portal, random: Random, now: int) -> None:
    place, made = portal.directory, now - 2 * SPAN_DAYS * DAY
    for number, name in enumerate(dict.fromkeys(team for _, _, team in words.OWNERS)):
        place.teams[name] = Team(str(5001 + number), name)
    for number, (first, last, team) in enumerate(words.OWNERS):
        archived = number == len(words.OWNERS) - 1
        email = f"{first}.{last}@reps.example".lower()
        owner = Owner(
            str(71_000_001 + 37 * number), 42_000_100 + number, email, first, last, made, made, archived,
            teams=[] if archived else [(place.teams[team], True)],
        )  # fmt: skip
        place.owners[owner.id] = owner
    place.teams = {team.id: team for team in place.teams.values()}


def _forms(portal: Portal, random: Random, now: int) -> None:
    for name, fields in words.FORMS:
        guid = str(UUID(int=random.getrandbits(128), version=4))
        portal.directory.forms[guid] = Form(guid, name, now - SPAN_DAYS * DAY, list(fields))


def _companies(portal: Portal, random: Random, count: int, now: int) -> list[Company]:
    store, found = portal.objects["companies"], []
    with store.bulk():
        for number in range(count):
            word, kind = random.choice(words.COMPANY_WORDS), random.choice(words.COMPANY_KINDS)
            name, domain = f"{word} {kind} {number + 1}", f"{word}-{kind}-{number + 1}.example".lower()
            place, size = random.choice(words.PLACES), str(random.choice((4, 12, 35, 80, 240, 700, 2500)))
            industry = random.choice(words.INDUSTRIES)
            values = {
                "name": name, "domain": domain, "website": f"https://{domain}", "industry": industry,
                "country": place[0], "city": place[2], "zip": place[3], "numberofemployees": size,
                "lifecyclestage": "lead",
                "phone": _phone(random, number),
            }  # fmt: skip
            record = store.create(values, _IMPORT, now - SPAN_DAYS * DAY + number)
            found.append(Company(record.id, name, domain, industry, place, size))
    return found


def _phone(random: Random, number: int) -> str:
    if number % 2:
        return f"+44 20 7946 0{random.randrange(1000):03d}"
    return f"+1 202 555 01{random.randrange(100):02d}"


def _stage_list(random: Random, contacts: int, stages: dict[str, int] | None) -> list[str]:
    if stages is None:
        return random.choices(list(_MIX), list(_MIX.values()), k=contacts)
    listed = [stage for stage, count in stages.items() for _ in range(count)]
    rest = contacts - len(listed)
    listed += ["subscriber"] * (rest // 2) + ["lead"] * (rest - rest // 2)
    random.shuffle(listed)
    return listed


def _contacts(
    portal: Portal, random: Random, count: int, stages: list[str], companies: list[Company], now: int
) -> list[Record]:
    store, owners = portal.objects["contacts"], [o for o in portal.directory.owners.values() if not o.archived]
    moments = sorted(random.randrange(SPAN_DAYS * DAY - 3 * DAY) for _ in range(count))
    people = []
    for number, moment in enumerate(moments):
        created = now - SPAN_DAYS * DAY + moment
        company = companies[random.randrange(len(companies))]
        values = _person(random, number, company, created)
        _messy(number, values)
        record = store.create(values, _IMPORT if number % 3 else _FORM, created)
        _grow(record, random, stages[number], owners, created, now - DAY // 2)
        record.modified = max(record.modified, created + random.randrange(max(1, now - 3_600_000 - created)))
        if number < _MOST_LINKED and number % 7:
            _join_company(portal, record, company)
        people.append(record)
    return people


def _shared(text: str) -> str:
    """Give one string object for equal texts: most values repeat, and memory is what limits a portal's size."""
    return _SHARED.setdefault(text, text)


def _person(random: Random, number: int, company: Company, created: int) -> dict[str, str]:
    first, last = random.choice(words.FIRST), random.choice(words.LAST)
    country, code, city, postal = company.place
    made, source, views = iso(created), random.choice(words.SOURCES), random.randrange(1, 12)
    seen = iso(created + random.randrange(3 * DAY))
    domain = company.domain if number % 5 else "mail.example"
    values = {
        "firstname": first, "lastname": last, "email": f"{first}.{last}.{number + 1}@{domain}".lower(),
        "hs_email_domain": domain, "phone": _phone(random, number), "company": company.name,
        "jobtitle": random.choice(words.TITLES), "industry": company.industry, "numberofemployees": company.size,
        "website": _shared(f"https://{company.domain}"), "country": country, "hs_country_region_code": code,
        "city": city, "zip": postal, "hs_analytics_source": source, "hs_latest_source": source,
        "hs_analytics_source_data_1": _shared(f"campaign-{number % 40}"), "hs_analytics_first_timestamp": made,
        "hs_analytics_first_visit_timestamp": made, "hs_analytics_last_timestamp": seen,
        "hs_analytics_last_visit_timestamp": seen, "hs_analytics_num_visits": _shared(str(1 + views // 4)),
        "hs_analytics_num_page_views": _shared(str(views)), "hs_email_delivered": _shared(str(number % 17)),
        "hs_email_open": _shared(str(number % 5)), "hs_email_click": _shared(str(number % 3)),
        "hs_analytics_first_url": _shared(f"https://www.sandbox.example{random.choice(words.PAGES)}"),
        "hs_analytics_last_url": _shared(f"https://www.sandbox.example{random.choice(words.PAGES)}"),
        "lifecyclestage": "subscriber",
    }  # fmt: skip
    if number % 41 == 0:
        values["hs_email_optout"] = "true"
    return values


def _messy(number: int, values: dict[str, str]) -> None:
    """Spoil some rows, each kind at its own step, so that every portal of some size has all of them."""
    if number % 97 == 13:
        del values["email"], values["hs_email_domain"]
    if number % 61 == 17:
        values["phone"] = "call me after six"
    if number % 73 == 19:
        values["country"] = "Atlantis"
        del values["hs_country_region_code"]
    if number % 89 == 23:
        values["firstname"] = words.EMOJI_NAMES[number // 89 % len(words.EMOJI_NAMES)]
    if number == 29:
        values["message"] = _LONG_TEXT


def _grow(record: Record, random: Random, stage: str, owners: list[Owner], created: int, end: int) -> None:
    """Lead a contact through the stages up to its own, with stamps and history, owner and status."""
    path = STAGES[: STAGES.index(stage) + 1] if stage != "other" else ("subscriber", "other")
    step = max(1, (end - created) // (len(path) + 1))
    props, at, line = record.props, created, []
    for place, each in enumerate(path):
        if place:
            at += random.randrange(1, step + 1)
            props[f"hs_v2_date_exited_{path[place - 1]}"] = iso(at)
        when = iso(at)
        props[f"hs_lifecyclestage_{each}_date"] = props[f"hs_v2_date_entered_{each}"] = when
        line.append(Change(each, at, *(record.source if not place else Source("WORKFLOWS", "seed"))))
    props["lifecyclestage"], props["hs_v2_date_entered_current_stage"] = stage, iso(at)
    if len(line) > 1:
        record.history = {"lifecyclestage": line}
    if stage in STAGES[2:6]:
        owner = owners[record.key % len(owners)]
        team = owner.main_team
        props |= {"hubspot_owner_id": owner.id, "hubspot_owner_assigneddate": iso(at)}
        props |= {"hubspot_team_id": team.id} if team else {}
        props["hs_lead_status"] = random.choice(words.STATUSES) if stage in STAGES[2:4] else "OPEN_DEAL"
    record.modified = max(record.modified, at)


def _join_company(portal: Portal, record: Record, company: Company) -> None:
    for link in (default_type("contacts", "companies"), primary_type("contacts", "companies")):
        assert link is not None
        portal.links.add("contacts", record.id, "companies", company.id, link)
    record.props["associatedcompanyid"] = company.id


def _deals(portal: Portal, random: Random, people: list[Record], now: int) -> None:
    """Give the first opportunities and customers their deals; some of them are lost."""
    store, link = portal.objects["deals"], default_type("deals", "contacts")
    assert link is not None
    chosen = [record for record in people if record.props["lifecyclestage"] in ("opportunity", "customer")]
    for number, record in enumerate(chosen[:_MOST_DEALS]):
        stage = "closedwon" if record.props["lifecyclestage"] == "customer" else "appointmentscheduled"
        stage = "closedlost" if stage != "closedwon" and number % 4 == 0 else stage
        at = min(now - DAY // 4, parse_instant(record.props["hs_v2_date_entered_current_stage"]))
        values = {
            "dealname": f"{record.props.get('company', 'New')} {number + 1}", "pipeline": "default", "dealstage": stage,
            "amount": str(random.randrange(5, 400) * 100), "hubspot_owner_id": record.props["hubspot_owner_id"],
        }  # fmt: skip
        deal = store.create(values | effects.derived(portal, "deals", None, values, at), Source("CRM_UI"), at)
        portal.links.add("deals", deal.id, "contacts", record.id, link)
        record.props["num_associated_deals"] = "1"


def _activity(portal: Portal, random: Random, people: list[Record], now: int) -> None:
    """Let a few contacts visit pages, send forms and get calls, by the same functions as acts."""
    forms = list(portal.directory.forms.values())
    for number, record in enumerate(_sample(people, max(10, min(_MOST_ACTIVE, len(people) // 20)))):
        start, email = max(record.created, now - 60 * DAY), record.value("email")
        at = start + random.randrange(max(1, now - start - DAY // 4))
        before = record.modified
        for step in range(random.randrange(1, 4)):
            url = f"https://www.sandbox.example{random.choice(words.PAGES)}"
            visits.page_view(portal, record, url, at + step * 90_000, title="Sandbox")
        if email and number % 3 == 0:
            form = forms[number // 3 % len(forms)]
            visits.submit_form(portal, form, email, {}, at + 400_000, page_url="https://www.sandbox.example/form")
        if email and number % 4 == 0:
            for kind in ("SENT", "DELIVERED", "OPEN")[: 1 + number % 3]:
                visits.email_event(portal, kind, email, 900_001 + number % 3, at + 500_000, name="Seed mail")
        record.modified = max(before, record.modified)


def _sample(people: list[Record], count: int) -> Iterator[Record]:
    step = max(1, len(people) // count)
    return iter(people[::step][:count])
