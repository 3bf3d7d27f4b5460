"""HubSpot's wire in pure functions: error bodies to errors, pages to rows and cursors, instants both ways.

Status → error is one table (ERRORS). No message ever carries a value that HubSpot sent back, for its texts repeat
e-mail addresses and field values; codes, property names, scopes and the correlation id are facts enough (I10).
Source: hubspot-facts, sections 2 and 3.2; fault table of reliability.md, section 7.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any

from connector.crm.hubspot.paths import Route, Work
from connector.errors import (
    AuthenticationError,
    ChangeRejectedError,
    ConnectorError,
    ContractError,
    CrmUnavailableError,
    QuotaExhaustedError,
    RateLimitedError,
    ScopeError,
)

CODE = re.compile(r"[A-Z][A-Z0-9_]{1,79}(?:\.[A-Z0-9_]+)*")
PROPERTY = re.compile(r"[a-z][a-z0-9_]{0,99}")
SCOPE = re.compile(r"[a-z][a-z0-9_-]*(?:\.[a-z0-9_-]+)*")
OAUTH_ERRORS = frozenset({
    "invalid_request", "invalid_client", "invalid_grant", "invalid_scope", "unauthorized_client",
    "unsupported_grant_type",
})  # fmt: skip
CORRELATION = re.compile(r"[0-9a-fA-F-]{8,64}")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
MILLISECONDS = re.compile(r"-?[0-9]{1,19}")
COUNT = re.compile(r"[0-9]{1,12}")

# -- errors ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What an error body says, as far as it is free of values.

    Attributes:
        category: HubSpot's kind, such as `VALIDATION_ERROR`; empty where it gave none.
        codes: its finer codes, such as `INVALID_OPTION`.
        properties: names of the properties that it complains about.
        policy: name of the limit that was met, such as `TEN_SECONDLY_ROLLING`; empty where it gave none.
    """

    status: int
    category: str = ""
    codes: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    policy: str = ""
    correlation_id: str = ""

    def __str__(self) -> str:
        words = [self.category or f"status {self.status}"]
        words += [code for code in self.codes if code != self.category]
        if self.properties:
            words.append("on " + ", ".join(self.properties))
        return " ".join(words)

    @property
    def trace(self) -> str:
        return f" (correlation id {self.correlation_id})" if self.correlation_id else ""


class RefusedError(ChangeRejectedError):
    """HubSpot refused a write. `refusal` says why."""

    def __init__(self, message: str, refusal: Refusal, *, advice: str = "") -> None:
        super().__init__(message, category=refusal.category, advice=advice)
        self.refusal = refusal


class QuestionRefusedError(ContractError):
    """HubSpot refused a question, or knows no such thing (404). `refusal` says why."""

    def __init__(self, message: str, refusal: Refusal, *, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.refusal = refusal


def parse_refusal(status: int, payload: object) -> Refusal:
    """Read an error body, or one of the `errors` of a 207, in whichever of its shapes it comes."""
    body = payload if isinstance(payload, dict) else {}
    parts = [body, *_dicts(body.get("errors")), *_embedded(body.get("message"))]
    contexts = [part["context"] for part in parts if isinstance(part.get("context"), dict)]
    category = _first(CODE, body.get("category"), body.get("errorType"))
    return Refusal(
        status=status,
        category=category,
        codes=_unique(
            CODE,
            [part.get(key) for part in parts for key in ("error", "code", "subCategory") if part.get(key) != category],
        ),
        properties=_unique(PROPERTY, [*[part.get("name") for part in parts], *_named(contexts, "propert")]),
        scopes=_unique(SCOPE, _named(contexts, "scope")),
        policy=_first(CODE, body.get("policyName")) or _policy(body.get("message")),
        correlation_id=_first(CORRELATION, body.get("correlationId")),
    )


def parse_oauth_error(payload: object) -> str:
    """The token endpoint's own word for why it refused (RFC 6749, section 5.2); empty where it is none of them."""
    word = payload.get("error") if isinstance(payload, dict) else None
    return word if isinstance(word, str) and word in OAUTH_ERRORS else ""


def error_for(
    status: int, payload: object, headers: Mapping[str, str], route: Route, *, host: str, now: datetime | None = None
) -> ConnectorError:
    """The error that an answer outside 2xx stands for.

    Args:
        payload: parsed body; anything, None where it was no JSON.
        now: HubSpot's clock, for a Retry-After that is a date; None makes such a header count as absent.
    """
    refusal = parse_refusal(status, payload)
    make = ERRORS.get(status) or (_unavailable if status >= 500 else _unknown)
    return make(refusal, route, host, retry_after(headers, now))


def retry_after(headers: Mapping[str, str], now: datetime | None) -> float | None:
    """Seconds that the answer asks to wait; None where it does not say. Never negative."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    if re.fullmatch(r"\d{1,6}(\.\d+)?", text):
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds()) if now else None


Maker = Callable[[Refusal, Route, str, float | None], ConnectorError]


def _refused(refusal: Refusal, route: Route, host: str, wait: float | None) -> ConnectorError:
    if route.work is Work.READ:
        return QuestionRefusedError(
            f"HubSpot refused {route.method} {route.v3}: {refusal}{refusal.trace}",
            refusal,
            advice="Run `handoff check`: it compares mappings/ with the portal and names what does not fit.",
        )
    return RefusedError(
        f"HubSpot refused the change: {refusal}{refusal.trace}",
        refusal,
        advice="Correct the property or its mapping in mappings/fields.yaml; `handoff check` names what does not fit.",
    )


def _authentication(refusal: Refusal, route: Route, host: str, wait: float | None) -> ConnectorError:
    return AuthenticationError(
        f"{host} does not accept the token (401){refusal.trace}",
        advice="Set HUBSPOT_ACCESS_TOKEN to a valid service key or private app token; of an OAuth app, run "
        "`handoff auth login`.",
    )


def _scope(refusal: Refusal, route: Route, host: str, wait: float | None) -> ConnectorError:
    named = ", ".join(refusal.scopes)
    return ScopeError(
        f"the token may not call {route.method} {route.v3} (403)"
        + (f": it lacks {named}" if named else "")
        + refusal.trace,
        scopes=refusal.scopes,
        advice=f"Add the scope {named} to the token in HubSpot, then run `handoff check`."
        if named
        else "Add the scope in HubSpot (docs/hubspot.md lists who needs which); some calls need an Enterprise portal.",
    )


def _rate(refusal: Refusal, route: Route, host: str, wait: float | None) -> ConnectorError:
    if "DAILY" in refusal.policy:
        return QuotaExhaustedError(
            "the portal's calls of today are spent (429, DAILY)",
            advice="Run again after midnight in the portal's time zone, or raise the portal's daily limit.",
        )
    return RateLimitedError(
        f"HubSpot asks for patience (429, {refusal.policy or 'no policy named'})",
        policy=refusal.policy or None,
        retry_after_seconds=wait,
        advice="Run again in a minute; lower HUBSPOT_RATE_PER_10S if other programs use the same token.",
    )


def _unavailable(refusal: Refusal, route: Route, host: str, wait: float | None) -> ConnectorError:
    return UnavailableError(
        f"{host} answered {refusal.status}{refusal.trace}",
        status=refusal.status,
        unclear=refusal.status not in NOT_DONE,
        retry_after_seconds=wait,
        advice="Nothing is lost: run again in a few minutes; status.hubspot.com tells of outages.",
    )


def _unknown(refusal: Refusal, route: Route, host: str, wait: float | None) -> ConnectorError:
    return ContractError(
        f"{host} answered {route.method} {route.v3} with status {refusal.status}, which HubSpot does not document"
        + refusal.trace,
        advice="Check that HUBSPOT_BASE_URL names HubSpot's API and that no proxy answers in its place.",
    )


class UnavailableError(CrmUnavailableError):
    """CrmUnavailableError that keeps the answer's own wish of how long to wait; None where it had none."""

    def __init__(
        self, message: str, *, status: int | None, unclear: bool, retry_after_seconds: float | None = None, advice: str
    ) -> None:
        super().__init__(message, status=status, unclear=unclear, advice=advice)
        self.retry_after_seconds = retry_after_seconds


NOT_DONE = frozenset({423, 477})  # locked, or the portal is being moved: surely nothing was written

ERRORS: Mapping[int, Maker] = {
    400: _refused,
    401: _authentication,
    403: _scope,
    404: _refused,
    408: _unavailable,
    409: _refused,
    410: _refused,
    413: _refused,
    414: _refused,
    415: _refused,
    422: _refused,
    423: _unavailable,
    429: _rate,
    477: _unavailable,
}
"""Status → error. Whatever is not listed: 500 and above is `_unavailable`, the rest `_unknown`."""


def _dicts(value: object) -> list[dict[str, Any]]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def _embedded(message: object) -> list[dict[str, Any]]:
    """The JSON list that HubSpot puts into the message of a validation error (hubspot-facts, section 3.2)."""
    if not isinstance(message, str) or "[{" not in message:
        return []
    try:
        value, _ = json.JSONDecoder().raw_decode(message, message.index("[{"))
    except ValueError:
        return []
    return _dicts(value)


def _named(contexts: list[dict[str, Any]], word: str) -> Iterator[object]:
    """Values of every context key that has `word` in its name."""
    for context in contexts:
        for key, value in context.items():
            if word in key.lower():
                yield from value if isinstance(value, list) else [value]


def _policy(message: object) -> str:
    found = re.search(r"reached your (secondly|ten_secondly_rolling|daily) limit", str(message or ""), re.IGNORECASE)
    return found[1].upper() if found else ""


def _first(pattern: re.Pattern[str], *values: object) -> str:
    return next((value for value in values if isinstance(value, str) and pattern.fullmatch(value)), "")


def _unique(pattern: re.Pattern[str], values: object) -> tuple[str, ...]:
    assert isinstance(values, list | Iterator)
    return tuple(dict.fromkeys(v for v in values if isinstance(v, str) and pattern.fullmatch(v)))


GONE = frozenset({"OBJECT_NOT_FOUND", "NOT_FOUND"})
"""Categories of the errors of a 207 by which a record is not there."""

# -- pages -------------------------------------------------------------------------------------------------------

NOT_ITS_SHAPE = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


@contextmanager
def understood(what: str) -> Iterator[None]:
    """For parsers, as a decorator or around a block: values of other shapes than documented end in ContractError.

    The whole answer is left alone then, never half-read (P7). `what` names it for people, such as `a deal`.
    """
    try:
        yield
    except NOT_ITS_SHAPE as error:
        raise ContractError(
            f"{what} in HubSpot's answer does not look as HubSpot documents it ({type(error).__name__})",
            advice="Run again; if it stays, report it with the API version in use.",
        ) from error


def parse_rows(payload: object, *, key: str = "results") -> list[dict[str, Any]]:
    """The rows of an answer.

    Raises:
        ContractError: no list of objects under `key`; the whole answer is left alone (P7).
    """
    rows = payload.get(key) if isinstance(payload, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ContractError(f"HubSpot's answer has no list of {key}", advice="Run again; if it stays, report it.")
    return rows


def see_that_none_lacks(payload: object) -> None:
    """Of a batch that was read: whatever it does not show is not there.

    Raises:
        ContractError: of some, HubSpot says that it could not tell.
    """
    for part in _dicts(payload.get("errors")) if isinstance(payload, dict) else ():
        refusal = parse_refusal(207, part)
        if refusal.category not in GONE:
            raise ContractError(f"HubSpot could not show all that was asked for: {refusal}", advice="Run again.")


def parse_next(payload: object) -> str | None:
    """The opaque cursor after this page; None when it was the last."""
    paging = payload.get("paging") if isinstance(payload, dict) else None
    following = paging.get("next") if isinstance(paging, dict) else None
    after = following.get("after") if isinstance(following, dict) else None
    return str(after) if after not in (None, "") else None


class Cursors:
    """Watches the cursors of one query: one that comes twice is an error, not an endless loop."""

    def __init__(self, first: str | None = None) -> None:
        self._seen = {first} if first is not None else set()

    def next(self, cursor: str | None) -> str | None:
        if cursor is not None and cursor in self._seen:
            raise ContractError(
                "HubSpot sent the same page cursor twice; the pull stopped instead of going round in circles",
                advice="Run again; what was read so far is kept.",
            )
        if cursor is not None:
            self._seen.add(cursor)
        return cursor


# -- values ------------------------------------------------------------------------------------------------------


def parse_instant(value: object) -> datetime | None:
    """An ISO instant or epoch milliseconds, as text or number; None where it is empty or neither (section 3.4)."""
    if isinstance(value, str):
        if MILLISECONDS.fullmatch(value):
            return from_milliseconds(int(value))
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        return from_milliseconds(int(value))
    return None


def from_milliseconds(milliseconds: int) -> datetime | None:
    try:
        return EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None


def to_milliseconds(moment: datetime) -> int:
    """Whole epoch milliseconds, rounded down, without the loss of a float."""
    return (moment - EPOCH) // MILLISECOND


def to_iso(moment: datetime) -> str:
    """Such as 2026-03-01T09:30:00.000Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def parse_date_header(headers: Mapping[str, str]) -> datetime | None:
    """HubSpot's own clock (whole seconds); None where the header is missing or odd."""
    try:
        moment = parsedate_to_datetime(headers["Date"])
        # Without a zone it is UTC (RFC 9110); taken as local time it would shift our clock by hours.
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (KeyError, ValueError, OverflowError):
        return None


def parse_count(headers: Mapping[str, str], name: str) -> int | None:
    """A whole number in a header; None where it is missing or none."""
    text = headers.get(name, "")
    return int(text) if COUNT.fullmatch(text) else None
