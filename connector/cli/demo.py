"""`handoff demo`: the story of a few leads, told on a local HubSpot in simulated days.

Nothing is pretended: a sandbox process, a webhook receiver and the real connector meet on loopback, in a temporary
folder that goes away with the last word. What is told is in story/.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from connector.bootstrap import connect
from connector.cli.story import StoryError, april, finale, march
from connector.cli.story.post import DESKS, PostRoom, open_post_room
from connector.cli.story.rules import desk_variable, lay_out
from connector.cli.story.stage import Stage
from connector.cli.story.teller import Teller
from connector.cli.story.world import World, at, open_world
from connector.config.logging import configure_logging
from connector.config.settings import load_settings
from connector.delivery.signature import new_secret
from connector.errors import ConnectorError, SettingsError

BEGIN = "2026-03-02 08:55"
CONTACTS, SEED = 240, 7
SCENES = (
    march.the_portal, march.leads_arrive, march.second_look, march.trouble, april.handed_back, april.weeks_pass,
    april.wakes_up, april.won_and_late, finale.in_figures, finale.why,
)  # fmt: skip
SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


def tell(keep: Path | None = None, svg: Path | None = None) -> int:
    """Tell the story; 0 when everything came out as told, 1 with one clear sentence when not.

    Args:
        keep: an empty or missing folder in which database and rule files stay; None leaves nothing behind.
        svg: where to draw the best parts as a picture of a terminal; None draws none.
    Raises:
        SettingsError: `keep` cannot be used.
        KeyboardInterrupt: after everything was cleared away.
    """
    configure_logging("auto", "ERROR")
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # a terminal without ticks gets "?"
    stage = Stage(picture=svg is not None)
    try:
        with _interruptible(), ExitStack() as stack:
            folder = (
                _folder(keep)
                if keep
                else Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="handoff-demo-")))
            )
            _live(folder, stage, stack)
    except (StoryError, ConnectorError) as error:
        print(f"Error: the demo stopped. {error}", file=sys.stderr)
        print("What to do: run it again; if it stays, tell us what it printed.", file=sys.stderr)
        return 1
    finale.your_turn(stage)
    if keep:
        print(f"Database and rule files are kept in {keep}.")
    if svg:
        stage.save_picture(svg, "handoff demo")
    return 0


def _live(folder: Path, stage: Stage, stack: ExitStack) -> None:
    secret = new_secret()
    world = stack.enter_context(open_world(at(BEGIN), contacts=CONTACTS, seed=SEED))
    post = stack.enter_context(open_post_room(secret))
    lay_out(folder / "mappings")
    settings = load_settings(_environment(folder, world, post, secret), dotenv=None)
    connector = stack.enter_context(connect(settings))
    connector.make_owned()
    teller = Teller(world, post, connector, stage)
    for scene in SCENES:
        scene(teller)


def _environment(folder: Path, world: World, post: PostRoom, secret: str) -> Mapping[str, str]:
    """What an admin would have in .env; nothing of the caller's own settings comes in."""
    return {
        "HUBSPOT_ACCESS_TOKEN": world.token,
        "HUBSPOT_BASE_URL": world.address,
        "HUBSPOT_RATE_PER_10S": "10000",
        "HUBSPOT_SEARCH_PER_SECOND": "1000",
        "HANDOFF_DATABASE_URL": f"sqlite:///{folder / 'handoff.db'}",
        "HANDOFF_MAPPINGS_DIR": str(folder / "mappings"),
        "HANDOFF_WEBHOOK_SECRET": secret,
        "HANDOFF_ALLOW_HOSTS": post.address.removeprefix("http://"),
        **{desk_variable(desk): post.url(desk) for desk in DESKS},
    }


def _folder(keep: Path) -> Path:
    folder = keep.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = any(folder.iterdir())
    except OSError as error:
        raise SettingsError(
            f"--keep: {keep} cannot be used: {error.strerror}", advice="Name another folder."
        ) from error
    if taken:
        raise SettingsError(f"--keep: {keep} is not empty", advice="Name a new folder, or empty this one.")
    return folder


@contextmanager
def _interruptible() -> Iterator[None]:
    """A signal that ends us lets us clear away first, as Ctrl-C does."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    heeded = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]  # nohup stays nohup
    before = {number: signal.signal(number, stop) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
