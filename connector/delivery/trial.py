"""Trial: one invented notice through the real door of a destination, and what its answer means.

For `handoff notifications test`. Nothing of it is stored; the outbox does not know of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from connector.delivery.destinations import Destination
from connector.delivery.door import Answer, Outlet
from connector.delivery.payload import build_body
from connector.delivery.samples import sample_notice
from connector.delivery.signature import sign
from connector.domain.notice import NoticeKind
from connector.errors import SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A body ready to be sent. `entry` is its `webhook-id`, new for each trial: receivers drop what they know."""

    destination: Destination
    entry: str
    body: str


def prepare(destination: Destination, kind: NoticeKind, at: datetime, mention: str = "") -> Trial:
    """One notice of a kind, built as real ones are.

    Args:
        mention: e-mail or owner id as `owners` has it; empty mentions nobody.
    Raises:
        SettingsError: `owners` of the destination has no such rep.
    """
    if mention and mention.lower() not in destination.members:
        raise SettingsError(
            f"--mention: `owners` of the destination {destination.name} has no {mention!r}",
            advice="Write it as notifications.yaml has it; only slack, teams and google_chat mention people.",
        )
    rep = {"id": mention or "1", "name": "Test Rep", "email": mention} if mention else None
    entry = f"fx_test_{secrets.token_hex(8)}"
    notice = sample_notice(kind, destination.name, at, rep)
    return Trial(destination=destination, entry=entry, body=build_body(destination, notice, entry))


def send(trial: Trial, outlet: Outlet, at: datetime) -> Answer:
    """Post it with the headers of a real notice, signed where real ones are.

    Args:
        at: by the wall clock; receivers refuse what is five minutes off.
    """
    headers = {"Content-Type": "application/json"}
    if trial.destination.secrets:
        headers |= sign(trial.destination.secrets, trial.entry, at, trial.body)
    return outlet.post(trial.destination.url, trial.body.encode(), headers)


def what_to_do(answer: Answer, destination: Destination) -> str:
    """Advice for an answer that is no 2xx; one sentence or two."""
    status = answer.status
    if status is None:
        known = (advice for part, advice in BY_PROBLEM.items() if part in answer.problem)
        return next(known, "Check the address, and whether the receiver runs.")
    if 300 <= status < 400:
        return "Redirects are not followed: set the address that it leads to."
    if status in (401, 403) and destination.secrets:
        return "Receiver and Handoff must have the same secret, and clocks that agree within five minutes."
    if status in BY_STATUS:
        return BY_STATUS[status]
    if 400 <= status < 500:
        return "The receiver refuses what it gets; `--show` prints the body. Its own log says why."
    return "The receiver has trouble of its own; try again later. Real notices would be tried again for three days."


BY_STATUS: Mapping[int, str] = MappingProxyType(
    {
        401: "The address is not valid any more: make a new webhook and set its address.",
        403: "The address is not valid any more, or the channel was closed: make a new webhook and set its address.",
        404: "There is no such webhook: copy its address again, whole, or make a new one.",
        410: "The webhook was removed: make a new one and set its address.",
        413: "The receiver takes smaller bodies only; ours are below 20 kB.",
        429: "The receiver asks for patience: try again in a minute.",
    }
)
BY_PROBLEM: Mapping[str, str] = MappingProxyType(
    {
        "private network": "If that is meant, name the host in HANDOFF_ALLOW_HOSTS.",
        "only https on port 443": "Use https, or name host and port in HANDOFF_ALLOW_HOSTS.",
        "not resolve": "Check the host's name in the address.",
        "certificate": "The receiver's certificate must be valid for its name; behind a TLS-inspecting proxy set "
        "HANDOFF_CA_FILE.",
        "no answer": "The receiver should answer first and work later.",
        "not installed": "Run: pip install 'handoff-connector[notify]'",
        "without TLS": "Use mailtos: in its address, or name host and port in HANDOFF_ALLOW_HOSTS.",
        "only ports": "Name host and port in HANDOFF_ALLOW_HOSTS.",
        "did not take it": "Check address, login and addressees; the service's own log says more.",
    }
)
