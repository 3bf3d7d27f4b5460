"""Qualification: filters, hand-raisers, threshold and triggers (R02-R10)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import ValidationError

from connector.config.mappings import load_rulebook, shipped_folder
from connector.domain.activity import Activity, ActivityKind
from connector.domain.contact import Contact, ContactId, Value
from connector.domain.verdict import Verdict
from connector.rules.abandonment import abandoned
from connector.rules.qualification import (
    Definition,
    HandRaise,
    QualificationRules,
    filters,
    qualify,
    raised_hand,
    warnings,
)  # fmt: skip
from connector.rules.scorecard import score

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ME = ContactId("1")
BOOK = load_rulebook(shipped_folder())
RULES = BOOK.qualification
COMPANY: dict[str, Value] = {"email": "kim@acme.example", "domain": "acme.example", "email_domain": "acme.example"}


def who(**fields: Value) -> Contact:
    return Contact(id=ME, created_at=NOW, modified_at=NOW, fields={**COMPANY, **fields})


def act(kind: str, ago: timedelta = timedelta(minutes=1), **more: object) -> Activity:
    return Activity(stream="s", id=f"{kind}{ago}", contact=ME, kind=ActivityKind(kind), occurred_at=NOW - ago, **more)


def pricing(days: float = 0) -> Activity:
    return act("page_view", timedelta(days=days), url="https://acme.example/pricing")


def answer(*activities: Activity, rules: QualificationRules = RULES, **fields: Value) -> Verdict:
    contact = who(**fields)
    rows = sorted(activities, key=lambda row: row.occurred_at)
    return qualify(contact, rows, score(contact, rows, BOOK.scoring, now=NOW, since=None), rules, now=NOW)


def with_rules(**more: object) -> QualificationRules:
    return QualificationRules.model_validate({**RULES.model_dump(by_alias=True), **more})


def stopped(rules: QualificationRules, **fields: Value) -> dict[str, tuple[str, ...]]:
    return {v.rule: (v.then, *v.reasons) for v in filters(who(**fields), rules, now=NOW) if not v.passed}


# -- filters (R03) -------------------------------------------------------------------------------------------------


def test_a_company_address_passes_every_filter() -> None:
    verdicts = filters(who(), RULES, now=NOW)
    assert verdicts
    assert all(verdict.passed for verdict in verdicts)


@pytest.mark.parametrize(
    ("fields", "rule", "then", "reason"),
    [
        ({"email": "pat-nobody@gmail.com"}, "qualification.web-mail", "nurture", "uses a private e-mail address"),
        ({"email": "a-b@mailinator.com"}, "qualification.throw-away", "triage", "uses a throw-away e-mail address"),
        ({"email": "pat@mx.rival.example"}, "qualification.competitor", "triage", "works for a competitor"),
        ({"company": "Rival Ltd"}, "qualification.competitor", "triage", "works for a competitor"),
        ({"country": "FR"}, "qualification.country", "triage", "is in France, which we do not serve"),
        ({"email": "info+x@acme.example"}, "qualification.role-address", "nurture",
         "writes from an address that belongs to a desk, not to a person"),
        ({"email": None}, "qualification.no-address", "triage", "has neither an e-mail address nor a phone number"),
    ],
)  # fmt: skip
def test_a_filter_says_why_and_what_follows(fields: dict[str, Value], rule: str, then: str, reason: str) -> None:
    rules = with_rules(
        filters={
            **RULES.filters.model_dump(by_alias=True),
            "competitors": {"domains": ["rival.example"], "companies": ["Rival Ltd"]},
            "countries": {"served": ["Germany", "US"]},
        }
    )
    assert stopped(rules, **fields)[rule] == (then, reason)


def test_lists_can_be_added_to_and_taken_from() -> None:
    rules = with_rules(filters={"web_mail": {"also": ["Free.Example"], "except": ["gmail.com"]}})
    assert stopped(rules, email="pat-nobody@gmail.com") == {}
    assert "qualification.web-mail" in stopped(rules, email="pat@free.example")


def test_a_filter_that_names_nothing_or_is_off_gives_no_verdict() -> None:
    rules = with_rules(filters={"web_mail": {"active": False}, "throw_away": {"active": False}})
    assert filters(who(email="pat-nobody@gmail.com"), rules, now=NOW) == ()


def test_a_mistyped_domain_or_country_is_refused() -> None:
    with pytest.raises(ValidationError, match="not a domain"):
        with_rules(filters={"competitors": {"domains": ["someone@rival.example"]}})
    with pytest.raises(ValidationError, match="not a country"):
        with_rules(filters={"countries": {"served": ["Germny"]}})


# -- hand-raisers (R02, R07) ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["request a demo", "FREE AUDIT", "Contact us"])
def test_a_form_raises_a_hand_by_name(form: str) -> None:
    hand = raised_hand(who(), [act("form_submission", name=form)], RULES, since=None)
    assert hand is not None
    assert hand.label.startswith("asked ")


def test_a_form_raises_a_hand_by_guid_and_others_do_not() -> None:
    rules = with_rules(hand_raisers={"forms": ["0A1B2C3D-0000-4000-8000-000000000001"]})
    row = act("form_submission", name="Talk to us", ref="0a1b2c3d-0000-4000-8000-000000000001")
    assert raised_hand(who(), [row], rules, since=None) == HandRaise(
        label="sent the form “Talk to us”", activity_id=f"s:{row.id}", at=row.occurred_at
    )
    assert raised_hand(who(), [act("form_submission", name="Newsletter")], RULES, since=None) is None


def test_the_first_new_hand_raise_counts() -> None:
    old, new, newer = (act("form_submission", timedelta(days=d), name="Contact us") for d in (9, 5, 1))
    assert raised_hand(who(), [old, new, newer], RULES, since=old.occurred_at).at == new.occurred_at
    assert raised_hand(who(), [old], RULES, since=old.occurred_at) is None


def test_a_booked_meeting_raises_a_hand_by_activity_or_by_field() -> None:
    assert raised_hand(who(), [act("meeting")], RULES, since=None).label == "booked a meeting"
    by_field = raised_hand(who(meeting_booked_at=NOW), [], RULES, since=None)
    assert by_field == HandRaise(label="booked a meeting", activity_id=f"meeting_booked_at:{NOW.isoformat()}", at=NOW)
    assert raised_hand(who(meeting_booked_at=NOW), [], with_rules(hand_raisers={"meetings": False}), since=None) is None


def test_an_imported_event_raises_a_hand_by_its_fields() -> None:
    fair = {"say": "met us at the fair", "at": "fair_at", "when": {"field": "fair", "op": "filled"}}
    rules = with_rules(hand_raisers={"fields": [fair]})
    assert raised_hand(who(fair="yes", fair_at=NOW), [], rules, since=None).label == "met us at the fair"
    assert raised_hand(who(fair_at=NOW), [], rules, since=None) is None


# -- threshold, key pages, triggers (R04-R06) ----------------------------------------------------------------------


def test_one_look_at_the_prices_is_never_enough_by_itself() -> None:
    """R06, even for the best fit."""
    best: dict[str, Value] = {"employees": 100.0, "job_title": "CEO", "country": "DE"}
    assert not answer(pricing(), **best).passed
    assert answer(pricing(), **best).reasons == ("showed 25 of the 30 points of interest asked",)


def test_the_second_look_in_a_week_is_enough_for_a_fair_fit() -> None:
    verdict = answer(pricing(7), pricing())
    assert verdict.passed
    assert verdict.rule == "qualification.key_pages"
    assert verdict.reasons[0] == "viewed the pricing page twice in 7 days"
    assert verdict.reasons[-1] == "has 52.68 points, where 50 are asked"
    assert not answer(pricing(8), pricing(), email_domain=None).passed


def test_the_threshold_alone_is_enough_too() -> None:
    verdict = answer(pricing(), act("form_submission", name="Guide to leads"))
    assert (verdict.passed, verdict.rule) == (True, "qualification.threshold")
    assert verdict.reasons == (
        "viewed the pricing page", "downloaded a guide", "writes from a company's e-mail address",
        "has 50 points, where 50 are asked",
    )  # fmt: skip


def test_a_finished_nurture_programme_triggers() -> None:
    """R05."""
    sent = [act("email_sent", timedelta(days=d), name=f"Nurture {d}") for d in (1, 2, 3)]
    clicks = [act("email_click", timedelta(days=d), name=f"Nurture {d}") for d in (1, 2)]
    assert answer(*sent, *clicks).rule == "qualification.nurture-finished"
    assert not answer(*sent, *clicks[:1]).passed


def test_opens_alone_never_qualify_unless_an_admin_says_so() -> None:
    """R05."""
    generous = BOOK.scoring.model_validate(
        {
            "engagement": {"rules": [{"say": "opened", "kind": "email_open", "points": 30}]},
            "fit": BOOK.scoring.fit.model_dump(by_alias=True),
        }
    )
    rows = [act("email_open", timedelta(hours=h)) for h in (3, 2, 1)]
    points = score(who(), rows, generous, now=NOW, since=None)
    refused = qualify(who(), rows, points, RULES, now=NOW)
    assert refused.reasons == ("only opened e-mails, which mail programs also do by themselves",)
    allowed = with_rules(opens_may_qualify=True)
    assert qualify(who(), rows, points, allowed, now=NOW).passed
    assert any("opens_may_qualify" in line for line in warnings(allowed))
    assert warnings(RULES) == ()


def test_a_trigger_on_opens_alone_is_refused_when_loaded() -> None:
    """R05."""
    on_opens = {"name": "opens", "when": {"any": [{"activity": {"kind": "email_open", "at_least": 5}}]}}
    with pytest.raises(ValidationError, match="opened e-mails alone"):
        with_rules(triggers=[on_opens])
    assert with_rules(triggers=[on_opens], opens_may_qualify=True).triggers
    both = {"all": [on_opens["when"], {"activity": {"kind": "email_click"}}]}
    assert with_rules(triggers=[{"name": "both", "when": both}]).triggers


# -- definition and abandoned forms (R10, R08) ---------------------------------------------------------------------


def test_the_agreed_definition_comes_up_for_review() -> None:
    """R10."""
    agreed = Definition.model_validate({"text": "x", "agreed_on": "2026-01-15", "review_every": "26w"})
    assert agreed.review_due_on == date(2026, 7, 16)
    assert Definition(text="x").review_due_on is None


def test_a_form_that_was_opened_and_not_sent_is_found() -> None:
    """R08."""
    page = act("page_view", timedelta(minutes=40), url="https://acme.example/demo")
    (form,) = abandoned(who(), [page], RULES.abandoned_forms)
    assert (form.mark, form.due_at) == ("Request a demo", page.occurred_at + timedelta(minutes=30))
    sent = act("form_submission", timedelta(minutes=35), name="Request a demo")
    assert abandoned(who(), [page, sent], RULES.abandoned_forms) == ()
    long_before = act("form_submission", timedelta(days=3), name="Request a demo")
    assert abandoned(who(), [long_before, page], RULES.abandoned_forms) != ()
