"""`handoff rules history | show | diff`: which rules were in force when, what they said, and what a change would do."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.config.settings import Settings
    from connector.engine.ports import PortalState, Progress, RuleVersion
    from connector.engine.rule_change import RuleChange
    from connector.rules.differences import Difference
    from connector.store import SqlStore

JsonFlag = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
FILES, IN_FORCE = "files", "in-force"


def register(group: typer.Typer) -> None:
    """Beside `rules check` and `rules test`."""
    group.command("history", epilog="Example: handoff rules history")(history)
    group.command("show", epilog="Example: handoff rules show 3f9a --file scoring")(show)
    group.command("diff", epilog="Example: handoff rules diff mappings-new")(diff)


def history(as_json: JsonFlag = False) -> int:
    """List every version of the rules that a run had, newest first."""
    from connector.cli.console import moment, note, print_json, table
    from connector.cli.start import start
    from connector.rules.local_time import portal_zone

    with _Versions(start()) as versions:
        rows: list[dict[str, Any]] = [
            {
                "version": one.fingerprint,
                "in_force": one.fingerprint == versions.in_force,
                "first_seen_at": one.first_seen_at,
                "first_used_by": one.first_used_by,
                "last_run_at": one.last_run_at,
                "runs": one.runs,
                "differences": len(versions.differences(earlier, one.fingerprint)) if earlier else None,
                "effect": one.effect,
            }
            for one, earlier in versions.with_their_former()
        ]
        zone = portal_zone(versions.time_zone)
    if as_json:
        print_json({"versions": rows})
        return 0
    if not rows:
        note("No run has had any rules yet. `handoff sync` is one.")
        return 0
    columns = ["version", "since", "by", "last run", "runs", "keys changed", "leads moved", ""]
    shown = [
        [row["version"], moment(row["first_seen_at"], zone), row["first_used_by"], moment(row["last_run_at"], zone),
         row["runs"], row["differences"], _moved(row["effect"]), "in force" if row["in_force"] else ""]
        for row in rows
    ]  # fmt: skip
    table(f"Rules ({versions.time_zone})", columns, shown, whole=("version",))
    return 0


def show(
    version: Annotated[str, typer.Argument(help="The first digits of a version, `in-force` or `files`.")] = FILES,
    file: Annotated[str, typer.Option("--file", help="Only this rule file, such as scoring.")] = "",
    as_json: JsonFlag = False,
) -> int:
    """Print the rules of a version, with every default."""
    import sys

    from ruamel.yaml import YAML

    from connector.cli.console import one_of, print_json
    from connector.cli.start import start
    from connector.rules.rulebook import PARTS

    one_of("--file", file, PARTS)
    with _Versions(start()) as versions:
        name, book = versions.find(version)
    parts = {part: rules for part, rules in book.items() if file in ("", part)}
    if as_json:
        print_json({"version": name, "rules": parts})
        return 0
    yaml = YAML()
    for part, rules in parts.items():
        print(f"# {part}.yaml, version {name}")
        yaml.dump(rules, sys.stdout)
    return 0


def diff(
    before: Annotated[
        str, typer.Argument(help="The version to compare with; a folder alone is compared with those in force.")
    ] = IN_FORCE,
    after: Annotated[str, typer.Argument(help="The version that is compared, or a folder with rule files.")] = "",
    as_json: JsonFlag = False,
) -> int:
    """Compare two versions of the rules, key by key and lead by lead.

    Without words, those in force with the files in mappings/. Reads the database alone, and changes nothing.
    """
    from pathlib import Path

    from connector.cli.console import note, print_json, progress_bar, table
    from connector.cli.start import start

    if not after:
        before, after = (IN_FORCE, before) if Path(before).is_dir() else (before, FILES)
    with _Versions(start()) as versions, progress_bar(as_json) as progress:
        (first, old), (second, new) = versions.find(before), versions.find(after)
        found = _compare(old, new)
        effect = versions.effect(old, new, progress) if found else None
    if as_json:
        leads = effect.as_dict() if effect else None
        print_json({"before": first, "after": second, "differences": [_as_dict(one) for one in found], "leads": leads})
        return 0
    if not found:
        note(f"{first} and {second} decide alike: no key differs.")
        return 0
    rows = [[f"{one.file}.yaml", one.key, _words(one.before), _words(one.after)] for one in found]
    table(f"{first} → {second}", ["file", "key", "before", "after"], rows)
    _show_effect(effect)
    return 0


def _show_effect(effect: RuleChange | None) -> None:
    """What it does to the leads, with some of them by their ids; words for people on stderr, as in a pipe."""
    from connector.cli.console import note, table
    from connector.rules.consequences import WORDS, Consequence
    from connector.rules.words import many

    if effect is None:
        note("No run has seen any contacts by these rules, so what the change does to leads cannot be told.")
        return
    kinds = [kind for kind in Consequence if effect.counts[kind]]
    if kinds:
        rows = [[WORDS[kind], effect.counts[kind], ", ".join(effect.samples[kind])] for kind in kinds]
        print()
        table(f"Of {many(effect.contacts, 'contact')}", ["what", "contacts", "such as"], rows)
    note(f"Now: {effect.sentence}.")
    if effect.undecided:
        note(f"{many(effect.undecided, 'contact')} could not be decided by both; `handoff sync` says which and why.")
    if effect.unread:
        note(f"Not pulled yet, so empty here: {', '.join(effect.unread)}. The first run with these rules pulls them.")
    note("Clocks, notices and reports are not compared. What the change would have done in the past: `handoff replay`.")


class _Versions:
    """The rules that are stored, those in the files, and how people name them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bodies: dict[str, Mapping[str, Any]] = {}

    def __enter__(self) -> _Versions:
        return self

    def __exit__(self, *_: object) -> None:
        if "_store" in self.__dict__:
            self._store.close()

    @cached_property
    def _store(self) -> SqlStore:
        """Opened when it is needed: the files can be looked at without one."""
        from connector.bootstrap import open_database

        return open_database(self._settings, None)

    @cached_property
    def _stored(self) -> list[RuleVersion]:
        with self._store.reading() as uow:
            return uow.rulebooks()

    @cached_property
    def _state(self) -> PortalState | None:
        with self._store.reading() as uow:
            return uow.portal_state()

    @property
    def in_force(self) -> str:
        return self._state.fingerprint.rpartition(":")[2] if self._state else ""

    @property
    def time_zone(self) -> str:
        return self._state.time_zone if self._state else "UTC"

    def effect(
        self, before: Mapping[str, Any], after: Mapping[str, Any], progress: Progress | None
    ) -> RuleChange | None:
        """What would become of the stored leads now; None where no run has seen any, or a version is not read any more.
        """
        from connector.engine.rule_change import Books, compare
        from connector.engine.rules_then import read_rules

        state = self._state
        books = [read_rules(body) for body in (before, after)]
        if state is None or state.as_of is None or books[0] is None or books[1] is None:
            return None
        old, new = (book.in_zone(state.time_zone) for book in books if book is not None)
        with self._store.reading() as uow:
            return compare(uow, Books(old, new), state=state, now=state.as_of, progress=progress)

    def with_their_former(self) -> list[tuple[RuleVersion, str]]:
        """Each version with the one that was new before it; empty for the first."""
        former = [one.fingerprint for one in self._stored[1:]]
        return list(zip(self._stored, [*former, ""], strict=True))

    def differences(self, before: str, after: str) -> list[Difference]:
        return _compare(self._body(before), self._body(after))

    def find(self, word: str) -> tuple[str, Mapping[str, Any]]:
        """(version, its rules) for what a person wrote. Raises SettingsError where it names none, or several."""
        from pathlib import Path

        from connector.config.mappings import load_rulebook
        from connector.errors import SettingsError

        if word == FILES:
            book = load_rulebook(self._settings.mappings_dir)
            return book.fingerprint, book.as_dict()
        if Path(word).is_dir():
            book = load_rulebook(Path(word))
            return book.fingerprint, book.as_dict()
        known = [one.fingerprint for one in self._stored]
        fits = [one for one in known if (one == self.in_force if word == IN_FORCE else one.startswith(word))]
        if len(fits) != 1:
            begins = f"{len(fits)} of them begin so" if fits else "none begins so"
            problem = begins if known else "no run has had any rules yet"
            raise SettingsError(
                f"{word!r} is no folder, and names no version: {problem}",
                advice=f"`handoff rules history` lists them; `{FILES}` are those in {self._settings.mappings_dir}/, "
                "and other rule files are named by their folder.",
            )
        return fits[0], self._body(fits[0])

    def _body(self, fingerprint: str) -> Mapping[str, Any]:
        if fingerprint not in self._bodies:
            with self._store.reading() as uow:
                self._bodies[fingerprint] = uow.rulebook(fingerprint) or {}
        return self._bodies[fingerprint]


def _compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    from connector.rules.differences import differences

    return differences(before, after)


def _moved(effect: Mapping[str, Any] | None) -> str:
    return f"{effect['moved']:,} of {effect['contacts']:,}" if effect else ""


def _as_dict(one: Difference) -> dict[str, object]:
    return {"file": f"{one.file}.yaml", "key": one.key, "before": one.before, "after": one.after}


def _words(value: object) -> str:
    """One line, as it would stand in the file; keys that are not set are left out of what has several."""
    if value is None:
        return "not set"
    return value if isinstance(value, str) else _in_yaml(_without_nothing(value))


def _without_nothing(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nothing(inner) for key, inner in value.items() if inner is not None}
    return [_without_nothing(inner) for inner in value] if isinstance(value, list) else value


def _in_yaml(value: object) -> str:
    """YAML's short form, such as `{say: looked at prices, points: 10}`."""
    from io import StringIO

    from ruamel.yaml import YAML

    yaml, text = YAML(typ="safe", pure=True), StringIO()
    yaml.default_flow_style, yaml.width, yaml.allow_unicode = True, 1_000_000, True
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # declared by its first value, None
    yaml.dump(value, text)
    return text.getvalue().removesuffix("\n").removesuffix("\n...")
