"""Templates (S10): what an admin may write, what is refused and where, and that none can cost much."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connector.domain.notice import NoticeKind
from connector.rules.templates import (
    FILTERS,
    LARGEST_OUTPUT_BYTES,
    LONGEST_TEMPLATE,
    TemplateError,
    Trusted,
    check_template,
    names_of,
    render,
)

LEAD = NoticeKind.LEAD_HANDED_OFF
VALUES = dict.fromkeys(names_of(LEAD), "value")
DOCS = Path(__file__).parents[2] / "docs" / "rules" / "notifications.md"


def wrapped(text: str) -> str:
    return f"<{text}>"


@pytest.mark.parametrize(
    ("template", "made"),
    [
        ("New: {{ name }} of {{ company | upper }}", "New: <value> of <VALUE>"),
        ("{% if phone %}Call {{ phone }}{% else %}Write{% endif %}", "Call <value>"),
        ("{% if not phone %}a{% elif name == 'value' and email %}b{% endif %}", "b"),
        ("{{ name | default('nobody', true) | truncate(3) }}", "<...>"),
        ("{{ name ~ '!' }} {{ 'a' if name else 'b' }}", "<value!> <a>"),
        ("{# a remark #}*{{ name }}*", "*<value>*"),
        ("{% raw %}{{ name }}{% endraw %}", "{{ name }}"),
    ],
)
def test_text_names_filters_and_conditions_make_a_text(template: str, made: str) -> None:
    check_template(template, LEAD)
    assert render(template, VALUES, wrapped) == made


def test_every_value_is_escaped_and_only_what_we_made_is_trusted() -> None:
    """S10: also after a filter, also a constant."""
    values = {**VALUES, "link": Trusted("https://app.example/1"), "name": "<b>"}
    assert render("{{ link }} {{ name }} {{ name | upper }} {{ 'x' }}", values, wrapped) == (
        "https://app.example/1 <<b>> <<B>> <x>"
    )
    assert render("{{ link | upper }} {{ link ~ name }}", values, wrapped) == (
        "<HTTPS://APP.EXAMPLE/1> <https://app.example/1<b>>"
    )


@pytest.mark.parametrize(
    ("template", "line", "message", "advice"),
    [
        ("{{ nme }}", 1, "nothing is called `nme`", "did you mean `name`?"),
        ("a\nb {{ held }}", 2, "nothing is called `held`", "use one of"),
        ("{% for one in name %}{% endfor %}", 1, "a loop may not stand", "use text"),
        ("{{ name.upper() }}", 1, "a call may not stand", "use text"),
        ("{{ name.__class__ }}", 1, "a dot after a name", "use text"),
        ("{{ name['x'] }}", 1, "a bracket after a name", "use text"),
        ("{% set a = 'b' %}", 1, "`set` may not stand", "use text"),
        ("{{ 'x' * 99999999 }}", 1, "`*` may not stand", "use text"),
        ("{{ 9 ** 9 ** 9 }}", 1, "`**` may not stand", "use text"),
        ("{% include 'other' %}", 1, "`include` may not stand", "use text"),
        ("{% macro a() %}{% endmacro %}", 1, "a macro may not stand", "use text"),
        ("{{ name | safe }}", 1, "no filter is called `safe`", "use one of"),
        ("{{ name | uper }}", 1, "no filter is called `uper`", "did you mean `upper`?"),
        ("{{ name | truncate(name) }}", 1, "`truncate` takes plain numbers", "write it like"),
        ("{{ name | truncate('x') }}", 1, "cannot be rendered", "truncate takes a number from 3"),
        ("{{ name | truncate(1) }}", 1, "cannot be rendered", "truncate takes a number from 3"),
        ("{{ name | trim(1) }}", 1, "cannot be rendered", ""),
        ("{{ name < 3 }}", 1, "cannot be rendered", "texts are compared with texts"),
        ("{{ name is defined }}", 1, "`is` may not stand", "use text"),
        ("\n\n{{ name", 3, "cannot be read: unexpected end", "a value is written"),
        ("{% whatever %}", 1, "`{% whatever %}` is not known", "use {% if name %}"),
        ("{% if name %}", 1, "cannot be read", "a value is written"),
        ("{{ " + "(" * 900 + "name" + ")" * 900 + " }}", 1, "nested too deeply", ""),
        ("{{ " + "not " * 500 + "name }}", 1, "nested too deeply", "fewer levels"),
        ("x" * (LONGEST_TEMPLATE + 1), 1, "at most 4000", ""),
    ],
)
def test_everything_else_is_refused_with_its_line_and_what_to_do(
    template: str, line: int, message: str, advice: str
) -> None:
    """S10"""
    with pytest.raises(TemplateError, match=re.escape(message)) as caught:
        check_template(template, LEAD)
    assert caught.value.line == line
    assert advice in caught.value.advice


def test_a_name_of_another_kind_is_unknown() -> None:
    check_template("{{ destination }} {{ waiting }}", NoticeKind.DESTINATION_OFF)
    with pytest.raises(TemplateError, match="nothing is called `destination`"):
        check_template("{{ destination }}", LEAD)


def test_a_text_that_would_be_larger_than_20_kb_is_refused_before_it_is_made() -> None:
    """S10"""
    big = "ü" * 6_000
    with pytest.raises(TemplateError, match="larger than 20 kB"):
        render("{{ name }}{{ name }}", {**VALUES, "name": big}, str)
    assert len(render("{{ name }}", {**VALUES, "name": big}, str).encode()) < LARGEST_OUTPUT_BYTES


def test_the_costliest_template_costs_milliseconds() -> None:
    """S10, the limit of a second: nothing in it can repeat itself, so length alone counts."""
    most = "{{name|upper|lower|title|trim}}" * (LONGEST_TEMPLATE // 31)
    check_template(most, LEAD)
    began = time.process_time()
    with pytest.raises(TemplateError):
        render(most, {**VALUES, "name": "x" * 2_000}, str)
    assert time.process_time() - began < 1


PIECES = ["{{", "}}", "{%", "%}", "name", "if", "endif", "else", "for", "in", "|", "upper", "(", ")", "'", " ",
          "\n", "1", "*", ".", "[", "]", "{#", "#}", "~", "not", "and", "==", "set", "raw", "endraw", "truncate",
          "-", "+", ",", "é"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join) | st.text(max_size=80))
@example("{{ " + "-" * 500 + "1 }}")
@example("{{ 1" + "0" * 3_990 + " }}")
@example("{{ '" + "\\" * 200 + "' }}")
@example("{% if " + "name or " * 480 + "name %}{% endif %}")
def test_any_text_is_a_template_or_is_refused_in_words(text: str) -> None:
    try:
        check_template(text, LEAD)
    except TemplateError as wrong:
        assert wrong.message and wrong.line >= 1
    else:
        assert isinstance(render(text, VALUES, wrapped), str)


@given(st.text(max_size=200))
def test_values_are_never_run_as_templates(value: str) -> None:
    """S10: a field that holds a template is a text."""
    for given_value in (value, "{{ 7*7 }}", "{% for x in y %}", "{{ name }}"):
        assert render("[{{ name }}]", {**VALUES, "name": given_value}, str) == f"[{given_value}]"


def test_every_name_and_filter_is_on_the_admins_page() -> None:
    page = DOCS.read_text("utf-8")
    names = {name for kind in NoticeKind for name in names_of(kind)}
    assert [word for word in (*sorted(names), *FILTERS) if f"`{word}`" not in page] == []
