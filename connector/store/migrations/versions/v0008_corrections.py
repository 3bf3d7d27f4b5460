"""What a step of an episode says of its return: sales may correct the reason and the day after the hand-back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

INSTANT = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    op.add_column("episode_step", sa.Column("track", sa.Text()))
    op.add_column("episode_step", sa.Column("wakes_at", INSTANT))
