"""`handoff auth`: the whole login over HTTP on this machine, with a person who answers on the sandbox's page (S1)."""

from __future__ import annotations

import html
import json
import re
import shutil
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import canaries
import pytest
import requests
from commands import Handoff, Said
from portal_world import MONDAY, World, served

from connector.cli import logging_in
from connector.config.mappings import load_rulebook
from connector.domain.contact import PortalId
from connector.engine.ports import PortalInfo
from connector.rules.rulebook import RuleBook
from connector.sandbox.account import app_of
from connector.sandbox.portal import Sandbox
from connector.store import open_store, this_process

_BOOKS: list[RuleBook] = []
TOKENS = "POST /oauth/v3/token"


class Person:
    """At a browser of their own: reads the page and follows one of its links."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.addresses: list[str] = []
        self.pages: list[str] = []
        self.decision = "connect"
        self._threads: list[threading.Thread] = []
        monkeypatch.setenv("DISPLAY", ":0")
        monkeypatch.setattr(webbrowser, "open", self.open)

    def open(self, address: str) -> bool:
        self.addresses.append(address)
        self._threads.append(threading.Thread(target=self._answer, args=(address,)))
        self._threads[-1].start()
        return True

    def _answer(self, address: str) -> None:
        with requests.Session() as session:
            page = session.get(address, timeout=20)
            self.pages.append(page.text)
            links = [html.unescape(link) for link in re.findall(r'href="([^"]+)"', page.text)]
            for link in links:
                if f"decision={self.decision}" in link:
                    parts = urlsplit(address)
                    self.pages.append(session.get(f"{parts.scheme}://{parts.netloc}{link}", timeout=20).text)

    def leave(self) -> None:
        for thread in self._threads:
            thread.join(20)

    @property
    def asked(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.addresses[-1]).query).items()}


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Iterator[Person]:
    made = Person(monkeypatch)
    yield made
    made.leave()


@pytest.fixture
def world(tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Without people and properties; the shipped rules are read once for all."""
    monkeypatch.setattr(logging_in, "load_rulebook", shipped_rules)
    with served(sandbox) as url, closing(World(url, tmp_path)) as made:
        yield made


def shipped_rules(folder: Path) -> RuleBook:
    if not _BOOKS:
        _BOOKS.append(load_rulebook(folder))
    return _BOOKS[0]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with nothing in it, made once: each test has a copy."""
    path = tmp_path_factory.mktemp("made") / "handoff.db"
    open_store(f"sqlite:///{path}", None, holder=this_process(), wall_clock=lambda: MONDAY).close()
    return path


@pytest.fixture
def app(new: World, tables: Path) -> World:
    """With a database."""
    shutil.copy(tables, new.folder / "handoff.db")
    return new


@pytest.fixture
def new(world: World, sandbox: Sandbox) -> World:
    """The world without a static token and a database, with an OAuth app; its secrets are canaries."""
    found = app_of(sandbox.portals[world.portal])
    for secret in (found.client_secret, found.refresh_token):
        canaries.plant_secret(secret, "a secret of the app")
    world.env |= {
        "HUBSPOT_ACCESS_TOKEN": "", "HUBSPOT_CLIENT_ID": found.client_id, "HUBSPOT_CLIENT_SECRET": found.client_secret,
    }  # fmt: skip
    return world


def log_in(handoff: Handoff, *words: str, **env: str) -> Said:
    return handoff("auth", "login", "--port", "0", *words, **env)


def test_a_login_from_the_page_to_a_token_and_out_again(
    app: World, handoff: Handoff, person: Person, sandbox: Sandbox
) -> None:
    """S1, S2, I10: scopes as the rules need them; tokens encrypted, never shown; a later process asks for none."""
    nobody = handoff("auth", "status")
    assert nobody.code == 3 and "handoff auth login" in nobody.err
    said = log_in(handoff, "--json")
    assert said.code == 0, said.err
    made = json.loads(said.out)
    assert made["portal"] == str(app.portal) and {"oauth", "crm.lists.write", "forms"} <= set(made["scopes"])
    assert {"code_challenge", "state", "redirect_uri"} <= set(person.asked)
    assert "close this window" in person.pages[-1] and person.asked["redirect_uri"].startswith("http://localhost:")
    for token in app_of(sandbox.portals[app.portal]).access_tokens:
        canaries.plant_secret(token, "an access token")
    canaries.look_at_files(app.folder)
    app.calls()
    shown = json.loads(handoff("auth", "status", "--json").out)
    assert TOKENS not in app.calls(), "the stored token serves"
    assert (shown["kind"], shown["token_from"], shown["app"]) == ("oauth", "database", app.env["HUBSPOT_CLIENT_ID"])
    assert shown["portal"] == str(app.portal) and shown["scopes"] == made["scopes"] and shown["expires_at"]
    assert "the database, encrypted" in handoff("auth", "status").out
    out = handoff("auth", "logout")
    assert out.code == 0 and "Connected apps" in out.err
    assert json.loads(handoff("auth", "logout", "--json").out) == {"forgotten": False, "still_set": []}
    assert handoff("auth", "status").code == 3


def test_a_login_that_comes_to_nothing_says_why_and_keeps_nothing(
    app: World, handoff: Handoff, person: Person
) -> None:
    """The person says no; nobody comes back, as where HubSpot takes no redirect URL; the secret is another app's."""
    person.decision = "cancel"
    said = log_in(handoff)
    assert said.code == 3 and "said no" in said.err and "handoff auth login" in said.err
    person.decision = "none of them"
    said = log_in(handoff, "--wait", "1")
    assert said.code == 3 and "within 1 s" in said.err
    assert f"redirect URL {person.asked['redirect_uri']}" in said.err.partition("What to do")[2]
    person.decision = "connect"
    said = log_in(handoff, "--no-pkce", HUBSPOT_CLIENT_SECRET="not-the-apps-own-secret")
    assert said.code == 3 and "invalid_client" in said.err and "HUBSPOT_CLIENT_SECRET" in said.err
    assert "code_challenge" not in person.asked
    assert handoff("auth", "status").code == 3


def test_another_portals_login_is_told_and_not_kept(
    app: World, handoff: Handoff, person: Person, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    bind(app)
    said = log_in(handoff, HUBSPOT_PORTAL_ID="99")
    assert said.code == 2 and "HUBSPOT_PORTAL_ID says 99" in said.err and person.addresses == []
    other = sandbox.add_portal()
    mine = sandbox.portals[app.portal]
    app_of(mine).client_id, app_of(other).client_id = "elsewhere", app_of(mine).client_id
    app_of(other).client_secret = app_of(mine).client_secret
    # The page of this one account does not let in an app that is another's: nobody comes back.
    said = log_in(handoff, "--wait", "1")
    assert said.code == 3 and f"/oauth/{app.portal}/authorize" in person.addresses[-1]
    assert "no access to account" in person.pages[-1]
    # A person who opened the page for all accounts chose the other one.
    monkeypatch.setattr(webbrowser, "open", lambda page: person.open(page.replace(f"/oauth/{app.portal}/", "/oauth/")))
    said = log_in(handoff)
    assert said.code == 2 and f"login is for portal {other.id}" in said.err and "Connected apps" in said.err
    assert json.loads(handoff("auth", "logout", "--json").out)["forgotten"] is False


def bind(world: World) -> None:
    """The database is made, and belongs to the portal."""
    url = f"sqlite:///{world.folder / 'handoff.db'}"
    with closing(open_store(url, None, holder=this_process(), wall_clock=lambda: MONDAY)) as store:
        store.bind_portal(PortalInfo(id=PortalId(str(world.portal)), time_zone="UTC", ui_domain="x", now=MONDAY))


def test_without_an_app_nobody_is_sent_anywhere(world: World, handoff: Handoff, person: Person) -> None:
    """With a static token too: that is no login."""
    for env in ({}, {"HUBSPOT_CLIENT_ID": "app"}):
        said = log_in(handoff, **env)
        assert said.code == 2 and "HUBSPOT_CLIENT_SECRET not set" in said.err
    assert person.addresses == []
    shown = json.loads(handoff("auth", "status", "--json").out)
    assert (shown["kind"], shown["expires_at"], shown["portal"]) == ("static", None, str(world.portal))
    assert "not by itself" in handoff("auth", "status").out
    said = handoff("auth", "logout")
    assert "HUBSPOT_ACCESS_TOKEN is still set" in said.err and "Nobody is logged in" in said.out


def test_a_refresh_that_hubspot_refuses_names_the_command(
    app: World, handoff: Handoff, person: Person, sandbox: Sandbox
) -> None:
    """An app that was taken out of the portal; logging in brings it back."""
    said = log_in(handoff, HUBSPOT_ACCESS_TOKEN=app.token)
    assert said.code == 0 and "goes before this login" in said.err
    found = app_of(sandbox.portals[app.portal])
    found.revoked = True
    for token in found.access_tokens:
        sandbox.grants.pop(token)
    said = handoff("auth", "status")
    assert said.code == 3 and "refused to renew" in said.err and "handoff auth login" in said.err
    assert log_in(handoff).code == 0 and handoff("auth", "status").code == 0


def test_a_refresh_token_of_the_environment_begins_and_is_kept_from_then_on(
    new: World, tables: Path, handoff: Handoff
) -> None:
    """The seed: before there is a database it serves alone, later what came of it stands there."""
    seed: dict[str, Any] = {"HUBSPOT_REFRESH_TOKEN": f"sandbox-refresh-{new.portal}"}
    shown = json.loads(handoff("auth", "status", "--json", **seed).out)
    assert shown["token_from"] == "HUBSPOT_REFRESH_TOKEN" and not (new.folder / "handoff.db").exists()
    shutil.copy(tables, new.folder / "handoff.db")
    new.calls()
    shown = json.loads(handoff("auth", "status", "--json", **seed).out)
    assert shown["token_from"] == "database" and new.calls()[TOKENS] == 1
    assert handoff("auth", "status", **seed).code == 0 and TOKENS not in new.calls()
