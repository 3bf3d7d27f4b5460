"""Fields of the contact's company: pulled with it, again when the company changes, and judged by (R03, R32)."""

from __future__ import annotations

import pytest
from factories import DAY, MINUTE, demo_request, make_book

from connector.rules.fields import FieldRules
from connector.rules.rulebook import RuleBook
from engine.world import World


def book_with_companies() -> RuleBook:
    book = make_book()
    fields = book.fields.model_dump(by_alias=True)
    fields["fields"]["company_stage"] = {"property": "company.lifecyclestage", "type": "text"}
    customers = {"when": {"field": "company_stage", "op": "is", "value": "customer"}}
    filters = {**book.qualification.filters.model_dump(by_alias=True), "customers": customers}
    return make_book(fields=FieldRules.model_validate(fields).model_dump(by_alias=True),
                     qualification={"filters": filters})  # fmt: skip


@pytest.fixture
def world() -> World:
    return World(book_with_companies()).begin()


def test_a_company_that_changed_has_its_contacts_decided_again(world: World) -> None:
    """The CRM does not stamp the contacts; the change is kept as history, with the company's own instant."""
    world.crm.add("101", email="kim@acme.example")
    world.crm.edit_company("101", company_stage="customer")
    world.crm.happen(demo_request(world.clock.now(), contact="101"))
    world.run_later(MINUTE)
    assert world.decisions() == ["triage"] and world.stored().contact.text("company_stage") == "customer"

    world.clock.pass_by(DAY)
    world.crm.edit_company("101", company_stage="lead")
    changed_at = world.clock.now()
    world.run_later(MINUTE)
    stored = world.stored()
    assert stored.raw["company.lifecyclestage"] == "lead"
    assert stored.contact.changed_at["company_stage"] == changed_at
    assert world.decisions() == ["triage", "hand_over"]
    world.clock.pass_by(DAY)
    world.crm.edit_company("101", company_stage="opportunity")
    world.run_later(MINUTE)
    with world.store.reading() as uow:
        history = [row for row in uow.field_changes(stored.contact.id) if row.field == "company_stage"]
    assert [row.value for row in history] == ["lead", "opportunity"]


def test_no_companies_are_asked_for_where_no_field_reads_them() -> None:
    world = World().begin()
    world.run_later(MINUTE)
    assert "pull_contacts_of_changed_companies" not in world.crm.calls()
    with_fields = World(book_with_companies()).begin()
    with_fields.run_later(MINUTE)
    assert with_fields.crm.calls("pull_contacts_of_changed_companies") == ["pull_contacts_of_changed_companies"]
