"""An OAuth token with a place of its own: what is kept, what goes before what, who renews (S1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connector.crm.hubspot.credentials import OAuthToken
from connector.crm.hubspot.refusals import parse_oauth_error
from connector.domain.contact import PortalId
from connector.domain.login import Login
from connector.errors import AuthenticationError, ContractError, SettingsError

APP = {"client_id": "app", "client_secret": "s-1"}
PORTAL = 24001000


class Shelf:
    """A vault in memory. `is_there`: whether there is a database; `broken`, `unreadable`: what its methods raise."""

    def __init__(self, login: Login | None = None, *, is_there: bool = True) -> None:
        self.login, self.is_there = login, is_there
        self.broken: Exception | None = None
        self.unreadable: Exception | None = None
        self.meanwhile: Callable[[], None] = lambda: None
        self.is_held = False

    def read(self) -> Login | None:
        if self.unreadable is not None:
            raise self.unreadable
        return self.login

    def keep(self, login: Login, *, make: bool) -> bool:
        assert self.is_held, "kept by whoever is alone"
        if self.broken is not None:
            raise self.broken
        self.is_there = self.is_there or make
        self.login = login if self.is_there else None
        return self.is_there

    @contextmanager
    def alone(self) -> Iterator[None]:
        self.meanwhile()
        self.is_held = True
        try:
            yield
        finally:
            self.is_held = False


class HubSpot:
    """The token endpoint: numbers its access tokens, and remembers the forms."""

    def __init__(self, *, refresh_token: str = "refresh-1", lifetime: object = 1800) -> None:
        self.refresh_token, self.lifetime = refresh_token, lifetime
        self.forms: list[Mapping[str, str]] = []

    def __call__(self, form: Mapping[str, str]) -> object:
        self.forms.append(form)
        return {
            "access_token": f"access-{len(self.forms)}", "refresh_token": self.refresh_token,
            "expires_in": self.lifetime, "hub_id": PORTAL, "scopes": ["oauth", "forms"],
        }  # fmt: skip

    @property
    def sent(self) -> list[str]:
        return [form["refresh_token"] for form in self.forms]


@pytest.fixture
def hubspot() -> HubSpot:
    return HubSpot()


def token(shelf: Shelf, seed: str = "", *, now: float = 0.0, **only: str) -> OAuthToken:
    return OAuthToken(**{**APP, **only}, refresh_token=seed, vault=shelf, clock=lambda: now)


def kept(seconds: float = 1800, **only: str) -> Login:
    login = Login(
        portal=PortalId(str(PORTAL)), app="app", access_token="access-kept", refresh_token="refresh-kept",
        expires_at=datetime.fromtimestamp(seconds, UTC),
    )  # fmt: skip
    return replace(login, **only)  # type: ignore[arg-type]


def test_a_token_that_is_kept_and_good_costs_no_call(hubspot: HubSpot) -> None:
    assert token(Shelf(kept(1800))).current(hubspot) == "access-kept"
    assert hubspot.forms == []


def test_one_near_its_end_is_renewed_and_kept_before_it_is_used(hubspot: HubSpot) -> None:
    shelf = Shelf(kept(120))
    assert token(shelf).current(hubspot) == "access-1"
    assert hubspot.sent == ["refresh-kept"]
    assert shelf.login is not None
    assert (shelf.login.access_token, shelf.login.refresh_token, shelf.login.scopes) == (
        "access-1", "refresh-1", ("oauth", "forms"),
    )  # fmt: skip


def test_whoever_comes_second_takes_what_the_first_one_got(hubspot: HubSpot) -> None:
    """Two processes at once make one request."""
    shelf = Shelf(kept(60))
    first, second = token(shelf), token(shelf)
    shelf.meanwhile = lambda: None if hubspot.forms else _renew(shelf, first, hubspot)
    assert second.current(hubspot) == "access-1"
    assert len(hubspot.forms) == 1


def _renew(shelf: Shelf, other: OAuthToken, hubspot: HubSpot) -> None:
    shelf.meanwhile = lambda: None
    other.current(hubspot)


def test_a_401_renews_unless_another_process_did(hubspot: HubSpot) -> None:
    """Fault table: 401 in mid-run."""
    shelf = Shelf(kept(1800))
    mine = token(shelf)
    assert mine.current(hubspot) == "access-kept"
    shelf.login = kept(1800, access_token="access-of-another")
    assert mine.renew("access-kept", hubspot) and mine.current(hubspot) == "access-of-another"
    assert hubspot.forms == []
    assert mine.renew("access-of-another", hubspot) and mine.current(hubspot) == "access-1"


@pytest.mark.parametrize(
    ("found", "seed", "goes"),
    [
        (None, "seed-1", "seed-1"),
        (kept(0, seed="seed-1"), "seed-1", "refresh-kept"),     # what became of the setting
        (kept(0, seed="seed-1"), "seed-2", "seed-2"),           # a person changed the setting since
        (kept(0), "seed-1", "seed-1"),                          # a login without a setting, which came later
        (kept(0, seed="seed-1"), "", "refresh-kept"),           # the setting was taken out
        (kept(0, app="other-app"), "seed-1", "seed-1"),
    ],
)
def test_the_setting_goes_before_what_is_kept_only_where_it_is_newer(
    hubspot: HubSpot, found: Login | None, seed: str, goes: str
) -> None:
    token(Shelf(found), seed).current(hubspot)
    assert hubspot.sent == [goes]


def test_nobody_logged_in_names_the_command(hubspot: HubSpot) -> None:
    for found in (None, kept(app="other-app")):
        with pytest.raises(AuthenticationError, match="nobody has logged in") as caught:
            token(Shelf(found)).current(hubspot)
        assert "handoff auth login" in caught.value.advice and caught.value.exit_code == 3


def test_without_a_database_the_setting_serves_and_none_is_made(hubspot: HubSpot) -> None:
    """`handoff check` makes nothing."""
    shelf = Shelf(is_there=False)
    hubspot.refresh_token = "seed-1"
    mine = token(shelf, "seed-1")
    assert (mine.current(hubspot), mine.current(hubspot), shelf.is_there) == ("access-1", "access-1", False)
    assert mine.renew("access-1", hubspot) and hubspot.sent == ["seed-1", "seed-1"]


def test_another_refresh_token_is_kept_even_where_a_database_must_be_made(hubspot: HubSpot) -> None:
    shelf = Shelf(is_there=False)
    token(shelf, "seed-1").current(hubspot)
    assert shelf.login is not None and (shelf.login.refresh_token, shelf.login.seed) == ("refresh-1", "seed-1")
    token(shelf, "seed-1", now=1700).current(hubspot)
    assert hubspot.sent == ["seed-1", "refresh-1"]


def test_what_could_not_be_kept_is_not_used_and_the_former_one_serves_again(hubspot: HubSpot) -> None:
    """A crash between HubSpot's answer and the commit mends itself: HubSpot goes on taking the same refresh token."""
    shelf = Shelf(kept(0))
    shelf.broken = SettingsError("the disk is full")
    mine = token(shelf)
    with pytest.raises(SettingsError):
        mine.current(hubspot)
    shelf.broken = None
    assert mine.current(hubspot) == "access-2" and hubspot.sent == ["refresh-kept", "refresh-kept"]


def test_where_what_is_kept_cannot_be_used_the_setting_serves_and_that_is_told_once(
    hubspot: HubSpot, caplog: pytest.LogCaptureFixture
) -> None:
    """A lost key, a database away: who has a token of their own is not held up. Without one: a clear error."""
    shelf = Shelf(kept(1800))
    shelf.unreadable = SettingsError("another key")
    hubspot.refresh_token = "seed-1"
    mine = token(shelf, "seed-1")
    assert mine.current(hubspot) == "access-1" and hubspot.sent == ["seed-1"]
    assert caplog.text.count("another key") == 1 and "seed-1" not in caplog.text
    with pytest.raises(SettingsError, match="another key"):
        token(shelf).current(hubspot)
    shelf.unreadable = None
    assert token(shelf, "seed-1").current(hubspot) == "access-1", "and it is kept in place of what nobody could read"


def test_another_refresh_token_that_cannot_be_kept_is_told(hubspot: HubSpot) -> None:
    shelf = Shelf()
    shelf.broken = SettingsError("HANDOFF_KEY is not set")
    mine = token(shelf, "seed-1")
    for _ in range(2):
        with pytest.raises(SettingsError, match="HANDOFF_KEY"):
            mine.current(hubspot)
    assert hubspot.sent == ["seed-1", "seed-1"], "what was not kept is not used"


@pytest.mark.parametrize("lifetime", [None, "soon", 0, -5, 10**12, True])
def test_a_lifetime_that_is_none_ends_soon_all_the_same(hubspot: HubSpot, lifetime: object) -> None:
    hubspot.lifetime = lifetime
    shelf = Shelf(kept(0))
    assert token(shelf).current(hubspot) == "access-1"
    assert shelf.login is not None and 0 <= shelf.login.expires_at.timestamp() <= 86_400


def test_an_answer_without_the_rest_leaves_the_rest_as_it_was() -> None:
    shelf = Shelf(kept(0, seed="seed-1"))
    token(shelf, "seed-1").current(lambda form: {"access_token": "access-9"})
    assert shelf.login == kept(1800, access_token="access-9", seed="seed-1")


@pytest.mark.parametrize("answer", [None, [], {}, {"access_token": ""}, {"access_token": 7}])
def test_an_answer_without_a_token_is_told(answer: object) -> None:
    with pytest.raises(AuthenticationError, match="no access token"):
        token(Shelf(kept(0))).current(lambda form: answer)


def accept(login: Login) -> None:
    if login.portal != str(PORTAL):
        raise SettingsError("another portal")


def test_a_login_takes_the_place_of_all_that_was_kept(hubspot: HubSpot) -> None:
    shelf = Shelf(kept(1800, app="other-app"), is_there=False)
    mine = token(shelf, "seed-1")
    made = mine.log_in("code-1", "http://localhost:1/callback", "verifier", hubspot, accept=accept)
    assert hubspot.forms == [
        {
            "grant_type": "authorization_code", "code": "code-1", "redirect_uri": "http://localhost:1/callback",
            "code_verifier": "verifier", **APP,
        }
    ]  # fmt: skip
    assert shelf.login == made and made.seed == "seed-1" and mine.current(hubspot) == "access-1"
    assert "code_verifier" not in _form_without_pkce(mine, hubspot)
    assert "access" not in repr(made) + repr(mine)


def _form_without_pkce(mine: OAuthToken, hubspot: HubSpot) -> Mapping[str, str]:
    mine.log_in("code-2", "http://localhost:1/callback", "", hubspot, accept=accept)
    return hubspot.forms[-1]


def test_a_login_that_is_not_accepted_or_says_no_portal_is_not_kept(hubspot: HubSpot) -> None:
    shelf = Shelf()
    wrong = {"access_token": "a", "refresh_token": "r", "hub_id": 99}
    with pytest.raises(SettingsError, match="another portal"):
        token(shelf).log_in("code", "http://localhost:1/callback", "", lambda form: wrong, accept=accept)
    for lacks in ("hub_id", "refresh_token"):
        answer = {name: value for name, value in wrong.items() if name != lacks}
        with pytest.raises(ContractError):
            token(shelf, "seed").log_in("c", "http://localhost:1/x", "", lambda form, said=answer: said, accept=accept)
    assert shelf.login is None


@pytest.mark.parametrize(
    ("payload", "word"),
    [
        ({"error": "invalid_grant", "error_description": "x"}, "invalid_grant"),
        ({"error": "a canary"}, ""),
        ({"error": ["invalid_grant"]}, ""),
        ("invalid_grant", ""),
        (None, ""),
    ],
)
def test_only_oauths_own_words_are_repeated(payload: object, word: str) -> None:
    """I10"""
    assert parse_oauth_error(payload) == word
