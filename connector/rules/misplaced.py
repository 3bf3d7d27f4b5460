"""A complaint that a model makes about one of its keys: the admin is led to that key, not to the top of the section."""

from __future__ import annotations

KeyPath = tuple[str | int, ...]


class MisplacedError(ValueError):
    """Raised by validators of rule models, as any ValueError; config/mappings.py finds the line.

    Args:
        path: keys below what is validated, as the file has them.
        message: what is wrong; after `; ` what would do, as in every complaint of a model.
    """

    def __init__(self, path: KeyPath, message: str) -> None:
        super().__init__(message)
        self.path = path
