"""Settings: tokens, addresses and paths, from environment variables or a .env file.

No business rules: those are files in mappings/. What each variable is for stands in `.env.example`, one for one.
Where values come from (environment, .env, `*_FILE`) is variables.py, what may be written for each is kinds.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import Field, PrivateAttr, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from connector.config.cron import CronLine, parse_cron
from connector.config.kinds import (
    LOOPBACK,
    Address,
    Certificates,
    DatabaseUrl,
    Hosts,
    Listen,
    Lower,
    Moment,
    Networks,
    PublicUrl,
    Schedule,
    Token,
    Upper,
    is_cron,
    read_interval,
    split_address,
)
from connector.config.variables import FILE_SUFFIX, gather, look_up
from connector.errors import SettingsError
from connector.rules.quota import SHARE

HOW_TO_LOG_IN = (
    "In HubSpot open Development > Keys > Service keys (or Settings > Integrations > Private apps), create one with "
    "the scopes that `handoff init` lists, copy its token (it begins with pat-), and set HUBSPOT_ACCESS_TOKEN to it in "
    ".env or in the environment. To try Handoff without HubSpot: `handoff demo`."
)
HOW_TO_OAUTH = (
    "Client id and secret stand on the page of your app in HubSpot (Auth); with both set, run `handoff auth login`. "
    "Or set HUBSPOT_ACCESS_TOKEN instead."
)
LogFormat = Literal["auto", "console", "json"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Either `access_token`, or client id and secret (OAuth); the rest is None.

    `refresh_token` is None where `handoff auth login` gave the tokens, or has yet to.
    """

    access_token: SecretStr | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None
    refresh_token: SecretStr | None = None


class Settings(BaseSettings):
    """All settings, checked one by one; made by `load_settings`.

    Attributes:
        portal_id: only needed where the token cannot say which portal it belongs to; None asks the portal.
        base_url: without a slash at its end.
        rate_per_10s, search_per_second: calls that we allow ourselves, below the portal's own limits.
        quota_share: of the portal's calls of a day, 0 to 0.9: kept for others (rules/quota.py).
        full_pull: `both`: a long full pull reads by the search beside the list of contacts.
        database_url: may hold a password, hence secret.
        sync_every: an interval (`5m`) or a cron line of five fields; see `sync_interval`.
        key: what is kept under it cannot be guessed from a copy of the database; None takes a file beside SQLite.
        since: what was there before it is taken in silently (R41); None means the first run.
        allow_hosts: `host` or `host:port`, lower-case, that may be inward or speak plain http (S8).
        listen, public_url, inbound_secret, trusted_proxies: for `handoff serve`; inbound.py joins them.
        answer_secret: what links in notices are signed with; answering.py joins it with public_url.
        ca_file: certificates to trust instead of the ones that come with Handoff; None for those.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    access_token: Token | None = Field(None, validation_alias="HUBSPOT_ACCESS_TOKEN")
    client_id: str | None = Field(None, validation_alias="HUBSPOT_CLIENT_ID")
    client_secret: Token | None = Field(None, validation_alias="HUBSPOT_CLIENT_SECRET")
    refresh_token: Token | None = Field(None, validation_alias="HUBSPOT_REFRESH_TOKEN")
    portal_id: str | None = Field(None, validation_alias="HUBSPOT_PORTAL_ID", pattern=r"^[0-9]{1,20}$")
    base_url: Address = Field("https://api.hubapi.com", validation_alias="HUBSPOT_BASE_URL")
    api_version: Annotated[Literal["v3", "2026-03"], Lower] = Field("v3", validation_alias="HUBSPOT_API_VERSION")
    rate_per_10s: int = Field(90, validation_alias="HUBSPOT_RATE_PER_10S", ge=1, le=10_000)
    search_per_second: int = Field(4, validation_alias="HUBSPOT_SEARCH_PER_SECOND", ge=1, le=1_000)
    full_pull: Annotated[Literal["both", "list"], Lower] = Field("both", validation_alias="HUBSPOT_FULL_PULL")
    quota_share: float = Field(SHARE, validation_alias="HANDOFF_QUOTA_SHARE", ge=0, le=0.9)

    database_url: DatabaseUrl = Field(SecretStr("sqlite:///handoff.db"), validation_alias="HANDOFF_DATABASE_URL")
    mappings_dir: Path = Field(Path("mappings"), validation_alias="HANDOFF_MAPPINGS_DIR")
    sync_every: Schedule = Field("5m", validation_alias="HANDOFF_SYNC_EVERY")
    shadow: bool = Field(False, validation_alias="HANDOFF_SHADOW")
    since: Moment | None = Field(None, validation_alias="HANDOFF_SINCE")
    key: SecretStr | None = Field(None, validation_alias="HANDOFF_KEY")
    webhook_url: SecretStr | None = Field(None, validation_alias="HANDOFF_WEBHOOK_URL")
    webhook_secret: SecretStr | None = Field(None, validation_alias="HANDOFF_WEBHOOK_SECRET")
    slack_url: SecretStr | None = Field(None, validation_alias="HANDOFF_SLACK_URL")
    allow_hosts: Hosts = Field((), validation_alias="HANDOFF_ALLOW_HOSTS")
    ca_file: Certificates | None = Field(None, validation_alias="HANDOFF_CA_FILE")
    listen: Listen = Field("127.0.0.1:8090", validation_alias="HANDOFF_LISTEN")
    public_url: PublicUrl | None = Field(None, validation_alias="HANDOFF_PUBLIC_URL")
    inbound_secret: SecretStr | None = Field(None, validation_alias="HANDOFF_INBOUND_SECRET")
    answer_secret: SecretStr | None = Field(None, validation_alias="HANDOFF_ANSWER_SECRET")
    trusted_proxies: Networks = Field((), validation_alias="HANDOFF_TRUSTED_PROXIES")
    log_format: Annotated[LogFormat, Lower] = Field("auto", validation_alias="HANDOFF_LOG_FORMAT")
    log_level: Annotated[LogLevel, Upper] = Field("INFO", validation_alias="HANDOFF_LOG_LEVEL")

    _variables: dict[str, str] = PrivateAttr(default_factory=dict)

    @property
    def learns_rate(self) -> bool:
        """Nobody said how many calls to make: `rate_per_10s` is only where to begin."""
        return "rate_per_10s" not in self.model_fields_set

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load_settings` gathered: one place knows the order of sources, `*_FILE` and the modes of files."""
        return (init_settings,)

    @model_validator(mode="after")
    def _check_base_url(self) -> Self:
        url = split_address(self.base_url)
        if url is None:
            raise ValueError("HUBSPOT_BASE_URL: write a plain address such as https://api.hubapi.com")
        names = {url.hostname, f"{url.hostname}:{url.port or 80}"}
        if url.scheme == "http" and not names & {*LOOPBACK, *self.allow_hosts}:
            raise ValueError(
                "HUBSPOT_BASE_URL: plain http would show the token to everyone on the way; use https, or name the host "
                "in HANDOFF_ALLOW_HOSTS"
            )
        return self

    @property
    def sync_interval(self) -> timedelta | None:
        """The interval between runs; None where `sync_every` is a cron line."""
        return None if is_cron(self.sync_every) else read_interval(self.sync_every)

    @property
    def sync_cron(self) -> CronLine | None:
        """The cron line of the runs; None where `sync_every` is an interval."""
        return parse_cron(self.sync_every) if is_cron(self.sync_every) else None

    @property
    def has_credentials(self) -> bool:
        return self.access_token is not None or (self.client_id is not None and self.client_secret is not None)

    def credentials(self) -> Credentials:
        """What to log in with; the access token wins where both kinds are set.

        Raises:
            SettingsError: none is set, or OAuth lacks a part; it names the variable and says how to get one.
        """
        if self.access_token is not None:
            return Credentials(access_token=self.access_token)
        if self.client_id is None and self.refresh_token is None:   # a secret alone may be for webhooks
            raise SettingsError("HUBSPOT_ACCESS_TOKEN is not set", advice=HOW_TO_LOG_IN)
        return self.oauth()

    def oauth(self) -> Credentials:
        """The OAuth app, whether or not an access token goes before it. Raises SettingsError as `credentials`."""
        parts = {"HUBSPOT_CLIENT_ID": self.client_id, "HUBSPOT_CLIENT_SECRET": self.client_secret}
        if missing := [name for name, value in parts.items() if value is None]:
            raise SettingsError(f"{' and '.join(missing)} not set, and OAuth needs both", advice=HOW_TO_OAUTH)
        return Credentials(client_id=self.client_id, client_secret=self.client_secret, refresh_token=self.refresh_token)

    def given_key(self) -> str | None:
        """What the database's key is made from; None where a file beside it is to hold one."""
        return self.key.get_secret_value() if self.key else None

    def secret(self, name: str) -> SecretStr | None:
        """The variable that a rule file names (`url_env`, `secret_env`), or what `name`_FILE holds; None where unset.

        Raises:
            SettingsError: its file cannot be used (S1).
        """
        value = look_up(self._variables, name)
        return None if value is None else SecretStr(value)

    def secret_values(self) -> tuple[str, ...]:
        """What logs must never show: every secret that is set here, and what destinations of rule files are given.

        Of a database's address only its password: the rest is worth reading in a log.
        """
        own = [value for name in SECRET_FIELDS if isinstance(value := getattr(self, name), SecretStr)]
        values = [secret.get_secret_value() for secret in own if secret is not self.database_url]
        values += [value for name, value in self._variables.items() if _may_be_a_destinations(name)]
        values += [part for value in values for part in value.split()]  # two secrets, while one replaces the other
        password = urlsplit(self.database_url.get_secret_value()).password
        return tuple(dict.fromkeys(filter(None, (*values, password, unquote(password or "")))))

    def strangers(self, also_known: Iterable[str] = ()) -> tuple[str, ...]:
        """One sentence for each HANDOFF_ or HUBSPOT_ variable that means nothing here, with the nearest name.

        A HANDOFF_..._URL or ..._SECRET may belong to a destination of notifications.yaml; it is told only where it
        looks like a slip of the pen.

        Args:
            also_known: names that rule files use, such as the `url_env` of a destination.
        """
        known = {*variable_names(), *also_known}
        known |= {name + FILE_SUFFIX for name in known}
        sentences = []
        for name in sorted(self._variables):
            if name.startswith(("HANDOFF_", "HUBSPOT_")) and name not in known:
                near = get_close_matches(name, sorted(known), n=1, cutoff=0.9 if _may_be_a_destinations(name) else 0.6)
                if not near and _may_be_a_destinations(name):
                    continue
                hint = f"; did you mean {near[0]}?" if near else "."
                sentences.append(f"{name} is set, but Handoff knows no such setting{hint}")
        return tuple(sentences)


RECEIVERS = ("webhook_url", "webhook_secret", "slack_url")
SECRET_FIELDS = tuple(name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation))


def variable_names() -> tuple[str, ...]:
    """Every setting's variable, in the order of `.env.example`."""
    return tuple(str(field.validation_alias) for field in Settings.model_fields.values())


def secret_names() -> tuple[str, ...]:
    """The variables whose values must never be shown."""
    return tuple(str(Settings.model_fields[name].validation_alias) for name in SECRET_FIELDS)


def receiver_names() -> tuple[str, ...]:
    """The variables that stand ready for destinations of notifications.yaml; they mean nothing by themselves."""
    return tuple(str(Settings.model_fields[name].validation_alias) for name in RECEIVERS)


def load_settings(env: Mapping[str, str] | None = None, dotenv: Path | None = Path(".env")) -> Settings:
    """Settings from `env` (None: the process's own environment) over the file `dotenv` (where it exists).

    Raises:
        SettingsError: every variable that cannot be used, in one message; never its value where it is a secret.
    """
    variables = gather(os.environ if env is None else env, dotenv, _is_secret)
    given = {name: value for name in variable_names() if (value := look_up(variables, name)) is not None}
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        raise _complaint(error, given) from None    # its text could quote a secret
    settings._variables.update(variables)
    return settings


def _is_secret(name: str) -> bool:
    return name in secret_names() or (_may_be_a_destinations(name) and not name.endswith(FILE_SUFFIX))


def _may_be_a_destinations(name: str) -> bool:
    stem = name.removesuffix(FILE_SUFFIX)
    return stem.startswith("HANDOFF_") and stem.endswith(("_URL", "_SECRET")) and stem not in variable_names()


def _complaint(error: ValidationError, given: Mapping[str, str]) -> SettingsError:
    lines = []
    for problem in error.errors(include_url=False, include_context=True):
        name = str(problem["loc"][0]) if problem["loc"] else ""
        text = _in_words(problem["type"], problem["msg"], problem.get("ctx", {}))
        found = f" (found {given[name][:60]!r})" if name in given and name not in secret_names() else ""
        lines.append(f"{name}: {text}{found}" if name else text)
    return SettingsError("; ".join(lines), advice="Each setting is explained in .env.example.")


def _in_words(kind: str, message: str, context: Mapping[str, Any]) -> str:
    if kind == "bool_parsing":
        return "say true or false"
    if kind in ("int_parsing", "int_from_float"):
        return "say a whole number"
    if kind == "string_pattern_mismatch":
        return "say digits only"
    if kind == "literal_error":
        return f"say one of {context['expected']}"
    return message.removeprefix("Value error, ").replace("Input should be", "it must be")
