"""Lists that a workflow fills: which are asked about, and how being put on one reads (R05)."""

from __future__ import annotations

from typing import Any

import pytest
from factories import DAY, NOW, make_activity, make_book, make_contact, shipped_book
from pydantic import ValidationError

from connector.domain.activity import ActivityKind
from connector.rules.condition import Condition, Facts
from connector.rules.imagined import noun_of
from connector.rules.lists import list_streams, stream_in_words
from connector.rules.patterns import ActivityPattern
from connector.rules.qualification import QualificationRules
from connector.rules.scoring import EngagementRule


def asks(**clause: Any) -> dict[str, Any]:
    return {"activity": {"kind": "list_joined", **clause}}


def test_each_list_that_a_rule_asks_about_is_a_stream_of_its_own() -> None:
    """R05: by name or by id, once however often it is named, and none that no rule uses."""
    book = make_book(
        qualification={
            "conditions": {"unused": asks(name="Nobody asks")},
            "triggers": [
                {"name": "done", "when": {"any": [asks(name="Nurture finished"), {"not": asks(ref="31")}]}},
                {"name": "again", "when": asks(name="Nurture finished", since="hand_back")},
            ],
        },
        scoring={"engagement": {"rules": [{"say": "was at the fair", "kind": "list_joined", "ref": "7", "points": 9}]}},
    )
    assert list_streams(book) == ("list:Nurture finished", "list-id:31", "list-id:7")
    assert list_streams(shipped_book()) == ()


@pytest.mark.parametrize(
    ("clause", "key", "words"),
    [
        ({"name": "Nurture*"}, "name", "in full"),
        ({}, "kind", "`name`"),
        ({"name": "Nurture finished", "ref": "31"}, "kind", "one of them"),
        ({"ref": "finished"}, "ref", "number"),
        ({"name": "Nurture finished", "url": "/a"}, "url", "no address"),
    ],
)
def test_which_list_is_meant_is_said_in_full(clause: dict[str, str], key: str, words: str) -> None:
    for model in (ActivityPattern, EngagementRule):
        about = {"say": "joined", "points": 1} if model is EngagementRule else {}
        with pytest.raises(ValidationError) as wrong:
            model.model_validate({"kind": "list_joined", **about, **clause})
        (error,) = wrong.value.errors()
        assert error["ctx"]["error"].path == (key,) and words in error["msg"]


@pytest.mark.parametrize(
    ("clause", "asked", "never"),
    [
        ({"name": "Nurture finished"}, "was put on the list “Nurture finished”",
         "was never put on the list “Nurture finished”"),
        ({"ref": "31", "within": "30d"}, "was put on the list “31” in 30 days",
         "was never put on the list “31” in 30 days"),
    ],
)  # fmt: skip
def test_what_it_asks_and_that_it_never_happened_read_as_sentences(
    clause: dict[str, str], asked: str, never: str
) -> None:
    condition = Condition.model_validate(asks(**clause))
    assert condition.activity is not None and condition.activity.asked == asked
    assert condition.find(Facts(make_contact(), NOW)).reasons == (never,)
    assert noun_of(condition.activity).startswith("entry in the list")


def test_a_list_holds_by_its_name_in_any_case_or_by_its_id() -> None:
    joined = make_activity(ActivityKind.LIST_JOINED, NOW - DAY, name="Nurture finished", ref="31")
    facts = Facts(make_contact(), NOW)._replace(activities=[joined])
    held = [asks(name="NURTURE FINISHED"), asks(ref="31"), asks(name="Nurture finished", within="2d")]
    assert all(Condition.model_validate(tree).holds(facts) for tree in held)
    missed = [asks(name="Nurture"), asks(ref="3"), asks(name="Nurture finished", within="2h")]
    assert not any(Condition.model_validate(tree).holds(facts) for tree in missed)


def test_a_list_needs_no_warning_about_opened_mails() -> None:
    rules = QualificationRules.model_validate({"triggers": [{"name": "done", "when": asks(name="Nurture finished")}]})
    assert rules.triggers[0].only_by_activities


def test_streams_have_words_for_people() -> None:
    said = [stream_in_words(one) for one in ("list:Nurture finished", "list-id:31", "page_views")]
    assert said == ["new members of the list “Nurture finished”", "new members of the list 31", "page views"]
