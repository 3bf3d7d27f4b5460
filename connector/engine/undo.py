"""Undo: what one run wrote goes back where it is still ours (R36).

It is a run of its own, `undo_` and the id of the run it undoes, and goes the way of every write: re-read with history,
list order, clear before a stage goes back, read back, audit (write.py). What goes back and what stays,
undo_leads.py says; what was told is withdrawn (withdraw.py).

A handover that is undone ends its episode with the reason `undone`: only what happens from then on opens another one
(R24). Any other move goes back to the episode as it was; where its cause still stands, the next run sees it again.
Killed in between, the same call goes on; done twice, the second one finds nothing left.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime

from connector.domain.change import ChangeKind
from connector.domain.contact import ContactId
from connector.domain.decision import Action, Decision
from connector.domain.episode import Episode, EpisodeId
from connector.domain.run import UNDO, RunId, RunStatus, SyncRun, is_undo
from connector.engine import preflight
from connector.engine.clock import CrmClock
from connector.engine.context import BATCH, ROUNDS, Context, Options, Ports, build_context
from connector.engine.outgoing import send
from connector.engine.ports import AuditRow, Intent, PortalInfo, Progress, UnitOfWork
from connector.engine.races import SHARED
from connector.engine.report import UndoReport
from connector.engine.timers import restore_timers
from connector.engine.undo_leads import Lead, Look
from connector.engine.withdraw import WHY, foreseen
from connector.engine.write import write_group
from connector.errors import SettingsError
from connector.rules.fields import property_of
from connector.rules.rulebook import RuleBook
from connector.rules.undoing import Line

CUT_OFF = "cut off; `handoff undo {run}` goes on with it"
LAST = 5


def undo(
    ports: Ports,
    book: RuleBook,
    portal: PortalInfo,
    target: RunId,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> UndoReport:
    """Undo one run; a dry run only says what would go back.

    Raises:
        SettingsError: there is no such run, it is under way, or it is an undo itself.
        AlreadyRunningError, or what the CRM's door raises: the same call goes on later.
    """
    with ports.store.reading() as uow:
        _check(uow, target)
    with nullcontext(0) if dry_run else ports.store.lease() as epoch:
        context = _context(ports, book, portal, target, epoch, progress)
        report = UndoReport(run=context.run.id, undoes=target, dry_run=dry_run)
        _Undo(context, target, report).work()
        return report


def _check(uow: UnitOfWork, target: RunId) -> None:
    row = uow.run_row(target)
    last = ", ".join(str(one["run"]) for one in uow.runs(LAST) if not is_undo(str(one["run"])))
    if row is None:
        raise SettingsError(
            f"there is no run {target!r}",
            advice=f"The last ones are {last}." if last else "No run was made yet.",
        )
    if is_undo(target):
        raise SettingsError(
            "this run undid another one; what it put back is not undone again",
            advice="Set handoff_request to hand_over in HubSpot for each lead that sales should have after all.",
        )
    if row["status"] == RunStatus.RUNNING:
        raise SettingsError(
            f"the run {target} is not finished",
            advice="Wait for its end; where it was cut off, `handoff sync` goes on with it.",
        )


def _context(
    ports: Ports, book: RuleBook, portal: PortalInfo, target: RunId, epoch: int, progress: Progress | None
) -> Context:
    owners, schema = ports.crm.owners(), ports.crm.schema(companies=book.fields.reads_companies)
    preflight.require(book, schema, owners)
    with ports.store.reading() as uow:
        state, earlier = uow.portal_state(), _cut_off(uow, target)
    now = max(portal.now, state.as_of) if state and state.as_of else portal.now
    run = SyncRun(
        id=RunId(UNDO + target),
        started_at=portal.now,
        as_of=earlier or now,
        fingerprint=book.fingerprint,
        seed=epoch,
        epoch=epoch,
        status=RunStatus.FAILED,
    )
    return build_context(
        ports,
        book,
        portal,
        schema,
        run,
        options=Options(),
        clock=CrmClock(portal.now),
        past=state.handoff_since if state else None,
        progress=progress,
    )


def _cut_off(uow: UnitOfWork, target: RunId) -> datetime | None:
    """The instant of an earlier undo of this run that did not come to its end, by which it goes on (I9)."""
    row = uow.run_row(RunId(UNDO + target))
    at = row["as_of"] if row is not None and row["status"] == RunStatus.FAILED else None
    return at if isinstance(at, datetime) else None


class _Undo:
    """One run on its way back, a hundred contacts at a time."""

    def __init__(self, context: Context, target: RunId, report: UndoReport) -> None:
        self.context, self.target, self.report = context, target, report
        self.leads = Look(context, target)
        self._begun = False

    def work(self) -> None:
        if not self.report.dry_run:
            with self.context.store.reading() as uow:
                cut_off = _cut_off(uow, self.target) is not None
            if cut_off:
                self._begin()
            self._settle_open()
        after = ""
        while ids := self._next(after):
            self._page(ids)
            after = ids[-1]
            self.context.progress.step("contacts", self.report.contacts)
        if self._begun:
            self.context.counts.notices_sent += send(self.context)
            self._finish()
        self.report.troubles = tuple(dict.fromkeys(self.context.troubles))

    def _next(self, after: str) -> list[ContactId]:
        with self.context.store.reading() as uow:
            return uow.contacts_written(self.target, BATCH, after)

    def _settle_open(self) -> None:
        """What a kill left without an answer."""
        unclear = set[str]()
        while True:
            with self.context.store.reading() as uow:
                found = uow.open_intents_of(self.context.run.id, BATCH + len(unclear))
            waiting = [row for row in found if row.id not in unclear][:BATCH]
            if not waiting:
                return
            self._begin()
            unclear |= write_group(self.context, waiting)

    # -- a page ----------------------------------------------------------------------------------------------------

    def _page(self, ids: Sequence[ContactId]) -> None:
        """Those that people edited in the very moment are looked at again, a few times."""
        waiting = list(ids)
        for _ in range(ROUNDS):
            found = self.leads.at(waiting)
            going = [lead for lead in found.leads if lead.undoing.goes_back]
            stay = [lead for lead in found.leads if not lead.undoing.goes_back]
            self.report.already += found.already
            self.report.lines += [*found.left, *(line for lead in stay for line in lead.undoing.lines)]
            if self.report.dry_run:
                self._foresee(going)
            elif going:
                self._begin()
                write_group(self.context, self._store(going))
            waiting = self._report(going)
            if not waiting:
                return
        self.report.failed += len(waiting)
        self.report.lines += [Line(contact=one, field="", why="people are editing it just now") for one in waiting]

    def _foresee(self, leads: Sequence[Lead]) -> None:
        """What would become of the notices; carried out, they are counted in the end (_told)."""
        with self.context.store.reading() as uow:
            withdrawn, cancelled = foreseen(self.context, uow, [one for lead in leads for one in lead.intents])
        self.report.withdrawn += withdrawn
        self.report.cancelled += cancelled

    def _report(self, leads: Sequence[Lead]) -> list[ContactId]:
        """Says what became of each; gives those whose write was overtaken by a person's edit."""
        with self.context.store.reading() as uow:
            ids = [lead.contact for lead in leads]
            written = {one.id for rows in uow.written_intents(ids).values() for one in rows}
            unclear = {one.id for one in uow.open_intents_of(self.context.run.id, 10 * BATCH)}
            standing = {one.id: one for rows in uow.episodes(ids).values() for one in rows}
        again = []
        for lead in leads:
            name = self.leads.effect(lead.contact, lead.episode)
            if self.report.dry_run or name in written:
                self.report.contacts += 1
                self.report.lines += lead.undoing.lines
            elif name not in unclear and lead.contact in self.context.overtaken and _stands(lead, standing):
                again.append(lead.contact)
            else:
                self.report.failed += 1
                why = "HubSpot gave no clear answer yet" if name in unclear else "HubSpot did not take it"
                self.report.lines.append(Line(contact=lead.contact, field="", why=why))
        return again

    # -- storing (T1) ----------------------------------------------------------------------------------------------

    def _store(self, leads: Sequence[Lead]) -> list[Intent]:
        """Intent, episode, timers, decision and audit row of each stand in one transaction (I4)."""
        now = self.context.now
        with self.context.store.transaction() as uow:
            intents = []
            for lead in leads:
                after = lead.after(now)
                intent = self._intent(lead)
                uow.put_intents([intent])
                if after is not None:
                    uow.put_episode(after, at=now, cause="undone")
                    restore_timers(self.context, uow, lead.contact)
                    uow.put_decision(self.context.run.id, self._decision(lead, after))
                uow.audit(self.context.run.id, [_audit(intent, self.target)], now)
                intents.append(intent)
        return intents

    def _intent(self, lead: Lead) -> Intent:
        rules = self.context.book.fields
        names = {one.field for one in lead.undoing.changes if one.kind is ChangeKind.FIELD}
        guarded = sorted(property_of(name, rules) for name in names | set(SHARED))
        return Intent(
            id=self.leads.effect(lead.contact, lead.episode),
            run=self.context.run.id,
            contact=lead.contact,
            episode=lead.episode.id if lead.episode else None,
            changes=lead.undoing.changes,
            expected={prop: lead.record.properties.get(prop) for prop in guarded},
            before=lead.episode,
        )

    def _decision(self, lead: Lead, after: Episode) -> Decision:
        return Decision(
            contact=lead.contact,
            as_of=self.context.now,
            fingerprint=self.context.book.fingerprint,
            action=Action.END if after.state.is_end else Action.ADVANCE,
            sentence=f"A person undid what Handoff did in {self.target}.",
            before=lead.episode if lead.episode and lead.episode.is_open else None,
            episode=after,
            evidence=f"undo:{self.target}",
        )

    # -- the run itself --------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Its row says "cut off" until it is done."""
        if self._begun:
            return
        self._begun = True
        with self.context.store.transaction() as uow:
            uow.put_run(self.context.run)
            uow.finish_run(
                self.context.run.id,
                RunStatus.FAILED,
                self.context.counts,
                self.context.now,
                CUT_OFF.format(run=self.target),
            )
            state = uow.portal_state()
            if state is not None:
                uow.put_portal_state(replace(state, as_of=max(self.context.now, state.as_of or self.context.now)))

    def _finish(self) -> None:
        counts = self.context.counts
        counts.handed_off = counts.recycled = counts.forms_marked = 0
        counts.api_calls, counts.throttled = self.context.crm.api_calls(), self.context.crm.throttled()
        counts.quota = self.context.crm.spent()
        with self.context.store.transaction() as uow:
            for told in self._told(uow):
                self.report.withdrawn += told == "withdrawn"
                self.report.cancelled += told == "cancelled"
            status = RunStatus.COMPLETED_WITH_ERRORS if self.report.failed else RunStatus.COMPLETED
            remark = CUT_OFF.format(run=self.target) if self.report.failed else f"undid {self.target}"
            uow.finish_run(self.context.run.id, status, counts, self.context.now, remark)

    def _told(self, uow: UnitOfWork) -> Iterator[str]:
        """What became of the notices of the leads that went back."""
        after = ""
        while ids := uow.contacts_written(self.context.run.id, BATCH, after):
            after = ids[-1]
            rows = [one for found in uow.written_intents(ids).values() for one in found]
            yield from ("withdrawn" for _ in uow.entries_of([one.id for one in rows if one.run == self.context.run.id]))
            undone = uow.entries_of([one.id for one in rows if one.run == self.target])
            yield from ("cancelled" for one in undone if one.status == "cancelled" and one.last_error == WHY)


def _stands(lead: Lead, standing: Collection[EpisodeId]) -> bool:
    return lead.episode is None or lead.episode.id in standing


def _audit(intent: Intent, target: RunId) -> AuditRow:
    return AuditRow(
        effect=intent.id,
        contact=intent.contact,
        episode=intent.episode,
        rule="undo",
        inputs={"run": target, "fields": [one.field for one in intent.changes]},
        outcome="planned",
    )
