"""Mappings: the ten YAML files of an admin into one RuleBook, or every complaint with file, line, column and key.

No network. What the files mean is each rule module's; this module knows only how to read them and how to say what is
wrong in words that lead to the place.
"""

from __future__ import annotations

import stat
import types
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from connector.config.reuse import Reuse
from connector.config.yaml_text import LARGEST_BYTES, Document, KeyPath, dotted, read_yaml
from connector.errors import RuleBookError
from connector.rules.doubts import doubts
from connector.rules.misplaced import MisplacedError
from connector.rules.rulebook import PARTS, Complaint, RuleBook, cross_check
from connector.rules.suggestions import nearest

MOST_COMPLAINTS = 50
LONGEST_FOUND = 60
KEPT = 4
"""Rule books that are remembered: the one in force, and some that were tried since."""


def shipped_folder() -> Path:
    """The rule files that come with Handoff: in the package, or next to it in a checkout."""
    inside = Path(__file__).with_name("defaults")
    return inside if inside.is_dir() else Path(__file__).parents[2] / "mappings"


def load_rulebook(folder: Path) -> RuleBook:
    """Load all ten files.

    Raises:
        RuleBookError: the first complaint, in the order of files and lines; all further ones in its `.others`. What
            files have to do with each other is looked at when each alone is right.
    """
    if not folder.is_dir():
        advice = "run `handoff init` to write the rule files, or set HANDOFF_MAPPINGS_DIR"
        raise RuleBookError("there is no such folder", file=str(folder), advice=advice)
    complaints = list(_strangers(folder))
    contents: dict[str, bytes] = {}
    for name in PARTS:
        try:
            contents[name] = _read(folder, name)
        except RuleBookError as complaint:
            complaints.append(complaint)
    return _make(contents, complaints) if complaints else _make_once(tuple(contents.items()))


@lru_cache(maxsize=KEPT)
def _make_once(contents: tuple[tuple[str, bytes], ...]) -> RuleBook:
    """Files that stay as they were make the same book, which nothing changes: before each run they are read anew."""
    return _make(dict(contents), ())


def _make(contents: Mapping[str, bytes], complaints: Sequence[RuleBookError]) -> RuleBook:
    wrong = list(complaints)
    documents: dict[str, Document] = {}
    for name, content in contents.items():
        try:
            documents[name] = read_yaml(content, f"{name}.yaml")
        except RuleBookError as complaint:
            wrong.append(complaint)
    return make_rulebook(documents, wrong)


def make_rulebook(documents: Mapping[str, Document], complaints: Sequence[RuleBookError] = ()) -> RuleBook:
    """The rules of ten documents, by names of files without `.yaml`; named conditions are written out in them.

    `complaints` came up before and are told with what else is wrong; RuleBookError as load_rulebook().
    """
    models: dict[str, BaseModel] = {}
    reuse = Reuse(documents)
    complaints = [*complaints, *reuse.complaints]
    for name, document in documents.items():
        found, wrong = _validate(name, PARTS[name], document, reuse)
        complaints += wrong
        if found is not None:
            models[name] = found
    if complaints:
        raise _first_of(_in_order(complaints))
    book = RuleBook(**models)  # type: ignore[arg-type]  # PARTS pairs each name with its model
    complaints = [
        _between_files(documents[found.file], found)
        for found in cross_check(book)
        if not reuse.is_inside(found.file, found.path)
    ]
    if complaints:
        raise _first_of(_in_order(complaints))
    return book


def doubts_of(folder: Path, book: RuleBook) -> list[str]:
    """What is right and hardly meant so, each with file, line and column, and with what to write instead."""
    return placed(folder, doubts(book))


def placed(folder: Path, found: Sequence[Complaint]) -> list[str]:
    """What was found about rules that were loaded from there, each with file, line and column, in the order of files.

    What stands in a named condition is told at its definition alone.
    """
    if not found:
        return []
    documents = {name: read_yaml(_read(folder, name), f"{name}.yaml") for name in PARTS}
    reuse = Reuse(documents)
    places = [
        _between_files(documents[one.file], one) for one in found if not reuse.is_inside(one.file, one.path)
    ]
    return [f"{place}; {place.advice}" for place in _in_order(places)]


def load_part(name: str, content: bytes) -> BaseModel:
    """One file's rules by its name without `.yaml`, from its text; RuleBookError as load_rulebook()."""
    document = read_yaml(content, f"{name}.yaml")
    reuse = Reuse({name: document})
    found, complaints = _validate(name, PARTS[name], document, reuse)
    complaints += reuse.complaints
    if found is None or complaints:
        raise _first_of(_in_order(complaints))
    return found


def _first_of(complaints: list[RuleBookError]) -> RuleBookError:
    first, *others = complaints
    first.others = tuple(others[: MOST_COMPLAINTS - 1])
    return first


def _in_order(complaints: list[RuleBookError]) -> list[RuleBookError]:
    """As files come in PARTS, those that are no rule files first; within a file from top to bottom."""
    places = {f"{name}.yaml": place for place, name in enumerate(PARTS)}
    return sorted(complaints, key=lambda one: (places.get(one.file, -1), one.line, one.column))


def _strangers(folder: Path) -> Iterator[RuleBookError]:
    """Files that look like rules and would be ignored, silently."""
    for path in sorted(folder.iterdir()):
        if path.suffix not in (".yaml", ".yml") or path.name.startswith("."):
            continue
        if path.suffix == ".yml" and path.stem in PARTS:
            yield RuleBookError("would not be read", file=path.name, advice=f"rename it to {path.stem}.yaml")
        elif path.stem not in PARTS:
            advice = nearest(path.stem, PARTS) or f"the rule files are {', '.join(PARTS)}; move this one elsewhere"
            yield RuleBookError("is not a rule file that Handoff knows", file=path.name, advice=advice)


def _read(folder: Path, name: str) -> bytes:
    path = folder / f"{name}.yaml"
    try:
        if not stat.S_ISREG(path.stat().st_mode):       # a pipe or a device never ends
            raise RuleBookError("is no file", file=path.name, advice="put a file of text in its place")
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        advice = "run `handoff init`: it writes the rule files that are missing"
        raise RuleBookError("the file is missing", file=path.name, advice=advice) from None
    except OSError as fault:
        message = f"cannot be read: {fault.strerror}"
        raise RuleBookError(message, file=path.name, advice="check the file's owner and mode") from fault
    if not content.strip():  # an editor or a copy that did not come to its end
        advice = "put the rules back; a file in which everything is left to the defaults holds a comment at least"
        raise RuleBookError("the file is empty", file=path.name, advice=advice)
    return content


def _validate(
    name: str, model: type[BaseModel], document: Document, reuse: Reuse
) -> tuple[BaseModel | None, list[RuleBookError]]:
    file = f"{name}.yaml"
    value = {} if document.value is None else document.value
    if not isinstance(value, dict):
        return None, [_complaint(file, document, (), "must be keys with values", f"begin with `{_first_key(model)}:`")]
    try:
        return model.model_validate(value), []
    except ValidationError as fault:
        errors = [one for one in fault.errors(include_url=False) if not reuse.is_inside(name, one["loc"])]
        wrong = (_translate(file, model, document, error) for error in errors if not _only_seems_empty(error))
        told = {(complaint.line, complaint.column, str(complaint)): complaint for complaint in wrong}
        return None, [told[place] for place in sorted(told)]  # what a range of days spreads out is told once


def _only_seems_empty(error: ErrorDetails) -> bool:
    """A list of which every item is wrong is called empty besides."""
    return error["type"] == "too_short" and bool(error["input"])


def _first_key(model: type[BaseModel]) -> str:
    return next(iter(model.model_fields))


# -- complaints ----------------------------------------------------------------------------------------------------


def _complaint(
    file: str,
    document: Document,
    path: KeyPath,
    message: str,
    advice: str = "",
    *,
    of_value: bool = False,
    found: str = "",
) -> RuleBookError:
    line, column = document.place(path, of_value=of_value)
    return RuleBookError(message, file=file, line=line, column=column, key=dotted(path), found=found, advice=advice)


def _translate(file: str, model: type[BaseModel], document: Document, error: ErrorDetails) -> RuleBookError:
    """One of pydantic's errors as a complaint with its place, what stands there, and what would do."""
    kind, loc = error["type"], error["loc"]
    path = _path_in(document, loc)
    if kind == "extra_forbidden":
        known = [key for key in _known_keys(model, path[:-1]) if key != path[-1]]   # another type's key may be it
        advice = nearest(str(path[-1]), known) or (f"known here: {', '.join(known)}" if known else "remove it")
        return _complaint(file, document, path, "unknown key", advice)
    if kind == "missing":
        key = str(loc[-1])
        where = (*path, key)
        return _complaint(file, document, where, "is missing", f"add `{key}:`{_under(path)}")
    message, advice = _words(error)
    if kind == "union_tag_invalid":
        path = (*path, error["ctx"]["discriminator"].strip("'"))
        return _complaint(file, document, path, message, advice, of_value=True, found=_found(error["ctx"]["tag"]))
    misplaced = error.get("ctx", {}).get("error")
    if isinstance(misplaced, MisplacedError):
        path = (*path, *misplaced.path)
        found = _found(_value_at(document, path))
        return _complaint(file, document, path, message, advice, of_value=bool(found), found=found)
    return _complaint(file, document, path, message, advice, of_value=True, found=_found(error["input"]))


def _between_files(document: Document, wrong: Complaint) -> RuleBookError:
    """At the value, unless the key itself is what is wrong."""
    of_value = f"`{wrong.path[-1]}`" not in wrong.message
    found = _found(_value_at(document, wrong.path)) if of_value else ""
    return _complaint(
        f"{wrong.file}.yaml", document, wrong.path, wrong.message, wrong.advice, of_value=bool(found),
        found="" if found in wrong.message else found,
    )  # fmt: skip


def _under(path: KeyPath) -> str:
    return f" under `{dotted(path)}`" if path else ""


def _path_in(document: Document, loc: tuple[int | str, ...]) -> KeyPath:
    """The part of pydantic's path that stands in the file; names of unions and the like are left out."""
    path: KeyPath = ()
    for part in loc:
        if (*path, part) in document.keys:
            path = (*path, part)
        elif (*path, str(part)) in document.keys:
            path = (*path, str(part))
    return path


def _value_at(document: Document, path: KeyPath) -> object:
    """What stands at a path; an empty section where nothing does."""
    value = document.value
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return {}
    return value


def _found(value: object) -> str:
    """What stands there, shortened; nothing for whole sections."""
    if isinstance(value, dict | list | tuple) or value is None:
        return "" if value is not None else "nothing"
    text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    line = text.partition("\n")[0]
    return f"`{line[:LONGEST_FOUND]}…`" if line != text or len(line) > LONGEST_FOUND else f"`{text}`"


_PLAIN: Mapping[str, tuple[str, str]] = {
    "string_type": ("must be text", "put it in quotes"),
    "int_type": ("must be a whole number", "write it without quotes and units"),
    "int_parsing": ("must be a whole number", "write it without quotes and units"),
    "int_from_float": ("must be a whole number", "leave out the decimals"),
    "float_type": ("must be a number", "write it without quotes and units"),
    "float_parsing": ("must be a number", "write it without quotes and units"),
    "bool_type": ("must be true or false", "write true or false, without quotes"),
    "bool_parsing": ("must be true or false", "write true or false, without quotes"),
    "tuple_type": ("must be a list", "write [a, b], or one item a line, each after a dash"),
    "list_type": ("must be a list", "write [a, b], or one item a line, each after a dash"),
    "dict_type": ("must be keys with values", "write `key: value`, one a line"),
    "mapping_type": ("must be keys with values", "write `key: value`, one a line"),
    "model_type": ("must be keys with values", "write `key: value`, one a line"),
    "model_attributes_type": ("must be keys with values", "write `key: value`, one a line"),
    "date_from_datetime_parsing": ("must be a day", "write it like 2026-01-31"),
    "date_parsing": ("must be a day", "write it like 2026-01-31"),
    "date_type": ("must be a day", "write it like 2026-01-31"),
    "string_too_short": ("must not be empty", "write a text"),
    "too_short": ("must not be empty", "add at least one"),
}
_BOUNDS: Mapping[str, tuple[str, str]] = {
    "greater_than": ("must be above {gt:g}", "write a larger number"),
    "greater_than_equal": ("must be at least {ge:g}", "write {ge:g} or more"),
    "less_than": ("must be below {lt:g}", "write a smaller number"),
    "less_than_equal": ("must be at most {le:g}", "write {le:g} or less"),
    "string_too_long": ("must have at most {max_length} characters", "shorten it"),
    "too_long": ("must have at most {max_length} items", "shorten the list"),
    "string_pattern_mismatch": ("must look like {pattern}", "write it so"),
}
_NAMES: Mapping[str, tuple[str, str]] = {
    "^[a-z0-9][a-z0-9_-]*$": ("may hold small letters, digits, - and _ only", "write it like nurture-finished"),
    r"^(company\.)?[a-z0-9_]+$": (
        "may hold small letters, digits and _ only", "write it like num_employees, as the CRM names it",
    ),
}
"""Patterns of names, in words."""


def _words(error: ErrorDetails) -> tuple[str, str]:
    kind, context = error["type"], error.get("ctx", {})
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind in _BOUNDS:
        message, advice = _NAMES.get(context.get("pattern", ""), _BOUNDS[kind])
        return message.format(**context), advice.format(**context)
    if kind in ("enum", "literal_error", "union_tag_invalid"):
        expected = str(context.get("expected") or context.get("expected_tags", ""))
        choices = expected.replace("'", "").replace(" or ", ", ").split(", ")
        return "is not one of the words that may stand here", _choose(context.get("tag", error["input"]), choices)
    if kind == "union_tag_not_found":
        return "does not say of which kind it is", f"add `{str(context.get('discriminator', '')).strip(chr(39))}:`"
    if kind == "value_error":
        message, _, advice = str(context.get("error", error["msg"])).partition("; ")
        return message, advice
    return error["msg"][:1].lower() + error["msg"][1:], ""


def _choose(given: object, choices: list[str]) -> str:
    listed = f"use one of {', '.join(choices)}"
    near = nearest(given, choices) if isinstance(given, str) else ""
    return f"{near} ({listed})" if near else listed


# -- which keys may stand where ------------------------------------------------------------------------------------


def _known_keys(model: type[BaseModel], path: KeyPath) -> list[str]:
    """Keys that the models allow at a path, in their order; empty where any may stand."""
    kinds: list[Any] = [model]
    for part in path:
        kinds = [inner for kind in kinds for inner in _inside(kind, part)]
    found = [info.alias or name for kind in kinds if _is_model(kind) for name, info in kind.model_fields.items()]
    return list(dict.fromkeys(found))


def _inside(kind: Any, part: str | int) -> list[Any]:
    """The types that a value under `part` may have, seen from a value of type `kind`."""
    if _is_model(kind):
        annotations = [info.annotation for name, info in kind.model_fields.items() if part in (name, info.alias)]
        return [inner for annotation in annotations for inner in _alternatives(annotation)]
    origin, args = get_origin(kind), get_args(kind)
    if origin in (tuple, list) and args:
        return _alternatives(args[0])
    return _alternatives(args[1]) if len(args) == 2 and origin is not None else []


def _alternatives(kind: Any) -> list[Any]:
    """A type without Annotated and None, one by one where it is a union."""
    if get_origin(kind) is Annotated:
        return _alternatives(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        return [inner for part in get_args(kind) if part is not type(None) for inner in _alternatives(part)]
    return [kind]


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
