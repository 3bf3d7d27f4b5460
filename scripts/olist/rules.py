"""The rule files of the run: the shipped ones with our few keys laid over them, and what the plan needs of them.

A file of ours holds only the keys that differ; everything else stays as shipped. Read with a YAML library alone: what
the connector makes of the same files is what is being proved.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from olist.points import Worth


class RulesError(Exception):
    """A rule file is missing or lacks a figure that the plan needs; the text names both."""


def lay_over(shipped: Path, ours: Path, target: Path) -> None:
    """Write every shipped rule file into a folder, with our keys in place of its own."""
    target.mkdir(exist_ok=True)
    for source in sorted(shipped.glob("*.yaml")):
        change = ours / source.name
        text = source.read_text(encoding="utf-8")
        if change.exists():
            yaml = YAML()
            merged = _merge(yaml.load(text), yaml.load(change.read_text(encoding="utf-8")))
            with (target / source.name).open("w", encoding="utf-8") as file:
                yaml.dump(merged, file)
        else:
            (target / source.name).write_text(text, encoding="utf-8")


def seat_callers(folder: Path, callers: Sequence[str], addresses: Sequence[str]) -> None:
    """Let each caller take turns, and the leads of their own campaign: those whose field names them."""
    path, yaml = folder / "routing.yaml", YAML()
    routing = yaml.load(path.read_text(encoding="utf-8"))
    routing["pools"]["callers"]["members"] = [
        {"owner": address, "takes": {"any": [{"field": "desk", "op": "empty"}, _is(caller)]}}
        for caller, address in zip(callers, addresses, strict=True)
    ]
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(routing, file)


def _is(caller: str) -> dict[str, str]:
    return {"field": "desk", "op": "is", "value": caller}


def _merge(base: Any, change: Any) -> Any:
    """Lay mappings over mappings, key by key; lists and values are replaced as a whole, an empty value takes away."""
    if not (isinstance(base, dict) and isinstance(change, dict)):
        return change
    for key, value in change.items():
        if value is None:
            base.pop(key, None)
        else:
            base[key] = _merge(base[key], value) if key in base else value
    return base


def load(folder: Path, name: str) -> Any:
    """Give a rule file as plain values.

    Raises:
        RulesError: it is missing or is no YAML.
    """
    try:
        return YAML(typ="safe", pure=True).load((folder / f"{name}.yaml").read_text(encoding="utf-8"))
    except (OSError, YAMLError) as error:
        raise RulesError(f"mappings/{name}.yaml cannot be read: {error}") from error


def read_worth(folder: Path) -> Worth:
    """Give the figures of the score as scoring.yaml and qualification.yaml have them.

    Raises:
        RulesError: they are not as simple as our arithmetic is.
    """
    engagement, threshold = load(folder, "scoring")["engagement"], load(folder, "qualification")["threshold"]["score"]
    rules = engagement["rules"]
    plain = all(set(rule) <= {"say", "noun", "kind", "name", "url", "points"} and rule["points"] > 0 for rule in rules)
    downloads = [rule["points"] for rule in rules if rule["kind"] == "form_submission"]
    pages = {rule["url"]: float(rule["points"]) for rule in rules if rule["kind"] == "page_view"}
    half_life = re.fullmatch(r"(\d+)d", str(engagement["half_life"]))
    if not plain or len(downloads) != 1 or not pages or half_life is None or engagement["cap"] < 2 * threshold:
        raise RulesError("mappings/scoring.yaml is not as simple as our own arithmetic; see scripts/olist/mappings")
    return Worth(
        threshold=float(threshold),
        download=float(downloads[0]),
        pages=pages,
        half_life=timedelta(days=int(half_life[1])),
    )


def read_reasons(folder: Path) -> tuple[str, ...]:
    """Give the recycle reasons a rep may give here.

    Not those of lost deals, nor those that hand over again by themselves: these would rightly open a second episode on
    their day, and each lead is to be handed over once.
    """
    reasons = load(folder, "recycling")["reasons"]
    found = tuple(
        name
        for name, reason in reasons.items()
        if name != "closed_lost" and (reason.get("wake") or {}).get("then") != "hand_over"
    )
    if not found:
        raise RulesError("mappings/recycling.yaml has no reason without `then: hand_over`; the run needs one")
    return found
