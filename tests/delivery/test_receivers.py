"""Receivers: what an admin sees of destinations, and a test that goes the way of real notices (S8, I10, P2)."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from fake_outbox import FakeOutbox, entry
from loopback_mail import MailServer
from loopback_receiver import Receiver, answer
from standardwebhooks import Webhook

from connector.delivery.destinations import resolve
from connector.delivery.door import Answer
from connector.delivery.misfits import misfits
from connector.delivery.receivers import Receivers
from connector.delivery.samples import A_TEST, sample_notice
from connector.delivery.sender import Sender
from connector.delivery.signature import new_secret
from connector.delivery.trial import Trial, send, what_to_do
from connector.domain.notice import NoticeKind
from connector.errors import ConfigError, SettingsError
from connector.rules.notifications import NotificationRules

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECRET = new_secret()
RULES = NotificationRules.model_validate(
    {
        "destinations": {
            "reps": {"type": "webhook", "to": "rep", "url_env": "REPS_URL", "secret_env": "REPS_SECRET",
                     "personal": True},
            "channel": {"type": "slack", "to": ["rep", "manager"], "url_env": "SLACK_URL",
                        "owners": {"ana@seller.example": "U0ANAFIELD"}},
            "desk": {"type": "apprise", "to": "triage", "url_env": "MAIL_URL", "kinds": ["lead.triaged"]},
            "asleep": {"type": "teams", "to": "ops", "url_env": "TEAMS_URL", "on": False},
        }
    }
)  # fmt: skip


def receivers(environment: Mapping[str, str], *allow: str, ca_file: Path | None = None) -> Receivers:
    return Receivers(
        rules=RULES, variable=environment.get, allow_hosts=allow, ca_file=ca_file, resolver=lambda *_: ["127.0.0.1"]
    )


def test_the_list_says_what_is_on_and_why_the_rest_is_off() -> None:
    rows = receivers({"SLACK_URL": "https://chat.example/canary"}).rows()
    assert [(row["name"], row["type"], row["on"], row["why"]) for row in rows] == [
        ("reps", "webhook", False, "set REPS_URL and REPS_SECRET to switch it on"),
        ("channel", "slack", True, ""),
        ("desk", "apprise", False, "set MAIL_URL to switch it on"),
        ("asleep", "teams", False, "notifications.yaml says on: false"),
    ]
    assert "canary" not in json.dumps(rows)


@pytest.mark.parametrize("kind", NoticeKind)
@pytest.mark.parametrize("name", list(RULES.destinations))
def test_there_is_a_body_of_every_kind_for_every_type_even_where_it_is_off(name: str, kind: NoticeKind) -> None:
    trial = receivers({}).trial(name, kind, NOW)
    json.loads(trial.body)
    assert trial.entry.startswith("fx_test_")


def test_a_test_says_that_it_is_one() -> None:
    for kind in (NoticeKind.LEAD_HANDED_OFF, NoticeKind.SLA_BREACHED, NoticeKind.DESTINATION_OFF):
        assert A_TEST in json.dumps(sample_notice(kind, "x", NOW).packet)


def test_a_test_is_signed_and_goes_by_the_real_door_over_tls(tmp_path: Path) -> None:
    """S8, P2: a receiver checks it with the library of the standard, as it does with real ones."""
    ca, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("hooks.example").configure_cert(context)
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    with Receiver(answer("204 No Content"), tls=context) as receiver:
        url = f"https://hooks.example:{receiver.port}/in"
        found = receivers({"REPS_URL": url, "REPS_SECRET": SECRET}, "hooks.example", ca_file=tmp_path / "ca.pem")
        now = datetime.now(UTC)
        trial = found.trial("reps", NoticeKind.LEAD_HANDED_OFF, now)
        got = found.send(trial, now)
    assert (got.status, got.problem) == (204, "")
    head, _, body = receiver.requests[0].partition(b"\r\n\r\n")
    Webhook(SECRET).verify(body, dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:]))
    assert body == trial.body.encode() and receiver.names == ["hooks.example"]


def test_the_headers_are_those_of_real_notices() -> None:
    """What `handoff notifications test` proves holds for notices: one call beside the other."""

    class Ear:
        def __init__(self) -> None:
            self.heard: list[tuple[str, bytes, dict[str, str]]] = []

        def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
            self.heard.append((url, body, dict(headers)))
            return Answer(status=204)

        def close(self) -> None:
            pass

    ear, now = Ear(), datetime.now(UTC)
    destinations = resolve(RULES, {"REPS_URL": "https://hooks.example/x", "REPS_SECRET": SECRET}.get)
    trial = receivers({}).trial("reps", NoticeKind.LEAD_HANDED_OFF, now)
    send(Trial(destination=destinations["reps"], entry=trial.entry, body=trial.body), ear, now)
    outbox = FakeOutbox.of(entry(1, "reps", id=trial.entry, body=trial.body, due_at=now))
    Sender(outbox, destinations, {"reps": ear}, wall_clock=lambda: now).deliver(now)
    assert ear.heard[0] == ear.heard[1]


def test_a_mail_is_tried_as_well() -> None:
    with MailServer() as server:
        url = f"mailto://127.0.0.1:{server.port}?from=handoff@seller.example&to=desk@seller.example"
        found = receivers({"MAIL_URL": url}, f"127.0.0.1:{server.port}")
        got = found.send(found.trial("desk", NoticeKind.LEAD_TRIAGED, NOW), NOW)
    assert got.status == 200 and "Somebody asked for sales" in server.mails[0]


def test_a_rep_is_mentioned_on_demand_and_an_unknown_one_refused() -> None:
    found = receivers({})
    assert "<@U0ANAFIELD>" in found.trial("channel", NoticeKind.LEAD_SIGNAL, NOW, "Ana@seller.example").body
    assert "<@" not in found.trial("channel", NoticeKind.LEAD_SIGNAL, NOW).body
    with pytest.raises(SettingsError, match=r"has no 'ben@seller\.example'"):
        found.trial("channel", NoticeKind.LEAD_SIGNAL, NOW, "ben@seller.example")


def test_what_cannot_be_tried_says_why_and_what_to_do() -> None:
    """Bad input: unknown, off, a weak secret, an address that the allow-list does not open."""
    with pytest.raises(SettingsError, match="no destination 'rep'") as unknown:
        receivers({}).trial("rep", NoticeKind.TEST_PING, NOW)
    assert unknown.value.advice == "did you mean `reps`?"
    cases: list[tuple[str, dict[str, str], str, str]] = [
        ("asleep", {"TEAMS_URL": "https://hooks.example/x"}, "is off: notifications.yaml says on: false", "--show"),
        ("channel", {}, "is off: set SLACK_URL", "--show"),
        ("reps", {"REPS_URL": "https://hooks.example/x", "REPS_SECRET": "whsec_" + base64.b64encode(b"short").decode()},
         "24 bytes or more", ".env.example"),
        ("channel", {"SLACK_URL": "http://hooks.example:8080/canary"}, "only https on port 443", "HANDOFF_ALLOW_HOSTS"),
        ("channel", {"SLACK_URL": "https://10.0.0.7/canary"}, "private network", "HANDOFF_ALLOW_HOSTS"),
        ("desk", {"MAIL_URL": "json://hooks.example/canary"}, "no address of a service", "mailtos:"),
        ("desk", {"MAIL_URL": "mailto://u:canary@mail.example:25?to=a@b.example"}, "without TLS", "mailtos:"),
    ]  # fmt: skip
    for name, environment, message, advice in cases:
        found = receivers(environment)
        with pytest.raises(ConfigError, match=message) as caught:
            found.send(found.trial(name, NoticeKind.TEST_PING, NOW), NOW)
        assert advice in caught.value.advice
        assert "canary" not in f"{caught.value} {caught.value.advice}"


def test_a_destination_whose_library_is_missing_is_told_with_the_command_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What `handoff check` says of e-mail without the extra; never a traceback."""
    monkeypatch.setattr("connector.delivery.apprise_door.find_spec", lambda _: None)
    environment = {"MAIL_URL": "mailtos://u:canary@mail.example?to=a@b.example"}
    (fault,) = misfits(RULES, environment.get, ())
    assert str(fault) == (
        "notifications.yaml: destination `desk`: the library for e-mail and other services is not installed"
    )
    assert fault.advice == "Run: pip install 'handoff-connector[notify]'"


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        (Answer(status=302), "Redirects are not followed"),
        (Answer(status=401), "same secret"),
        (Answer(status=404), "no such webhook"),
        (Answer(status=410), "was removed"),
        (Answer(status=422), "--show"),
        (Answer(status=429), "in a minute"),
        (Answer(status=503), "trouble of its own"),
        (Answer(status=None, problem="its name does not resolve"), "host's name"),
        (Answer(status=None, problem="its certificate or TLS was not accepted"), "HANDOFF_CA_FILE"),
        (Answer(status=None, problem="no answer within 15 s"), "answer first"),
        (Answer(status=None, problem="the connection broke before an answer came"), "whether the receiver runs"),
        (Answer(status=None, problem="not sent: x leads to an address inside of a private network"), "ALLOW_HOSTS"),
    ],
)
def test_every_answer_that_is_no_success_has_an_advice(given: Answer, advice: str) -> None:
    signed = resolve(RULES, {"REPS_URL": "https://hooks.example/x", "REPS_SECRET": SECRET}.get)["reps"]
    assert advice in what_to_do(given, signed)
