"""Sending one mail by SMTP: one deadline over the whole exchange, TLS verified, the password read anew each time.

What goes wrong is told in our own words: what a server answers may name people, and its number says enough (RFC 5321,
section 4.2: 4xx may work later, 5xx does not).
"""

from __future__ import annotations

import asyncio
import stat
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
from aiosmtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException

from acquire.bus.tls import Secret, Tls, Unusable
from acquire.config_notices import MailServer

DEADLINE_S = 60.0
FAREWELL_S = 2.0
LATER = range(400, 500)


class NotSent(Exception):
    """A mail was not taken, or nobody knows: a sentence without a full stop. `later`: it may work later."""

    def __init__(self, why: str, *, later: bool) -> None:
        super().__init__(why)
        self.later = later


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends over one server; files of its configuration are relative to a folder."""

    server: MailServer
    folder: Path
    deadline_s: float = DEADLINE_S

    async def send(self, mail: EmailMessage) -> None:
        """Hand a mail to the server. Raises NotSent: refused, not reached, lost on the way, or no answer in time."""
        await self._with_server(mail)

    async def knock(self) -> None:
        """Whether the server would let us in; nothing is sent. Raises NotSent."""
        await self._with_server(None)

    async def _with_server(self, mail: EmailMessage | None) -> None:
        server = self.server
        try:
            context = None if server.security == "none" else Tls(self._beside(server.ca_file)).context()
            password = None if server.password_file is None else password_of(self.folder / server.password_file)
            client = aiosmtplib.SMTP(
                hostname=server.host, port=server.port, use_tls=server.security == "tls",
                start_tls=server.security == "starttls", tls_context=context, username=server.username,
                password=password, timeout=self.deadline_s, local_hostname=server.sender.rpartition("@")[2],
            )  # fmt: skip
            await self._hand_over(client, mail)
        except Unusable as error:
            raise NotSent(str(error), later=True) from error
        except TimeoutError as error:
            raise NotSent(f"the mail server gave no answer within {self.deadline_s:g} s", later=True) from error
        except SMTPRecipientsRefused as error:
            code = max(each.code for each in error.recipients)
            raise NotSent(f"the mail server refused the address ({code})", later=code in LATER) from error
        except SMTPResponseException as error:
            raise NotSent(f"the mail server refused it ({error.code})", later=error.code in LATER) from error
        except (SMTPException, OSError, ValueError) as error:
            raise NotSent(f"the mail server could not be used ({type(error).__name__})", later=True) from error

    async def _hand_over(self, client: aiosmtplib.SMTP, mail: EmailMessage | None) -> None:
        """Not as a context of the client: that would say QUIT and wait for an answer, also when this is cancelled."""
        try:
            async with asyncio.timeout(self.deadline_s):
                await client.connect()
                if mail is not None:
                    await client.send_message(mail)
            with suppress(SMTPException, OSError, TimeoutError):  # the mail is taken, whatever becomes of a farewell
                async with asyncio.timeout(FAREWELL_S):
                    await client.quit()
        finally:
            client.close()

    def _beside(self, path: Path | None) -> Path | None:
        return None if path is None else self.folder / path


def password_of(file: Path) -> str:
    """What a file holds. Raises Unusable, also for one that others than its owner may read."""
    try:
        mode = file.stat().st_mode
    except OSError as error:
        raise Unusable(f"{file}, which is to hold a password, cannot be read: {error.strerror}") from error
    if stat.S_IMODE(mode) & 0o077:
        raise Unusable(f"{file} holds a password and others may read it; give it the mode 0600")
    return Secret(file).read()
