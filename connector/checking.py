"""What `handoff check` tells beside the rules' own complaints: receivers, the database, the portal's streams and lists.

Makes nothing and writes nothing. What rules and portal have to say of each other is engine/preflight.py's and
engine/fitting.py's; the words and the order of all of it are the command's (cli/setup.py).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import islice

from connector.bootstrap import Connector, lookup
from connector.config.answering import answering, why_no_answers
from connector.config.settings import receiver_names
from connector.crm.hubspot.lists import ListInfo
from connector.delivery.destinations import check_variable, present, resolve
from connector.delivery.misfits import misfits
from connector.engine import kept
from connector.engine.ports import PortalInfo, StreamOff, Window
from connector.engine.standing import heard_of_no_more, old_secrets, switched_off
from connector.engine.unseen import goes_without
from connector.errors import ConfigError, ConnectorError
from connector.gateways import wall_clock
from connector.rules.lists import list_streams
from connector.rules.notifications import HOLDERS, why_off
from connector.store import check_store
from connector.store.destinations import look_at_destinations
from connector.store.portals import look_at_place
from connector.store.proof import count_stranded
from connector.store.suppression import look_at_list


class Checking:
    """Looks at one connector's surroundings; each method asks anew."""

    def __init__(self, connector: Connector) -> None:
        self._settings, self._book, self._gateway = connector.settings, connector.book, connector.gateway

    def destinations_off(self) -> tuple[str, ...]:
        """One sentence for each destination that is off, and for each role that nobody tells anything."""
        return why_off(self._book.notifications, present(self._book.notifications, lookup(self._settings)))

    def standing(self, portal: PortalInfo) -> list[str]:
        """One sentence for each destination that was switched off, each old secret that can go, silent leads, and what
        is kept of properties that were made again.

        Empty where the database cannot be opened; `misfits` says why.
        """
        url = self._settings.database_url.get_secret_value()
        try:
            states, backlog = look_at_destinations(url, portal.id, wall_clock=wall_clock)
            silent = count_stranded(url, portal.id, wall_clock=wall_clock)
            counted = look_at_place(url, portal.id, kept.COUNTED, wall_clock=wall_clock)
        except ConnectorError:
            return []
        rules = self._book.notifications
        named = {name: states[name] for name in rules.destinations if name in states}
        found = [*switched_off(named, backlog), *old_secrets(named, rules.secret_variables(), portal.now)]
        return [*found, *([heard_of_no_more(silent)] if silent else []), *kept.in_words(counted, self._book)]

    def misfits(self, portal: PortalInfo) -> tuple[ConfigError, ...]:
        """What settings say and what cannot be: receivers that would get nothing, a place where no database can be."""
        found = list(misfits(self._book.notifications, lookup(self._settings), self._settings.allow_hosts))
        checks: list[Callable[[], object]] = [partial(answering, self._settings)]
        checks += [partial(check_variable, name, value) for name, value in self._unused().items()]
        url = self._settings.database_url.get_secret_value()
        checks.append(partial(check_store, url, portal.id, wall_clock=wall_clock, key=self._settings.given_key()))
        for check in checks:
            try:
                check()
            except ConfigError as fault:
                found.append(fault)
        return tuple(found)

    def refused_streams(self, portal: PortalInfo) -> tuple[str, ...]:
        """Why the portal does not give a stream of signals, and which rules go without; a call for each stream."""
        moment = Window(since=portal.now, until=portal.now)
        pulls = (self._gateway.pull_activities(name, moment, cursor=None) for name in self._gateway.streams())
        first = (page for pages in pulls for page in islice(pages, 1) if isinstance(page, StreamOff))
        return tuple(page.why + goes_without(self._book, page.stream) for page in first)

    def strangers(self, found: ListInfo, portal: PortalInfo) -> tuple[str, ...]:
        """How many members the suppression list has that nothing of ours holds; writes nothing.

        A database that was lost or is older than the list knows of fewer; they are left where they are (I1).
        """
        url = self._settings.database_url.get_secret_value()
        try:
            ours = look_at_list(url, portal.id, found.id, wall_clock=wall_clock)
        except ConnectorError:
            return ()
        others = (found.size or 0) - ours
        if others <= 0:
            return ()
        who = "1 member" if others == 1 else f"{others:,} members"
        return (
            f"The list “{found.name}” has {who} that nothing of Handoff's holds: put there by people, or by a database "
            "that was lost. Marketing leaves them out until somebody takes them off; Handoff never does.",
        )

    def missing_lists(self) -> tuple[str, ...]:
        """A sentence for each list that a rule asks about and the portal lacks; a call for each of them (R05)."""
        return self._gateway.missing_lists(list_streams(self._book))

    def why_no_answers(self) -> str:
        """Why notices carry no links to answer by, in a few words; empty where they do (R20)."""
        if why := why_no_answers(self._settings):
            return why
        told = resolve(self._book.notifications, lookup(self._settings)).values()
        carries = any(one.personal and one.to & HOLDERS for one in told)
        return "" if carries else "none: no destination that reaches reps is personal (docs/answers.md)"

    def unused(self) -> tuple[str, ...]:
        """One sentence for each variable of a receiver that is set and that no destination names."""
        return tuple(
            f"{name} is set, but no destination of notifications.yaml names it: nothing goes there."
            for name in self._unused()
        )

    def _unused(self) -> dict[str, str]:
        needed = {name for model in self._book.notifications.destinations.values() for name in model.needs()}
        variable = lookup(self._settings)
        return {name: value for name in receiver_names() if name not in needed and (value := variable(name))}
