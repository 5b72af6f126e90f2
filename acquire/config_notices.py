"""Who is told what must reach people, and over which mail server; the [notices] table of a configuration."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from acquire.tomlfile import Where, Written

Role = Literal["physicist", "physician"]
_ADDRESS = re.compile(r"[!-~]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")


def _is_address(text: str) -> str:
    if not _ADDRESS.fullmatch(text) or any(sign in text for sign in '<>"(),:;\\') or text.count("@") != 1:
        raise ValueError("it is no mail address, such as physicist@clinic.example")
    return text


Address = Annotated[str, AfterValidator(_is_address)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)]


class MailServer(Written):
    """The site's mail server. Its certificate and name are verified; nothing goes out of the machine without TLS."""

    host: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    port: int = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = Field("starttls", description="'none' on this machine only")
    sender: Address
    username: Text | None = None
    password_file: Path | None = Field(None, description="readable by its owner alone")
    ca_file: Path | None = Field(None, description="authorities to trust, PEM; without it those of the system")

    @property
    def is_here(self) -> bool:
        """Whether the server runs on this machine."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


class Recipient(Written):
    """Somebody to be told, by the id of the role as it stands in records. A stand-in is told where nobody read it."""

    name: Text
    role: Role
    address: Address
    stands_in: bool = False


class NoticesConfig(Written):
    """Who is told, after which time the stand-ins are, and how often all are reminded until they acknowledge."""

    recipient: tuple[Recipient, ...] = Field(min_length=1)
    stand_in_after_min: float = Field(120, gt=0, le=10_080)
    remind_every_min: float = Field(120, ge=1, le=10_080)
    mail: MailServer | None = None


def not_told(recipient: Recipient, roles: Collection[str] | None, *, locked: bool) -> str | None:
    """Why somebody would get mail and could not acknowledge it; None where nothing is wrong. `roles`: of the account of
    that name in the store; None where there is none."""
    needed = {"physician": "radiation-oncologist", "physicist": "physicist"}[recipient.role]
    if roles is None:
        return f"the recipient '{recipient.name}' of notices has no account in the store, and could acknowledge nothing"
    if locked:
        return f"the account of the recipient '{recipient.name}' of notices is locked"
    if needed not in roles:
        return f"the recipient '{recipient.name}' of notices is no {needed} in the store, and could acknowledge nothing"
    return None


def check_notices(notices: NoticesConfig) -> Iterator[tuple[Where, str]]:
    """What is wrong beyond what each key allows: (path of the key, sentence)."""
    names = ["".join(each.name.split()).casefold() for each in notices.recipient]
    for n, each in enumerate(notices.recipient):
        if names.index(names[n]) < n:
            yield ("notices", "recipient", n, "name"), f"there are two recipients called '{each.name}'"
    for role in ("physicist", "physician"):
        if not any(each.role == role and not each.stands_in for each in notices.recipient):
            yield ("notices", "recipient"), f"no {role} is told first; name one without stands_in"
    if (mail := notices.mail) is not None:
        if (mail.username is None) != (mail.password_file is None):
            yield ("notices", "mail"), "username and password_file go together"
        if mail.security == "none" and not mail.is_here:
            yield (
                ("notices", "mail", "security"),
                "'none' goes with a server on this machine; allowed are starttls, tls",
            )
