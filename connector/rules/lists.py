"""Lists: which of the portal's lists the rules ask about, so that their new members are pulled (R05).

A workflow's last step, or a person, puts a contact on a list; that is an activity with its instant, and conditions and
scoring read it like any other. What a pattern means is rules/patterns.py's; pulling is engine/pull.py's.
"""

from __future__ import annotations

from collections.abc import Iterator

from connector.domain.activity import LIST_NAMED, LIST_NUMBERED, ActivityKind
from connector.rules.condition import Condition
from connector.rules.patterns import ActivityPattern
from connector.rules.rulebook import RuleBook, find_conditions


def list_streams(book: RuleBook) -> tuple[str, ...]:
    """The stream of each list that a rule asks about, in the order of the rules; none where no rule does."""
    return tuple(dict.fromkeys(stream_of(pattern) for pattern in _patterns(book)))


def stream_in_words(stream: str) -> str:
    """What a stream brings, in the plural: `page views`, `new members of the list “Nurture finished”`."""
    if stream.startswith(LIST_NAMED):
        return f"new members of the list “{stream.removeprefix(LIST_NAMED)}”"
    if stream.startswith(LIST_NUMBERED):
        return f"new members of the list {stream.removeprefix(LIST_NUMBERED)}"
    return stream.replace("_", " ")


def stream_of(pattern: ActivityPattern) -> str:
    """The stream of the list that a pattern of joinings names."""
    return f"{LIST_NUMBERED}{pattern.ref}" if pattern.ref else f"{LIST_NAMED}{pattern.name}"


def _patterns(book: RuleBook) -> Iterator[ActivityPattern]:
    trees = (tree for path, tree in find_conditions(book.qualification, ()) if path[0] != "conditions")  # written out
    asked = (clause for tree in trees for clause in _clauses(tree))
    scored = (rule.pattern for rule in book.scoring.engagement.rules if rule.pattern is not None)
    for pattern in (*asked, *scored):
        if pattern.kind is ActivityKind.LIST_JOINED:
            yield pattern


def _clauses(tree: Condition) -> Iterator[ActivityPattern]:
    if tree.activity is not None:
        yield tree.activity
    for child in tree.children:
        yield from _clauses(child)
