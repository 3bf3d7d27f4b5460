"""`handoff check --deep`: what differs between the portal and the database, contact by contact; changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.errors import SettingsError

if TYPE_CHECKING:
    from connector.engine.deep_report import DeepReport

SAMPLE = 1_000
SHOWN = 40
"""Lines for people; --json has up to a thousand."""


def deep_check(sample: int | None, *, whole: bool, as_json: bool) -> int:
    """Compare a sample of `sample` contacts, of a thousand where it is None, or all of them; gives the exit code."""
    from connector.bootstrap import connect
    from connector.cli.console import print_json, progress_bar
    from connector.cli.start import start

    if whole and sample is not None:
        raise SettingsError("--all and --sample exclude each other", advice="Leave one of them out.")
    with connect(start()) as connector, progress_bar(as_json) as bars:
        report = connector.deep_check(None if whole else sample or SAMPLE, bars)
    if as_json:
        print_json(report.as_dict())
    else:
        _show(report)
    return report.exit_code


def only_with_deep(sample: int | None, *, whole: bool) -> None:
    if whole or sample is not None:
        raise SettingsError(
            "--all and --sample say how much `handoff check --deep` compares", advice="Add --deep, or leave them out."
        )


def _show(report: DeepReport) -> None:
    from connector.cli.console import note, say, table
    from connector.rules.words import many

    calls = many(sum(report.api_calls.values()), "API call")
    if report.whole:
        say(f"Compared all: {many(report.ours, 'contact')} stored here, {report.theirs:,} shown by HubSpot; {calls}.")
    else:
        ours, theirs = many(report.ours, "contact"), many(report.theirs, "row")
        say(f"Compared two samples: {ours} of those stored here, and {theirs} that HubSpot shows; {calls}.")
    left = {
        "changed or archived so late that the next runs are to bring them": report.open,
        "set aside because they could not be read (`handoff runs` says why)": report.set_aside,
        "of people who were erased here": report.erased,
    }
    for why, number in left.items():
        if number:
            note(f"note: not judged: {many(number, 'contact')} {why}")
    if not report.kinds:
        upto = f"{report.until:%Y-%m-%d %H:%M} UTC"
        say(f"Nothing differs, of what was changed up to {upto}.")
        return
    rows = [[one.contact, one.kind.value, ", ".join(one.fields)] for one in report.differences[:SHOWN]]
    table("What differs", ["contact", "what", "fields"], rows, whole=("contact",))
    if (more := sum(report.kinds.values()) - len(rows)) > 0:
        say(f"… and {more:,} more; --json names up to a thousand.")
    for line in _advice(report):
        note(f"What to do: {line}")


def _advice(report: DeepReport) -> list[str]:
    from connector.engine.deep_report import Kind

    found: list[str] = []
    if report.kinds[Kind.MISSING] or report.kinds[Kind.DIFFERS] or report.kinds[Kind.MERGED]:
        found.append("`handoff sync --full` reads every contact again, and decides those that differ.")
    if report.fields:
        found.append(
            "A field that keeps differing is one that HubSpot works out itself: such a change moves no contact's date, "
            "so it waits for the daily round or a full sync (docs/completeness.md)."
        )
    if report.kinds[Kind.GONE]:
        found.append(
            "Contacts that are gone in HubSpot get nothing written any more; `handoff sync` erases them here within a "
            "day or two of their leaving HubSpot's recycle bin, `handoff erase` at once."
        )
    return found
