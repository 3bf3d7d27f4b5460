"""Conditions with a name: written out wherever they are used, and told at their line where they cannot be."""

from __future__ import annotations

from copy import deepcopy
from functools import cache

import pytest

from connector.config.mappings import make_rulebook, shipped_folder
from connector.config.yaml_text import Document, read_yaml
from connector.errors import RuleBookError
from connector.rules.rulebook import PARTS, RuleBook

QUALIFICATION = """\
conditions:
  big: {field: employees, op: at_least, value: 50}
  ours: {all: [{use: big}, {field: country, op: filled}], say: is one of ours}
"""


@cache
def shipped(name: str) -> Document:
    return read_yaml((shipped_folder() / f"{name}.yaml").read_bytes(), f"{name}.yaml")


def book(qualification: str = QUALIFICATION, fit: str = "{use: ours}", **texts: str) -> RuleBook:
    """The shipped rules with another qualification.yaml, one fit rule with this condition, and more files replaced."""
    scoring = f"fit:\n  rules:\n    - say: x\n      points: 1\n      when: {fit}\n"
    texts |= {"qualification": qualification, "scoring": scoring}
    documents = {name: deepcopy(shipped(name)) for name in PARTS}
    return make_rulebook(documents | {name: read_yaml(text.encode(), f"{name}.yaml") for name, text in texts.items()})


def complaints(qualification: str = QUALIFICATION, fit: str = "{use: ours}") -> list[tuple[str, str]]:
    with pytest.raises(RuleBookError) as caught:
        book(qualification, fit)
    return [(str(one), one.advice) for one in (caught.value, *caught.value.others)]


def test_a_name_is_the_same_as_the_condition_itself() -> None:
    big = "{field: employees, op: at_least, value: 50}"
    ours = f"{{all: [{big}, {{field: country, op: filled}}], say: is one of ours}}"
    assert book(fit="{use: ours}") == book(fit=ours)
    assert book(fit="{use: ours}").fingerprint == book("", fit=ours).fingerprint
    assert book(fit="{not: {use: ours, say: mine}}") == book(fit=f"{{not: {ours.replace('is one of ours', 'mine')}}}")
    territory = "pools: {all: {everyone: true}}\ndefault_pool: all\nterritories: [{pool: all, when: %s}]\n"
    assert book(routing=territory % "{any: [{use: big}]}") == book(routing=territory % f"{{any: [{big}]}}")


def test_a_name_that_nobody_defined_is_told_where_it_stands() -> None:
    assert complaints(fit="{any: [{use: our}]}") == [
        (
            "scoring.yaml:5:26: fit.rules[0].when.any[0].use: no condition has this name (found `our`)",
            "did you mean `ours`?",
        )
    ]
    assert complaints("", "{use: ours}")[0][1] == "define it under `conditions` in qualification.yaml"


def test_a_circle_of_names_is_told_once() -> None:
    circle = "conditions:\n  a: {use: b}\n  b: {not: {use: c}}\n  c: {any: [{use: a}]}\n"
    ((told, _),) = complaints(circle, "{use: a}")
    assert told == (
        "qualification.yaml:4:19: conditions.c.any[0].use: "
        "the condition leads back to itself: a → b → c → a (found `a`)"
    )


@pytest.mark.parametrize(
    "wrong", ["{field: employes, op: filled}", "{field: country, op: at_least, value: 3}", "{activity: {kind: meting}}"]
)
def test_what_is_wrong_inside_is_told_once_at_the_definition(wrong: str) -> None:
    ((told, _),) = complaints(f"conditions:\n  ours: {wrong}\n", "{any: [{use: ours}, {not: {use: ours}}]}")
    assert told.startswith("qualification.yaml:2:") and "conditions.ours." in told


def test_a_condition_that_does_not_suit_its_place_is_told_there() -> None:
    ((told, _),) = complaints("conditions:\n  ours: {activity: {kind: meeting}}\n")
    assert told.startswith("scoring.yaml:5:7: fit.rules[0].when: fit is about who a lead is")


def test_names_cannot_make_the_rules_grow_without_end() -> None:
    """S10."""
    level = "".join(f"  c{n}: {{all: [{', '.join([f'{{use: c{n - 1}}}'] * 30)}]}}\n" for n in range(1, 6))
    told = complaints(f"conditions:\n  c0: {{field: email, op: filled}}\n{level}")
    assert "makes the rules too large" in told[0][0]
    chain = "".join(f"  c{n}: {{use: c{n + 1}}}\n" for n in range(20))
    told = complaints(f"conditions:\n{chain}  c20: {{field: email, op: filled}}\n", "{use: c0}")
    assert "lead on to names" in told[0][0]
