"""What is left of stored texts once a person is taken out of them (I11); which rows that concerns is erasure.py's."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any


def without(body: str, ids: re.Pattern[str]) -> str:
    """A body in any receiver's form without what names these ids: parts of lists, and lines of texts."""

    def prune(node: Any) -> Any:
        if isinstance(node, str):
            return "\n".join(line for line in node.split("\n") if not ids.search(line)) if ids.search(node) else node
        if isinstance(node, dict):
            return {name: prune(value) for name, value in node.items()}
        if isinstance(node, list):
            return [prune(one) for one in node if _has_list(one) or not ids.search(json.dumps(one))]
        return "" if ids.fullmatch(str(node)) else node

    try:
        found = json.loads(body)
    except ValueError:
        return ""
    return json.dumps(prune(found), ensure_ascii=False, separators=(",", ":"))


def _has_list(node: Any) -> bool:
    """Whether it holds parts of its own, of which only some may have to go."""
    return isinstance(node, list) or (isinstance(node, dict) and any(_has_list(value) for value in node.values()))


def clean_decision(body: Mapping[str, Any], episode: Callable[[str | None], str | None]) -> dict[str, Any]:
    """What a decision says about rules, points and owners; nothing in words, and nothing that the person did."""
    kept = {name: body[name] for name in ("state",) if name in body}
    if "verdicts" in body:
        kept["verdicts"] = [[rule, passed, then, []] for rule, passed, then, _ in body["verdicts"]]
    if "score" in body:
        fit, engagement, lines = body["score"]
        kept["score"] = [fit, engagement, [[group, "", points, None] for group, _, points, _ in lines]]
    if "route" in body:
        kept["route"] = {**body["route"], "sentence": ""}
    if "before" in body:
        was, state, owner = body["before"]
        kept["before"] = [episode(was), state, owner]
    return kept
