"""`handoff export training --portal-history`: old deals and histories of a portal as labelled examples (R25)."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from commands import in_process
from portal_world import Build, World

from connector.cli.csv_text import FORMULA
from connector.domain.contact import ContactId, PortalId
from connector.domain.episode import episode_id

MQL = {"lifecyclestage": "marketingqualifiedlead"}


def day(text: str) -> str:
    return datetime.fromisoformat(text).replace(hour=9, tzinfo=UTC).isoformat()


class Portal:
    """What happened in a portal before Handoff, each act on its day."""

    def __init__(self, world: World) -> None:
        self.world = world

    def contact(self, at: str, name: str, **properties: str) -> str:
        given = {"email": f"{name}@{name}.example", "firstname": name.title(), "lifecyclestage": "lead"}
        return str(self.world.act("contact", at=day(at), properties=given | properties)["contact"])

    def edit(self, at: str, contact: str, **properties: str) -> None:
        self.world.act("edit", at=day(at), contact=contact, properties=properties)

    def deal(self, at: str, contact: str, **properties: str) -> str:
        return str(self.world.act("deal", at=day(at), contact=contact, properties=properties)["deal"])

    def close(self, at: str, deal: str, **properties: str) -> None:
        closed = {"closedate": day(at), **properties}
        self.world.act("deal", at=day(at), deal=deal, properties=closed)

    def view(self, at: str, contact: str) -> None:
        self.world.act("page_view", at=day(at), contact=contact, url="https://www.acme.example/pricing")


def rows_by_contact(world: World, text: str, contacts: dict[str, str]) -> dict[str, dict[str, str]]:
    keys = {episode_id(PortalId(str(world.portal)), ContactId(one), 0): name for name, one in contacts.items()}
    found = list(csv.DictReader(io.StringIO(text, newline="")))
    assert all(row["taken_from"] in ("portal", "handoff") for row in found)
    return {keys[row["lead"]]: row for row in found if row["taken_from"] == "portal"}  # type: ignore[index]  # their ids are in it


def test_the_portals_past_becomes_examples_as_they_were_seen_then(
    build: Build, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """R25, S11, S14: on a portal where Handoff never ran, and after it did; nothing is written to the CRM."""
    world = build(enterprise=True, ready=False)
    past, handoff = Portal(world), in_process(world, monkeypatch, capfd)
    won = past.contact("2025-05-01", "wanda", country="DE", industry="=HYPERLINK(1)", numemployees="50-100")
    past.view("2025-06-25", won)
    past.edit("2025-07-01", won, **MQL)
    deal = past.deal("2025-07-11", won, amount="5000")
    past.edit("2025-08-01", won, country="FR", industry="Logistics", numemployees="500-1000")
    past.view("2025-08-02", won)
    past.close("2025-08-10", deal, dealstage="closedwon")
    lost = past.contact("2025-06-01", "louis", country="US")
    deal = past.deal("2025-09-01", lost, amount="700")
    past.close("2025-10-01", deal, dealstage="closedlost", closed_lost_reason="Louis went elsewhere")
    quiet = past.contact("2025-06-02", "quinn", country="US")
    past.edit("2026-02-20", quiet, **MQL)
    back = past.contact("2025-06-03", "bella")
    past.edit("2025-11-01", back, **MQL)
    past.edit("2025-11-20", back, lifecyclestage="")
    past.edit("2025-11-20", back, lifecyclestage="lead")
    never = past.contact("2025-06-04", "nick")
    one, other = past.contact("2025-06-05", "mona"), past.contact("2025-06-06", "mona-two", country="CA")
    past.edit("2025-12-01", one, **MQL)
    merged = str(world.act("merge", contact=one, other=other)["contact"])
    contacts = {"won": won, "lost": lost, "quiet": quiet, "back": back, "never": never, "merged": merged}

    said = handoff("export", "training", "--portal-history", "--out", "past.csv")
    assert said.code == 0, said.err
    text = (world.folder / "past.csv").read_text(encoding="utf-8")
    rows = rows_by_contact(world, text, contacts)
    assert list(rows) == ["won", "lost", "back", "merged", "quiet"], "oldest first; who never was ready is none"

    row = rows["won"]
    assert (row["field: country"], row["field: employees"], row["field: industry"]) == ("DE", "50.0", "'=HYPERLINK(1)")
    assert (row["count: page_view"], row["days since last: page_view"], row["days_known"]) == ("1", "6.0", "61.0")
    assert float(row["points: viewed the pricing page"]) > 0
    points = sum(float(cell) for name, cell in row.items() if name.startswith("points: ") and cell)
    assert float(row["score"]) == pytest.approx(points)
    assert (row["outcome: state"], row["outcome: won"], row["outcome: revenue"]) == ("won", "1", "5000.0")
    assert (row["outcome: days to opportunity"], row["outcome: days to won"]) == ("10.0", "40.0")
    assert (row["outcome: censored"], row["lacking"]) == ("0", "")

    assert (rows["lost"]["handed_at"], rows["lost"]["outcome: state"]) == (day("2025-09-01"), "lost")
    assert (rows["lost"]["outcome: days to end"], rows["lost"]["outcome: won"]) == ("30.0", "0")
    assert (rows["back"]["outcome: state"], rows["back"]["outcome: days to end"]) == ("recycled", "19.0")
    silent = rows["quiet"]
    assert (silent["outcome: state"], silent["outcome: censored"]) == ("unknown", "1"), "silence is no loss"
    assert silent["outcome: days observed"] == "10.0"
    assert (rows["merged"]["field: country"], rows["merged"]["lacking"]) == ("", "merged contacts")

    cells = [cell for cells in csv.reader(io.StringIO(text, newline="")) for cell in cells]
    assert not [cell for cell in cells if cell.startswith(FORMULA) and not cell.lstrip("-").replace(".", "").isdigit()]
    names = ("wanda", "louis", "quinn", "bella", "mona", "elsewhere", "@")
    assert not [word for word in names if word in text.lower()], "nobody is named"
    assert world.ours() == [] and "nothing was written" in said.err

    world.init()
    world.sync()
    world.later(hours=1)
    asked = world.asks("nina@nina.example")
    past.edit("2026-03-02", asked, country="DE")
    world.sync()
    mine = world.ours(mark="ours")
    again = handoff("export", "training", "--portal-history")
    assert again.code == 0, again.err
    assert list(rows_by_contact(world, again.out, contacts)) == list(rows), "Handoff's own are not repeated"
    own = [one for one in csv.DictReader(io.StringIO(again.out, newline="")) if one["taken_from"] == "handoff"]
    assert [one["lane"] for one in own] == ["hand_raiser"]
    assert mine and world.ours(mark="ours") == []
