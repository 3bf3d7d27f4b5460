"""The key that is not in the database (I11, S1): what is kept under it cannot be got from a copied database file.

A setting gives it, or a file of mode 0600 beside a SQLite database, made when it is first needed. PostgreSQL has no
place beside it: there the setting is required. Each use derives a key of its own from it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path

from connector.errors import SettingsError

SHORTEST = 32
"""Characters of a key that is given as text."""

BACK = "Bring it back from your backup, or set HANDOFF_KEY_FILE to the place where it is now."
MAKE_ONE = (
    "Make one (python3 -c \"import secrets; print(secrets.token_urlsafe(32))\"), keep it in a file of mode 0600 and "
    "set HANDOFF_KEY_FILE to its path."
)


class Key:
    """Read at first use, once.

    Args:
        given: the setting's text; None where it is not set.
        file: where the key lies, or is made, without the setting; None on a server and in memory.
        passing: a database in memory: a key that lives as long as it does.
    """

    def __init__(self, given: str | None = None, file: Path | None = None, *, passing: bool = False) -> None:
        self._given, self._file = given, file
        self._known: bytes | None = secrets.token_bytes(32) if passing and given is None else None

    def check(self) -> None:
        """Whether there can be one when it is needed, which may be in the midst of a run; makes nothing.

        Raises:
            SettingsError: it is not set where it must be, or too short.
        """
        if self._known is None and (self._given is not None or self._file is None):
            self._load(make=False)

    def derive(self, purpose: str, *, make: bool = False) -> bytes:
        """32 bytes for one purpose alone.

        Args:
            make: make the file where there is none; for first needs only, since what an earlier key hid stays hidden.
        Raises:
            SettingsError: there is none, it is too short, or others may read it.
        """
        if self._known is None:
            self._known = self._load(make)
        return hmac.digest(self._known, f"handoff {purpose}".encode(), hashlib.sha256)

    def digest(self, purpose: str, *parts: str) -> str:
        """40 hexadecimal digits that nobody without the key can get from the parts, nor the parts from them."""
        return hmac.new(self.derive(purpose), "\x1f".join(parts).encode(), hashlib.sha256).hexdigest()[:40]

    def mark(self, *, make: bool = False) -> str:
        """Tells one key from another, and nothing else."""
        return self.derive("mark", make=make).hex()[:12]

    def _load(self, make: bool) -> bytes:
        if self._given is not None:
            if len(self._given) < SHORTEST:
                raise SettingsError(f"HANDOFF_KEY is shorter than {SHORTEST} characters", advice=MAKE_ONE)
            return self._given.encode()
        if self._file is None:
            raise SettingsError(
                "HANDOFF_KEY is not set; here nobody can be erased and no login kept without it", advice=MAKE_ONE
            )
        if make:
            _sweep(self._file)
        if make and not self._file.exists():
            _make(self._file)
        return _read(self._file)


def _sweep(path: Path) -> None:
    """What a process left that was killed while it made the key: a whole key may stand in it."""
    for part in path.parent.glob(f"{path.name}.*"):
        number = part.name.rpartition(".")[2]
        if number.isdigit() and not _is_alive(int(number)):
            part.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True         # it is someone else's
    return True


def _make(path: Path) -> None:
    """Whole or not at all; another process that was faster wins."""
    part = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, path)
        except FileExistsError:
            pass
        finally:
            part.unlink()
        folder = os.open(path.absolute().parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise SettingsError(
            f"The key file {path} cannot be made ({error.strerror or type(error).__name__})",
            advice="Give Handoff the right to write into that folder, or set HANDOFF_KEY_FILE.",
        ) from error


def _read(path: Path) -> bytes:
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise SettingsError(
                f"The key file {path} can be read by other users of this machine", advice=f"Run: chmod 600 {path}"
            )
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it is not text"
        raise SettingsError(f"The key file {path} cannot be read ({why})", advice=BACK) from error
    if len(text) < SHORTEST:
        raise SettingsError(f"The key file {path} holds no whole key", advice=BACK)
    return text.encode()
