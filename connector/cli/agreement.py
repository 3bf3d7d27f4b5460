"""`handoff rules agreement`: the rules in plain words, for marketing and sales to agree on (R10). No network."""

from __future__ import annotations

from typing import Annotated

import typer

from connector.cli.forms import FEW, FewForms, Out, form_of, give


def register(group: typer.Typer) -> None:
    """`group`: the commands of `handoff rules`."""
    group.command("agreement", epilog="Example: handoff rules agreement --out agreement.html")(agreement)


def agreement(
    form: FewForms = "",
    out: Out = "",
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> int:
    """Say in plain words what is agreed, from the rules.

    Tells version, who agreed when, what is due for review, and everything that the rules do.
    """
    from datetime import UTC, datetime

    from connector.cli.agreement_page import agreement_page
    from connector.cli.console import json_text
    from connector.cli.start import start
    from connector.config.mappings import load_rulebook
    from connector.rules import agreement as rules

    chosen = form_of(form, out, as_json, FEW)
    found = rules.agreement(load_rulebook(start().mappings_dir), datetime.now(UTC).date())
    if chosen == "json":
        give(json_text(found.as_dict()) + "\n", out)
    else:
        give(agreement_page(found) if chosen == "html" else rules.as_text(found), out)
    return 0
