"""Listening for orders: HL7 v2 over MLLP, one message answered at a time on each connection, after the store has it.

A partner that is slow, dead or hostile holds up its own connection alone: a message that does not come to its end, one
that is too large, an answer that is not read and connections beyond the bound are ended, counted and told.
"""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from acquire.bus.tls import SAME_ON_EACH_PYTHON
from acquire.config import LOOPBACK, Loaded, OrdersConfig, OrdersTls, host_and_port
from acquire.errors import Refused
from acquire.log import Log
from acquire.orders.hl7_answer import answer
from acquire.orders.hl7_message import LARGEST, header_of
from acquire.orders.hl7_patient import without_identity
from acquire.orders.mllp import AFTER, BEGIN, END, Frames
from acquire.patients import PatientsError
from acquire.procedure.documents.messages import Allowed, Answered, cannot_be_kept, receive
from acquire.procedure.documents.site import patients_of, site_of
from acquire.store.alarms import raise_alarm
from acquire.store.database import transaction

log = Log("orders")

MOST_CONNECTIONS = 32
REST_WITHIN_S = 30.0  # of a message that has begun
READ_WITHIN_S = 10.0  # the partner reads its answer
ALARM = "order listener"
Work = Callable[[sqlite3.Connection], Answered | None]


class OrderListener:
    """Serves whoever sends orders. `use`: does something with the store, on its thread. `counts`: what was found."""

    def __init__(self, loaded: Loaded, use: Callable[[Work], Awaitable[Answered | None]]) -> None:
        assert loaded.store is not None
        self._loaded = loaded
        self._orders: OrdersConfig = loaded.config.orders
        self._store: Path = loaded.store
        self._site = site_of(self._orders)
        self._use = use
        self._open: dict[asyncio.Task[None], float] = {}  # when each connection last said something
        self.counts: Counter[str] = Counter()
        self.port = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen until the end of the context. Raises Refused where that is not possible.

        Where identities cannot be kept (a lost key) messages are answered with that, and the service goes on measuring.
        """
        assert self._orders.listen is not None
        host, port = host_and_port(self._orders.listen)
        folder = self._loaded.path.parent
        try:
            context = _tls(self._orders.tls, folder) if self._orders.tls else None
            server = await asyncio.start_server(self._begun, host, port, ssl=context)
        except (OSError, ssl.SSLError) as error:
            why = error.strerror or str(error)
            raise Refused(f"Orders cannot be listened for at {self._orders.listen}: {why}.") from error
        self.port = server.sockets[0].getsockname()[1]
        log.info("listening for orders", at=f"{host}:{self.port}", tls=context is not None, loopback=host in LOOPBACK)
        try:
            patients_of(self._store, self._loaded.config.patients, folder).close()
        except PatientsError as error:
            await self._note("identities cannot be kept", str(error))
        try:
            yield
        finally:
            server.close()
            for task in [*self._open]:
                task.cancel()
            await asyncio.gather(*self._open, return_exceptions=True)
            await server.wait_closed()

    async def _begun(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._open) >= MOST_CONNECTIONS:  # idle ones keep nobody out
            min(self._open, key=self._open.__getitem__).cancel()
            says = f"more than {MOST_CONNECTIONS} at once; the one that was silent longest was ended."
            await self._note("connections beyond the bound", says)
        self._open[task] = time.monotonic()
        try:
            await self._serve(reader, writer, task)
        except (OSError, ssl.SSLError):
            self.counts["connections lost"] += 1
        except asyncio.CancelledError:
            pass  # the service stops; what was committed and not answered is sent again
        finally:
            self._open.pop(task, None)
            writer.close()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, task: asyncio.Task[None]
    ) -> None:
        made = writer.get_extra_info("socket")
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # a partner that died unsaid is noticed
        allowed, frames = self._allowed(writer), Frames(LARGEST)
        try:
            while True:
                try:
                    async with asyncio.timeout(REST_WITHIN_S if frames.is_partial else None):
                        data = await reader.read(65536)
                except TimeoutError:
                    await self._note("unfinished messages", "a message began and did not come to its end.")
                    return
                self._open[task] = time.monotonic()
                for body in frames.feed(data):
                    answered = await self._answer(body, allowed)
                    if not await self._send(writer, answered.body):
                        return
                if frames.too_large:
                    await self._note("messages too large", f"a message has more than {LARGEST} bytes; it was not read.")
                    says = f"The message has more than {LARGEST} bytes."
                    await self._send(writer, answer(header_of(frames.beginning), "AR", says))
                    return
                if not data:
                    if frames.is_partial:
                        await self._note("unfinished messages", "a message began and did not come to its end.")
                    return
        finally:
            if frames.garbage:
                await self._note(
                    "bytes between messages", f"{frames.garbage} bytes belonged to no message.", frames.garbage
                )

    async def _answer(self, body: bytes, allowed: Allowed) -> Answered:
        try:
            answered = await self._use(lambda connection: self._received(connection, body, allowed))
        except (sqlite3.Error, PatientsError) as error:
            return self._not_kept(body, str(error))
        except Exception as error:  # ours: no partner is left without an answer for it; nothing of the content is told
            return self._not_kept(body, f"an error of the program ({type(error).__name__})")
        assert answered is not None
        self.counts[answered.code] += 1
        # What the answer says may quote the message, and so a patient: `acquire order messages` shows it.
        log.info(
            "message", sender=answered.sender, control_id=answered.control_id, answer=answered.code,
            repeat=answered.is_repeat,
        )  # fmt: skip
        return answered

    def _not_kept(self, body: bytes, why: str) -> Answered:
        self.counts["not kept"] += 1
        log.warning("a message cannot be kept now", why=why)
        return cannot_be_kept(body)

    def _received(self, connection: sqlite3.Connection, body: bytes, allowed: Allowed) -> Answered:
        with patients_of(self._store, self._loaded.config.patients, self._loaded.path.parent) as patients:
            answered = receive(connection, patients, body, self._site, allowed)
        if answered.code != "AA":
            with transaction(connection):
                says = without_identity(answered.says, body)  # an alarm is in every copy of the store
                raise_alarm(connection, "order message refused", answered.sender or "unknown", says)
        return answered

    async def _send(self, writer: asyncio.StreamWriter, body: bytes) -> bool:
        """Whether the partner took it in time."""
        writer.write(BEGIN + body + END + AFTER)
        try:
            async with asyncio.timeout(READ_WITHIN_S):
                await writer.drain()
        except TimeoutError:
            await self._note("answers not read", f"an answer was not read within {READ_WITHIN_S:g} s.")
            return False
        return True

    async def _note(self, what: str, says: str, number: int = 1) -> None:
        """Count it, and keep it as an alarm, where the store can."""
        self.counts[what] += number
        log.warning(what, says=says)

        def noted(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                raise_alarm(connection, ALARM, what, says)

        with suppress(sqlite3.Error):
            await self._use(noted)

    def _allowed(self, writer: asyncio.StreamWriter) -> Allowed:
        """Which senders may use a connection: with TLS, those of its certificate's name."""
        told = writer.get_extra_info("peercert") or {}
        names = {value for part in told.get("subject", ()) for key, value in part if key == "commonName"}
        senders = self._orders.sender

        def allowed(application: str, facility: str) -> bool:
            return not senders or any(
                each.application == application
                and each.facility in ("", facility)
                and (each.certificate is None or each.certificate in names)
                for each in senders
            )

        return allowed


def _tls(tls: OrdersTls, folder: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(folder / tls.ca_file))
    context.verify_flags |= SAME_ON_EACH_PYTHON
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(folder / tls.cert_file, folder / tls.key_file)
    return context
