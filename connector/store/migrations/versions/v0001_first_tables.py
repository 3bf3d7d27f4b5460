"""The first tables: everything that the order of transactions, clock, keys and timers needs (design.md, section 5).

Written out on its own, without tables.py: that one goes on with the times, this step stays what it was.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.String().with_variant(sa.String(collation="C"), "postgresql")
INSTANT = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")


def _partial(name: str, table: str, columns: list[str], *, where: str, sqlite: str = "") -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(sqlite or where), postgresql_where=sa.text(where))


def _parent(columns: list[str], parent: list[str], *, name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(columns, parent, name=name, ondelete="CASCADE")


def upgrade() -> None:
    op.create_table(
        "activity",
        sa.Column("portal", ID, nullable=False),
        sa.Column("stream", ID, nullable=False),
        sa.Column("activity", ID, nullable=False),
        sa.Column("contact", ID),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("observed_at", INSTANT, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("url", sa.Text()),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("portal", "stream", "activity", name="pk_activity"),
    )
    op.create_index("ix_activity_contact", "activity", ["portal", "contact", "occurred_at"])
    _partial("ix_activity_waiting", "activity", ["portal", "email"], where="contact IS NULL")

    op.create_table(
        "audit",
        sa.Column("portal", ID, nullable=False),
        sa.Column("effect", ID, nullable=False),
        sa.Column("run", ID, nullable=False),
        sa.Column("outcome", ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("contact", ID),
        sa.Column("episode", ID),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("portal", "effect", "run", "outcome", name="pk_audit"),
    )
    op.create_index("ix_audit_contact", "audit", ["portal", "contact", "at"])
    op.create_index("ix_audit_run", "audit", ["portal", "run"])

    op.create_table(
        "contact",
        sa.Column("portal", ID, nullable=False),
        sa.Column("contact", ID, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("owner", ID, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("modified_at", INSTANT, nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("merged_into", ID),
        sa.Column("on_list", sa.Boolean(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.Column("problems", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("portal", "contact", name="pk_contact"),
    )
    op.create_index("ix_contact_domain", "contact", ["portal", "domain"])
    op.create_index("ix_contact_email", "contact", ["portal", "email"])
    _partial("ix_contact_merged_into", "contact", ["portal", "merged_into"], where="merged_into IS NOT NULL")

    op.create_table(
        "deal",
        sa.Column("portal", ID, nullable=False),
        sa.Column("deal", ID, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("modified_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT),
        sa.Column("amount", sa.Double()),
        sa.Column("owner", ID),
        sa.Column("lost_reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("portal", "deal", name="pk_deal"),
    )

    op.create_table(
        "decision",
        sa.Column("portal", ID, nullable=False),
        sa.Column("contact", ID, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("run", ID, nullable=False),
        sa.Column("as_of", INSTANT, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("episode", ID),
        sa.Column("owner", ID),
        sa.Column("score", sa.Integer()),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("signal_at", INSTANT),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("portal", "contact", "number", name="pk_decision"),
    )
    _partial("ix_decision_episode", "decision", ["portal", "episode"], where="episode IS NOT NULL")
    _partial("ix_decision_predates", "decision", ["portal", "contact"], where="action = 'predates'")

    op.create_table(
        "dirty",
        sa.Column("portal", ID, nullable=False),
        sa.Column("contact", ID, nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("portal", "contact", name="pk_dirty"),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "episode",
        sa.Column("portal", ID, nullable=False),
        sa.Column("episode", ID, nullable=False),
        sa.Column("contact", ID, nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("owner", ID),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("silent", sa.Boolean(), nullable=False),
        sa.Column("assignment", sa.Integer(), nullable=False),
        sa.Column("handed_off_at", INSTANT),
        sa.Column("touched_at", INSTANT),
        sa.Column("ended_at", INSTANT),
        sa.Column("exit_reason", sa.Text(), nullable=False),
        sa.Column("track", sa.Text(), nullable=False),
        sa.Column("wakes_at", INSTANT),
        sa.Column("signal_at", INSTANT),
        sa.Column("marketing_held", sa.Boolean(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("adopted_at", INSTANT),
        sa.PrimaryKeyConstraint("portal", "episode", name="pk_episode"),
        sa.UniqueConstraint("portal", "contact", "ordinal", name="uq_episode_portal_contact_ordinal"),
    )
    _partial("ix_episode_adopted", "episode", ["portal", "adopted_at"], where="adopted_at IS NOT NULL")
    _partial(
        "ix_episode_open", "episode", ["portal", "owner"],
        where="is_open AND NOT silent", sqlite="is_open = 1 AND silent = 0",
    )
    _partial(
        "ix_episode_silent", "episode", ["portal", "episode"],
        where="is_open AND silent", sqlite="is_open = 1 AND silent = 1",
    )

    op.create_table(
        "field_change",
        sa.Column("portal", ID, nullable=False),
        sa.Column("contact", ID, nullable=False),
        sa.Column("field", ID, nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("source", ID, nullable=False),
        sa.Column("value", sa.Text()),
        sa.Column("observed_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("portal", "contact", "field", "occurred_at", "source", name="pk_field_change"),
    )

    op.create_table(
        "intent",
        sa.Column("portal", ID, nullable=False),
        sa.Column("intent", ID, nullable=False),
        sa.Column("run", ID, nullable=False),
        sa.Column("contact", ID, nullable=False),
        sa.Column("episode", ID),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("expected", sa.Text(), nullable=False),
        sa.Column("before", sa.Text()),
        sa.Column("turn", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("portal", "intent", name="pk_intent"),
    )
    op.create_index("ix_intent_contact", "intent", ["portal", "contact"])
    op.create_index("ix_intent_run", "intent", ["portal", "run"])
    op.create_index("ix_intent_status", "intent", ["portal", "status", "intent"])

    op.create_table(
        "lease",
        sa.Column("portal", ID, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Text()),
        sa.Column("since", INSTANT),
        sa.Column("heartbeat_at", INSTANT),
        sa.PrimaryKeyConstraint("portal", name="pk_lease"),
    )

    op.create_table(
        "outbox",
        sa.Column("portal", ID, nullable=False),
        sa.Column("entry", ID, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("destination", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("contact", ID),
        sa.Column("episode", ID),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("intent", ID),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", INSTANT),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("sent_at", INSTANT),
        sa.Column("claimed_until", INSTANT),
        sa.Column("claimed_by", sa.Text()),
        sa.PrimaryKeyConstraint("portal", "entry", name="pk_outbox"),
        sa.UniqueConstraint("portal", "sequence", name="uq_outbox_portal_sequence"),
    )
    _partial("ix_outbox_contact", "outbox", ["portal", "contact"], where="status IN ('held', 'due')")
    _partial("ix_outbox_due", "outbox", ["portal", "sequence"], where="status = 'due'")
    _partial("ix_outbox_held", "outbox", ["portal", "intent"], where="status = 'held'")
    _partial(
        "ix_outbox_order", "outbox", ["portal", "destination", "contact", "sequence"],
        where="status IN ('held', 'due')",
    )

    op.create_table(
        "owner",
        sa.Column("portal", ID, nullable=False),
        sa.Column("owner", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("teams", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("portal", "owner", name="pk_owner"),
    )

    op.create_table(
        "portal",
        sa.Column("portal", ID, nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("ui_domain", sa.Text(), nullable=False),
        sa.Column("handoff_since", INSTANT),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("as_of", INSTANT),
        sa.Column("ready_at", INSTANT),
        sa.Column("shadow", sa.Boolean(), nullable=False),
        sa.Column("adopting", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("portal", name="pk_portal"),
    )

    op.create_table(
        "quarantine",
        sa.Column("portal", ID, nullable=False),
        sa.Column("contact", ID, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("first_at", INSTANT, nullable=False),
        sa.Column("last_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("portal", "contact", name="pk_quarantine"),
    )

    op.create_table(
        "retry",
        sa.Column("portal", ID, nullable=False),
        sa.Column("contact", ID, nullable=False),
        sa.PrimaryKeyConstraint("portal", "contact", name="pk_retry"),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "rotation",
        sa.Column("portal", ID, nullable=False),
        sa.Column("pool", ID, nullable=False),
        sa.Column("owner", ID, nullable=False),
        sa.Column("pointer", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.BigInteger()),
        sa.PrimaryKeyConstraint("portal", "pool", "owner", name="pk_rotation"),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "rulebook",
        sa.Column("portal", ID, nullable=False),
        sa.Column("fingerprint", ID, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("first_seen_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("portal", "fingerprint", name="pk_rulebook"),
    )

    op.create_table(
        "run",
        sa.Column("portal", ID, nullable=False),
        sa.Column("run", ID, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("as_of", INSTANT, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("resumed", sa.Boolean(), nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("progress", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("portal", "run", name="pk_run"),
    )
    _partial("ix_run_open", "run", ["portal", "started_at", "run"], where="status = 'running'")
    op.create_index("ix_run_started", "run", ["portal", "started_at"])

    op.create_table(
        "timer",
        sa.Column("portal", ID, nullable=False),
        sa.Column("contact", ID, nullable=False),
        sa.Column("kind", ID, nullable=False),
        sa.Column("episode", ID, nullable=False),
        sa.Column("name", ID, nullable=False),
        sa.Column("level", ID, nullable=False),
        sa.Column("assignment", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("fired_at", INSTANT),
        sa.PrimaryKeyConstraint("portal", "contact", "kind", "episode", "name", "level", "assignment", name="pk_timer"),
        sqlite_with_rowid=False,
    )
    _partial("ix_timer_due", "timer", ["portal", "due_at"], where="fired_at IS NULL")

    op.create_table(
        "watermark",
        sa.Column("portal", ID, nullable=False),
        sa.Column("stream", ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("portal", "stream", name="pk_watermark"),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "deal_contact",
        sa.Column("portal", ID, nullable=False),
        sa.Column("deal", ID, nullable=False),
        sa.Column("contact", ID, nullable=False),
        sa.PrimaryKeyConstraint("portal", "deal", "contact", name="pk_deal_contact"),
        _parent(["portal", "deal"], ["deal.portal", "deal.deal"], name="fk_deal_contact_deal"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_deal_contact_contact", "deal_contact", ["portal", "contact"])

    op.create_table(
        "episode_step",
        sa.Column("portal", ID, nullable=False),
        sa.Column("episode", ID, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("owner", ID),
        sa.Column("silent", sa.Boolean(), nullable=False),
        sa.Column("assignment", sa.Integer(), nullable=False),
        sa.Column("exit_reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("portal", "episode", "number", name="pk_episode_step"),
        _parent(["portal", "episode"], ["episode.portal", "episode.episode"], name="fk_episode_step_episode"),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "outbox_attempt",
        sa.Column("portal", ID, nullable=False),
        sa.Column("entry", ID, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("portal", "entry", "number", name="pk_outbox_attempt"),
        _parent(["portal", "entry"], ["outbox.portal", "outbox.entry"], name="fk_outbox_attempt_outbox"),
    )
