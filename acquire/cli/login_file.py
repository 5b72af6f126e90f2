"""The token of a log-in, in a file that only its person may read: one file a store, or the one ACQUIRE_LOGIN names."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from acquire.canonical import canonical, parse
from acquire.errors import Refused

LARGEST = 4096  # bytes


def place(store: str) -> Path:
    """Where the token of a store (by its id) lies."""
    if named := os.environ.get("ACQUIRE_LOGIN"):
        return Path(named)
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return state / "acquire" / f"login-{store}.json"


def write(store: str, token: str) -> Path:
    """Put a token where the one before it was. Raises OSError."""
    path = place(store)
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(canonical({"store": store, "token": token}))
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)
    return path


def read(store: str) -> str | None:
    """The token for a store; None where there is none. Raises Refused for a file that others may read."""
    path = place(store)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o077:
            raise Refused(f"{path} is not a file that you alone may read: take it away and log in again.")
        try:
            said = parse(file.read(LARGEST))
        except ValueError:
            return None
    token = said.get("token") if isinstance(said, dict) and said.get("store") == store else None
    return token if isinstance(token, str) else None


def forget(store: str) -> None:
    """Take the token away."""
    place(store).unlink(missing_ok=True)
