"""The mapping files that Handoff ships: where they are, and how they come into an admin's folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from connector.errors import SettingsError


def shipped_mappings() -> Path:
    """The folder with the shipped files: inside the installed package, or `mappings/` of a checkout."""
    here = Path(__file__).parent
    packaged = here / "defaults"
    return packaged if packaged.is_dir() else here.parent.parent / "mappings"


def write_mappings(folder: Path) -> tuple[Path, ...]:
    """Copy what is missing; a file that is there already is the admin's and stays as it is. Gives the new ones."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        new = [folder / source.name for source in sorted(shipped_mappings().glob("*.yaml"))]
        new = [target for target in new if not target.exists()]
        for target in new:
            shutil.copyfile(shipped_mappings() / target.name, target)
    except OSError as error:
        raise SettingsError(
            f"cannot write mapping files to {folder}: {error.strerror}",
            advice="Make the folder writable, or name another one in HANDOFF_MAPPINGS_DIR.",
        ) from error
    return tuple(new)
