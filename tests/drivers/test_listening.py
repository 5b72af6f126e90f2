"""A listener never writes, a quiet line is no gap, and nothing that was heard is lost."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
from gauge import model, number, sample

from drivers import (
    Checked,
    DriverFault,
    Garbled,
    Identity,
    Line,
    LinkDown,
    Listener,
    Misuse,
    Reply,
    Sample,
    WireSettings,
    connect,
)  # fmt: skip
from drivers.transport.memory import MemoryTransport

pytestmark = pytest.mark.virtual_time


def checked(line: bytes) -> bytes:
    body, _, mark = line.partition(b"!")
    if mark == b"bad":
        raise Garbled("The check sum is wrong.", line)
    return body


class Talker(Listener[WireSettings]):
    """R=<n>, checked by its last characters; EMPTY has no sample."""

    shape: ClassVar[Reply] = Checked(Line(), checked)

    def identity(self) -> Identity:
        return Identity("ours", "7", "", "", b"")

    def hear(self, message: bytes) -> Sequence[Sample]:
        return [] if message == b"EMPTY" else [sample(number(message))]


class WriteOnly(MemoryTransport):
    """Remembers what was written to it."""

    written: bytes = b""

    async def write(self, data: bytes) -> None:
        self.written += data


@asynccontextmanager
async def listening(kind: Any = Talker, **more: Any) -> AsyncIterator[tuple[Any, Callable[..., Any]]]:
    ours, theirs = WriteOnly(), MemoryTransport()
    theirs.peer = ours
    instrument = connect(model(kind, **more), "port", {"timeout_s": 0.01}, transport=ours)
    assert (await instrument.open()).model == "7"

    async def said(*pieces: bytes) -> None:
        for piece in pieces:
            await theirs.write(piece)
        for _ in range(10):
            await asyncio.sleep(0)

    try:
        yield instrument, said
    finally:
        await instrument.close()
    assert ours.written == b"", "a listener never writes"


async def test_each_message_is_a_reading_and_a_quiet_line_gives_none() -> None:
    async with listening() as (instrument, said):
        assert instrument.poll_interval_s == 0.0
        assert list(await instrument.take()) == []
        await said(b"R=1\r\nR=", b"2\nEMPTY\nR=3")
        assert [(r.value, r.raw) for r in await instrument.take()] == [(1.0, b"R=1"), (2.0, b"R=2")]
        assert list(await instrument.take()) == []
        await said(b"\n")
        assert [r.value for r in await instrument.take()] == [3.0]
        assert list(await instrument.flush()) == []


async def test_a_take_waits_for_the_first_message_only() -> None:
    async with listening() as (instrument, said):
        taking = asyncio.create_task(instrument.take())
        await said(b"R=1\n")
        assert [r.value for r in await taking] == [1.0]


async def test_a_take_ends_even_where_messages_never_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.listening.MOST_AT_ONCE", 3)
    async with listening() as (instrument, said):
        await said(b"R=1\nR=2\nR=3\nR=4\n")
        assert [r.value for r in await instrument.take()] == [1.0, 2.0, 3.0]
        assert [r.value for r in await instrument.take()] == [4.0]


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (b"noise", r"^No number\.$"),
        (b"NO", r"^The gauge refused\.$"),
        (b"FAULT", r"^An error in the driver \(ZeroDivisionError: by nothing\) while parsing a message\.$"),
    ],
)
async def test_a_message_that_makes_no_sense_is_kept_and_the_others_go_on(message: bytes, says: str) -> None:
    async with listening() as (instrument, said):
        await said(b"R=1\n" + message + b"\nR=2\n")
        first, odd, last = await instrument.take()
        assert (first.value, odd.kind, odd.raw, last.value) == (1.0, "unparsed", message, 2.0)
        assert re.search(says, odd.note or "")


async def test_what_fails_its_check_is_kept_with_its_bytes_and_listening_goes_on() -> None:
    async with listening() as (instrument, said):
        await said(b"R=1\nR=2!bad\n")
        first, odd = await instrument.take()
        assert (first.value, odd.kind, odd.raw, odd.note) == (1.0, "unparsed", b"R=2!bad", "The check sum is wrong.")
        await said(b"R=3\n")
        assert [r.value for r in await instrument.take()] == [3.0]


async def test_what_was_heard_before_the_loss_is_given_before_it_is_told() -> None:
    async with listening() as (instrument, said):
        await said(b"R=1\nR=2\nR")
        instrument._link._transport.cut()
        await said()
        assert [r.value for r in await instrument.take()] == [1.0, 2.0]
        with pytest.raises(LinkDown, match=r"before that it said '.*R'"):
            await instrument.take()


async def test_undeclared_channels_are_not_believed() -> None:
    async with listening(channels=("A",)) as (instrument, said):
        await said(b"R=1\n")
        (reading,) = await instrument.take()
        assert (reading.kind, reading.note) == ("unparsed", "The driver gave channel None; gauge has A.")


async def test_recovering_throws_nothing_but_what_is_there_away() -> None:
    async with listening() as (instrument, said):
        assert (await instrument.recover()).model == "7"
        await said(b"R=1\n")
        assert [r.value for r in await instrument.take()] == [1.0]


class Fails(Talker):
    def identity(self) -> Identity:
        raise KeyError("who")


class FailsToBegin(Talker):
    def __init__(self, settings: WireSettings) -> None:
        if settings.expected_serial == "begun":
            raise KeyError("who")
        super().__init__(settings)


class GivesNothing(Talker):
    def hear(self, message: bytes) -> Sequence[Sample]:
        return None  # type: ignore[return-value]  # a fault


async def test_a_fault_of_the_listener_is_a_sentence_and_the_port_is_free_again() -> None:
    ours = MemoryTransport()
    instrument = connect(model(Fails), "port", {}, transport=ours)
    with pytest.raises(DriverFault, match=r"\(KeyError: 'who'\) while identifying port"):
        await instrument.open()
    with pytest.raises(LinkDown):
        await instrument.take()
    with pytest.raises(DriverFault, match="while making the driver of port"):
        connect(model(FailsToBegin), "port", {"expected_serial": "begun"}, transport=ours)
    async with listening(GivesNothing) as (talker, said):
        await said(b"R=1\n")
        (odd,) = await talker.take()
        assert (odd.kind, odd.raw) == ("unparsed", b"R=1")


async def test_it_has_no_commands() -> None:
    async with listening() as (instrument, _):
        assert instrument.commands() == {}
        with pytest.raises(Misuse, match="gauge has no command 'zero'; it has none"):
            await instrument.run_command("zero", {})


class Holder(Talker):
    """Holds a number back until the next message."""

    def __init__(self, settings: WireSettings) -> None:
        super().__init__(settings)
        self.held: list[Sample] = []

    def hear(self, message: bytes) -> Sequence[Sample]:
        self.held, before = [sample(number(message))], self.held
        return before

    def quiet(self) -> Sequence[Sample]:
        self.held, before = [], self.held
        return before


async def test_what_is_held_back_is_given_after_a_quiet_time_and_not_before_a_marker() -> None:
    async with listening(Holder) as (instrument, said):
        await said(b"R=1\n", b"R=2\n")
        assert [r.value for r in await instrument.flush()] == [1]
        assert await instrument.flush() == []
        assert [r.value for r in await instrument.take()] == [2]
        assert await instrument.take() == []


async def test_a_listener_that_cannot_give_what_it_holds_is_an_unparsed_reading() -> None:
    class Broken(Talker):
        def quiet(self) -> Sequence[Sample]:
            raise KeyError("its author's mistake")

    async with listening(Broken) as (instrument, _):
        (reading,) = await instrument.take()
        assert reading.kind == "unparsed"
        assert "KeyError" in (reading.note or "")


async def test_a_listener_that_cannot_say_what_it_measures_is_a_driver_fault() -> None:
    class Broken(Talker):
        @property
        def measures(self) -> str:
            raise KeyError("its author's mistake")

    async with listening(Broken) as (instrument, _):
        with pytest.raises(DriverFault, match="asking for the quantity of port"):
            assert instrument.measures
