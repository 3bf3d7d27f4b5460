"""Settings: tokens, addresses and paths, from environment variables or a .env file.

No business rules: those are files in mappings/. What each variable is for stands in `.env.example`, one for one.
Where values come from (environment, .env, `*_FILE`) is variables.py.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from connector.config.cron import CronLine, parse_cron
from connector.config.variables import FILE_SUFFIX, gather, look_up
from connector.errors import ConnectorError, SettingsError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
SHORTEST_SYNC = timedelta(seconds=10)
LONGEST_SYNC = timedelta(days=1)
HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?)(:(?P<port>\d{1,5}))?")
HOW_TO_LOG_IN = (
    "In HubSpot open Development > Keys > Service keys (or Settings > Integrations > Private apps), create one with "
    "the scopes that `handoff init` lists, copy its token (it begins with pat-), and set HUBSPOT_ACCESS_TOKEN to it in "
    ".env or in the environment. To try Handoff without HubSpot: `handoff demo`."
)
HOW_TO_OAUTH = (
    "Client id and secret stand on the page of your app in HubSpot (Auth); the refresh token is what installing the "
    "app gave. Or set HUBSPOT_ACCESS_TOKEN instead."
)
IpNetwork = IPv4Network | IPv6Network
LogFormat = Literal["auto", "console", "json"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


def _split_hosts(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip().lower() for part in value.split(",") if part.strip())
    return value


def _check_hosts(hosts: tuple[str, ...]) -> tuple[str, ...]:
    for host in hosts:
        match = HOST.fullmatch(host)
        if match is None or int(match["port"] or 1) not in range(1, 65536):
            raise ValueError(
                f"{host!r} is not a host; write names like hooks.corp.example or 10.0.0.7:8080, with commas between"
            )
    return hosts


def _check_header_safe(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if value.lower().startswith("bearer "):
        raise ValueError("give the token alone, without the word Bearer")
    if not value.isascii() or any(sign <= " " or sign == "\x7f" for sign in value):
        raise ValueError("it holds blanks or signs that no token has; copy it again")
    return secret


def _check_database(secret: SecretStr) -> SecretStr:
    url = secret.get_secret_value()
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1 and "?" not in rest and url.isprintable():
        return secret
    if scheme in ("postgresql", "postgresql+psycopg") and rest.strip("/") and _can_be_split(url):
        return secret
    raise ValueError(
        "write sqlite:///handoff.db (a file in this folder), sqlite:////var/lib/handoff/handoff.db (a full path) "
        "or postgresql://user:password@host/database"
    )


def _check_schedule(text: str) -> str:
    if _is_cron(text):
        parse_cron(text)
        return text
    every = _wall(text)
    if not SHORTEST_SYNC <= every <= LONGEST_SYNC:
        raise ValueError("it must lie between 10s and 24h")
    return text


def _can_be_split(url: str) -> bool:
    try:
        urlsplit(url)
    except ValueError:
        return False
    return True


def _check_certificates(path: Path) -> Path:
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:  # what is no PEM, too
        raise ValueError(
            "no certificates can be read there; name a file with the certificate of your authority, in PEM"
        ) from error
    return path


def _is_cron(text: str) -> bool:
    return len(text.split()) == 5


def _wall(text: str) -> timedelta:
    from connector.rules.durations import parse_duration

    try:
        return parse_duration(text).wall()
    except (ValueError, ConnectorError) as error:
        what = str(error).partition(";")[0]
        raise ValueError(f"{what}; write an interval like 5m or 1h, or a cron line like */5 * * * *") from error


def _read_moment(value: object) -> object:
    """A day is its beginning in UTC; an instant says its zone, since a naive one would shift silently."""
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("write a day like 2026-03-01, or an instant like 2026-03-01T08:00:00+01:00") from None
    if moment.tzinfo is None and len(value) > len("2026-03-01"):
        raise ValueError("say the zone of the instant: 2026-03-01T08:00:00+01:00, or Z for UTC")
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("no calendar goes there; write a day like 2026-03-01") from None


def _check_public(url: str) -> str:
    """Where the outside reaches us; plain http only on this machine, for trying things out."""
    parts = _parts(url)
    if parts is None or (parts.scheme == "http" and parts.hostname not in LOOPBACK):
        raise ValueError("write the address under which HubSpot reaches this server, such as https://handoff.example.com")
    return url


def _check_listen(text: str) -> str:
    host, _, port = text.rpartition(":")
    try:
        ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        host = "" if host != "localhost" else host
    if not host or not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise ValueError("write an address of this machine and a port, such as 127.0.0.1:8090 or [::1]:8090")
    return text


def _check_networks(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        try:
            ip_network(value)
        except ValueError:
            raise ValueError(f"{value!r} is no address; write 10.0.0.5 or 10.0.0.0/24, with commas between") from None
    return values


Token = Annotated[SecretStr, AfterValidator(_check_header_safe)]
PublicUrl = Annotated[str, AfterValidator(lambda url: url.rstrip("/")), AfterValidator(_check_public)]
Listen = Annotated[str, AfterValidator(_check_listen)]
Networks = Annotated[tuple[str, ...], BeforeValidator(_split_hosts), AfterValidator(_check_networks)]
Address = Annotated[str, AfterValidator(lambda url: url.rstrip("/"))]
Hosts = Annotated[tuple[str, ...], BeforeValidator(_split_hosts), AfterValidator(_check_hosts)]
Moment = Annotated[datetime, BeforeValidator(_read_moment)]
Schedule = Annotated[str, AfterValidator(_check_schedule)]
Certificates = Annotated[Path, AfterValidator(_check_certificates)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_check_database)]
Lower = BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value)
Upper = BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Either `access_token`, or all three of the others (OAuth); the rest is None."""

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
        database_url: may hold a password, hence secret.
        sync_every: an interval (`5m`) or a cron line of five fields; see `sync_interval`.
        key: what is kept under it cannot be guessed from a copy of the database; None takes a file beside SQLite.
        since: what was there before it is taken in silently (R41); None means the first run.
        allow_hosts: `host` or `host:port`, lower-case, that may be inward or speak plain http (S8).
        listen, public_url, inbound_secret, trusted_proxies: for `handoff serve`; inbound.py joins them.
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
    trusted_proxies: Networks = Field((), validation_alias="HANDOFF_TRUSTED_PROXIES")
    log_format: Annotated[LogFormat, Lower] = Field("auto", validation_alias="HANDOFF_LOG_FORMAT")
    log_level: Annotated[LogLevel, Upper] = Field("INFO", validation_alias="HANDOFF_LOG_LEVEL")

    _variables: dict[str, str] = PrivateAttr(default_factory=dict)

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
        url = _parts(self.base_url)
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
        return None if _is_cron(self.sync_every) else _wall(self.sync_every)

    @property
    def sync_cron(self) -> CronLine | None:
        """The cron line of the runs; None where `sync_every` is an interval."""
        return parse_cron(self.sync_every) if _is_cron(self.sync_every) else None

    @property
    def has_credentials(self) -> bool:
        return self.access_token is not None or self.refresh_token is not None

    def credentials(self) -> Credentials:
        """What to log in with; the access token wins where both kinds are set.

        Raises:
            SettingsError: none is set, or OAuth lacks a part; it names the variable and says how to get one.
        """
        if self.access_token is not None:
            return Credentials(access_token=self.access_token)
        oauth = {
            "HUBSPOT_CLIENT_ID": self.client_id,
            "HUBSPOT_CLIENT_SECRET": self.client_secret,
            "HUBSPOT_REFRESH_TOKEN": self.refresh_token,
        }
        missing = [name for name, value in oauth.items() if value is None]
        if len(missing) == len(oauth):
            raise SettingsError("HUBSPOT_ACCESS_TOKEN is not set", advice=HOW_TO_LOG_IN)
        if missing:
            raise SettingsError(
                f"{' and '.join(missing)} not set, and OAuth needs all three parts", advice=HOW_TO_OAUTH
            )
        return Credentials(client_id=self.client_id, client_secret=self.client_secret, refresh_token=self.refresh_token)

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


def _parts(url: str) -> SplitResult | None:
    """None where it is no address of a server: http or https, a host, perhaps a port and a path, nothing else."""
    try:
        parts = urlsplit(url)
        port_is_one = parts.port is None or parts.port > 0
    except ValueError:
        return None
    plain = not (parts.query or parts.fragment or "@" in parts.netloc) and url.isprintable() and " " not in url
    return parts if parts.scheme in ("http", "https") and plain and port_is_one and _is_host(parts) else None


def _is_host(parts: SplitResult) -> bool:
    """Whether a name can be asked for: labels of 1 to 63 signs, or an address where it stands in brackets."""
    name = parts.hostname or ""
    try:
        if parts.netloc.startswith("["):
            ip_address(name)
        else:
            name.encode("idna")
    except ValueError:
        return False
    return bool(name)


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
