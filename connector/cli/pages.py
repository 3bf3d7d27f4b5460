"""A page of its own for one answer: one HTML file that loads nothing, to be mailed or printed.

Light and dark as the reader's machine has it, narrow enough for a phone. All text is escaped here and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape as escape_html

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = """
:root{color-scheme:light dark;--ink:#1d2733;--soft:#5a6675;--line:#dfe5ec;--back:#fff;--panel:#f4f6f8;--good:#1f7a4d;
--bad:#a3341f;--bar:#3a8fc4;--minus:#c4663a;--first:#8793a3;--pale:#c3d9e8}
@media(prefers-color-scheme:dark){:root{--ink:#e6ebf1;--soft:#9fabb9;--line:#33404e;--back:#141b23;--panel:#1d2732;
--good:#5fc795;--bad:#ef8a72;--bar:#5aa9dc;--minus:#e08a5f;--first:#8793a3;--pale:#2f4a5e}}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--back);max-width:46rem;margin:0 auto;
padding:1.25rem 1rem 3rem;overflow-wrap:anywhere}
h1{font-size:1.5rem;line-height:1.25;margin:.2rem 0}
h2{font-size:1.05rem;margin:2rem 0 .5rem;padding-top:.8rem;border-top:1px solid var(--line)}
p{margin:.4rem 0}
ul,ol{margin:.4rem 0;padding-left:1.2rem}
li{margin:.3rem 0}
.answer{font-size:1.15rem;font-weight:600}
.soft{color:var(--soft);font-size:.9rem}
td .soft{white-space:nowrap}
.box{background:var(--panel);border-left:4px solid var(--bar);padding:.6rem .9rem;margin:1rem 0}
.due{border-color:var(--bad)}
.good,.bad{list-style:none;margin-left:-1.2rem;padding-left:1.6rem;text-indent:-1.6rem}
.good:before{content:"\\2713";color:var(--good);display:inline-block;width:1.6rem;text-indent:0}
.bad:before{content:"\\2717";color:var(--bad);display:inline-block;width:1.6rem;text-indent:0}
table{border-collapse:collapse;width:100%}
td,th{text-align:left;vertical-align:top;padding:.35rem .5rem .35rem 0;border-bottom:1px solid var(--line)}
th{font-weight:600}
th[scope=row]{width:35%}
td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums;width:4.5rem}
tr.sum td{font-weight:600;border-bottom:0}
.bar{display:block;height:.35rem;margin-top:.3rem;background:var(--bar)}
.minus{background:var(--minus)}
svg{display:block;margin:.6rem 0;overflow:visible}
p svg{display:inline-block;margin:0 .2rem 0 .8rem;vertical-align:-1px}
footer{margin-top:2.5rem;padding-top:.8rem;border-top:1px solid var(--line);color:var(--soft);font-size:.85rem}
@media print{body{max-width:none}}
"""
_COMMAND = re.compile(r"`(handoff [^`]+)`")
REPORT = """
body{max-width:62rem}
svg{max-width:46rem}
h3{font-size:.95rem;margin:1.2rem 0 .3rem}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(11.5rem,1fr));gap:.7rem;margin:1rem 0}
.cards.thirds{grid-template-columns:repeat(auto-fit,minmax(15rem,1fr))}
.card{background:var(--panel);border-radius:.4rem;padding:.6rem .8rem;border-top:3px solid var(--line)}
.card.met{border-color:var(--good)}
.card.missed{border-color:var(--bad)}
.card b{display:block;font-size:1.3rem;line-height:1.3;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto}
table{font-size:.92rem}
thead th{border-bottom:2px solid var(--line);vertical-align:bottom}
td.r,th.r{text-align:right;font-variant-numeric:tabular-nums;padding-left:.6rem}
td.r{white-space:nowrap}
td.r+td:not(.r),th.r+th:not(.r){padding-left:1.2rem}
td,th{overflow-wrap:normal;padding-right:.8rem}
td:first-child{min-width:5rem}
td:last-child{min-width:5.5rem}
tr.pale td{color:var(--soft);font-style:italic}
td.ok{color:var(--good);font-weight:600}
td.missed{color:var(--bad);font-weight:600}
td.early{color:var(--soft)}
.agenda{font-size:1.05rem}
@media print{*{print-color-adjust:exact;-webkit-print-color-adjust:exact}h2,h3{break-after:avoid}
svg,tr,.card,.box{break-inside:avoid}.scroll{overflow:visible}body{font-size:11pt}}
@page{margin:16mm 14mm}
"""
"""Laid over STYLE for pages with many figures: wider, with cards and columns of numbers, and cut well on paper."""


def escape(text: str) -> str:
    """For HTML, without signs that nobody sees: a name from the CRM may turn the text around it (U+202E)."""
    return escape_html("".join(sign if sign.isprintable() or sign.isspace() else " " for sign in text))


def page(title: str, body: Iterable[str], *, foot: str = "", style: str = "") -> str:
    """The whole file. `title` and `foot` are plain text, `body` are parts made by the functions below.

    Args:
        style: laid over STYLE.
    """
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f"<title>{escape(title)}</title><style>{STYLE}{style}</style></head><body>",
            f"<h1>{escape(title)}</h1>",
            *body,
            f"<footer>{escape(foot)}</footer></body></html>" if foot else "</body></html>",
            "",
        ]
    )


def _with_commands(text: str) -> str:
    """Escaped; a command between backticks as one."""
    return _COMMAND.sub(r"<code>\1</code>", escape(text))


def heading(text: str) -> str:
    return f"<h2>{escape(text)}</h2>"


def paragraph(text: str, kind: str = "") -> str:
    """`kind`: `answer`, `soft`, `box` or `box due`; empty for running text."""
    return f'<p class="{kind}">{_with_commands(text)}</p>' if kind else f"<p>{_with_commands(text)}</p>"


def points(lines: Iterable[str], *, numbered: bool = False) -> str:
    told = "".join(f"<li>{_with_commands(line)}</li>" for line in lines)
    return f'<ol class="agenda">{told}</ol>' if numbered else f"<ul>{told}</ul>"


def checks(lines: Iterable[tuple[bool, str]]) -> str:
    """Each with a tick or a cross before it, and said so to whoever hears the page."""
    told = (
        f'<li class="{"good" if fine else "bad"}" aria-label="{"fine" if fine else "stop"}: {escape(text)}">'
        f"{escape(text)}</li>"
        for fine, text in lines
    )
    return "<ul>" + "".join(told) + "</ul>"


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Two columns: what, and its value."""
    told = "".join(f"<tr><th scope=row>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return f"<table>{told}</table>"


def sums(rows: Sequence[tuple[float, str, str]], total: float) -> str:
    """Numbers with their words and a small remark, each with a bar as long as its share; the sum below."""
    most = max((abs(number) for number, _, _ in rows), default=0) or 1
    told = "".join(
        f'<tr><td class="n">{number:,.2f}</td><td>{escape(words)}'
        + (f' <span class="soft">{escape(remark)}</span>' if remark else "")
        + f'<span class="bar{" minus" if number < 0 else ""}" style="width:{100 * abs(number) / most:.0f}%"></span>'
        + "</td></tr>"
        for number, words, remark in rows
    )
    return f'<table>{told}<tr class="sum"><td class="n">{total:,.2f}</td><td>in all</td></tr></table>'
