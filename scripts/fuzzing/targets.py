"""What is fed, and what must hold whatever the bytes are: a value, or an error of ours that says where and what to do.

A target is a function of bytes that raises nothing but findings. Seeds are inputs to start from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from connector.config.inbound import inbound
from connector.config.mappings import load_part, shipped_folder
from connector.config.redaction import escape_controls, redact_text
from connector.config.settings import load_settings, secret_names, variable_names
from connector.config.variables import gather
from connector.config.yaml_text import read_yaml
from connector.crm.hubspot.inbound import (
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    BodyRefusedError,
    parse,
    signature,
    verify,
)
from connector.delivery.guard import AddressRefusedError, AllowList, check_url, is_public
from connector.delivery.signature import read_secrets
from connector.domain.contact import PortalId
from connector.domain.notice import NoticeKind
from connector.errors import RuleBookError, SettingsError
from connector.jobs.scheduler import trigger
from connector.rules.email_domains import clean_email, company_domain, host_of
from connector.rules.phones import clean_phone
from connector.rules.rulebook import PARTS, RuleBook, cross_check
from connector.rules.templates import (
    LARGEST_OUTPUT_BYTES,
    LONGEST_TEMPLATE,
    TemplateError,
    check_template,
    names_of,
    render,
)
from connector.rules.values import READERS, Unreadable
from connector.store.place import parse_url
from fuzzing import commands, crm, documents, runs, times, wire
from fuzzing.choices import Choices
from fuzzing.shapes import bent

SECRET = "s3cret-canary-of-the-fuzzer"  # noqa: S105 - nobody's
"""Given as a setting or planted in a text; no error and no log line may repeat it (I10)."""


@dataclass(frozen=True, slots=True)
class Target:
    """`feed` one input; `seeds` to begin with; `words` that a fuzzer would take long to find by itself."""

    feed: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
    words: tuple[str, ...] = ()


# -- rule files ----------------------------------------------------------------------------------------------------


def feed_yaml(data: bytes) -> None:
    """S9: any bytes are a document or a complaint with its file, and the place lies within the text."""
    try:
        document = read_yaml(data, "scoring.yaml")
    except RuleBookError as error:
        _has_place(error, data)
        return
    for line, column in (*document.keys.values(), *document.values.values()):
        assert line >= 1 and column >= 1


def feed_rules(data: bytes) -> None:
    """S9: a rule file gives rules that fit the other nine, or complaints; never anything else."""
    names = tuple(PARTS)
    name, content = names[data[0] % len(names)] if data else names[0], data[1:]
    try:
        part = load_part(name, content)
    except RuleBookError as error:
        for complaint in (error, *error.others):
            _has_place(complaint, content)
            assert complaint.file == f"{name}.yaml"
        return
    book = RuleBook(**{**_shipped(), name: part})  # type: ignore[arg-type]  # PARTS pairs each name with its model
    for found in cross_check(book):
        assert found.message


@cache
def _shipped() -> dict[str, object]:
    return {name: load_part(name, (shipped_folder() / f"{name}.yaml").read_bytes()) for name in PARTS}


def _has_place(error: RuleBookError, data: bytes) -> None:
    assert error.file and str(error).startswith(error.file) and "\n" not in error.args[0]
    assert 0 <= error.line <= data.count(b"\n") + data.count(b"\r") + data.count(b"\xc2\x85") + data.count(b"\xe2") + 2


def _rule_seeds() -> Iterator[bytes]:
    for number, name in enumerate(PARTS):
        yield bytes([number]) + (shipped_folder() / f"{name}.yaml").read_bytes()


# -- settings ------------------------------------------------------------------------------------------------------


def feed_settings(data: bytes) -> None:
    """Any environment gives settings or one SettingsError; a secret is in neither the error nor the repr (S1, I10)."""
    choices, env = Choices(data), {"HUBSPOT_ACCESS_TOKEN": SECRET}
    while not choices.ended and len(env) < 8:
        name = choices.pick(variable_names()) + choices.pick(("", "", "", "_FILE"))
        odd = commands.SETTINGS.get(name)
        text = choices.pick(odd) if odd and choices.below(3) == 0 else choices.text(200)
        env[name] = ("/nowhere/" if name.endswith("_FILE") else "") + text
    try:
        settings = load_settings(env, dotenv=None)
        told = repr(settings) + str(settings.sync_interval)
        settings.secret_values()
        told += " ".join(settings.strangers())
        settings.credentials()
        trigger(settings)
        parse_url(settings.database_url.get_secret_value())
        told += repr(inbound(settings))
    except SettingsError as error:
        assert error.advice, str(error)
        told = f"{error} {error.advice}"
    assert SECRET not in told
    others = "".join(value for name, value in env.items() if name not in secret_names())
    for name in secret_names():
        value = env.get(name, "").strip()
        assert len(value) < 12 or "://" in value or value in others or value not in told, name


def feed_dotenv(data: bytes) -> None:
    """Any .env gives variables or one SettingsError."""
    path = Path(_folder().name) / ".env"
    path.touch(0o600)
    path.write_bytes(data)
    try:
        gather({}, path, lambda name: name in secret_names())
    except SettingsError as error:
        assert error.advice


@cache
def _folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="handoff-fuzz-")


def _dotenv_seeds() -> Iterator[bytes]:
    yield (Path(__file__).resolve().parents[2] / ".env.example").read_bytes()


# -- values --------------------------------------------------------------------------------------------------------


def feed_values(data: bytes) -> None:
    """Field values of any contact: a value that reads the same again, or Unreadable without the text in it (I10)."""
    text = data.decode("utf-8", "replace")
    for kind, reader in READERS.items():
        try:
            value = reader(text)
        except Unreadable as complaint:
            assert len(text) < 12 or text not in str(complaint), kind
        else:
            assert value is None or value != "", kind
    email = clean_email(text)
    assert email is None or clean_email(email) == email
    company_domain(host_of(text[:300]))
    for region in (None, "DE", "US", "IT", "BR"):
        number = clean_phone(text, region)
        assert number is None or clean_phone(number, None) == number


# -- where notices go ----------------------------------------------------------------------------------------------


def feed_addresses(data: bytes) -> None:
    """S8: an address passes only with https, port 443 and a host, and its path is in no complaint."""
    text = data.decode("utf-8", "replace")
    is_public(text)
    AllowList.of([text]).holds(text, 443)
    try:
        check_url(text, AllowList())
    except AddressRefusedError as error:
        assert error.advice
    else:
        assert text.lower().startswith("https://") and "@" not in re.split(r"[/?#]", text)[2]
    try:
        read_secrets(text, "HANDOFF_WEBHOOK_SECRET")
    except SettingsError as error:
        assert len(text) < 12 or text not in str(error)


# -- logs ----------------------------------------------------------------------------------------------------------


def feed_logs(data: bytes) -> None:
    """S13, I10: around a token and an address, any text; neither comes out, and nothing but printable signs does."""
    half = len(data) // 2
    before, after = data[:half].decode("utf-8", "replace"), data[half:].decode("utf-8", "replace")
    said = escape_controls(redact_text(f"{before}{SECRET}{after} canary@leak.example", [SECRET]))
    assert SECRET not in said and "canary@leak.example" not in said and said.isprintable()


# -- what the CRM posts to us --------------------------------------------------------------------------------------


def feed_inbound(data: bytes) -> None:
    """Section 4: any signed body gives hints of our portal, or one refusal in a word; never anything else."""
    choices = Choices(data)
    body = choices.rest() if choices.below(2) else json.dumps(bent(EVENTS, choices, 8)).encode()
    try:
        found = parse(body, PORTAL)
    except BodyRefusedError as refusal:
        assert str(refusal).isidentifier()
        return
    for hint in found.hints:
        assert hint.contact.isdigit() and hint.occurred_at.tzinfo and len(hint.id) == 40
    assert all(cause.isidentifier() for cause in found.ignored)


def feed_signature(data: bytes) -> None:
    """Section 4: whatever stands in headers, address and body, only the right signature is taken for HubSpot's."""
    choices = Choices(data)
    method, url, body = choices.text(8), "https://h.example/" + choices.text(60), choices.bytes(60)
    stamp = choices.pick((b"1772442000000", choices.bytes(24)))
    right = signature(SECRET, method, url, body, stamp.decode("latin-1"))
    given = choices.pick((right.encode(), choices.bytes(60), right.encode()[:-1]))
    headers = [(SIGNATURE_HEADER, given), (TIMESTAMP_HEADER, stamp), (choices.bytes(30), choices.bytes(30))]
    why = verify([SECRET], method, url, body, headers[: choices.below(4)] or headers, now=FUZZ_NOW)
    assert not why or why.isidentifier()
    assert why or given == right.encode()


EVENTS = [
    {
        "eventId": 1, "subscriptionId": 2, "portalId": 4711, "appId": 3, "occurredAt": 1772442000000,
        "subscriptionType": kind, "attemptNumber": 0, "objectId": 501, "objectTypeId": "0-1", "propertyName": "email",
        "mergedObjectIds": [502, 503], "newObjectId": 504, "primaryObjectId": 501,
    }
    for kind in ("contact.propertyChange", "object.merge", "contact.privacyDeletion", "object.creation")
]  # fmt: skip
PORTAL = PortalId("4711")
FUZZ_NOW = datetime.fromtimestamp(1772442000, UTC)


# -- templates -----------------------------------------------------------------------------------------------------


def feed_templates(data: bytes) -> None:
    """S10: a template is refused with its line, or makes a text of at most 20 kB; no value leaves unescaped."""
    text = data.decode("utf-8", "replace")[:LONGEST_TEMPLATE]
    kind = NoticeKind.LEAD_HANDED_OFF
    try:
        check_template(text, kind)
    except TemplateError as error:
        assert 1 <= error.line <= len(text) + 1 and error.message
        return
    try:
        made = render(text, dict.fromkeys(names_of(kind), "<v>"), lambda value: value.replace("<", "&lt;"))
    except TemplateError:
        return
    assert len(made.encode("utf-8", "replace")) <= LARGEST_OUTPUT_BYTES and ("<v>" not in made or "<v>" in text)


INSTANTS = (b"2026-03-01", b"2026-03-01T08:00:00+01:00", b"0001-01-01T00:00:00+14:00", b"9999-12-31T23:59:59-14:00")

TARGETS: dict[str, Target] = {
    "yaml": Target(feed_yaml, lambda: (seed[1:] for seed in _rule_seeds()), ("&a", "*a", "<<:", "!!", "---", ">-")),
    "rules": Target(feed_rules, _rule_seeds, ("all:", "any:", "not:", "field:", "op:", "value:", "48h", "16bh", "2bd")),
    "settings": Target(feed_settings, lambda: (bytes(range(number, number + 60)) for number in range(40)), ("https://",)),
    "dotenv": Target(feed_dotenv, _dotenv_seeds, ("HUBSPOT_ACCESS_TOKEN=", "export ", "'", '"')),
    "values": Target(
        feed_values,
        lambda: (b"Ana@Acme.example", b"+49 30 123456", b"2026-03-01T08:00:00Z", b"1,200", b"50-100", b"a;b"),
        ("@", "+49", "0049", "xn--", "T00:00:00Z", "1000+", "tel:", ";ext="),
    ),
    "documents": Target(
        documents.feed, lambda: (bytes([n]) + bytes(range(m, m + 40)) for n in range(10) for m in range(3))
    ),
    "commands": Target(
        commands.feed, lambda: (bytes([0, n]) + bytes((n * 7 + m * 13) % 256 for m in range(40)) for n in range(32)),
        ("--as-of", "--json", "2026-03-02"),
    ),
    "runs": Target(runs.feed, lambda: (bytes([n % 3, n % 6, n, n * 5 % 32, *range(n, n + 30)]) for n in range(40))),
    "wire": Target(
        wire.feed, lambda: (bytes([n % 3, 0, n, n % 6, *range(n, n + 30)]) for n in range(24)), ("\r\n", "chunked")
    ),
    "durations": Target(times.feed_durations, lambda: (b"30m", b"16bh", b"2bd", b"1.5h"), ("bm", "bh", "bd", "w")),
    "schedules": Target(
        times.feed_schedules,
        lambda: (b"\0" + text for text in (b"*/5 8-18 * * 1-5", b"0 0 31 2 *", b"5m", b"24h", b"0 9 1 1 mon")),
        ("*/", " * * * *", "1-5", "mon-fri", "last", "1st mon", "jan", "29 2"),
    ),
    "instants": Target(
        times.feed_instants,
        lambda: (bytes([n, len(text)]) + text for n in range(6) for text in INSTANTS),
        ("T00:00:00", "+14:00", "-23:59", "Z", "0001-01-01", "9999-12-31", "W01"),
    ),
    "addresses": Target(
        feed_addresses,
        lambda: (b"https://hooks.acme.example/x", b"::ffff:10.0.0.1", b"http://[::1]/", b"whsec_" + b"q" * 43 + b"="),
        ("https://", "[::", "%2e", "@", "whsec_", "64:ff9b::", "0x7f.1"),
    ),
    "logs": Target(
        feed_logs, lambda: (b"token= &x", b"Bearer \xe2\x80\xae", b"https://u:p@h +49 171 2345678"),
        ("token=", "Bearer ", "@", "://", "+", "\x1b[", "pat-", "whsec_"),
    ),
    "inbound": Target(
        feed_inbound, lambda: (b"\x01" + json.dumps(EVENTS).encode(), b"\x00" + bytes(range(40))), ('"objectId":', "[[")
    ),
    "signature": Target(feed_signature, lambda: (bytes(range(number, number + 50)) for number in range(30))),
    "templates": Target(
        feed_templates,
        lambda: (b"{{ name | upper }}", b"{% if phone %}{{ phone }}{% else %}x{% endif %}"),
        ("{%", "%}", "{{", "}}", "| truncate(3)", "default(", "raw", "endraw", "elif", "loop", "__class__", "~"),
    ),
    "crm": Target(crm.ask, lambda: (bytes([number]) + bytes(range(64)) for number in range(len(crm.QUESTIONS)))),
}  # fmt: skip
