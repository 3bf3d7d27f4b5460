"""Tokens at rest: encrypted, of one portal, kept by one process at a time; on both databases (S1)."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import PORTAL, Opener
from sqlalchemy import insert, select, update
from values import NOW, hours

from connector.crm.hubspot.credentials import OAuthToken
from connector.domain.contact import PortalId
from connector.domain.login import Login
from connector.errors import SettingsError, StoreBusyError
from connector.store import scratch
from connector.store.database import Database
from connector.store.logins import LoginVault
from connector.store.place import parse_url
from connector.store.tables import erased, login, portal

KEY = "a-key-of-the-test-that-is-long-enough"
SECRETS = ("canary-access", "canary-refresh", "canary-seed")
TOKENS = Login(
    portal=PORTAL, app="app-1", access_token=SECRETS[0], refresh_token=SECRETS[1], seed=SECRETS[2],
    expires_at=hours(0.5), scopes=("oauth", "crm.lists.read"),
)  # fmt: skip

Vault = Callable[..., LoginVault]


@pytest.fixture
def vault(url: str) -> Vault:
    def make(key: str | None = KEY, patience_seconds: float = 5) -> LoginVault:
        return LoginVault(url, key=key, wall_clock=lambda: NOW, patience_seconds=patience_seconds)

    return make


def row(url: str) -> str:
    with closing(Database(parse_url(url), wall_clock=lambda: NOW)) as database, database.reading() as connection:
        return str(connection.execute(select(login)).all())


def change(url: str, **values: str) -> None:
    with closing(Database(parse_url(url), wall_clock=lambda: NOW)) as database, database.writing() as connection:
        connection.execute(update(login).values(**values))


def test_what_is_kept_is_read_as_it_was_and_no_secret_stands_in_the_row(vault: Vault, url: str) -> None:
    """S1: in the database only encrypted."""
    assert vault().read() is None
    assert vault().keep(TOKENS, make=True)
    assert vault().read() == TOKENS
    assert not any(secret in row(url) + repr(TOKENS) for secret in SECRETS)
    later = replace(TOKENS, access_token="another", portal=PortalId("4712"))
    assert vault().keep(later, make=True) and vault().read() == later, "one login at a time"


def test_the_same_tokens_are_never_the_same_bytes(vault: Vault, url: str) -> None:
    seen = set()
    for _ in range(2):
        vault().keep(TOKENS, make=True)
        seen.add(row(url))
    assert len(seen) == 2


@pytest.mark.parametrize("made", [{"app": "app-2"}, {"portal": "4712"}, {"body": "AAAA"}, {"body": "no base64"}])
def test_a_row_that_was_changed_or_copied_opens_nothing(vault: Vault, url: str, made: dict[str, str]) -> None:
    vault().keep(TOKENS, make=True)
    change(url, **made)
    with pytest.raises(SettingsError, match="damaged") as caught:
        vault().read()
    assert "handoff auth login" in caught.value.advice


@pytest.mark.parametrize("other", ["another-key-that-is-long-enough-too", "short"])
def test_another_key_says_so_and_what_to_do(vault: Vault, other: str) -> None:
    vault().keep(TOKENS, make=True)
    with pytest.raises(SettingsError, match=r"another key|shorter") as caught:
        vault(other).read()
    assert "handoff auth login" in caught.value.advice
    assert vault(other).forget(), "forgetting needs no key"
    assert vault().read() is None and not vault().forget()


def test_a_login_of_another_portal_is_not_kept_in_a_database_that_knows_its_own(
    vault: Vault, open_it: Opener
) -> None:
    with open_it().database.writing() as connection:
        facts = {"portal": "99", "time_zone": "UTC", "ui_domain": "x", "fingerprint": "", "shadow": False}
        connection.execute(insert(portal), [{**facts, "adopting": {}}])
    assert vault().prepare() == ("99",)
    assert not vault().keep(TOKENS, make=True) and vault().read() is None


def test_without_a_key_nothing_is_kept_and_one_that_others_were_erased_under_is_not_made_anew(
    url: str, vault: Vault, open_it: Opener
) -> None:
    without = vault(None)
    if url.startswith("sqlite"):
        with open_it().database.writing() as connection:
            facts = {"portal": PORTAL, "digest": "x", "at": NOW, "cause": "", "removed": {}, "key": "former"}
            connection.execute(insert(erased), [facts])
    assert not without.keep(TOKENS, make=False)
    for needs in (without.prepare, lambda: without.keep(TOKENS, make=True)):
        with pytest.raises(SettingsError, match=r"HANDOFF_KEY is not set|cannot be read"):
            needs()
    assert without.read() is None


def test_with_sqlite_a_key_is_made_beside_it(tmp_path: Path) -> None:
    """S14: mode 0600; and a lost one is told."""
    vault = LoginVault(f"sqlite:///{tmp_path / 'new.db'}", key=None, wall_clock=lambda: NOW)
    assert vault.read() is None and not vault.keep(TOKENS, make=False) and not vault.forget()
    assert list(tmp_path.iterdir()) == [], "looking makes nothing"
    assert vault.keep(TOKENS, make=True) and vault.read() == TOKENS
    for name in ("new.db", "new.db.key"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    (tmp_path / "new.db.key").unlink()
    with pytest.raises(SettingsError, match="login in the database cannot be read") as caught:
        vault.read()
    assert "backup" in caught.value.advice and "handoff auth login" in caught.value.advice
    assert vault.prepare() == () and vault.keep(TOKENS, make=True) and vault.read() == TOKENS


def test_one_at_a_time_and_whoever_waits_too_long_is_told(vault: Vault) -> None:
    """Between threads with handles of their own, as between processes."""
    inside, leave, order = threading.Event(), threading.Event(), []

    def hold() -> None:
        with vault().alone():
            order.append("in")
            inside.set()
            leave.wait(20)
            order.append("out")

    holder = threading.Thread(target=hold)
    holder.start()
    assert inside.wait(20)
    with pytest.raises(StoreBusyError), vault(patience_seconds=0.05).alone():
        order.append("both")
    leave.set()
    with vault(patience_seconds=20).alone():
        order.append("next")
    holder.join(20)
    assert order == ["in", "out", "next"]


def test_two_processes_at_once_make_one_request(vault: Vault, url: str) -> None:
    """Each with an engine of its own, and both have seen that the token ends before either takes the lock."""
    vault().keep(replace(TOKENS, expires_at=NOW, seed=""), make=True)
    both_saw, asked, got = threading.Barrier(2, timeout=60), [], []

    class Seen(LoginVault):
        looks = 0

        def read(self) -> Login | None:
            found = super().read()
            self.looks += 1
            if self.looks == 1:
                both_saw.wait()
            return found

    def exchange(form: Mapping[str, str]) -> object:
        asked.append(form["refresh_token"])
        return {"access_token": f"access-{len(asked)}", "refresh_token": "refresh-2", "expires_in": 1800}

    def renew() -> None:
        token = OAuthToken(
            client_id="app-1", client_secret="s", vault=Seen(url, key=KEY, wall_clock=lambda: NOW),
            clock=NOW.timestamp,
        )  # fmt: skip
        got.append(token.current(exchange))

    threads = [threading.Thread(target=renew) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (asked, got) == ([SECRETS[1]], ["access-1", "access-1"])
    kept = vault().read()
    assert kept is not None and (kept.access_token, kept.refresh_token) == ("access-1", "refresh-2")


def test_a_process_that_dies_in_the_middle_leaves_no_lock_and_the_former_token(tmp_path: Path) -> None:
    """P1: between HubSpot's answer and the keeping of it."""
    url = f"sqlite:///{tmp_path / 'x.db'}"
    vault = LoginVault(url, key=KEY, wall_clock=lambda: NOW, patience_seconds=5)
    vault.keep(TOKENS, make=True)
    die = (
        "import os, sys; from connector.store.logins import LoginVault\n"
        f"with LoginVault({url!r}, key=None, wall_clock=None).alone(): os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", die], timeout=60).returncode == 9
    with vault.alone():
        assert vault.read() == TOKENS
    for path in tmp_path.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path.name


def test_a_previews_copy_has_no_login(vault: Vault, open_it: Opener) -> None:
    vault().keep(TOKENS, make=True)
    with scratch(open_it()) as copy, copy.database.reading() as connection:
        assert connection.execute(select(login)).all() == []
    assert vault().read() == TOKENS
