"""Switches of one portal: speed, limits and every point on which HubSpot's behaviour is not settled.

| switch | values (default first) | decides |
|---|---|---|
| enterprise | false, true | event occurrences answer (else 403); daily limit 1,000,000 |
| lag_seconds | 0 | how long a change stays unseen by search (simulated clock) |
| lag_jitter_seconds | 0 | up to so many seconds more, fixed per record: changes surface out of order |
| latency_ms | 0 | wall time added to every answer |
| rate_per_10s | 190 | rolling ten-second limit of one token (0 = none) |
| oauth_rate_per_10s | 110 | the same for OAuth access tokens |
| url_max | 16000 | characters of a URL, beyond: 414 |
| search_per_second | 5 | search limit (0 = none) |
| search_limit_scope | "account", "token" | who shares the search limit |
| daily_limit | null | requests a day; null = by tier, 0 = none |
| professional_daily | 650000, 625000 | the tier's limit when not enterprise |
| retry_after_header | false, true | a 429 carries Retry-After (seconds) |
| backward_stage | "ignore", "accept" | an API write of an earlier lifecycle stage |
| backward_warning | false, true | the ignored write is told in `warnings[]` of the answer |
| archived_owner | "reject", "accept" | a write of an archived owner |
| merge_new_id | false, true | the survivor of a merge gets a new record id |
| read_merged | "survivor", "missing" | a GET by an id that was merged away |
| search_filters_max | 18, 25 | filters in one search |
| search_groups_max | 5, 6 | filter groups in one search |
| search_group_filters_max | 6, 10 | filters in one group |
| search_body_max | 0, 3000 | characters of a search body (0 = no rule; `query` alone always has 3000) |
| search_ceiling | 10000 | rows of one search that can be paged to |
| search_short_pages | 0 | rows that a search page has at most, though more are asked for and match (0 = no such rule) |
| bulk_stamp | true, false | all rows of one batch write share one modification instant |
| membership_max_ids | 0 | record ids in one list-membership call (0 = 100,000) |
| list_after | "any", "given" | a list takes any id as its cursor, or only those that it gave |
| owners_page_max | 500, 100 | largest owners page |
| occurrences_page_max | 100 | largest page of event occurrences |
| occurrences_lag_seconds | 0 | how long an occurrence stays unread |
| occurrences_portal_wide | true, false | occurrences may be read without naming an object |
| service_key_limits | false, true | account info, form submissions and e-mail events refuse the token |
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

CHOICES: dict[str, tuple[str, ...]] = {
    "search_limit_scope": ("account", "token"),
    "backward_stage": ("ignore", "accept"),
    "archived_owner": ("reject", "accept"),
    "read_merged": ("survivor", "missing"),
    "list_after": ("any", "given"),
}


@dataclass(slots=True)
class Switches:
    """See the table above."""

    enterprise: bool = False
    lag_seconds: float = 0
    lag_jitter_seconds: int = 0
    latency_ms: float = 0
    rate_per_10s: int = 190
    oauth_rate_per_10s: int = 110
    url_max: int = 16_000
    search_per_second: int = 5
    search_limit_scope: str = "account"
    daily_limit: int | None = None
    professional_daily: int = 650_000
    retry_after_header: bool = False
    backward_stage: str = "ignore"
    backward_warning: bool = False
    archived_owner: str = "reject"
    merge_new_id: bool = False
    read_merged: str = "survivor"
    search_filters_max: int = 18
    search_groups_max: int = 5
    search_group_filters_max: int = 6
    search_body_max: int = 0
    search_ceiling: int = 10_000
    search_short_pages: int = 0
    bulk_stamp: bool = True
    membership_max_ids: int = 0
    list_after: str = "any"
    owners_page_max: int = 500
    occurrences_page_max: int = 100
    occurrences_lag_seconds: float = 0
    occurrences_portal_wide: bool = True
    service_key_limits: bool = False

    @property
    def requests_a_day(self) -> int:
        """Give the daily limit in force; 0 = none."""
        if self.daily_limit is not None:
            return self.daily_limit
        return 1_000_000 if self.enterprise else self.professional_daily

    def change(self, values: dict[str, Any]) -> None:
        """Set switches by name, all or none.

        Raises:
            ValueError: unknown name or a value of the wrong kind; the text names it and what would do.
        """
        known = {field.name: getattr(self, field.name) for field in fields(self)}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"unknown switch {name!r}; known: {', '.join(sorted(known))}")
            _check(name, value, known[name])
        for name, value in values.items():
            setattr(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        """Give all switches by name."""
        return asdict(self)


def _check(name: str, value: Any, present: Any) -> None:
    if name in CHOICES:
        if value not in CHOICES[name]:
            raise ValueError(f"switch {name} is one of {', '.join(CHOICES[name])}, not {value!r}")
    elif isinstance(present, bool):
        if not isinstance(value, bool):
            raise ValueError(f"switch {name} is true or false, not {value!r}")
    elif name == "daily_limit" and value is None:
        return
    elif isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValueError(f"switch {name} is a number of at least 0, not {value!r}")
