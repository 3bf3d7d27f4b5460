"""What one run did, as pages show it: its figures, and the records that the CRM refused, grouped by its reason.

`handoff sync` shows the same figures of the run that just ended. Reads nothing: rows are Queries' own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connector.domain.run import RunCounts

Row = Mapping[str, object]

NAMED = 5
"""Contacts that a group names; all of them stand in the CSV."""
NO_REASON = "no reason was kept"
REFUSED_COLUMNS = ("run", "contact", "reason", "fields", "episode", "at")
ALWAYS = {
    "contacts_pulled": "contacts pulled",
    "activities_pulled": "activities pulled",
    "decided": "decided",
    "handed_off": "handed over",
    "taken_in": "taken in silently",
    "recycled": "handed back",
    "changes_written": "changes written",
    "changes_rejected": "changes refused",
    "notices_queued": "new notices",
    "notices_sent": "notices sent",
}
WHERE_ANY = {
    "holds_changed": "marketing holds changed",
    "forms_marked": "marked for a form not sent",
    "rescued": "mended by the nightly proof",
    "stranded": "leads heard of no more",
    "held": "held by the guard",
}


def figures(counts: RunCounts, seconds: float | None = None) -> dict[str, object]:
    """Words -> figure, in the order of a run. `seconds`: how long it took; None where that is not known."""
    facts: dict[str, object] = {words: getattr(counts, name) for name, words in ALWAYS.items()}
    facts["API calls"] = _with_purposes(sum(counts.api_calls.values()), counts.quota.by_purpose)
    if seconds is not None:
        facts["seconds"] = f"{seconds:.1f}"
    return facts | {words: found for name, words in WHERE_ANY.items() if (found := getattr(counts, name))}


def _with_purposes(calls: int, by_purpose: Mapping[str, int]) -> object:
    """`34 (streams 20, setup 8, delta 6)`."""
    ordered = sorted(by_purpose.items(), key=lambda one: (-one[1], one[0]))
    return f"{calls} ({', '.join(f'{name} {made}' for name, made in ordered)})" if ordered else calls


def counts_of(stored: object) -> RunCounts:
    """A run's counts as they were stored, also by another version of Handoff; zeros while the run is under way."""
    from dataclasses import fields

    from connector.domain.quota import Spent
    from connector.domain.run import RunCounts
    from connector.rules.completeness import restored

    known = {field.name for field in fields(RunCounts)}
    plain = stored if isinstance(stored, dict) else {}
    found = {name: value for name, value in plain.items() if name in known}
    quota = Spent(**plain["quota"]) if plain.get("quota") else Spent()
    return RunCounts(**found | {"completeness": restored(plain.get("completeness")), "quota": quota})


def by_error(refused: Sequence[Row]) -> list[dict[str, object]]:
    """One group for each reason, the most frequent first: its records, their fields, and who they are."""
    groups: dict[str, list[Row]] = {}
    for row in refused:
        groups.setdefault(str(row["reason"]) or NO_REASON, []).append(row)
    return [
        {
            "reason": reason, "records": len(rows), "fields": _fields(rows),
            "contacts": list(dict.fromkeys(row["contact"] for row in rows)),
        }
        for reason, rows in sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    ]  # fmt: skip


def _fields(rows: Sequence[Row]) -> list[str]:
    """Those that were to be written, the most frequent first."""
    found: Counter[str] = Counter()
    for row in rows:
        names = row["fields"]
        assert isinstance(names, list)
        found.update(names)
    return sorted(found, key=lambda name: (-found[name], name))


def refused_lines(run: str, refused: Sequence[Row]) -> list[list[object]]:
    """The lines of the CSV, one for each record, in the order of REFUSED_COLUMNS."""
    lines = []
    for row in refused:
        names, at = row["fields"], row["at"]
        assert isinstance(names, list)
        instant = at.isoformat() if hasattr(at, "isoformat") else at
        lines.append([run, row["contact"], row["reason"], " ".join(names), row["episode"], instant])
    return lines


def show(row: Row, refused: Sequence[Row], aside: Sequence[Row], zone_name: str) -> None:
    """For people; `aside`: contacts that the run set aside and that are so still."""
    from connector.cli.console import moment, note, pairs, say, table
    from connector.rules.completeness import in_a_sentence
    from connector.rules.local_time import portal_zone
    from connector.rules.words import many

    counts, zone = counts_of(row["counts"]), portal_zone(zone_name)
    begun = {"began": moment(row["started_at"], zone), "as of": moment(row["as_of"], zone), "rules": row["fingerprint"]}
    pairs(f"Run {row['run']}: {str(row['status']).replace('_', ' ')}", begun | figures(counts))
    if row["error"]:
        note(f"  note: {row['error']}")
    as_of = row["as_of"]
    if counts.completeness and isinstance(as_of, datetime):
        say(in_a_sentence(counts.completeness, as_of))
        seen = [
            [stream, moment(one.since, zone) if one.since else "the beginning", "yes" if one.trailing else "", one.rows]
            for stream, one in counts.completeness.items()
        ]
        table("What was read, up to the run's own time", ["stream", "from", "further back", "seen"], seen)
    calls = sorted(counts.api_calls.items(), key=lambda one: (-one[1], one[0]))
    if calls:
        table("API calls", ["call", "calls"], calls)
    if refused:
        groups = [[one["reason"], one["records"], _words(one["fields"]), _words(one["contacts"])]
                  for one in by_error(refused)]
        table("Refused by the CRM, by its reason", ["reason", "records", "fields", "contacts"], groups)
        note(
            f"What to do: correct the value or its mapping; `handoff check` names what does not fit. The next run "
            f"tries again. `handoff runs show {row['run']} --out refused.csv` lists {many(len(refused), 'record')}."
        )
    if aside:
        names = ["contact", "reason", "tries"]
        table("Set aside, and so still", names, [[one[name] for name in names] for one in aside])


def _words(many_words: object) -> str:
    assert isinstance(many_words, list)
    more = f" and {len(many_words) - NAMED} more" if len(many_words) > NAMED else ""
    return ", ".join(str(word) for word in many_words[:NAMED]) + more
