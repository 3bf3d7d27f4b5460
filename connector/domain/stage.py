"""Lifecycle stages and their one order (R01)."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """In funnel order; `other` stands outside of it."""

    SUBSCRIBER = "subscriber"
    LEAD = "lead"
    MQL = "mql"
    SQL = "sql"
    OPPORTUNITY = "opportunity"
    CUSTOMER = "customer"
    EVANGELIST = "evangelist"
    OTHER = "other"

    @property
    def rank(self) -> int:
        return RANKS[self]


RANKS = {stage: rank for rank, stage in enumerate(Stage)}
