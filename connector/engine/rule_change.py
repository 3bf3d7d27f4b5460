"""Rule change: what another rule book would do to the leads that are stored, before it does it (R35).

Every stored contact is decided twice, by the rules of before and by the new ones, as of one instant and on the same
facts. Reads only, in pages; asks nothing of the CRM. What clocks, notices and reports would do is not decided here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from connector.domain.contact import ContactId
from connector.domain.record import Record
from connector.engine.gathering import Gathered, gather, situations_of, with_account
from connector.engine.kept import in_force
from connector.engine.ports import NoProgress, PortalState, Progress, StoredContact, UnitOfWork
from connector.rules.consequences import MOVING, WORDS, Answer, Consequence, answer, consequences
from connector.rules.decide import decide
from connector.rules.fields import normalise
from connector.rules.rulebook import RuleBook
from connector.rules.situation import Situation

PAGE = 200
SAMPLES = 5
"""Ids named of each kind of change."""


class Books(NamedTuple):
    """The rules of before and those that are compared with them, both in the portal's zone."""

    before: RuleBook
    after: RuleBook

    @property
    def read_alike(self) -> bool:
        """Whether both read a stored contact in the same way."""
        return self.before.fields == self.after.fields and self.before.stages == self.after.stages


@dataclass(slots=True, kw_only=True)
class RuleChange:
    """What would become of the leads.

    Attributes:
        before, after: fingerprints. contacts: how many were decided by both.
        moved: contacts with any change but that of a score.
        counts: kind -> contacts; samples: kind -> the first few ids.
        undecided: contacts that one of the books could not decide.
        unread: properties that only the new book maps; they are empty here, for nobody has pulled them yet.
    """

    before: str
    after: str
    contacts: int = 0
    moved: int = 0
    counts: Counter[Consequence] = field(default_factory=Counter)
    samples: dict[Consequence, list[ContactId]] = field(default_factory=dict)
    undecided: int = 0
    unread: Sequence[str] = ()

    def note(self, contact: ContactId, found: frozenset[Consequence]) -> None:
        self.contacts += 1
        self.moved += not found.isdisjoint(MOVING)
        for kind in found:
            self.counts[kind] += 1
            some = self.samples.setdefault(kind, [])
            if len(some) < SAMPLES:
                some.append(contact)

    @property
    def sentence(self) -> str:
        """`142 contacts would change stage, 9 would leave sales' hands`; the rest where it is not nothing."""
        always = (Consequence.STAGE, Consequence.LEAVES_SALES)
        rest = [kind for kind in Consequence if self.counts[kind] and kind not in always]
        first, *more = [f"{self.counts[kind]:,} {WORDS[kind]}" for kind in (*always, *rest)]
        number, _, words = first.partition(" ")
        return ", ".join([f"{number} {'contact' if number == '1' else 'contacts'} {words}", *more])

    def as_dict(self) -> dict[str, object]:
        """For `--json`."""
        return {
            **self.stored(),
            "samples": {kind.value: list(ids) for kind, ids in self.samples.items()},
            "not_pulled_yet": list(self.unread),
        }

    def stored(self) -> dict[str, object]:
        """For the version's row: counts alone, for what names a person would have to be erased with it (I11)."""
        return {
            "before": self.before,
            "contacts": self.contacts,
            "moved": self.moved,
            **{kind.value: self.counts[kind] for kind in Consequence},
            "undecided": self.undecided,
        }


def compare(
    uow: UnitOfWork,
    books: Books,
    *,
    state: PortalState,
    now: datetime,
    progress: Progress | None = None,
) -> RuleChange:
    """Decide every stored contact by both books.

    Args:
        books: in the portal's zone (RuleBook.in_zone).
        now: the instant of both decisions: that of the run that begins, or of the last one.
    """
    before, after = books
    made = RuleChange(before=before.fingerprint, after=after.fingerprint, unread=_unread(books))
    progress = progress or NoProgress()
    look_back = max(before.scoring.look_back, after.scoring.look_back)
    last = ""
    while page := uow.contact_ids_after(last, PAGE):
        last = page[-1]
        gathered = gather(uow, page, now=now, look_back=look_back)
        old = situations_of(gathered, before, portal=state.id, past=state.handoff_since)
        new = old
        if not books.read_alike or before.scoring.scanners != after.scoring.scanners:
            new = situations_of(_read_anew(gathered, books), after, portal=state.id, past=state.handoff_since)
        for contact in gathered.stored:
            _compare_one(made, gathered, (old[contact], new[contact]), books, now)
        progress.step("comparing rules", made.contacts)
    return made


def _compare_one(
    made: RuleChange, gathered: Gathered, situations: tuple[Situation, Situation], books: Books, now: datetime
) -> None:
    contact, on_list = situations[0].contact.id, gathered.stored[situations[0].contact.id].on_list
    try:
        before, after = (
            _answer(with_account(one, gathered), book, on_list=on_list, now=now)
            for one, book in zip(situations, books, strict=True)
        )
    except Exception:  # around one contact: the others are compared; the run sets this one aside and says where (P5)
        made.undecided += 1
        return
    made.note(contact, consequences(before, after))


def _answer(situation: Situation, book: RuleBook, *, on_list: bool, now: datetime) -> Answer:
    return answer(decide(situation, book, now=now), situation.contact, book, on_list=on_list)


def _read_anew(gathered: Gathered, books: Books) -> Gathered:
    """The same contacts as the new book reads their wire values; stored ones are read by the rules of before."""
    if books.read_alike:
        return gathered
    rules, values = books.after.fields, books.after.stages.values
    stored: dict[ContactId, StoredContact] = {}
    for key, row in gathered.stored.items():
        one = row.contact
        known, made, moved = in_force(row.raw), one.created_at, one.modified_at
        record = Record(id=one.id, asked_id=one.id, properties=known, created_at=made, modified_at=moved)
        read = normalise(record, rules, values)
        dates = {name: at for name, at in one.changed_at.items() if name in rules.fields}
        stored[key] = replace(row, contact=replace(read, changed_at=dates))
    return replace(gathered, stored=stored)


def _unread(books: Books) -> tuple[str, ...]:
    old, new = (_properties(book) for book in books)
    return tuple(sorted(set(new) - set(old)))


def _properties(book: RuleBook) -> Mapping[str, None]:
    return {rule.property: None for rule in book.fields.fields.values() if rule.property is not None}
