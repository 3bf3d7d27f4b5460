"""The rule book: one fingerprint for the same rules, and the checks that need more than one file (R32)."""

from __future__ import annotations

import json
from dataclasses import replace

from connector.config.mappings import load_rulebook, shipped_folder
from connector.rules.qualification import QualificationRules
from connector.rules.recycling import RecyclingRules
from connector.rules.rulebook import PARTS, RuleBook, cross_check
from connector.rules.scoring import ScoringRules
from connector.rules.suppression import SuppressionRules

BOOK = load_rulebook(shipped_folder())


def changed(part: str, **keys: object) -> RuleBook:
    old = BOOK.part(part)
    return replace(BOOK, **{part: PARTS[part].model_validate({**old.model_dump(by_alias=True), **keys})})


def places(book: RuleBook) -> list[tuple[str, str]]:
    return [(found.file, ".".join(map(str, found.path))) for found in cross_check(book)]


def test_the_shipped_rules_fit_together() -> None:
    assert cross_check(BOOK) == []


def test_the_fingerprint_is_the_rules_alone() -> None:
    assert len(BOOK.fingerprint) == 12
    assert replace(BOOK).fingerprint == BOOK.fingerprint
    assert load_rulebook(shipped_folder()).fingerprint == BOOK.fingerprint
    assert changed("qualification", examples=[]).fingerprint == BOOK.fingerprint
    assert changed("qualification", threshold={"score": 51}).fingerprint != BOOK.fingerprint


def test_the_order_of_options_counts() -> None:
    """Of two portal values for one stage the first is written, so their order is part of the rules."""
    stages = BOOK.stages.model_dump(by_alias=True)["stages"]
    assert changed("stages", stages=dict(reversed(stages.items()))).fingerprint != BOOK.fingerprint


def test_a_book_is_plain_json() -> None:
    assert list(json.loads(json.dumps(BOOK.as_dict()))) == list(PARTS)


def test_a_threshold_that_nobody_can_reach_is_refused() -> None:
    assert places(changed("qualification", threshold={"score": 500})) == [("qualification", "threshold.score")]


def test_conditions_are_checked_wherever_they_stand() -> None:
    rule = {"say": "x", "points": 1, "when": {"all": [{"field": "shoe_size", "op": "filled"}]}}
    assert places(changed("scoring", fit={"rules": [rule]})) == [("scoring", "fit.rules.0.when.all.0.field")]
    territory = {"when": {"field": "contry", "op": "filled"}, "pool": BOOK.routing.default_pool}
    assert places(changed("routing", territories=[territory])) == [("routing", "territories.0.when.field")]


def test_a_span_longer_than_the_look_back_is_refused() -> None:
    assert ("qualification", "triggers.0.when.all.0.activity.within") in places(changed("scoring", look_back="30d"))


def test_fields_that_other_files_name_must_exist_and_suit() -> None:
    assert isinstance(BOOK.suppression, SuppressionRules)
    text = changed("suppression", do_not_contact={"company": "x"})
    assert places(text) == [("suppression", "do_not_contact.company")]
    hand = {"fields": [{"say": "x", "at": "email", "when": {"field": "email", "op": "filled"}}]}
    assert places(changed("qualification", hand_raisers=hand)) == [("qualification", "hand_raisers.fields.0.at")]
    example = {"name": "x", "contact": {"emial": "a@b.example"}, "expect": "nothing"}
    assert places(changed("qualification", examples=[example])) == [("qualification", "examples.0.contact.emial")]


def test_lanes_and_reasons_must_exist() -> None:
    assert isinstance(BOOK.recycling, RecyclingRules)
    hold = BOOK.suppression.model_dump(by_alias=True)["marketing_hold"]
    (wrong,) = cross_check(changed("suppression", marketing_hold={**hold, "lanes": {"hand_raisr": "all"}}))
    assert wrong.advice == "did you mean `hand_raiser`?"
    assert places(changed("recycling", when_unsaid={"junk": "nonsense"})) == [("recycling", "when_unsaid.junk")]


def test_every_part_has_its_model() -> None:
    assert isinstance(BOOK.part("scoring"), ScoringRules)
    assert isinstance(BOOK.part("qualification"), QualificationRules)
    assert len(PARTS) == 10


def test_the_rules_in_a_zone_are_made_once_and_stay_the_same_version() -> None:
    """What calendars have learnt serves the next look at a hint, too."""
    berlin = BOOK.in_zone("Europe/Berlin")
    assert BOOK.in_zone("Europe/Berlin") is berlin
    assert BOOK.in_zone("UTC") is not berlin
    assert BOOK.in_zone("UTC").fingerprint == berlin.fingerprint == BOOK.fingerprint
