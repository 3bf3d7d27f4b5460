"""`handoff init`, `check` and `adopt`: from an empty folder to a portal that is looked after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from connector.bootstrap import Connector

JsonFlag = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]


def register(app: typer.Typer) -> None:
    app.command("init", epilog="Example: handoff init --template agency && handoff init --apply")(init)
    app.command("check", epilog="Example: handoff check")(check)
    app.command("adopt", epilog="Example: handoff adopt --apply mql --per-rep-per-day 5")(adopt)


def init(
    apply: Annotated[
        bool, typer.Option("--apply", help="Also make Handoff's properties, group and list in the portal.")
    ] = False,
    template: Annotated[
        str, typer.Option("--template", help="Write a ready rule book instead; `list` shows which there are.")
    ] = "",
) -> int:
    """Write missing rule files; --apply also prepares the portal.

    In the portal it makes Handoff's contact properties, their group and one list. Safe to repeat.
    """
    from connector.cli.console import say
    from connector.cli.start import start
    from connector.config.defaults import write_mappings
    from connector.config.templates import TEMPLATES, named, write_template

    if template == "list":
        _show_templates(TEMPLATES)
        return 0
    settings = start()
    folder = settings.mappings_dir
    for path in write_template(folder, named(template)) if template else write_mappings(folder):
        say(f"wrote {path}")
    say(f"Rules are in {settings.mappings_dir}/: one file per question, each explains itself.")
    if not apply:
        from connector.crm.hubspot.scopes import SCOPES

        say("The token needs these scopes: " + ", ".join(SCOPES))
        first = "" if settings.has_credentials else "set HUBSPOT_ACCESS_TOKEN, then "
        say(f"Next: {first}`handoff init --apply` makes the properties and the list.")
        return 0
    from connector.bootstrap import connect

    with connect(settings) as connector:
        made = connector.make_owned()
        for sentence in made or ("Handoff's properties, their group and the list were all there already.",):
            say(sentence)
        held = connector.book.suppression.marketing_hold.list
    say(f'Marketing must do one thing: every workflow and mailing excludes the list "{held}";')
    say("the list alone holds nothing back. Next: `handoff check`.")
    return 0


def _show_templates(known: Mapping[str, str]) -> None:
    from connector.cli.console import say, table

    table("Rule books", ["template", "for whom"], list(known.items()), whole=["template"])
    say("`handoff init --template NAME` writes one; docs/rules/templates/ tells what ninety days with each end with.")


def check(
    deep: Annotated[
        bool, typer.Option("--deep", help="Compare stored contacts with the portal's instead, and name what differs.")
    ] = False,
    sample: Annotated[
        int | None, typer.Option("--sample", min=1, help="With --deep: so many contacts, at random (1,000).")
    ] = None,
    whole: Annotated[bool, typer.Option("--all", help="With --deep: every contact.")] = False,
    as_json: JsonFlag = False,
) -> int:
    """Ask whether settings, rules and portal fit. Changes nothing.

    Looks at scopes, properties, stages, owners and the list, at the receivers of notices and the place of the database.
    --deep ends with exit code 1 where something differs.
    """
    from connector.cli.deep_check import deep_check, only_with_deep

    if deep:
        return deep_check(sample, whole=whole, as_json=as_json)
    only_with_deep(sample, whole=whole)
    from connector.bootstrap import connect
    from connector.cli.console import note, print_json, say
    from connector.cli.start import start
    from connector.rules.words import many

    with connect(start()) as connector:
        found, advice, remarks, facts = _look(connector)
    if as_json:
        print_json({**facts, "complaints": found, "remarks": remarks})
        return 2 if found else 0
    for name, value in facts.items():
        say(f"{name}: {value}")
    for line in remarks:
        note(f"note: {line}")
    for line in found:
        note(f"Error: {line}")
    if found:
        note(f"What to do: {' '.join(dict.fromkeys(advice))}")
        return 2
    but = f", apart from the {many(len(remarks), 'note')} above" if remarks else ""
    say(f"All fits{but}. `handoff preview` shows what the next sync would do; it changes nothing.")
    return 0


RULES_ADVICE = "Mend the files in mappings/, or run `handoff init --apply` for Handoff's own properties."


def _look(connector: Connector) -> tuple[list[str], list[str], list[str], dict[str, object]]:
    """Complaints, what to do about them, remarks, facts."""
    from connector.checking import Checking
    from connector.config.mappings import doubts_of, placed
    from connector.crm.hubspot.scopes import asked_by, judge
    from connector.crm.hubspot.sunsets import fading
    from connector.engine.absent import absences
    from connector.engine.fitting import options_that_lack, types_that_never_fit
    from connector.engine.preflight import SCOPES_ADVICE, complaints, paused
    from connector.engine.preflight import remarks as left
    from connector.rules.definition import review
    from connector.rules.qualification import warnings

    portal, checking = connector.portal(), Checking(connector)
    misfits = checking.misfits(portal)
    found, advice = [str(misfit) for misfit in misfits], [misfit.advice for misfit in misfits]
    granted = connector.gateway.scopes()
    lacking, scope_remarks = judge(granted, **asked_by(connector.book)) if granted is not None else ((), ())
    if lacking:
        return [*lacking, *found], [SCOPES_ADVICE, *advice], list(scope_remarks), {"portal": portal.id}
    owners, schema = connector.gateway.owners(), connector.schema()
    folder, book = connector.settings.mappings_dir, connector.book
    lacks = [*complaints(book, schema, owners), *placed(folder, types_that_never_fit(book, schema))]
    lacks += checking.missing_lists()
    due = review(connector.book.qualification.definition, portal.now.date())
    remarks = [*scope_remarks, *fading(connector.settings.api_version, portal.now.date())]
    remarks += [*warnings(book.qualification), *doubts_of(folder, book), *([due] if due else [])]
    remarks += [*paused(book, schema), *left(book, owners), *placed(folder, options_that_lack(book, schema))]
    remarks += [*absences(connector.book, connector.gateway.forms(), owners, schema), *checking.destinations_off()]
    remarks += [*checking.unused(), *checking.standing(portal), *checking.refused_streams(portal)]
    held = connector.book.suppression.marketing_hold.list
    found_list = connector.gateway.find_list(held)
    if found_list is not None and found_list.is_writable:
        remarks += checking.strangers(found_list, portal)
    else:
        lacks.append(f"suppression.yaml: the portal has no list “{held}” yet; `handoff init --apply` makes it")
    facts: dict[str, object] = {
        "portal": portal.id,
        "time zone": portal.time_zone,
        "owners": sum(not owner.archived for owner in owners),
        "properties": len(schema.properties),
        "rules": connector.book.fingerprint,
        "answers by link": checking.why_no_answers() or "in notices to reps",
    }
    return [*lacks, *found], [*([RULES_ADVICE] if lacks else []), *advice], remarks, facts


def adopt(
    cohort: Annotated[
        str, typer.Option("--apply", help="mql, sql, opportunity or qualified: bring these to life.")
    ] = "",
    per_rep_per_day: Annotated[int, typer.Option(min=1, max=1000, help="At most so many for each rep and day.")] = 5,
    stop: Annotated[bool, typer.Option("--stop", help="Adopt no more of any cohort.")] = False,
    as_json: JsonFlag = False,
) -> int:
    """Show what was there before Handoff, or bring it to life.

    A cohort comes to life at a pace that reps can bear: each sync brings some, with clock, list and notice.
    """
    from dataclasses import replace

    from connector.bootstrap import open_database
    from connector.cli.console import print_json, say, table
    from connector.cli.start import start
    from connector.engine.adopt import COHORTS, QUALIFIED
    from connector.errors import SettingsError
    from connector.store import Queries

    if cohort and cohort not in (*COHORTS, QUALIFIED):
        raise SettingsError(
            f"--apply: there is no cohort {cohort!r}", advice=f"Cohorts: {', '.join((*COHORTS, QUALIFIED))}."
        )
    store = open_database(start(), None)
    try:
        if cohort or stop:
            with store.lease(), store.transaction() as uow:
                state = uow.portal_state()
                if state is None or state.as_of is None:
                    raise SettingsError("nothing is known of this portal yet", advice="Run `handoff sync` first.")
                plan = {} if stop else {**state.adopting, cohort: per_rep_per_day}
                uow.put_portal_state(replace(state, adopting=plan))
        waiting = Queries(store).cohorts()
        with store.reading() as uow:
            state = uow.portal_state()
            adopting = dict(state.adopting) if state else {}
    finally:
        store.close()
    if as_json:
        print_json({"waiting": waiting, "adopting": adopting})
        return 0
    rows = [[name, waiting.get(name, 0), adopting.get(name, "")] for name in (*COHORTS, QUALIFIED)]
    table("Before Handoff came", ["cohort", "waiting", "per rep and day"], rows)
    if adopting:
        say("Each sync brings some to life, with clock, list and notice. `handoff adopt --stop` ends it.")
    else:
        say("They stay as they are until you say so: `handoff adopt --apply mql --per-rep-per-day 5`.")
    return 0
