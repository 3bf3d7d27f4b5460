"""Absent: forms and teams that the rules name and the portal does not have. `handoff check` remarks on them.

Unlike a missing property (preflight.py) they stop no run: a form that is renamed or made tomorrow is found tomorrow,
and leads of a team without members go to the next pool.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connector.domain.owner import Owner
from connector.engine.ports import Form
from connector.rules.patterns import glob
from connector.rules.rulebook import RuleBook
from connector.rules.suggestions import nearest


def absences(book: RuleBook, forms: Sequence[Form], owners: Sequence[Owner]) -> tuple[str, ...]:
    """One sentence for each; `forms` empty where the portal does not show them, of which nothing is said then."""
    return (*(_forms(book, forms) if forms else ()), *_teams(book, owners))


def _forms(book: RuleBook, forms: Sequence[Form]) -> Iterator[str]:
    asked = {hand.form: "nobody can ask for sales by it" for hand in book.qualification.hand_raisers.forms}
    for left_open in book.qualification.abandoned_forms:
        asked.setdefault(left_open.form, "nobody can be reminded of it")
    names = [form.name for form in forms]
    for wanted, so in asked.items():
        is_meant = glob(wanted)
        if not any(is_meant(form.name) or is_meant(form.ref) for form in forms):
            near = nearest(wanted, names)
            yield f"qualification.yaml: the portal has no form “{wanted}”: {so}{f'; {near}' if near else '.'}"


def _teams(book: RuleBook, owners: Sequence[Owner]) -> Iterator[str]:
    there = {team for owner in owners if not owner.archived for team in owner.teams}
    for name, pool in book.routing.pools.items():
        for team in pool.teams:
            if team not in there:
                near = nearest(team, there)
                yield (
                    f"routing.yaml: nobody in the portal is in the team “{team}” of the pool `{name}`"
                    f"{f'; {near}' if near else '.'}"
                )
