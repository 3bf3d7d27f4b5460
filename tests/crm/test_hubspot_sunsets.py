"""What loses HubSpot's support is told 180 days ahead, of the calls that are made and of no others (R32)."""

from __future__ import annotations

from datetime import date

import pytest

from connector.crm.hubspot.paths import ROUTES, VERSIONS
from connector.crm.hubspot.sunsets import _VERSION, ENDS, fading


def test_nothing_is_said_while_the_day_is_far() -> None:
    assert fading("v3", date(2026, 9, 1)) == [] == fading("2026-03", date(2027, 1, 31))


def test_associations_of_v4_go_first_and_the_setting_that_helps_is_named() -> None:
    (line,) = fading("v3", date(2026, 11, 22))
    assert "stops supporting v4 on 30 March 2027" in line and "/crm/v4/associations/" in line
    assert "set HUBSPOT_API_VERSION=2026-03" in line


def test_what_has_no_newer_path_is_said_so() -> None:
    first, second = fading("v3", date(2027, 4, 1))[:2]
    assert "stopped supporting v4" in first
    assert "v1 on 1 September 2027" in second and "no newer path" in second
    found = fading("2026-03", date(2027, 10, 1))
    assert [line.split(" on ")[0].rpartition(" ")[2] for line in found] == ["v1", "v3", "2026-03"]
    assert found[-1].endswith("update Handoff.")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_call_is_of_a_version_whose_end_is_known(version: str) -> None:
    for route in ROUTES:
        found = _VERSION.search(route.template(version))
        assert found is not None and found[1] in ENDS, route
