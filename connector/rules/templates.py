"""Templates: an admin's own words for a notice, in the smallest part of Jinja2 that is worth having (S10).

Text, `{{ name }}`, listed filters and `{% if %}`: no loops, calls, attributes or arithmetic, so that what a template
costs grows with its length alone. Templates stand in mappings/notifications.yaml and nowhere else. What the names hold,
and how each target's markup is kept out of values, is delivery's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from connector.domain.notice import NoticeKind
from connector.rules.suggestions import nearest

if TYPE_CHECKING:
    from jinja2 import Environment, Template
    from jinja2.nodes import Node
    from jinja2.nodes import Template as Tree

LONGEST_TEMPLATE = 4_000
LARGEST_OUTPUT_BYTES = 20_000
DEEPEST = 20
FILTERS = ("upper", "lower", "capitalize", "title", "trim", "default", "truncate")

OF_EVERY_NOTICE: Mapping[str, str] = MappingProxyType(
    {
        "headline": "the built-in title",
        "reason": "the built-in first line: why this notice, in words",
        "kind": "the kind, such as lead.handed_off",
        "summary": "the whole built-in message in plain lines",
    }
)
OF_A_LEAD: Mapping[str, str] = MappingProxyType(
    {
        "why_now": "why this lead, today",
        "name": "first and last name; in shared channels the last name is an initial",
        "first_name": "first name",
        "last_name": "last name; empty in shared channels",
        "job_title": "job title",
        "company": "company",
        "country": "country, in words",
        "email": "e-mail; empty in shared channels",
        "phone": "phone; empty in shared channels",
        "message": "what they wrote; empty in shared channels",
        "local_time": "the time where they are",
        "score": "points, grade and parts, in words",
        "score_lines": "the strongest score lines, one a line",
        "history": "what they did lately, newest first, one a line",
        "since_last_time": "on a second handover: what changed, one a line",
        "allowed": "what is allowed: call, mail, marketing mail",
        "due": "until when somebody must react",
        "rep": "name of the rep who has it",
        "routed": "why this rep",
        "link": "the record in HubSpot",
        "clock": "sla.* only: the clock that runs out",
    }
)
OF_OPS: Mapping[NoticeKind, Mapping[str, str]] = MappingProxyType(
    {
        NoticeKind.RUN_HELD: {
            "held": "contacts that would move",
            "allowed": "how many may",
            "refused": "changes that the CRM refused, where that is why",
            "attempted": "of how many",
        },
        NoticeKind.RUN_SHADOW: {
            "would_hand_over": "leads that would have been handed over",
            "would_change": "contacts that would have been changed",
        },
        NoticeKind.MAIL_LEAKED: {
            "mail": "the e-mail's name",
            "campaign": "its id in HubSpot",
            "list": "the list that was not excluded",
            "count": "how many leads got it",
            "leads": "the first of them, one a line",
        },
        NoticeKind.ALARM_RAISED: {
            "alarm": "rate, starving, overloaded, silent or drift",
            "count": "silent: how many leads",
            "leads": "the first of them, one a line",
        },
        NoticeKind.LEAD_DIGEST: {"count": "how many notices it tells of", "leads": "the first of them, one a line"},
        NoticeKind.REP_MORNING: {
            "count": "how many leads the rep has",
            "waiting": "how many of them wait for a first call",
            "late": "how many of these are late",
            "leads": "the strongest of them, one a line",
        },
        NoticeKind.DESTINATION_OFF: {
            "destination": "its name",
            "why": "why it was switched off",
            "waiting": "how many notices wait for it",
            "since": "since when it fails",
        },
        NoticeKind.TEST_PING: {"destination": "its name"},
    }
)


class TemplateError(ValueError):
    """What is wrong with a template, and in which of its lines (from 1)."""

    def __init__(self, message: str, line: int = 1, advice: str = "") -> None:
        super().__init__(message)
        self.message, self.line, self.advice = message, line, advice


class Trusted(str):
    """A value that was made and checked by us, such as the link to the record: it goes out as it is."""

    __slots__ = ()


Escape = Callable[[str], str]


def names_of(kind: NoticeKind) -> dict[str, str]:
    """The names that a template of this kind may use, with what they hold; each is always there, perhaps empty."""
    return {**OF_EVERY_NOTICE, **OF_OPS.get(kind, OF_A_LEAD)}


def check_template(text: str, kind: NoticeKind) -> None:
    """Raise TemplateError for the first thing in it that cannot be used; the template is rendered to be sure."""
    names = names_of(kind)
    _check(_parse(text), names)
    for sample in ("Sample", ""):
        render(text, dict.fromkeys(names, sample), str)


def render(text: str, values: Mapping[str, str], escape: Escape) -> str:
    """The template with its values put in, without blanks around it.

    Args:
        values: all of `names_of(kind)`, as text.
        escape: makes a value harmless in its target; what is `Trusted` is left as it is.
    Raises:
        TemplateError: it holds what is not allowed, or the text would be larger than 20 kB.
    """
    from jinja2 import TemplateError as JinjaError

    pieces: list[str] = []
    size = 0
    try:
        for piece in _compiled(text, escape).generate(dict(values)):
            size += len(piece.encode("utf-8", "replace"))
            if size > LARGEST_OUTPUT_BYTES:
                raise TemplateError("the text would be larger than 20 kB", advice="shorten it with `| truncate(200)`")
            pieces.append(piece)
    except (JinjaError, TypeError, ValueError, AttributeError, AssertionError, RecursionError) as error:
        if isinstance(error, TemplateError):
            raise
        advice = "texts are compared with texts: {% if country == 'Germany' %}; truncate takes a number from 3"
        raise TemplateError(f"cannot be rendered: {type(error).__name__}", advice=advice) from error
    return "".join(pieces).strip()


@lru_cache(maxsize=256)
def _compiled(text: str, escape: Escape) -> Template:
    tree = _parse(text)
    _check(tree, None)
    return _environment().overlay(finalize=_finalizer(escape)).from_string(tree)


def _finalizer(escape: Escape) -> Callable[[object], str]:
    def finalize(value: object) -> str:
        return str(value) if isinstance(value, Trusted) else escape(str(value))

    return finalize


@cache
def _environment() -> Environment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    made = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, optimized=False, cache_size=0
    )
    made.globals.clear()
    made.filters = {name: made.filters[name] for name in FILTERS}
    made.tests = {}
    made.policies["truncate.leeway"] = 0     # truncate(80) gives at most 80 signs
    return made


# -- what may stand in a template ------------------------------------------------------------------------------------


def _parse(text: str) -> Tree:
    from jinja2 import TemplateSyntaxError

    if len(text) > LONGEST_TEMPLATE:
        raise TemplateError(f"must have at most {LONGEST_TEMPLATE} characters")
    try:
        return _environment().parse(text)
    except TemplateSyntaxError as error:
        raise TemplateError(*_in_words(error.message or "", error.lineno)) from None
    except (RecursionError, ValueError, OverflowError):
        raise TemplateError("is nested too deeply, or holds a number that is too long") from None


def _in_words(message: str, line: int) -> tuple[str, int, str]:
    """Jinja's own complaint, with an advice where we know one."""
    tag = re.search(r"unknown tag '(\w+)'", message)
    if tag:
        return f"`{{% {tag[1]} %}}` is not known here", line, "use {% if name %} … {% else %} … {% endif %}"
    first = f"cannot be read: {message[:1].lower()}{message[1:].rstrip('.')}"
    return first, line, "a value is written {{ name }}, a condition {% if name %} … {% endif %}"


def _check(tree: Node, names: Iterable[str] | None) -> None:
    for node, depth in _walk(tree, 0):
        if depth > DEEPEST:
            raise TemplateError("is nested too deeply", node.lineno, "write it in fewer levels")
        _check_node(node, names)


def _walk(node: Node, depth: int) -> Iterator[tuple[Node, int]]:
    yield node, depth
    if depth <= DEEPEST:
        for child in node.iter_child_nodes():
            yield from _walk(child, depth + 1)


def _check_node(node: Node, names: Iterable[str] | None) -> None:
    from jinja2 import nodes

    if isinstance(node, nodes.Name):
        if names is not None and node.name not in names:
            advice = nearest(node.name, names) or f"use one of {', '.join(names)}"
            raise TemplateError(f"nothing is called `{node.name}` in a notice of this kind", node.lineno, advice)
    elif isinstance(node, nodes.Filter):
        _check_filter(node)
    elif not isinstance(
        node,
        nodes.Template | nodes.Output | nodes.TemplateData | nodes.Const | nodes.If | nodes.CondExpr | nodes.Compare
        | nodes.Operand | nodes.And | nodes.Or | nodes.Not | nodes.Concat | nodes.Keyword,
    ):  # fmt: skip
        what = WORDS_FOR.get(type(node).__name__, f"`{type(node).__name__.lower()}`")
        advice = "use text, {{ name }}, {% if %} and the filters " + ", ".join(FILTERS)
        raise TemplateError(f"{what} may not stand in a template", node.lineno, advice)


WORDS_FOR: Mapping[str, str] = MappingProxyType(
    {
        "For": "a loop",
        "Getattr": "a dot after a name",
        "Getitem": "a bracket after a name",
        "Call": "a call",
        "Assign": "`set`",
        "AssignBlock": "`set`",
        "Test": "`is`",
        "Mul": "`*`", "Pow": "`**`", "Add": "`+`", "Sub": "`-`", "Div": "`/`", "FloorDiv": "`//`", "Mod": "`%`",
        "List": "a list", "Tuple": "a list", "Dict": "a list",
        "Include": "`include`", "Import": "`import`", "FromImport": "`import`", "Extends": "`extends`",
        "Macro": "a macro", "Block": "a block", "FilterBlock": "a block", "CallBlock": "a call", "With": "`with`",
    }
)  # fmt: skip


def _check_filter(node: object) -> None:
    from jinja2 import nodes

    assert isinstance(node, nodes.Filter)
    if node.name not in FILTERS:
        advice = nearest(node.name, FILTERS) or f"use one of {', '.join(FILTERS)}"
        raise TemplateError(f"no filter is called `{node.name}`", node.lineno, advice)
    plain = all(isinstance(argument, nodes.Const) for argument in node.args)
    if not plain or node.kwargs or node.dyn_args is not None or node.dyn_kwargs is not None:
        advice = "write it like truncate(80) or default('unknown')"
        raise TemplateError(f"`{node.name}` takes plain numbers and texts only", node.lineno, advice)
