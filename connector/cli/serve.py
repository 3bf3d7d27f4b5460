"""`handoff serve`: the scheduler, HubSpot's webhooks as they come, and answers by link."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from connector.config.inbound import Inbound
    from connector.config.settings import Settings
    from connector.domain.contact import PortalId
    from connector.jobs.bell import Bell
    from connector.web.answers import AnswerRoutes


def register(app: typer.Typer) -> None:
    app.command("serve", epilog="Example: HANDOFF_PUBLIC_URL=https://handoff.example.com handoff serve")(serve)


def serve() -> int:
    """Run by the clock, and at once on webhooks and answers.

    Listens on HANDOFF_LISTEN: for HubSpot's webhooks (docs/webhooks.md), and with HANDOFF_ANSWER_SECRET for reps who
    answer by the links in their notices (docs/answers.md). SIGTERM finishes the page and stops.
    """
    from connector.cli.start import start
    from connector.config.inbound import inbound
    from connector.jobs import scheduler

    settings = start()
    told = inbound(settings)

    @contextmanager
    def watch(bell: Bell) -> Iterator[None]:
        with _receiving(settings, told, bell):
            yield

    return scheduler.serve(settings, watch=watch)


@contextmanager
def _receiving(settings: Settings, told: Inbound, bell: Bell) -> Iterator[None]:
    """The server, for the portal that the database, the settings or else the CRM names."""
    from connector.bootstrap import connect, inbox, known_portal
    from connector.web.app import App
    from connector.web.receiver import Receiver
    from connector.web.server import serving
    from connector.web.writer import Writer

    portal = known_portal(settings)
    if portal is None:
        with connect(settings) as connector:
            info = connector.portal()
            connector.store(info)
            portal = info.id
    with (
        closing(Writer(inbox(settings, portal), arrived=bell.ring_hints)) as writer,
        _answers(settings, portal, told, bell) as answers,
    ):
        receiver = Receiver(
            writer, portal=portal, target_url=told.target_url, secrets=told.secrets, trusted=told.trusted_proxies
        )
        with serving(App(receiver, answers), told.host, told.port):
            yield
        receiver.tally.tell()


@contextmanager
def _answers(settings: Settings, portal: PortalId, told: Inbound, bell: Bell) -> Iterator[AnswerRoutes | None]:
    """Where reps answer by link; None where the settings ask for none."""
    from connector.bootstrap import answer_links, desk
    from connector.web.answers import AnswerRoutes

    links = answer_links(settings, portal)
    if links is None:
        yield None
        return
    with closing(
        AnswerRoutes(desk(settings, portal), links, arrived=bell.ring_hints, trusted=told.trusted_proxies)
    ) as routes:
        yield routes
