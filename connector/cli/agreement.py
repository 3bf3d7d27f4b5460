"""`handoff rules agreement`: the rules in plain words, for marketing and sales to agree on (R10). No network."""

from __future__ import annotations

from typing import Annotated

import typer


def register(group: typer.Typer) -> None:
    """`group`: the commands of `handoff rules`."""
    group.command("agreement", epilog="Example: handoff rules agreement --html agreement.html")(agreement)


def agreement(
    html: Annotated[str, typer.Option("--html", help="Also save it as one page to mail, under this name.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> int:
    """Say in plain words what is agreed, from the rules.

    Tells version, who agreed when, what is due for review, and everything that the rules do.
    """
    from datetime import UTC, datetime

    from connector.cli.agreement_page import agreement_page
    from connector.cli.console import note, print_json
    from connector.cli.files import save
    from connector.cli.start import start
    from connector.config.mappings import load_rulebook
    from connector.rules import agreement as rules

    found = rules.agreement(load_rulebook(start().mappings_dir), datetime.now(UTC).date())
    if html:
        note(f"Saved in {save('--html', html, agreement_page(found))}.")
    if as_json:
        print_json(found.as_dict())
    elif not html:
        print(rules.as_text(found), end="")
    return 0
