"""Somebody else's mail server (aiosmtpd) on this machine, and what goes wrong with one; a clock that tests move."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from acquire.config_notices import MailServer, NoticesConfig
from acquire.mail.waiting import Now

USER, PASSWORD = b"acquire", b"not-a-secret"


class Inbox:
    """Keeps what it is given; `refuses` what it answers to an address, once each time it is asked."""

    def __init__(self) -> None:
        self.mails: list[Message] = []
        self.refuses: list[str] = []
        self.drops_data = self.hangs = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refuses:
            return self.refuses.pop(0)
        if self.hangs:
            await asyncio.sleep(3600)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.mails.append(message_from_bytes(envelope.content))
        if self.drops_data:
            self.drops_data -= 1
            server.transport.abort()
        return "250 OK"

    @property
    def to(self) -> list[str]:
        return [str(each["To"]) for each in self.mails]


def _authenticated(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (USER, PASSWORD))


@asynccontextmanager
async def mail_server(inbox: Inbox, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of a server; with `tls` it asks for STARTTLS and a log-in."""

    def made() -> SMTP:
        return SMTP(
            inbox, hostname="mail.example", tls_context=tls, require_starttls=tls is not None,
            auth_required=tls is not None, authenticator=_authenticated,
        )  # fmt: skip

    server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def notices_config(port: int, **mail: Any) -> NoticesConfig:
    people = [("MP-1", "physicist", False), ("RO-1", "physician", False), ("MP-2", "physicist", True)]
    return NoticesConfig.model_validate(
        {
            "recipient": [
                {"name": name, "role": role, "address": f"{name.lower()}@clinic.example", "stands_in": stands_in}
                for name, role, stands_in in people
            ],
            "mail": MailServer.model_validate(
                {"host": "127.0.0.1", "port": port, "security": "none", "sender": "dosimetry@clinic.example", **mail}
            ),
        }
    )


class Clocks:
    """A monotonic clock and a time of day that tests move, and a boot that they change."""

    def __init__(self) -> None:
        self.boot, self.boot_s, self.day = "boot-1", 1000.0, datetime(2027, 2, 9, 8, tzinfo=UTC)

    def __call__(self) -> Now:
        return Now(self.boot, self.boot_s, self.day)

    def pass_(self, minutes: float) -> None:
        self.boot_s += 60 * minutes
        self.day += timedelta(minutes=minutes)


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context
