"""Frames whatever the chunks, and a link that never takes a late reply for the next answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from drivers.framing import Framer
from hypothesis import given
from hypothesis import strategies as st

from drivers import Garbled, LinkDown, ReplyTimeout
from drivers.link import Link
from drivers.transport.memory import MemoryTransport

TEXT = st.binary(max_size=20).map(lambda b: b.replace(b"\r", b"").replace(b"\n", b""))


ENDS = [b"\r\n", b"\n", b"\r"]


def cut(stream: bytes, at: list[int]) -> list[bytes]:
    """The stream in pieces."""
    cuts = sorted(at)
    return [stream[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]


def joined(frames: list[tuple[bytes, bytes]]) -> bytes:
    """Frames and their ends as one stream. CR before an empty frame that ends in LF would be one CR LF: made LF."""
    stream = b""
    for text, end in frames:
        if (text, end) == (b"", b"\n") and stream.endswith(b"\r"):
            end = b"\r"  # noqa: PLW2901 - the frame stays, its end is another one
        stream += text + end
    return stream


@given(st.lists(st.tuples(TEXT, st.sampled_from(ENDS)), max_size=6), st.lists(st.integers(0, 60), max_size=8))
def test_any_chunking_gives_the_same_frames(frames: list[tuple[bytes, bytes]], at: list[int]) -> None:
    stream = joined(frames)
    framer, got = Framer(), []
    for piece in cut(stream, [min(each, len(stream)) for each in at]):
        got += framer.feed(piece)
    assert got == [text for text, _ in frames]
    assert framer.pending == b""


@given(st.binary(max_size=40), st.lists(st.integers(0, 40), max_size=8))
def test_clearing_between_pieces_makes_no_empty_frame_of_a_late_lf(junk: bytes, at: list[int]) -> None:
    stream = junk.replace(b"\r", b"").replace(b"\n", b"") + b"\r\nB\r\n"
    framer, got = Framer(), []
    for piece in cut(stream, [min(each, len(stream)) for each in at]):
        new = framer.feed(piece)
        got += new
        if not framer.pending:
            assert framer.clear() == b""
    assert got == [stream.split(b"\r")[0], b"B"]


def test_too_much_without_an_end_is_given_back() -> None:
    framer = Framer(limit=10)
    with pytest.raises(OverflowError) as caught:
        framer.feed(b"ok\n" + b"x" * 11)
    assert caught.value.args == (b"x" * 11, [b"ok"])
    assert framer.feed(b"a\n") == [b"a"]


@asynccontextmanager
async def linked(**settings: int) -> AsyncIterator[tuple[Link, MemoryTransport]]:
    ours, theirs = MemoryTransport.pair()
    link = Link(ours, name="test", **settings)
    await link.open()
    try:
        yield link, theirs
    finally:
        await link.close()


async def test_a_reply_is_given_without_its_terminator() -> None:
    async with linked() as (link, device):
        asking = asyncio.create_task(link.exchange(b"Q\n", timeout_s=1))
        assert await device.read_some() == b"Q\n"
        await device.write(b"ans")
        await device.write(b"wer\r")
        await device.write(b"\n")
        assert await asking == b"answer"
        assert not link.dirty
        assert [c.direction for c in link.trace.crossings][:2] == ["sent", "received"]


async def test_the_lf_of_a_reply_that_comes_after_the_next_request_is_not_its_answer() -> None:
    async with linked() as (link, device):
        for number in (b"1", b"2", b"3"):
            asking = asyncio.create_task(link.exchange(b"Q\n", timeout_s=1))
            assert await device.read_some() == b"Q\n"
            if number != b"1":
                await device.write(b"\n")  # the rest of the reply before
            await device.write(number + b"\r")
            assert await asking == number
        assert (link.dirty, link.stray) == (False, 0)


async def test_closing_ends_a_waiting_exchange_and_opening_again_starts_clean() -> None:
    async with linked() as (link, device):
        asking = asyncio.create_task(link.exchange(b"Q\n", timeout_s=5))
        await device.read_some()
        await link.close()
        with pytest.raises(LinkDown):
            await asking
        with pytest.raises(LinkDown):
            await link.send(b"Q\n")
        for _ in range(2):  # without a close in between, too
            await link.open()
            assert not link.dirty
        await link.send(b"hello\n")
        assert await device.read_some() == b"hello\n"


async def test_a_link_that_was_never_opened_says_so() -> None:
    with pytest.raises(LinkDown, match="not open"):
        await Link(MemoryTransport(), name="port").exchange(b"Q\n", timeout_s=1)


async def test_recovering_with_an_error_leaves_the_link_dirty() -> None:
    async with linked() as (link, _):
        with pytest.raises(ReplyTimeout), link.recovering():
            await link.exchange(b"who\n", timeout_s=0.01)
        assert link.dirty


async def test_a_late_reply_is_never_the_answer_to_the_next_request() -> None:
    async with linked() as (link, device):
        with pytest.raises(ReplyTimeout, match=r"no complete reply within 0\.05 s"):
            await link.exchange(b"first\n", timeout_s=0.05)
        assert link.dirty
        await device.write(b"answer to first\n")
        with pytest.raises(ReplyTimeout, match="must be drained"):
            await link.exchange(b"second\n", timeout_s=1)
        with link.recovering():
            await link.drain(0.02)
            asking = asyncio.create_task(link.exchange(b"who\n", timeout_s=1))
            await asyncio.sleep(0)
            while await device.read_some() != b"who\n":
                pass
            await device.write(b"me\n")
            assert await asking == b"me"
        assert not link.dirty
        assert link.stray == len(b"answer to first")


async def test_half_a_reply_then_silence_is_a_timeout_with_its_bytes() -> None:
    async with linked() as (link, device):
        asking = asyncio.create_task(link.exchange(b"Q\n", timeout_s=0.1))
        await device.read_some()
        await device.write(b"+1.23")
        with pytest.raises(ReplyTimeout) as caught:
            await asking
        assert caught.value.raw == b"+1.23"


@pytest.mark.parametrize("stray", [b"unsolicited\n", b"half", b"reply\nreply\n"])
async def test_bytes_nobody_asked_for_stop_the_next_request_and_are_kept(stray: bytes) -> None:
    async with linked() as (link, device):
        await device.write(stray)
        with pytest.raises(ReplyTimeout) as caught:
            await link.exchange(b"Q\n", timeout_s=1)
        assert caught.value.raw == stray.strip()
        assert link.stray > 0
        assert link.trace.crossings[-1].direction == "stray"


async def test_a_duplicate_reply_spoils_only_the_next_request() -> None:
    async with linked() as (link, device):
        asking = asyncio.create_task(link.exchange(b"Q\n", timeout_s=1))
        await device.read_some()
        await device.write(b"1\n1\n")
        assert await asking == b"1"
        with pytest.raises(ReplyTimeout):
            await link.exchange(b"Q\n", timeout_s=1)


async def test_cancelling_in_mid_exchange_makes_the_link_dirty() -> None:
    async with linked() as (link, device):
        asking = asyncio.create_task(link.exchange(b"Q\n", timeout_s=5))
        await device.read_some()
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
        assert link.dirty


async def test_a_reply_without_end_is_garbled_and_kept() -> None:
    async with linked(max_reply=100) as (link, device):
        asking = asyncio.create_task(link.exchange(b"Q\n", timeout_s=1))
        await device.read_some()
        await device.write(b"\x00" * 200)
        with pytest.raises(Garbled) as caught:
            await asking
        assert caught.value.raw == b"\x00" * 200
        assert link.dirty


async def test_a_cut_wire_ends_a_waiting_exchange_and_every_later_one() -> None:
    ours, theirs = MemoryTransport.pair()
    link = Link(ours, name="test")
    await link.open()
    asking = asyncio.create_task(link.exchange(b"Q\n", timeout_s=5))
    await theirs.read_some()
    ours.cut()
    with pytest.raises(LinkDown):
        await asking
    with pytest.raises(LinkDown):
        await link.exchange(b"Q\n", timeout_s=5)
    await link.close()


async def test_two_requests_at_once_are_taken_in_turn() -> None:
    async with linked() as (link, device):

        async def answer() -> None:
            for _ in range(2):
                asked = await device.read_some()
                await device.write(b"re:" + asked)

        answering = asyncio.create_task(answer())
        both = await asyncio.gather(link.exchange(b"a\n", timeout_s=1), link.exchange(b"b\n", timeout_s=1))
        await answering
        assert both == [b"re:a", b"re:b"]
