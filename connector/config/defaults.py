"""The shipped rule files, and how they come into an admin's folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from connector.config.mappings import shipped_folder
from connector.errors import SettingsError


def write_mappings(folder: Path) -> tuple[Path, ...]:
    """Copy what is missing; a file that is there already is the admin's and stays as it is. Gives the new ones."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        new = [folder / source.name for source in sorted(shipped_folder().glob("*.yaml"))]
        new = [target for target in new if not target.exists()]
        for target in new:
            shutil.copyfile(shipped_folder() / target.name, target)
    except OSError as error:
        raise SettingsError(
            f"cannot write mapping files to {folder}: {error.strerror}",
            advice="Make the folder writable, or name another one in HANDOFF_MAPPINGS_DIR.",
        ) from error
    return tuple(new)
