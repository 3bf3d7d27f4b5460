"""What the rules name and the portal has not got, though no run is stopped by it (R32)."""

from __future__ import annotations

from dataclasses import replace

from factories import make_book, make_owner, shipped_book

from connector.engine.absent import absences
from connector.engine.ports import Form, PropertyInfo, Schema

FORMS = tuple(Form(ref=f"guid-{place}", name=name) for place, name in enumerate(("Request a Demo", "Contact us")))
NONE = Schema(properties={})
ANA = replace(make_owner("7"), teams=("Enterprise",))


def test_a_form_that_the_portal_lacks_is_named_with_what_it_costs_and_the_nearest() -> None:
    forms = (*FORMS, Form(ref="guid-9", name="Free audits"))
    assert absences(shipped_book(), forms, (), NONE) == (
        "qualification.yaml: the portal has no form “Free audit”: nobody can ask for sales by it; "
        "did you mean `Free audits`?",
    )


def test_a_form_may_be_named_by_its_guid_or_by_a_pattern() -> None:
    book = make_book(qualification={"hand_raisers": {"forms": ["GUID-1", "*demo"]}, "abandoned_forms": []})
    assert absences(book, FORMS, (), NONE) == ()


def test_a_form_to_be_reminded_of_is_named_too() -> None:
    left_open = [{"mark": "Trial", "page": "*/trial*", "form": "Start now"}]
    book = make_book(qualification={"hand_raisers": {"forms": []}, "abandoned_forms": left_open})
    assert absences(book, FORMS, (), NONE) == (
        "qualification.yaml: the portal has no form “Start now”: nobody can be reminded of it.",
    )


def test_where_the_portal_shows_no_forms_nothing_is_said_of_them() -> None:
    assert absences(shipped_book(), (), (), NONE) == ()


def test_a_team_without_an_active_owner_is_named() -> None:
    pools = {"large": {"teams": ["Enterprise"]}, "all": {"everyone": True}}
    book = make_book(routing={"pools": pools, "default_pool": "all", "territories": []})
    assert absences(book, (), (ANA,), NONE) == ()
    gone = replace(ANA, archived=True)
    other = replace(make_owner("8"), teams=("Enterprises",))
    assert absences(book, (), (gone, other), NONE) == (
        "routing.yaml: nobody in the portal is in the team “Enterprise” of the pool `large`; "
        "did you mean `Enterprises`?",
    )


def test_an_answer_that_the_portal_does_not_offer_is_named() -> None:
    """R20: a reason that is new in recycling.yaml has to be offered to sales, too."""
    book = shipped_book()
    offered = tuple(book.recycling.reasons)
    schema = Schema(properties={"handoff_verdict_reason": PropertyInfo(type="enumeration", options=offered[1:])})
    (said,) = absences(book, (), (), schema)
    assert f"does not offer {offered[0]}, so sales cannot answer that" in said and "init --apply" in said
