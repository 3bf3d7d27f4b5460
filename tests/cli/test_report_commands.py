"""`handoff report`: six reports in six forms (R26-R30), harmless whatever somebody typed, and naming nobody."""

from __future__ import annotations

import csv
import io
import json
import re
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_string
from email.policy import SMTP
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from commands import Handoff
from factories import NOW, shipped_book
from portal_world import World

from connector.cli.csv_text import FORMULA
from connector.cli.reporting.as_csv import as_csv
from connector.cli.reporting.as_html import as_html
from connector.cli.reporting.as_json import plain
from connector.cli.reporting.as_mail import as_mail
from connector.cli.reporting.as_markdown import as_markdown
from connector.cli.reporting.document import (
    Card,
    Cards,
    Column,
    Columns,
    Document,
    Intervals,
    Kind,
    Points,
    Section,
    Steps,
    Table,
    Words,
)
from connector.cli.reporting.funnel import funnel_document
from connector.cli.reporting.meeting import meeting_document
from connector.cli.reporting.owners import owners_document
from connector.cli.reporting.sla import sla_document
from connector.cli.reporting.sources import sources_document
from connector.cli.reporting.span import span
from connector.cli.reporting.words import interval, shown, time_taken
from connector.domain.contact import PortalId
from connector.engine.ports import PortalState
from connector.errors import SettingsError
from connector.rules.reporting.facts import Basis, Facts, Period
from connector.rules.reporting.meeting import meeting_report
from connector.rules.reporting.numbers import Share
from connector.rules.reporting.results import funnel_report, owners_report, sla_report, sources_report

NASTY = '=cmd()|<img src=x onerror="alert(1)">&`*_[x](y)#'
DOCUMENT = Document(
    title=f"Title {NASTY}",
    answer=f"Answer {NASTY}",
    about=f"About {NASTY}",
    sections=(
        Section(
            f"Section {NASTY}",
            (
                Words(f"words {NASTY}"),
                Words(f"box {NASTY}", "box due"),
                Points((f"point {NASTY}",), numbered=True),
                Cards((Card(f"card {NASTY}", f"value {NASTY}", f"remark {NASTY}", met=False),)),
                Steps(title="steps", steps=((f"step {NASTY}", 10), ("next", 4))),
                Columns(title=f"columns {NASTY}", rows=((f"col {NASTY}", 2.5, True),), unit=" %", caption="pale"),
                Intervals(title=f"shares {NASTY}", rows=((f"row {NASTY}", Share(3, 10)),), usual=25.0),
                Table(
                    name="main",
                    title=f"table {NASTY}",
                    columns=(
                        Column("name"),
                        Column("leads", Kind.COUNT),
                        Column("won", Kind.SHARE),
                        Column("took", Kind.SPAN),
                        Column("days", Kind.DAYS),
                        Column("money", Kind.MONEY),
                        Column("none", Kind.COUNT),
                    ),
                    rows=(
                        (NASTY, 1200, Share(3, 10), timedelta(hours=5), 161.9, 1234.5, None),
                        ("-5", None, None, None, None, None, None),
                    ),
                ),
                Table(name="other", columns=(Column("x"),), rows=()),
            ),
        ),
        Section("Left out", ()),
    ),
    foot=f"Foot {NASTY}",
)


def test_a_page_loads_nothing_and_holds_no_markup_of_others() -> None:
    page = as_html(DOCUMENT)
    shown_text = unescape(re.sub(r"<[^>]+>", "", page))
    told = "Title Answer About Section words box point card value remark table Foot"
    assert [words for words in told.split() if f"{words} {NASTY}" not in shown_text] == []
    assert "<img" not in page and "Left out" not in page
    assert not re.search(r"<script|<link|src=\"|url\(|@import|https?://", page)
    assert page.count("<svg") == 3 and page.count('role="img"') == 3
    assert "3 of 10 leads, 95 % interval" in page


def test_markdown_holds_no_markup_of_others() -> None:
    text = as_markdown(DOCUMENT)
    assert not re.search(r"(?<!\\)[<`\[]", text)
    row = next(line for line in text.splitlines() if "1,200" in line)
    assert len(re.findall(r"(?<!\\)\|", row)) == 7, "what a cell holds is no border"
    assert "| 30.0 % | 5 h | 161.9 | 1,234.50 |" in row


def test_a_mail_holds_both_forms_and_cannot_be_given_headers() -> None:
    """R28"""
    text = as_mail(replace(DOCUMENT, title="Title\r\nBcc: somebody@reports.example"))
    message = message_from_string(text, policy=SMTP)
    assert (message["Bcc"], message["To"]) == (None, None)
    assert message["Subject"].endswith(f"Answer {NASTY}")
    kinds = {part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()}
    assert list(kinds) == ["text/plain", "text/html"]
    assert kinds["text/html"].replace("\r\n", "\n").startswith("<!doctype html>")
    assert max(len(line) for line in text.split("\r\n")) < 998


def test_csv_is_safe_in_a_spreadsheet_and_keeps_numbers() -> None:
    """S11"""
    names, first, second = csv.reader(io.StringIO(as_csv(DOCUMENT)))
    assert names == [
        "name", "leads", "won", "won of", "won (%)", "won low (%)", "won high (%)", "took (hours)", "days (days)",
        "money", "none",
    ]  # fmt: skip
    assert not first[0].startswith(FORMULA) and second[0] == "'-5"
    assert first[1:5] + first[7:] == ["1200", "3", "10", "30.0", "5.0", "161.9", "1234.5", ""]
    assert as_csv(DOCUMENT, "other") == "x\r\n"
    with pytest.raises(SettingsError) as none:
        as_csv(DOCUMENT, "another")
    assert "main, other" in none.value.advice


def test_columns_without_anything_are_left_out_for_people() -> None:
    assert "none" not in as_html(DOCUMENT).partition("<body>")[2]
    assert "none" not in as_markdown(DOCUMENT)


def test_numbers_are_said_as_people_say_them() -> None:
    assert shown(None, Kind.COUNT) == "–"
    assert (shown(14.0, Kind.DAYS), shown(161.9, Kind.DAYS)) == ("14", "161.9")
    spans = (timedelta(seconds=90), timedelta(minutes=45), timedelta(hours=4, minutes=20), timedelta(days=3, hours=4))
    assert [time_taken(one) for one in spans] == ["90 s", "45 min", "4 h 20 min", "3 d 4 h"]
    assert interval(Share(0, 0)) == "–"


def test_json_holds_plain_values() -> None:
    found: Any = plain({"at": NOW, "share": Share(1, 4), "span": timedelta(hours=1), "kinds": (Kind.DAYS,)})
    assert json.loads(json.dumps(found)) == {
        "at": NOW.isoformat(), "share": found["share"], "span": 3600.0, "kinds": ["days"],
    }  # fmt: skip
    assert found["share"]["percent"] == 25 and len(found["share"]["interval"]) == 2


# -- the span ------------------------------------------------------------------------------------------------------

STATE = PortalState(
    id=PortalId("1"), time_zone="America/New_York", ui_domain="", as_of=datetime(2026, 3, 20, 12, tzinfo=UTC)
)


def test_days_are_those_of_the_portal_and_end_with_the_last_run() -> None:
    month = span(STATE, "", "", "2026-02", "arrived")
    assert (month.since, month.until) == (datetime(2026, 2, 1, 5, tzinfo=UTC), datetime(2026, 3, 1, 5, tzinfo=UTC))
    assert (month.words, month.basis) == ("February 2026", Basis.ARRIVED)
    days = span(STATE, "2026-03-08", "2026-03-08", "")
    assert (days.since, days.until) == (datetime(2026, 3, 8, 5, tzinfo=UTC), datetime(2026, 3, 9, 4, tzinfo=UTC))
    open_end = span(STATE, "", "2027-01-01", "")
    assert open_end.since is None and open_end.holds(STATE.as_of)
    back = span(STATE, "", "", "", back=timedelta(days=7))
    assert back.since is not None and back.until - back.since == timedelta(days=7)
    assert back.before is not None and back.before.until == back.since


@pytest.mark.parametrize(
    ("since", "until", "month"),
    [("2026-03-21", "", ""), ("2026-03-02", "2026-03-01", ""), ("", "", "2026-13"), ("", "", "March"),
     ("2026-03-01", "", "2026-03"), ("soon", "", "")],
)  # fmt: skip
def test_a_span_that_cannot_be_is_refused(since: str, until: str, month: str) -> None:
    with pytest.raises(SettingsError) as refused:
        span(STATE, since, until, month)
    assert refused.value.advice


def test_a_month_under_way_ends_with_the_last_run() -> None:
    assert span(replace(STATE), "", "", "2026-03").until < datetime(2026, 3, 21, tzinfo=UTC)


def test_a_portal_without_a_lead_has_every_report() -> None:
    facts = Facts(
        as_of=NOW, zone=ZoneInfo("UTC"), since=None, book=shipped_book(), leads=(), episodes=(), reached={}, arrived={},
        owners={}, gone=frozenset(), limits=(), told_at={}, deals=(), versions={},
    )  # fmt: skip
    period = Period(since=NOW - timedelta(days=7), until=NOW, words="This week")
    documents = [
        funnel_document(funnel_report(facts, period), facts),
        sources_document(sources_report(facts, period), facts),
        owners_document(owners_report(facts, period), facts),
        sla_document(sla_report(facts, period), facts),
        meeting_document(meeting_report(facts, period), facts),
    ]
    for document in documents:
        assert as_html(document).endswith("</html>\n") and as_markdown(document) and as_csv(document)
    assert "No lead was handed over" in documents[0].answer


# -- the commands --------------------------------------------------------------------------------------------------


def test_every_report_on_a_real_portal(world: World, handoff: Handoff) -> None:
    """R26-R30: before the first run they say what to do; then one lead is handed over, and nobody is named."""
    said = handoff("report", "funnel", "--json")
    assert said.code == 2 and "handoff sync" in said.err
    world.sync()
    world.later(hours=1)
    world.asks("ana@reports.example")
    world.sync()
    page = world.folder / "meeting.html"
    asked = {
        "funnel": ("--format", "json"), "sources": ("--format", "text"), "owners": ("--format", "csv"),
        "sla": ("--json",), "agreement": ("--format", "markdown"), "meeting": ("--out", str(page)),
    }  # fmt: skip
    found = {report: handoff("report", report, *words) for report, words in asked.items()}
    assert {report: said.code for report, said in found.items()} == dict.fromkeys(asked, 0)
    assert all("ana@reports.example" not in said.out for said in found.values())
    funnel = json.loads(found["funnel"].out)
    assert (funnel["counted"]["handed"], funnel["arrived"] >= 1) == (1, True)
    assert funnel["follow_up"]["system_leads"] == 1
    clocks = json.loads(found["sla"].out)
    assert {one["clock"]: one["running"] for one in clocks["boards"]} == {"first_touch": 1, "verdict": 1, "age": 1}
    assert len(list(csv.reader(io.StringIO(found["owners"].out)))) == 2
    assert "6 leads from 4 sources" in found["sources"].out and "## Who gets a lead" in found["agreement"].out
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    names, row = csv.reader(io.StringIO(handoff("export", "training").out))
    assert len(names) == len(row) and dict(zip(names, row, strict=True))["form"] == "Contact us"
    said = handoff("report", "funnel", "--format", "csv", "--table", "x")
    assert said.code == 2 and "What to do: Use funnel" in said.err
