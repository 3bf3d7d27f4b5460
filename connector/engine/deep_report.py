"""What a deep check found (engine/deep.py), as `handoff check --deep --json` prints it: ids and names of fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from connector.domain.contact import ContactId

NAMED = 1_000
"""So many are named; all are counted."""


class Kind(StrEnum):
    MISSING = "missing here"
    GONE = "gone in the CRM"
    MERGED = "merged in the CRM"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`fields`: by their names in fields.yaml, where the contact is on both sides and values differ."""

    contact: ContactId
    kind: Kind
    fields: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class DeepReport:
    """What was compared, and what differs.

    Attributes:
        covered: the watermark of contacts; `until`: what was changed later is not judged.
        whole: all contacts, not a sample.
        ours, theirs: contacts looked up there, and shown by the CRM and looked up here.
        open: contacts that differ and were changed, or archived, after `until`: the next run is to bring them.
        set_aside: records that could not be taken in; `handoff runs` lists them.
        erased: contacts in the CRM of people who were erased here, on purpose.
        kinds: how many of each; fields: in how many contacts a field differs.
        differences: the first thousand.
    """

    portal: str
    covered: datetime
    until: datetime
    whole: bool
    ours: int = 0
    theirs: int = 0
    open: int = 0
    set_aside: int = 0
    erased: int = 0
    kinds: Counter[Kind] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    api_calls: Mapping[str, int] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        return 1 if self.kinds else 0

    def name(self, found: Difference) -> None:
        self.kinds[found.kind] += 1
        self.fields.update(found.fields)
        if len(self.differences) < NAMED:
            self.differences.append(found)

    def as_dict(self) -> dict[str, object]:
        return {
            "portal": self.portal,
            "covered": self.covered.isoformat(),
            "until": self.until.isoformat(),
            "whole": self.whole,
            "ours": self.ours,
            "theirs": self.theirs,
            "open": self.open,
            "set_aside": self.set_aside,
            "erased": self.erased,
            "kinds": {kind.value: number for kind, number in sorted(self.kinds.items())},
            "fields": dict(sorted(self.fields.items())),
            "differences": [
                {"contact": one.contact, "kind": one.kind.value, "fields": list(one.fields)} for one in self.differences
            ],
            "api_calls": dict(self.api_calls),
        }
