"""Ready rule books: what `handoff init --template NAME` writes, for kinds of business whose rules differ most.

A template is a folder in books/ with the files in which it differs from the shipped ones; all others are the shipped
ones. Its fields.yaml holds further lines alone, for the end of the shipped file: the standard fields are the same in
every book. What each book decides, and what ninety days with it end with, is told by docs/rules/templates/.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from connector.config.mappings import shipped_folder
from connector.errors import SettingsError
from connector.rules.rulebook import PARTS
from connector.rules.suggestions import nearest

BOOKS = Path(__file__).with_name("books")
TEMPLATES: Mapping[str, str] = {
    "b2b-software": "software for companies: demos, trials, prices and documentation; large accounts have a team",
    "agency": "services by project: free audits, budgets and work shown; one desk takes everything",
    "manufacturing": "goods for industry: quotes, samples and drawings; territories, distributors, credit blocks",
    "education": "courses and degrees: people with private addresses, who begin on a day that is known",
    "two-step": "sales in two steps: telequalification calls first, and passes on to a rep what is worth it",
}
"""Name -> for whom it is, in one line."""


def named(word: str) -> str:
    """The template of that name.

    Raises:
        SettingsError: there is none; says which there are, and which was probably meant.
    """
    if word in TEMPLATES:
        return word
    near = nearest(word, TEMPLATES)
    there_are = "\n".join(f"  {name:<14} {what}" for name, what in TEMPLATES.items())
    raise SettingsError(
        f"--template: there is no rule book called {word!r}{f'; {near}' if near else ''}",
        advice=f"Name one of these, or leave it out for rules of a general kind:\n{there_are}",
    )


def template_files(name: str) -> dict[str, str]:
    """All ten files of a template by their names, as text; `name` is one of TEMPLATES."""
    return {f"{part}.yaml": _text(BOOKS / name, f"{part}.yaml") for part in PARTS}


def _text(folder: Path, file: str) -> str:
    shipped, own = shipped_folder() / file, folder / file
    if not own.exists():
        return shipped.read_text(encoding="utf-8")
    text = own.read_text(encoding="utf-8")
    return f"{shipped.read_text(encoding='utf-8')}\n{text}" if file == "fields.yaml" else text


def write_template(folder: Path, name: str) -> tuple[Path, ...]:
    """Write the files of a template that are missing; gives them. Safe to repeat.

    Raises:
        SettingsError: rules of another kind are there already, and nothing was written: half of two books is none.
    """
    files = template_files(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        others = sorted(_others(folder, files))
        if others:
            raise SettingsError(
                f"--template {name}: {folder} has rules of its own already ({', '.join(others)})",
                advice="Name an empty folder in HANDOFF_MAPPINGS_DIR, or move those files away. Rules from a template "
                "that you have changed since need no template any more: `handoff init` leaves them as they are.",
            )
        new = [(folder / file, text) for file, text in files.items() if not (folder / file).exists()]
        for path, text in new:
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"cannot write mapping files to {folder}: {error.strerror}",
            advice="Make the folder writable, or name another one in HANDOFF_MAPPINGS_DIR.",
        ) from error
    return tuple(path for path, _ in new)


def _others(folder: Path, files: Mapping[str, str]) -> Iterator[str]:
    """Rule files that are there and read otherwise than the template's."""
    for file, text in files.items():
        if (folder / file).exists() and (folder / file).read_text(encoding="utf-8", errors="replace") != text:
            yield file
