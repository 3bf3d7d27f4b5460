"""Fields: bad data never stops, values have one form, and normalising twice is normalising once (R01, R32)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connector.config.mappings import load_part, shipped_folder
from connector.domain.contact import Contact, ContactId
from connector.domain.record import Edit, Record
from connector.errors import UnknownPropertyError
from connector.rules import email_domains, phones
from connector.rules.countries import country_code, country_name
from connector.rules.fields import (
    FieldRules,
    FieldType,
    check_fields,
    normalise,
    properties_to_read,
    property_of,
    to_wire,
)  # fmt: skip

MADE = datetime(2026, 1, 1, tzinfo=UTC)
CHANGED = datetime(2026, 2, 1, tzinfo=UTC)
STAGES = {"lead": "lead", "marketingqualifiedlead": "mql", "4711": "mql", "customer": "customer"}
RULES = load_part("fields", (shipped_folder() / "fields.yaml").read_bytes())
assert isinstance(RULES, FieldRules)
ME = ContactId("1")


@dataclass(frozen=True)
class Stored:
    contact: Contact
    raw: dict[str, str | None]


def record(properties: dict[str, str | None], **more: object) -> Record:
    return Record(id=ME, asked_id=ME, properties=properties, created_at=MADE, modified_at=CHANGED, **more)


def read(rules: FieldRules = RULES, **values: str | None) -> Contact:
    """A contact from wire values under our own names."""
    return normalise(record({property_of(name, rules): wire for name, wire in values.items()}), rules, STAGES)


def field(value: str, kind: str) -> object:
    """One value of a type, with the contact's problems where it has none."""
    base = RULES.model_dump(by_alias=True)
    rules = FieldRules.model_validate({**base, "fields": {**base["fields"], "x": {"property": "x", "type": kind}}})
    contact = read(rules, x=value)
    return contact.fields.get("x", contact.problems)


@pytest.mark.parametrize(
    ("kind", "wire", "value"),
    [
        ("text", "  Ana 🚀 Sample ", "Ana 🚀 Sample"),
        ("text", "a\x00b\ud800c", "abc"),
        ("email", " Ana.Sample@ACME.Example ", "ana.sample@acme.example"),
        ("email", "ana@münchen.example", "ana@münchen.example"),
        ("email", "ana@shop.test", "ana@shop.test"),
        ("country", "Deutschland", "DE"),
        ("country", "u.k.", "GB"),
        ("country", "ÖSTERREICH", "AT"),
        ("country", "us", "US"),
        ("domain", "https://www.acme.co.uk/about", "acme.co.uk"),
        ("domain", "shop.acme.example:8080", "acme.example"),
        ("number", "1500", 1500.0),
        ("number", "1,234.5", 1234.5),
        ("number", "50-100", 50.0),
        ("number", "1000+", 1000.0),
        ("bool", "TRUE", True),
        ("bool", "no", False),
        ("instant", "2026-01-05T10:00:00.000Z", datetime(2026, 1, 5, 10, tzinfo=UTC)),
        ("instant", "1767607200000", datetime(2026, 1, 5, 10, tzinfo=UTC)),
        ("instant", "2026-01-05T11:00:00+01:00", datetime(2026, 1, 5, 10, tzinfo=UTC)),
        ("date", "2026-01-05", date(2026, 1, 5)),
        ("date", "1767571200000", date(2026, 1, 5)),
        ("choices", "a; b;;c", ("a", "b", "c")),
        ("stage", "4711", "mql"),
        ("text", "   ", ()),
        ("email", "not an address", ("x is not an e-mail address",)),
        ("country", "Atlantis", ("x is not a country that we know",)),
        ("domain", "localhost", ("x is not a domain",)),
        ("number", "many", ("x is not a number",)),
        ("number", "nan", ("x is not a number",)),
        ("bool", "perhaps", ("x is neither yes nor no",)),
        ("instant", "yesterday", ("x is not a date and time",)),
        ("instant", "99999999999999999999", ("x is not a date and time",)),
        ("date", "2026-02-30", ("x is not a date",)),
        ("stage", "9999", ("x is a stage that mappings/stages.yaml does not name",)),
        ("phone", "call me", ("x has no country code, or is no number",)),
    ],
)
def test_a_wire_text_becomes_a_value_or_a_problem(kind: str, wire: str, value: object) -> None:
    assert field(wire, kind) == value


def test_a_very_long_text_is_cut_and_told() -> None:
    contact = read(message="x" * 70_000)
    assert len(contact.text("message")) == 4_000
    assert contact.problems == ("message is longer than 4,000 characters; the rest is left out",)


def test_problems_never_repeat_the_value() -> None:
    """I10."""
    contact = read(**dict.fromkeys(("email", "phone", "country", "employees", "last_visit_at"), "secret"))
    assert len(contact.problems) == 5
    assert not any("secret" in problem for problem in contact.problems)


def test_phones_are_read_by_the_contacts_own_country_first() -> None:
    assert read(phone="030 1234567", country="Germany").get("phone") == "+49301234567"
    assert read(phone="(415) 555-2671", country="US").get("phone") == "+14155552671"
    german = RULES.model_copy(update={"default_country": "DE"})
    assert read(german, phone="030 1234567").get("phone") == "+49301234567"
    assert read(phone="+49 30 1234567", country="US").get("phone") == "+49301234567"


def test_the_companys_domain_comes_from_the_address_else_the_website_but_never_from_web_mail() -> None:
    assert read(email="a@mail.acme.example").get("domain") == "acme.example"
    assert read(email="a-nobody@gmail.com", website="https://www.beta.example/x").get("domain") == "beta.example"
    assert read(email="a-nobody@gmail.com").get("domain") is None


def test_a_contact_without_anything_is_a_contact() -> None:
    contact = read(email=None, first_name="")
    assert contact.fields == {}
    assert contact.problems == ()


def test_only_changed_values_are_read_again() -> None:
    """What was stored is taken over, so a value that fields.yaml would read differently today stays as it was."""
    before = record({"email": "a@acme.example", "jobtitle": "CEO"})
    first = normalise(before, RULES, STAGES)
    odd = Contact(id=ME, created_at=MADE, modified_at=MADE, fields={**first.fields, "job_title": "kept"})
    after = record({"email": "b@acme.example", "jobtitle": "CEO"})
    again = normalise(after, RULES, STAGES, previous=Stored(odd, dict(before.properties)))
    assert again.get("job_title") == "kept"
    assert again.get("email") == "b@acme.example"
    assert again.changed_at == {"email": CHANGED}


def test_history_tells_when_a_value_came() -> None:
    edits = (Edit(value="lead", at=MADE, source="CRM_UI", by_person=True),)
    contact = normalise(record({"lifecyclestage": "lead"}, history={"lifecyclestage": edits}), RULES, STAGES)
    assert contact.changed_at == {"stage": MADE}


WIRE = st.one_of(
    st.text(max_size=60),
    st.sampled_from(["", " ", "true", "12", "1,200", "50-100", "Germany", "2026-01-05", "1767607200000", "a;b"]),
    st.sampled_from(["lead", "LEAD", "4711", "+49 30 1234567", "https://www.acme.example/x", "acme.co.uk"]),
    st.emails(),
)


@given(st.dictionaries(st.sampled_from(properties_to_read(RULES)), WIRE, max_size=12))
def test_normalising_twice_is_normalising_once(properties: dict[str, str | None]) -> None:
    """Whatever comes in, what is written back reads as the same value; and nothing raises."""
    once = normalise(record(properties), RULES, STAGES)
    mapped = {name: value for name, value in once.fields.items() if RULES.fields[name].property}
    wire = {property_of(name, RULES): to_wire(name, value, RULES, STAGES) for name, value in mapped.items()}
    twice = normalise(record(wire), RULES, STAGES)
    assert twice.fields == once.fields
    assert twice.problems == ()


@given(st.dictionaries(st.sampled_from(properties_to_read(RULES)), WIRE, max_size=8), st.data())
def test_reading_only_what_changed_gives_what_reading_all_gives(
    old: dict[str, str | None], data: st.DataObject
) -> None:
    new = {**old, **data.draw(st.dictionaries(st.sampled_from(properties_to_read(RULES)), WIRE, max_size=4))}
    previous = Stored(normalise(record(old), RULES, STAGES), old)
    quick = normalise(record(new), RULES, STAGES, previous=previous)
    assert quick.fields == normalise(record(new), RULES, STAGES).fields


LOCAL = st.text("abcxyz019._-+'", min_size=1, max_size=70)
HOST = st.text("abcxyz019.-", min_size=1, max_size=70)


@given(LOCAL, HOST, st.sampled_from(["com", "co.uk", "example", "test", "local", "c", "x1", "onion", "museum"]))
def test_the_quick_way_to_read_an_address_gives_what_email_validator_gives(local: str, host: str, end: str) -> None:
    address = f"{local}@{host}.{end}"
    assert email_domains.clean_email(address) == email_domains.check_email(address)


DIALLED = st.text("0123456789 ()-./", min_size=4, max_size=18)


PREFIX = st.sampled_from(["", "+", "+1", "+49", "+44", "+39", "+55"])
REGION = st.sampled_from(["US", "DE", "GB", "IT", "BR", None])


@given(PREFIX, DIALLED, REGION)
def test_the_quick_way_to_read_a_phone_gives_what_phonenumbers_gives(plus: str, rest: str, region: str | None) -> None:
    assert phones.clean_phone(plus + rest, region) == phones.check_phone(plus + rest, region)


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_every_countrys_numbers_read_the_same_both_ways(region: str) -> None:
    number = phonenumbers.example_number(region)
    assert number is not None
    for style in (0, 1, 2):
        text = phonenumbers.format_number(number, style)
        for home in (region, "US", None):
            assert phones.clean_phone(text, home) == phones.check_phone(text, home)


def test_every_country_is_found_by_its_code_and_its_name() -> None:
    assert country_code("US") == "US"
    for code in ("DE", "CI", "GB", "XK", "TR"):
        assert country_code(country_name(code)) == code


def test_every_region_that_has_phone_numbers_is_a_country_here() -> None:
    # AC and TA are islands of SH without a code of their own in ISO 3166-1.
    assert {region for region in phonenumbers.SUPPORTED_REGIONS if country_code(region) != region} <= {"AC", "TA"}


def test_names_and_types_that_the_code_counts_on_are_checked() -> None:
    base = RULES.model_dump(by_alias=True)["fields"]
    wrong = FieldRules.model_validate({"fields": {**base, "phone": {"property": "phone", "type": "text"}}})
    assert [(misfit.name, misfit.key) for misfit in check_fields(wrong)] == [("phone", "type")]
    assert check_fields(RULES) == []
    with pytest.raises(ValidationError, match="`stage` is missing"):
        FieldRules.model_validate({"fields": {"email": base["email"]}})
    with pytest.raises(ValidationError, match="would both write"):
        FieldRules.model_validate({"fields": {**base, "also": {**base["score"], "type": "text"}}})


def test_a_field_goes_back_by_its_property() -> None:
    assert property_of("stage", RULES) == "lifecyclestage"
    assert to_wire("stage", "mql", RULES, STAGES) == "marketingqualifiedlead"
    assert to_wire("score", 12.5, RULES) == "12.5"
    assert to_wire("score", 12.0, RULES) == "12"
    assert to_wire("qualified_at", datetime(2026, 1, 5, 10, tzinfo=UTC), RULES) == "2026-01-05T10:00:00.000Z"
    assert to_wire("reason", None, RULES) == ""
    with pytest.raises(UnknownPropertyError, match="stands for no property"):
        property_of("domain", RULES)
    with pytest.raises(UnknownPropertyError, match="no stage of the portal"):
        to_wire("stage", "sql", RULES, STAGES)


def test_every_type_can_be_read() -> None:
    for kind in FieldType:
        assert field("1", kind.value) is not None
