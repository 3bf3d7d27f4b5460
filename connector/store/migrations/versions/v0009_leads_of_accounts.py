"""Which contacts are or were leads: those of one company are found among them, and not among all of its contacts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_contact_domain", "contact")
    op.add_column("contact", sa.Column("has_lead", sa.Boolean()))
    op.execute(
        "UPDATE contact SET has_lead = TRUE WHERE EXISTS (SELECT 1 FROM episode WHERE episode.portal = contact.portal"
        " AND episode.contact = contact.contact AND episode.owner IS NOT NULL AND NOT episode.silent)"
    )
    op.create_index(
        "ix_contact_account", "contact", ["portal", "domain", "contact"],
        sqlite_where=sa.text("has_lead = 1"), postgresql_where=sa.text("has_lead"),
    )
