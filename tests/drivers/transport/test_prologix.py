"""An instrument behind a Prologix adapter: asked, read when it has something to say, and never otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from fake_prologix import IDENTITY, LONG, VERSION, FakePrologix, on_a_pty, on_tcp
from waiting import until
from wires import SERIAL, Instrument, on_a_socket

from drivers import LinkDown, ReplyTimeout
from drivers.link import Link
from drivers.replies import Line
from drivers.transport import prologix, prologix_adapter
from drivers.transport.memory import MemoryTransport
from drivers.transport.prologix import PrologixTransport
from drivers.transport.prologix_adapter import escaped
from drivers.transport.question import asks
from drivers.transport.resource import open_transport

REPLY = b"-000.0045E-09NCOUL,+%05dRDNG#"


@pytest.fixture(autouse=True)
def scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prologix, "POLL_S", 0.001)
    monkeypatch.setattr(prologix_adapter, "SETTLE_S", 0.005)


@asynccontextmanager
async def linked(fake: FakePrologix, wire: Callable = on_tcp) -> AsyncIterator[tuple[Link, Callable[[], None]]]:
    """(open link, unplug)."""
    async with wire(fake) as (resource, unplug):
        link = Link(open_transport(resource, SERIAL), name="6517")
        try:
            await link.open()
            yield link, unplug
        finally:
            await link.close()


ADAPTERS = {
    "a Prologix": {},
    "byte by byte": {"piece": 1},
    "without ++spoll": {"polls": False},
    "without ++eot": {"marks": False},
    "without both": {"polls": False, "marks": False},
}


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("wire", [on_tcp, on_a_pty])
async def test_a_6517_is_identified_set_and_read_however_long_a_reading_takes(wire: Callable, adapter: str) -> None:
    fake = FakePrologix(**ADAPTERS[adapter])
    async with linked(fake, wire) as (link, _):
        assert await link.exchange(b"*IDN?\r\n", Line(), timeout_s=5) == IDENTITY
        await link.send(b":SENS:FUNC 'CHAR'\n")
        for n in (1, 2, 3):  # each takes 5 s of its time, longer than any read of the adapter
            assert await link.exchange(b":SENS:DATA:FRES?\n", Line(), timeout_s=5) == REPLY % n
        assert await link.exchange(b":SYST:ERR?\n", Line(), timeout_s=5) == b'0,"an error"'
        assert (link.stray, link.in_doubt) == (0, False)
    assert fake.instrument.errors == []
    assert fake.instrument.heard[:2] == [b"*IDN?\n", b":SENS:FUNC 'CHAR'\n"]
    assert not fake.polls or fake.instrument.read_in_vain == 0


async def test_everything_that_matters_is_set_and_nothing_is_saved() -> None:
    fake = FakePrologix()
    async with linked(fake):
        assert fake.commands[0] == b"savecfg 0"
        assert fake.set == {"savecfg": "0", "mode": "1", "auto": "0", "addr": "27", "eoi": "1", "eos": "2",
                            "eot_enable": "1", "eot_char": "10", "read_tmo_ms": "500"}  # fmt: skip
    assert fake.instrument.heard == []


async def test_what_asks_nothing_is_followed_by_nothing() -> None:
    fake = FakePrologix()
    async with linked(fake) as (link, _):
        before = list(fake.commands)
        for message in (b"*CLS\n", b":DISP:TEXT 'ready?'\n", b':DISP:TEXT "is it?"\n', b"\n"):
            await link.send(message)
        await until(lambda: len(fake.instrument.heard) == 3)
        await asyncio.sleep(0.01)
        assert fake.commands == before
    assert fake.instrument.errors == []


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        (b"*IDN?", True), (b":DISP:TEXT 'a?'", False), (b':DISP:TEXT "a?"', False), (b"*CLS", False), (b"", False),
        (b":DISP:TEXT 'it is';*OPC?", True), (b":DISP:TEXT \"it's?\";*CLS", False), (b":DISP:TEXT 'open?", False),
        (b":DISP:TEXT 'it''s?'", False), (b":DISP:TEXT 'a';:READ?;:DISP:TEXT 'b'", True),
    ],
)  # fmt: skip
def test_a_message_asks_when_a_question_mark_stands_outside_quotes(message: bytes, answer: bool) -> None:
    assert asks(message) is answer


def test_escaping_is_the_manuals_example() -> None:
    data = bytes([0, 1, 2, 13, 3, 10, 4, 27, 5, 43, 6])
    assert escaped(data) == bytes([0, 1, 2, 27, 13, 3, 27, 10, 4, 27, 27, 5, 27, 43, 6])


@pytest.mark.parametrize("message", [b"++addr 3", b"A +1.5E+3", b"A\x1bB", b"A\rB\nC", b"+", b"\x1b+"])
async def test_every_byte_of_a_message_reaches_the_instrument_and_none_the_adapter(message: bytes) -> None:
    fake = FakePrologix()
    async with linked(fake) as (link, _):
        await link.send(message + b"\r\n")
        await until(lambda: fake.instrument.heard)
        assert fake.instrument.heard == [message + b"\n"]
        assert fake.set["addr"] == "27"


@pytest.mark.parametrize("piece", [1, 7, 4096])
@pytest.mark.parametrize(
    ("query", "reply"),
    [
        (b"LONG?", LONG), (b"BARE?", b"ended by EOI alone"), (b"CRLF?", b"ended by CR LF"), (b"NUMBER?", b"16"),
        (b"SLOW?", b"the first half, the second"),
    ],
)  # fmt: skip
async def test_a_reply_comes_whole_and_once(query: bytes, reply: bytes, piece: int) -> None:
    fake = FakePrologix(piece=piece)
    async with linked(fake) as (link, _):
        for _ in range(2):
            assert await link.exchange(query + b"\n", Line(), timeout_s=10) == reply
        assert link.stray == 0
    assert fake.instrument.errors == []


async def test_what_the_adapter_says_itself_is_never_the_instruments() -> None:
    fake = FakePrologix()
    fake.before = b"ser2net banner\r\n" + VERSION + b"16\r\nleft over from an earlier program"
    async with linked(fake) as (link, _):
        await fake._write(b"Unrecognized command\r\n" + VERSION)  # while nothing is asked
        await asyncio.sleep(0.01)
        assert await link.exchange(b"NUMBER?\n", Line(), timeout_s=5) == b"16"
        assert link.stray == 0


async def test_a_late_reply_is_not_lost_and_not_the_answer_to_the_next_request() -> None:
    fake = FakePrologix()
    async with linked(fake) as (link, _):
        with pytest.raises(ReplyTimeout):
            await link.exchange(b":SENS:DATA:FRES?\n", Line(), timeout_s=0.005)
        await until(lambda: link._buffer.endswith(b"\n"), what="the late reply")
        with link.recovering():
            assert await link.drain(quiet_s=0.01) == REPLY % 1
        assert await link.exchange(b"*IDN?\n", Line(), timeout_s=5) == IDENTITY
    assert fake.instrument.errors == []


async def test_a_message_in_the_meantime_ends_the_reply_and_it_is_not_read() -> None:
    fake = FakePrologix()
    fake.instrument.reading_s = 3600.0  # it is not there yet, however late the message comes
    async with linked(fake) as (link, _):
        with pytest.raises(ReplyTimeout):
            await link.exchange(b":SENS:DATA:FRES?\n", Line(), timeout_s=0.005)
        with link.recovering():
            await link.send(b"*CLS\n")
            assert await link.drain(quiet_s=0.05) == b""
        assert await link.exchange(b"*IDN?\n", Line(), timeout_s=5) == IDENTITY
    assert fake.instrument.errors == [-410]  # the interruption is ours, no read without need follows it
    assert fake.instrument.read_in_vain == 0


class ByHand:
    """A transport over a wire whose other end is played by the test, one answer at a time."""

    def __init__(self) -> None:
        ours, self.theirs = MemoryTransport.pair()
        self.transport = PrologixTransport(ours, 27, "here")
        self.asked = b""

    async def hear(self, end: bytes) -> None:
        async with asyncio.timeout(5):
            while not self.asked.endswith(end):
                self.asked += await self.theirs.read_some()

    async def answer(self, end: bytes, with_: bytes) -> None:
        await self.hear(end)
        await self.theirs.write(with_)

    async def open(self) -> None:
        opening = asyncio.create_task(self.transport.open())
        await self.answer(b"++ver\n", VERSION)
        await self.answer(b"\n++ver\n++ver\n", VERSION)
        await self.answer(b"++spoll\n++ver\n", b"0\r\n" + VERSION)
        await opening


async def test_a_message_between_the_poll_and_the_read_prevents_the_read() -> None:
    by_hand = ByHand()
    await by_hand.open()
    await by_hand.transport.write(b"A?\n")
    await by_hand.hear(b"A?\n++spoll\n++ver\n")
    await by_hand.transport.write(b"*CLS\n")
    await by_hand.theirs.write(b"16\r\n" + VERSION)
    await by_hand.transport.write(b"B?\n")
    await by_hand.answer(b"B?\n++spoll\n++ver\n", b"0\r\n" + VERSION)
    assert b"++read eoi" not in by_hand.asked
    await by_hand.transport.close()


async def test_a_line_end_of_the_adapter_that_comes_late_is_not_the_instruments() -> None:
    by_hand = ByHand()
    await by_hand.open()
    await by_hand.transport.write(b"A?\n")
    await by_hand.answer(b"A?\n++spoll\n++ver\n", b"16\r\n" + VERSION.rstrip())
    await by_hand.answer(b"++read eoi\n++ver\n", b"\r\n" + b"reply\n" + b"\n" + VERSION)
    assert await by_hand.transport.read_some() == b"reply\n"
    await by_hand.transport.close()


async def test_an_instrument_is_polled_with_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prologix, "POLL_S", 0.01)
    fake = FakePrologix()
    async with linked(fake) as (link, _):
        assert await link.exchange(b":SENS:DATA:FRES?\n", Line(), timeout_s=5) == REPLY % 1  # after 25 ms
    assert 2 <= fake.commands.count(b"spoll") <= 5


async def test_an_instrument_that_is_switched_on_later_answers_then() -> None:
    fake = FakePrologix()
    async with linked(fake) as (link, _):
        fake.instrument.on = False
        with pytest.raises(ReplyTimeout):
            await link.exchange(b"*IDN?\n", Line(), timeout_s=0.03)
        fake.instrument.on = True
        with link.recovering():
            assert await link.exchange(b"*IDN?\n", Line(), timeout_s=5) == IDENTITY
    assert fake.instrument.errors == []


async def test_vanish_read_of_the_adapter_is_a_lost_link() -> None:
    for message in (b"*CLS\n", b":SENS:DATA:FRES?\n"):
        async with linked(FakePrologix()) as (link, unplug):
            await link.send(message)
            unplug()
            with pytest.raises(LinkDown, match=r"closed the connection|was lost"):
                await link.listen(Line(), within_s=5)


async def test_hang_of_the_adapter_is_a_lost_link(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakePrologix()
    async with linked(fake) as (link, _):
        monkeypatch.setattr(prologix_adapter, "ANSWER_S", 0.02)
        fake.mute.set()
        with pytest.raises(LinkDown, match=r"the adapter has not answered for 0\.02 s"):
            await link.exchange(b"*IDN?\n", Line(), timeout_s=5)


async def test_the_beginning_of_a_reply_comes_before_the_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakePrologix(scale=20)
    async with on_tcp(fake) as (resource, unplug):
        transport = open_transport(resource, SERIAL)
        await transport.open()
        await transport.write(b"SLOW?\n")
        await until(lambda: b"read eoi" in fake.commands)
        await asyncio.sleep(0.005)
        unplug()
        assert await transport.read_some() == b"the first half, "
        with pytest.raises(LinkDown):
            await transport.read_some()
        await transport.close()


async def test_an_endless_message_is_a_lost_link(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prologix_adapter, "LONGEST", 1000)
    async with linked(FakePrologix(piece=100)) as (link, _):
        with pytest.raises(LinkDown, match="1000 bytes came and no end of them"):
            await link.exchange(b"LONG?\n", Line(), timeout_s=5)


@pytest.mark.scaled_time
async def test_where_no_adapter_is_the_sentence_says_what_came_instead() -> None:
    async with on_a_socket(Instrument()) as (port, _):
        resource = f"prologix:tcp:127.0.0.1:{port}:27"
        transport = open_transport(resource, SERIAL)
        with pytest.raises(LinkDown) as down:
            await transport.open()
        assert str(down.value).startswith(f"{resource}: no Prologix adapter answers ++ver there; it said '11:++savecfg")
        with pytest.raises(LinkDown):
            await transport.write(b"*IDN?\n")
        with pytest.raises(LinkDown):
            await transport.read_some()


async def test_a_port_in_use_is_in_the_sentence() -> None:
    async def in_use(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"Port already in use\r\n")
        writer.close()

    async with await asyncio.start_server(in_use, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(LinkDown) as down:
            await open_transport(f"prologix:tcp:127.0.0.1:{port}:27", SERIAL).open()
    assert "no Prologix adapter answered; " in str(down.value)
    assert str(down.value).endswith("; it said 'Port already in use'.")


async def test_closing_ends_a_pending_read_and_opening_again_is_as_good() -> None:
    fake = FakePrologix()
    async with on_tcp(fake) as (resource, _):
        transport = open_transport(resource, SERIAL)
        for _ in range(2):
            await transport.open()
            await transport.write(b"NUMBER?\n")
            assert await transport.read_some() == b"16\n"
            reading = asyncio.create_task(transport.read_some())
            await asyncio.sleep(0)
            await transport.close()
            with pytest.raises(LinkDown, match="was closed"):
                await reading
        await transport.close()


async def test_a_cancelled_read_loses_no_byte() -> None:
    fake = FakePrologix()
    async with on_tcp(fake) as (resource, _):
        transport = open_transport(resource, SERIAL)
        await transport.open()
        await transport.write(b":SENS:DATA:FRES?\n")
        got = b""
        async with asyncio.timeout(5):
            while not got:
                reading = asyncio.create_task(transport.read_some())
                done, _ = await asyncio.wait({reading}, timeout=0.002)
                if done:
                    got = reading.result()
                else:
                    reading.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await reading
        assert got == REPLY % 1 + b"\n"
        await transport.close()
