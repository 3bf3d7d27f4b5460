"""Values: one wire text into one value, by type, and back. Every reader takes filled text and gives a value or None.

A text that cannot be read raises Unreadable with a sentence that does not repeat it (I10); rules/fields.py turns that
into a problem of the contact, never into a stop.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from connector.domain.contact import Value
from connector.rules.countries import country_code
from connector.rules.email_domains import clean_email, host_of, registered_domain
from connector.rules.phones import clean_phone

LONGEST_TEXT = 4_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YES, _NO = frozenset({"true", "yes", "1", "y", "on"}), frozenset({"false", "no", "0", "n", "off"})
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?(?:[eE][+-]?[0-9]{1,2})?")
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3}){1,4}(?:\.[0-9]+)?")
_RANGE = re.compile(r"([0-9][0-9,]{0,14})\s*(?:[-–—]\s*[0-9][0-9,]{0,14}|\+|or more)")
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_FIRST_YEAR, _LAST_YEAR = 1900, 8999


class FieldType(StrEnum):
    """What a field holds; the word in mappings/fields.yaml."""

    TEXT = "text"
    EMAIL = "email"
    PHONE = "phone"
    COUNTRY = "country"
    DOMAIN = "domain"
    URL = "url"
    NUMBER = "number"
    BOOL = "bool"
    DATE = "date"
    INSTANT = "instant"
    CHOICE = "choice"
    CHOICES = "choices"
    STAGE = "stage"
    OWNER = "owner"


class Unreadable(ValueError):
    """`value` is what could be kept of it; None where nothing could."""

    def __init__(self, sentence: str, value: Value = None) -> None:
        super().__init__(sentence)
        self.value = value


Reader = Callable[[str], Value]


def read_text(wire: str) -> str | None:
    """Trimmed; what a database cannot store (NUL, half characters) is dropped, what is over 4,000 characters cut."""
    if len(wire) <= LONGEST_TEXT and wire.isprintable():
        return wire.strip() or None
    text = _UNSTORABLE.sub("", wire).strip()
    if len(text) > LONGEST_TEXT:
        sentence = f"is longer than {LONGEST_TEXT:,} characters; the rest is left out"
        raise Unreadable(sentence, text[:LONGEST_TEXT].rstrip())
    return text or None


def read_email(wire: str) -> str | None:
    if wire.isspace():
        return None
    address = clean_email(wire)
    if address is None:
        raise Unreadable("is not an e-mail address")
    return address


def read_phone(wire: str, region: str | None) -> str | None:
    """E.164. `region` is the contact's own country, else `default_country` in mappings/fields.yaml."""
    if wire.isspace():
        return None
    number = clean_phone(wire, region)
    if number is None:
        raise Unreadable("is not a phone number that could ring" if region else "has no country code, or is no number")
    return number


def read_country(wire: str) -> str | None:
    if wire.isspace():
        return None
    code = country_code(wire) if len(wire) <= 100 else None
    if code is None:
        raise Unreadable("is not a country that we know")
    return code


def read_domain(wire: str) -> str | None:
    """The registered domain of a web address, host or e-mail address."""
    text = read_text(wire)
    if text is None:
        return None
    domain = registered_domain(host_of(text)) if len(text) <= 2_048 else None
    if domain is None:
        raise Unreadable("is not a domain")
    return domain


def read_number(wire: str) -> float | None:
    """Also `1,200`; of a range such as `50-100` or `1000+`, as CRMs keep the size of a company, the lower end."""
    text = wire.strip()
    if not text:
        return None
    if text.isascii() and text.isdecimal() and len(text) < 16:
        return float(text)
    if _PLAIN_NUMBER.fullmatch(text):
        number = float(text)
    elif _GROUPED.fullmatch(text):
        number = float(text.replace(",", ""))
    elif found := _RANGE.fullmatch(text):
        number = float(found[1].replace(",", ""))
    else:
        raise Unreadable("is not a number")
    if not math.isfinite(number) or abs(number) > 1e15:
        raise Unreadable("is too large a number")
    return number


@lru_cache(maxsize=256)
def read_bool(wire: str) -> bool | None:
    text = wire.strip().lower()
    if text in _YES:
        return True
    if text in _NO:
        return False
    if not text:
        return None
    raise Unreadable("is neither yes nor no")


def read_instant(wire: str) -> datetime | None:
    """ISO 8601 or milliseconds since 1970, both of which HubSpot sends; without a zone it is UTC."""
    text = wire.strip()
    if not text:
        return None
    try:
        if text.endswith("Z"):
            moment = datetime.fromisoformat(text)
        elif text.lstrip("-").isdecimal():
            moment = _EPOCH + timedelta(milliseconds=int(text))
        else:
            moment = datetime.fromisoformat(text)
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable("is not a date and time") from None
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise Unreadable("is a time that cannot be meant")
    return moment


def read_date(wire: str) -> date | None:
    """`YYYY-MM-DD`, or an instant, of which the day in UTC is taken (HubSpot sends midnight UTC)."""
    text = wire.strip()
    if not text:
        return None
    try:
        if len(text) == 10 and text[4] == "-":
            return date.fromisoformat(text)
        moment = read_instant(text)
    except ValueError:
        raise Unreadable("is not a date") from None
    return moment.date() if moment else None


def read_choices(wire: str) -> tuple[str, ...] | None:
    """Several options, as HubSpot joins them: `a;b`."""
    try:
        text, cut = read_text(wire), None
    except Unreadable as complaint:
        text, cut = str(complaint.value), complaint
    options = tuple(part.strip() for part in (text or "").split(";") if part.strip()) or None
    if cut is not None:
        raise Unreadable(str(cut), options)
    return options


def stage_reader(stages: Mapping[str, str]) -> Reader:
    """Reads the portal's stage value by `stages` (rules/stages.py); our own words are read too."""
    by_name = {value.lower(): stage for value, stage in stages.items()}
    known = set(stages.values())

    @lru_cache(maxsize=256)
    def read_stage(wire: str) -> str | None:
        text = wire.strip()
        if not text:
            return None
        stage = by_name.get(text.lower()) or (text if text in known else None)
        if stage is None:
            raise Unreadable("is a stage that mappings/stages.yaml does not name")
        return stage

    return read_stage


READERS: Mapping[FieldType, Reader] = {
    FieldType.TEXT: read_text,
    FieldType.EMAIL: read_email,
    FieldType.COUNTRY: read_country,
    FieldType.DOMAIN: read_domain,
    FieldType.URL: read_text,
    FieldType.NUMBER: read_number,
    FieldType.BOOL: read_bool,
    FieldType.DATE: read_date,
    FieldType.INSTANT: read_instant,
    FieldType.CHOICE: read_text,
    FieldType.CHOICES: read_choices,
    FieldType.OWNER: read_text,
}
"""All types but phone and stage, which need to know more than the text."""


def wire_text(value: Value) -> str:
    """A value as HubSpot takes it; empty text for nothing, which clears the property."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(int(value)) if float(value).is_integer() else repr(float(value))
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, str) else ";".join(value)
