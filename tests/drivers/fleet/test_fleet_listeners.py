"""An instrument that speaks by itself, over four wires: what it said is heard once, whatever stands beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fleet_wires import WIRES, Cable, Kind
from virtual_time import run

from drivers import Garbled, Identity, Instrument, LinkDown, Listener, Model, Quantity, Reading, Sample, connect
from drivers import WireSettings as Settings
from drivers.trace import Trace


class Monitor(Listener[Settings]):
    def identity(self) -> Identity:
        return Identity("nobody", "MONITOR", "7", "", b"")

    def hear(self, message: bytes) -> Sequence[Sample]:
        name, _, number = message.partition(b"=")
        if name != b"DOSE" or len(number) != 4 or not number.isdigit():
            raise Garbled("Not a line of the monitor.", message)
        if number == b"9999":
            raise KeyError("an error of the listener's author")
        return [Sample(quantity="dose", unit="Gy", value=int(number) * 1e-6)]


MODEL = Model(
    name="monitor", vendor="nobody", title="Monitor", transports=("serial",), quantities=(Quantity("dose", "Gy"),),
    settings=Settings, driver=Monitor,
)  # fmt: skip
SAID = [b"DOSE=%04d\r\n" % n for n in range(1, 9)]


@asynccontextmanager
async def heard(wire: Kind) -> AsyncIterator[tuple[Instrument, Cable, Trace]]:
    """A listener at its wire; whatever it writes is a fault."""
    cable, trace = Cable(wire, "monitor", lambda: 0, lambda _: None), Trace(keep=1000)

    async def write(data: bytes) -> None:
        raise AssertionError(f"a listener wrote {data!r}")

    cable.transport.write = write  # type: ignore[method-assign]
    it = connect(MODEL, "memory", {"timeout_s": 1.0}, transport=cable.transport, trace=trace)
    await it.open()
    try:
        yield it, cable, trace
    finally:
        async with asyncio.timeout(5):
            await it.close()


async def all_of(it: Instrument) -> list[Reading]:
    """Takes until the line is quiet, which is no gap and no fault."""
    found: list[Reading] = []
    while readings := await it.take():
        found += readings
    return found


Case = Callable[[Instrument, Cable, Trace], Awaitable[None]]


async def each_message_is_one_reading(it: Instrument, cable: Cable, trace: Trace) -> None:
    for each in SAID:
        await cable.port.send(each)
        await asyncio.sleep(0.05)
    assert values(await all_of(it)) == list(range(1, 9))
    assert await it.take() == []


async def all_in_one_piece_and_cut_anywhere(it: Instrument, cable: Cable, trace: Trace) -> None:
    whole = b"".join(SAID)
    for start in range(0, len(whole), 7):
        await cable.port.send(whole[start : start + 7])
    assert values(await all_of(it)) == list(range(1, 9))


async def nonsense_is_kept_and_the_next_message_is_heard(it: Instrument, cable: Cable, trace: Trace) -> None:
    for each in (b"\x80\x81DOSE=0001\r\n", b"DOSE=1e9\r\n", b"DOSE=9999\r\n", *SAID[:2]):
        await cable.port.send(each)
    found = await all_of(it)
    assert [each.kind for each in found] == ["unparsed"] * 3 + ["scalar"] * 2
    assert [each.raw for each in found[:3]] == [b"\x80\x81DOSE=0001", b"DOSE=1e9", b"DOSE=9999"]
    assert "KeyError" in (found[2].note or "")
    assert values(found) == [1, 2]


async def what_was_heard_before_the_line_was_lost_is_given(it: Instrument, cable: Cable, trace: Trace) -> None:
    for each in (*SAID[:3], b"DOSE=00"):
        await cable.port.send(each)
    await asyncio.sleep(0.5)
    await cable.port.vanish()
    await asyncio.sleep(0.1)
    assert values(list(await it.take())) == [1, 2, 3]
    with pytest.raises(LinkDown):
        await it.take()
    await it.close()
    assert b"DOSE=00" in b"".join(each.data for each in trace.crossings if each.direction == "stray")
    await cable.port.come_back()
    await it.open()
    await cable.port.send(SAID[4])
    assert values(await all_of(it)) == [5]


async def recovering_asks_nothing_and_loses_nothing(it: Instrument, cable: Cable, trace: Trace) -> None:
    await cable.port.send(SAID[0])
    await asyncio.sleep(0.5)
    assert (await it.recover()).serial == "7"
    await cable.port.send(SAID[1])
    assert values(await all_of(it)) == [1, 2]


CASES = (
    each_message_is_one_reading, all_in_one_piece_and_cut_anywhere, nonsense_is_kept_and_the_next_message_is_heard,
    what_was_heard_before_the_line_was_lost_is_given, recovering_asks_nothing_and_loses_nothing,
)  # fmt: skip


def values(readings: list[Reading]) -> list[int]:
    return [round(each.value * 1e6) for each in readings if each.value is not None]


@pytest.mark.parametrize("wire", WIRES, ids=lambda each: each.name)
@pytest.mark.parametrize("case", CASES, ids=lambda each: each.__name__)
def test_a_listener(case: Case, wire: Kind) -> None:
    async def through() -> None:
        async with heard(wire) as (it, cable, trace):
            await case(it, cable, trace)

    run(through())


def test_a_message_that_was_damaged_on_a_lossy_wire_is_no_number() -> None:
    async def through() -> None:
        async with heard(Kind("lossy", loss=0.3)) as (it, cable, _):
            cable.lose(True)
            said: list[Any] = [b"DOSE=%04d\r\n" % n for n in range(200, 300)]
            for each in said:
                await cable.port.send(each)
            cable.lose(False)
            await cable.port.send(b"\r\nDOSE=1234\r\n")
            found = await all_of(it)
            heard_of = values(found)
            assert 50 < len(heard_of) < 100
            assert heard_of[-1] == 1234
            assert heard_of == sorted(set(heard_of))
            assert set(heard_of) <= {*range(200, 300), 1234}
            assert any(each.kind == "unparsed" for each in found)

    run(through())
