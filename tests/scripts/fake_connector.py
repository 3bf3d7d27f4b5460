"""Stands in for the connector where only the driver is tested: does to the sandbox what the plan says, no more.

It is told whom to hand over and when (FAKE_PLAN: e-mail -> [handed on, ended on or "", keeps the hold, won]) and keeps
its "database" in FAKE_BASE, so that it may be killed. FAKE_FAULT makes it wrong on purpose: `forget`, `twice`, `late`.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import urllib.request
from pathlib import Path
from typing import Any

BASE, FAULT = Path(os.environ["FAKE_BASE"]), os.environ.get("FAKE_FAULT", "")
PLAN = json.loads(Path(os.environ["FAKE_PLAN"]).read_text())
LIST = "Handoff: in sales' hands"


def call(method: str, path: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {os.environ['HUBSPOT_ACCESS_TOKEN']}", "Content-Type": "application/json"}
    sent = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(os.environ["HUBSPOT_BASE_URL"] + path, sent, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        read = answer.read()
    return json.loads(read) if read else None


def tell(notice: str, contact: str) -> None:
    body = json.dumps({"type": "lead.handed_off", "data": {"contact": {"id": contact}}}).encode()
    key = base64.b64decode(os.environ["HANDOFF_WEBHOOK_SECRET"].removeprefix("whsec_"))
    mark = base64.b64encode(hmac.new(key, f"{notice}.1.".encode() + body, hashlib.sha256).digest()).decode()
    headers = {"webhook-id": notice, "webhook-timestamp": "1", "webhook-signature": f"v1,{mark}"}
    urllib.request.urlopen(urllib.request.Request(os.environ["HANDOFF_WEBHOOK_URL"], body, headers)).close()


def sync() -> dict[str, Any]:
    base = json.loads(BASE.read_text()) if BASE.exists() else prepared()
    now = call("GET", "/_sandbox/clock")["now"]
    handed = 0
    for contact, email, origin in contacts():
        handed_on, ended_on, keeps, won = PLAN[email]
        row = base["rows"].setdefault(contact, {"origin": origin, "handed_on": "", "ended": "", "owner": ""})
        late = FAULT == "late" and email.endswith("shop-00004.example")
        if not row["handed_on"] and handed_on + ("T23" if late else "") <= now[: 13 if late else 10]:
            hand_over(base, contact, row, now)
            handed += 1
        if row["handed_on"] and not row["ended"] and ended_on and ended_on <= now[:10] and now[11:13] >= "22":
            row["ended"] = "won" if won else "recycled"
            if not keeps and not (FAULT == "forget" and email.endswith("shop-00003.example")):
                call("PUT", f"/crm/v3/lists/{base['list']}/memberships/remove", [contact])
    BASE.with_suffix(".new").write_text(json.dumps(base))
    BASE.with_suffix(".new").replace(BASE)
    return {"handed_off": handed}


def hand_over(base: dict[str, Any], contact: str, row: dict[str, str], now: str) -> None:
    owners = sorted(owner["id"] for owner in call("GET", "/crm/v3/owners?limit=100")["results"])
    row |= {"handed_on": now, "owner": owners[len([r for r in base["rows"].values() if r["handed_on"]]) % len(owners)]}
    call("PUT", f"/crm/v3/lists/{base['list']}/memberships/add", [contact])
    call("PATCH", f"/crm/v3/objects/contacts/{contact}", {"properties": {"hubspot_owner_id": row["owner"]}})
    tell(f"msg_{contact}", contact)
    if FAULT == "twice":
        tell(f"msg_{contact}_again", contact)


def contacts() -> list[tuple[str, str, str]]:
    found, after = [], "0"
    while after:
        page = call(
            "GET", f"/crm/v3/objects/contacts?limit=100&properties=email,hs_analytics_source_data_1&after={after}"
        )
        for row in page["results"]:
            values = row["properties"]
            found.append((row["id"], values["email"], values.get("hs_analytics_source_data_1") or ""))
        after = page.get("paging", {}).get("next", {}).get("after", "")
    return found


def prepared() -> dict[str, Any]:
    for name in ("handoff_verdict", "handoff_verdict_reason"):
        wanted = {"name": name, "label": name, "type": "string", "fieldType": "text", "groupName": "contactinformation"}
        call("POST", "/crm/v3/properties/contacts", wanted)
    made = call("POST", "/crm/v3/lists", {"name": LIST, "objectTypeId": "0-1", "processingType": "MANUAL"})
    return {"list": made["list"]["listId"], "rows": {}}


def episodes(_asked: str, told: str) -> dict[str, Any]:
    lines = []
    for contact, row in json.loads(BASE.read_text())["rows"].items():
        episode = {"state": row["ended"] or "handed_off", "owner": row["owner"], "handed_off_at": row["handed_on"],
                   "is_open": not row["ended"], "silent": False}  # fmt: skip
        shown = [episode] if row["handed_on"] else []
        lines.append({"contact": contact, "origin": row["origin"], "episodes": shown, "timers": len(shown)})
    Path(told).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return {"contacts": len(lines)}


for line in sys.stdin:
    word, *rest = line.split()
    print(json.dumps(sync() if word == "sync" else episodes(*rest)), flush=True)
