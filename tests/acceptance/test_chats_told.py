"""Every type of destination hears of a handover, in its own form and the admin's words (R14, R15, S10, P2)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from portal_world import World

sys.path.insert(0, str(Path(__file__).parent.parent / "delivery"))

from loopback_mail import MailServer
from loopback_receiver import Receiver, answer

EMAIL, PHONE = "nora.vane@visitor.example", "+49 30 5550123"
MORE = """
  channel:
    type: slack
    to: rep
    url_env: HANDOFF_SLACK_URL
    templates:
      lead.handed_off:
        title: "For {{ rep }}: {{ company }}"
        text: "*{{ name }}*: {{ why_now }} {% if phone %}{{ phone }}{% else %}no phone here{% endif %}"
  team:
    type: teams
    to: rep
    url_env: HANDOFF_TEAMS_URL
    personal: true
  space:
    type: google_chat
    to: rep
    url_env: HANDOFF_CHAT_URL
  mail:
    type: apprise
    to: rep
    url_env: HANDOFF_MAIL_URL
    personal: true
"""


@pytest.fixture
def receivers() -> Iterator[dict[str, Receiver]]:
    taken, accepted = answer("200 OK"), answer("202 Accepted")
    with Receiver(taken) as slack, Receiver(accepted) as teams, Receiver(taken) as chat:
        yield {"SLACK": slack, "TEAMS": teams, "CHAT": chat}


def body(receiver: Receiver) -> Any:
    (request,) = receiver.requests
    return json.loads(request.partition(b"\r\n\r\n")[2])


def test_slack_teams_google_chat_and_mail_hear_of_a_new_lead(world: World, receivers: dict[str, Receiver]) -> None:
    owners = {row["id"]: row for row in world.api("GET", "/crm/v3/owners", limit=100)["results"]}
    members = {row["email"]: f"U0{number}" for number, row in owners.items()}
    told = MORE.replace("_SLACK_URL", f"_SLACK_URL\n    owners: {json.dumps(members)}")
    rules = world.mappings / "notifications.yaml"
    rules.write_text(rules.read_text("utf-8") + told, "utf-8")
    with MailServer() as mail:
        env = {f"HANDOFF_{name}_URL": f"http://127.0.0.1:{one.port}/hook" for name, one in receivers.items()}
        env["HANDOFF_MAIL_URL"] = f"mailto://127.0.0.1:{mail.port}?from=handoff@company.example&to=ana@company.example"
        env["HANDOFF_ALLOW_HOSTS"] = world.env["HANDOFF_ALLOW_HOSTS"] + ",127.0.0.1"
        contact = world.asks(EMAIL, firstname="Nora", lastname="Vane<!channel>", phone=PHONE, company="Vane & Co")
        report = world.sync(env=env)
        assert report.counts.handed_off == 1
        world.sync(env=env)     # again is nothing (P3)

    holder = owners[world.read(contact, "hubspot_owner_id")["hubspot_owner_id"]]
    slack = body(receivers["SLACK"])
    name = f"{holder['firstName']} {holder['lastName']}"
    assert slack["blocks"][0]["text"]["text"] == f"For {name}: Vane & Co"
    assert slack["blocks"][1]["text"]["text"] == f"<@{members[holder['email']]}>"
    words = slack["blocks"][2]["text"]["text"]
    assert words.startswith("*Nora V.*: ") and words.endswith("no phone here") and "channel" not in words
    team, space = json.dumps(body(receivers["TEAMS"])), json.dumps(body(receivers["CHAT"]))
    assert EMAIL in team and "Vane" in team and "AdaptiveCard" in team
    assert EMAIL not in space and PHONE not in space and "Nora V." in space
    assert len(mail.mails) == 1 and "A new lead for you" in mail.mails[0]
