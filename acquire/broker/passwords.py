"""Mosquitto's password file: PBKDF2 with SHA-512, the form `$7$iterations$salt$hash` that mosquitto_passwd writes.

The passwords are made here, 192 random bits each, so the hash need not slow down anybody's guessing; nobody has to
remember one, because each lies in a file that the host's configuration names.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from collections.abc import Iterable

# mosquitto_passwd takes 101. The broker computes this for each connection in its only thread.
ITERATIONS = 1000
SALT_BYTES = 12


def new_password() -> str:
    """A password of 32 characters that needs no quoting anywhere."""
    return secrets.token_urlsafe(24)


def line(name: str, password: str) -> str:
    """The line of one user in Mosquitto's password file, with a new salt."""
    salt = os.urandom(SALT_BYTES)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return f"{name}:$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def kept(text: str, names: Iterable[str]) -> dict[str, str]:
    """Lines of an earlier file, by name, for those who still have a role."""
    lines = {each.split(":", 1)[0]: each for each in text.splitlines() if ":" in each}
    return {name: lines[name] for name in names if name in lines}
