"""In which form an answer is given, and where to: one way for every command that can give several.

`--out FILE` saves it, and the ending of its name says the form; `--format` says it outright; `--json` is short for one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

ENDINGS = {
    ".html": "html", ".htm": "html", ".md": "markdown", ".csv": "csv", ".json": "json", ".eml": "mail", ".txt": "text",
}  # fmt: skip
FEW = ("text", "html", "json")
"""Forms of an answer that is no report."""

Out = Annotated[
    str, typer.Option("--out", metavar="FILE", help="Save it under this name; its ending says the format.")
]
FewForms = Annotated[str, typer.Option("--format", help=f"One of {', '.join(FEW)}.")]


def form_of(form: str, out: str, as_json: bool, known: Sequence[str]) -> str:
    """As asked; else as the ending of the file says; else text.

    Raises:
        SettingsError: nobody gives that form here.
    """
    from connector.cli.console import one_of
    from connector.errors import SettingsError

    one_of("--format", form, known)
    if as_json or form:
        return "json" if as_json else form
    ending = Path(out).suffix.lower()
    found = ENDINGS.get(ending, "text" if not ending else ending[1:])
    if found not in known:
        fit = ", ".join(end for end, name in ENDINGS.items() if name in known)
        raise SettingsError(
            f"--out: there is no {found} of this", advice=f"Give the file one of the endings {fit}, or a --format."
        )
    return found


def give(text: str, out: str) -> None:
    """Print it, or save it and say where.

    Raises:
        SettingsError: the file cannot be written.
    """
    from connector.cli.console import note
    from connector.cli.files import save

    if out:
        note(f"Saved in {save('--out', out, text)}.")
    else:
        print(text, end="")
