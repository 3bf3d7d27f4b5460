"""Where the values of settings come from: the environment, a .env file, and files that hold one secret each.

The environment beats .env. `NAME_FILE` names a file whose content is the value of NAME (S1). What a value must look
like is the business of settings.py.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from connector.errors import SettingsError

FILE_SUFFIX = "_FILE"
MOST_SECRET_BYTES = 16 * 1024
MOST_DOTENV_BYTES = 1024 * 1024
PLAINLY_A_PATH = ("/", "./", "../")
JUST_THE_VALUE = "It must be a text file with the value in it, and nothing else."


def gather(env: Mapping[str, str], dotenv: Path | None, is_secret: Callable[[str], bool]) -> dict[str, str]:
    """All variables with a value, blanks around it removed; an empty one counts as unset.

    Args:
        dotenv: read where it exists; None reads none. Its values stand below those of `env`.
        is_secret: tells names whose presence in `dotenv` makes a file that others may read refused.
    Raises:
        SettingsError: a file that cannot be read or that too many may read.
    """
    below = _read_dotenv(dotenv, is_secret) if dotenv is not None and dotenv.is_file() else {}
    merged = {name: value for name, value in below.items() if _twin(name) not in env} | dict(env)
    return {name: value.strip() for name, value in merged.items() if value.strip()}


def look_up(variables: Mapping[str, str], name: str) -> str | None:
    """The value of `name`, from itself or from the file that `name`_FILE points to; None where neither is set.

    Raises:
        SettingsError: both are set, or the file is missing, empty, too large or readable by others.
    """
    direct, pointer = variables.get(name), variables.get(name + FILE_SUFFIX)
    if not _is_text(direct or "") or not _is_text(pointer or ""):
        raise SettingsError(f"{name} holds bytes that are no UTF-8 text", advice="Set it again, in UTF-8.")
    if pointer is None:
        return direct
    if direct is not None:
        raise SettingsError(
            f"{name} and {name}{FILE_SUFFIX} are both set",
            advice=f"Unset one of them; {name}{FILE_SUFFIX} is the safer one.",
        )
    return _read_secret_file(name + FILE_SUFFIX, Path(pointer))


def refuse_open_file(path: Path, what: str) -> None:
    """S1: a file with a secret in it is its owner's alone."""
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise SettingsError(
            f"{what} {path} holds a secret and can be read by other users of this machine",
            advice=f"Run: chmod 600 {path}",
        )


def _is_text(value: str) -> bool:
    """False where the environment had other bytes: no database, no address and no terminal takes them."""
    return value.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in value)


def _twin(name: str) -> str:
    """NAME for NAME_FILE and the other way round: the environment's one replaces either of .env."""
    return name.removesuffix(FILE_SUFFIX) if name.endswith(FILE_SUFFIX) else name + FILE_SUFFIX


def _read_dotenv(path: Path, is_secret: Callable[[str], bool]) -> dict[str, str]:
    from dotenv import dotenv_values

    try:
        if path.stat().st_size > MOST_DOTENV_BYTES:
            raise SettingsError(
                f"{path} is larger than {MOST_DOTENV_BYTES // 1024} KiB", advice=".env.example shows what stands in it."
            )
        # No interpolation: a "$" in a secret means itself.
        found = dotenv_values(path, interpolate=False, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{path} cannot be read: {_plain(error)}", advice="Save it as UTF-8 text that you may read."
        ) from error
    values = {name: value for name, value in found.items() if value is not None}
    # The address of a database file is no secret; that of a server holds a password.
    if any(value.strip() and not value.startswith("sqlite:") for name, value in values.items() if is_secret(name)):
        refuse_open_file(path, "the file")
    return values


def _read_secret_file(variable: str, path: Path) -> str:
    try:
        refuse_open_file(path, f"{variable}:")
        with path.open("rb") as file:
            content = file.read(MOST_SECRET_BYTES + 1)
        text = content.decode("utf-8").strip()
    except (OSError, ValueError) as error:
        if not str(path).startswith(PLAINLY_A_PATH):
            # It may be the secret itself, set by mistake: not to be repeated (I10).
            raise SettingsError(
                f"{variable} names no file that can be read",
                advice=f"Write the path of the file, from its slash on; the value itself belongs into "
                f"{variable.removesuffix(FILE_SUFFIX)}.",
            ) from None
        raise SettingsError(f"{variable}: {path} cannot be read: {_plain(error)}", advice=JUST_THE_VALUE) from error
    if not text or len(content) > MOST_SECRET_BYTES:
        raise SettingsError(
            f"{variable}: {path} is {'empty' if not text else 'too large for a secret'}", advice=JUST_THE_VALUE
        )
    return text


def _plain(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else "that is no path"
