"""The two Olist files as values. They stay outside the project (CC BY-NC-SA 4.0): see docs/olist.md.

Traps of the data that are settled here: a blank origin is `blank`, the literal text `unknown` stays apart; a deal won
before its lead arrived counts on the day of arrival; `won_date` is read as printed, its date alone matters.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

LEADS_FILE = "olist_marketing_qualified_leads_dataset.csv"
DEALS_FILE = "olist_closed_deals_dataset.csv"
PROJECT = Path(__file__).resolve().parents[2]
BLANK = "blank"


class DataMissingError(Exception):
    """The files are not there, or are not what they should be; the text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """One row of the leads file, with its deal's columns where it has one.

    Attributes:
        won_on: date of `won_date`, never before `arrived_on`; None where no deal was won.
        seller_rep, caller: `sr_id` and `sdr_id` of the deal, who closed it and who had qualified its lead; empty where
            there is none.
    """

    id: str
    arrived_on: date
    landing_page: str
    origin: str
    won_on: date | None = None
    seller_rep: str = ""
    caller: str = ""


def find_folder() -> Path:
    """Give the folder with both files: `$HANDOFF_OLIST_DIR`, else `../shared/data/olist` beside the project.

    Raises:
        DataMissingError: a file is absent.
    """
    asked = os.environ.get("HANDOFF_OLIST_DIR")
    folder = Path(asked) if asked else PROJECT.parent / "shared" / "data" / "olist"
    missing = [name for name in (LEADS_FILE, DEALS_FILE) if not (folder / name).is_file()]
    if missing:
        place = "$HANDOFF_OLIST_DIR" if asked else "../shared/data/olist (beside the project)"
        raise DataMissingError(
            f"the Olist files are not in {place}: {' and '.join(missing)} missing. Get the data set "
            "'Marketing Funnel by Olist' (version 2) and point HANDOFF_OLIST_DIR to the folder with its two CSV files; "
            "docs/olist.md says more."
        )
    return folder


def load_leads(folder: Path) -> tuple[Lead, ...]:
    """Give all leads in the file's order.

    Raises:
        DataMissingError: a column is missing, an id comes twice, or a deal has no lead.
    """
    deals = _by_id(_rows(folder / DEALS_FILE, ("mql_id", "sdr_id", "sr_id", "won_date")), DEALS_FILE)
    rows = _by_id(_rows(folder / LEADS_FILE, ("mql_id", "first_contact_date", "landing_page_id", "origin")), LEADS_FILE)
    strangers = deals.keys() - rows.keys()
    if strangers:
        raise DataMissingError(f"{DEALS_FILE}: {len(strangers)} deals have no lead; the copy is altered")
    return tuple(_lead(row, deals.get(key)) for key, row in rows.items())


def seller_reps(leads: Iterable[Lead]) -> tuple[str, ...]:
    """Give the reps who won a deal, in id order; they are the portal's owners."""
    return tuple(sorted({lead.seller_rep for lead in leads if lead.seller_rep}))


def callers(leads: Iterable[Lead]) -> tuple[str, ...]:
    """Give those who qualified the lead of a deal, in id order; 13 of them closed other deals as reps, too."""
    return tuple(sorted({lead.caller for lead in leads if lead.caller}))


def _lead(row: dict[str, str], deal: dict[str, str] | None) -> Lead:
    arrived_on = date.fromisoformat(row["first_contact_date"][:10])
    won_on = max(date.fromisoformat(deal["won_date"][:10]), arrived_on) if deal else None
    return Lead(
        id=row["mql_id"],
        arrived_on=arrived_on,
        landing_page=row["landing_page_id"],
        origin=row["origin"].strip() or BLANK,
        won_on=won_on,
        seller_rep=deal["sr_id"] if deal else "",
        caller=deal["sdr_id"] if deal else "",
    )


def _rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise DataMissingError(f"{path.name}: column {', '.join(missing)} is missing; the copy is altered")
        return list(reader)


def _by_id(rows: list[dict[str, str]], name: str) -> dict[str, dict[str, str]]:
    found = {row["mql_id"]: row for row in rows}
    if len(found) != len(rows):
        raise DataMissingError(f"{name}: {len(rows) - len(found)} ids come more than once; the copy is altered")
    return found
