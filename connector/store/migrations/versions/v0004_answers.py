"""Answers by link; former holders of an episode, stranded leads, places of streams without times."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.String().with_variant(sa.String(collation="C"), "postgresql")
INSTANT = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    op.add_column("episode", sa.Column("former_owners", sa.Text()))
    op.add_column("episode", sa.Column("inherited", sa.Boolean()))
    _remember_former_owners()
    op.add_column("watermark", sa.Column("place", sa.Text()))
    op.create_table(
        "stranded",
        sa.Column("portal", ID, nullable=False),
        sa.Column("contact", ID, nullable=False),
        sa.Column("episode", ID, nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("found_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("portal", "contact", name="pk_stranded"),
        sqlite_with_rowid=False,
    )
    _keep_answers()


def _keep_answers() -> None:
    op.create_table(
        "answer",
        sa.Column("portal", ID, nullable=False),
        sa.Column("answer", ID, nullable=False),
        sa.Column("contact", ID, nullable=False),
        sa.Column("episode", ID, nullable=False),
        sa.Column("entry", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("owner", ID),
        sa.Column("assignment", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("return_on", sa.Text()),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("answered_at", INSTANT),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("intent", ID),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("portal", "answer", name="pk_answer"),
    )
    op.create_index("ix_answer_contact", "answer", ["portal", "contact"])
    for name, columns, condition in (
        ("ix_answer_waiting", ["portal", "received_at", "answer"], "status = 'waiting'"),
        ("ix_answer_comment", ["portal", "answered_at"], "comment <> ''"),
    ):
        where = sa.text(condition)
        op.create_index(name, "answer", columns, sqlite_where=where, postgresql_where=where)


def _remember_former_owners() -> None:
    """Of open leads that changed hands: no clock may give one back (R17)."""
    connection = op.get_bind()
    rows = connection.execute(
        sa.text(
            "SELECT step.portal, step.episode, step.owner FROM episode_step AS step "
            "JOIN episode ON episode.portal = step.portal AND episode.episode = step.episode "
            "WHERE episode.is_open AND episode.assignment > 1 AND step.owner IS NOT NULL "
            "AND (episode.owner IS NULL OR step.owner <> episode.owner) "
            "ORDER BY step.portal, step.episode, step.number"
        )
    )
    found: dict[tuple[str, str], dict[str, None]] = {}
    for portal, episode, owner in rows:
        found.setdefault((portal, episode), {})[owner] = None
    for (portal, episode), owners in found.items():
        connection.execute(
            sa.text("UPDATE episode SET former_owners = :owners WHERE portal = :portal AND episode = :episode"),
            {"owners": json.dumps(list(owners), separators=(",", ":")), "portal": portal, "episode": episode},
        )
