"""Every table, in one place. The portal's id leads every primary and unique key (design.md, section 5).

How they come into being is written down in migrations/; a test keeps the two alike. Who reads and writes which table is
said in docs/database.md.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from connector.store.types import Id, Instant, Structure, Words

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _key(name: str) -> Column[str]:
    return Column(name, Id, primary_key=True)


def _partial(name: str, *columns: Column[Any], where: str, sqlite: str = "") -> Index:
    """An index over some rows only. A query must repeat the condition, written out and not as a parameter."""
    return Index(name, *columns, sqlite_where=text(sqlite or where), postgresql_where=text(where))


# -- portal, lease, runs -------------------------------------------------------------------------------------------

portal = Table(
    "portal", metadata,
    _key("portal"),
    Column("time_zone", Text, nullable=False),
    Column("ui_domain", Text, nullable=False),
    Column("handoff_since", Instant),
    Column("fingerprint", Text, nullable=False, default=""),
    Column("as_of", Instant),
    Column("ready_at", Instant),
    Column("shadow", Boolean, nullable=False),
    Column("adopting", Structure, nullable=False, default={}),
)

lease = Table(
    "lease", metadata,
    _key("portal"),
    Column("epoch", BigInteger, nullable=False),
    Column("holder", Text),                       # None: nobody
    Column("since", Instant),
    Column("heartbeat_at", Instant),
)

run = Table(
    "run", metadata,
    _key("portal"), _key("run"),
    Column("started_at", Instant, nullable=False),
    Column("as_of", Instant, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("resumed", Boolean, nullable=False),
    Column("finished_at", Instant),
    Column("error", Words, nullable=False, default=""),
    Column("counts", Structure, nullable=False, default={}),
    Column("progress", Structure, nullable=False, default={}),
)
Index("ix_run_started", run.c.portal, run.c.started_at)
_partial("ix_run_open", run.c.portal, run.c.started_at, run.c.run, where="status = 'running'")

watermark = Table(
    "watermark", metadata,
    _key("portal"), _key("stream"),
    Column("at", Instant, nullable=False),
    Column("place", Text),                        # where the next pull goes on, where it cannot be asked by time
    sqlite_with_rowid=False,
)

rulebook = Table(
    "rulebook", metadata,
    _key("portal"), _key("fingerprint"),
    Column("body", Structure, nullable=False),
    Column("first_seen_at", Instant, nullable=False),
    Column("first_used_by", Text),                # user@host; None: by a version that did not note it
    Column("effect", Structure),                  # of the leads when it last came into use; None: never worked out
)

# -- contacts ------------------------------------------------------------------------------------------------------

contact = Table(
    "contact", metadata,
    _key("portal"), _key("contact"),
    Column("email", Words, nullable=False),       # lower-case; empty: none
    Column("domain", Words, nullable=False),
    Column("stage", Words, nullable=False),
    Column("owner", Id, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("modified_at", Instant, nullable=False),
    Column("gone", Boolean, nullable=False),
    Column("merged_into", Id),
    Column("on_list", Boolean, nullable=False),
    Column("fields", Text, nullable=False),       # these four by codec.py, in contacts.py: the hot path
    Column("raw", Text, nullable=False),
    Column("changed_at", Text, nullable=False),
    Column("problems", Text, nullable=False),
    Column("has_lead", Boolean),                  # an episode of it had an owner and was not silent; None: none yet
)
Index("ix_contact_email", contact.c.portal, contact.c.email)
_partial(
    "ix_contact_account", contact.c.portal, contact.c.domain, contact.c.contact,
    where="has_lead", sqlite="has_lead = 1",
)
_partial("ix_contact_on_list", contact.c.portal, contact.c.contact, where="on_list", sqlite="on_list = 1")
_partial("ix_contact_merged_into", contact.c.portal, contact.c.merged_into, where="merged_into IS NOT NULL")

field_change = Table(
    "field_change", metadata,
    _key("portal"), _key("contact"), _key("field"),
    Column("occurred_at", Instant, primary_key=True),
    _key("source"),
    Column("value", Words),
    Column("observed_at", Instant, nullable=False),
)
Index("ix_field_change_observed", field_change.c.portal, field_change.c.observed_at)

activity = Table(
    "activity", metadata,
    _key("portal"), _key("stream"), _key("activity"),
    Column("contact", Id),                        # None: waits for its address to turn up
    Column("email", Words, nullable=False),
    Column("kind", Text, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("observed_at", Instant, nullable=False),
    Column("name", Words, nullable=False),
    Column("ref", Words, nullable=False),
    Column("url", Words),
    Column("automatic", Boolean, nullable=False),
)
Index("ix_activity_contact", activity.c.portal, activity.c.contact, activity.c.occurred_at)
Index("ix_activity_observed", activity.c.portal, activity.c.observed_at)
_partial("ix_activity_waiting", activity.c.portal, activity.c.email, where="contact IS NULL")

deal = Table(
    "deal", metadata,
    _key("portal"), _key("deal"),
    Column("state", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("modified_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("amount", Double),
    Column("owner", Id),
    Column("lost_reason", Words, nullable=False),
)

deal_contact = Table(
    "deal_contact", metadata,
    _key("portal"), _key("deal"), _key("contact"),
    ForeignKeyConstraint(["portal", "deal"], ["deal.portal", "deal.deal"], ondelete="CASCADE"),
    sqlite_with_rowid=False,
)
Index("ix_deal_contact_contact", deal_contact.c.portal, deal_contact.c.contact)

dirty = Table(
    "dirty", metadata,
    _key("portal"), _key("contact"),
    Column("cause", Text, nullable=False),
    sqlite_with_rowid=False,
)

retry = Table(
    "retry", metadata,
    _key("portal"), _key("contact"),              # on the work list again with the next run
    sqlite_with_rowid=False,
)

quarantine = Table(
    "quarantine", metadata,
    _key("portal"), _key("contact"),
    Column("reason", Words, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("unread", Boolean),                    # its record could not be taken in; otherwise what follows from it
)

# -- owners and turns ----------------------------------------------------------------------------------------------

owner = Table(
    "owner", metadata,
    _key("portal"), _key("owner"),
    Column("name", Words, nullable=False),
    Column("email", Words, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("teams", Structure, nullable=False),
)

rotation = Table(
    "rotation", metadata,
    _key("portal"), _key("pool"), _key("owner"),
    Column("pointer", BigInteger, nullable=False),       # how far ahead of the share, in billionths of a turn; never 0
    sqlite_with_rowid=False,
)

# -- episodes, decisions, timers -----------------------------------------------------------------------------------

episode = Table(
    "episode", metadata,
    _key("portal"), _key("episode"),
    Column("contact", Id, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("owner", Id),
    Column("reason", Words, nullable=False),
    Column("silent", Boolean, nullable=False),
    Column("assignment", Integer, nullable=False),
    Column("handed_off_at", Instant),
    Column("touched_at", Instant),
    Column("ended_at", Instant),
    Column("exit_reason", Text, nullable=False),
    Column("track", Text, nullable=False),
    Column("wakes_at", Instant),
    Column("signal_at", Instant),                 # the newest hand-raise that the holder was told of (R40)
    Column("interest_told_at", Instant),
    Column("waiting_since", Instant),
    Column("calls", Integer),                     # touches since whoever has it got it (R17); None: none, as the others
    Column("mails", Integer),
    Column("meetings", Integer),
    Column("marketing_held", Boolean, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("adopted_at", Instant),                # when `silent` ended; None where it never was or still is
    Column("undone", Integer),                    # how often a move of it was undone; None: never
    Column("party", Text),                        # the telequalification that works or worked it; None: none (R12)
    Column("passed_on_at", Instant),
    Column("caller", Id),                         # who at telequalification passed it on
    Column("caller_touched_at", Instant),
    Column("former_owners", Structure),           # who had it before whoever has it now; None: nobody (R17)
    Column("inherited", Boolean),                 # the answer that stands is a former holder's; None: it is not
    UniqueConstraint("portal", "contact", "ordinal"),
)
_partial(
    "ix_episode_open", episode.c.portal, episode.c.owner,
    where="is_open AND NOT silent", sqlite="is_open = 1 AND silent = 0",
)
_partial(
    "ix_episode_silent", episode.c.portal, episode.c.episode,
    where="is_open AND silent", sqlite="is_open = 1 AND silent = 1",
)
_partial("ix_episode_adopted", episode.c.portal, episode.c.adopted_at, where="adopted_at IS NOT NULL")

episode_step = Table(
    "episode_step", metadata,
    _key("portal"), _key("episode"),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("cause", Words, nullable=False),
    Column("state", Text, nullable=False),
    Column("owner", Id),
    Column("silent", Boolean, nullable=False),
    Column("assignment", Integer, nullable=False),
    Column("exit_reason", Text, nullable=False),
    Column("track", Text),                      # of steps before version 0008 neither is known
    Column("wakes_at", Instant),
    ForeignKeyConstraint(["portal", "episode"], ["episode.portal", "episode.episode"], ondelete="CASCADE"),
    sqlite_with_rowid=False,
)
Index("ix_episode_step_at", episode_step.c.portal, episode_step.c.at)

decision = Table(
    "decision", metadata,
    _key("portal"), _key("contact"),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("run", Id, nullable=False),
    Column("as_of", Instant, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("sentence", Words, nullable=False),
    Column("episode", Id),
    Column("owner", Id),                          # whom routing chose; None where nothing was routed
    Column("score", Integer),                     # hundredths; None where nothing was scored
    Column("grade", Text, nullable=False),
    Column("signal_at", Instant),
    Column("body", Structure, nullable=False),
    Column("digest", Text, nullable=False),       # of all but run and number: the same answer twice is stored once
)
_partial("ix_decision_predates", decision.c.portal, decision.c.contact, where="action = 'predates'")
_partial("ix_decision_routed", decision.c.portal, decision.c.as_of, where="owner IS NOT NULL")
_partial("ix_decision_episode", decision.c.portal, decision.c.episode, where="episode IS NOT NULL")

timer = Table(
    "timer", metadata,
    _key("portal"), _key("contact"), _key("kind"),
    _key("episode"),                              # empty: none, since a key may hold no NULL
    _key("name"), _key("level"),
    Column("assignment", Integer, primary_key=True, autoincrement=False),
    Column("due_at", Instant, nullable=False),
    Column("fired_at", Instant),
    Column("paused_at", Instant),                 # the clock stands still since then; None: it runs
    sqlite_with_rowid=False,
)
_partial("ix_timer_due", timer.c.portal, timer.c.due_at, where="fired_at IS NULL")

stranded = Table(
    "stranded", metadata,
    _key("portal"), _key("contact"),              # an open lead that the last nightly proof could not mend
    Column("episode", Id, nullable=False),
    Column("cause", Text, nullable=False),
    Column("words", Words, nullable=False),
    Column("found_at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

# -- effects -------------------------------------------------------------------------------------------------------

intent = Table(
    "intent", metadata,
    _key("portal"), _key("intent"),
    Column("run", Id, nullable=False),
    Column("contact", Id, nullable=False),
    Column("episode", Id),
    Column("changes", Structure, nullable=False),
    Column("expected", Structure, nullable=False),
    Column("before", Structure),
    Column("turn", Structure),
    Column("status", Text, nullable=False),
    Column("detail", Words, nullable=False),
    Column("tries", Integer, nullable=False),
)
Index("ix_intent_status", intent.c.portal, intent.c.status, intent.c.intent)
Index("ix_intent_run", intent.c.portal, intent.c.run)
Index("ix_intent_contact", intent.c.portal, intent.c.contact)

audit = Table(
    "audit", metadata,
    _key("portal"), _key("effect"), _key("run"), _key("outcome"),
    Column("at", Instant, nullable=False),
    Column("contact", Id),
    Column("episode", Id),
    Column("rule", Text, nullable=False),
    Column("inputs", Structure, nullable=False),
)
Index("ix_audit_contact", audit.c.portal, audit.c.contact, audit.c.at)
Index("ix_audit_run", audit.c.portal, audit.c.run)

outbox = Table(
    "outbox", metadata,
    _key("portal"), _key("entry"),
    Column("sequence", BigInteger, nullable=False),
    Column("destination", Id, nullable=False),
    Column("kind", Text, nullable=False),
    Column("contact", Id),
    Column("episode", Id),
    Column("body", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("intent", Id),
    Column("tries", Integer, nullable=False),
    Column("due_at", Instant),
    Column("last_error", Words, nullable=False),
    Column("sent_at", Instant),
    Column("claimed_until", Instant),
    Column("claimed_by", Text),
    Column("owner", Id),                          # whose notice it is; None: no rep's
    Column("digest", Id),                         # the entry that tells of this one among others; None: it tells itself
    Column("summary", Words),                     # one line for a digest; no personal data
    Column("queued_at", Instant),
    Column("alone_until", Instant),               # in no digest before; None: it may stand in one at any time
    Column("spent", Integer),                     # tries before it was last sent again by a person; None: it never was
    UniqueConstraint("portal", "sequence"),
)
_partial("ix_outbox_due", outbox.c.portal, outbox.c.destination, outbox.c.sequence, where="status = 'due'")
_partial("ix_outbox_held", outbox.c.portal, outbox.c.intent, where="status = 'held'")
_partial("ix_outbox_digest", outbox.c.portal, outbox.c.digest, where="digest IS NOT NULL")
_partial(
    "ix_outbox_contact", outbox.c.portal, outbox.c.contact, where="status IN ('held', 'due', 'digested')",
)
_partial(
    "ix_outbox_order", outbox.c.portal, outbox.c.destination, outbox.c.contact, outbox.c.sequence,
    where="status IN ('held', 'due', 'digested')",
)
# What grows old (retention.py).
_partial("ix_outbox_sent", outbox.c.portal, outbox.c.sent_at, where="status = 'sent' AND body <> ''")
_partial(
    "ix_outbox_given_up", outbox.c.portal, outbox.c.queued_at,
    where="status IN ('cancelled', 'exhausted') AND body <> ''",
)

outbox_attempt = Table(
    "outbox_attempt", metadata,
    _key("portal"), _key("entry"),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("status", Text, nullable=False),
    Column("error", Words, nullable=False),
    Column("seconds", Double, nullable=False),
    ForeignKeyConstraint(["portal", "entry"], ["outbox.portal", "outbox.entry"], ondelete="CASCADE"),
)
Index("ix_outbox_attempt_at", outbox_attempt.c.portal, outbox_attempt.c.at)

destination = Table(
    "destination", metadata,
    _key("portal"), _key("destination"),
    Column("off_at", Instant),                    # nothing is sent since then, until a person resumes it
    Column("off_by", Text, nullable=False),       # `person`, `gone` (410) or `failing`; empty where it is on
    Column("rests_until", Instant),
    Column("failing_since", Instant),             # first failure after the last 2xx; None where the last was a 2xx
    Column("failures", Integer, nullable=False),  # since then
    Column("unanswered", Integer, nullable=False),  # posts in a row that got no answer at all
    Column("times_off", Integer, nullable=False),  # tells one switching off from the next
    Column("secrets", Text),                      # keyed digest of two secrets in use; None where there is one
    Column("secrets_since", Instant),             # when both were first seen together
    sqlite_with_rowid=False,
)

answer = Table(
    "answer", metadata,
    _key("portal"), _key("answer"),               # the id of its link: a second answer finds it there
    Column("contact", Id, nullable=False),
    Column("episode", Id, nullable=False),
    Column("entry", Id, nullable=False),          # the notice that the link stood in
    Column("kind", Text, nullable=False),
    Column("owner", Id),                          # who answered; None: an agency without seats in the CRM
    Column("assignment", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("return_on", Text),                    # a day; None: none was given
    Column("comment", Words, nullable=False),
    Column("received_at", Instant, nullable=False),  # by our own clock
    Column("answered_at", Instant),               # by the CRM's, once it was taken up
    Column("status", Text, nullable=False),
    Column("intent", Id),                         # the write that carries it into the CRM
    Column("detail", Words, nullable=False),
)
Index("ix_answer_contact", answer.c.portal, answer.c.contact)
_partial("ix_answer_waiting", answer.c.portal, answer.c.received_at, answer.c.answer, where="status = 'waiting'")
_partial("ix_answer_comment", answer.c.portal, answer.c.answered_at, where="comment <> ''")

# -- how we log in -------------------------------------------------------------------------------------------------

login = Table(
    "login", metadata,
    _key("portal"),
    Column("app", Text, nullable=False),          # the client id of the OAuth app
    Column("key", Text, nullable=False),          # tells which key encrypted the body, and nothing of it
    Column("body", Text, nullable=False),         # the tokens, encrypted; the key is not in the database
    Column("changed_at", Instant, nullable=False),
)

# -- what the CRM says of itself -----------------------------------------------------------------------------------

hint = Table(
    "hint", metadata,
    _key("portal"), _key("hint"),                 # digest of what makes an event one event; no body is kept
    Column("contact", Id, nullable=False),
    Column("kind", Text, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("done_at", Instant),
)
_partial("ix_hint_waiting", hint.c.portal, hint.c.occurred_at, hint.c.hint, where="done_at IS NULL")
_partial("ix_hint_done", hint.c.portal, hint.c.done_at, where="done_at IS NOT NULL")
Index("ix_hint_contact", hint.c.portal, hint.c.contact)

suppression_list = Table(
    "suppression_list", metadata,
    _key("portal"),
    Column("list", Id, nullable=False),           # what `contact.on_list` speaks of
    Column("since", Instant, nullable=False),
)

former_member = Table(
    "former_member", metadata,
    _key("portal"), _key("list"), _key("contact"),  # whom we put on a list that was the suppression list before
    sqlite_with_rowid=False,
)
Index("ix_former_member_contact", former_member.c.portal, former_member.c.contact)

address = Table(
    "address", metadata,
    _key("portal"), _key("email"), _key("contact"),  # in lower case; not the one that the contact shows first
    sqlite_with_rowid=False,
)
Index("ix_address_contact", address.c.portal, address.c.contact)

presence = Table(
    "presence", metadata,
    _key("portal"),
    Column("began_at", Instant, nullable=False),
    Column("looked_at", Instant, nullable=False),
    Column("after", Id),                          # the contact that was last looked for; None: the round is complete
)

erased = Table(
    "erased", metadata,
    _key("portal"), _key("digest"),               # keyed digest of an id or address; the key is not in the database
    Column("at", Instant, nullable=False),
    Column("cause", Text, nullable=False),
    Column("removed", Structure, nullable=False),  # rows per table: the receipt
    Column("key", Text, nullable=False),          # tells which key it was, and nothing of it
    sqlite_with_rowid=False,
)
