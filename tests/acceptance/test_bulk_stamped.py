"""A bulk update gives many contacts one timestamp while a run reads; index and pages do not help (P1, I4)."""

from __future__ import annotations

from typing import Any

import pytest
from portal_world import Build, World

from connector.crm.hubspot import contacts, search

MANY, PAGE = 90, 40
CONTACTS = "/crm/v3/objects/contacts"


def batches(world: World, what: str, rows: list[dict[str, Any]]) -> list[str]:
    found = []
    for start in range(0, len(rows), 100):
        answer = world.api("POST", f"{CONTACTS}/batch/{what}", {"inputs": rows[start : start + 100]})
        found += [row["id"] for row in answer["results"]]
    return found


class Meanwhile:
    """Does something when the connector has read so many pages of contacts, once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._looked, self._pages, self._acts = contacts.see_that_all_exist, 0, dict[int, Any]()
        monkeypatch.setattr(contacts, "see_that_all_exist", self)

    def after(self, pages: int, act: Any) -> None:
        self._acts[self._pages + pages] = act

    def __call__(self, *given: Any) -> None:
        self._looked(*given)
        self._pages += 1
        self._acts.pop(self._pages, lambda: None)()


def test_all_are_seen_and_none_twice_and_the_runs_say_so(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """More rows of one timestamp than a search can be paged to; short pages; an index that shows them 90 to 110 s late,
    bit by bit while pages are read; and somebody whose next edit takes a row out of the window just then."""
    monkeypatch.setattr(contacts, "LIST_PAGE", PAGE)
    monkeypatch.setattr(search, "PAGE", PAGE)
    world = build(
        switches={"lag_seconds": 90, "lag_jitter_seconds": 20, "search_ceiling": PAGE, "search_short_pages": 25}
    )
    ids = batches(world, "create", [{"properties": {"email": f"kim{number}@bulk.example"}} for number in range(MANY)])
    world.later(minutes=10)
    world.sync()
    world.later(minutes=10)
    stamped = [{"id": one, "properties": {"company": "Stamped Ltd"}} for one in ids]
    meanwhile = Meanwhile(monkeypatch)
    meanwhile.after(1, lambda: batches(world, "update", stamped))
    reports = [world.sync(full=True)]
    assert len({world.read(one, "lastmodifieddate")["lastmodifieddate"] for one in (ids[0], ids[-1])}) == 1
    world.later(seconds=30)
    reports.append(world.sync())
    world.later(seconds=70)
    meanwhile.after(1, lambda: world.later(seconds=5))
    reports.append(world.sync())
    world.later(seconds=30)
    world.switch(lag_seconds=0, lag_jitter_seconds=0)
    meanwhile.after(2, lambda: (world.later(seconds=1), world.edit(ids[-1], company="Of a later window Ltd")))
    reports.append(world.sync())
    world.later(seconds=30)
    reports.append(world.sync())

    with world.connector() as connector, connector.store(connector.portal()).reading() as uow:
        stored = [row.contact.text("company") for row in uow.contacts(ids).values()]
    assert sorted(stored) == ["Of a later window Ltd", *["Stamped Ltd"] * (MANY - 1)]
    assert all(report.watermark is not None for report in reports)
    seen = [report.counts.completeness["contacts"] for report in reports]
    assert all(one.rows == one.new + one.changed + one.known <= MANY for one in seen)
    full, hidden, some, rest, after = seen
    assert (full.rows, full.changed) == (MANY, MANY - PAGE), "the first page was read before the update"
    assert (hidden.rows, hidden.counted) == (0, 0)
    assert full.changed + some.late + rest.late == MANY, "each once, by whichever run the index showed it to first"
    assert 0 < some.late < PAGE and (some.latest, rest.latest) == (30, 100)
    assert (rest.rows, rest.counted) == (MANY - 1, MANY), "one row left the window while it was read"
    assert (after.rows, after.changed, after.late) == (MANY, 1, 0)
    assert f"{some.late} changes had been shown late, by up to 30 seconds" in reports[2].completeness
    assert f"{MANY} seen, as many as the CRM counts; 1 changed, {MANY - 1} known already" in reports[4].completeness
