"""Kinds of settings: what may be written, and the words that say what to write instead. No setting is known here."""

from __future__ import annotations

import re
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

from connector.config.cron import parse_cron
from connector.errors import ConnectorError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
SHORTEST_SYNC = timedelta(seconds=10)
LONGEST_SYNC = timedelta(days=1)
HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?)(:(?P<port>\d{1,5}))?")


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
    if is_cron(text):
        parse_cron(text)
        return text
    every = read_interval(text)
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


def is_cron(text: str) -> bool:
    return len(text.split()) == 5


def read_interval(text: str) -> timedelta:
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
    parts = split_address(url)
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


def split_address(url: str) -> SplitResult | None:
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
