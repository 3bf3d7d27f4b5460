"""Leaks: after each pull, marketing e-mails that went to held leads are named, and marketing is told (R11).

Which mail is one is said by rules/leaks.py. Each mail is told of once, by one notice per campaign and run; the audit
row that each leaves is what reports count.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

from connector.domain.notice import Notice, NoticeKind
from connector.engine.context import BATCH, Context
from connector.engine.notify import entries
from connector.engine.ports import AuditRow, UnitOfWork
from connector.rules.leaks import RULE, Leak, Mail, by_campaign, held_in

LOOKED = "leaks"
"""Watermark: mails that were seen up to there have been looked at."""
A_MOMENT = timedelta(milliseconds=1)
"""Past what this run saw."""
MOST_NAMED = 20
"""Leads in one notice; the others are counted."""


def look_for_leaks(context: Context) -> None:
    """Look at the mails that this run and those before it saw; what went by while the alarm is off is never told of."""
    if not context.writes:
        return
    with context.store.transaction() as uow:
        if not context.book.suppression.leak_alarm.active:
            uow.put_watermark(LOOKED, context.now + A_MOMENT)
            return
        since = uow.watermark(LOOKED) or context.now  # what went out before the first look is not told of
        leaks = by_campaign(_mails(context, uow, since))
        told = [_notice(context, leak) for leak in leaks]
        context.counts.notices_queued += uow.put_entries(entries(context, told, None, due_at=context.now))
        uow.audit(context.run.id, [_audit(mail) for leak in leaks for mail in leak.mails], context.now)
        uow.put_watermark(LOOKED, context.now)
    context.counts.mails_leaked += sum(len(leak.mails) for leak in leaks)
    context.remarks += [sentence(leak, context.book.suppression.marketing_hold.list) for leak in leaks]


def sentence(leak: Leak, name: str) -> str:
    """What went wrong and what to do, for the run's report and the notice."""
    leads = "1 lead" if leak.leads == 1 else f"{leak.leads} leads"
    campaign = f" (campaign {leak.campaign})" if leak.campaign and leak.name else ""
    return (
        f"The marketing e-mail {leak.label}{campaign} went to {leads} that sales holds. Exclude the list “{name}” from "
        "the workflow or mailing that sends it: the list alone holds nothing back."
    )


def _mails(context: Context, uow: UnitOfWork, since: datetime) -> list[Mail]:
    found: list[Mail] = []
    after = ""
    while page := uow.mail_to_leads(since, after, BATCH):
        episodes = uow.episodes(sorted({mail.contact for mail in page if mail.contact is not None}))
        for mail in page:
            held = held_in(mail, episodes.get(mail.contact, ()), context.book.suppression) if mail.contact else None
            if held is not None:
                found.append(Mail(activity=mail, episode=held))
        after = page[-1].id
    return found


def _notice(context: Context, leak: Leak) -> Notice:
    """Its key is made of its mails' ids: the same ones make the same notice (I5)."""
    name = context.book.suppression.marketing_hold.list
    ids = "\x1f".join(mail.activity.id for mail in leak.mails)
    contacts = list(dict.fromkeys(mail.episode.contact for mail in leak.mails))
    sent = [mail.activity.occurred_at for mail in leak.mails]
    return Notice(
        kind=NoticeKind.MAIL_LEAKED,
        contact=None,
        episode=None,
        owner=None,
        key=f"{leak.campaign}:{sha256(ids.encode()).hexdigest()[:20]}",
        occurred_at=context.now,
        packet={
            "sentence": sentence(leak, name),
            "mail": leak.name,
            "campaign": leak.campaign,
            "list": name,
            "count": leak.leads,
            "first_sent_at": sent[0].isoformat(),
            "last_sent_at": sent[-1].isoformat(),
            "leads": [
                {"contact_id": contact, "summary": f"contact {contact}", "link": context.crm.record_url(contact)}
                for contact in contacts[:MOST_NAMED]
            ],
        },
    )


def _audit(mail: Mail) -> AuditRow:
    sent = mail.activity
    return AuditRow(
        effect=f"leak:{sent.id}",
        contact=mail.episode.contact,
        episode=mail.episode.id,
        rule=RULE,
        inputs={"campaign": sent.ref, "mail": sent.name, "sent_at": sent.occurred_at.isoformat()},
        outcome="told",
    )
