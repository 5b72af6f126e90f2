"""A link that never takes a late reply for the answer to the next request, and that never waits for ever.

No time is asserted; asyncio.timeout only ends what would otherwise wait for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from drivers import Checked, Exactly, Garbled, Line, LinkDown, ReplyTimeout
from drivers import link as link_module
from drivers.link import Link
from drivers.transport.memory import MemoryTransport

pytestmark = pytest.mark.virtual_time

LINE = Line()
MUST_STOP_WITHIN_S = 5


@asynccontextmanager
async def linked(between: bytes = b"\r\n\x00\x11\x13") -> AsyncIterator[tuple[Link, MemoryTransport]]:
    ours, theirs = MemoryTransport.pair()
    link = Link(ours, name="port", between=between)
    await link.open()
    try:
        yield link, theirs
    finally:
        await link.close()


async def turns(n: int = 10) -> None:
    for _ in range(n):
        await asyncio.sleep(0)


async def asked(link: Link, device: MemoryTransport, *replies: bytes, timeout_s: float = 1) -> bytes:
    """One exchange: the device hears the request and sends its reply in pieces."""
    asking = asyncio.create_task(link.exchange(b"Q\n", LINE, timeout_s=timeout_s))
    assert await device.read_some() == b"Q\n"
    for piece in replies:
        await device.write(piece)
        await asyncio.sleep(0)
    return await asking


async def test_a_reply_is_given_without_its_terminator_and_leaves_no_doubt() -> None:
    async with linked() as (link, device):
        assert await asked(link, device, b"ans", b"wer\r", b"\n") == b"answer"
        assert (link.in_doubt, link.stray) == (False, 0)
        assert [(c.direction, c.data) for c in link.trace.crossings][:2] == [("sent", b"Q\n"), ("received", b"ans")]


async def test_line_ends_and_control_bytes_after_a_reply_are_no_strays() -> None:
    async with linked() as (link, device):
        for end in (b"\n\r", b"\r\x00", b"\r\n\x11", b"\x13\n", b"\r"):
            assert await asked(link, device, b"1" + end) == b"1"
        assert (link.in_doubt, link.stray) == (False, 0)


async def test_the_lf_of_a_reply_that_comes_after_the_next_request_is_not_its_answer() -> None:
    async with linked() as (link, device):
        assert await asked(link, device, b"1\r") == b"1"
        assert await asked(link, device, b"\n", b"2\r") == b"2"
        assert (link.in_doubt, link.stray) == (False, 0)


async def test_of_a_binary_protocol_every_byte_means_something() -> None:
    async with linked(between=b"") as (link, device):
        asking = asyncio.create_task(link.exchange(b"Q", Exactly(2), timeout_s=1))
        assert await device.read_some() == b"Q"
        await device.write(b"\r\n\n")
        assert await asking == b"\r\n"
        with pytest.raises(ReplyTimeout, match=r"'\\x0a' came unasked|'' came unasked") as caught:
            await link.exchange(b"Q", Exactly(2), timeout_s=1)
        assert (caught.value.raw, link.stray) == (b"\n", 1)


async def test_closing_ends_a_waiting_exchange_and_opening_again_starts_clean() -> None:
    async with linked() as (link, device):
        asking = asyncio.create_task(link.exchange(b"Q\n", LINE, timeout_s=5))
        await device.read_some()
        await link.close()
        with pytest.raises(LinkDown, match=r"^port was closed\.$"):
            await asking
        with pytest.raises(LinkDown):
            await link.send(b"Q\n")
        link.doubt()
        for _ in range(2):  # without a close in between, too
            await link.open()
            assert not link.in_doubt
        await link.send(b"hello\n")
        assert await device.read_some() == b"hello\n"


async def test_what_was_half_heard_before_is_no_part_of_what_is_heard_after_opening_again() -> None:
    async with linked() as (link, device):
        await device.write(b"ha")
        await turns()
        await link.open()
        assert link.stray == len(b"ha")
        assert await asked(link, device, b"lf\n") == b"lf"


async def test_a_link_that_was_never_opened_says_so() -> None:
    link = Link(MemoryTransport(), name="port")
    with pytest.raises(LinkDown, match="port is not open"):
        await link.exchange(b"Q\n", LINE, timeout_s=1)
    assert not link.in_doubt


async def test_a_late_reply_is_never_the_answer_to_the_next_request() -> None:
    async with linked() as (link, device):
        with pytest.raises(ReplyTimeout, match=r"^port: no reply within 0\.02 s\.$"):
            await link.exchange(b"first\n", LINE, timeout_s=0.02)
        assert link.in_doubt
        await device.write(b"answer to first\n")
        with pytest.raises(ReplyTimeout, match="'answer to first' came unasked; the line must be drained first"):
            await link.exchange(b"second\n", LINE, timeout_s=1)
        with pytest.raises(ReplyTimeout, match="a reply is owed or was not understood; the line must be drained"):
            await link.send(b"third\n")
        assert link.stray == len(b"answer to first")
        assert await device.read_some() == b"first\n", "nothing else was sent"
        with link.recovering():
            assert await link.drain(0.002) == b""
            assert await asked(link, device, b"me\n") == b"me"
        assert not link.in_doubt


async def test_half_a_reply_then_silence_is_a_time_out_with_its_bytes() -> None:
    async with linked() as (link, device):
        with pytest.raises(ReplyTimeout, match=r"no complete reply, only '\+1\.23', within 0\.02 s") as caught:
            await asked(link, device, b"\r\n\x11+1.23\x13", timeout_s=0.02)
        assert caught.value.raw == b"+1.23"
        assert link.in_doubt


@pytest.mark.parametrize(
    ("stray", "shown"),
    [(b"unsolicited\n", "unsolicited"), (b"half", "half"), (b"a\x11b\n", r"a\\x11b"), (b"a\nb\n", r"a\\x0ab")],
)
async def test_bytes_nobody_asked_for_stop_the_next_request_and_are_kept(stray: bytes, shown: str) -> None:
    async with linked() as (link, device):
        await device.write(stray)
        with pytest.raises(ReplyTimeout, match=f"'{shown}' came unasked") as caught:
            await link.exchange(b"Q\n", LINE, timeout_s=1)
        assert caught.value.raw == stray.strip()
        assert (link.stray, link.in_doubt) == (len(stray.strip()), True)
        assert (link.trace.crossings[-1].direction, link.trace.crossings[-1].data) == ("stray", stray.strip())


async def test_a_duplicate_reply_spoils_only_the_next_request() -> None:
    async with linked() as (link, device):
        assert await asked(link, device, b"1\n1\n") == b"1"
        with pytest.raises(ReplyTimeout, match="'1' came unasked"):
            await link.exchange(b"Q\n", LINE, timeout_s=1)


async def test_cancelling_in_mid_exchange_leaves_a_doubt() -> None:
    async with linked() as (link, device):
        asking = asyncio.create_task(link.exchange(b"Q\n", LINE, timeout_s=5))
        await device.read_some()
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
        assert link.in_doubt


async def test_recovering_with_an_error_leaves_the_doubt() -> None:
    async with linked() as (link, _):
        for error in (ReplyTimeout("late"), ValueError("other"), asyncio.CancelledError()):
            with suppress(type(error)), link.recovering():
                await link.drain(0.002)
                raise error
            assert link.in_doubt
        with pytest.raises(ReplyTimeout, match="must be drained"):
            await link.exchange(b"Q\n", LINE, timeout_s=0.01)


async def test_recovering_without_draining_or_with_a_new_doubt_clears_none() -> None:
    async with linked() as (link, device):
        with link.recovering():
            assert await asked(link, device, b"me\n") == b"me"
        assert link.in_doubt
        with link.recovering():
            await link.drain(0.002)
            link.doubt()
        assert link.in_doubt
        with link.recovering():
            await link.drain(0.002)
            with suppress(ReplyTimeout):
                await link.exchange(b"who\n", LINE, timeout_s=0.01)
        assert link.in_doubt
        with link.recovering():
            await link.drain(0.002)
            await device.write(b"late\n")
            await device.read_some()
            assert await asked(link, device, b"me\n") == b"me", "what came late is thrown away when recovering"
        assert not link.in_doubt


async def test_a_reply_that_made_no_sense_is_counted_and_traced() -> None:
    async with linked() as (link, _):
        link.doubt(b"what")
        assert (link.in_doubt, link.stray) == (True, 4)
        assert (link.trace.crossings[-1].direction, link.trace.crossings[-1].data) == ("stray", b"what")


async def test_as_much_as_the_memory_may_hold_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "LARGEST_REPLY", 100)
    async with linked() as (link, device):
        await device.write(b"x" * 100)
        await turns()
        assert not link.in_doubt
        assert await link.drain(0.002) == b"x" * 100


async def test_a_reply_that_arrives_in_the_turn_of_its_time_out_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    async with linked() as (link, _):

        @asynccontextmanager
        async def just_over(_: float) -> AsyncIterator[None]:
            link._buffer += b"reply\n"
            raise TimeoutError
            yield

        monkeypatch.setattr(link_module.asyncio, "timeout_at", just_over)
        assert await link.listen(LINE, within_s=0.0) == b"reply"


async def test_draining_gives_all_that_comes_until_it_is_quiet_and_clears_no_doubt_by_itself() -> None:
    async with linked() as (link, device):
        link.doubt()
        await device.write(b"\r\none\n")
        await turns()
        draining = asyncio.create_task(link.drain(0.02))
        await turns()
        await device.write(b"two\n")
        assert await draining == b"onetwo"
        assert (link.stray, link.in_doubt) == (6, True)


async def test_draining_a_line_that_never_falls_quiet_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "LONGEST_DRAIN_S", 0.01)
    async with linked() as (link, device):

        async def chatter() -> None:
            while True:
                await device.write(b"x")
                await asyncio.sleep(0.001)

        chattering = asyncio.create_task(chatter())
        async with asyncio.timeout(MUST_STOP_WITHIN_S):
            assert await link.drain(1.0)
        chattering.cancel()
        await asyncio.gather(chattering, return_exceptions=True)


async def test_draining_a_lost_line_ends_at_once() -> None:
    async with linked() as (link, _):
        link._transport.cut()  # type: ignore[attr-defined]  # a memory transport
        await turns()
        async with asyncio.timeout(MUST_STOP_WITHIN_S):
            assert await link.drain(60.0) == b""


async def test_a_request_that_cannot_be_sent_is_a_time_out_and_leaves_a_doubt() -> None:
    link = Link(TakesNothing(), name="line")
    await link.open()
    async with asyncio.timeout(MUST_STOP_WITHIN_S):
        with pytest.raises(ReplyTimeout, match=r"^line: 2 bytes could not be sent within 0\.01 s\.$"):
            await link.exchange(b"Q\n", LINE, timeout_s=0.01)
    assert link.in_doubt
    await link.close()


class TakesNothing(MemoryTransport):
    """A wire whose other end holds the flow."""

    async def write(self, data: bytes) -> None:
        await asyncio.Event().wait()


@pytest.mark.parametrize("cancel", [True, False])
async def test_a_command_sent_by_half_leaves_a_doubt(cancel: bool) -> None:
    link = Link(TakesNothing(), name="line")
    await link.open()
    sending = asyncio.create_task(link.send(b"SET\n", timeout_s=5 if cancel else 0.01))
    await turns()
    if cancel:
        sending.cancel()
    with pytest.raises((asyncio.CancelledError, ReplyTimeout)):
        await sending
    assert link.in_doubt
    await link.close()


async def test_a_reply_without_end_is_garbled_and_its_beginning_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "LARGEST_REPLY", 10_000)
    async with linked() as (link, device):
        with pytest.raises(Garbled, match="port: a reply without an end") as caught:
            await asked(link, device, b"7" * 5000)
        assert (caught.value.raw, link.in_doubt, link.stray) == (b"7" * 4096, True, 5000)


async def test_a_reply_just_below_the_largest_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "LARGEST_REPLY", 100)
    async with linked() as (link, device):
        assert await asked(link, device, b"7" * 49, b"7\n") == b"7" * 50


async def test_chatter_nobody_reads_is_counted_and_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "LARGEST_REPLY", 100)
    async with linked() as (link, device):
        for _ in range(7):
            await device.write(b"x" * 30)
            await turns(2)
        assert link.in_doubt
        with pytest.raises(ReplyTimeout) as caught:
            await link.exchange(b"Q\n", LINE, timeout_s=1)
        assert caught.value.raw == b"x" * 80, "the last half of what was there, and what came since"
        assert link.stray == 7 * 30


async def test_a_shape_that_fails_or_refuses_is_garbled_and_takes_all_away() -> None:
    def fails(reply: bytes) -> bytes:
        return bytes([reply[5]])

    def refuses(reply: bytes) -> bytes:
        raise Garbled("The check sum is wrong.")

    for check, says in (
        (fails, r"An error in the driver \(IndexError: .*\) while cutting a reply"),
        (refuses, "check sum"),
    ):
        async with linked() as (link, device):
            asking = asyncio.create_task(link.exchange(b"Q\n", Checked(LINE, check), timeout_s=1))
            assert await device.read_some() == b"Q\n"
            await device.write(b"abc\r\ndef\r\n")
            with pytest.raises(Garbled, match=says) as caught:
                await asking
            assert (caught.value.raw, link.in_doubt) == (b"abc\r\ndef", True)


async def test_a_cut_wire_ends_a_waiting_exchange_and_every_later_one() -> None:
    async with linked() as (link, device):
        asking = asyncio.create_task(link.exchange(b"Q\n", LINE, timeout_s=5))
        await device.read_some()
        link._transport.cut()  # type: ignore[attr-defined]  # a memory transport
        for _ in range(2):
            with pytest.raises(LinkDown, match=r"^The wire is cut\.$"):
                await asking
            asking = asyncio.create_task(link.exchange(b"Q\n", LINE, timeout_s=5))
        with pytest.raises(LinkDown):
            await asking


@pytest.mark.parametrize("asked_before", [False, True])
async def test_what_the_other_end_said_before_it_hung_up_is_in_the_sentence(asked_before: bool) -> None:
    async with linked() as (link, device):
        if asked_before:
            assert await asked(link, device, b"1\n") == b"1"
        await device.write(b"Port already in use\r\n")
        if asked_before:
            with suppress(ReplyTimeout):
                await link.exchange(b"Q\n", LINE, timeout_s=1)
        link._transport.cut()  # type: ignore[attr-defined]  # a memory transport
        await turns()
        for _ in range(2):
            with pytest.raises(
                LinkDown, match=r"^The wire is cut; before that it said 'Port already in use'\.$"
            ) as caught:
                await link.send(b"Q\n")
            assert caught.value.raw == b"Port already in use"


async def test_what_was_unasked_before_a_good_reply_is_not_what_was_said_last() -> None:
    async with linked() as (link, device):
        await device.write(b"banner\n")
        with link.recovering():
            await link.drain(0.002)
            assert await asked(link, device, b"me\n") == b"me"
        link._transport.cut()  # type: ignore[attr-defined]  # a memory transport
        await turns()
        with pytest.raises(LinkDown, match=r"^The wire is cut\.$"):
            await link.send(b"Q\n")


async def test_a_write_to_a_lost_line_says_what_was_said_before() -> None:
    async with linked() as (link, device):
        await device.write(b"\x11bye\x00\r\n")
        with suppress(ReplyTimeout):
            await link.send(b"Q\n")
        device._cut = True
        with link.recovering(), pytest.raises(LinkDown, match=r"^The wire is cut; before that it said 'bye'\.$"):
            await link.send(b"Q\n")


async def test_only_the_last_of_what_came_unasked_is_kept_for_the_sentence() -> None:
    async with linked() as (link, device):
        await device.write(b"a" * 300 + b"b" * 300)
        await turns()
        await link.drain(0.002)
        link._transport.cut()  # type: ignore[attr-defined]  # a memory transport
        await turns()
        with pytest.raises(LinkDown) as caught:
            await link.send(b"Q\n")
        assert caught.value.raw == b"a" * 100 + b"b" * 300


async def test_what_was_not_read_when_a_link_closes_is_counted() -> None:
    async with linked() as (link, device):
        asking = asyncio.create_task(link.exchange(b"Q\n", LINE, timeout_s=5))
        assert await device.read_some() == b"Q\n"
        await device.write(b"+1.2")
        link._transport.cut()  # type: ignore[attr-defined]  # a memory transport
        with pytest.raises(LinkDown, match=r"it said '\+1\.2'"):
            await asking
        await link.close()
        assert link.stray == len(b"+1.2")
        assert link.trace.crossings[-1].direction == "stray"
        assert not [t for t in asyncio.all_tasks() if t.get_name().startswith("link-")]


async def test_a_reader_that_fails_as_nobody_foresaw_leaves_nobody_waiting_and_closes() -> None:
    class Odd(MemoryTransport):
        async def read_some(self) -> bytes:
            await self._queue.get()
            raise KeyError("unforeseen")

    odd, theirs = Odd(), MemoryTransport()
    odd.peer, theirs.peer = theirs, odd
    link = Link(odd, name="port")
    await link.open()
    asking = asyncio.create_task(link.exchange(b"Q\n", LINE, timeout_s=60))
    await theirs.read_some()
    await theirs.write(b"reply\n")
    async with asyncio.timeout(MUST_STOP_WITHIN_S):
        with pytest.raises(LinkDown, match=r"^port cannot be read any more, by an error in this program\.$"):
            await asking
    await link.close()


async def test_two_requests_at_once_are_taken_in_turn() -> None:
    async with linked() as (link, device):

        async def answer() -> None:
            for _ in range(2):
                heard = await device.read_some()
                await device.write(b"re:" + heard)

        answering = asyncio.create_task(answer())
        both = await asyncio.gather(*(link.exchange(q, LINE, timeout_s=1) for q in (b"a\n", b"b\n")))
        await answering
        assert both == [b"re:a", b"re:b"]


async def test_listening_gives_messages_in_turn_and_nothing_when_none_came_whole() -> None:
    async with linked() as (link, device):
        await device.write(b"one\ntwo\nthr")
        await turns()
        heard = [await link.listen(LINE, within_s=0.0) for _ in range(3)]
        assert heard == [b"one", b"two", None]
        listening = asyncio.create_task(link.listen(LINE, within_s=5))
        await turns()
        await device.write(b"ee\n")
        assert await listening == b"three"
        assert (link.in_doubt, link.stray) == (False, 0)
        link._transport.cut()  # type: ignore[attr-defined]  # a memory transport
        with pytest.raises(LinkDown):
            await link.listen(LINE, within_s=5)


async def test_opening_anew_forgets_what_was_said_before_the_last_loss() -> None:
    async with linked() as (link, device):
        await device.write(b"Port already in use\n")
        await turns()
        await link.open()
        link._transport.cut()  # type: ignore[attr-defined]  # a memory transport
        await turns()
        with pytest.raises(LinkDown, match=r"^The wire is cut\.$"):
            await link.send(b"Q\n")


async def test_a_link_closes_over_a_transport_whose_read_outlives_its_closing() -> None:
    class Stays(MemoryTransport):
        closed = 0

        async def close(self) -> None:
            """Unblocks nobody."""
            self.closed += 1

    transport = Stays()
    link = Link(transport, name="port")
    await link.open()
    asking = asyncio.create_task(link.listen(LINE, within_s=5))
    await turns()
    async with asyncio.timeout(MUST_STOP_WITHIN_S):
        await link.close()
        with pytest.raises(LinkDown, match=r"^port was closed\.$"):
            await asking
    assert transport.closed == 2, "before it was opened, and now"
    assert not [t for t in asyncio.all_tasks() if t.get_name().startswith("link-")]


def test_the_bounds_that_keep_a_line_from_being_waited_for_without_end() -> None:
    assert (link_module.LONGEST_DRAIN_S, link_module.SENT_WITHIN_S) == (5.0, 10.0)
    assert link_module.LARGEST_REPLY == 2**20, "a glow curve of 20,000 points fits"
