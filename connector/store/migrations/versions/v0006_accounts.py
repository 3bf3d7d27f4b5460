"""Colleagues are found in the index alone: a contact's row is long, and an account may have thousands of them."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_contact_domain", "contact")
    op.create_index("ix_contact_domain", "contact", ["portal", "domain", "contact"])
