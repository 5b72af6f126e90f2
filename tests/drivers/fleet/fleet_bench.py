"""One instrument of the fleet on one wire before its simulator, and the oracles that hold whatever the line does."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import fleet_wires
import pytest
from fleet_ledger import Accounts, Ledger, same
from virtual_time import LoopClock

from drivers import Flag, Identity, InstrumentError, Model, Outcome, Reading, connect
from simulators import Instrument, WireModel
from simulators.faults import parse_fault
from simulators.link import Link

T = TypeVar("T")
TIMEOUT_S = 1.0
BETWEEN_TAKES_S = 0.1
BEFORE_OPENING_S = 0.3
CLOSED_WITHIN_S = 5.0
SIGNAL_A = 3e-11  # steady, so that no two readings are alike
PATIENCE = 12  # tries until readings flow again
NUMBER = re.compile(rb"[+-]?\d+\.?\d*(?:[eE][+-]?\d+)?")
# what a person must have done at the instrument: this driver never switches an output on
LEFT_BY_ITS_USER: dict[str, dict[str, Any]] = {
    "keithley-6430": {"leftover": ":OUTP 1"},
    "fluke-4000m-plus": {"every_s": 0.05},  # a tube that exposes again and again
}
# what a person asks of a reader that measures nothing by itself; a whole sample is read in each take
AS_CONFIGURED: dict[str, dict[str, Any]] = {"risoe-da-20": {"progress_every_s": 25, "cool_s": 0}}
ASKED_BY_ITS_USER: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "risoe-da-20": [
        ("lower", {}),
        ("initialise", {}),
        ("glow-curve", {"positions": [1] * 100, "end_c": 40, "rate": 10.0, "points": 20}),
    ],
}


@dataclass
class Bench:
    """The daemon's part: every call is an operation of its own in the ledger, and every fault is answered as it is."""

    model: Model
    simulator: Instrument
    link: Link
    cable: fleet_wires.Cable
    wire: fleet_wires.Kind
    ledger: Ledger
    accounts: Accounts
    settings: dict[str, Any]
    fault: str = ""
    identity: Identity | None = None
    values: int = 0
    troubles: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.configure()

    def configure(self, **settings: Any) -> None:
        """Connect it, nothing is opened."""
        given = self.settings | settings
        self.instrument = connect(
            self.model, "memory", given, transport=self.cable.transport, trace=self.accounts.trace()
        )

    async def call(self, work: Callable[[], Awaitable[T]]) -> T | None:
        """None where the instrument could not; any error but an InstrumentError is a fault of ours."""
        self.ledger.next_operation()
        try:
            return await work()
        except InstrumentError as error:
            self.accounts.keep([], error)
            self.troubles.append(f"{type(error).__name__}: {error}")
            return None

    async def open(self) -> bool:
        """Open, and start the measurement as the model's framing says."""
        self.identity = await self.call(self.instrument.open)
        return self.identity is not None and await self.begin()

    async def begin(self) -> bool:
        """The commands before and after a begin marker, and what its user asks of it."""
        of_model = [(name, {}) for name in (*self.model.framing.before, *self.model.framing.start)]
        for name, given in of_model + ASKED_BY_ITS_USER.get(self.model.name, []):
            done = await self.call(lambda name=name, given=given: self.instrument.run_command(name, given))
            if done is None:
                return False
            assert isinstance(done, Outcome)
            self.judge(list(done.readings))
        return True

    async def take(self) -> list[Reading] | None:
        """None: it must be recovered."""
        await asyncio.sleep(BETWEEN_TAKES_S)
        readings = await self.call(self.instrument.take)
        if readings is None:
            return None
        self.judge(list(readings))
        return list(readings)

    async def flush(self) -> None:
        """As before a marker.

        A line's time after the last take: a second copy of its reply that is still on the way when the next request
        goes out can only be told from the answer to it where replies carry a number or a time stamp.
        """
        await asyncio.sleep(BETWEEN_TAKES_S)
        self.judge(list(await self.call(self.instrument.flush) or ()))

    async def mend(self) -> bool:
        """After a fault: recover, or else open anew."""
        if await self.call(self.instrument.recover) is not None:
            return True
        await self.close()
        await asyncio.sleep(BEFORE_OPENING_S)
        return await self.open()

    async def close(self) -> None:
        """Never longer than its bound."""
        self.ledger.next_operation()
        async with asyncio.timeout(CLOSED_WITHIN_S):
            await self.instrument.close()

    async def takes(self, count: int, until: Callable[[], bool] = lambda: True) -> None:
        """So many, and three times as many at most until something has happened; mending after each fault."""
        for taken in range(3 * count):
            if taken >= count and until():
                break
            readings = await self.take()
            if not readings and readings is not None and self.model.name in ASKED_BY_ITS_USER:
                await self.begin()  # a fault has ended what a person had asked for
            if readings is None:
                await self.take()  # an impatient caller: what failed is asked again before anything is mended
                await self.mend()

    async def flows_again(self) -> bool:
        """Whether a number comes within the patience; half-way through it is opened anew, as a person would."""
        for tried in range(PATIENCE):
            if tried == PATIENCE // 2:
                await self.close()
                await self.open()
            readings = await self.take()
            if readings is None:
                await self.mend()
            elif any(each.value is not None for each in readings):
                return True
        return False

    def arm(self, fault: str) -> None:
        """Let a fault of the line happen from now on; a lossy wire loses with it."""
        self.fault = fault
        self.link.arm(parse_fault(fault, seed=7))
        self.cable.lose(True)

    def disarm(self) -> None:
        """The line is well again."""
        self.link.disarm()
        self.cable.lose(False)

    def judge(self, readings: list[Reading]) -> None:
        """No number that the simulator did not give as the answer to a request of this very operation, each once."""
        self.accounts.keep(readings)
        for reading in readings:
            if reading.value is None:
                continue
            self.values += 1
            special = self.fault.startswith("sentinel") and self.is_no_sentinel(reading.value)
            flipped = self.fault.startswith("bit-flip") and self.ledger.of(reading, undetectable)
            if special or flipped:
                continue
            answer = self.ledger.of(reading, same)
            assert answer, f"{reading.raw!r} is no answer to its operation: {self.ledger.answers[-4:]}"
            told = answer.measures == self.ledger.answers[0].measures or Flag.CHANGED_BY_HAND in reading.flags
            assert told, f"{reading.quantity} of {reading.value} was measured as {answer.measures}, and is not flagged"

    def is_no_sentinel(self, value: float) -> bool:
        """Minus zero is zero; or a special value stood in the place of another number of the same answer."""
        answers = [each.data for each in self.ledger.answers[-2:]]
        return value == 0 or value in [float(each) for data in answers for each in NUMBER.findall(data)]


def undetectable(sent: bytes, raw: bytes) -> bool:
    """One bit turned a digit into a digit, a sign into a sign or a letter into its small one.

    A form without a check sum cannot notice that; a flip of anything else must be noticed.
    """
    sent, raw = sent.rstrip(b"\r\n"), raw.rstrip(b"\r\n")
    changed = [(a, b) for a, b in zip(sent, raw, strict=False) if a != b]
    if len(sent) != len(raw) or len(changed) > 1:
        return False
    both = bytes(changed[0]) if changed else b"00"
    return both.isdigit() or both in (b"+-", b"-+") or (both.isalpha() and both[0] ^ both[1] == 0x20)


@asynccontextmanager
async def bench(
    model: Model, simulated: WireModel, wire: fleet_wires.Kind, patch: pytest.MonkeyPatch, **settings: Any
) -> AsyncIterator[Bench]:
    """Everything set up, nothing opened; at the end all is closed and every byte accounted for."""
    ledger = Ledger()
    accounts = Accounts(ledger)
    accounts.watch(patch)
    simulator = simulated.make(LoopClock(), 3, LEFT_BY_ITS_USER.get(model.name, {}))
    simulator.detector.leakage_a = SIGNAL_A
    ledger.write_for(simulator)
    cable = fleet_wires.Cable(
        wire, model.name, lambda: ledger.operation, lambda operation: setattr(ledger, "arriving", operation)
    )
    link = Link(simulator, cable.port)
    await link.start()
    own = {"timeout_s": TIMEOUT_S} | AS_CONFIGURED.get(model.name, {}) | settings
    it = Bench(model, simulator, link, cable, wire, ledger, accounts, own)
    try:
        yield it
        await it.close()
        accounts.are_balanced(getattr(model.driver, "between", b""))
    finally:
        await link.stop()
