"""Answer links: addresses by which whoever has a lead answers from a notice, signed so that nobody can make one (R20).

A link names a notice and one kind of answer, and carries a keyed digest of the two: 160 bits that nobody without the
secret can work out. It holds no personal data and is not stored anywhere but in the body that carries it. Whether a
genuine link may still be used is rules/answers.py's; the pages are web/answers.py's.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from connector.delivery.destinations import Destination
from connector.domain.answer import AnswerKind
from connector.domain.contact import PortalId
from connector.domain.episode import Hop
from connector.domain.notice import Notice
from connector.rules.answers import TOLD_WITH
from connector.rules.notifications import HOLDERS, Role, audience

PATH = "/answer/"
SIGNS = 40
"""Hexadecimal digits of the digest."""
TOKEN = re.compile(rf"([a-z]{{1,20}})-([0-9a-f]{{32}})-([0-9a-f]{{{SIGNS}}})", re.ASCII)
PREFIX = "fx_"
"""Before the hexadecimal digits of an effect's id (domain/effect.py)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLinks:
    """Makes and reads links.

    Attributes:
        base_url: under which reps reach the server, without a slash at its end.
        secrets: the new one first; it signs, either is accepted.
        offered: what may be answered on each hop (rules/answers.py).
    """

    base_url: str
    portal: PortalId
    secrets: tuple[str, ...] = field(repr=False)
    offered: Mapping[Hop, Sequence[AnswerKind]] = field(default_factory=dict)

    def of(self, notice: Notice, destination: Destination, entry: str) -> dict[AnswerKind, str]:
        """The links for one notice at one destination; none where others than the lead's holder read it."""
        if not destination.personal or notice.kind not in TOLD_WITH or notice.contact is None:
            return {}
        readers = audience(notice) & destination.to
        if not readers or not readers <= HOLDERS or not entry.startswith(PREFIX):
            return {}
        if notice.owner is None and Role.AGENCY not in readers:
            return {}
        hop = Hop.SALES if Role.REP in readers else Hop.TELEQUALIFICATION
        return {kind: self.url(entry, kind) for kind in self.offered.get(hop, ())}

    def url(self, entry: str, kind: AnswerKind) -> str:
        digest = self._digest(self.secrets[0], entry, kind)
        return f"{self.base_url}{PATH}{kind.value}-{entry.removeprefix(PREFIX)}-{digest}"

    def read(self, token: str) -> tuple[str, AnswerKind] | None:
        """The notice's id and the kind of a genuine token; None for all others. Takes as long for either."""
        found = TOKEN.fullmatch(token)
        if found is None or found[1] not in _KINDS:
            return None
        kind, entry = AnswerKind(found[1]), PREFIX + found[2]
        wanted = [self._digest(secret, entry, kind) for secret in self.secrets]
        return (entry, kind) if _is_one_of(found[3], wanted) else None

    def _digest(self, secret: str, entry: str, kind: AnswerKind) -> str:
        said = "\x1f".join(("handoff answer", self.portal, entry, kind.value))
        return hmac.new(secret.encode(), said.encode(), hashlib.sha256).hexdigest()[:SIGNS]


_KINDS = frozenset(kind.value for kind in AnswerKind)


def _is_one_of(given: str, wanted: Iterable[str]) -> bool:
    """In constant time, whichever it is."""
    found = False
    for one in wanted:
        found |= hmac.compare_digest(given, one)
    return found
