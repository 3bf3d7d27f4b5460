"""Companies beside their contacts, on the local HubSpot (R03, R32)."""

from __future__ import annotations

import pytest

from connector.crm.hubspot.companies import parse_companies, split
from connector.errors import ContractError


def test_properties_of_companies_are_told_by_their_prefix() -> None:
    assert split(["email", "company.lifecyclestage", "company"]) == (["email", "company"], ["lifecyclestage"])


def test_a_merged_company_is_found_under_its_old_id_and_a_missing_one_is_none() -> None:
    properties = {"type": "PARTNER", "hs_merged_object_ids": "7;8"}
    row = {"id": "9", "updatedAt": "2026-03-01T10:00:00Z", "properties": properties}
    found = parse_companies(["7", "9", "404"], [row])
    assert found["404"] is None and found["7"] == found["9"]
    assert found["9"] is not None and found["9"].properties["type"] == "PARTNER"


def test_an_answer_without_properties_is_not_understood() -> None:
    with pytest.raises(ContractError):
        parse_companies(["9"], [{"id": "9"}])
