"""Patterns: which activities a rule means, and how people call what they did.

Shared by conditions, scoring, hand-raisers and key pages. A pattern is plain text with `*` for anything; there are no
regular expressions, so that no pattern can be slow. Addresses are compared by their path alone: host, query and
fragment are dropped. Rows that a machine made (Activity.automatic, R09) never match.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from connector.domain.activity import Activity, ActivityKind
from connector.rules.misplaced import MisplacedError

LONGEST_PATTERN = 200
LONGEST_SUBJECT = 2_048
MOST_KNOWN = 8_192
Test = Callable[[str], bool]
ActivityKey = tuple[str, str | None, str]
"""Name, address and ref of an activity: all that a pattern looks at but its kind."""


def _sound_name(pattern: str) -> str:
    if not pattern.strip("* "):
        raise ValueError("would match everything; leave the key out instead")
    return pattern


def _sound_url(pattern: str) -> str:
    if "://" in pattern or "?" in pattern or "#" in pattern:
        raise ValueError("is compared with the path of the address alone; write it like /pricing* or */pricing*")
    if pattern[:1] not in ("/", "*"):
        raise ValueError(f"must begin with / or *; write it like /{pattern} or */{pattern}*")
    return pattern


NamePattern = Annotated[str, Field(max_length=LONGEST_PATTERN), AfterValidator(_sound_name)]
UrlPattern = Annotated[str, Field(max_length=LONGEST_PATTERN), AfterValidator(_sound_url)]


class ActivityPattern(BaseModel):
    """Which activities are meant; every key that is given must fit.

    Attributes:
        name: form, page title or campaign, `*` for anything, case does not matter. Of a list its whole name.
        url: path of the page, or of the link that was clicked.
        ref: form GUID, campaign id or list id, exactly.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: ActivityKind
    name: NamePattern | None = None
    url: UrlPattern | None = None
    ref: str | None = Field(default=None, max_length=LONGEST_PATTERN)

    @model_validator(mode="after")
    def _one_list(self) -> ActivityPattern:
        check_list(self.kind, self.name, self.url, self.ref)
        return self

    @cached_property
    def any_of_kind(self) -> bool:
        """Whether every activity of the kind is meant."""
        return not (self.name or self.url or self.ref)

    @cached_property
    def knows(self) -> Callable[[ActivityKey], bool]:
        """Whether name, address and ref fit; each combination is worked out once, for portals repeat them endlessly."""
        return Known(self._means).__getitem__

    def _means(self, key: ActivityKey) -> bool:
        name, url, ref = key
        if self.name and not glob(self.name)(name):
            return False
        if self.url and (url is None or not path_glob(self.url)(path_of(url))):
            return False
        return not self.ref or ref.casefold() == self.ref.casefold()

    @cached_property
    def fits(self) -> Callable[[Activity], bool]:
        """The pattern as a function; built once."""
        kind, knows = self.kind, self.knows

        def fits(row: Activity) -> bool:
            return row.kind is kind and not row.automatic and knows((row.name, row.url, row.ref))

        return fits

    @property
    def words(self) -> str:
        """What somebody did, in the past tense: `viewed the pricing page`."""
        return phrase(self.kind, self.name or self.list_id, self.url or "")

    @property
    def list_id(self) -> str:
        """Of the list that is meant, where it is known by its id; else empty."""
        return self.ref or "" if self.kind is ActivityKind.LIST_JOINED else ""


def check_list(kind: ActivityKind | None, name: str | None, url: str | None, ref: str | None) -> None:
    """Which list is meant must be said in full, for only lists that rules name are read (R05).

    Raises:
        MisplacedError: none is named, or two, or many by a `*`.
    """
    if kind is not ActivityKind.LIST_JOINED:
        return
    if url:
        raise MisplacedError(("url",), "a list has no address; remove it")
    if (name is None) == (ref is None):
        raise MisplacedError(("kind",), "needs `name`, the list's whole name, or `ref`, its id; give one of them")
    if name is not None and "*" in name:
        raise MisplacedError(("name",), "a list is named in full, without `*`; give each list a condition of its own")
    if ref is not None and not ref.isdecimal():
        raise MisplacedError(("ref",), "is no list's id; write its number, as HubSpot shows it in the list's address")


Answer = TypeVar("Answer")


class Known(dict[ActivityKey, Answer]):
    """Answers by key, worked out when first asked for; begun anew when there are too many of them."""

    def __init__(self, work_out: Callable[[ActivityKey], Answer]) -> None:
        super().__init__()
        self._work_out = work_out

    def __missing__(self, key: ActivityKey) -> Answer:
        if len(self) >= MOST_KNOWN:
            self.clear()
        answer = self[key] = self._work_out(key)
        return answer


@lru_cache(maxsize=512)
def glob(pattern: str) -> Test:
    """A test for texts up to 2,048 characters, longer ones by their beginning; linear in the length of the text."""
    first, *rest = pattern.casefold().split("*")
    if not rest:
        return lambda text: text[:LONGEST_SUBJECT].casefold() == first
    *middle, last = rest
    pieces = tuple(piece for piece in middle if piece)

    def test(text: str) -> bool:
        subject = text[:LONGEST_SUBJECT].casefold()
        if not subject.startswith(first):
            return False
        at = len(first)
        for piece in pieces:
            found = subject.find(piece, at)
            if found < 0:
                return False
            at = found + len(piece)
        return len(subject) - len(last) >= at and subject.endswith(last)

    return test


def path_glob(pattern: str) -> Test:
    """A test for paths as path_of() gives them."""
    return glob(pattern.rstrip("/") or "/")


@lru_cache(maxsize=4096)
def path_of(url: str) -> str:
    """The path of a web address, without host, query, fragment and closing slash; `/` for a home page."""
    rest = url[:LONGEST_SUBJECT].partition("#")[0].partition("?")[0]
    _, mark, after = rest.partition("://")
    rest = after if mark else rest
    if mark or not rest.startswith("/"):
        rest = "/" + rest.partition("/")[2]
    return rest.rstrip("/") or "/"


def phrase(kind: ActivityKind, name: str = "", url: str = "") -> str:
    """An activity, or a pattern of one, in the past tense."""
    what = f"“{name.strip('* ')}”" if name.strip("* ") else ""
    page = page_words(url)
    match kind:
        case ActivityKind.PAGE_VIEW:
            return f"viewed {page or what or 'a page'}"
        case ActivityKind.FORM_SUBMISSION:
            return f"sent the form {what}" if what else "sent a form"
        case ActivityKind.EMAIL_SENT:
            return f"was sent {what or 'an e-mail'}"
        case ActivityKind.EMAIL_OPEN:
            return f"opened {what or 'an e-mail'}"
        case ActivityKind.EMAIL_CLICK:
            link = f"a link to {page}" if page else "a link"
            return f"clicked {link} in {what or 'an e-mail'}"
        case ActivityKind.MEETING:
            return f"booked a meeting ({what})" if what else "booked a meeting"
        case ActivityKind.TOUCH:
            return f"was contacted by sales ({name.strip('* ')})" if what else "was contacted by sales"
        case ActivityKind.LIST_JOINED:
            return f"was put on the list {what}" if what else "was put on a list"


def page_words(url: str) -> str:
    """A path or its pattern as people say it: `*/price-list*` is `the price list page`; empty where it says nothing."""
    parts = [part for part in re.split(r"[/*]+", url.partition("?")[0]) if part]
    word = " ".join(re.split(r"[-_.+]+", parts[-1])).strip() if parts else ""
    return f"the {word} page" if word else ""


def times(count: int) -> str:
    """`once`, `twice`, `3 times`."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
