"""Every call that Handoff can make of HubSpot: method, path per API version, and how it may be repeated.

The one table of paths: the transport rewrites what the client library speaks (v3, v4) to the version that is selected,
and refuses what is not listed. So emptying a whole list or erasing a person cannot be reached from here (I1).
Source: hubspot-facts, section 0 (path mapping), 2 (which bucket), 3–7 (the calls).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from connector.errors import ContractError, SettingsError

VERSIONS = ("v3", "2026-03")


class Work(Enum):
    """What a call does, and so when it may be sent again."""

    READ = auto()        # always
    REPEATABLE = auto()  # always: a second time changes nothing, whoever was in between
    UPDATE = auto()      # after an error status; not when the answer was lost: look first (I7)
    CREATE = auto()      # only when it surely was not done


@dataclass(frozen=True, slots=True)
class Route:
    """One call. `{names}` stand for one path segment each; `{version}` for the dated version."""

    method: str
    v3: str
    dated: str
    work: Work = Work.READ
    search: bool = False  # counted by the second, not by ten seconds (hubspot-facts, section 2)

    def template(self, version: str) -> str:
        """The path with its {names}, as metrics count it."""
        return self.v3 if version == "v3" else self.dated.replace("{version}", version)

    def path(self, version: str, ids: Mapping[str, str]) -> str:
        """The path to send; the values of `ids` are already percent-encoded."""
        return re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], self.template(version))


CONTACTS = Route("GET", "/crm/v3/objects/contacts", "/crm/objects/{version}/contacts")
PROPERTIES = Route("GET", "/crm/v3/properties/{object}", "/crm/properties/{version}/{object}")
ACCOUNT = Route("GET", "/account-info/v3/details", "/account-info/{version}/details")
TOKEN = Route("POST", "/oauth/v3/token", "/oauth/{version}/token", Work.REPEATABLE)
INTROSPECT = Route("POST", "/oauth/v3/token/introspect", "/oauth/{version}/token/introspect")
# No dated version has these three: not in the specifications, and the old paths are all there is (section 5).
FORMS = Route("GET", "/marketing/v3/forms", "/marketing/v3/forms")
SUBMITTED = "/form-integrations/v1/submissions/forms/{form}"
SUBMISSIONS = Route("GET", SUBMITTED, SUBMITTED)
EMAIL_EVENTS = Route("GET", "/email/public/v1/events", "/email/public/v1/events")

ROUTES = (
    CONTACTS,
    Route("POST", "/crm/v3/objects/contacts/search", "/crm/objects/{version}/contacts/search", search=True),
    Route("POST", "/crm/v3/objects/contacts/batch/read", "/crm/objects/{version}/contacts/batch/read"),
    Route("POST", "/crm/v3/objects/contacts/batch/update", "/crm/objects/{version}/contacts/batch/update", Work.UPDATE),
    Route("POST", "/crm/v3/objects/companies/search", "/crm/objects/{version}/companies/search", search=True),
    Route("POST", "/crm/v3/objects/companies/batch/read", "/crm/objects/{version}/companies/batch/read"),
    Route("POST", "/crm/v3/objects/deals/search", "/crm/objects/{version}/deals/search", search=True),
    Route("POST", "/crm/v3/objects/deals/batch/read", "/crm/objects/{version}/deals/batch/read"),
    *(
        Route("POST", f"/crm/v3/objects/{name}/search", f"/crm/objects/{{version}}/{name}/search", search=True)
        for name in ("calls", "emails", "meetings")
    ),
    *(
        route
        for name in ("tasks", "notes")
        for route in (
            Route("POST", f"/crm/v3/objects/{name}/batch/read", f"/crm/objects/{{version}}/{name}/batch/read"),
            Route(
                "POST",
                f"/crm/v3/objects/{name}/batch/create",
                f"/crm/objects/{{version}}/{name}/batch/create",
                Work.CREATE,
            ),
        )
    ),
    Route(
        "POST", "/crm/v3/objects/tasks/batch/update", "/crm/objects/{version}/tasks/batch/update", Work.REPEATABLE
    ),
    Route(
        "POST",
        "/crm/v4/associations/{from}/{to}/batch/read",
        "/crm/associations/{version}/{from}/{to}/batch/read",
    ),
    Route("GET", "/crm/v3/pipelines/{object}", "/crm/pipelines/{version}/{object}"),
    Route("GET", "/crm/v3/owners", "/crm/owners/{version}"),
    PROPERTIES,
    Route("POST", "/crm/v3/properties/{object}", "/crm/properties/{version}/{object}", Work.CREATE),
    Route("PATCH", "/crm/v3/properties/{object}/{name}", "/crm/properties/{version}/{object}/{name}", Work.REPEATABLE),
    Route("GET", "/crm/v3/properties/{object}/groups", "/crm/properties/{version}/{object}/groups"),
    Route("POST", "/crm/v3/properties/{object}/groups", "/crm/properties/{version}/{object}/groups", Work.CREATE),
    Route(
        "GET",
        "/crm/v3/lists/object-type-id/{type}/name/{name}",
        "/crm/lists/{version}/object-type-id/{type}/name/{name}",
    ),
    Route("POST", "/crm/v3/lists", "/crm/lists/{version}", Work.CREATE),
    Route("GET", "/crm/v3/lists/{list}", "/crm/lists/{version}/{list}"),
    Route("GET", "/crm/v3/lists/{list}/memberships/join-order", "/crm/lists/{version}/{list}/memberships/join-order"),
    Route(
        "PUT", "/crm/v3/lists/{list}/memberships/add", "/crm/lists/{version}/{list}/memberships/add", Work.REPEATABLE
    ),
    Route(
        "PUT",
        "/crm/v3/lists/{list}/memberships/remove",
        "/crm/lists/{version}/{list}/memberships/remove",
        Work.REPEATABLE,
    ),
    Route("GET", "/events/v3/events", "/events/event-occurrences/{version}"),
    FORMS,
    SUBMISSIONS,
    EMAIL_EVENTS,
    ACCOUNT,
    TOKEN,
    INTROSPECT,
)


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template)))


PATTERNS = tuple((route, _pattern(route.v3)) for route in ROUTES)


def match(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The call that the client library means by a v3 or v4 path, with the values of its {names}, still encoded.

    Raises:
        ContractError: a call that is not in the table; nothing is sent.
    """
    bare = path.rstrip("/")
    for route, pattern in PATTERNS:
        if route.method == method and (found := pattern.fullmatch(bare)):
            return route, found.groupdict()
    raise ContractError(
        f"refused to call {method} on a HubSpot path that Handoff does not know",
        advice="Only calls listed in connector/crm/hubspot/paths.py are ever sent; report this as a defect.",
    )


def check_version(version: str) -> str:
    """Give the version back if the table knows it."""
    if version not in VERSIONS:
        raise SettingsError(
            f"HUBSPOT_API_VERSION is {version!r}", advice=f"Set HUBSPOT_API_VERSION to one of: {', '.join(VERSIONS)}."
        )
    return version
