"""Answers by link over HTTP: a page for whoever opens a link, and the form that they send (R20).

Mail and chat programs open links by themselves, so opening one changes nothing: GET and HEAD show a page, and only the
form's POST stores an answer. The token in the path is the secret, so no cookie is set and no other is needed. It stands
in no log, and no page lets it go elsewhere (S6). What is let in is intake.py's, pages are answer_page.py's.

    1 number, rate      of its source; wrong tokens have a rate of their own
    2 token             genuine, or a page that says no more than that it is not known
    3 GET, HEAD         a page; 410 where the link can be used no more
    4 POST              at most 8 KiB within two seconds; stored, or told why not; 503 where the database cannot take it
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar
from urllib.parse import parse_qs

from connector.delivery.answer_links import PATH, AnswerLinks
from connector.domain.answer import AnswerKind, Said
from connector.engine.answering import Page, look, take
from connector.engine.ports.desk import Desk
from connector.errors import ConnectorError
from connector.rules.answers import LONGEST_COMMENT, Standing
from connector.web import answer_page
from connector.web.intake import Gate, Receive, Scope, Send, Tally, read_body
from connector.web.sources import Network, Sources

MOST_BYTES = 8 * 1024
STORE_SECONDS = 4.0
THREADS = 2
PER_SECOND, BURST = 5.0, 100.0
"""Pages of one source; a whole sales team may sit behind one address."""
WRONG_PER_SECOND, WRONG_BURST = 0.2, 20.0
FORM = b"application/x-www-form-urlencoded"
YEARS = range(2000, 2200)
BUSY = "Open the link again in a moment: it shows whether your answer was stored, or lets you give it anew."

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    cause: str
    html: str


class AnswerRoutes:
    """An ASGI application for the addresses below `/answer/`.

    Args:
        desk: closed with close().
        arrived: called after each answer that was stored; it must be quick.
        trusted: reverse proxies whose X-Forwarded-For counts.

    Attributes:
        tally: replies by cause so far.
    """

    def __init__(
        self,
        desk: Desk,
        links: AnswerLinks,
        *,
        arrived: Callable[[], object],
        trusted: Sequence[Network] = (),
        sources: Sources | None = None,
        wrong: Sources | None = None,
    ) -> None:
        self._desk, self._links, self._arrived = desk, links, arrived
        self._gate = Gate(sources or Sources(per_second=PER_SECOND, burst=BURST), tuple(trusted))
        self._wrong = wrong or Sources(per_second=WRONG_PER_SECOND, burst=WRONG_BURST)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="handoff-answers")
        self.tally = Tally("Answer links were opened", "answers")

    def close(self) -> None:
        """What is being stored is stored still."""
        self._threads.shutdown()
        self._desk.close()
        self.tally.tell()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reply = await self._guarded(scope, receive)
        self.tally.count(reply.cause)
        await self._send(send, reply, empty=scope["method"] == "HEAD")

    async def _guarded(self, scope: Scope, receive: Receive) -> _Reply:
        source = self._gate.source(scope)
        with self._gate.entered(source) as enters:
            if not enters:
                return _later("too_many_at_once")
            if not self._gate.sources.may_pass(source, time.monotonic()):
                return _Reply(429, "rate", answer_page.later_page("Too many pages were asked for at once."))
            try:
                return await self._reply(scope, receive, source)
            except Exception as error:  # around one request: nobody sees a traceback, and nothing was stored
                name = type(error).__name__
                log.error("An answer link met something unforeseen: %s", name, extra={"action": "answers"})
                return _later("unforeseen")

    async def _reply(self, scope: Scope, receive: Receive, source: str) -> _Reply:
        method = str(scope["method"])
        if method not in ("GET", "HEAD", "POST"):
            return _Reply(405, "method", answer_page.dead_page(Standing.UNKNOWN))
        genuine = self._links.read(str(scope["path"]).rpartition(PATH)[2])
        if genuine is None:
            passes = self._wrong.may_pass(source, time.monotonic())
            return _Reply(404 if passes else 429, "wrong_token", answer_page.dead_page(Standing.UNKNOWN))
        if method != "POST":
            return await self._show(*genuine)
        body = await read_body(scope["headers"], receive, MOST_BYTES)
        if isinstance(body, str):
            status = 408 if body == "slow_body" else 413 if body == "large_body" else 400
            return _Reply(status, body, answer_page.later_page("Your answer did not arrive whole."))
        form = _read_form(scope["headers"], body)
        if form is None:
            return _Reply(400, "no_form", answer_page.later_page("What arrived was not this page's form."))
        return await self._store(*genuine, form)

    async def _show(self, entry: str, kind: AnswerKind) -> _Reply:
        page = await self._ask(lambda: self._look(entry, kind))
        if page is None:
            return _later("store_busy", "It could not be looked up just now.")
        if page.standing is Standing.OPEN:
            return _Reply(200, "shown", answer_page.form_page(page))
        return _closed(page)

    async def _store(self, entry: str, kind: AnswerKind, form: dict[str, str]) -> _Reply:
        page = await self._ask(lambda: self._look(entry, kind))
        if page is None:
            return _later("store_busy", BUSY)
        if page.standing is not Standing.OPEN:
            return _closed(page, posted=True)
        said, wrong = _said(page, form)
        if wrong:
            return _Reply(422, "to_mend", answer_page.form_page(page, wrong=wrong, filled=said))
        standing = await self._ask(lambda: self._take(entry, kind, said))
        if standing is None:
            return _later("store_busy", BUSY)
        if standing is Standing.OPEN:
            self._arrived()
            return _Reply(200, "stored", answer_page.done_page(page))
        return await self._closed_now(entry, kind)

    async def _closed_now(self, entry: str, kind: AnswerKind) -> _Reply:
        """Somebody was faster."""
        page = await self._ask(lambda: self._look(entry, kind))
        return _closed(page, posted=True) if page is not None else _later("store_busy", BUSY)

    async def _ask(self, asked: Callable[[], T]) -> T | None:
        """In a thread of its own; None where the database cannot answer now. What was begun goes on to its end."""
        running = asyncio.get_running_loop().run_in_executor(self._threads, asked)
        running.add_done_callback(_forget)
        try:
            async with asyncio.timeout(STORE_SECONDS):
                return await asyncio.shield(running)
        except (TimeoutError, ConnectorError) as error:
            log.warning("An answer has to wait: %s", type(error).__name__, extra={"action": "answers"})
            return None

    # -- in a thread ---------------------------------------------------------------------------------------------

    def _look(self, entry: str, kind: AnswerKind) -> Page:
        with self._desk.reading() as uow:
            return look(uow, entry, kind)

    def _take(self, entry: str, kind: AnswerKind, said: Said) -> Standing:
        with self._desk.writing() as uow:
            return take(uow, entry, kind, said)

    # -- out -----------------------------------------------------------------------------------------------------

    async def _send(self, send: Send, reply: _Reply, *, empty: bool) -> None:
        body = reply.html.encode()
        headers = [(name, value) for name, value in HEADERS]
        headers.append((b"content-length", str(len(body)).encode()))
        if self._links.base_url.startswith("https://"):
            headers.append((b"strict-transport-security", b"max-age=31536000"))
        if reply.status == 405:
            headers.append((b"allow", b"GET, HEAD, POST"))
        if reply.status in (408, 429, 503):
            headers.append((b"retry-after", b"5"))
        if reply.status in (408, 413):
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if empty else body})


HEADERS = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"x-robots-tag", b"noindex, nofollow, noarchive"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'sha256-" + answer_page.STYLE_HASH.encode() + b"'; form-action 'self'; "
        b"base-uri 'none'; frame-ancestors 'none'",
    ),
)


def _forget(running: asyncio.Future[T]) -> None:
    """Whoever gave up waiting hears of no failure either."""
    if not running.cancelled():
        running.exception()


def _closed(page: Page, *, posted: bool = False) -> _Reply:
    if page.standing is Standing.USED:
        return _Reply(409 if posted else 200, "used", answer_page.used_page(page))
    status = 404 if page.standing is Standing.UNKNOWN else 410
    return _Reply(status, page.standing.value, answer_page.dead_page(page.standing))


def _later(cause: str, words: str = "Too much is going on just now.") -> _Reply:
    return _Reply(503, cause, answer_page.later_page(words))


def _read_form(headers: Sequence[tuple[bytes, bytes]], body: bytes) -> dict[str, str] | None:
    """Field → its first value; None for what is no form."""
    kinds = [value for name, value in headers if name == b"content-type"]
    if not kinds or kinds[0].partition(b";")[0].strip().lower() != FORM:
        return None
    try:
        found = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=20, errors="replace")
    except ValueError:
        return None
    return {name: values[0] for name, values in found.items()}


def _said(page: Page, form: dict[str, str]) -> tuple[Said, str]:
    """What was filled in, and what of it is to be mended; empty where nothing is."""
    comment = " ".join("".join(sign if sign.isprintable() else " " for sign in form.get("comment", "")).split())
    said = Said(reason=form.get("reason", ""), comment=comment[:LONGEST_COMMENT] if page.keeps_comment else "")
    if page.kind is not AnswerKind.RECYCLE:
        return said, ""
    day = form.get("return_on", "").strip() if page.dated else ""
    if day:
        try:
            said = replace(said, return_on=date.fromisoformat(day))
        except ValueError:
            return said, "The day could not be read. Write it as year-month-day, such as 2026-09-01."
        if said.return_on is not None and said.return_on.year not in YEARS:
            return replace(said, return_on=None), "That day is too far away."
        if said.return_on is not None and page.today is not None and said.return_on < page.today:
            return replace(said, return_on=None), "That day has passed. Choose one that is to come, or none."
    if page.reasons and said.reason not in dict(page.reasons):
        return replace(said, reason=""), "Please choose why you hand this lead back."
    if said.return_on is not None and said.reason not in page.dated:
        return said, f"A day counts only for: {answer_page.with_a_day(page)}. Leave it empty, or choose that reason."
    return said, ""
