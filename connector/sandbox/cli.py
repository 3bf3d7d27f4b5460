"""The command line of the sandbox: options, one line that says where it listens, serve until told to stop."""

from __future__ import annotations

import argparse
import gc
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import datetime
from types import FrameType

from .clock import Clock, parse_instant
from .control import make_portal
from .portal import Sandbox
from .server import Server, describe


def parser() -> argparse.ArgumentParser:
    """Build the option parser."""
    made = argparse.ArgumentParser(
        prog="handoff sandbox",
        description="A local HubSpot: many portals behind one address, told apart by token.",
        epilog="Example: handoff sandbox --port 8700 --contacts 1000 --seed 7 --enterprise",
    )
    made.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    made.add_argument("--port", type=int, default=8700, help="port to listen on; 0 picks a free one (default 8700)")
    made.add_argument("--contacts", type=int, default=200, help="invented contacts in the first portal (default 200)")
    made.add_argument("--seed", type=int, default=1, help="number from which all is invented (default 1)")
    made.add_argument("--enterprise", action="store_true", help="event occurrences answer (else 403)")
    made.add_argument("--lag", type=float, default=0, metavar="S", help="seconds a change stays unseen by search")
    made.add_argument("--latency-ms", type=float, default=0, metavar="N", help="wall time added to every answer")
    made.add_argument("--rate-per-10s", type=int, default=190, metavar="N", help="ten-second limit (0 = none)")
    made.add_argument("--search-per-second", type=int, default=5, metavar="N", help="search limit (0 = none)")
    made.add_argument("--token", help="token of the first portal (default pat-sandbox-<portal id>)")
    made.add_argument("--time-zone", default="UTC", help="the portal's time zone (default UTC)")
    made.add_argument("--clock", metavar="ISO", help="freeze the sandbox clock at this instant")
    made.add_argument("--json", action="store_true", help="print the address and the token as one JSON object")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; 2 when an option is bad or the port is taken."""
    options = parser().parse_args(argv)
    try:
        server, token, portal_id = start(options)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or "a port lies between 0 and 65535"
        print(f"Error: the sandbox cannot listen on {options.host}:{options.port}: {why}", file=sys.stderr)
        print("What to do: choose another port by --port; --port 0 takes any free one.", file=sys.stderr)
        return 2
    except ValueError as error:
        print(f"Error: {error}", file=sys.stderr)
        print("What to do: `handoff sandbox --help` explains each option.", file=sys.stderr)
        return 2
    line = describe(server, token, portal_id) if options.json else f"sandbox at {server.url} token {token}"
    print(line, flush=True)
    serve(server)
    return 0


def start(options: argparse.Namespace) -> tuple[Server, str, int]:
    """Make the server with its first portal; it does not serve yet."""
    clock = Clock()
    if options.clock:
        try:
            clock.freeze(parse_instant(options.clock))
        except ValueError as error:
            raise ValueError(f"--clock is an instant such as {datetime.now().year}-01-31T09:00:00Z") from error  # noqa: DTZ005 - only a sample year
    sandbox = Sandbox(clock)
    server = Server(options.host, options.port, sandbox)  # before the seed: a taken port is told at once
    portal = make_portal(
        sandbox,
        {
            "contacts": options.contacts,
            "seed": options.seed,
            "token": options.token,
            "enterprise": options.enterprise,
            "timeZone": options.time_zone,
            "switches": {
                "lag_seconds": options.lag,
                "latency_ms": options.latency_ms,
                "rate_per_10s": options.rate_per_10s,
                "search_per_second": options.search_per_second,
            },
        },
    )
    return server, portal.token, portal.id


def serve(server: Server) -> None:
    """Serve until SIGTERM, or SIGINT unless that was ignored already."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        threading.Thread(target=server.stop, daemon=True).start()  # shutdown() would wait for this very thread

    gc.freeze()  # what was seeded stays; walking it again and again would cost a quarter of each batch
    gc.set_threshold(50_000, 20, 50)
    signal.signal(signal.SIGTERM, stop)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # who started us without Ctrl-C ends us otherwise
        signal.signal(signal.SIGINT, stop)
    server.serve_forever(poll_interval=0.1)
