"""A harmless trial of one instrument: a report of how far its driver is right (docs/quality-scale.md).

It identifies, reads settings back, zeroes where the model can, takes readings for a while, and keeps every byte that
crossed the wire with its time. No high voltage is touched and nothing else is commanded than the driver's own set-up.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any, TypeVar

from acquire.canonical import parse, utc_now
from acquire.instruments.entries import reading_body
from drivers import Flag, Identity, Instrument, InstrumentError, Reading, ReplyTimeout
from drivers.trace import Crossing, Trace

KEEP = 200_000  # crossings: a minute of the quickest line and more
UNPARSED_KEPT = 20
T = TypeVar("T")


@dataclass(slots=True)
class Trial:
    """One trial of a device that has not been opened; `trace` is its own."""

    device: Instrument
    trace: Trace
    tell: Callable[[str], None] = lambda sentence: None
    steps: list[dict[str, Any]] = field(default_factory=list)
    found: dict[str, Any] = field(default_factory=dict)
    flags: Counter[str] = field(default_factory=Counter)
    unparsed: list[Any] = field(default_factory=list)
    taken: int = 0
    timeouts: int = 0
    numbers: list[float] = field(default_factory=list)

    async def run(self, seconds: float, *, zero: bool) -> dict[str, Any]:
        """The report. What fails is a step that says so; the port is free afterwards."""
        begun = time.monotonic()
        try:
            identity = await self._step("identify and set up", self.device.open())
            if identity is not None:
                self.found = _said_by(identity) | {"settings": dict(self.device.settings_in_force)}
                for name in self.device.model.framing.zero if zero else ():
                    gave = await self._step(f"command {name}", self.device.run_command(name, {}))
                    self._count(gave.readings if gave is not None else ())
                await self._step(f"readings for {seconds:g} s", self._readings(seconds))
        finally:
            await self.device.close()
        return self._report(begun)

    async def _step(self, name: str, work: Awaitable[T]) -> T | None:
        begun, said, done = time.monotonic(), None, None
        try:
            done = await work
        except InstrumentError as error:
            said = str(error)
        self.steps.append({"step": name, "took_s": round(time.monotonic() - begun, 3), "failed": said})
        self.tell(f"{name}: {'done' if said is None else said}")
        return done

    async def _readings(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (now := time.monotonic()) < until:
            try:
                self._count(await self.device.take())
            except ReplyTimeout as error:
                self.timeouts += 1
                self.tell(str(error))
                await self.device.recover()
            await asyncio.sleep(max(0.0, now + self.device.poll_interval_s - time.monotonic()))

    def _count(self, readings: Sequence[Reading]) -> None:
        for reading in readings:
            self.taken += 1
            self.flags.update(str(flag) for flag in reading.flags)
            if reading.value is not None:
                self.numbers.append(reading.value)
            set_aside = Flag.STALE in reading.flags  # converted before the zero: rightly not believed
            if reading.kind == "unparsed" and not set_aside and len(self.unparsed) < UNPARSED_KEPT:
                self.unparsed.append(parse(reading_body(reading)))

    def _report(self, begun: float) -> dict[str, Any]:
        model = self.device.model
        lowest = {"lowest": min(self.numbers), "highest": max(self.numbers)} if self.numbers else {}
        return {
            "report": "acquire trial/1",
            "program": version("dosimetry-acquire"),
            "at": utc_now(),
            "driver": model.name,
            "assumed": list(model.assumed),
            "instrument": self.found,
            "steps": self.steps,
            "readings": {"taken": self.taken, "with_a_number": len(self.numbers), "timeouts": self.timeouts, **lowest,
                         "flags": dict(sorted(self.flags.items())), "unparsed": self.unparsed},
            "wire": [_crossing(each, begun) for each in self.trace.crossings],
        }  # fmt: skip


def _said_by(identity: Identity) -> dict[str, Any]:
    return {name: said for name, said in asdict(identity).items() if name != "raw"}


def _crossing(each: Crossing, begun: float) -> Mapping[str, Any]:
    """Bytes as text where they are UTF-8, else in hexadecimal; seconds since the trial began."""
    said: dict[str, Any] = {"s": round(each.monotonic_s - begun, 4), "what": each.direction}
    try:
        return said | {"text": each.data.decode()}
    except UnicodeDecodeError:
        return said | {"hex": each.data.hex(" ")}


def is_good(report: Mapping[str, Any]) -> bool:
    """Whether every step was done, something was read, and nothing stayed unparsed."""
    readings = report["readings"]
    done = all(step["failed"] is None for step in report["steps"])
    return bool(done and readings["taken"] and not readings["unparsed"] and not readings["timeouts"])
