"""`handoff explain` and `leads`: what sales and marketing want to know of leads. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from connector.cli.forms import FEW, FewForms, Out, form_of, give

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.config.settings import Settings

COLUMNS = ("contact", "lead", "owner", "state", "score", "due", "in work since")
SILENT_COLUMNS = ("contact", "owner", "state", "since", "why")

JsonFlag = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]


def register(app: typer.Typer) -> None:
    app.command("explain", epilog="Example: handoff explain ana@acme.example --as-of 2026-03-01")(explain)
    app.command("leads", epilog="Example: handoff leads --hot")(leads)


def explain(
    contact: Annotated[str, typer.Argument(help="Record id or e-mail address.")],
    as_of: Annotated[str, typer.Option("--as-of", help="Explain as it stood on that day, such as 2026-03-01.")] = "",
    form: FewForms = "",
    out: Out = "",
    as_json: JsonFlag = False,
) -> int:
    """Say why a lead did or did not go to sales.

    Tells path, score, what was missing, owner, clock, history and what was written, from what was stored.
    """
    from connector.bootstrap import open_database
    from connector.cli.console import json_text
    from connector.cli.explain_page import explain_page
    from connector.cli.instants import day_gone_by
    from connector.cli.start import start
    from connector.config.mappings import load_rulebook
    from connector.engine import explain as engine
    from connector.errors import SettingsError
    from connector.rules.local_time import portal_zone

    chosen = form_of(form, out, as_json, FEW)
    settings = start()
    book = load_rulebook(settings.mappings_dir)
    store = open_database(settings, None)
    try:
        with store.reading() as uow:
            found = uow.find_contact(contact)
            state = uow.portal_state()
            zone = state.time_zone if state else "UTC"
            day = day_gone_by("--as-of", as_of, portal_zone(zone), known=state.as_of if state else None)
            explanation = engine.explain(uow, found, book, as_of=day, time_zone=zone) if found else None
    finally:
        store.close()
    if explanation is None:
        raise SettingsError(
            "no such contact is known here",
            advice="Give its record id or its e-mail address; `handoff sync` pulls new ones.",
        )
    if chosen == "json":
        give(json_text(explanation.as_dict()) + "\n", out)
    else:
        give(explain_page(explanation) if chosen == "html" else engine.as_text(explanation), out)
    return 0


def leads(
    hot: Annotated[bool, typer.Option("--hot", help="Highest score first.")] = False,
    state: Annotated[str, typer.Option(help="Only those in this state, such as handed_off.")] = "",
    silent: Annotated[bool, typer.Option("--silent", help="Only those that nothing keeps going, and why.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 50,
    as_json: JsonFlag = False,
) -> int:
    """List the leads in sales' hands.

    Tells who has them, since when, how far they are, and when the next reaction is due.
    """
    from connector.bootstrap import queries
    from connector.cli.console import is_terminal, note, one_of, print_json, table
    from connector.cli.start import start
    from connector.domain.episode import State

    one_of("--state", state, State)
    settings = start()
    if silent:
        return _silent(settings, as_json=as_json)
    with queries(settings) as asked:
        rows = asked.leads(limit=limit, state=state or None, hot=hot, reaction=_reaction_clocks(settings))
        zone = asked.time_zone()
    if as_json:
        print_json({"leads": rows})
    elif not rows and state:
        note(f"No lead is {state.replace('_', ' ')}.")
    elif not rows:
        note("No lead is in sales' hands yet. `handoff preview` shows what the next sync would hand over.")
    elif is_terminal():
        table(f"Leads ({zone})", COLUMNS, [_for_people(row, zone) for row in rows], whole=("contact",))
    else:
        names = list(rows[0])
        table("Leads", names, [[row[name] for name in names] for row in rows])
    return 0


def _silent(settings: Settings, *, as_json: bool) -> int:
    """What the newest nightly proof could not mend (R17)."""
    from connector.bootstrap import queries
    from connector.cli.console import is_terminal, moment, note, print_json, table
    from connector.rules.local_time import portal_zone

    with queries(settings) as asked:
        rows, proved_at = asked.stranded()
        zone = portal_zone(asked.time_zone())
    if as_json:
        print_json({"proved_at": proved_at, "leads": rows})
    elif rows and is_terminal():
        shown = [
            [row["contact"], row["owner"], str(row["state"]).replace("_", " "), moment(row["since"], zone), row["why"]]
            for row in rows
        ]
        table(f"Leads heard of no more ({zone})", SILENT_COLUMNS, shown, whole=("contact",))
    elif rows:
        names = list(rows[0])
        table("Leads heard of no more", names, [[row[name] for name in names] for row in rows])
    elif proved_at is None:
        note("Nothing was proved yet: the first sync after the hour that sla.yaml names (`prove_at`) does it.")
    else:
        note(f"No lead is silent, as of {moment(proved_at, zone)}.")
        for remark in _told_to_nobody(settings):
            note(f"note: {remark}")
    return 0


def _told_to_nobody(settings: Settings) -> tuple[str, ...]:
    """That clocks run and owners are there says nothing of whether anybody hears of it."""
    from connector.bootstrap import lookup
    from connector.config.mappings import load_part
    from connector.delivery.destinations import present
    from connector.engine.preflight import silence
    from connector.errors import RuleBookError
    from connector.rules.notifications import NotificationRules, switched_on

    try:
        rules = load_part("notifications", (settings.mappings_dir / "notifications.yaml").read_bytes())
    except (OSError, RuleBookError):
        return ()  # `handoff check` says what is wrong with it
    assert isinstance(rules, NotificationRules)
    return silence(switched_on(rules, present(rules, lookup(settings))))


def _reaction_clocks(settings: Settings) -> tuple[str, ...]:
    """From sla.yaml alone: a slip in another file must not hide the leads."""
    from connector.cli.console import note
    from connector.config.mappings import load_part
    from connector.errors import RuleBookError
    from connector.rules.sla import SlaRules, reaction_clocks

    try:
        rules = load_part("sla", (settings.mappings_dir / "sla.yaml").read_bytes())
    except (OSError, RuleBookError):
        note("note: sla.yaml cannot be read, so `due` is the next limit of any clock; see `handoff rules check`.")
        return ()
    assert isinstance(rules, SlaRules)
    return reaction_clocks(rules)


def _for_people(row: Mapping[str, object], zone_name: str) -> list[object]:
    from connector.cli.console import moment
    from connector.rules.local_time import portal_zone

    zone = portal_zone(zone_name)
    score = row["score"]
    return [
        row["contact"],
        "\n".join(str(part) for part in (row["name"], row["email"]) if part),
        row["owner"],
        str(row["state"]).replace("_", " "),
        f"{score:.0f} {row['grade']}" if isinstance(score, int | float) else "",
        moment(row["due_at"], zone),
        moment(row["handed_off_at"], zone),
    ]
