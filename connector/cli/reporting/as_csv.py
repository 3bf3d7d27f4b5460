"""One table of a document as CSV, formula-safe (S11): numbers stay numbers, units are in the names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from connector.cli.csv_text import csv_text
from connector.cli.reporting.document import Cell, Column, Document, Kind, Table
from connector.errors import SettingsError
from connector.rules.reporting.numbers import Share

UNITS = {Kind.PERCENT: " (%)", Kind.POINTS: " (points)", Kind.DAYS: " (days)", Kind.SPAN: " (hours)"}


def as_csv(found: Document, name: str = "") -> str:
    """The table of that name; the first where none is given.

    Raises:
        SettingsError: there is no such table.
    """
    table = choose(found, name)
    names = [part for column in table.columns for part in _names(column)]
    rows = [
        [part for value, column in zip(row, table.columns, strict=True) for part in _parts(value, column)]
        for row in table.rows
    ]
    return csv_text(names, rows)


def choose(found: Document, name: str) -> Table:
    tables = {table.name: table for table in found.tables()}
    if not name and tables:
        return next(iter(tables.values()))
    if name not in tables:
        raise SettingsError(
            f"--table: this report has no table `{name}`", advice=f"Use {', '.join(tables) or 'another report'}."
        )
    return tables[name]


def _names(column: Column) -> Iterator[str]:
    if column.kind is Kind.SHARE:
        yield from (f"{column.name}{part}" for part in ("", " of", " (%)", " low (%)", " high (%)"))
    else:
        yield column.name + UNITS.get(column.kind, "")


def _parts(value: Cell, column: Column) -> Iterator[object]:
    if column.kind is Kind.SHARE:
        yield from _share(value) if isinstance(value, Share) else (None,) * 5
    elif isinstance(value, timedelta):
        yield round(value.total_seconds() / 3600, 4)
    elif isinstance(value, datetime):
        yield value.isoformat()
    elif isinstance(value, float):
        yield round(value, 4)
    else:
        yield value


def _share(value: Share) -> Iterator[object]:
    bounds = value.interval or (None, None)
    yield from (value.part, value.whole)
    for number in (value.percent, *bounds):
        yield None if number is None else round(number, 4)
