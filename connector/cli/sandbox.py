"""`handoff sandbox` and `demo`: a local HubSpot to try things on, and the whole story in two minutes."""

from __future__ import annotations

from typing import Annotated

import typer

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def register(app: typer.Typer) -> None:
    app.command(
        "sandbox",
        context_settings=PASS_ON,
        epilog="Example: handoff sandbox --port 8080 --contacts 1000 --seed 7 --enterprise",
        add_help_option=False,
    )(sandbox)
    app.command("demo", epilog="Example: handoff demo")(demo)


def sandbox(context: typer.Context) -> int:
    """Serve a local HubSpot with invented people.

    Prints its address and a token; `--help` lists its options.
    """
    from connector.sandbox import main

    return main(context.args) or 0


def demo(
    keep: Annotated[str, typer.Option("--keep", help="Leave database and rule files in this folder.")] = "",
    svg: Annotated[str, typer.Option("--svg", help="Also draw the best parts into this file.")] = "",
) -> int:
    """Tell the story of a few leads, in simulated days.

    Needs no portal and no network.
    """
    from pathlib import Path

    from connector.cli.demo import tell

    return tell(Path(keep) if keep else None, Path(svg) if svg else None)
