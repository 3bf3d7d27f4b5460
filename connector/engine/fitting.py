"""Fitting: do the types and the options of the portal's properties suit the rules? (R32)

Asked of what a run has read of the portal anyway. A type that can never fit stops a run, as a missing property does
(preflight.py). An option that lacks is remarked on: only the condition that names it can never hold. `handoff check`
tells both with line and column.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.engine.ports import Schema
from connector.rules.named_values import Options, unknown_values
from connector.rules.portal_types import wrong_types
from connector.rules.rulebook import Complaint, RuleBook

MOST_TOLD = 5
"""Remarks of one run; `handoff check` has them all."""


def types_that_never_fit(book: RuleBook, schema: Schema) -> list[Complaint]:
    return list(wrong_types(book, {name: info.type for name, info in schema.properties.items()}))


def options_that_lack(book: RuleBook, schema: Schema) -> list[Complaint]:
    """One for each place, named conditions at each of their uses too."""
    options = {
        name: Options(info.options, info.labels)
        for name, info in schema.properties.items()
        if info.type == "enumeration" and info.options
    }
    return list(unknown_values(book, options))


def told(complaints: Sequence[Complaint]) -> tuple[str, ...]:
    """As a run tells them: each once, by file, without line and column."""
    lines = tuple(dict.fromkeys(f"{one.file}.yaml: {one.message}; {one.advice}" for one in complaints))
    more = len(lines) - MOST_TOLD
    rest = (f"{more} more such; `handoff check` has them all, with their lines",) if more > 0 else ()
    return (*lines[:MOST_TOLD], *rest)
