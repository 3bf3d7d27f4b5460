"""Rule files that are nearly right: the shipped ones, keys and values dropped, doubled, renamed, swapped and nested.

Bytes changed at random mostly give text that is no YAML; these are always YAML, so that what lies behind the parser is
reached: models, cross checks, and the rules at work.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from connector.config.examples import run_examples
from connector.config.mappings import load_part, shipped_folder
from connector.config.yaml_text import read_yaml
from connector.errors import RuleBookError
from connector.rules.qualification import Example, warnings
from connector.rules.rulebook import PARTS, RuleBook, cross_check
from fuzzing.choices import Choices
from fuzzing.shapes import ODD

MOST_CHANGES = 4
WORDS: tuple[Any, ...] = (
    "48h", "16bh", "2bd", "0d", "-1h", "1.5h", "99999999d", "10y", "*", "**", "*@*.example", "always", "never", "all",
    "any", "not", "eq", "in", "matches", "within", "count", "https://*/pricing*", "08:30-17:00", "24:00-00:00", "mon",
    "mon-fri", "sun-mon", "Europe/Lisbon", "Mars/Olympus", "../../etc/passwd", "DE", "de", "+49", "{{ name }}", "{{",
    "lead.handed_off", "HANDOFF_X_URL", "1e3", "2026-13-40", "2026-03-02", 0, 1, 2, -1, 7, 100, 101, 10**18, 0.5, 1e308,
)  # fmt: skip
EXAMPLES = tuple(
    Example.model_validate({"name": f"example {place}", "contact": contact, "activities": did, "expect": "nothing"})
    for place, (contact, did) in enumerate((
        ({"email": "ana@acme.example", "company_size": 250, "title": "Head of Sales", "country": "Germany"}, [
            {"kind": "page_view", "url": "https://www.acme.example/pricing", "ago": "2d"},
            {"kind": "form_submission", "name": "Contact us", "ago": "1h"},
            {"kind": "email_click", "name": "Nurture 3", "ago": "3d"},
        ]),
        ({"email": "somebody@gmail.com"}, []),
        ({}, [{"kind": "page_view", "url": "https://www.acme.example/demo", "ago": "400d"}]),
    ))
)  # fmt: skip


def feed(data: bytes) -> None:
    """S9: rules that work on any contact, or complaints with a place in the file and words about what is there."""
    choices = Choices(data)
    name = choices.pick(tuple(PARTS))
    text = json.dumps(changed(name, choices), indent=1, ensure_ascii=choices.below(2) == 0)
    content = text.encode("utf-8", "surrogatepass")
    try:
        part = load_part(name, content)
    except RuleBookError as error:
        for complaint in (error, *error.others):
            assert complaint.file == f"{name}.yaml" and 0 <= complaint.line <= content.count(b"\n") + 2, str(complaint)
            assert complaint.args[0] and "\n" not in complaint.args[0]
        return
    book = RuleBook(**{**shipped(), name: part})
    found = list(cross_check(book))
    assert all(complaint.message for complaint in found)
    if not found:
        work(book)


def work(book: RuleBook) -> None:
    """Rules that nobody complains about must not fail at their first contact."""
    assert book.fingerprint
    list(warnings(book.qualification))
    tried = book.qualification.model_copy(update={"examples": (*book.qualification.examples, *EXAMPLES)})
    for result in run_examples(replace(book, qualification=tried)):
        assert result.found


def changed(name: str, choices: Choices) -> Any:
    """The shipped file's document with up to MOST_CHANGES changes."""
    root = [copy.deepcopy(_documents()[name])]
    for _ in range(1 + choices.below(MOST_CHANGES)):
        places = list(_places(root))
        if not places:
            break
        holder, key = places[choices.below(len(places))]
        _change(holder, key, places, choices, is_root=holder is root)
    return root[0]


def _change(holder: Any, key: Any, places: list[tuple[Any, Any]], choices: Choices, *, is_root: bool) -> None:
    what = choices.below(10)
    if what == 0 and not is_root:
        del holder[key]
    elif what == 1 and isinstance(holder, list) and not is_root:
        holder.insert(key, copy.deepcopy(holder[key]))
    elif what in (1, 2) and isinstance(holder, dict):
        holder[_key(choices)] = holder[key] if what == 1 else holder.pop(key)
    elif what == 3:
        other, where = places[choices.below(len(places))]
        if not is_root:
            holder[key], other[where] = copy.deepcopy(other[where]), copy.deepcopy(holder[key])
    elif what == 4:
        holder[key] = {_key(choices): holder[key]} if choices.below(2) else [holder[key]]
    elif what == 5:
        other = _documents()[choices.pick(tuple(PARTS))]
        grafts = list(_places([other]))
        giver, where = grafts[choices.below(len(grafts))]
        holder[key] = copy.deepcopy(giver[where])
    elif what == 6:
        holder[key] = copy.deepcopy(choices.pick(ODD))
    elif what == 7:
        holder[key] = choices.text(40)
    elif what == 8 and isinstance(holder[key], str):
        at = choices.below(len(holder[key]) + 1)
        holder[key] = holder[key][:at] + choices.text(6) + holder[key][at + choices.below(4) :]
    else:
        holder[key] = choices.pick(WORDS)


def _key(choices: Choices) -> str:
    return choices.pick(_keys()) if choices.below(4) else choices.text(20)


@cache
def shipped() -> dict[str, Any]:
    """The rules that Handoff comes with, by file."""
    return {name: load_part(name, (shipped_folder() / f"{name}.yaml").read_bytes()) for name in PARTS}


@cache
def _documents() -> dict[str, Any]:
    folder = shipped_folder()
    return {name: read_yaml((folder / f"{name}.yaml").read_bytes(), name).value for name in PARTS}


@cache
def _keys() -> tuple[str, ...]:
    """Every key of the shipped files and of the models behind them."""
    found = {key for holder, key in _places([_documents()]) if isinstance(holder, dict)}
    for model in PARTS.values():
        found |= _model_keys(model.model_json_schema())
    return tuple(sorted(found))


def _model_keys(schema: dict[str, Any]) -> set[str]:
    parts = [schema, *schema.get("$defs", {}).values()]
    return {key for part in parts for key in part.get("properties", {})}


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    for key in range(len(value)) if isinstance(value, list) else list(value):
        yield value, key
        if isinstance(value[key], list | dict):
            yield from _places(value[key])
