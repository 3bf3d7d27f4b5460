"""The path table: what the client library says, in the version in use; nothing else is ever sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.hubspot.paths import ROUTES, VERSIONS, Work, check_version, match
from connector.errors import ContractError, SettingsError


@pytest.mark.parametrize(
    ("method", "said", "sent"),
    [
        ("POST", "/crm/v3/objects/contacts/search", "/crm/objects/2026-03/contacts/search"),
        ("GET", "/crm/v3/owners/", "/crm/owners/2026-03"),
        ("GET", "/events/v3/events/", "/events/event-occurrences/2026-03"),
        ("POST", "/crm/v3/lists/", "/crm/lists/2026-03"),
        ("PUT", "/crm/v3/lists/31/memberships/add", "/crm/lists/2026-03/31/memberships/add"),
        (
            "POST",
            "/crm/v4/associations/deals/contacts/batch/read",
            "/crm/associations/2026-03/deals/contacts/batch/read",
        ),
        ("POST", "/crm/v3/objects/notes/batch/create", "/crm/objects/2026-03/notes/batch/create"),
        (
            "GET",
            "/crm/v3/lists/object-type-id/0-1/name/In%20sales%27%20hands%2Fnow",
            "/crm/lists/2026-03/object-type-id/0-1/name/In%20sales%27%20hands%2Fnow",
        ),
        ("GET", "/account-info/v3/details", "/account-info/2026-03/details"),
    ],
)
def test_a_library_path_becomes_the_dated_one_and_stays_itself_on_v3(method: str, said: str, sent: str) -> None:
    route, ids = match(method, said)
    assert route.path("2026-03", ids) == sent
    assert route.path("v3", ids) == said.rstrip("/")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/crm/v3/lists/31/memberships"),
        ("POST", "/crm/v3/objects/contacts/gdpr-delete"),
        ("DELETE", "/crm/v3/objects/contacts/501"),
        ("POST", "/crm/v3/objects/contacts/merge"),
        ("PUT", "/crm/v3/lists/31/memberships/add/../remove"),
    ],
)
def test_emptying_a_list_erasing_and_merging_cannot_be_reached(method: str, path: str) -> None:
    """I1: what is not in the table is never sent."""
    with pytest.raises(ContractError):
        match(method, path)


def test_only_reads_may_be_repeated_without_a_thought() -> None:
    """I7: every call that changes something says how."""
    for route in ROUTES:
        if route.method == "GET" or route.v3.endswith(("/search", "/batch/read", "/introspect")):
            assert route.work is Work.READ
        else:
            assert route.work is not Work.READ


@given(st.from_regex(r"[A-Za-z0-9%_.~-]{1,40}", fullmatch=True))
def test_every_id_comes_back_from_the_path_it_was_put_into(identity: str) -> None:
    for route in ROUTES:
        names = dict.fromkeys(("object", "id", "to", "from", "list", "type", "name", "form", "task"), identity)
        found, ids = match(route.method, route.path("v3", names))
        if found is route:
            assert set(ids.values()) <= {identity}


def test_an_unknown_api_version_is_refused_with_the_known_ones_named() -> None:
    with pytest.raises(SettingsError) as caught:
        check_version("v5")
    assert all(version in caught.value.advice for version in VERSIONS)
