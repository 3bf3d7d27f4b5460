"""`handoff erase`: one person out of everything that Handoff keeps (R37, I11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from connector.config.settings import Settings
    from connector.domain.contact import ContactId
    from connector.engine.ports import Receipt
    from connector.store import SqlStore

WAIT_SECONDS = 60
"""How long a run that is under way is waited for."""


def register(app: typer.Typer) -> None:
    app.command("erase", epilog="Example: handoff erase ana@acme.example --dry-run")(erase)


def erase(
    contact: Annotated[str, typer.Argument(help="Record id or e-mail address.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would go.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> int:
    """Erase a person from Handoff's own data.

    HubSpot is not touched. Handoff remembers by a keyed digest that the person was erased, and does not take the
    contact in again. It cannot be taken back.
    """
    from connector.bootstrap import open_database
    from connector.cli.console import note
    from connector.cli.start import start
    from connector.errors import SettingsError

    settings = start()
    store = open_database(settings, None)
    try:
        with store.reading() as uow:
            found, before = uow.find_contact(contact), uow.receipt(contact)
            ids = uow.family(found) if found else ()
            counted = uow.count_rows(ids)
        if not ids and before is None:
            raise SettingsError(
                "no such contact is known here, so there is nothing to erase",
                advice="Give its record id or its e-mail address as HubSpot shows it.",
            )
        if not ids and before is not None:
            _show({**_facts(before), "erased": True, "already": True, "in_hubspot": None}, as_json)
            return 0
        there, now = _in_hubspot(settings, ids)
        if dry_run:
            _show({"erased": False, "already": False, "removed": counted, "in_hubspot": there}, as_json)
            return 0
        if not yes and not _agreed(counted, there):
            note("Nothing was erased.")
            return 1
        receipt = _erase(store, ids, now)
    finally:
        store.close()
    _show({**_facts(receipt), "erased": True, "already": False, "in_hubspot": there}, as_json)
    if there:
        note("HubSpot still has the contact. Handoff does not take it in again; its lists stay as they are.")
    return 0


def _facts(receipt: Receipt) -> dict[str, object]:
    return {
        "digest": receipt.digest,
        "at": receipt.at.isoformat(),
        "cause": receipt.cause,
        "removed": dict(receipt.removed),
    }


def _in_hubspot(settings: Settings, ids: Sequence[ContactId]) -> tuple[bool | None, datetime]:
    """Whether HubSpot still has the contact (None: it could not be asked), and the time by its clock."""
    from datetime import UTC, datetime

    from connector.bootstrap import connect
    from connector.cli.console import note
    from connector.errors import ConnectorError

    try:
        with connect(settings) as connector:
            portal = connector.portal()
            return bool(connector.gateway.read_contacts(ids, ())), portal.now
    except ConnectorError as error:
        note(f"note: HubSpot could not be asked whether it still has the contact ({error}).")
        return None, datetime.now(UTC)


def _agreed(counted: Mapping[str, int], there: bool | None) -> bool:
    """Asks a person at a terminal; anybody else must say --yes."""
    import sys

    from connector.cli.console import note
    from connector.errors import SettingsError

    if not sys.stdin.isatty():
        raise SettingsError(
            "erasing asks first, and nobody is there to answer",
            advice="Say --yes, or --dry-run to see what would go.",
        )
    rows = ", ".join(f"{count} in {table}" for table, count in counted.items())
    note(f"Rows that Handoff keeps about this person: {rows}.")
    if there:
        note("HubSpot still has the contact and keeps it; Handoff will leave it alone for good.")
    return typer.confirm("Erase? This cannot be taken back.", err=True)


def _erase(store: SqlStore, ids: Sequence[ContactId], now: datetime) -> Receipt:
    """Under the lease: no run may be writing what is being erased. One that is under way is waited for."""
    import time

    from connector.cli.console import note
    from connector.engine.erase import BY_HAND, erase_now
    from connector.errors import AlreadyRunningError

    patience = time.monotonic() + WAIT_SECONDS
    told = False
    while True:
        try:
            with store.lease():
                return erase_now(store, ids[:1], at=now, cause=BY_HAND)[0]
        except AlreadyRunningError:
            if time.monotonic() > patience:
                raise
        if not told:
            note("A run is under way; waiting for its end.")
            told = True
        time.sleep(0.5)


def _show(facts: Mapping[str, object], as_json: bool) -> None:
    from connector.cli.console import note, pairs, print_json, table

    if as_json:
        print_json(facts)
        return
    rows = facts["removed"]
    assert isinstance(rows, dict)
    if not facts["erased"]:
        table("What would go", ["table", "rows"], list(rows.items()))
        return
    if facts["already"]:
        note("This person was erased before; this is the receipt of then.")
    shown = {name: facts[name] for name in ("digest", "at", "cause")}
    pairs("Erased", {**shown, "rows": ", ".join(f"{count} in {name}" for name, count in rows.items()) or "none"})
