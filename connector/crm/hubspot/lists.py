"""Lists: the suppression list found by its name, and its members added and removed.

Only static lists take members; a list that is missing, or that HubSpot fills by itself, is refused before anything
rests on it (P7). Emptying a list is not possible from here (I1).
Source: hubspot-facts, section 6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from connector.crm.hubspot.client import Client, raw
from connector.crm.hubspot.protocol import understood
from connector.crm.hubspot.refusals import QuestionRefusedError, RefusedError
from connector.domain.contact import ContactId
from connector.errors import ContractError, UnknownPropertyError

CONTACTS = "0-1"
CHUNK = 500
WRITABLE = frozenset({"MANUAL", "SNAPSHOT"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ListInfo:
    """A list as HubSpot knows it. `size` is None where the answer does not tell."""

    id: str
    name: str
    processing_type: str
    size: int | None = None
    of_contacts: bool = True

    @property
    def is_writable(self) -> bool:
        return self.processing_type in WRITABLE


class ListMissingError(UnknownPropertyError):
    """No list of that name, or one that takes no members by hand."""


class Lists:
    """Finds lists once per process and changes their members."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._ids: dict[str, str] = {}

    def find(self, name: str) -> ListInfo | None:
        """The contact list of that name; None where the portal has none."""
        try:
            answer = raw(self._client.lists.get_by_name, name, CONTACTS)
        except QuestionRefusedError as error:
            if error.refusal.status == 404:
                return None
            raise
        return parse_list(answer.payload)

    def find_by_id(self, list_id: str) -> ListInfo | None:
        """The contact list of that id; None where the portal has none, or it is one of companies or deals."""
        try:
            found = parse_list(raw(self._client.lists.get_by_id, list_id).payload)
        except QuestionRefusedError as error:
            if error.refusal.status not in (400, 404):
                raise
            return None
        return found if found.of_contacts else None

    def create(self, name: str) -> ListInfo:
        body = {"name": name, "objectTypeId": CONTACTS, "processingType": "MANUAL"}
        return parse_list(raw(self._client.lists.create, body).payload)

    def add(self, name: str, ids: Sequence[ContactId]) -> frozenset[ContactId]:
        """Members afterwards among `ids`; those that HubSpot does not know are left out."""
        missing = self._change(name, ids, self._client.memberships.add)
        return frozenset(ids) - missing

    def remove(self, name: str, ids: Sequence[ContactId]) -> frozenset[ContactId]:
        """All of `ids`: whoever is unknown is no member either."""
        self._change(name, ids, self._client.memberships.remove)
        return frozenset(ids)

    def identify(self, name: str, *, fresh: bool) -> str | None:
        """The id under which members are changed; None where no list of that name takes any."""
        if fresh:
            self._ids.pop(name, None)
        try:
            return self._id(name)
        except ListMissingError:
            return None

    def leave(self, list_id: str, ids: Sequence[ContactId]) -> bool:
        """Take these off a list known by its id; False where it is gone, or filled by HubSpot by now."""
        for start in range(0, len(ids), CHUNK):
            try:
                raw(self._client.memberships.remove, list_id, list(ids[start : start + CHUNK]))
            except RefusedError as error:
                if error.refusal.status not in (400, 404):
                    raise
                return False
        return True

    def _change(self, name: str, ids: Iterable[ContactId], method: Callable[..., Any]) -> frozenset[ContactId]:
        """Send the ids in chunks; give those that HubSpot does not know."""
        wanted = list(dict.fromkeys(ids))
        missing: set[ContactId] = set()
        for start in range(0, len(wanted), CHUNK):
            chunk = wanted[start : start + CHUNK]
            missing |= parse_missing(self._call(name, method, chunk))
        return frozenset(missing)

    def _call(self, name: str, method: Callable[..., Any], chunk: Sequence[ContactId]) -> Any:
        """One call; a list that vanished under its old id is looked up once more by its name."""
        known = name in self._ids
        try:
            return raw(method, self._id(name), list(chunk)).payload
        except RefusedError as error:
            if error.refusal.status != 404:
                raise
            del self._ids[name]
            if not known:
                raise _missing(name) from error
        return self._call(name, method, chunk)

    def _id(self, name: str) -> str:
        if name not in self._ids:
            found = self.find(name)
            if found is None:
                raise _missing(name)
            if not found.is_writable:
                kind = found.processing_type or "of no kind known"
                raise ListMissingError(
                    f"the list “{name}” is filled by HubSpot ({kind}); Handoff cannot add to it",
                    advice="Name a static list in mappings/suppression.yaml, or rename this one and run "
                    "`handoff init --apply`.",
                )
            self._ids[name] = found.id
        return self._ids[name]


def parse_list(payload: Any) -> ListInfo:
    """From the answers of create and find, whether the list comes under `list` or by itself."""
    body = payload.get("list", payload) if isinstance(payload, dict) else None
    if not isinstance(body, dict) or not body.get("listId"):
        raise ContractError("HubSpot's answer names no list", advice="Run again; if it stays, report it.")
    size, kind = body.get("size"), body.get("processingType")
    return ListInfo(
        id=str(body["listId"]),
        name=str(body.get("name", "")),
        processing_type=kind if isinstance(kind, str) and kind.isalpha() else "",   # it is told in errors (I10)
        size=size if isinstance(size, int) else None,
        of_contacts=body.get("objectTypeId", CONTACTS) == CONTACTS,
    )


@understood("a list's membership")
def parse_missing(payload: Any) -> set[ContactId]:
    """Unknown ids from a membership answer; its keys are spelt `recordIds…` and `recordsIds…` (section 6)."""
    body = payload if isinstance(payload, dict) else {}
    return {ContactId(str(one)) for key in ("recordIdsMissing", "recordsIdsMissing") for one in body.get(key) or ()}


def _missing(name: str) -> ListMissingError:
    return ListMissingError(
        f"the portal has no contact list “{name}”",
        advice="Run `handoff init --apply` to make it, or name an existing static list in mappings/suppression.yaml.",
    )
