"""Hints from the CRM, erased people, destinations with a state of their own, digests of many notices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.String().with_variant(sa.String(collation="C"), "postgresql")
INSTANT = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")


def _partial(name: str, table: str, columns: list[str], *, where: str, sqlite: str = "") -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(sqlite or where), postgresql_where=sa.text(where))


def upgrade() -> None:
    op.add_column("episode", sa.Column("undone", sa.Integer()))
    op.add_column("quarantine", sa.Column("unread", sa.Boolean()))
    op.add_column("outbox", sa.Column("owner", ID))
    op.add_column("outbox", sa.Column("digest", ID))
    op.add_column("outbox", sa.Column("summary", sa.Text()))
    op.add_column("outbox", sa.Column("queued_at", INSTANT))
    op.add_column("outbox", sa.Column("alone_until", INSTANT))
    op.add_column("outbox", sa.Column("spent", sa.Integer()))
    _partial("ix_outbox_digest", "outbox", ["portal", "digest"], where="digest IS NOT NULL")
    for name in ("ix_outbox_due", "ix_outbox_contact", "ix_outbox_order"):
        op.drop_index(name, "outbox")
    waiting = "status IN ('held', 'due', 'digested')"
    _partial("ix_outbox_due", "outbox", ["portal", "destination", "sequence"], where="status = 'due'")
    _partial("ix_outbox_contact", "outbox", ["portal", "contact"], where=waiting)
    _partial("ix_outbox_order", "outbox", ["portal", "destination", "contact", "sequence"], where=waiting)
    _partial("ix_outbox_sent", "outbox", ["portal", "sent_at"], where="status = 'sent' AND body <> ''")
    given_up = "status IN ('cancelled', 'exhausted') AND body <> ''"
    _partial("ix_outbox_given_up", "outbox", ["portal", "queued_at"], where=given_up)
    op.create_index("ix_outbox_attempt_at", "outbox_attempt", ["portal", "at"])

    op.create_table(
        "destination",
        sa.Column("portal", ID, nullable=False),
        sa.Column("destination", ID, nullable=False),
        sa.Column("off_at", INSTANT),
        sa.Column("off_by", sa.Text(), nullable=False),
        sa.Column("rests_until", INSTANT),
        sa.Column("failing_since", INSTANT),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("unanswered", sa.Integer(), nullable=False),
        sa.Column("times_off", sa.Integer(), nullable=False),
        sa.Column("secrets", sa.Text()),
        sa.Column("secrets_since", INSTANT),
        sa.PrimaryKeyConstraint("portal", "destination", name="pk_destination"),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "hint",
        sa.Column("portal", ID, nullable=False),
        sa.Column("hint", ID, nullable=False),
        sa.Column("contact", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("done_at", INSTANT),
        sa.PrimaryKeyConstraint("portal", "hint", name="pk_hint"),
    )
    _partial("ix_hint_waiting", "hint", ["portal", "occurred_at", "hint"], where="done_at IS NULL")
    _partial("ix_hint_done", "hint", ["portal", "done_at"], where="done_at IS NOT NULL")
    op.create_index("ix_hint_contact", "hint", ["portal", "contact"])

    _partial("ix_contact_on_list", "contact", ["portal", "contact"], where="on_list", sqlite="on_list = 1")
    op.create_table(
        "suppression_list",
        sa.Column("portal", ID, nullable=False),
        sa.Column("list", ID, nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("portal", name="pk_suppression_list"),
    )

    op.create_table(
        "former_member",
        sa.Column("portal", ID, nullable=False),
        sa.Column("list", ID, nullable=False),
        sa.Column("contact", ID, nullable=False),
        sa.PrimaryKeyConstraint("portal", "list", "contact", name="pk_former_member"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_former_member_contact", "former_member", ["portal", "contact"])

    op.create_table(
        "presence",
        sa.Column("portal", ID, nullable=False),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("looked_at", INSTANT, nullable=False),
        sa.Column("after", ID),
        sa.PrimaryKeyConstraint("portal", name="pk_presence"),
    )

    op.create_table(
        "erased",
        sa.Column("portal", ID, nullable=False),
        sa.Column("digest", ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("removed", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("portal", "digest", name="pk_erased"),
        sqlite_with_rowid=False,
    )
