"""TCPIP::HOST::hislip0::INSTR: HiSLIP (IVI-6.1) in synchronized mode on the event loop, with no VISA and no thread.

The instrument sends what it has to say without being asked for it. Each message has a number, and what it says bears
the number of the message that it answers: an answer to an older one is dropped here (IVI-6.1, section 6). Written for
version 1.0 as the protocol is generally known.
"""

from __future__ import annotations

import asyncio

from drivers.errors import LinkDown, shown
from drivers.transport.hislip_channel import (
    ASYNC_INITIALIZE,
    ASYNC_INITIALIZED,
    DATA,
    DATA_END,
    ERROR,
    FATAL_ERROR,
    HEAD,
    INITIALIZE,
    INITIALIZED,
    MAX_SIZE,
    MAX_SIZE_SET,
    Channel,
    Head,
)
from drivers.transport.lan import LanTransport
from drivers.transport.plain import HELD, plain
from drivers.transport.received import Received

OPENED_S = 5.0
VERSION, VENDOR = 0x0100, int.from_bytes(b"xx", "big")  # no vendor of ours is registered with the IVI Foundation
LARGEST = 1 << 20  # bytes of a message that is taken here
FIRST_NUMBER, ANY_NUMBER = 0xFFFFFF00, 0xFFFFFFFF
TOO_MANY_CLIENTS = 4  # of a fatal error, table 14


class HislipTransport(LanTransport):
    """resource: its name in sentences."""

    def __init__(self, host: str, port: int, sub_address: str, resource: str) -> None:
        super().__init__(resource)
        self._host, self._port = host.removeprefix("[").removesuffix("]"), port
        self._sub_address = sub_address
        self._messages = self._aside = Channel(self._hear, self._ended)
        self._answer: asyncio.Future[tuple[Head, bytes]] | None = None  # while it is being opened
        self._most = LARGEST
        self._number = self._last = FIRST_NUMBER
        self._delivered = False  # whether the last answer was taken whole, since something was sent

    async def open(self) -> None:
        """Both connections, within five seconds. Raises LinkDown, naming why."""
        try:
            async with self._opening(OPENED_S):
                await self._begin()
        finally:
            self._answer = None
            if self._lost is not None:
                self._hang_up()

    async def write(self, data: bytes) -> None:
        """Send one message, in as many pieces as the instrument needs. Raises LinkDown."""
        if self._lost is not None:
            raise self._lost
        most = self._most - HEAD.size
        try:
            for at in range(0, len(data), most):
                self._send(DATA_END if at + most >= len(data) else DATA, data[at : at + most])
        except ConnectionError as error:
            raise LinkDown(f"{self._resource} is gone: {plain(error)}.") from error

    async def close(self) -> None:
        """Close both. Never raises."""
        self._lose(LinkDown(f"{self._resource} was closed."))
        self._hang_up()
        await asyncio.sleep(0)  # the event loop lets them go

    # --- opening ------------------------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        self._messages = self._aside = await self._connected()
        name = self._sub_address.encode()
        head, _ = await self._asked(INITIALIZE, INITIALIZED, VERSION << 16 | VENDOR, name)
        self._aside = await self._connected()
        await self._asked(ASYNC_INITIALIZE, ASYNC_INITIALIZED, head.parameter & 0xFFFF)
        _, size = await self._asked(MAX_SIZE, MAX_SIZE_SET, 0, LARGEST.to_bytes(8, "big"))
        self._most = max(HEAD.size + 1, min(LARGEST, int.from_bytes(size, "big")))
        self._number = self._last = FIRST_NUMBER
        self._reader, self._lost, self._delivered = Received(), None, False
        self._reader.watch(self._messages.line)

    async def _connected(self) -> Channel:
        loop = asyncio.get_running_loop()
        _, channel = await loop.create_connection(lambda: Channel(self._hear, self._ended), self._host, self._port)
        return channel

    async def _asked(self, kind: int, wanted: int, parameter: int, payload: bytes = b"") -> tuple[Head, bytes]:
        """Raises ConnectionError for another answer than the one that is wanted."""
        self._answer = asyncio.get_running_loop().create_future()
        self._aside.send(kind, 0, parameter, payload)
        head, said = await self._answer
        if head.kind != wanted:
            raise ConnectionRefusedError(_refusal(head, said))
        return head, said

    def _send(self, kind: int, data: bytes) -> None:
        """RMT-delivered, in the control code, says that the answer before was taken whole."""
        delivered, self._delivered = self._delivered, False
        self._last, self._number = self._number, (self._number + 2) & 0xFFFFFFFF
        self._messages.send(kind, int(delivered), self._last, data)

    # --- what comes ---------------------------------------------------------------------------------------------------

    def _hear(self, head: Head, payload: bytes, whole: bool) -> None:
        if self._answer is not None:
            if not self._answer.done():
                self._answer.set_result((head, payload))
        elif head.kind in {DATA, DATA_END}:
            self._take(head, payload, whole)
        elif head.kind in {ERROR, FATAL_ERROR}:
            self._lose(LinkDown(f"{self._resource} is gone: {_refusal(head, payload)}."))
            self._hang_up()

    def _take(self, head: Head, payload: bytes, whole: bool) -> None:
        """What answers an older message is dropped."""
        if head.parameter not in {self._last, ANY_NUMBER} or self._reader is None:
            return
        self._delivered = whole and head.kind == DATA_END
        if payload:
            self._reader.feed_data(payload)

    # --- the end ------------------------------------------------------------------------------------------------------

    def _ended(self, why: Exception | None) -> None:
        """One of the connections has ended: the other is of no use without it."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(why or ConnectionResetError("the other end closed the connection"))
        said = plain(why) if why is not None else "the other end closed the connection"
        self._lose(LinkDown(f"{self._resource} is gone: {said}."))
        self._hang_up()

    def _lose(self, why: LinkDown) -> None:
        if self._lost is None and self._reader is not None:
            self._lost = why
            self._reader.feed_eof()

    def _hang_up(self) -> None:
        self._messages.close()
        self._aside.close()


def _refusal(head: Head, said: bytes) -> str:
    """Why the instrument ends it, in its own words where it has some."""
    if head.kind == FATAL_ERROR and head.control == TOO_MANY_CLIENTS:
        return HELD
    if head.kind in {ERROR, FATAL_ERROR}:
        return f"it says '{shown(said)}'" if said else f"it says error {head.control} of HiSLIP"
    return "what it said is no answer to how a connection begins"
