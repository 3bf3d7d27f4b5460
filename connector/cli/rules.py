"""`handoff rules check` and `rules test`: the admins' files, without any network. Versions are rule_versions.py's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from connector.cli import agreement, rule_versions

if TYPE_CHECKING:
    from connector.errors import RuleBookError

JsonFlag = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Check and try the files in mappings/.", no_args_is_help=True, rich_markup_mode=None)
    group.command("check", epilog="Example: handoff rules check")(check)
    group.command("test", epilog="Example: handoff rules test")(test)
    agreement.register(group)
    rule_versions.register(group)
    app.add_typer(group, name="rules")


def check(as_json: JsonFlag = False) -> int:
    """Read all ten files; complaints name file, line and key."""
    from datetime import UTC, datetime

    from connector.cli.console import note, print_json, say
    from connector.cli.start import start
    from connector.config.mappings import doubts_of, load_rulebook
    from connector.errors import RuleBookError
    from connector.rules.definition import review
    from connector.rules.qualification import warnings

    settings = start()
    try:
        book = load_rulebook(settings.mappings_dir)
    except RuleBookError as first:
        if not as_json:
            raise
        print_json({"complaints": [_as_dict(complaint) for complaint in (first, *first.others)]})
        return first.exit_code
    due = review(book.qualification.definition, datetime.now(UTC).date())
    remarks = [*warnings(book.qualification), *doubts_of(settings.mappings_dir, book), *([due] if due else [])]
    if as_json:
        print_json({"fingerprint": book.fingerprint, "remarks": remarks, "complaints": []})
        return 0
    for remark in remarks:
        note(f"note: {remark}")
    say(f"All rules in {settings.mappings_dir}/ can be read and fit together; version {book.fingerprint}.")
    return 0


def _as_dict(complaint: RuleBookError) -> dict[str, object]:
    """`line` and `column` are 0 where the whole file is meant."""
    return {
        "file": complaint.file,
        "line": complaint.line,
        "column": complaint.column,
        "key": complaint.key,
        "message": complaint.args[0],
        "found": complaint.found.strip("`"),
        "advice": complaint.advice,
    }


def test(as_json: JsonFlag = False) -> int:
    """Run the examples that admins wrote next to the rules."""
    from connector.cli.console import note, print_json, say, table
    from connector.cli.start import start
    from connector.config.examples import run_examples
    from connector.config.mappings import load_rulebook

    book = load_rulebook(start().mappings_dir)
    results = run_examples(book)
    failed = [result for result in results if not result.passed]
    if as_json:
        rows = [{"name": r.name, "passed": r.passed, "expected": r.expected, "found": r.found} for r in results]
        print_json({"examples": rows, "failed": len(failed)})
        return 1 if failed else 0
    shown = [["ok" if r.passed else "FAILED", r.name, r.expected, r.found] for r in results]
    table("Examples", ["", "example", "expected", "came out"], shown)
    if not results:
        note("No examples yet; write some under `examples:` in qualification.yaml.")
    say(f"{len(results) - len(failed)} passed, {len(failed)} failed.")
    return 1 if failed else 0
