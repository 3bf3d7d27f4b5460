"""Local time: what time it is for a contact, as far as its country tells (R14).

From the country table of the time zone database. A country with several times gives the span of them; a contact without
a country, or with one that has no time zone of its own, is taken to keep the portal's time, and the words say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

from connector.rules.calendar import zone_of
from connector.rules.countries import country_name


def portal_zone(name: str) -> ZoneInfo:
    """The portal's zone; UTC where the CRM names one that this machine does not know."""
    try:
        return zone_of(name)
    except ValueError:
        return zone_of("UTC")


def in_zone(moment: datetime, zone: ZoneInfo) -> str:
    """A moment for people: `Mon 3 March 2025, 14:05`."""
    local = moment.astimezone(zone)
    return f"{local:%a} {local.day} {local:%B %Y, %H:%M}"


def local_time(country: str, portal_time_zone: str, *, at: datetime) -> dict[str, object]:
    """What time it is for a contact in that country (two letters, or empty) at an instant.

    Returns:
        `words` for the rep, and `from`: `country`, or `portal` where the country does not tell.
    """
    code = country.upper()
    offsets = {(local := at.astimezone(zone)).utcoffset(): local for zone in _zones_of(code)}
    if not offsets:
        local = at.astimezone(portal_zone(portal_time_zone))
        return {"words": f"{local:%a %H:%M} by your account's clock; where they are is not known", "from": "portal"}
    times = sorted(offsets.values(), key=lambda local: local.replace(tzinfo=UTC))  # by what the clock on the wall shows
    place = country_name(code)
    if len(times) == 1:
        return {"words": f"{times[0]:%a %H:%M} in {place}", "from": "country"}
    return {"words": f"between {times[0]:%a %H:%M} and {times[-1]:%a %H:%M} in {place}", "from": "country"}


@cache
def _zones_of(code: str) -> tuple[ZoneInfo, ...]:
    """Kept: Python forgets all but eight, and reading those of one country anew takes longer than a decision."""
    return tuple(ZoneInfo(zone) for zone in _zones().get(code, ()))


@cache
def _zones() -> Mapping[str, tuple[str, ...]]:
    """Country → names of its zones. Read on first use: most runs hand nothing over."""
    table = resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8")
    zones: dict[str, tuple[str, ...]] = {}
    for line in table.splitlines():
        if line and not line.startswith("#"):
            code, _, zone = line.split("\t")[:3]
            zones[code] = (*zones.get(code, ()), zone)
    return zones
