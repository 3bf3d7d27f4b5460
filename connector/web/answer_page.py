"""The page of an answer link: what will happen, a form with one button, or why the link can be used no more.

Whole in itself: no script, no picture, nothing from elsewhere. What comes from the CRM is escaped (S6, S10). Which page
is shown when is answers.py's.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from html import escape
from types import MappingProxyType

from connector.domain.answer import Answer, AnswerKind, AnswerStatus, Said
from connector.engine.answering import Page
from connector.rules.answers import EXPIRES, LABELS, LONGEST_COMMENT, Standing
from connector.rules.words import day

TITLES: Mapping[AnswerKind, str] = MappingProxyType(
    {
        AnswerKind.ACCEPT: "Accept this lead",
        AnswerKind.CALLED: "I called this lead",
        AnswerKind.QUALIFY: "Pass this lead on to a rep",
        AnswerKind.RECYCLE: "Hand this lead back to marketing",
        AnswerKind.JUNK: "Call this lead junk",
    }
)
HAPPENS: Mapping[AnswerKind, str] = MappingProxyType(
    {
        AnswerKind.ACCEPT: "The CRM will show that you accepted this lead.",
        AnswerKind.CALLED: "A call that you made and did not log will count, marked as claimed by you.",
        AnswerKind.QUALIFY: "The CRM will show it as qualified, and a rep takes it over.",
        AnswerKind.RECYCLE: "Marketing takes it back. It comes to sales again when the reason allows, or when it asks.",
        AnswerKind.JUNK: "It leaves sales for good: nobody is sent this lead again by itself.",
    }
)
BUTTONS: Mapping[AnswerKind, str] = MappingProxyType({**LABELS, AnswerKind.CALLED: "Yes, I called"})
WHY_NOT: Mapping[Standing, tuple[str, str]] = MappingProxyType(
    {
        Standing.MOVED: (
            "This lead is with somebody else now",
            "It was given to somebody else after this link was sent. Only they can answer for it.",
        ),
        Standing.ENDED: (
            "This lead is not in work any more",
            "It was won, handed back or ended in another way after this link was sent.",
        ),
        Standing.WITHDRAWN: ("This notice was taken back", "What it told of was undone, so it needs no answer."),
        Standing.EXPIRED: (
            "This link has expired",
            f"Links can be used for {EXPIRES.days} days. Set your verdict in the CRM instead.",
        ),
        Standing.UNKNOWN: (
            "This link is not known",
            "It may be cut off or changed on its way. Open it from the notice itself, or answer in the CRM.",
        ),
    }
)
CAME_TO: Mapping[AnswerStatus, str] = MappingProxyType(
    {
        AnswerStatus.WAITING: "It is on its way into the CRM.",
        AnswerStatus.DONE: "The CRM shows it.",
        AnswerStatus.MOVED: "It was not carried out: somebody else had the lead by then.",
        AnswerStatus.ENDED: "It was not carried out: the lead was not in work any more.",
        AnswerStatus.OVERTAKEN: "It was not carried out: a verdict was set in the CRM after it, and that one stands.",
        AnswerStatus.REFUSED: "It was not carried out: the rules have no word for it any more.",
        AnswerStatus.ERASED: "It was not carried out: the person was erased.",
    }
)
STYLE = """
:root{color-scheme:light dark;--ink:#1d2530;--soft:#54606e;--paper:#fff;--line:#8a94a0;
--go:#0b5cad;--on:#fff;--bad:#a3120a}
@media (prefers-color-scheme:dark){:root{--ink:#eef1f5;--soft:#aeb8c4;--paper:#161b22;--line:#6b7683;
--go:#7db8ff;--on:#0b1622;--bad:#ff9d94}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:1.0625rem/1.5 system-ui,sans-serif}
main{max-width:34rem;margin:0 auto;padding:2rem 1.25rem 3rem}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 1rem}
p{margin:0 0 1rem}.who{font-weight:600}.soft{color:var(--soft)}.bad{color:var(--bad);font-weight:600}
fieldset{border:1px solid var(--line);border-radius:.5rem;margin:0 0 1rem;padding:.5rem 1rem 1rem}
legend,label.over{font-weight:600}
label.row{display:flex;gap:.75rem;align-items:center;min-height:2.75rem}
input[type=radio]{width:1.25rem;height:1.25rem;flex:none}
label.over{display:block;margin:0 0 .25rem}
input[type=date],textarea{width:100%;font:inherit;color:inherit;background:transparent;border:1px solid var(--line);
border-radius:.5rem;padding:.6rem .75rem;margin:0 0 1rem}
button{font:inherit;font-weight:600;min-height:2.75rem;padding:.6rem 1.5rem;border:0;border-radius:.5rem;
background:var(--go);color:var(--on);cursor:pointer}
:focus-visible{outline:3px solid var(--go);outline-offset:2px}
"""
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
"""By which the Content-Security-Policy lets this style in and no other."""


def form_page(page: Page, *, wrong: str = "", filled: Said | None = None) -> str:
    """The form; `wrong`: what is to be mended in what was sent, `filled`."""
    return _html(TITLES[page.kind], [*_about(page), *_form(page, wrong, filled or Said())])


def done_page(page: Page) -> str:
    """After the answer was stored."""
    return _html(
        "Thank you",
        [
            *_about(page),
            _paragraph(f"Your answer “{LABELS[page.kind]}” is stored, and carried out within a minute or so."),
            _paragraph("Has somebody changed this lead in the CRM meanwhile, what they set there stands.", "soft"),
        ],
    )


def used_page(page: Page) -> str:
    """For a link that was used before."""
    return _html("You have answered by this link already", [*_about(page), *_given(page.given)])


def dead_page(standing: Standing) -> str:
    """For a link that can be used no more, or never could; says nothing of the lead."""
    title, words = WHY_NOT[standing]
    return _html(title, [_paragraph(words)])


def later_page(words: str) -> str:
    """Where it could not be looked up or stored just now."""
    return _html("Please try again in a moment", [_paragraph(words)])


def _about(page: Page) -> Iterator[str]:
    who = ", ".join(part for part in (page.name, page.company) if part)
    yield _paragraph(who or "A lead without a name", "who")
    if page.holder:
        yield _paragraph(f"This link was sent to {page.holder} and answers in their name.", "soft")


def _given(given: Answer | None) -> Iterator[str]:
    if given is None:
        return
    at = f"{day(given.received_at)} at {given.received_at:%H:%M} UTC"
    yield _paragraph(f"“{LABELS[given.kind]}” on {at}.")
    yield _paragraph(CAME_TO[given.status])


def _form(page: Page, wrong: str, filled: Said) -> Iterator[str]:
    yield _paragraph(HAPPENS[page.kind])
    if wrong:
        yield f'<p class="bad" role="alert" id="wrong">{escape(wrong)}</p>'
    yield '<form method="post">'
    if page.kind is AnswerKind.RECYCLE:
        yield from _reasons(page, filled.reason, "wrong" if wrong else "")
        if page.dated:
            value = filled.return_on.isoformat() if filled.return_on else ""
            yield f'<label class="over" for="day">Come back on (optional; for: {escape(with_a_day(page))})</label>'
            yield f'<input type="date" id="day" name="return_on" value="{value}">'
    if page.keeps_comment and page.kind is not AnswerKind.CALLED:
        yield '<label class="over" for="comment">Comment (optional)</label>'
        text = escape(filled.comment)
        yield f'<textarea id="comment" name="comment" rows="3" maxlength="{LONGEST_COMMENT}">{text}</textarea>'
    yield f'<button type="submit">{escape(BUTTONS[page.kind])}</button></form>'


def with_a_day(page: Page) -> str:
    """The reasons for which a day to come back counts, in words."""
    return ", ".join(label for name, label in page.reasons if name in page.dated)


def _reasons(page: Page, chosen: str, described_by: str) -> Iterator[str]:
    if not page.reasons:
        return
    told = f' aria-describedby="{described_by}"' if described_by else ""
    yield f"<fieldset{told}><legend>Why?</legend>"
    for name, label in page.reasons:
        checked = " checked" if name == chosen else ""
        value, words = escape(name), escape(label[:1].upper() + label[1:])
        yield f'<label class="row"><input type="radio" name="reason" value="{value}" required{checked}>{words}</label>'
    yield "</fieldset>"


def _paragraph(words: str, looks: str = "") -> str:
    return f'<p class="{looks}">{escape(words)}</p>' if looks else f"<p>{escape(words)}</p>"


def _html(title: str, parts: list[str]) -> str:
    said = escape(title)
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="robots" content="noindex, nofollow"><title>{said}</title><style>{STYLE}</style>'
    )
    body = "\n".join([f"<h1>{said}</h1>", *parts])
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body><main>\n{body}\n</main></body></html>\n'
