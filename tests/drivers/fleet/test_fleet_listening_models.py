"""Every registered listener over four wires through every fault that can meet one that speaks by itself.

No number that the simulator did not say, each once; nothing is written; every byte is in a reading or among the
strays; and what it says is heard again when the fault is over.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from fleet import LISTENERS, both
from fleet_bench import undetectable
from fleet_ledger import same
from fleet_wires import WIRES, Cable, Kind
from virtual_time import LoopClock, run

from drivers import LinkDown, Reading, connect
from drivers.trace import Trace
from simulators import Instrument, Reply
from simulators.faults import parse_fault
from simulators.link import Link

FAULTS = (
    "split", "glued", "half-then-silence@2", "garbage-before@p0.4", "bit-flip@p0.4", "duplicate@p0.4",
    "wrong-terminator=cr", "wrong-terminator=lf", "wrong-terminator=none@p0.4", "unsolicited@p0.4", "reboot@2",
    "vanish-read@2", "vanish-open", "busy-port", "hang@2", "front-panel@2", "sentinel@p0.5", "slow=1.5",
)  # fmt: skip
SPEAKS: dict[str, dict[str, Any]] = {"panasonic-ud-716": {"endless": True, "every_s": 2.0}}
PATIENCE = 40
TAKES = 12


@dataclass
class Hearing:
    """A listener on its wire, and what the simulator said."""

    instrument: Any
    simulator: Instrument
    link: Link
    cable: Cable
    trace: Trace
    said: list[bytes] = field(default_factory=list)
    given: list[Reading] = field(default_factory=list)
    fault: str = ""

    async def take(self) -> list[Reading]:
        """One take; a lost line is opened again."""
        try:
            readings = list(await self.instrument.take())
        except LinkDown:
            await self.reopen()
            return []
        self.given += readings
        return readings

    async def reopen(self) -> None:
        await self.instrument.close()
        await asyncio.sleep(0.6)
        try:
            await self.instrument.open()
        except LinkDown:
            await asyncio.sleep(0.6)

    def judge(self) -> None:
        """Every number was said, whole, and none was given twice."""
        values = [each for each in self.given if each.value is not None]
        once = {(each.raw, each.quantity, each.element_index) for each in values}
        assert len(once) == len(values)
        for reading in values:
            for line in re.split(rb"[\r\n]+", reading.raw):
                assert any(self.may_be(each, line) for each in self.said), f"{line!r} was never said"

    def may_be(self, said: bytes, line: bytes) -> bool:
        """Whether a line is one that was said, or differs where nothing can be noticed, or in a value not believed."""
        if same(said, line):
            return True
        if self.fault.startswith("sentinel"):  # the other elements of that line are sound
            return any(same(each, line) for each in self.simulator.sentinels(said))
        return self.fault.startswith("bit-flip") and undetectable(said, line)


@asynccontextmanager
async def hearing(name: str, wire: Kind) -> AsyncIterator[Hearing]:
    """Opened; nothing may be written."""
    model, simulated = both(name)
    simulator = simulated.make(LoopClock(), 3, SPEAKS[name])
    cable, trace = Cable(wire, name, lambda: 0, lambda _: None), Trace(keep=100_000)
    instrument = connect(model, "memory", {"timeout_s": 5.0}, transport=cable.transport, trace=trace)
    it = Hearing(instrument, simulator, Link(simulator, cable.port), cable, trace)
    speech = simulator.speech()
    assert speech is not None

    async def noted() -> AsyncIterator[Reply]:
        async for each in speech:
            it.said.append(each.data)
            yield each

    simulator.speech = noted  # type: ignore[method-assign]
    await it.link.start()
    try:
        await instrument.open()
        yield it
    finally:
        async with asyncio.timeout(5):
            await instrument.close()
        await it.link.stop()
    assert not [each for each in trace.crossings if each.direction == "sent"], "a listener wrote"


def accounted(it: Hearing) -> None:
    """Every byte that came is in a reading, among the strays, or in a line that gave none and was understood."""
    messages = [each.raw for n, each in enumerate(it.given) if not (n and of_one_message(it.given[n - 1], each))]
    strays = [each.data for each in it.trace.crossings if each.direction == "stray"]
    came = [each.data for each in it.trace.crossings if each.direction == "received"]
    assert letters(came) == letters([*messages, *strays])


def of_one_message(before: Reading, after: Reading) -> bool:
    """Elements of one dosimeter share their lines."""
    return before.raw == after.raw and after.element_index is not None and before.element_index != after.element_index


def letters(pieces: list[bytes]) -> Counter[int]:
    return Counter(b"".join(pieces).translate(None, b"\r\n\x00\x11\x13"))


async def through(name: str, wire: Kind, fault: str) -> None:
    async with hearing(name, wire) as it:
        for _ in range(TAKES):
            await it.take()
        assert any(each.value is not None for each in it.given)
        it.fault = fault
        it.link.arm(parse_fault(fault, seed=7))
        it.cable.lose(True)
        for _ in range(TAKES):
            await it.take()
        if fault in ("vanish-open", "busy-port"):
            await it.reopen()
        assert it.link.happened or fault == "busy-port", f"{fault} never struck"
        it.link.disarm()
        it.cable.lose(False)
        before = len(it.given)
        for _ in range(PATIENCE):
            await it.take()
            if any(each.value is not None for each in it.given[before:]):
                break
        else:
            raise AssertionError("nothing is heard any more")
        it.judge()
    accounted(it)


@pytest.mark.parametrize("wire", WIRES, ids=lambda each: each.name)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", LISTENERS)
def test_no_fault_gives_a_wrong_number_and_it_is_heard_again(name: str, fault: str, wire: Kind) -> None:
    run(through(name, wire, fault))


def test_there_is_a_listener() -> None:
    assert set(LISTENERS) <= set(SPEAKS)
    assert LISTENERS
