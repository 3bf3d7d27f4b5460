"""The door to e-mail and other services (S8, I10): a short list, a checked server, taken or not taken."""

from __future__ import annotations

import email
import email.policy
import importlib.util
import json
import logging
from collections.abc import Sequence
from typing import Any

import pytest
from kinds import destination
from leads import notice
from loopback_mail import MailServer

from connector.delivery import apprise_door
from connector.delivery.apprise_door import AppriseDoor
from connector.delivery.door import Answer
from connector.delivery.guard import AllowList, Resolver
from connector.delivery.payload import build_body
from connector.delivery.services import KEYS_OF_MAIL, SERVICES, service_of
from connector.errors import SettingsError

BODY = build_body(destination("apprise", personal=True), notice(), "msg_1").encode()
HEADERS = {"Content-Type": "application/json"}


def to_loopback(host: str, port: int, seconds: float) -> Sequence[str]:
    return ["127.0.0.1"]


def never(host: str, port: int, seconds: float) -> Sequence[str]:
    raise AssertionError("looked up")


def post(url: str, *allowed: str, resolve: Resolver = to_loopback, timeout: float = 30.0) -> Answer:
    door = AppriseDoor(allowed=AllowList.of(allowed), resolve=resolve, timeout_seconds=timeout)
    return door.post(url, BODY, HEADERS)


def address(port: int, scheme: str = "mailto") -> str:
    return f"{scheme}://127.0.0.1:{port}?from=handoff@seller.example&to=reps@seller.example"


def test_a_mail_arrives_with_subject_and_text() -> None:
    """R15"""
    with MailServer() as server:
        answer = post(address(server.port), "127.0.0.1")
    assert (answer.status, answer.problem) == (200, "")
    mail: Any = email.message_from_string(server.mails[0], policy=email.policy.default)
    assert mail["Subject"] == "A new lead for you"
    assert mail["To"].addresses[0].addr_spec == "reps@seller.example"
    told = mail.get_body(("plain", "html")).get_content()
    assert "Asked for a demo." in told and "+493012345678" in told


def test_a_refusal_is_not_taken_and_says_nothing_of_who_was_meant(caplog: pytest.LogCaptureFixture) -> None:
    """I6, I10"""
    with MailServer(refuse=True) as server, caplog.at_level(logging.DEBUG):
        answer = post(address(server.port), "127.0.0.1")
    assert answer.status is None and answer.problem.startswith("the service did not take it")
    assert "seller.example" not in caplog.text + answer.problem
    assert server.mails == []


def test_silence_ends_at_the_deadline_and_the_next_try_waits_for_it() -> None:
    with MailServer(silent=True) as server:
        door = AppriseDoor(allowed=AllowList.of(["127.0.0.1"]), resolve=to_loopback, timeout_seconds=0.3)
        assert door.post(address(server.port), BODY, HEADERS).problem == "no answer within 0.3 s"
        assert door.post(address(server.port), BODY, HEADERS).problem == "not sent: the try before has not ended yet"
        assert server.connections == 1


def test_a_server_inside_of_our_network_is_never_connected_to() -> None:
    """S8: whatever its name."""
    with MailServer() as server:
        inward = post(f"mailtos://u:p@mail.example:{server.port}?to=a@b.example", f"other.example:{server.port}")
        named = post("mailtos://u:p@mail.example?to=a@b.example&from=c@d.example")
        elsewhere = post("mailtos://u:p@mail.example?to=a@b.example&smtp=intern.example")
    assert "only ports 465, 587 and 25" in inward.problem
    assert named.problem == "not sent: mail.example leads to an address inside of a private network"
    assert elsewhere.problem == "not sent: intern.example leads to an address inside of a private network"
    assert server.connections == 0


def test_mail_without_tls_is_refused_before_any_look_up() -> None:
    """S8: names, phones and the password would be read by everyone on the way."""
    answer = post("mailto://u:canary@mail.example:25?to=a@b.example", resolve=never)
    assert answer.problem == "not sent: mail would go to mail.example:25 without TLS"


def test_a_name_that_does_not_resolve_is_said_so() -> None:
    def nowhere(host: str, port: int, seconds: float) -> Sequence[str]:
        raise OSError("nothing")

    assert post("mailtos://u:p@mail.example?to=a@b.example", resolve=nowhere).problem == "its name does not resolve"


@pytest.mark.parametrize(
    "url",
    ["json://127.0.0.1/", "xml://hooks.example", "file:///etc/passwd", "https://hooks.example/", "matrix://u:p@h.example",
     "syslog://", "dbus://", "mqtt://127.0.0.1", "ntfy://host.example/x", "slack://a/b/c", "windows://", "mailto:",
     "mailtos://a b", "mailtos://[broken", "", "nope://x", "MAILTO", "signal://127.0.0.1:8080/1/2",
     "mailtos://u:p@mail.example?verify=no", "mailtos://u:p@mail.example?pgp=yes&pgpkey=https://evil.example/k",
     "discord://1/2?redirect=yes", "mailtos://u:p@mail.example?+X-Header=1", "tgram://1:a/2?image=/etc/passwd"],
)  # fmt: skip
def test_services_and_options_that_are_not_on_the_list_are_refused(url: str) -> None:
    """S8, I10"""
    with pytest.raises(SettingsError, match="TEAM_URL") as caught:
        service_of(url, "TEAM_URL")
    assert caught.value.advice
    assert "evil" not in f"{caught.value} {caught.value.advice}"
    assert post(url, "127.0.0.1", resolve=never).problem.startswith("not sent: ")


def test_services_on_the_list_are_known_and_their_options_small() -> None:
    for scheme in SERVICES:
        assert service_of(f"{scheme}://u:p@host.example?to=a", "X") == scheme
    assert "verify" not in KEYS_OF_MAIL and "redirect" not in KEYS_OF_MAIL


def test_an_address_that_apprise_cannot_read_is_told_without_it() -> None:
    answer = post("discord://canary", resolve=never)
    assert answer.problem.startswith("not sent: its address: a part of it is missing")
    assert "canary" not in answer.problem


def test_without_the_extra_the_answer_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apprise_door, "find_spec", lambda _: None)
    url = "mailtos://u:p@mail.example?to=a@b.example"
    assert post(url, resolve=never).problem == "not sent: the library for e-mail and other services is not installed"
    with pytest.raises(SettingsError) as caught:
        apprise_door.open_service(url, "MAIL_URL", AllowList())
    assert "pip install 'handoff-connector[notify]'" in caught.value.advice


def test_a_plugin_that_breaks_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def notify(self, **_: object) -> bool:
            raise RuntimeError("canary")

    monkeypatch.setattr(apprise_door, "open_service", lambda *_: Broken())
    answer = post("mailtos://u:p@mail.example?to=a@b.example")
    assert answer.status is None and "canary" not in answer.problem


def test_the_library_is_there_in_tests_and_its_body_is_ours() -> None:
    assert importlib.util.find_spec("apprise") is not None
    assert set(json.loads(BODY)) == {"title", "text"}
