"""HubSpot's refusals in pure functions: the body of an error, or no answer at all, and which error of ours it becomes.

Status → error is one table (ERRORS). No message ever carries a value that HubSpot sent back, for its texts repeat
e-mail addresses and field values; codes, property names, scopes and the correlation id are facts enough (I10).
Source: hubspot-facts, sections 2 and 3.2; fault table of reliability.md, section 7.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError

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


def see_that_none_lacks(payload: object) -> None:
    """Of a batch that was read: whatever it does not show is not there.

    Raises:
        ContractError: of some, HubSpot says that it could not tell.
    """
    for part in _dicts(payload.get("errors")) if isinstance(payload, dict) else ():
        refusal = parse_refusal(207, part)
        if refusal.category not in GONE:
            raise ContractError(f"HubSpot could not show all that was asked for: {refusal}", advice="Run again.")


def lost(
    error: requests.RequestException | HTTPError, host: str, connect_seconds: float
) -> CrmUnavailableError | ContractError:
    """The error for a call without an answer; `unclear` unless it surely never left."""
    advice = "Check the network and HUBSPOT_BASE_URL, then run again; nothing is lost."
    if isinstance(error, requests.exceptions.SSLError):
        return CrmUnavailableError(
            f"{host} shows no certificate that can be trusted", unclear=False, advice="Check HUBSPOT_BASE_URL."
        )
    if isinstance(error, requests.ConnectTimeout):
        return CrmUnavailableError(f"{host} does not answer ({connect_seconds:g} s)", unclear=False, advice=advice)
    if isinstance(error, requests.Timeout):
        return CrmUnavailableError(f"{host} gave no answer in time", unclear=True, advice=advice)
    reason = error.args[0] if error.args else None
    if isinstance(reason, MaxRetryError) and isinstance(reason.reason, NewConnectionError):
        return CrmUnavailableError(f"{host} cannot be reached", unclear=False, advice=advice)
    if isinstance(
        error,
        requests.ConnectionError | requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError,
    ):
        return CrmUnavailableError(f"the connection to {host} broke in mid-answer", unclear=True, advice=advice)
    return ContractError(f"the call to {host} could not be made ({type(error).__name__})", advice=advice)
