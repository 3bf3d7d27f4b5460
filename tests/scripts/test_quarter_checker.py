"""The checker of the simulated quarter: quiet over an honest log, and it names each fault that is planted in one."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import pytest
from quarter import check
from quarter.business import Office
from quarter.expected import Rules
from quarter.judge import Judge, Violation
from quarter.promises import offices
from quarter_log import ANA, BEN, Line, LogBook, at, moved_to, notice, small_log, twice, without

CHECKING = ("business", "check", "expected", "facts", "judge", "promises", "seats")
SCRIPTS = Path(__file__).resolve().parents[2] / "scripts" / "quarter"


@cache
def rules() -> Rules:
    return Rules(offices(last=date(2026, 4, 20)))


def violations(lines: list[Line]) -> list[Violation]:
    judge = Judge(rules())
    judge.read(lines)
    judge.finish()
    return judge.violations


def test_an_honest_log_has_no_violation_and_everything_in_it_was_looked_at() -> None:
    judge = Judge(rules())
    judge.read(small_log())
    judge.finish()
    assert judge.violations == []
    assert judge.counts["handed over: hand_raiser"] == 2
    assert judge.counts["came back: recycled, no_budget (its day has come: no_budget)"] == 1
    assert judge.counts["lead.triaged to triage"] == 1
    assert judge.counts["First call or e-mail: escalated_200 to managers"] == 1


def writes_of(lead: str, run: str) -> Callable[[Line], bool]:
    def fits(line: Line) -> bool:
        told = line.get("data", {}).get("contact_id", line.get("record_id", line.get("id")))
        machine = line.get("source", "INTEGRATION") == "INTEGRATION" and line["kind"] not in ("run", "ran")
        return machine and told == lead and line["at"] == at(run).isoformat()

    return fits


def written(name: str, lead: str, value: str) -> Callable[[Line], bool]:
    return lambda line: line.get("name") == name and line["id"] == lead and line["after"] == value


def changed(lines: list[Line], pick: Callable[[Line], bool], **values: object) -> list[Line]:
    place = next(number for number, line in enumerate(lines) if pick(line))
    return [*lines[:place], {**lines[place], **values}, *lines[place + 1 :]]


def place_of(lines: list[Line], kind: str, when: str) -> int:
    """Where the run of that time begins or ends."""
    moment = at(when).isoformat()
    return next(place for place, line in enumerate(lines) if (line["kind"], line["at"]) == (kind, moment))


def archived(lines: list[Line], owner: str, when: str) -> list[Line]:
    place = place_of(lines, "run", when)
    gone = {"at": at(when).isoformat(), "kind": "owner", "id": owner, "email": "ana.sample@company.example"}
    return [*lines[:place], {**gone, "archived": True}, *lines[place:]]


FAULTS: dict[str, tuple[Callable[[list[Line]], list[Line]], str, str]] = {
    "a handover that nobody was told of": (
        lambda log: without(log, notice("lead.handed_off", "7")), "not told", "lead.handed_off"),
    "a handover that was told twice": (
        lambda log: twice(log, notice("lead.handed_off", "7")), "told", "2 times, not 1"),
    "a handover that somebody else was told of": (
        lambda log: changed(log, notice("lead.handed_off", "7"), data={"contact_id": "7", "owner_id": BEN}),
        "told", "who does not have it"),
    "an escalation that never came": (
        lambda log: without(log, notice("sla.breached", "7", level="escalated_200")), "not told", "escalated_200"),
    "an escalation that came a run too late": (
        lambda log: moved_to(log, "2 15:00", notice("sla.breached", "7", level="escalated_200")),
        "not told", "escalated_200"),
    "a warning that came a run too early": (
        lambda log: moved_to(log, "2 09:00", notice("sla.at_risk", "7", level="at_risk_50")), "told", "without cause"),
    "a breach of which the manager was not told": (
        lambda log: without(
            log, lambda line: notice("sla.breached", "7", level="breach")(line) and line["destination"] == "managers"
        ),
        "not told", "managers"),
    "a breach that was told though the lead had been called": (
        lambda log: [*log[:-1], _breach("8"), log[-1]], "told", "without cause"),
    "a hand-back of which marketing was not told": (
        lambda log: without(log, notice("lead.recycled", "7")), "not told", "marketing"),
    "a hand-back without its nurture track": (
        lambda log: without(log, written("handoff_nurture_track", "7", "consideration")), "record", "nurture_track"),
    "a hand-back after which marketing may not write": (
        lambda log: without(log, lambda line: line["kind"] == "list_remove"), "hold", "holds it back"),
    "a lead that came back before its day": (
        lambda log: moved_to(log, "12 09:00", writes_of("7", "24 09:00")), "handed over", "nothing says why"),
    "a lead that came back a run after its day": (
        lambda log: moved_to(log, "24 10:00", writes_of("7", "24 09:00")), "not handed over", "its day has come"),
    "junk that came back by itself": (
        lambda log: moved_to(log, "12 09:00", _again("8")), "handed over", "nothing says why"),
    "a hand-raise of junk that nobody looks at": (
        lambda log: without(log, notice("lead.triaged", "8")), "not told", "triage"),
    "a lead whose owner left and that nobody took over": (
        lambda log: archived(log, ANA, "24 10:00"), "owner", "nobody who is there has it"),
    "a notice without any cause": (
        lambda log: [*log[:-1], _signal("8"), log[-1]], "told", "without cause"),
    "a lead given to somebody who is away": (
        lambda log: [
            {**line, "after": "80000006"} if written("hubspot_owner_id", "8", BEN)(line)
            else {**line, "data": {**line["data"], "owner_id": "80000006"}}
            if notice("lead.handed_off", "8")(line) else line
            for line in log
        ],
        "routing", "begins on 2026-03-23"),
}  # fmt: skip


def _breach(lead: str) -> Line:
    facts = {"contact_id": lead, "owner_id": BEN, "clock": "First call or e-mail", "level": "breach"}
    return _told("reps", "sla.breached", facts)


def _signal(lead: str) -> Line:
    return _told("reps", "lead.signal", {"contact_id": lead, "owner_id": BEN, "why_now": "Asked for a demo again."})


def _told(destination: str, kind: str, facts: dict[str, str]) -> Line:
    line = {"at": at("25 09:00").isoformat(), "kind": "notice", "destination": destination, "id": "fx_planted"}
    return {**line, "type": kind, "data": facts}


def _again(lead: str) -> Callable[[Line], bool]:
    """The second handover of the other lead, in the name of this one: its lines are changed as they are looked at."""

    def fits(line: Line) -> bool:
        if not writes_of("7", "24 09:00")(line):
            return False
        for name in ("id", "record_id"):
            if line.get(name) == "7":
                line[name] = lead
        if "data" in line:
            line["data"] = {**line["data"], "contact_id": lead}
        return True

    seen: dict[int, bool] = {}
    return lambda line: seen.setdefault(id(line), fits(line))


@pytest.mark.parametrize("fault", FAULTS)
def test_each_planted_fault_is_named(fault: str) -> None:
    plant, rule, words = FAULTS[fault]
    found = violations(plant(small_log()))
    assert any(wrong.rule == rule and words in wrong.says for wrong in found), found


def test_a_lead_that_is_on_no_clock_and_of_which_nothing_is_heard_is_silent() -> None:
    book = LogBook()
    book.runs("1 20:00", "2 09:00", *(f"{day} 09:00" for day in range(3, 24)))
    book.comes("2 08:10:17", "7")
    book.asks("2 08:10:17", "7")
    book.hands_over("2 09:00", "7", "ep_7_1")
    judge = Judge(rules())
    lines = book.lines()
    handed = place_of(lines, "ran", "2 09:00")
    judge.read(lines[: handed + 1])
    spell = judge.courses["7"].spell
    assert spell is not None
    spell.clocks = []                                     # as if the rules had no clock for it
    judge.read(lines[handed + 1 :])
    assert [wrong.rule for wrong in judge.violations] == ["silent"]


def test_what_the_sandbox_refused_is_a_violation() -> None:
    broken = {"kind": "broken", "at": at("25 09:00").isoformat(), "says": "I2: wrote over a person's edit"}
    assert [wrong.rule for wrong in violations([*small_log(), broken])] == ["sandbox"]


def test_the_command_says_by_its_exit_code_whether_all_was_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "quarter.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in without(small_log(), notice("lead.recycled", "7"))))
    assert check.main([str(log), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["violations"]
    assert [(wrong["contact"], wrong["at"]) for wrong in found] == [("7", "2026-03-03T09:00Z")]
    assert check.main([str(tmp_path / "none.jsonl")]) == 2


def test_the_checker_knows_nothing_of_the_connector_and_nothing_of_those_who_live() -> None:
    for name in CHECKING:
        tree = ast.parse((SCRIPTS / f"{name}.py").read_text(encoding="utf-8"))
        froms = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        names = froms | {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        ours = {name.partition(".")[2] for name in names if name.startswith("quarter.")}
        assert not any(each.startswith(("connector", "olist", "portal_world")) for each in names), name
        assert ours <= set(CHECKING), name


BERLIN = dict.fromkeys(range(5), ((540, 1080),))


@pytest.mark.parametrize(
    ("start", "minutes", "end", "week"),
    [
        ("2026-03-07T17:00", 60, "2026-03-09T10:00", BERLIN),                       # Saturday, one hour: Monday at ten
        ("2026-03-04T15:00", 600, "2026-03-05T17:00", dict.fromkeys(range(5), ((600, 1080),))),
        ("2026-03-02T17:30", 60, "2026-03-03T09:30", BERLIN),
        ("2026-03-02T09:00", 540, "2026-03-02T18:00", BERLIN),
        ("2026-04-02T17:00", 120, "2026-04-07T10:00", BERLIN),                      # Easter lies between
    ],
)
def test_office_hours_are_walked_minute_by_minute(
    start: str, minutes: int, end: str, week: dict[int, tuple[tuple[int, int], ...]]
) -> None:
    """R18: the named vectors, over a weekend, a night and Easter."""
    closed = frozenset({date(2026, 4, 3), date(2026, 4, 6)})
    office = Office("UTC", week, closed, date(2026, 3, 1), date(2026, 4, 10))
    first, last = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (start, end))
    assert office.after(first, minutes) == last
    assert office.between(first, last) == minutes


def test_a_working_day_later_is_the_same_local_time_though_the_clocks_were_changed() -> None:
    office = rules().offices["berlin"]
    friday = datetime(2026, 3, 27, 15, 0, tzinfo=UTC)       # 16:00 in Berlin; on Monday it is summer
    assert office.days_after(friday, 1) == datetime(2026, 3, 30, 14, 0, tzinfo=UTC)
    assert office.days_after(datetime(2026, 3, 28, 15, 0, tzinfo=UTC), 1) == datetime(2026, 3, 31, 7, 0, tzinfo=UTC)
