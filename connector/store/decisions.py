"""Decisions, kept for ever without personal data: labels, points, ids, dates, and sentences that hold neither names nor
addresses (that is the rules' promise). Stored when the unit of work ends, as episodes are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, exists, func, literal_column, select

from connector.domain.contact import ContactId, PortalId
from connector.domain.decision import Decision, Score
from connector.domain.run import RunId
from connector.domain.verdict import Verdict
from connector.store.codec import decode, encode
from connector.store.part import IDS, PORTAL, Part
from connector.store.tables import contact, decision

_newer = decision.alias("newer")
_LATEST_NUMBERS = (
    select(decision.c.contact, func.max(decision.c.number).label("number"))
    .where(decision.c.portal == PORTAL, decision.c.contact.in_(IDS))
    .group_by(decision.c.contact)
    .subquery()
)
_LATEST = (
    select(decision.c.contact, decision.c.number, decision.c.run, decision.c.digest)
    .join(_LATEST_NUMBERS, and_(
        decision.c.contact == _LATEST_NUMBERS.c.contact, decision.c.number == _LATEST_NUMBERS.c.number
    ))
    .where(decision.c.portal == PORTAL)
)
_MERGED_IN = select(contact.c.contact).where(contact.c.portal == PORTAL, contact.c.merged_into == bindparam("contact_"))
_OF_CONTACTS = (
    select(decision)
    .where(decision.c.portal == PORTAL, decision.c.contact.in_(IDS))
    .order_by(decision.c.as_of, decision.c.number, decision.c.contact)
)
_DECIDED = (
    select(decision.c.contact).where(decision.c.portal == PORTAL, decision.c.contact.in_(IDS)).distinct()
)
PREDATES = and_(
    decision.c.portal == PORTAL,
    decision.c.action == literal_column("'predates'"),      # written out, so that the index of just these rows serves
    decision.c.contact.not_like("erased-%"),        # what stays of somebody who was erased waits for nothing
    ~exists().where(
        _newer.c.portal == decision.c.portal, _newer.c.contact == decision.c.contact,
        _newer.c.number > decision.c.number,
    ),
)
"""The latest decision on a contact says that it qualified before Handoff began (R41)."""
_PREDATING = (
    select(decision.c.contact)
    .where(PREDATES, decision.c.contact > bindparam("after"))
    .order_by(decision.c.contact)
    .limit(bindparam("most"))
)
_PREDATING_AMONG = select(decision.c.contact).where(PREDATES, decision.c.contact.in_(IDS))


class Decisions(Part):
    def __init__(self, connection: Connection, portal: PortalId) -> None:
        super().__init__(connection, portal)
        self._decided: list[tuple[RunId, Decision]] = []

    def put_decision(self, run: RunId, decision: Decision) -> None:
        """The same answer twice in one run is one decision."""
        self._decided.append((run, decision))

    def flush(self) -> None:
        super().flush()
        decided, self._decided = self._decided, []
        if not decided:
            return
        latest = {
            row.contact: (row.number, row.run, row.digest)
            for row in self.select_by_id(_LATEST, list({one.contact for _, one in decided}))
        }
        rows: list[dict[str, Any]] = []
        for run, one in decided:
            row = _row(one)
            number, last_run, last_digest = latest.get(one.contact, (0, "", ""))
            if (last_run, last_digest) == (run, row["digest"]):
                continue
            latest[one.contact] = (number + 1, run, row["digest"])
            rows.append({**row, "portal": self.portal, "run": run, "number": number + 1})
        self.insert_new(decision, rows)

    def decisions(self, contact: ContactId) -> list[Mapping[str, object]]:
        """Oldest first, those of contacts merged into this one included; keys as `read_decision` names them."""
        self.flush()
        ids = [contact, *(row.contact for row in self.select(_MERGED_IN, contact_=contact))]
        return [read_decision(row) for row in self.select_by_id(_OF_CONTACTS, ids)]

    def decided(self, ids: Sequence[ContactId]) -> frozenset[ContactId]:
        """Those about whom anything was ever decided."""
        self.flush()
        return frozenset(ContactId(row.contact) for row in self.select_by_id(_DECIDED, ids))

    def in_words(self, one: Decision) -> Mapping[str, object]:
        row = _row(one)
        return read_decision(SimpleNamespace(**row | {"run": "", "number": 0, "body": decode(encode(row["body"]))}))

    def predating_among(self, ids: Sequence[ContactId]) -> frozenset[ContactId]:
        self.flush()
        return frozenset(ContactId(row.contact) for row in self.select_by_id(_PREDATING_AMONG, ids))

    def predating(self, limit: int, after: str) -> list[ContactId]:
        """In id order, those after the id `after`."""
        self.flush()
        return [row.contact for row in self.select(_PREDATING, after=after, most=limit)]


def digest_of(one: Decision) -> str:
    """What tells this answer from any other one; the same in every run and on every day of the replay."""
    digest: str = _row(one)["digest"]
    return digest


def _row(one: Decision) -> dict[str, Any]:
    row = {
        "contact": one.contact, "as_of": one.as_of, "fingerprint": one.fingerprint, "action": one.action,
        "sentence": one.sentence, "episode": one.episode.id if one.episode else None,
        "owner": one.route.owner if one.route else None,
        "score": one.score.total if one.score else None, "grade": one.score.grade if one.score else "",
        "signal_at": one.signal_at, "body": _body(one),
    }
    row["digest"] = sha256(encode(row).encode()).hexdigest()[:16]
    return row


def _body(one: Decision) -> dict[str, Any]:
    """Empty parts are left out: most decisions are short, and there are many."""
    body: dict[str, Any] = {
        "verdicts": [_verdict(verdict) for verdict in one.verdicts],
        "score": _score(one.score),
        "route": one.route and {
            "owner": one.route.owner, "rule": one.route.rule, "sentence": one.route.sentence, "pool": one.route.pool,
            "candidates": [[c.owner, c.why_not] for c in one.route.candidates],
        },
        "before": one.before and [one.before.id, one.before.state, one.before.owner],
        "state": one.episode and one.episode.state,
        "evidence": one.evidence,
        "missing": one.missing,
        "definition": one.definition,
    }
    return {name: part for name, part in body.items() if part}


def _verdict(one: Verdict) -> list[Any]:
    told = [one.rule, one.passed, one.then, one.reasons]
    return [*told, one.clauses] if one.clauses else told


def _score(score: Score | None) -> list[Any] | None:
    if score is None:
        return None
    return [score.fit, score.engagement, score.contributions]


def read_decision(row: Row[Any] | SimpleNamespace) -> dict[str, object]:
    """A decision as plain values.

    Keys: contact, number, run, as_of, fingerprint, action, sentence, episode, state, before {episode, state, owner},
    signal_at, evidence, missing [text], definition, verdicts [{rule, passed, then, reasons, clauses
    [{words, held, seen}]}], score {total, fit, engagement, grade,
    contributions [{group, label, points, occurred_at}]} in hundredths, route {owner, rule, sentence, pool, candidates
    [{owner, why_not}]}. Parts that a decision lacks are None, or empty lists.
    """
    body: dict[str, Any] = row.body
    return {
        "contact": row.contact, "number": row.number, "run": row.run, "as_of": row.as_of,
        "fingerprint": row.fingerprint, "action": row.action, "sentence": row.sentence, "episode": row.episode,
        "state": body.get("state"), "before": _named(("episode", "state", "owner"), body.get("before")),
        "signal_at": row.signal_at, "evidence": body.get("evidence", ""), "missing": body.get("missing", []),
        "definition": body.get("definition", 0),
        "verdicts": [_read_verdict(*verdict) for verdict in body.get("verdicts", [])],
        "score": _read_score(row, body.get("score")), "route": _read_route(body.get("route")),
    }


def _named(names: Sequence[str], values: Sequence[Any] | None) -> dict[str, Any] | None:
    return None if values is None else dict(zip(names, values, strict=True))


def _read_verdict(
    rule: str, passed: bool, then: str, reasons: Sequence[str], clauses: Sequence[Any] = ()
) -> dict[str, Any]:
    told = [_named(("words", "held", "seen"), clause) for clause in clauses]
    return {"rule": rule, "passed": passed, "then": then, "reasons": reasons, "clauses": told}


def _read_score(row: Row[Any] | SimpleNamespace, part: Sequence[Any] | None) -> dict[str, Any] | None:
    if part is None:
        return None
    fit, engagement, lines = part
    contributions = [_named(("group", "label", "points", "occurred_at"), line) for line in lines]
    return {
        "total": row.score, "fit": fit, "engagement": engagement, "grade": row.grade, "contributions": contributions
    }


def _read_route(part: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if part is None:
        return None
    return {**part, "candidates": [_named(("owner", "why_not"), one) for one in part["candidates"]]}
