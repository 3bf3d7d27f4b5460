"""`handoff sync`, `preview` and `run`: one run, a look ahead, and the scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from connector.engine.context import PlannedLead
    from connector.engine.named import Names
    from connector.engine.report import RunReport

JsonFlag = Annotated[bool, typer.Option("--json", help="One JSON object on stdout; logs go to stderr.")]


def register(app: typer.Typer) -> None:
    app.command("sync", epilog="Example: handoff sync --json")(sync)
    app.command("preview", epilog="Example: handoff preview --json > plan.json")(preview)
    app.command("run", epilog="Example: HANDOFF_SYNC_EVERY='*/5 * * * *' handoff run")(run)


def sync(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Stop after planning; the same as `handoff preview`.")
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="Pull every contact again, not only what changed.")] = False,
    release: Annotated[
        bool,
        typer.Option("--release-mass-change", help="You have looked at what the mass-change guard holds: let it go."),
    ] = False,
    approved: Annotated[
        str, typer.Option("--approve", metavar="FILE", help="Carry out this saved preview and nothing else.")
    ] = "",
    as_json: JsonFlag = False,
) -> int:
    """Run once: pull, decide, write, tell.

    Exit codes: 0 done, 1 done with errors, 2 configuration, 3 login or scope, 4 quota, 5 already running, 6 the CRM is
    unavailable, 7 held by the mass-change guard.
    """
    from connector.bootstrap import connect
    from connector.cli.console import print_json, progress_bar
    from connector.cli.start import start

    if dry_run:
        return preview(full=full, as_json=as_json)
    settings = start()
    if approved:
        from connector.cli.previews import approve

        return approve(approved, settings, as_json=as_json)
    with connect(settings) as connector, progress_bar(as_json) as bars:
        options = connector.options(full=full, release_mass_change=release)
        report = connector.sync(options, bars)
    if as_json:
        print_json(report.as_dict())
    else:
        _show(report)
    return report.exit_code


def preview(
    full: Annotated[bool, typer.Option("--full", help="Look at every contact again, not only what changed.")] = False,
    release: Annotated[
        bool, typer.Option("--release-mass-change", help="Show what the mass-change guard would hold, too.")
    ] = False,
    out: Annotated[
        str, typer.Option("--out", metavar="FILE", help="Also save it; its ending says the format: .csv or .json.")
    ] = "",
    to_save: Annotated[str, typer.Option("--save", metavar="FILE", help="Also save it, to be approved.")] = "",
    approved: Annotated[
        str, typer.Option("--approve", metavar="FILE", help="Carry out this saved preview; as `sync --approve`.")
    ] = "",
    as_json: JsonFlag = False,
) -> int:
    """Show what a sync would change now, field by field.

    Nothing is written in the portal, and nobody is told.
    """
    from connector.bootstrap import connect
    from connector.cli import previews
    from connector.cli.console import print_json, progress_bar
    from connector.cli.start import start

    settings = start()
    if approved:
        return previews.approve(approved, settings, as_json=as_json)
    with connect(settings) as connector, progress_bar(as_json) as bars:
        options = connector.options(full=full, dry_run=True, release_mass_change=release)
        report, names = connector.preview(options, bars)
        if to_save:
            previews.save_preview(to_save, report, connector.portal().id)
    lines = [line for lead in report.planned for line in planned_lines(lead)]
    summary = previews.summary_of(report, lines, names)
    counts = {"leads": len(report.planned), "changes": len(lines), "handed_off": report.counts.handed_off}
    whole = {**counts, "as_of": report.run.as_of.isoformat(), "summary": summary, "planned": lines}
    if out:
        previews.save_as(out, lines, whole)
    if as_json:
        print_json(whole)
    else:
        _show_planned(report, lines, names)
        previews.show_summary(summary)
    return report.exit_code


def run(
    once: Annotated[
        bool, typer.Option("--once", help="Do the first run at once and stop; for trying the schedule.")
    ] = False,
) -> int:
    """Run by the clock, again and again.

    HANDOFF_SYNC_EVERY says when: an interval such as 5m, or a cron line. SIGTERM finishes the page and stops.
    """
    from connector.cli.start import start
    from connector.jobs.scheduler import serve

    return serve(start(), once=once)


def planned_lines(lead: PlannedLead) -> list[dict[str, object]]:
    """One line per change: contact, why, field, before, after."""
    decision = lead.decision
    facts = {"contact": decision.contact, "action": decision.action.value, "why": decision.sentence}
    if not lead.changes:
        return [{**facts, "change": "notice", "field": "", "before": None, "after": None}]
    return [
        {**facts, "change": change.kind.value, "field": change.field, "before": change.before, "after": change.after}
        for change in lead.changes
    ]


def _show(report: RunReport) -> None:
    from connector.cli.console import note, pairs, say
    from connector.cli.run_page import figures
    from connector.rules.words import many

    counts = report.counts
    facts = figures(counts, report.seconds)
    shadow = " in shadow mode" if report.planned else ""
    pairs(f"Run {report.run.id}: {report.status.value.replace('_', ' ')}{shadow}", facts)
    if report.completeness:
        say(report.completeness)
    if report.rule_change is not None:
        note(f"The rules changed ({report.rule_change.before} → {report.rule_change.after}): "
             f"{report.rule_change.sentence}. `handoff rules diff` says by which keys.")
    for line in (*report.troubles, *report.remarks):
        note(f"  note: {line}")
    if counts.held:
        note(
            f"What to do: {many(counts.held, 'lead')} would be handed over without any news of their own, or change "
            "their marketing hold. Look with `handoff preview --release-mass-change --save plan.json`; then `handoff "
            "sync --approve plan.json` carries out just that, and `handoff sync --release-mass-change` lets all go."
        )
        if report.held_because:
            note(f"Why: {report.held_because}.")
    _say_of_the_past(report)
    if report.planned:
        what = many(len(report.planned), "lead")
        note(f"Shadow mode: {what} would have changed; nothing was written, only ops were told.")


def _say_of_the_past(report: RunReport) -> None:
    from connector.cli.console import note
    from connector.rules.words import many

    if report.counts.taken_in:
        what = many(report.counts.taken_in, "lead")
        note(f"Taken in silently: {what} from before Handoff began. `handoff adopt` shows them.")


def _show_planned(report: RunReport, lines: list[dict[str, object]], names: Names) -> None:
    from connector.cli.console import note, say
    from connector.cli.previews import show_lines
    from connector.rules.words import many

    if lines:
        show_lines(lines, names)
    changes = many(len(lines), "change")
    say(f"{many(len(report.planned), 'lead')}, {changes}; {report.counts.handed_off} would be handed over.")
    _say_of_the_past(report)
    for trouble in report.troubles:
        note(f"  note: {trouble}")
    note("Nothing was written and nobody was told. `handoff sync` carries it out, unless HANDOFF_SHADOW is set.")
