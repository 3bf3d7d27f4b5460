"""The client library on our transport: hubspot-api-client 12 for names, URLs and bodies; nothing of its HTTP.

Each attribute access of the library builds a new API object with a connection pool of its own, so each is kept here
once. All answers are raw (`raw(...)`): filling its models costs twenty times what parsing into our values does.
Source: dependencies.md, section 2; hubspot-facts, section 9.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from connector.crm.hubspot.protocol import Cursors, parse_next
from connector.crm.hubspot.transport import Answer, LibraryDoor, Transport

if TYPE_CHECKING:
    from connector.crm.hubspot.forms import Form


class Client:
    """The API objects that Handoff uses, each built at its first use.

    Attributes:
        left_out: contact properties that the portal has, though its answers do not name them where they are empty.
        listed_forms: the portal's forms as they were listed last.
        has_order: the list of contacts gives what follows any id, as far as it was tried (full_pull.py).
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.left_out: set[str] = set()
        self.listed_forms: tuple[Form, ...] = ()
        self.has_order = True

    @cached_property
    def _library(self) -> Any:
        from hubspot import HubSpot  # 24 MB: imported when a call is made, not by `handoff --help`

        url = self.transport.base_url
        return HubSpot(access_token=None, host=url, base_url=url, api_factory=self._build)

    def _build(self, package: Any, name: str, config: dict[str, Any]) -> Any:
        configuration = package.Configuration(host=config["host"])
        api_client = package.ApiClient(configuration=configuration)
        api_client.rest_client = LibraryDoor(self.transport)
        return getattr(package, name)(api_client=api_client)

    @cached_property
    def contacts(self) -> Any:
        return self._library.crm.contacts.basic_api

    @cached_property
    def contact_batches(self) -> Any:
        return self._library.crm.contacts.batch_api

    @cached_property
    def contact_search(self) -> Any:
        return self._library.crm.contacts.search_api

    @cached_property
    def company_search(self) -> Any:
        return self._library.crm.companies.search_api

    @cached_property
    def company_batches(self) -> Any:
        return self._library.crm.companies.batch_api

    @cached_property
    def deal_search(self) -> Any:
        return self._library.crm.deals.search_api

    @cached_property
    def deal_batches(self) -> Any:
        return self._library.crm.deals.batch_api

    @cached_property
    def pipelines(self) -> Any:
        return self._library.crm.pipelines.pipelines_api

    @cached_property
    def association_batches(self) -> Any:
        return self._library.crm.associations.v4.batch_api

    @cached_property
    def owners(self) -> Any:
        return self._library.crm.owners.owners_api

    @cached_property
    def lists(self) -> Any:
        return self._library.crm.lists.lists_api

    @cached_property
    def memberships(self) -> Any:
        return self._library.crm.lists.memberships_api

    @cached_property
    def properties(self) -> Any:
        return self._library.crm.properties.core_api

    @cached_property
    def property_groups(self) -> Any:
        return self._library.crm.properties.groups_api

    def engagement_search(self, objects: str) -> Any:
        """`objects`: calls, emails or meetings."""
        return getattr(self._library.crm.objects, objects).search_api

    @cached_property
    def _task_batches(self) -> Any:
        return self._library.crm.objects.tasks.batch_api

    @cached_property
    def _note_batches(self) -> Any:
        return self._library.crm.objects.notes.batch_api

    def engagement_batches(self, objects: str) -> Any:
        """`objects`: tasks or notes."""
        return self._task_batches if objects == "tasks" else self._note_batches

    @cached_property
    def events(self) -> Any:
        return self._library.events.events_api


def pull_pages(
    method: Callable[..., Any], *args: object, cursor: str | None = None, **kwargs: object
) -> Iterator[tuple[Any, str | None]]:
    """Pages of a query with opaque cursors: each payload, and the cursor after it; None after the last.

    Raises:
        ContractError: a cursor that comes twice.
    """
    cursors, after = Cursors(cursor), cursor
    while True:
        following = {} if after is None else {"after": after}
        payload = raw(method, *args, **following, **kwargs).payload
        after = cursors.next(parse_next(payload))
        yield payload, after
        if after is None:
            return


def raw(method: Callable[..., Any], *args: object, **kwargs: object) -> Answer:
    """Call a method of the library and give the answer as it came."""
    answer = method(*args, _preload_content=False, **kwargs)
    assert isinstance(answer, Answer)
    return answer
