"""Telequalification and touches of an episode, clocks that stand still, turns anew, who used which rules first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.String().with_variant(sa.String(collation="C"), "postgresql")
INSTANT = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    op.add_column("episode", sa.Column("interest_told_at", INSTANT))
    op.add_column("episode", sa.Column("waiting_since", INSTANT))
    op.add_column("timer", sa.Column("paused_at", INSTANT))
    for name in ("calls", "mails", "meetings"):
        op.add_column("episode", sa.Column(name, sa.Integer()))
    op.add_column("episode", sa.Column("party", sa.Text()))
    op.add_column("episode", sa.Column("passed_on_at", INSTANT))
    op.add_column("episode", sa.Column("caller", ID))
    op.add_column("episode", sa.Column("caller_touched_at", INSTANT))
    op.create_index("ix_episode_step_at", "episode_step", ["portal", "at"])
    routed = sa.text("owner IS NOT NULL")
    op.create_index(
        "ix_decision_routed", "decision", ["portal", "as_of"], sqlite_where=routed, postgresql_where=routed
    )

    op.execute("DELETE FROM rotation")        # pointers of before count from elsewhere: everybody begins level
    op.drop_column("rotation", "before")

    op.add_column("rulebook", sa.Column("first_used_by", sa.Text()))
    op.add_column("rulebook", sa.Column("effect", sa.Text()))
    op.create_index("ix_field_change_observed", "field_change", ["portal", "observed_at"])
    op.create_index("ix_activity_observed", "activity", ["portal", "observed_at"])
