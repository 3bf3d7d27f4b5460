"""What a preview is good for: a summary, a CSV file, a file to be approved, and carrying that out (R33)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from connector.cli.console import is_terminal, json_text, note, pairs, print_json, progress_bar, say, table
from connector.cli.csv_text import csv_text
from connector.cli.files import save
from connector.cli.forms import form_of
from connector.cli.naming import for_people, with_name
from connector.domain.change import ChangeKind
from connector.domain.contact import OwnerId
from connector.errors import SettingsError
from connector.rules.local_time import portal_zone

if TYPE_CHECKING:
    from connector.config.settings import Settings
    from connector.domain.contact import PortalId
    from connector.engine.approval import Approval
    from connector.engine.named import Names
    from connector.engine.report import RunReport

COLUMNS = ("contact", "action", "why", "change", "field", "before", "after")
Line = Mapping[str, object]


def summary_of(report: RunReport, lines: Sequence[Line], names: Names) -> dict[str, dict[str, int]]:
    """How many leads by what happens to them, how many values by field, how many leads each owner would get."""
    actions = Counter(lead.decision.action.value for lead in report.planned)
    fields = Counter(_what(line) for line in lines)
    given = [str(line["after"]) for line in lines if line["field"] == "owner" and line["after"]]
    owners = Counter(names.owners.get(OwnerId(owner), owner) for owner in given)
    return {"actions": dict(actions), "fields": dict(fields), "owners": dict(owners.most_common())}


def show_summary(found: Mapping[str, Mapping[str, int]]) -> None:
    titles = {"actions": "Leads by what happens", "owners": "New leads by owner", "fields": "Values by field"}
    for name, title in titles.items():
        if found[name]:
            told = (f"{word.replace('_', ' ')} {count:,}" for word, count in found[name].items())
            say(f"{title}: {', '.join(told)}.")


def show_lines(lines: Sequence[Line], names: Names) -> None:
    """For people lead by lead, names beside the ids and times in the portal's zone; in a pipe as in the CSV."""
    if not is_terminal():
        table("", COLUMNS, [[line[column] for column in COLUMNS] for line in lines])
        return
    zone = portal_zone(names.zone)
    say(f"[bold]What a sync would change now[/] (times: {names.zone})")
    for contact, some in groupby(lines, key=lambda line: str(line["contact"])):
        changes = list(some)
        first = changes[0]
        what = str(first["action"]).replace("_", " ")
        noted = any(line["change"] == ChangeKind.NOTE for line in changes)
        print()
        pairs(
            f"{with_name(contact, names.leads)}: {what}. {first['why']}",
            {_what(line): _beside(line, noted=noted) or _change(line, names, zone) for line in changes},
        )


BESIDE: Mapping[object, str] = {
    ChangeKind.NOTE: "note",
    ChangeKind.TASK: "task",
    ChangeKind.TASK_DONE: "former task",
    "notice": "a notice",
}


def _what(line: Line) -> str:
    """The field or list, or what is made beside the contact, whose subject is no field."""
    return BESIDE.get(line["change"]) or str(line["field"])


def _beside(line: Line, *, noted: bool) -> str:
    """Of a note its text, of a task its subject; a task's text too, unless a note beside it says the same."""
    text = str(line["after"] or "")
    if line["change"] == ChangeKind.TASK_DONE:
        return "closed"
    if line["change"] == ChangeKind.TASK:
        return str(line["field"]) if noted else " ".join((str(line["field"]), *text.splitlines()[1:]))
    return text if line["change"] == ChangeKind.NOTE else ""


def _change(line: Line, names: Names, zone: ZoneInfo) -> str:
    """Such as `lead → mql`."""
    if line["change"] in (ChangeKind.LIST_ADD, ChangeKind.LIST_REMOVE):
        return "onto the list" if line["change"] == ChangeKind.LIST_ADD else "off the list"
    before, after = (for_people(line["field"], line[side], names, zone) for side in ("before", "after"))
    return f"{before} → {after or 'empty'}" if before else after


def save_as(name: str, lines: Sequence[Line], whole: Mapping[str, object]) -> None:
    """One line per changed value, or as JSON, by the ending of the file's name."""
    if form_of("", name, as_json=False, known=("csv", "json")) == "json":
        text = json_text(whole) + "\n"
    else:
        text = csv_text(COLUMNS, [[line[column] for column in COLUMNS] for line in lines])
    note(f"Saved in {save('--out', name, text)}.")


def save_preview(name: str, report: RunReport, portal: PortalId) -> None:
    """To be looked at by whoever must agree, and then given to --approve."""
    from connector.engine.approval import saved

    leads = [(lead.decision, lead.changes, lead.basis) for lead in report.planned]
    whole = saved(leads, portal=portal, rules=report.run.fingerprint, as_of=report.run.as_of)
    path = save("--save", name, json_text(whole, indent=1))
    note(f"Saved in {path}. `handoff sync --approve {path}` carries out exactly that, within a day.")


def approve(name: str, settings: Settings, *, as_json: bool) -> int:
    """Carry out a saved preview, and say what was left out and why."""
    from connector.bootstrap import connect
    from connector.engine.approval import read_saved

    if settings.shadow:
        raise SettingsError(
            "--approve: nothing is written in shadow mode", advice="Take HANDOFF_SHADOW away first, or leave it out."
        )
    approval = read_saved(_read(name))
    with connect(settings) as connector, progress_bar(as_json) as bars:
        report = connector.sync(replace(connector.options(), approval=approval), bars)
    if as_json:
        left = [{"contact": contact, "why": why} for contact, why in sorted(approval.left_out.items())]
        carried = len(approval.leads) - len(left)
        print_json({**report.as_dict(), "approved": len(approval.leads), "carried_out": carried, "left_out": left})
    else:
        _show(report, approval)
    return report.exit_code


def _read(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingsError(
            f"--approve: {name} cannot be read: {why}", advice="Name a file that `handoff preview --save` made."
        ) from None


def _show(report: RunReport, approval: Approval) -> None:
    left = sorted(approval.left_out.items())
    facts: dict[str, object] = {
        "approved": len(approval.leads),
        "carried out": len(approval.leads) - len(left),
        "left out": len(left),
        "changes written": report.counts.changes_written,
        "changes refused": report.counts.changes_rejected,
        "notices sent": report.counts.notices_sent,
    }
    pairs(f"Run {report.run.id}: {report.status.value.replace('_', ' ')}", facts)
    for line in (*report.troubles, *report.remarks):
        note(f"  note: {line}")
    if left:
        table("Left out", ["contact", "why"], left, whole=("contact",))
        note("The next `handoff sync` decides these anew.")
