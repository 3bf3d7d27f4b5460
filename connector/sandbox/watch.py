"""What the sandbox is told to watch of one client, and what it saw it do wrong; the rules are invariants.py's.

Nothing is watched before `PUT /_sandbox/invariants?portal=ID` says what. Keys of its body, all but `lists` optional:

| key | meaning |
|---|---|
| token | whose calls are watched; default: the portal's own token |
| lists | names or ids of the suppression lists; the client may change no other |
| owned | properties of contacts that the client alone fills |
| shared | properties of contacts that people and the client fill |
| answers | properties that people fill and the client may only empty |
| state, episode | which of the owned ones hold the lead's state and the id of its episode |
| held | states in which a lead is with sales, and its contact on the list |
| kept | states that end an episode and leave the contact on the list |
| ended | states that end an episode |
| free_stages | lifecycle stages whose contacts no list holds (a customer keeps getting mails) |
| scopes | the scopes that the client needs; a call that needs another breaks S2; null = any |
| error_share, error_calls | most error answers of a day's calls (0.05), judged from so many calls on (400) |

`GET /_sandbox/violations?portal=ID` gives `violations`, oldest first, and `unsettled`: what must be mended before the
client's run ends (an overwritten edit that is not put back, a stage that was cleared and not set).
`DELETE` forgets both.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Any

from .app import ApiError, Request, Response, route
from .portal import Portal

_NAMES = ("lists", "owned", "shared", "answers", "held", "kept", "ended", "free_stages")


@dataclass(frozen=True, slots=True)
class Told:
    """The facts of the table above."""

    lists: frozenset[str]
    token: str | None = None
    owned: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()
    answers: frozenset[str] = frozenset()
    state: str = ""
    episode: str = ""
    held: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
    ended: frozenset[str] = frozenset()
    free_stages: frozenset[str] = frozenset()
    scopes: frozenset[str] | None = None
    error_share: float = 0.05
    error_calls: int = 400


@dataclass(slots=True)
class Edit:
    """A person's value that the client has not read yet.

    `chances`: calls since in which it could have looked; none means that its write was already on the way.
    """

    value: str
    chances: int = 0


@dataclass(slots=True)
class Watch:
    """One portal's watch.

    Attributes:
        unread: (contact, property) -> a person's edit that the client has not read.
        overwritten: (contact, property) -> the person's value over which the client wrote unknowingly.
        cleared: contacts whose stage the client emptied and has not set again.
        excused: contacts that were merged or brought back: their earlier episode ended without a word in the CRM.
        unclear: calls that change something and whose answer the client never got; method, path and body.
    """

    told: Told
    violations: list[dict[str, Any]] = field(default_factory=list)
    unread: dict[tuple[str, str], Edit] = field(default_factory=dict)
    overwritten: dict[tuple[str, str], str] = field(default_factory=dict)
    cleared: set[str] = field(default_factory=set)
    excused: set[str] = field(default_factory=set)
    unclear: set[tuple[str, str, bytes]] = field(default_factory=set)
    calls: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)

    def blame(self, rule: str, message: str, request: Request | None = None, **facts: Any) -> None:
        """Keep a violation."""
        call = f"{request.method} {request.path}" if request else ""
        self.violations.append({"rule": rule, "message": message, "call": call, **facts})


@dataclass(slots=True)
class Watches:
    """The portal's watch, where there is one."""

    watch: Watch | None = None


def watch_of(portal: Portal) -> Watch | None:
    """Give the portal's watch, None where nothing is watched."""
    return portal.state("watch", Watches).watch


def read_told(body: dict[str, Any]) -> Told:
    """Read the body of PUT /_sandbox/invariants.

    Raises:
        ValueError: an unknown key or a value of the wrong kind; the text names it.
    """
    known = {each.name for each in fields(Told)}
    if unknown := set(body) - known:
        raise ValueError(f"unknown key {sorted(unknown)[0]!r}; known: {', '.join(sorted(known))}")
    if not body.get("lists"):
        raise ValueError("lists: name at least one suppression list")
    values = dict(body)
    for name in (*_NAMES, "scopes"):
        given = values.get(name)
        if given is None:
            values.pop(name, None)
        elif not isinstance(given, list) or not all(isinstance(each, str) for each in given):
            raise ValueError(f"{name} is a list of names")
        else:
            values[name] = frozenset(given)
    return Told(**values)


@route("PUT", "/_sandbox/invariants", auth=False, limit="none")
def put_invariants(request: Request) -> Response:
    """Watch a client of this portal from now on; what it did wrong so far stays told."""
    try:
        told = read_told(request.json_object())
    except (ValueError, TypeError) as error:
        raise ApiError(400, "VALIDATION_ERROR", f"invariants: {error}") from error
    watches = request.portal.state("watch", Watches)
    if watches.watch is None:
        watches.watch = Watch(told)
    else:
        watches.watch.told = told
    return Response(204)


@route("DELETE", "/_sandbox/invariants", auth=False, limit="none")
def delete_invariants(request: Request) -> Response:
    """Watch nothing any more."""
    request.portal.state("watch", Watches).watch = None
    return Response(204)
