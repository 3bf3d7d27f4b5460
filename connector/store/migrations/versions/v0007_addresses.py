"""E-mail addresses of a contact beside its first one: forms come under any of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "address",
        sa.Column("portal", ID, nullable=False),
        sa.Column("email", ID, nullable=False),
        sa.Column("contact", ID, nullable=False),
        sa.PrimaryKeyConstraint("portal", "email", "contact", name="pk_address"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_address_contact", "address", ["portal", "contact"])
