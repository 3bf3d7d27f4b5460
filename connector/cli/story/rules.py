"""What the admin of the story changed in mappings/: the few keys in which every company differs.

The files are the shipped ones; these keys are laid over them, as an admin would type them.
"""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from connector.cli.story.post import DESKS
from connector.config.defaults import write_mappings

LISTENS = {"reps": "rep", "managers": "manager", "marketing": "marketing", "triage": "triage", "ops": "ops"}
"""Desk → the role it hears for."""

QUALIFICATION: dict[str, Any] = {
    "filters": {
        "competitors": {"domains": ["rival.example"]},
        "countries": {"served": ["AT", "CH", "DE", "ES", "FR", "GB", "NL", "PT", "US"]},
        "web_mail": {"also": ["mail.example"]},
    },
}


def desk_variable(desk: str) -> str:
    return f"HANDOFF_{desk.upper()}_URL"


def lay_out(folder: Path) -> None:
    """Write the shipped files into `folder` and the admin's changes over them."""
    write_mappings(folder)
    desks = {
        desk: {
            "type": "webhook",
            "to": LISTENS[desk],
            "url_env": desk_variable(desk),
            "secret_env": "HANDOFF_WEBHOOK_SECRET",
            "personal": True,
        }
        for desk in DESKS
    }
    _change(folder / "qualification.yaml", QUALIFICATION)
    _change(folder / "notifications.yaml", {"destinations": desks})


def in_yaml(data: object) -> str:
    """As it stands in the file."""
    yaml, text = YAML(typ="safe", pure=True), StringIO()
    yaml.default_flow_style = None
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # the library says None, and reads a bool
    yaml.width = 100
    yaml.dump(data, text)
    return text.getvalue().rstrip()


def _change(file: Path, change: dict[str, Any]) -> None:
    yaml = YAML()
    document = yaml.load(file.read_text(encoding="utf-8"))
    _lay_over(document, change)
    with file.open("w", encoding="utf-8") as stream:
        yaml.dump(document, stream)


def _lay_over(base: Any, change: dict[str, Any]) -> None:
    """Key by key; lists, values and destinations are replaced as a whole."""
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict) and key != "destinations":
            _lay_over(base[key], value)
        else:
            base[key] = value
