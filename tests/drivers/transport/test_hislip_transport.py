"""HiSLIP without VISA, against an end of the tests' own (IVI-6.1) that says what it is told to say."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wires import SERIAL, Carried
from wires import Instrument as Echo

from drivers import LinkDown, ReplyTimeout
from drivers.link import Link
from drivers.replies import Line, Until
from drivers.transport import hislip
from drivers.transport.hislip import HislipTransport
from drivers.transport.hislip_channel import Channel, Head
from drivers.transport.resource import open_transport
from simulators.hislip import HislipPort

Heard = tuple[int, int, int, bytes]
FIRST = 0xFFFFFF00


def message(kind: int, control: int = 0, parameter: int = 0, payload: bytes = b"") -> bytes:
    return struct.pack(">2sBBIQ", b"HS", kind, control, parameter, len(payload)) + payload


class End:
    """Begins a connection as it should, unless it is told what to say instead; keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.replies = {0: message(1, 0, 0x01000007), 17: message(18), 15: message(16, payload=(40).to_bytes(8, "big"))}
        self.resource = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while True:
                mark, kind, control, parameter, length = struct.unpack(">2sBBIQ", await reader.readexactly(16))
                assert mark == b"HS"
                self.heard.append((kind, control, parameter, await reader.readexactly(length)))
                writer.write(self.replies.get(kind, b""))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @property
    def sent(self) -> list[Heard]:
        """Data that came, without how the connection began."""
        return [each for each in self.heard if each[0] in {6, 7}]

    def say(self, *messages: bytes) -> None:
        self.writers[0].write(b"".join(messages))


@asynccontextmanager
async def end() -> AsyncIterator[End]:
    it = End()
    server = await asyncio.start_server(it.serve, "127.0.0.1", 0)
    it.resource = f"TCPIP::127.0.0.1::hislip0,{server.sockets[0].getsockname()[1]}::INSTR"
    try:
        yield it
    finally:
        server.close()
        for writer in it.writers:
            writer.close()
            await writer.wait_closed()


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[Link, End]]:
    async with end() as it:
        link = Link(open_transport(it.resource, SERIAL), name="link")
        await link.open()
        yield link, it
        await link.close()


async def test_a_connection_begins_as_the_protocol_says() -> None:
    async with opened() as (_, it):
        assert it.heard == [
            (0, 0, 0x01007878, b"hislip0"), (17, 0, 7, b""), (15, 0, 0, (1 << 20).to_bytes(8, "big")),
        ]  # fmt: skip


async def test_a_message_goes_out_in_pieces_that_the_instrument_takes_and_says_what_was_delivered() -> None:
    async with opened() as (link, it):
        it.replies[7] = message(7, 0, FIRST, b"1\n")
        assert await link.exchange(b"first?\n", Line(), timeout_s=5) == b"1"
        it.replies[7] = message(7, 0, FIRST + 4, b"2\n")
        assert await link.exchange(b"x" * 30 + b"?\n", Line(), timeout_s=5) == b"2"
        assert it.sent == [
            (7, 0, FIRST, b"first?\n"), (6, 1, FIRST + 2, b"x" * 24), (7, 0, FIRST + 4, b"x" * 6 + b"?\n"),
        ]  # fmt: skip


async def test_an_answer_to_an_older_message_is_dropped() -> None:
    async with opened() as (link, it):
        with pytest.raises(ReplyTimeout):
            await link.exchange(b"slow?\n", Line(), timeout_s=0.02)
        it.replies[7] = message(7, 0, FIRST, b"late\n") + message(13) + message(7, 0, FIRST + 2, b"right\n")
        with link.recovering():
            await link.drain(0.01)
            assert await link.exchange(b"now?\n", Line(), timeout_s=5) == b"right"
        assert it.sent[-1][1] == 0, "nothing of the answer before was delivered"
        it.replies[7] = message(7, 0, 0xFFFFFFFF, b"of no number\n")
        assert await link.exchange(b"again?\n", Line(), timeout_s=5) == b"of no number"
        assert it.sent[-1][1] == 1
        assert link.stray == 0


@pytest.mark.parametrize(
    ("kind", "said", "why"),
    [
        (0, message(2, 4), "another program holds it"),
        (0, message(2, 3, 0, b"no such thing"), "it says 'no such thing'"),
        (0, message(99), "no answer to how a connection begins"), (0, b"HTTP/1.1 400 Bad", "no message of HiSLIP"),
        (17, message(2, 3), "it says error 3 of HiSLIP"), (15, message(3, 1), "it says error 1 of HiSLIP"),
        (17, b"", r"no answer in 0\.05 s"),
    ],
)  # fmt: skip
async def test_a_connection_that_does_not_begin_says_why(
    kind: int, said: bytes, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hislip, "OPENED_S", 0.05 if not said else 5.0)
    async with end() as it:
        it.replies[kind] = said
        transport = open_transport(it.resource, SERIAL)
        with pytest.raises(LinkDown, match=f"cannot be opened: .*{why}"):
            await transport.open()
        await transport.close()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (message(2, 1), "it says error 1 of HiSLIP"),
        (message(3, 4, 0, b"too large" * 60), "it says 'too large"),
        (b"nonsense" * 3, "no message of HiSLIP"),
    ],
)
async def test_an_error_of_the_other_end_is_a_lost_link(said: bytes, why: str) -> None:
    async with opened() as (link, it):
        it.replies[7] = said
        with pytest.raises(LinkDown, match=f"is gone: .*{why}"):
            await link.exchange(b"a?\n", Line(), timeout_s=5)


@pytest.mark.parametrize("which", [0, 1])
async def test_vanish_without_one_of_its_connections_it_is_lost(which: int) -> None:
    async with opened() as (link, it):
        asking = asyncio.create_task(link.exchange(b"a?\n", Line(), timeout_s=5))
        await asyncio.sleep(0.001)
        it.writers[which].close()
        with pytest.raises(LinkDown, match="the other end closed the connection"):
            await asking
        with pytest.raises(LinkDown):
            await link.send(b"b\n")


async def test_what_else_it_says_means_nothing() -> None:
    async with opened() as (link, it):
        it.say(message(99, 1, 2, b"of its own"), message(20, 0x40))
        it.replies[7] = message(7, 0, FIRST, b"1\n")
        assert await link.exchange(b"a?\n", Line(), timeout_s=5) == b"1"


async def test_a_long_message_of_each_end_comes_whole() -> None:
    instrument, port = Echo(), HislipPort("127.0.0.1", 0)
    await port.open(Carried(instrument, port))
    link = Link(open_transport(port.resource, SERIAL), name="link")
    await link.open()
    text = b"x" * 200_000 + b"?"
    assert await link.exchange(text + b"\n", Until(b"\r\n"), timeout_s=5) == b"200001:" + text
    await link.close()
    await port.close()


STREAM = message(7, 0, 1, b"abc") + message(14, 1, 2) + message(6, 0, 3, b"defghij") + message(3, 4, 0, b"said")


@given(st.lists(st.integers(1, len(STREAM) - 1), max_size=8))
def test_messages_are_the_same_in_whatever_pieces_they_come(breaks: list[int]) -> None:
    found: dict[Head, bytes] = {}
    wholes: list[Head] = []

    def hear(head: Head, payload: bytes, whole: bool) -> None:
        found[head] = found.get(head, b"") + payload
        wholes.extend([head] * whole)

    channel = Channel(hear, lambda _: None)
    at = [0, *sorted(set(breaks)), len(STREAM)]
    for begin, stop in pairwise(at):
        channel.data_received(STREAM[begin:stop])
    assert [(head.kind, said) for head, said in found.items()] == [
        (7, b"abc"),
        (14, b""),
        (6, b"defghij"),
        (3, b"said"),
    ]
    assert wholes == list(found)


@given(st.lists(st.binary(max_size=40) | st.just(STREAM), max_size=6))
def test_whatever_comes_is_taken_or_ends_the_connection(pieces: list[bytes]) -> None:
    ended: list[Exception | None] = []
    taken = 0

    def hear(head: Head, payload: bytes, whole: bool) -> None:
        nonlocal taken
        taken += len(payload)

    channel = Channel(hear, ended.append)
    for piece in pieces:
        channel.data_received(piece)
        if ended:
            break
    assert taken <= sum(map(len, pieces))
    assert len(ended) <= 1


async def test_a_transport_that_is_not_open_says_so() -> None:
    transport = HislipTransport("host", 4880, "hislip0", "TCPIP::host::hislip0")
    for use in (transport.write(b"x"), transport.read_some()):
        with pytest.raises(LinkDown, match="is not open"):
            await use
    with pytest.raises(LinkDown, match="is not open"):
        transport.pass_to(lambda _: None)
    await transport.close()
