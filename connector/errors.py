"""Every error of the connector, grouped by what the run does next.

    ConnectorError
      ConfigError           nothing starts; a person mends a file or a setting
        SettingsError         an environment variable or a path
        RuleBookError         a file in mappings/: file, line, column and key
        UnknownPropertyError  a mapped property, option, stage, owner or list that the portal lacks
      RetryableError        the same again, later
        RateLimitedError      the CRM asked for patience (policy, retry_after_seconds)
        QuotaExhaustedError   the day's calls are spent
          BackfillShedError     … as far as a backfill may spend them; what is more urgent goes on
        CrmUnavailableError   no answer, or an answer of the 5xx kind, after all tries
        StoreBusyError        the database is locked by someone else
        AlreadyRunningError   another process holds the portal's lease
      SkippableError        this contact only
        ContactGoneError      archived, merged away or erased
        InvalidRecordError    a record that cannot be read
        ChangeRejectedError   the CRM refused one change, with its reason
      FatalError            the run stops
        AuthenticationError   the token is wrong or expired
        ScopeError            the token lacks a scope (scopes)
        ContractError         an answer that we do not understand
        LeaseLostError        another process took the portal over; nothing more may be written
        GuardHeldError        the mass-change guard holds the run until a person says yes

Errors carry facts (ids, status, correlation id), never a token or a person's data (I10).
`exit_code` is the command line's contract (design.md, section 6).
"""

from __future__ import annotations


class ConnectorError(Exception):
    """Anything that Handoff says no with. `advice` tells the reader what to do next."""

    exit_code = 1

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice


class ConfigError(ConnectorError):
    exit_code = 2


class SettingsError(ConfigError):
    """An environment variable, secret file or path that cannot be used."""


class RuleBookError(ConfigError):
    """One complaint about one file in mappings/.

    Args:
        file: its name as the admin knows it, such as `scoring.yaml`.
        line, column: from 1; 0 when the whole file is meant.
        key: dotted path of the key, such as `fit.rules[2].points`; empty for the file.
        found: what stands there, shortened.

    `others` holds every further complaint, so that an admin mends all of them at once.
    """

    others: tuple[RuleBookError, ...] = ()

    def __init__(
        self,
        message: str,
        *,
        file: str,
        line: int = 0,
        column: int = 0,
        key: str = "",
        found: str = "",
        advice: str = "",
    ) -> None:
        super().__init__(message, advice=advice)
        self.file, self.line, self.column, self.key, self.found = file, line, column, key, found

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        key = f" {self.key}:" if self.key else ""
        found = f" (found {self.found})" if self.found else ""
        return f"{place}:{key} {self.args[0]}{found}"


class UnknownPropertyError(ConfigError):
    """Something that mappings/ names and the portal lacks."""


class RetryableError(ConnectorError):
    pass


class RateLimitedError(RetryableError):
    """A 429. `policy` is the CRM's name for the limit; None when it gave none."""

    exit_code = 4

    def __init__(
        self, message: str, *, policy: str | None, retry_after_seconds: float | None, advice: str = ""
    ) -> None:
        super().__init__(message, advice=advice)
        self.policy, self.retry_after_seconds = policy, retry_after_seconds


class QuotaExhaustedError(RetryableError):
    exit_code = 4


class BackfillShedError(QuotaExhaustedError):
    pass


class CrmUnavailableError(RetryableError):
    """No usable answer. `unclear` is true when a write may have been applied all the same (I7)."""

    exit_code = 6

    def __init__(self, message: str, *, status: int | None = None, unclear: bool = True, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.status, self.unclear = status, unclear


class StoreBusyError(RetryableError):
    exit_code = 1


class AlreadyRunningError(RetryableError):
    exit_code = 5


class SkippableError(ConnectorError):
    pass


class ContactGoneError(SkippableError):
    pass


class InvalidRecordError(SkippableError):
    pass


class ChangeRejectedError(SkippableError):
    """The CRM's own reason, without the values it refused. `category` is its word for the kind of refusal."""

    def __init__(self, message: str, *, category: str = "", advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.category = category


class FatalError(ConnectorError):
    pass


class AuthenticationError(FatalError):
    exit_code = 3


class ScopeError(FatalError):
    exit_code = 3

    def __init__(self, message: str, *, scopes: tuple[str, ...] = (), advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.scopes = scopes


class ContractError(FatalError):
    exit_code = 6


class LeaseLostError(FatalError):
    exit_code = 5


class GuardHeldError(FatalError):
    exit_code = 7
