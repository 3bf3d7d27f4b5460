"""Every contact of a portal read by one client of others; run by peers.py, each in an environment of its own.

    python peer_clients.py NAME BASE_URL [the names of properties, with commas]   (the token in HUBSPOT_ACCESS_TOKEN)

Prints {"contacts": N}. Nothing of Handoff is imported here, and of the four clients only the one that is named. Two of
them know one address, HubSpot's, so that their requests are led to BASE_URL where they leave (`_lead`); they are given
the one stream and the properties that are compared, and write their messages to nowhere, as to a target that is fast.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

HUBSPOT = "https://api.hubapi.com"
TOKEN = os.environ.get("HUBSPOT_ACCESS_TOKEN", "")
SINCE = "2000-01-01T00:00:00Z"


def api_client(base_url: str, names: list[str]) -> int:
    """HubSpot's own client: `get_all`, a model of each contact."""
    hubspot = importlib.import_module("hubspot")
    client = hubspot.HubSpot(access_token=TOKEN, host=base_url)
    return len(client.crm.contacts.get_all(properties=names))


def singer_tap(base_url: str, names: list[str]) -> int:
    """tap-hubspot: its stream of contacts, checked against the schema and written as messages."""
    _lead(base_url)
    tap = importlib.import_module("tap_hubspot")
    tap.CONFIG.update(api_key=TOKEN, start_date=SINCE, select_fields_by_default=False)
    stream = next(one for one in tap.STREAMS if one.tap_stream_id == "contacts")
    schema, metadata = tap.load_discovered_schema(stream)
    for row in metadata:
        name = row["breadcrumb"][-1] if row["breadcrumb"] else None
        row["metadata"]["selected"] = name is None or name.removeprefix("property_") in names
    found = {"stream": "contacts", "tap_stream_id": "contacts", "schema": schema, "metadata": metadata}
    with _counted() as written:
        tap.sync_contacts({"currently_syncing": "contacts"}, tap.Context({"streams": [found]}))
    return written.records


def meltano_tap(base_url: str, names: list[str]) -> int:
    """meltano-tap-hubspot: the same of another house, on Meltano's SDK.

    Without a first date, for with one it reads by the search, which is limited to five calls a second.
    """
    _lead(base_url)
    streams = importlib.import_module("tap_hubspot.streams")
    tap = importlib.import_module("tap_hubspot.tap").TapHubspot
    streams.ContactStream.hs_properties = dict.fromkeys([*names, "lastmodifieddate"], "string")
    tap.discover_streams = lambda self: [streams.ContactStream(self)]
    with _counted() as written:
        tap(config={"access_token": TOKEN}, parse_env_config=False).sync_all()
    return written.records


def dlt_source(base_url: str, names: list[str]) -> int:
    """dlt: its generic source of REST APIs, read to the end; nothing is normalised or loaded."""
    rest = importlib.import_module("dlt.sources.rest_api")
    pages = {"type": "cursor", "cursor_path": "paging.next.after", "cursor_param": "after"}
    client = {"base_url": base_url, "auth": {"type": "bearer", "token": TOKEN}, "paginator": pages}
    params = {"limit": 100, "properties": ",".join(names)}
    endpoint = {"path": "crm/v3/objects/contacts", "params": params, "data_selector": "results"}
    source = rest.rest_api_source({"client": client, "resources": [{"name": "contacts", "endpoint": endpoint}]})
    return sum(1 for _ in source.resources["contacts"])


CLIENTS: dict[str, Callable[[str, list[str]], int]] = {
    "hubspot-api-client": api_client,
    "tap-hubspot": singer_tap,
    "meltano-tap-hubspot": meltano_tap,
    "dlt": dlt_source,
}


def _lead(base_url: str) -> None:
    """What goes out to HubSpot's address by `requests` goes to ours."""
    adapters = importlib.import_module("requests.adapters")
    send = adapters.HTTPAdapter.send

    def led(self: Any, request: Any, *rest: Any, **named: Any) -> Any:
        request.url = request.url.replace(HUBSPOT, base_url, 1)
        return send(self, request, *rest, **named)

    adapters.HTTPAdapter.send = led


class _Counted(io.TextIOBase):
    """Stands for standard output, and for the bytes below it: counts the messages of records and forgets them."""

    def __init__(self) -> None:
        super().__init__()
        self.records = 0

    @property
    def buffer(self) -> _Counted:
        return self

    def write(self, text: Any) -> int:
        self.records += text.count(b'"RECORD"' if isinstance(text, bytes) else '"RECORD"')
        return len(text)


@contextmanager
def _counted() -> Iterator[_Counted]:
    with redirect_stdout(_Counted()) as written:
        yield written


def main() -> int:
    sys.path.remove(str(Path(__file__).parent))  # modules beside this one have names that others use too
    name, base_url, names = sys.argv[1], sys.argv[2], sys.argv[3].split(",")
    print(json.dumps({"contacts": CLIENTS[name](base_url, names)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
