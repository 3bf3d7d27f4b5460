"""The second half of the story: a hand-back, the weeks between, a lead that wakes up, a deal won, a promise broken."""

from __future__ import annotations

from datetime import timedelta

from connector.cli.story import StoryError
from connector.cli.story.people import INES, JOANA, NORA, SILAS, VERA, WEEKS, Lead, crowd
from connector.cli.story.stage import Scene
from connector.cli.story.teller import HANDED, Teller
from connector.cli.story.world import Act, at, spell
from connector.domain.notice import NoticeKind

STAYS_LISTED = ("won", "not_ready", "no_buying_power", "bad_fit", "unreachable")
"""Ends after which marketing may mail again; who was called junk is never mailed, who is in work not yet."""


def handed_back(tell: Teller) -> None:
    day = "2026-03-09"
    with tell.stage.scene("Mon 9 March", "a lead is handed back") as scene:
        rep = tell.rep(NORA)
        scene.say(
            f"{rep} has talked to {NORA.name}: not this quarter. In HubSpot she sets “Handoff verdict” to Recycle, the "
            "reason to Not ready, and leaves a comment."
        )
        tell.answers(
            NORA,
            f"{day} 09:20",
            handoff_verdict="recycle",
            handoff_verdict_reason="not_ready",
            handoff_comment="Budget opens in summer.",
        )
        tell.sync(f"{day} 09:25")
        names = ("lifecyclestage", "handoff_nurture_track", "handoff_state")
        stage, track, state = (tell.shown(NORA, name) for name in names)
        scene.checked(
            f"Her stage in HubSpot goes back to “{stage}” (in the two steps that HubSpot asks for), and she is on the "
            f"nurture track “{track}”.",
            (stage, track, state) == ("lead", "consideration", "recycled"),
            f"{stage}, {track}, {state}",
        )
        members = tell.members()
        scene.checked(
            f"She is off the suppression list: marketing may write to her again. Still on it: {len(members)} in work.",
            members == {INES.email, SILAS.email, VERA.email},
            members,
        )
        letter = tell.post.only("marketing", NoticeKind.LEAD_RECYCLED, NORA.email)
        scene.checked("Marketing is told:", True)
        scene.quote("to marketing", _first_lines(letter.text()))


def _first_lines(text: str) -> str:
    """The message without what the story has shown already."""
    head, _, _ = text.partition("\n\nLately")
    return f"{head}\n…"


def weeks_pass(tell: Teller) -> None:
    leads = list(crowd())
    with tell.stage.scene("10 March to 3 April", "four weeks pass") as scene:
        scene.say(
            f"{len(leads)} people ask for a demo, five a week. Reps call them, say what they think, win some, hand "
            "some back. Handoff runs along. Then HubSpot is asked whether all is as it should be:"
        )
        deals = tell.world.act({"kind": "deal", **_deal_of(tell, INES.email), "at": spell(at("2026-03-11 10:00"))})
        tell.deals[INES.email] = str(deals[0]["deal"])
        for week in WEEKS:
            _week(tell, [lead for lead in leads if lead.week == week])
        told = [tell.handed(lead.person) for lead in leads]
        scene.checked(
            f"{len(leads)} leads, {sum(map(len, told))} messages to reps: none silent, none twice.",
            all(len(letters) == 1 for letters in told),
        )
        _loads(tell, scene, leads)
        members, expected = tell.members(), _expected(leads)
        scene.checked(
            f"The suppression list has exactly the {len(expected)} whom it should have: everybody in work, and the one "
            "whom sales called junk.",
            members == expected,
            sorted(members ^ expected),
        )


def _week(tell: Teller, leads: list[Lead]) -> None:
    day = leads[0].week
    later = (at(f"{day} 09:00") + timedelta(days=2)).strftime("%Y-%m-%d")
    tell.world.clock(at(f"{day} 10:00"))
    tell.world.act(*(lead.person.sends("Request a demo", at(f"{day} 09:5{n}")) for n, lead in enumerate(leads)))
    tell.sync(f"{day} 10:00")
    for number, lead in enumerate(leads):
        tell.calls(lead.person, f"{day} 10:08", after=timedelta(minutes=11 * number))
        tell.answers(lead.person, f"{day} 15:00", **lead.answer)
    tell.sync(f"{day} 16:00")
    tell.world.clock(at(f"{later} 11:00"))
    tell.world.act(*(_deal(tell, lead, later) for lead in leads if lead.end in ("won", "opportunity")))
    tell.sync(f"{later} 11:05")


def _deal(tell: Teller, lead: Lead, day: str) -> Act:
    stage = "closedwon" if lead.end == "won" else "appointmentscheduled"
    made = _deal_of(tell, lead.person.email)
    return {
        "kind": "deal",
        **made,
        "at": spell(at(f"{day} 10:30")),
        "properties": {"dealstage": stage, "amount": "9600"},
    }


def _deal_of(tell: Teller, email: str) -> dict[str, object]:
    contact = tell.world.contact(email)
    return {"contact": contact["id"], "owner": contact["hubspot_owner_id"]}


def _loads(tell: Teller, scene: Scene, leads: list[Lead]) -> None:
    counted: dict[str, int] = {}
    for lead in leads:
        rep = tell.rep(lead.person)
        counted[rep] = counted.get(rep, 0) + 1
    spread = max(counted.values()) - min(counted.values())
    said = ", ".join(f"{rep.split()[0]} {number}" for rep, number in sorted(counted.items()))
    scene.checked(f"Nobody is flooded: {said}. The archived rep got none.", spread <= 1 and len(counted) == 5, counted)


def _expected(leads: list[Lead]) -> frozenset[str]:
    """Worked out from the script alone."""
    return frozenset(
        {INES.email, SILAS.email, VERA.email} | {lead.person.email for lead in leads if lead.end not in STAYS_LISTED}
    )


def wakes_up(tell: Teller) -> None:
    day = "2026-04-07"
    with tell.stage.scene("Tue 7 April", "the lead that was handed back wakes up") as scene:
        former = tell.post.only("reps", HANDED, NORA.email).owner
        scene.say(
            f"{NORA.name} has a new job title. This morning she downloads a guide and looks at the prices, twice."
        )
        tell.answers(NORA, f"{day} 08:30", jobtitle="Managing Director")
        tell.world.clock(at(f"{day} 09:00"))
        tell.world.act(
            NORA.views("/pricing", at(f"{day} 08:41")),
            NORA.views("/pricing", at(f"{day} 08:52")),
            {"kind": "form_submission", "form": "Guide download", "email": NORA.email, "at": spell(at(f"{day} 08:56"))},
        )
        tell.sync(f"{day} 09:05")
        letters = tell.handed(NORA)
        if len(letters) != 2:
            raise StoryError(f"{NORA.name} should have come to sales twice, and came {len(letters)} times")
        text, rep = letters[1].text(), tell.rep(NORA)
        scene.checked(
            f"New interest counts anew: she goes back to sales, to {rep}, who knows her. The message says what is new:",
            letters[1].owner == former == tell.shown(NORA, "hubspot_owner_id") and "Since last time" in text,
            rep,
        )
        scene.quote(f"to {rep}", _part(text, "Since last time"))
        scene.checked(
            "It is her second episode, with a clock of its own. Marketing falls silent again: she is back on the list.",
            len(tell.explain(NORA).history) == 2 and NORA.email in tell.members(),
        )
        tell.calls(NORA, f"{day} 09:40")
        tell.answers(NORA, f"{day} 10:00", handoff_verdict="accepted")


def _part(text: str, title: str) -> str:
    """One paragraph of a message, with the headline and the reason above it."""
    paragraphs = text.split("\n\n")
    found = next(paragraph for paragraph in paragraphs if paragraph.startswith(title))
    return f"{paragraphs[0]}\n\n{found}"


def won_and_late(tell: Teller) -> None:
    day = "2026-04-09"
    with tell.stage.scene("Thu 9 April", "a deal is won, and a lead is left waiting") as scene:
        rep = tell.rep(INES)
        scene.say(f"{rep} wins the deal with {INES.company}. At 09:30 {JOANA.name} asks for a demo, and nobody calls.")
        tell.world.clock(at(f"{day} 09:33"))
        tell.world.act(
            {
                "kind": "deal",
                "deal": tell.deals[INES.email],
                "properties": {"dealstage": "closedwon", "amount": "18000"},
            },
            JOANA.sends("Request a demo", at(f"{day} 09:30"), "Please call this morning."),
        )
        tell.sync(f"{day} 09:35")
        stage = tell.shown(INES, "lifecyclestage")
        scene.checked(
            f"{INES.name} is a {stage} now, off the list: marketing may mail her as a customer.",
            stage == "customer" and tell.shown(INES, "handoff_state") == "won" and INES.email not in tell.members(),
            stage,
        )
        holder = tell.rep(JOANA)
        tell.sync(f"{day} 10:10")
        tell.sync(f"{day} 10:25")
        warned = tell.post.find("reps", NoticeKind.SLA_AT_RISK, JOANA.email)
        early = tell.post.find("managers", NoticeKind.SLA_BREACHED, JOANA.email)
        scene.checked(
            f"{holder} has one business hour for a hand-raiser, and is reminded at half time and at 80 %.",
            len(warned) == 2 and not early,
            f"{len(warned)}, {len(early)}",
        )
        tell.sync(f"{day} 10:40")
        letter = tell.post.only("managers", NoticeKind.SLA_BREACHED, JOANA.email)
        scene.checked(
            "The hour runs out at 10:35. The manager is told:", bool(tell.post.find("reps", letter.kind, JOANA.email))
        )
        scene.quote("to the manager", _with_closing(letter.text()))


def _with_closing(text: str) -> str:
    """Head and foot of a message."""
    head, _, rest = text.partition("\n\nLately")
    foot = rest.rpartition("\n\n")[2] if rest else ""
    return f"{head}\n…\n{foot}" if foot else head
