"""Every transport carries the same bytes in the same way, over a socket of this computer or a pty."""

from __future__ import annotations

import asyncio
import socket

import pytest
from wires import BLOCK, LINES, MESSAGES, SERIAL, SERVERS, SOCKETS, Instrument, named, on_a_socket, reachable

from drivers import LinkDown, ReplyTimeout
from drivers.discovery import discover
from drivers.link import Link
from drivers.replies import Block, Line, Until
from drivers.transport import visa
from drivers.transport.resource import open_transport

pytestmark = [  # pyserial's client of RFC 2217 names its thread as one did before Python 3.10
    pytest.mark.filterwarnings("ignore:setDaemon:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:setName:DeprecationWarning"),
]
EVERY = [*LINES, *SOCKETS, *SERVERS, *MESSAGES]
EXCLUSIVE = [*LINES, *MESSAGES]  # who opens it a second time is refused; a TCP port leaves that to its other end


@pytest.mark.parametrize("form", EVERY)
async def test_requests_and_replies_over(form: str) -> None:
    instrument = Instrument()
    async with reachable(form, instrument) as (resource, _):
        link = Link(open_transport(resource, SERIAL), name=resource)
        for _ in range(2):  # a second opening is as good as the first
            await link.open()
            for text in (b"*CLS?", b"x" * 3000 + b"?", b"\x00\xff?"):
                assert await link.exchange(text + b"\n", Until(b"\r\n"), timeout_s=5) == b"%d:%s" % (len(text), text)
            await link.close()
        assert instrument.asked == [b"*CLS?", b"x" * 3000 + b"?", b"\x00\xff?"] * 2
        assert link.stray == 0


@pytest.mark.parametrize("form", EVERY)
async def test_cancelled_reads_lose_no_byte_over(form: str) -> None:
    async with reachable(form, Instrument()) as (resource, _):
        transport = open_transport(resource, SERIAL)
        await transport.open()
        for _ in range(3):
            reading = asyncio.create_task(transport.read_some())
            await asyncio.sleep(0)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
        for text in (b"first\n", b"second\n") if form not in MESSAGES else (b"first;second\n",):
            await transport.write(text)
        wanted = b"5:first\r\n6:second\r\n" if form not in MESSAGES else b"12:first;second\r\n"
        got = b""
        async with asyncio.timeout(5):
            while got != wanted:
                reading = asyncio.create_task(transport.read_some())
                done, _pending = await asyncio.wait({reading}, timeout=0.002)
                if done:
                    got += reading.result()
                else:
                    reading.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await reading
        await transport.close()


@pytest.mark.parametrize("form", EVERY)
async def test_closing_ends_a_pending_read_over(form: str) -> None:
    async with reachable(form, Instrument()) as (resource, _):
        transport = open_transport(resource, SERIAL)
        await transport.open()
        reading = asyncio.create_task(transport.read_some())
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await transport.close()
            with pytest.raises(LinkDown):
                await reading
        await transport.close()
        with pytest.raises(LinkDown):
            await transport.write(b"after\n")
        with pytest.raises(LinkDown):
            await transport.read_some()


@pytest.mark.parametrize("form", EVERY)
async def test_vanish_read_is_noticed_over(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visa, "MESSAGE_MS", 200)  # the backend waits so long when it was in the middle of a call
    async with reachable(form, Instrument()) as (resource, unplug):
        link = Link(open_transport(resource, SERIAL), name=resource)
        await link.open()
        assert await link.exchange(b"a\n", Until(b"\r\n"), timeout_s=5) == b"1:a"
        asking = asyncio.create_task(link.exchange(b"mute?\n", Until(b"\r\n"), timeout_s=5))
        await asyncio.sleep(0)
        unplug()
        with pytest.raises(LinkDown):
            await asking
        with pytest.raises(LinkDown):
            await link.exchange(b"a\n", Until(b"\r\n"), timeout_s=5)
        await link.close()


@pytest.mark.parametrize("form", EVERY)
async def test_vanish_open_is_one_plain_sentence_over(form: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    resource = f"tcp:127.0.0.1:{port}" if form == SOCKETS[0] else form.replace("ttyX", "tty-that-is-not-there")
    if form in (*SOCKETS[1:], *SERVERS):
        resource = named(form, port)
    if form in MESSAGES:
        resource = form.replace("::H", "::127.0.0.1").replace(",P", f",{port}")
    transport = open_transport(resource, SERIAL)
    with pytest.raises(LinkDown, match=r"cannot be opened|can be reached"):
        await transport.open()
    await transport.close()


@pytest.mark.parametrize("form", EVERY)
async def test_a_block_longer_than_a_message_comes_whole_over(form: str) -> None:
    instrument = Instrument()
    if form not in MESSAGES:
        instrument.block = BLOCK[:10_240]  # streams have no messages; some backends go byte by byte
    async with reachable(form, instrument) as (resource, _):
        link = Link(open_transport(resource, SERIAL), name=resource)
        await link.open()
        assert await link.exchange(b"block?\n", Block(), timeout_s=60) == instrument.block
        assert await link.exchange(b"b?\n", Line(), timeout_s=30) == b"2:b?"
        await link.close()


@pytest.mark.parametrize("form", EVERY)
async def test_requests_of_several_tasks_are_carried_out_in_turn_over(form: str) -> None:
    async with reachable(form, Instrument()) as (resource, _):
        link = Link(open_transport(resource, SERIAL), name=resource)
        await link.open()
        texts = [b"%d?" % n for n in range(20)]
        asking = [link.exchange(text + b"\n", Until(b"\r\n"), timeout_s=5) for text in texts]
        assert await asyncio.gather(*asking) == [b"%d:%s" % (len(text), text) for text in texts]
        await link.close()


@pytest.mark.parametrize("form", EXCLUSIVE)
async def test_a_port_that_is_taken_is_refused_and_had_when_it_is_free_over(form: str) -> None:
    async with reachable(form, Instrument()) as (resource, _):
        first, second = (Link(open_transport(resource, SERIAL), name=resource) for _ in range(2))
        await first.open()
        with pytest.raises(LinkDown, match=r"another (program|client) holds it"):
            await second.open()
        assert await first.exchange(b"a?\n", Until(b"\r\n"), timeout_s=5) == b"2:a?"
        await first.close()
        await asyncio.sleep(0.01)  # the other end has seen it
        await second.open()
        assert await second.exchange(b"b?\n", Until(b"\r\n"), timeout_s=5) == b"2:b?"
        await second.close()


@pytest.mark.parametrize("form", EVERY)
async def test_after_a_time_out_the_line_is_drained_and_goes_on_over(form: str) -> None:
    async with reachable(form, Instrument()) as (resource, _):
        link = Link(open_transport(resource, SERIAL), name=resource)
        await link.open()
        with pytest.raises(ReplyTimeout):
            await link.exchange(b"mute?\n", Until(b"\r\n"), timeout_s=0.05)
        assert link.in_doubt
        with link.recovering():
            await link.drain(0.03)
            assert await link.exchange(b"a?\n", Until(b"\r\n"), timeout_s=5) == b"2:a?"
        assert await link.exchange(b"b?\n", Until(b"\r\n"), timeout_s=5) == b"2:b?"
        assert link.stray == 0
        await link.close()


async def test_closing_one_visa_resource_or_looking_round_leaves_the_other_open() -> None:
    async with on_a_socket(Instrument()) as (port, _):
        links = [Link(open_transport(f"TCPIP::127.0.0.1::{port}::SOCKET", SERIAL), name=n) for n in ("one", "two")]
        for link in links:
            await link.open()
        await links[0].close()
        await discover()
        assert await links[1].exchange(b"b\n", Until(b"\r\n"), timeout_s=5) == b"1:b"
        await links[1].close()


async def test_loop_and_spy_urls_reach_pyserial() -> None:
    for url in ("loop://", "pyserial:loop://"):
        link = Link(open_transport(url, SERIAL), name=url)
        await link.open()
        assert await link.exchange(b"back\n", Until(b"\n"), timeout_s=5) == b"back"
        await link.close()
