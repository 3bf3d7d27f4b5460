"""Absent: forms, teams and answers that the rules name and the portal does not have. `handoff check` remarks on them.

Unlike a missing property (preflight.py) they stop no run: a form that is renamed or made tomorrow is found tomorrow,
leads of a team without members go to the next pool, and an answer that nobody can give is not given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connector.domain.owner import Owner
from connector.engine.ports import Form, Schema
from connector.rules.fields import property_of
from connector.rules.patterns import glob
from connector.rules.rulebook import RuleBook
from connector.rules.suggestions import nearest


def absences(book: RuleBook, forms: Sequence[Form], owners: Sequence[Owner], schema: Schema) -> tuple[str, ...]:
    """One sentence for each; `forms` empty where the portal does not show them, of which nothing is said then."""
    return (*(_forms(book, forms) if forms else ()), *_teams(book, owners), *_answers(book, schema))


def _answers(book: RuleBook, schema: Schema) -> Iterator[str]:
    answers = {"verdict": book.recycling.verdicts, "verdict_reason": book.recycling.reasons}
    for field, wanted in answers.items():
        info = schema.properties.get(property_of(field, book.fields))
        lacking = [value for value in wanted if info is not None and info.options and value not in info.options]
        if lacking:
            yield (
                f"recycling.yaml: the portal's property `{property_of(field, book.fields)}` does not offer "
                f"{', '.join(lacking)}, so sales cannot answer that; `handoff init --apply` adds it."
            )


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


def forms_gone(book: RuleBook, forms: Sequence[Form]) -> tuple[str, ...]:
    """For a run's report: of whom it cannot be said that they left a form unsent, for the form is no more (R08)."""
    gone = dict.fromkeys(rule.form for rule in book.qualification.abandoned_forms if _is_gone(rule.form, forms))
    return tuple(
        f"qualification.yaml: the portal has no form “{form}”, so nobody is marked as having left it unsent; name "
        "one that it has under `abandoned_forms`"
        for form in gone
    )


def marks_a_form_that_is_gone(book: RuleBook, mark: str, forms: Sequence[Form]) -> bool:
    """Whether sending it could not be seen: a form that was renamed is sent under another name (P7)."""
    asked = [rule.form for rule in book.qualification.abandoned_forms if rule.mark == mark]
    return bool(asked) and all(_is_gone(form, forms) for form in asked)


def _is_gone(wanted: str, forms: Sequence[Form]) -> bool:
    """False where no forms are known."""
    is_meant = glob(wanted)
    return bool(forms) and not any(is_meant(form.name) or is_meant(form.ref) for form in forms)


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
