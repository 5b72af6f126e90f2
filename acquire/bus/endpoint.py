"""Where a broker is reached, without what reaches it: a configuration is read by commands that ask no broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from acquire.bus.tls import Secret, Tls


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the broker is, what it speaks, and who we are to it. The password is named, not held."""

    host: str
    port: int
    protocol: Literal["5", "3.1.1"] = "5"
    username: str | None = None
    password: Secret | None = None
    tls: Tls | None = None
