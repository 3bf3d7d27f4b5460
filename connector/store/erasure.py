"""Erasing a person from every table (I11, R37), and remembering by a keyed digest alone that it was done.

What stays, and why, is docs/decisions/0009. Personal values go; what figures and the routing log rest on stays under
an alias, a keyed digest in place of the contact's id. Ids that are made from the contact's id by hashing alone
(episodes, effects) are replaced too: whoever knows how they are made could try all contacts.

When a person is to be erased is the engine's business.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, bindparam, delete, func, insert, or_, select, update

from connector.domain.answer import AnswerStatus
from connector.domain.contact import ContactId
from connector.domain.notice import NoticeKind
from connector.engine.ports import ErasedPerson, Receipt
from connector.errors import SettingsError
from connector.store.cleaned import clean_decision, without
from connector.store.key import BACK, Key
from connector.store.part import IDS, PORTAL, Part
from connector.store.tables import (
    activity,
    address,
    answer,
    audit,
    contact,
    deal,
    deal_contact,
    decision,
    dirty,
    episode,
    episode_step,
    erased,
    field_change,
    former_member,
    hint,
    intent,
    outbox,
    outbox_attempt,
    presence,
    quarantine,
    retry,
    run,
    stranded,
    timer,
)

KEPT_FIELDS = ("stage", "status", "owner", "state")
"""Of the field history, what the funnel is: choices of the portal and ids of its users."""

WHOLLY = (contact, timer, dirty, retry, quarantine, stranded, hint, deal_contact, former_member, address)
"""Tables of which nothing of the person stays."""

BY_ID, BY_EMAIL = "contact", "email"
WHY = "the person was erased"
WAITING = ("held", "due", "digested")
WITHOUT_ONE = (NoticeKind.ALARM_RAISED.value, NoticeKind.MAIL_LEAKED.value)
"""Told once and for all, and as true without one of their leads, each of which they name by its id alone."""
OF_MANY = (*WITHOUT_ONE, NoticeKind.REP_MORNING.value, NoticeKind.LEAD_DIGEST.value)
"""Notices that may name several people, and belong to none."""

_FAMILY = select(contact.c.contact, contact.c.merged_into).where(
    contact.c.portal == PORTAL, or_(contact.c.contact.in_(IDS), contact.c.merged_into.in_(IDS))
)
_ADDRESSES = select(contact.c.email).where(contact.c.portal == PORTAL, contact.c.contact.in_(IDS))
_OTHERS = select(address.c.email).where(address.c.portal == PORTAL, address.c.contact.in_(IDS))
_USED = select(activity.c.email).where(activity.c.portal == PORTAL, activity.c.contact.in_(IDS)).distinct()
_ANY = select(erased.c.key).where(erased.c.portal == PORTAL).limit(1)
_KNOWN = select(erased).where(erased.c.portal == PORTAL, erased.c.digest.in_(IDS))
_FORGET = delete(erased).where(erased.c.portal == PORTAL, erased.c.digest.in_(IDS))
_ORPHANS = (
    update(deal)
    .where(
        deal.c.portal == PORTAL, deal.c.deal.in_(IDS),
        ~select(deal_contact.c.deal)
        .where(deal_contact.c.portal == deal.c.portal, deal_contact.c.deal == deal.c.deal)
        .exists(),
    )
    .values(lost_reason="")
)
_TURN = update(presence).where(presence.c.portal == PORTAL, presence.c.after.in_(IDS)).values(after="")
_DEALS_OF = select(deal_contact.c.deal).where(deal_contact.c.portal == PORTAL, deal_contact.c.contact.in_(IDS))
_LOOSE = delete(activity).where(activity.c.portal == PORTAL, activity.c.contact.is_(None), activity.c.email.in_(IDS))
_DIGESTS = select(outbox).where(outbox.c.portal == PORTAL, outbox.c.entry.in_(IDS))
_OF_MANY = select(outbox).where(
    outbox.c.portal == PORTAL, outbox.c.contact.is_(None), outbox.c.body != "",
    outbox.c.kind.in_(OF_MANY),
)
_ERRORS = select(run.c.run, run.c.error).where(run.c.portal == PORTAL, run.c.error != "")


class Erasure(Part):
    """`key` is set by the store that hands out the unit of work."""

    key: Key = Key()

    # -- who was erased

    def erased(self, ids: Collection[str], emails: Collection[str] = ()) -> dict[str, ErasedPerson]:
        """Those of the ids and addresses that are remembered as erased: one look, and none where nobody ever was.

        Raises:
            SettingsError: people were erased, and the key is missing or another one (fails closed, P7).
        """
        if not self._anybody():
            return {}
        names = {self._digest(BY_ID, one): one for one in ids} | {self._digest(BY_EMAIL, one): one for one in emails}
        found = self.select_by_id(_KNOWN, list(names))
        return {names[row.digest]: ErasedPerson(at=row.at, cause=row.cause) for row in found}

    def receipt(self, text: str) -> Receipt | None:
        """Of a person erased before, by id or address as a person types it."""
        if not self._anybody():
            return None
        typed = text.strip()
        names = [self._digest(BY_ID, typed), self._digest(BY_EMAIL, typed.lower())]
        for row in self.select(_KNOWN, ids=names):
            return Receipt(digest=row.digest, at=row.at, cause=row.cause, removed=row.removed)
        return None

    def forget_erased(self, ids: Collection[str]) -> None:
        """For those who turn out to be there after all."""
        if ids:
            self.change_by_id(_FORGET, [self._digest(BY_ID, one) for one in ids])

    def _anybody(self) -> bool:
        for row in self.select(_ANY):
            if row.key != self.key.mark():
                raise SettingsError(
                    "Another key than today's tells who was erased; with this one they would be taken in again",
                    advice=BACK,
                )
            return True
        return False

    def _digest(self, kind: str, text: str) -> str:
        return self.key.digest("erased", self.portal, kind, text)

    # -- erasing

    def family(self, one: ContactId) -> tuple[ContactId, ...]:
        """All ids that this person had: the survivor of its merges first, then those merged into it."""
        found = {row.contact: row.merged_into for row in self.select(_FAMILY, ids=[one])}
        root = found.get(one) or one
        rows = self.select(_FAMILY, ids=[root])
        return (ContactId(root), *sorted({ContactId(row.contact) for row in rows} | {one} - {root} - {ContactId(root)}))

    def count_rows(self, ids: Sequence[ContactId]) -> dict[str, int]:
        """Rows about these contacts, by table; tables without any are left out."""
        counted = {
            table.name: sum(
                row.found
                for row in self.select_by_id(
                    select(func.count().label("found"))
                    .select_from(table)
                    .where(table.c.portal == PORTAL, table.c.contact.in_(IDS)),
                    ids,
                )
            )
            for table in (*WHOLLY, field_change, activity, episode, decision, intent, answer, audit, outbox)
        }
        return {name: count for name, count in counted.items() if count}

    def erase(self, ids: Sequence[ContactId], *, at: datetime, cause: str) -> Receipt:
        """Erase one person, known by these ids, and remember it. Done again, it erases what came since.

        The first use of the key makes its file.
        """
        self.flush()
        if not self._anybody():
            self.key.mark(make=True)
        person = _Person(self, ids, again=bool(self.erased(ids)))
        addresses = person.addresses()
        removed = person.erase(addresses)
        row = {"portal": self.portal, "at": at, "cause": cause, "removed": removed, "key": self.key.mark()}
        names = [self._digest(BY_ID, one) for one in ids]
        self.insert_new(erased, [{**row, "digest": name} for name in names])
        # Form submissions come with an address alone; later ones under it are of somebody who came anew.
        self.upsert(erased, [{**row, "digest": self._digest(BY_EMAIL, one)} for one in sorted(addresses)])
        return Receipt(digest=names[0], at=at, cause=cause, removed=removed)


class _Person:
    """One person on the way out, under all ids."""

    def __init__(self, part: Erasure, ids: Sequence[ContactId], *, again: bool) -> None:
        self.part, self.ids, self.again = part, list(ids), again
        self.removed: dict[str, int] = {}

    def erase(self, addresses: Collection[str]) -> dict[str, int]:
        """Rows that were deleted or emptied, by table."""
        self._activities(addresses)
        self._outbox()
        self._episodes()
        cleaners = (
            (decision, self._decision), (intent, self._intent), (answer, self._answer), (audit, self._audit)
        )  # fmt: skip
        for table, clean in cleaners:
            self._rewrite(table, clean)
        self._history()
        deals = [row.deal for row in self.part.select_by_id(_DEALS_OF, self.ids)]
        for table in WHOLLY:
            self._delete(table)
        self.part.change_by_id(_ORPHANS, deals)
        self.part.change_by_id(_TURN, self.ids)
        self._runs()
        return self.removed

    # -- names instead of ids

    def alias(self, one: str) -> str:
        return f"erased-{self.part._digest('alias', one)[:20]}"

    def episode(self, one: str | None) -> str | None:
        return None if one is None else f"ep_{self.part._digest('episode', one)[:20]}"

    def effect(self, one: str) -> str:
        return f"fx_{self.part._digest('effect', one)[:32]}"

    # -- tables

    def _count(self, table: Table, rows: int) -> None:
        if rows:
            self.removed[table.name] = self.removed.get(table.name, 0) + rows

    def _of_person(self, table: Table) -> list[ColumnElement[bool]]:
        return [table.c.portal == PORTAL, table.c.contact.in_(IDS)]

    def _delete(self, table: Table, *more: ColumnElement[bool]) -> None:
        self._count(table, self.part.change_by_id(delete(table).where(*self._of_person(table), *more), self.ids))

    def _rows(self, table: Table) -> list[Row[Any]]:
        return list(self.part.select_by_id(select(table).where(*self._of_person(table)), self.ids))

    def addresses(self) -> set[str]:
        """Those that the person is known by, or came with."""
        found = (row for asked in (_ADDRESSES, _OTHERS, _USED) for row in self.part.select_by_id(asked, self.ids))
        return {row.email for row in found if row.email}

    def _activities(self, addresses: Collection[str]) -> None:
        self._delete(activity)
        self._count(activity, self.part.change_by_id(_LOOSE, sorted(addresses)))

    def _history(self) -> None:
        """Stays of it: how stage, status and owner went."""
        self._delete(field_change, field_change.c.field.not_in(KEPT_FIELDS))
        if self.again:
            self._delete(field_change)
            return
        for one in self.ids:
            moved = update(field_change).where(*self._of_person(field_change)).values(contact=self.alias(one))
            self._count(field_change, self.part.change(moved, ids=[one]))

    def _rewrite(self, table: Table, clean: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
        """Each row again without what is personal."""
        if self.again:
            self._delete(table)
            return
        for row in self._rows(table):
            old = dict(row._mapping)
            self._replace(table, old, clean(old))
            self._count(table, 1)

    def _replace(self, table: Table, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        where = [column == old[column.name] for column in table.primary_key.columns]
        self.part.connection.execute(update(table).where(*where).values(**new))

    def _decision(self, old: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "contact": self.alias(old["contact"]), "episode": self.episode(old["episode"]), "sentence": "",
            "body": clean_decision(old["body"], self.episode), "digest": "",
        }

    def _intent(self, old: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "intent": self.effect(old["intent"]), "contact": self.alias(old["contact"]),
            "episode": self.episode(old["episode"]), "changes": [], "expected": {}, "before": None, "turn": None,
            "status": "erased" if old["status"] == "open" else old["status"], "detail": "",
        }

    def _answer(self, old: Mapping[str, Any]) -> dict[str, Any]:
        """That its holder answered, how and when, stays; what they wrote goes."""
        return {
            "answer": self.effect(old["answer"]), "contact": self.alias(old["contact"]),
            "episode": self.episode(old["episode"]), "entry": self.effect(old["entry"]), "return_on": None,
            "comment": "", "intent": self.effect(old["intent"]) if old["intent"] else None,
            "status": AnswerStatus.ERASED.value if old["status"] == AnswerStatus.WAITING.value else old["status"],
            "detail": "",
        }  # fmt: skip

    def _audit(self, old: Mapping[str, Any]) -> dict[str, Any]:
        kept = {name: old["inputs"][name] for name in ("fields", "rules") if name in old["inputs"]}
        return {
            "effect": self.effect(old["effect"]), "contact": self.alias(old["contact"]),
            "episode": self.episode(old["episode"]), "inputs": kept,
        }

    def _episodes(self) -> None:
        """Their path stays: it is the funnel. The steps are taken out for a moment: they hang on the episode's id."""
        for row in self._rows(episode):
            old, new = dict(row._mapping), self.episode(row.episode)
            if self._stands_already(episode, episode.c.episode == new):
                self._take_out(episode, episode.c.episode == row.episode)
                continue
            steps = self._take_out(episode_step, episode_step.c.episode == row.episode)
            alias = self.alias(row.contact)
            ordinal = row.ordinal + (self._highest(alias) if self.again else 0)
            self._replace(episode, old, {"episode": new, "contact": alias, "ordinal": ordinal, "reason": ""})
            self._put_in(episode_step, steps, {"episode": new})
            self._count(episode, 1)

    def _highest(self, alias: str) -> int:
        found = select(func.max(episode.c.ordinal).label("most")).where(
            episode.c.portal == PORTAL, episode.c.contact == bindparam("alias_")
        )
        return self.part.select(found, alias_=alias)[0].most or 0

    def _outbox(self) -> None:
        """What was not delivered yet is cancelled with a reason; no body and no answer of a receiver stays."""
        rows = self._rows(outbox)
        self._digests({row.digest for row in rows if row.digest})
        self._among_others()
        for row in rows:
            if self._stands_already(outbox, outbox.c.entry == self.effect(row.entry)):
                self._take_out(outbox, outbox.c.entry == row.entry)
                continue
            tries = self._take_out(outbox_attempt, outbox_attempt.c.entry == row.entry)
            cancelled = {"status": "cancelled", "last_error": WHY} if row.status in WAITING else {
                "last_error": WHY if row.last_error == WHY else ""
            }
            name = self.effect(row.entry)
            named = {
                "entry": name, "contact": self.alias(row.contact), "episode": self.episode(row.episode),
                "intent": self.effect(row.intent) if row.intent else None,
            }
            empty = {"body": "", "summary": "", "digest": None, "claimed_until": None, "claimed_by": None}
            self._replace(outbox, dict(row._mapping), {**named, **empty, **cancelled})
            self._put_in(outbox_attempt, tries, {"entry": name, "error": ""})
            self._count(outbox, 1)

    def _digests(self, names: Collection[str]) -> None:
        """A digest names the person among others. One that did not get through was taken back before (outbox.py)."""
        for row in self.part.select_by_id(_DIGESTS, sorted(names)):
            self._replace(outbox, dict(row._mapping), {"body": "", "last_error": WHY if row.status != "sent" else ""})
            self.part.connection.execute(
                update(outbox_attempt)
                .where(outbox_attempt.c.portal == row.portal, outbox_attempt.c.entry == row.entry)
                .values(error="")
            )
            self._count(outbox, 1)

    def _among_others(self) -> None:
        """Notices of nobody in particular that name the person among other leads, sent or not.

        An alarm goes on to tell of the others; the body of any other goes, for what it said is told anew.
        """
        ids = re.compile("|".join(rf"(?<!\w){re.escape(one)}(?!\w)" for one in self.ids))
        for row in self.part.select(_OF_MANY):
            if not ids.search(row.body):
                continue
            if row.kind in WITHOUT_ONE:
                new = {"body": without(row.body, ids)}
            else:
                new = {"body": "", **({"status": "cancelled", "last_error": WHY} if row.status in WAITING else {})}
            self._replace(outbox, dict(row._mapping), new)
            self._count(outbox, 1)

    def _stands_already(self, table: Table, where: ColumnElement[bool]) -> bool:
        """From an earlier erasure of the same person: then nothing more stays of this one."""
        found = select(func.count().label("found")).select_from(table).where(table.c.portal == PORTAL, where)
        return self.again and bool(self.part.select(found)[0].found)

    def _take_out(self, table: Table, where: ColumnElement[bool]) -> list[dict[str, Any]]:
        mine = (table.c.portal == PORTAL, where)
        rows = [dict(row._mapping) for row in self.part.select(select(table).where(*mine))]
        self.part.change(delete(table).where(*mine))
        return rows

    def _put_in(self, table: Table, rows: Sequence[Mapping[str, Any]], new: Mapping[str, Any]) -> None:
        if rows:
            self.part.connection.execute(insert(table), [{**row, **new} for row in rows])

    def _runs(self) -> None:
        """Remarks of runs name contacts by id."""
        ids = re.compile("|".join(rf"(?<!\w){re.escape(one)}(?!\w)" for one in self.ids))
        for row in self.part.select(_ERRORS):
            # From the id to the end of its remark: what the CRM said of it may quote a value.
            said = "; ".join(
                "a remark about a person who was erased" if ids.search(part) else part for part in row.error.split("; ")
            )
            if said != row.error:
                mine = (run.c.portal == self.part.portal, run.c.run == row.run)
                self.part.connection.execute(update(run).where(*mine).values(error=said))
                self._count(run, 1)
