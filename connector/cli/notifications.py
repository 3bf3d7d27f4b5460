"""`handoff notifications list | test`: who is told, and whether a notice arrives there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from connector.delivery.door import Answer
    from connector.delivery.trial import Trial

JsonFlag = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
COLUMNS = ("destination", "type", "to", "personal", "on")


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Destinations of notices: look at them, try them.", no_args_is_help=True,
                        rich_markup_mode=None)  # fmt: skip
    group.command("list", epilog="Example: handoff notifications list")(list_destinations)
    group.command("test", epilog="Example: handoff notifications test reps --kind lead.handed_off")(test)
    app.add_typer(group, name="notifications")


def list_destinations(as_json: JsonFlag = False) -> int:
    """List the destinations of notifications.yaml, and why some are off.

    Asks neither the CRM nor the destinations.
    """
    from connector.bootstrap import receivers
    from connector.cli.console import note, print_json, table
    from connector.cli.start import start

    rows = receivers(start()).rows()
    if as_json:
        print_json({"destinations": rows})
        return 0
    if not rows:
        note("notifications.yaml names no destination; the CRM still shows owner and reason.")
        return 0
    table("Destinations", COLUMNS, [_cells(row) for row in rows], whole=("destination",))
    return 0


def _cells(row: dict[str, object]) -> list[object]:
    to = row["to"]
    assert isinstance(to, list)
    return [row["name"], row["type"], ", ".join(to), "yes" if row["personal"] else "no",
            "on" if row["on"] else f"off: {row['why']}"]  # fmt: skip


def test(
    destination: Annotated[str, typer.Argument(help="Its name in notifications.yaml.")],
    kind: Annotated[str, typer.Option(help="Kind of notice, such as lead.handed_off.")] = "test.ping",
    mention: Annotated[str, typer.Option(help="Also mention this rep: e-mail or owner id as `owners` has it.")] = "",
    show: Annotated[bool, typer.Option("--show", help="Print the body and send nothing.")] = False,
    as_json: JsonFlag = False,
) -> int:
    """Send one invented notice, and say what came back.

    It goes to the destination as real ones go: it is signed, its address is checked, and its text says that it is a
    test. Nothing of it is kept.
    """
    from datetime import UTC, datetime

    from connector.bootstrap import receivers
    from connector.cli.console import one_of
    from connector.cli.start import start
    from connector.domain.notice import NoticeKind

    one_of("--kind", kind, [one.value for one in NoticeKind])
    found = receivers(start())
    now = datetime.now(UTC)
    trial = found.trial(destination, NoticeKind(kind or "test.ping"), now, mention)
    if show:
        _print_body(trial)
        return 0
    answer = found.send(trial, now)
    return _tell(trial, answer, as_json)


def _print_body(trial: Trial) -> None:
    import json

    print(json.dumps(json.loads(trial.body), indent=2, ensure_ascii=False))


def _tell(trial: Trial, answer: Answer, as_json: bool) -> int:
    """0 where it was taken, else 1 with what to do."""
    from connector.cli.console import note, print_json
    from connector.delivery.trial import what_to_do

    status, name = answer.status, trial.destination.name
    taken = status is not None and 200 <= status < 300
    advice = "" if taken else what_to_do(answer, trial.destination)
    if as_json:
        print_json({"destination": name, "id": trial.entry, "taken": taken, "status": status,
                    "problem": answer.problem, "seconds": round(answer.seconds, 3), "advice": advice})  # fmt: skip
        return 0 if taken else 1
    said = "it was taken" if trial.destination.type == "apprise" and taken else status or answer.problem
    print(f"{name}: {said} ({answer.seconds:.2f} s, {trial.entry})")
    if taken:
        print("Look there whether it reads well.")
        return 0
    note(f"What to do: {advice}")
    return 1
