"""Phone numbers: from what people type to E.164 (`+4930123456`), or None.

phonenumbers is right and slow (some 60 µs a number). Numbers without letters, extensions or dialling prefixes, which
are most, are read by patterns built from its own tables at a tenth of the cost; a test proves that both give the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberFormat

_FILLERS = str.maketrans("", "", " ()-./\u00a0")
_LONGEST = 60
_KINDS = ("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "pager", "uan",
          "voicemail")  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a national number of one region looks like: `valid` holds it whole, `prefix` what may stand before it."""

    country_code: str
    valid: re.Pattern[str]
    prefix: re.Pattern[str] | None
    international: re.Pattern[str] | None


def clean_phone(text: str, region: str | None) -> str | None:
    """E.164; None where it is no number that could ring.

    Args:
        region: two-letter country whose numbers are written without `+`; None where only `+` numbers can be read.
    """
    quick = _quick(text, region)
    return quick if quick is not None else check_phone(text, region)


def check_phone(text: str, region: str | None) -> str | None:
    """The long way, by phonenumbers itself."""
    if len(text) > _LONGEST:
        return None
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _quick(text: str, region: str | None) -> str | None:
    """The number, where it is beyond doubt; None sends it the long way."""
    digits = text.strip().translate(_FILLERS)
    if digits.startswith("+"):
        body = digits[1:]
        if not (body.isascii() and body.isdigit()) or body != body.lstrip("0"):
            return None
        shape = next((found for size in (1, 2, 3) if (found := _shape_of_code(body[:size])) is not None), None)
        if shape is None:
            return None
        national = body[len(shape.country_code) :]
    else:
        shape = _shape(region) if region else None
        if shape is None or not (digits.isascii() and digits.isdigit()):
            return None
        national = digits
        if shape.international is not None and shape.international.match(national):
            return None
    if not shape.valid.fullmatch(national) or (shape.prefix is not None and shape.prefix.match(national)):
        return None
    return f"+{shape.country_code}{national}"


@cache
def _shape_of_code(code: str) -> _Shape | None:
    regions = COUNTRY_CODE_TO_REGION_CODE.get(int(code)) if code else None
    return _shape(regions[0]) if regions and regions[0] != "001" else None


@cache
def _shape(region: str) -> _Shape | None:
    """None where the region is unknown, or its numbers may begin with a zero that belongs to them (Italy)."""
    tables = PhoneMetadata.metadata_for_region(region, None)
    if tables is None or tables.country_code is None or tables.leading_zero_possible:
        return None
    kinds = [getattr(tables, kind) for kind in _KINDS]
    patterns = [kind.national_number_pattern for kind in kinds if kind is not None and kind.national_number_pattern]
    main = COUNTRY_CODE_TO_REGION_CODE[tables.country_code][0]
    if not patterns or main != region:  # small regions share their big neighbour's code; the long way knows them
        return None
    general = tables.general_desc.national_number_pattern if tables.general_desc else None
    prefix, international = tables.national_prefix_for_parsing, tables.international_prefix
    return _Shape(
        country_code=str(tables.country_code),
        valid=re.compile(f"(?=(?:{general or '.*'})$)(?:{'|'.join(patterns)})"),
        prefix=re.compile(prefix) if prefix else None,
        international=re.compile(international) if international else None,
    )
