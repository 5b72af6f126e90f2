"""VXI-11 without VISA: whatever a gateway does, nobody waits for ever and no answer is taken for another's."""

from __future__ import annotations

import asyncio
import struct
from itertools import pairwise

import pytest
from gateway import CREATE_LINK, DESTROY_LINK, READ, READ_STATUS, WRITE, Instrument, behind_a_gateway
from hypothesis import given
from hypothesis import strategies as st
from waiting import until
from wires import SERIAL, Carried
from wires import Instrument as Echo

from drivers import LinkDown, ReplyTimeout
from drivers.link import Link
from drivers.replies import Line, Until
from drivers.transport import vxi11, vxi11_link
from drivers.transport.resource import open_transport
from drivers.transport.rpc import Caller, RefusedCall, opaque, opaque_at, uints
from drivers.transport.vxi11 import Vxi11Transport
from simulators.vxi11 import Vxi11Port

IDN = b"*IDN?\n"


def linked(resource: str) -> Link:
    return Link(open_transport(resource, SERIAL), name=resource)


# --- exchanges --------------------------------------------------------------------------------------------------------


async def test_an_exchange_is_a_write_looks_and_one_read() -> None:
    async with behind_a_gateway(Instrument()) as (resource, gateway):
        link = linked(resource)
        await link.open()
        gateway.calls.clear()
        await link.exchange(IDN, Line(), timeout_s=5)
        assert gateway.calls[-4:] == [WRITE, READ_STATUS, READ_STATUS, READ], "it has its answer ready one look later"
        await link.close()
    assert gateway.calls[-1] == DESTROY_LINK, "somebody else can have the instrument at once"


async def test_a_question_that_was_answered_at_once_is_read_for_without_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vxi11, "LONGEST_PAUSE_S", 60.0)  # none while nothing is asked
    monkeypatch.setattr(vxi11, "AT_ONCE_S", 60.0)  # however busy the machine is
    instrument = Instrument()
    async with behind_a_gateway(instrument) as (resource, gateway):
        link = linked(resource)

        async def calls_of(question: bytes) -> list[int]:
            gateway.calls.clear()
            await link.exchange(question, Line(), timeout_s=5)
            return list(gateway.calls)

        await link.open()
        assert READ_STATUS in await calls_of(IDN)
        assert await calls_of(IDN) == [WRITE, READ]
        await asyncio.sleep(0.02)
        assert gateway.calls == [WRITE, READ], "nor is it looked at right after an answer"
        assert READ_STATUS in await calls_of(b"*ESR?\n")
        await link.open()
        assert READ_STATUS in await calls_of(IDN), "another instrument may be there now"
        await link.close()
    assert instrument.untimely == 0


async def test_what_was_never_answered_is_never_read_for() -> None:
    instrument = Instrument()
    async with behind_a_gateway(instrument) as (resource, gateway):
        link = linked(resource)
        await link.open()
        for text in (b"*CLS\n", b"NO:SUCH?\n") * 3:
            await link.send(text)
            await asyncio.sleep(0.005)
        await until(lambda: READ_STATUS in gateway.calls)
        await link.close()
    assert READ_STATUS in gateway.calls
    assert READ not in gateway.calls


async def test_an_answer_that_takes_its_time_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vxi11, "AT_ONCE_S", 0.0)
    async with behind_a_gateway(Instrument()) as (resource, gateway):
        link = linked(resource)
        await link.open()
        for _ in range(3):
            gateway.calls.clear()
            await link.exchange(IDN, Line(), timeout_s=5)
            assert READ_STATUS in gateway.calls
        await link.close()


async def test_who_was_read_for_in_vain_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vxi11, "AT_ONCE_S", 60.0)
    async with behind_a_gateway(Instrument()) as (resource, gateway):
        link = linked(resource)
        await link.open()
        await link.exchange(IDN, Line(), timeout_s=5)
        gateway.instead[READ] = struct.pack(">2I", 15, 0) + opaque(b"")
        gateway.calls.clear()
        asking = asyncio.create_task(link.exchange(IDN, Line(), timeout_s=5))
        async with asyncio.timeout(5):
            while READ not in gateway.calls:  # noqa: ASYNC110 - the gateway has no event
                await asyncio.sleep(0)
        gateway.instead.clear()
        assert (await asking).startswith(b"KEITHLEY"), "nothing of the answer was lost"
        assert gateway.calls[gateway.calls.index(WRITE) :][:3] == [WRITE, READ, READ_STATUS]
        await link.close()


async def test_a_message_longer_than_a_write_may_be_goes_out_in_several() -> None:
    instrument, port = Echo(), Vxi11Port("127.0.0.1", 0)
    await port.open(Carried(instrument, port))
    link = linked(port.resource)
    await link.open()
    text = b"x" * 10_000 + b"?"
    assert await link.exchange(text + b"\n", Until(b"\r\n"), timeout_s=5) == b"10001:" + text
    await link.close()
    await port.close()


async def test_without_a_status_byte_only_a_question_is_followed_by_a_read() -> None:
    instrument = Instrument()
    async with behind_a_gateway(instrument) as (resource, gateway):
        gateway.instead[READ_STATUS] = struct.pack(">2I", 8, 0)
        link = linked(resource)
        await link.open()
        await link.send(b"*CLS\n")
        await asyncio.sleep(2 * vxi11.LONGEST_PAUSE_S)
        assert READ not in gateway.calls
        assert (await link.exchange(IDN, Line(), timeout_s=5)).startswith(b"KEITHLEY"), "the read is made again"
        assert gateway.calls.count(READ_STATUS) == 1
        await link.close()


@pytest.mark.scaled_time
async def test_what_came_before_a_read_timed_out_is_of_the_message() -> None:
    async with behind_a_gateway(Instrument()) as (resource, gateway):
        link = linked(resource)
        await link.open()
        gateway.instead |= {READ_STATUS: struct.pack(">2I", 0, 0x10), READ: struct.pack(">2I", 15, 0) + opaque(b"1.5E")}
        with pytest.raises(ReplyTimeout, match=r"only '1\.5E"):
            await link.exchange(IDN, Line(), timeout_s=1)
        await link.close()


async def test_a_message_cancelled_before_its_turn_is_not_sent() -> None:
    instrument = Instrument()
    async with behind_a_gateway(instrument) as (resource, _):
        transport = open_transport(resource, SERIAL)
        await transport.open()
        writing = [asyncio.create_task(transport.write(text)) for text in (b"one\n", b"two\n", b"three\n")]
        await asyncio.sleep(0)
        writing[1].cancel()
        await asyncio.gather(*writing, return_exceptions=True)
        assert instrument.heard == [b"one", b"three"]
        await transport.close()


async def test_who_is_cancelled_in_the_middle_leaves_an_answer_to_nobody() -> None:
    async with behind_a_gateway(Instrument()) as (resource, _):
        link = linked(resource)
        await link.open()
        asking = asyncio.create_task(link.exchange(IDN, Line(), timeout_s=5))
        await asyncio.sleep(0.001)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert link.in_doubt
        await until(lambda: link._buffer.endswith(b"\n"), what="the answer to nobody")
        with link.recovering():
            assert (await link.drain(0.06)).startswith(b"KEITHLEY")
            assert await link.exchange(b"*ESR?\n", Line(), timeout_s=5) == b"0"
        await link.close()


# --- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (3, "there is no device of that name"), (9, "another program holds it"), (11, "another program holds it"),
        (29, "it says error 29 of VXI-11"),
    ],
)  # fmt: skip
async def test_a_link_that_is_refused_says_why(error: int, why: str) -> None:
    async with behind_a_gateway(Instrument()) as (resource, gateway):
        gateway.instead[CREATE_LINK] = struct.pack(">4I", error, 0, 0, 0)
        with pytest.raises(LinkDown, match=f"cannot be opened: {why}"):
            await linked(resource).open()


@pytest.mark.parametrize(
    ("procedure", "results", "why"),
    [
        (WRITE, struct.pack(">2I", 11, 0), "another program holds it"),
        (WRITE, struct.pack(">2I", 0, 0), "took no byte"),
        (WRITE, struct.pack(">2I", 15, 0), "did not take all of a message in time"), (WRITE, b"", "is shorter than"),
        (READ_STATUS, struct.pack(">2I", 4, 0), "does not know this link any more"),
        (READ, struct.pack(">2I", 17, 0) + opaque(b""), "input or output failed"),
        (READ, struct.pack(">3I", 0, 4, 5) + b"1234", "ends before the length"),
        (READ_STATUS, None, r"no answer to a call in 0\.05 s"), (READ, None, r"no answer to a call in 0\.05 s"),
    ],
)  # fmt: skip
async def test_a_call_that_fails_is_a_lost_link_with_a_reason(
    procedure: int, results: bytes | None, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with behind_a_gateway(Instrument()) as (resource, gateway):
        link = linked(resource)
        await link.open()
        gateway.instead[procedure] = results
        with monkeypatch.context() as patch:
            if results is None:
                patch.setattr(vxi11_link, "ANSWERED_S", 0.05)
            with pytest.raises(LinkDown, match=f"is gone: .*{why}"):
                await link.exchange(IDN, Line(), timeout_s=5)
        await link.close()
        gateway.instead.clear()
        await link.open()
        assert (await link.exchange(IDN, Line(), timeout_s=5)).startswith(b"KEITHLEY")
        await link.close()


async def test_hang_a_call_that_is_never_answered_keeps_nobody_from_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vxi11, "CLOSED_S", 0.02)
    async with behind_a_gateway(Instrument()) as (resource, gateway):
        transport = open_transport(resource, SERIAL)
        await transport.open()
        gateway.instead[WRITE] = None
        writing = asyncio.create_task(transport.write(IDN))
        await asyncio.sleep(0.001)
        async with asyncio.timeout(5):
            await transport.close()
            with pytest.raises(LinkDown, match="was closed"):
                await writing


async def test_an_error_nobody_foresaw_leaves_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(link: vxi11_link.Vxi11Link) -> int:
        raise KeyError("unforeseen")

    monkeypatch.setattr(vxi11_link.Vxi11Link, "status", fails)
    async with behind_a_gateway(Instrument()) as (resource, _):
        transport = open_transport(resource, SERIAL)
        await transport.open()
        assert isinstance(transport, Vxi11Transport)
        serving = transport._serving
        assert serving is not None
        async with asyncio.timeout(5):
            with pytest.raises(LinkDown, match="an error in this program"):
                await transport.read_some()
        await transport.close()
        assert isinstance(serving.exception(), KeyError)


async def test_hang_an_end_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vxi11, "OPENED_S", 0.05)
    async with behind_a_gateway(Instrument()) as (resource, gateway):
        gateway.instead[CREATE_LINK] = None
        with pytest.raises(LinkDown, match=r"no answer in 0\.05 s"):
            await linked(resource).open()


# --- the port mapper --------------------------------------------------------------------------------------------------


async def test_without_a_port_the_port_mapper_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    port = Vxi11Port("127.0.0.1", 0)
    await port.open(Carried(Echo(), port))
    monkeypatch.setattr(vxi11_link, "PORT_MAPPER_PORT", int(port.resource.partition(",")[2].partition(":")[0]))
    link = linked("TCPIP::127.0.0.1::inst0::INSTR")
    await link.open()
    assert await link.exchange(b"a?\n", Until(b"\r\n"), timeout_s=5) == b"2:a?"
    await link.close()
    monkeypatch.setattr(vxi11_link, "CORE", 4711)
    with pytest.raises(LinkDown, match="port mapper knows of no VXI-11 device"):
        await linked("TCPIP::127.0.0.1").open()
    await port.close()


# --- remote procedure calls -------------------------------------------------------------------------------------------


class Nowhere(asyncio.Transport):
    """A connection that goes nowhere."""

    closed = False

    def get_extra_info(self, name: str, default: object = None) -> Nowhere:
        return self

    def setsockopt(self, *_: int) -> None:
        """Nothing to do."""

    def is_closing(self) -> bool:
        return self.closed

    def write(self, data: bytes) -> None:
        """Nobody hears it."""

    def abort(self) -> None:
        self.closed = True


def record(data: bytes, *cuts: int) -> bytes:
    """As fragments."""
    ends = [*sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    pieces = [data[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
    marks = [len(piece) | 0x80000000 * (n == len(pieces) - 1) for n, piece in enumerate(pieces)]
    return b"".join(struct.pack(">I", mark) + piece for mark, piece in zip(marks, pieces, strict=True))


def called(stream: list[bytes]) -> bytes:
    """What a call gives when that comes for it. Raises as the call does."""

    async def call() -> bytes:
        caller = Caller(lambda _: None)
        caller.connection_made(Nowhere())
        calling = asyncio.create_task(caller.call(1, 2, b""))
        await asyncio.sleep(0)
        for piece in stream:
            caller.data_received(piece)
        caller.connection_lost(None)
        return await calling

    return asyncio.run(call())


REPLY = struct.pack(">6I", 1, 1, 0, 0, 0, 0) + b"results!"


@given(st.lists(st.integers(0, 40), max_size=3), st.lists(st.integers(0, 60), max_size=6))
def test_a_reply_is_the_same_in_whatever_fragments_and_pieces_it_comes(cuts: list[int], breaks: list[int]) -> None:
    stream = record(REPLY, *cuts)
    at = [0, *sorted({each % len(stream) for each in breaks}), len(stream)]
    assert called([stream[begin:end] for begin, end in pairwise(at)]) == b"results!"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (record(struct.pack(">6I", 2, 1, 0, 0, 0, 0)), "no reply to this call"),
        (record(struct.pack(">6I", 1, 0, 0, 0, 0, 0)), "no reply to this call"),
        (record(struct.pack(">6I", 1, 1, 0, 0, 0, 1)), "does not have that program"),
        (record(struct.pack(">6I", 1, 1, 0, 0, 0, 9)), "does not carry out that call"),
        (record(struct.pack(">6I", 1, 1, 1, 0, 0, 0)), "does not carry out that call"),
        (record(b"short"), "no reply to a call"), (b"", "closed the connection"),
        (struct.pack(">I", 0xFFFFFFFF), "announces a reply of"), (b"HTTP/1.1 400 Bad Request\r\n", "announces a reply"),
    ],
)  # fmt: skip
def test_what_is_no_reply_is_told_as_such(said: bytes, why: str) -> None:
    with pytest.raises(ConnectionError, match=why):
        called([said])


@given(st.lists(st.binary(max_size=40) | st.just(record(REPLY)), max_size=6))
def test_whatever_comes_is_a_reply_or_a_reason(pieces: list[bytes]) -> None:
    found: object = None
    try:
        found = called(pieces)
    except ConnectionError as error:
        found = str(error)
    assert found, "neither another error, nor an empty one"


def test_xdr_is_held_against_its_lengths() -> None:
    assert (opaque(b"12345"), opaque_at(opaque(b"12345"), 0)) == (b"\0\0\0\x0512345\0\0\0", b"12345")
    for wrong in (b"\0\0\0", b"\0\0\0\x05abc"):
        with pytest.raises(RefusedCall):
            opaque_at(wrong, 0)
    with pytest.raises(RefusedCall):
        uints(b"1234567", 2)


async def test_a_transport_that_is_not_open_says_so() -> None:
    transport = Vxi11Transport("host", None, "inst0", "TCPIP::host")
    for use in (transport.write(b"x"), transport.read_some()):
        with pytest.raises(LinkDown, match="is not open"):
            await use
    with pytest.raises(LinkDown, match="is not open"):
        transport.pass_to(lambda _: None)
    await transport.close()
