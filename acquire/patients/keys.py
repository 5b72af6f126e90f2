"""The key that identities are encrypted with: 32 random bytes in a file of its own, for one account only."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path
from secrets import token_bytes

from acquire.patients.room import PatientsError
from acquire.plain_files import read_plain

BYTES = 32


def make_key(path: Path) -> None:
    """Write a new key to a new file, rights 0600. Raises PatientsError where there is one already."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise PatientsError(f"The key file {path} cannot be made: {error.strerror}; name a new file.") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(base64.b64encode(token_bytes(BYTES)) + b"\n")


def read_key(path: Path) -> bytes:
    """The key of a file. Raises PatientsError for one that others may read, or that holds no key."""
    text = read_plain(path, 1024)
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise PatientsError(f"The key file {path} can be used by other accounts; give it the rights 0600.")
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != BYTES:
        raise PatientsError(f"{path} holds no key; `acquire patients key -o FILE` makes one.")
    return key
