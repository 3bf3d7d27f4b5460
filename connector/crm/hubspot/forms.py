"""Forms and what was sent through them: newest first, page by page, until the window begins.

The calls have no time filter, no contact id and no dated version (hubspot-facts, section 5.3); what a submission means
is left to activities.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.crm.hubspot.client import Client
from connector.crm.hubspot.paths import FORMS, SUBMISSIONS
from connector.crm.hubspot.protocol import Cursors, parse_instant, parse_next, parse_rows, understood
from connector.crm.hubspot.refusals import QuestionRefusedError

FORMS_PAGE = 100
SUBMISSIONS_PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    guid: str
    name: str


def pull_forms(client: Client) -> tuple[Form, ...]:
    """Every form of every type; one call per 100."""
    forms = []
    cursors, after = Cursors(), None
    while True:
        query = [("limit", FORMS_PAGE), ("formTypes", "all"), *([("after", after)] if after else [])]
        payload = client.transport.call(FORMS, query=query).payload
        rows = [row for row in parse_rows(payload) if row.get("id")]
        forms += [Form(guid=str(row["id"]), name=str(row.get("name") or "")) for row in rows]
        after = cursors.next(parse_next(payload))
        if after is None:
            client.listed_forms = tuple(forms)
            return client.listed_forms


def pull_submissions(
    client: Client, guid: str, since: datetime, cursor: str | None
) -> Iterator[tuple[list[dict[str, Any]], str | None]]:
    """Pages of rows, newest first, each with the cursor after it; ends with the page that reaches back to `since`.

    A form that was deleted meanwhile has no pages.
    """
    cursors, after = Cursors(cursor), cursor
    while True:
        query = [("limit", SUBMISSIONS_PAGE), *([("after", after)] if after else [])]
        try:
            payload = client.transport.call(SUBMISSIONS, ids={"form": guid}, query=query).payload
        except QuestionRefusedError as error:
            if error.refusal.status == 404:
                return
            raise
        rows = parse_rows(payload)
        oldest = parse_instant(rows[-1].get("submittedAt")) if rows else None
        after = cursors.next(parse_next(payload))
        if oldest is None or oldest < since:
            after = None
        yield rows, after
        if after is None:
            return


@understood("a form submission")
def submitted_email(row: Mapping[str, Any]) -> str:
    """The address that the submission came with, lower-case; empty where there is none."""
    for value in row.get("values") or ():
        if isinstance(value, dict) and value.get("name") == "email":
            return str(value.get("value") or "").strip().lower()
    return ""
