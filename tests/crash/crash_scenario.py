"""What happens in a crash world: a few syncs, and between them what people do. Every kind of effect comes up.

Some seventy invented people. Each step says when it is and what people did shortly before; then the connector syncs.
Acts lie a minute before the sync, so that the search index (which lags two seconds here) shows them, and never near an
instant at which a clock runs out: a restart a few seconds later must not change what is due.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crash_peer import Peer

from connector.config.defaults import write_mappings
from connector.sandbox.control import make_portal
from connector.sandbox.portal import Sandbox

Act = dict[str, Any]

BEGIN = "2026-03-02T08:00:00Z"  # a Monday
TOKEN = "pat-canary-7c1f0e52"
SECRET = "whsec_" + "Q2FuYXJ5" * 5 + "Q2FuYXI="
SLACK_KEY = "T0CANARY/B0CANARY/kK3yZ9"
PRICING = "https://www.acme.example/pricing"
REPS = [f"{71_000_001 + 37 * number}" for number in range(7)]  # the seventh is archived from the start


@dataclass(frozen=True, slots=True)
class Step:
    """Acts happen at `acts_at`, the sync at `at`."""

    name: str
    acts_at: str
    at: str
    acts: Callable[[], list[Act]]


def make_peer() -> Peer:
    """The portal as Handoff finds it: thirty people in all stages, an archived owner, an index that lags."""
    sandbox = Sandbox()
    sandbox.clock.freeze(_ms(BEGIN))
    switches = {
        "rate_per_10s": 0, "search_per_second": 0, "lag_seconds": 2,
    }  # fmt: skip
    stages = {"marketingqualifiedlead": 4, "salesqualifiedlead": 2, "opportunity": 2, "customer": 3}
    spec = {"token": TOKEN, "contacts": 30, "seed": 3, "enterprise": True, "switches": switches, "stages": stages}
    portal = make_portal(sandbox, spec)
    return Peer(sandbox, portal)


def write_rules(folder: Path) -> None:
    """The shipped rules with a second destination, a competitor, and one reminder for each clock.

    No clock runs to a lead's end, so that the nightly proof finds accepted leads on none and its alarm comes up, too.
    """
    write_mappings(folder)
    sla = folder / "sla.yaml"
    text, age, _ = sla.read_text(encoding="utf-8").partition("\n  age:")
    assert age, "the clock to a lead's end is no longer the last of the file"
    sla.write_text(text.replace("warn_at: [50, 80]", "warn_at: [50]") + "\n", encoding="utf-8")
    _change(folder / "qualification.yaml", "competitors: {then: triage, domains: []",
            "competitors: {then: triage, domains: [rival.example]")  # fmt: skip
    _change(folder / "notifications.yaml", "    personal: true\n", f"    personal: true\n{CHANNEL}")


CHANNEL = """
  channel:
    type: slack
    to: rep
    kinds: [lead.handed_off, lead.signal, lead.moved]
    url_env: HANDOFF_SLACK_SALES_URL
"""


def _change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, (path.name, old, text.count(old))
    path.write_text(text.replace(old, new), encoding="utf-8")


def _ms(text: str) -> int:
    from connector.sandbox.clock import parse_instant

    return parse_instant(text)


def _form(who: str, form: str = "Contact us", **values: str) -> Act:
    return {"kind": "form_submission", "form": form, "email": who, "values": values}


def _view(who: str, url: str = PRICING, at: str = "") -> Act:
    return {"kind": "page_view", "contact": who, "url": url, **({"at": at} if at else {})}


def _edit(who: str, user: str = "42000100", **properties: str) -> Act:
    return {"kind": "edit", "contact": who, "properties": properties, "user": user}


def _person(who: str, **properties: str) -> Act:
    return {"kind": "contact", "properties": {"email": who, **properties}}


def _asker(number: int) -> str:
    return f"asker.{number}@shop-{number}.example"


def _buyer(number: int) -> str:
    return f"buyer.{number}@firm-{number % 4}.example"  # four firms: colleagues go to one rep


def _idler(number: int) -> str:
    return f"idler.{number}@quiet-{number}.example"


def _before() -> list[Act]:
    """People whom marketing knows already."""
    fits = {"jobtitle": "Head of Marketing", "country": "Germany", "numemployees": "100-500"}
    known = [_person(_buyer(n), **fits) for n in range(4)]
    return known + [_person(_idler(n), jobtitle="Buyer") for n in range(16)]


def _ask() -> list[Act]:
    """Hands are raised, prices looked at twice, a competitor asks, a colleague is passed on by hand."""
    asks = [_form(_asker(n), ("Contact us", "Request a demo", "Free audit")[n % 3]) for n in range(9)]
    looks = [_view(_buyer(n), at=at) for n in range(4) for at in ("2026-03-02T08:10:00Z", "2026-03-02T08:58:00Z")]
    return [
        *asks, *looks, _form("spy@rival.example", "Request a demo"),
        _edit(_idler(0), handoff_request="hand_over"), _edit(_idler(1), handoff_request="hold"),
        _form(_idler(2), "Guide download"), _form("reader@paper.example", "Newsletter"),
    ]  # fmt: skip


def _work() -> list[Act]:
    """Sales begins: calls, answers in fields and statuses, a lead changes hands, interest comes again."""
    return [
        {"kind": "call", "contact": _asker(0), "owner": REPS[0]},
        {"kind": "email", "contact": _asker(1), "owner": REPS[1]},
        _edit(_asker(2), hubspot_owner_id=REPS[5]),
        _edit(_asker(3), handoff_verdict="accepted"),
        _edit(_asker(4), hs_lead_status="IN_PROGRESS"),
        _form(_asker(0), "Request a demo"),
        _edit(_buyer(0), handoff_verdict="qualified"),
        _form("late.1@late-1.example"),
    ]  # fmt: skip


def _answers() -> list[Act]:
    """Hand-backs of every kind, and deals: stages go forward and back, people leave the list."""
    accepted = [_edit(who, handoff_verdict="accepted") for who in (_asker(0), _asker(1), _asker(2), _idler(0))]
    return [
        _edit(_asker(6), handoff_verdict="recycle", handoff_verdict_reason="bad_fit"),
        _edit(_asker(7), handoff_verdict="recycle", handoff_verdict_reason="locked_in_contract",
              handoff_return_on="2026-04-05"),
        _edit(_asker(8), handoff_verdict="junk"),
        _edit(_asker(4), handoff_verdict="unreachable"),
        _edit(_buyer(1), handoff_verdict="recycle"),
        {"kind": "deal", "contact": _buyer(2), "properties": {"dealstage": "appointmentscheduled"}},
        {"kind": "deal", "contact": _asker(3), "properties": {"dealstage": "closedwon"}},
        _edit(_asker(1), hubspot_owner_id=REPS[2]),
        *accepted,
    ]


def _upheaval() -> list[Act]:
    """Records merge and vanish, an owner leaves, who was handed back asks again."""
    return [
        {"kind": "merge", "contact": _asker(2), "other": "late.1@late-1.example"},
        {"kind": "merge", "contact": _idler(3), "other": _asker(0)},
        {"kind": "archive", "contact": _buyer(3)},
        {"kind": "erase", "contact": _asker(5)},
        {"do": "archive_owner", "owner": REPS[3]},
        _form(_asker(6), "Request a demo"), _form(_buyer(1)),
        _form(_idler(4), "Request a demo"),
        _view(_idler(6)), _view(_idler(6), PRICING + "?plan=team"),
    ]  # fmt: skip


def _return() -> list[Act]:
    """Days later: a day in a field has come, a customer asks again, a new lead beside them."""
    accepted = [_edit(who, handoff_verdict="accepted") for who in (_idler(4), _buyer(1))]
    return [_form(_asker(3), "Contact us"), _form("spring@may.example", "Request a demo"), *accepted]


STEPS = (
    Step("take-in", "2026-03-02T08:01:00Z", "2026-03-02T08:02:00Z", _before),
    Step("ask", "2026-03-02T08:59:00Z", "2026-03-02T09:00:00Z", _ask),
    Step("work", "2026-03-02T09:49:00Z", "2026-03-02T09:50:10Z", _work),
    Step("answers", "2026-03-02T11:24:00Z", "2026-03-02T11:25:00Z", _answers),
    Step("upheaval", "2026-03-03T10:04:00Z", "2026-03-03T10:05:00Z", _upheaval),
    Step("return", "2026-03-09T09:59:00Z", "2026-03-09T10:00:30Z", _return),
)
