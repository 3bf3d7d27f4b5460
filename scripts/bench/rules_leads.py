"""A realistic rule book and invented leads for the benches of rules and replay. Nobody in them is real.

12 score rules, 6 filters and 3 triggers (a key page and two conditions); ten activities a lead: four page views, three
e-mails sent, one opened, one clicked, one form. A quarter of the leads write from a web-mail address.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from connector.config.mappings import make_rulebook, shipped_folder
from connector.config.yaml_text import read_yaml
from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import Contact, ContactId, OwnerId, PortalId, Value
from connector.domain.owner import Owner
from connector.rules.rulebook import PARTS, RuleBook
from connector.rules.situation import Desk, Situation

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SCORING = """\
look_back: 180d
fit:
  cap: 40
  rules:
    - {say: company of 50 to 1000 people, points: 15, when: {field: employees, op: between, value: [50, 1000]}}
    - {say: company of 10 to 49 people, points: 5, when: {field: employees, op: between, value: [10, 49]}}
    - say: decides about marketing or sales
      points: 10
      when: {field: job_title, op: contains_word, value: [ceo, cmo, founder, managing director, vp, director,
             head of marketing, head of sales, marketing manager, sales manager, revenue operations]}
    - {say: writes from a company's address, points: 10, when: {field: email_domain, op: filled}}
    - {say: is in a country that we serve, points: 5, when: {field: country, op: in, value: [US, CA, GB, DE, FR]}}
engagement:
  cap: 60
  half_life: 30d
  rules:
    - {say: viewed the pricing page, kind: page_view, url: "*/pricing*", points: 25, cap: 50, half_life: 14d}
    - {say: read a customer story, kind: page_view, url: "/customers/*", points: 8, cap: 24}
    - {say: downloaded a guide, kind: form_submission, name: "*guide*", points: 15, cap: 30}
    - {say: took part in a webinar, kind: form_submission, name: "*webinar*", points: 20, cap: 40}
    - {say: clicked a link in an e-mail, kind: email_click, points: 5, cap: 15}
    - {say: looked for a job, kind: page_view, url: "/careers*", points: -10}
    - {say: viewed a page, kind: page_view, points: 1, cap: 5}
"""
QUALIFICATION = """\
hand_raisers:
  forms: [{form: Request a demo, say: asked for a demo}, {form: Free audit, say: asked for a free audit}]
filters:
  web_mail: {then: nurture}
  throw_away: {then: triage}
  competitors: {then: triage, domains: [rival.example, other-rival.example], companies: [Rival Inc]}
  countries: {then: triage, not_served: [KP, IR]}
  role_addresses: {then: nurture, names: [info, office, admin, support, noreply]}
  rules:
    - name: no-address
      say: has neither an e-mail address nor a phone number
      when: {all: [{field: email, op: empty}, {field: phone, op: empty}]}
      then: triage
threshold: {score: 50, fit: 10, engagement: 30}
key_pages:
  - {say: viewed the pricing page, url: "*/pricing*", at_least: 2, within: 7d, fit_at_least: 10}
triggers:
  - name: nurture-finished
    fit_at_least: 10
    when:
      all:
        - activity: {kind: email_sent, name: "*nurture*", at_least: 3, within: 90d}
        - activity: {kind: email_click, name: "*nurture*", at_least: 2, within: 90d}
  - name: webinar-of-a-large-company
    fit_at_least: 10
    when:
      all:
        - {field: employees, op: at_least, value: 200}
        - activity: {kind: form_submission, name: "*webinar*", within: 30d}
        - {not: {field: industry, op: in, value: [Education, Government]}}
"""
PAGES = [
    *("/", "/pricing", "/de/pricing", "/product", "/product/reports", "/careers", "/careers/engineer", "/contact"),
    *(f"/customers/story-{number}" for number in range(12)), *(f"/blog/post-{number}" for number in range(40)),
]  # fmt: skip
FORMS = ["Newsletter", "Guide to funnels", "Guide to leads", "Webinar: what sales needs", "Feedback"]
RANKS = ["", "Junior ", "Senior ", "Regional ", "Deputy ", "Group "]
JOBS = ["Head of Marketing", "Engineer", "VP Sales", "Sales Manager", "Accountant", "Analyst", "Founder", "Assistant"]
PLACES = ["", ", EMEA", ", North", ", South", " and Partners", ", Americas"]


def make_book() -> RuleBook:
    """The book, in every other file as it ships."""
    texts = {"scoring": SCORING, "qualification": QUALIFICATION}
    shipped = {name: (shipped_folder() / f"{name}.yaml").read_bytes() for name in PARTS if name not in texts}
    contents = shipped | {name: text.encode() for name, text in texts.items()}
    return make_rulebook({name: read_yaml(contents[name], f"{name}.yaml") for name in PARTS}).in_zone("UTC")


def make_situations(count: int, seed: int) -> list[Situation]:
    """Leads without a past in sales, all before the same desk of three reps."""
    chance = Random(seed)
    owners = [Owner(id=OwnerId(f"{n}"), name=f"Rep {n}", email=f"rep{n}@acme.example") for n in (1, 2, 3)]
    desk = Desk(owners=owners, rotation={}, open_leads={})
    return [
        Situation(
            portal=PortalId("1"),
            contact=_contact(number, chance),
            activities=_activities(ContactId(str(number)), chance),
            desk=desk,
        )
        for number in range(count)
    ]


def _contact(number: int, chance: Random) -> Contact:
    company = f"company{number % 700}.example"
    private = chance.random() < 0.25
    fields: dict[str, Value] = {
        "email": f"lead{number}@{'gmail.com' if private else company}",
        "first_name": f"Lead {number}",
        "company": f"Company {number % 700}",
        "job_title": chance.choice(RANKS) + chance.choice(JOBS) + chance.choice(PLACES),
        "country": chance.choice(["US", "US", "GB", "DE", "FR", "BR", "IN"]),
        "employees": float(chance.choice([1, 5, 12, 30, 60, 150, 400, 2_000])),
        "industry": chance.choice(["Software", "Education", "Retail", "Mining"]),
        "stage": "lead",
    }
    if not private:
        fields["email_domain"] = fields["domain"] = company
    changed = {"job_title": NOW - timedelta(days=100)}
    at = NOW - timedelta(days=chance.randint(120, 400))
    return Contact(id=ContactId(str(number)), created_at=at, modified_at=NOW, fields=fields, changed_at=changed)


def _activities(who: ContactId, chance: Random) -> list[Activity]:
    kinds = [ActivityKind.PAGE_VIEW] * 4 + [ActivityKind.EMAIL_SENT] * 3
    kinds += [ActivityKind.EMAIL_OPEN, ActivityKind.EMAIL_CLICK, ActivityKind.FORM_SUBMISSION]
    rows = [_activity(who, kind, place, chance) for place, kind in enumerate(kinds)]
    return sorted(rows, key=lambda row: row.occurred_at)


def _activity(who: ContactId, kind: ActivityKind, place: int, chance: Random) -> Activity:
    at = NOW - timedelta(seconds=chance.randint(60, 120 * 86_400), milliseconds=chance.randint(0, 999))
    url, name = None, ""
    if kind is ActivityKind.PAGE_VIEW:
        url = "https://www.acme.example" + chance.choice(PAGES)
    elif kind is ActivityKind.FORM_SUBMISSION:
        name = "Request a demo" if chance.random() < 0.05 else chance.choice(FORMS)
    else:
        name = chance.choice(["Nurture 1", "Nurture 2", "Nurture 3", "News of March"])
    return Activity(stream="bench", id=f"{who}-{place}", contact=who, kind=kind, occurred_at=at, name=name, url=url)
