"""Answers by link over HTTP: opening a link changes nothing, its form answers once, and what is sent may be anything
(R20, S6, I10)."""

from __future__ import annotations

import atexit
import logging
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from shutil import copy, rmtree
from tempfile import mkdtemp
from typing import Any

import pytest
import requests
from factories import ANA, BEN, KIM, NOW, make_contact, make_episode, make_owner, shipped_book

from connector.delivery.answer_links import AnswerLinks
from connector.domain.answer import AnswerKind, AnswerStatus
from connector.domain.episode import State
from connector.engine.ports import Entry, PortalState, StoredContact
from connector.errors import StoreBusyError
from connector.store import SqlStore, open_desk, open_store
from connector.web import answers as answers_module
from connector.web import intake
from connector.web.answer_page import STYLE_HASH
from connector.web.answers import AnswerRoutes
from connector.web.app import App
from connector.web.receiver import Receiver
from connector.web.server import serving
from connector.web.sources import Sources
from connector.web.writer import Writer
from web.served import PORTAL, SECRET, URL, MemoryInbox, served

ENTRY = "fx_" + "0123456789abcdef" * 2
LINKS = AnswerLinks(base_url="https://handoff.example", portal=PORTAL, secrets=("a-secret-" + "s" * 24,))


class Site:
    """A server with one lead, handed to Ana; `open` is a click, `send` the page's button."""

    def __init__(self, store: SqlStore, routes: AnswerRoutes, address: str, rung: threading.Event) -> None:
        self.store, self.routes, self.address, self.rung = store, routes, address, rung
        self.http = requests.Session()

    def path(self, kind: AnswerKind) -> str:
        return LINKS.url(ENTRY, kind).removeprefix(LINKS.base_url)

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.http.request(method, f"http://{self.address}{path}", timeout=30, **more)

    def open(self, kind: AnswerKind = AnswerKind.ACCEPT, method: str = "GET", **more: Any) -> requests.Response:
        return self.ask(method, self.path(kind), **more)

    def send(self, kind: AnswerKind = AnswerKind.ACCEPT, **form: str) -> requests.Response:
        return self.ask("POST", self.path(kind), data={"send": "", **form})

    def stored(self) -> list[Any]:
        with self.store.reading() as unit:
            return unit.answers([KIM])

    def hints(self) -> int:
        with self.store.reading() as unit:
            return len(unit.waiting_hints(9))

    def put_episode(self, **changed: Any) -> None:
        with self.store.transaction() as unit:
            unit.put_episode(handed(**changed), at=NOW + timedelta(hours=1), cause="test")


def handed(**changed: Any) -> Any:
    return make_episode(**{"state": State.HANDED_OFF, "owner": ANA, "handed_off_at": NOW, "opened_at": NOW, **changed})


def fill(store: SqlStore) -> None:
    """What a run leaves that told Ana of Kim."""
    book, episode = shipped_book(), handed()
    facts: dict[str, Any] = {"first_name": "Kim", "last_name": "Sample-Canary", "company": "<b>Acme & Sons</b>"}
    contact = make_contact(**facts)
    entry = Entry(
        id=ENTRY, destination="reps", kind="lead.handed_off", contact=KIM, episode=episode.id, body="{}",
        status="sent", owner=ANA, queued_at=NOW,
    )  # fmt: skip
    with store.transaction() as unit:
        state = PortalState(id=PORTAL, time_zone="UTC", ui_domain="app.example", as_of=NOW)
        unit.put_portal_state(replace(state, fingerprint=book.fingerprint))
        unit.put_rulebook(book.fingerprint, book.as_dict(), NOW)
        unit.put_owners([make_owner(ANA, name="Ana Field")])
        unit.put_contacts([StoredContact(contact=contact, raw={})])
        unit.put_episode(episode, at=NOW, cause="hand_over")
        unit.put_entries([entry])


@cache
def filled() -> Path:
    """Made once: each test has a copy."""
    path = Path(mkdtemp()) / "filled.db"
    atexit.register(rmtree, path.parent, ignore_errors=True)
    with closing(open_store(f"sqlite:///{path}", PORTAL, holder="test", wall_clock=lambda: NOW)) as store:
        fill(store)
    return path


@contextmanager
def serve(folder: Path, **more: Any) -> Iterator[Site]:
    copy(filled(), folder / "handoff.db")
    place = f"sqlite:///{folder / 'handoff.db'}"
    inbox, rung = MemoryInbox(), threading.Event()
    with closing(open_store(place, PORTAL, holder="test", wall_clock=lambda: NOW)) as store:
        desk = open_desk(place, PORTAL, wall_clock=lambda: NOW)
        with (
            closing(Writer(inbox, arrived=rung.set)) as writer,
            closing(AnswerRoutes(desk, LINKS, arrived=rung.set, **more)) as routes,
        ):
            receiver = Receiver(writer, portal=PORTAL, target_url=URL, secrets=(SECRET,))
            with serving(App(receiver, routes), "127.0.0.1", 0) as address:
                site = Site(store, routes, address, rung)
                with closing(site.http):
                    yield site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with serve(tmp_path) as made:
        yield made


def text_of(page: requests.Response) -> str:
    return re.sub(r"<style>.*?</style>|<[^>]*>", " ", page.text, flags=re.DOTALL)


# -- opening -----------------------------------------------------------------------------------------------------------


def test_opening_a_link_shows_what_will_happen_and_changes_nothing(site: Site) -> None:
    """Previews and scanners open links by themselves: GET and HEAD are harmless, however often."""
    for kind in (AnswerKind.ACCEPT, AnswerKind.CALLED, AnswerKind.RECYCLE, AnswerKind.JUNK):
        page, looked = site.open(kind), site.open(kind, "HEAD")
        assert (page.status_code, looked.status_code, looked.text) == (200, 200, "")
        assert "Kim S" in text_of(page) and "Ana Field" in text_of(page)
        assert site.open(kind, headers={"Purpose": "prefetch", "Sec-Purpose": "prefetch"}).status_code == 200
    assert site.stored() == [] and site.hints() == 0 and not site.rung.is_set()


def test_the_page_names_the_person_sparingly_and_escapes_what_others_wrote(site: Site) -> None:
    """S10, R15"""
    page = site.open()
    assert "&lt;b&gt;Acme &amp; Sons&lt;/b&gt;" in page.text and "<b>" not in page.text
    assert "Canary" not in page.text and "@" not in text_of(page)


def test_the_page_is_whole_in_itself_and_lets_nothing_out(site: Site) -> None:
    """S6: no script, nothing from elsewhere; not kept, not framed, not referred to."""
    page = site.open(AnswerKind.RECYCLE)
    headers = page.headers
    assert headers["Cache-Control"] == "no-store" and headers["Referrer-Policy"] == "no-referrer"
    policy = headers["Content-Security-Policy"]
    assert f"style-src 'sha256-{STYLE_HASH}'" in policy and "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy and "form-action 'self'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff" and "noindex" in headers["X-Robots-Tag"]
    assert headers["Strict-Transport-Security"] == "max-age=31536000" and "Set-Cookie" not in headers
    assert not re.search(r"<script|src=|href=|url\(|style=| on\w+=", page.text)


def test_the_form_can_be_used_by_everybody(site: Site) -> None:
    """A language, a title, one heading; every field has a label."""
    page = site.open(AnswerKind.RECYCLE).text
    assert '<html lang="en">' in page and "<title>" in page and page.count("<h1>") == 1
    assert "<legend>" in page and page.count('type="radio"') == len(shipped_book().recycling.reasons)
    for field in re.findall(r'id="(day|comment)"', page):
        assert f'for="{field}"' in page
    assert page.count("<button") == 1


# -- answering ---------------------------------------------------------------------------------------------------------


def test_the_forms_button_answers_once(site: Site) -> None:
    """R20: stored with a hint, and whoever runs is woken."""
    assert site.send().status_code == 200
    (one,) = site.stored()
    assert (one.kind, one.owner, one.assignment, one.status) == (AnswerKind.ACCEPT, ANA, 1, AnswerStatus.WAITING)
    assert site.hints() == 1 and site.rung.is_set()
    again, looked = site.send(), site.open()
    assert (again.status_code, looked.status_code) == (409, 200)
    assert "already" in text_of(again) and "on its way" in text_of(looked)
    assert len(site.stored()) == 1


def test_of_two_clicks_in_one_moment_one_answers(site: Site) -> None:
    ready, seen = threading.Barrier(2), []

    def click() -> None:
        ready.wait(30)
        url = f"http://{site.address}{site.path(AnswerKind.JUNK)}"
        seen.append(requests.post(url, data={"send": ""}, timeout=30).status_code)

    clicks = [threading.Thread(target=click) for _ in range(2)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join(60)
    assert sorted(seen) == [200, 409] and len(site.stored()) == 1


def test_what_was_filled_in_is_kept_in_one_line_of_its_length(site: Site) -> None:
    said = {"reason": "locked_in_contract", "return_on": "2026-09-01"}
    assert site.send(AnswerKind.RECYCLE, comment=" call\r\n in\x00 autumn " + "x" * 900, **said).status_code == 200
    (one,) = site.stored()
    assert (one.said.reason, str(one.said.return_on)) == ("locked_in_contract", "2026-09-01")
    assert one.said.comment.startswith("call in autumn xxx") and len(one.said.comment) == 500


TO_MEND: tuple[tuple[dict[str, str], str], ...] = (
    ({}, "why you hand this lead back"),
    ({"reason": "made_up"}, "why you hand this lead back"),
    ({"reason": "not_ready", "return_on": "soon"}, "could not be read"),
    ({"reason": "not_ready", "return_on": "9999-01-01"}, "too far away"),
    ({"reason": "locked_in_contract", "return_on": "2026-01-31"}, "has passed"),
    ({"reason": "not_ready", "return_on": "2059-01-01"}, "counts only for"),
)


def test_what_is_missing_is_asked_for_and_what_was_written_stays(site: Site) -> None:
    for form, says in TO_MEND:
        page = site.send(AnswerKind.RECYCLE, comment="<i>keep me</i>", **form)
        assert page.status_code == 422 and says in text_of(page) and 'role="alert"' in page.text
        assert "&lt;i&gt;keep me&lt;/i&gt;" in page.text and site.stored() == []


# -- links that count no more ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"owner": "902", "assignment": 2}, "somebody else"),
        ({"state": State.RECYCLED}, "not in work"),
    ],
)
def test_a_link_dies_with_its_holder_and_its_episode(site: Site, changed: dict[str, Any], says: str) -> None:
    site.put_episode(**changed)
    page, sent = site.open(), site.send()
    assert (page.status_code, sent.status_code) == (410, 410)
    assert says in text_of(page) and "Kim" not in page.text
    assert site.stored() == []


def test_a_link_from_before_somebody_else_had_the_lead_stays_dead(site: Site) -> None:
    site.put_episode(owner=BEN, assignment=2)
    site.put_episode(owner=ANA, assignment=3)
    assert site.open().status_code == 410


def test_a_link_that_expired_says_so(site: Site) -> None:
    with site.store.transaction() as unit:
        state = unit.portal_state()
        assert state is not None
        unit.put_portal_state(replace(state, as_of=NOW + timedelta(days=31)))
    assert "expired" in text_of(site.open()) and site.send().status_code == 410


FORGED = (
    "/answer/", "/answer/accept", "/answer/accept-0-0", "/answer/../answer/x", "/answer/" + "a" * 300,
    "/answer/accept-" + "0" * 32 + "-" + "0" * 40, "/answer/%00%ff", "/prefix/answer/nothing",
)  # fmt: skip


def test_a_forged_link_is_not_known_and_changes_nothing(tmp_path: Path) -> None:
    with serve(tmp_path, wrong=Sources(per_second=1, burst=100)) as site:
        for path in FORGED:
            for method in ("GET", "HEAD", "POST"):
                form = {"send": ""} if method == "POST" else None
                assert site.ask(method, path, data=form).status_code == 404, (method, path)
        assert site.stored() == [] and site.hints() == 0


def test_a_genuine_link_to_a_notice_that_is_gone_is_not_known(site: Site) -> None:
    path = LINKS.url("fx_" + "f" * 32, AnswerKind.ACCEPT).removeprefix(LINKS.base_url)
    assert site.ask("GET", path).status_code == 404 and site.ask("POST", path, data={"a": ""}).status_code == 404


# -- floods and faults -------------------------------------------------------------------------------------------------


def test_who_tries_wrong_tokens_is_slowed_and_others_are_not(tmp_path: Path) -> None:
    with serve(tmp_path, wrong=Sources(per_second=0.0001, burst=2)) as site:
        wrong = "/answer/accept-" + "0" * 32 + "-" + "1" * 40
        assert [site.ask("GET", wrong).status_code for _ in range(4)] == [404, 404, 429, 429]
        assert site.open().status_code == 200


def test_too_many_pages_of_one_source_are_told_to_wait(tmp_path: Path) -> None:
    with serve(tmp_path, sources=Sources(per_second=0.0001, burst=2)) as site:
        assert [site.open().status_code for _ in range(3)] == [200, 200, 429]


def test_a_large_or_slow_or_strange_body_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reliability, section 4: the receiver's rules hold here, too."""
    assert site.send(comment="x" * 9_000).status_code == 413
    assert site.ask("POST", site.path(AnswerKind.ACCEPT), json={"send": ""}).status_code == 400
    many = "&".join(f"f{number}=1" for number in range(50))
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert site.ask("POST", site.path(AnswerKind.ACCEPT), data=many, headers=headers).status_code == 400
    assert site.ask("PUT", site.path(AnswerKind.ACCEPT)).status_code == 405
    monkeypatch.setattr(intake, "READ_SECONDS", 0.3)
    host, _, port = site.address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=30) as slow:
        slow.sendall(f"POST {site.path(AnswerKind.ACCEPT)} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na".encode())
        assert slow.recv(100).startswith(b"HTTP/1.1 408 ")
    assert site.stored() == []


def test_where_the_database_cannot_take_it_nobody_is_told_that_it_did(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise StoreBusyError("the database is locked by another process")

    monkeypatch.setattr(answers_module, "take", busy)
    page = site.send()
    assert page.status_code == 503 and "try again" in text_of(page) and page.headers["Retry-After"]
    assert site.stored() == []


def test_no_token_and_no_person_stands_in_a_log(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """I10, S13"""
    with caplog.at_level(logging.DEBUG):
        site.open()
        site.send(AnswerKind.RECYCLE, reason="not_ready", comment="a secret word")
        site.ask("GET", "/answer/accept-" + "0" * 32 + "-" + "1" * 40)
        site.routes.tally.tell()
    told = "\n".join(row.getMessage() for row in caplog.records if not row.name.startswith("urllib3"))
    assert "answer/" not in told and "0123456789abcdef" not in told and "secret word" not in told and "Kim" not in told
    assert {"shown", "stored", "wrong_token"} <= set(site.routes.tally.counts)


def test_webhooks_go_on_beside_it(site: Site) -> None:
    assert site.ask("POST", "/webhooks/hubspot", data=b"[]").status_code == 401
    assert site.ask("GET", "/healthz").status_code == 200


def test_without_answers_there_is_no_such_place() -> None:
    with served() as plain:
        assert plain.http.get(f"http://{plain.host}:{plain.port}/answer/x", timeout=20).status_code == 404
