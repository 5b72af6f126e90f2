"""The worked cases measured with drivers: a model's driver before its simulator, in simulated time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from scenario_a import published
from worked import WorkedClient

from acquire.canonical import parse
from acquire.instruments.entries import reading_body
from drivers import Instrument, Reading, connect
from drivers.registry import model
from simulators import MODELS, Session, SteppedClock, WireModel
from simulators import Instrument as Simulated

POLLED_S = 0.5  # of the simulated clock
BEAM_S = 10.0  # where the plan says nothing


class Direct:
    """A transport (drivers.Transport) whose other end is a simulator's session: nothing is between them."""

    def __init__(self, simulator: Simulated) -> None:
        self._simulator = simulator
        self._session: Session | None = None
        self._said: asyncio.Queue[bytes] = asyncio.Queue()

    async def open(self) -> None:
        self._session = self._simulator.open_session()

    async def write(self, data: bytes) -> None:
        assert self._session is not None
        for request in self._session.feed(data):
            reply = await self._session.answer(request.data)  # type: ignore[union-attr]
            if reply is not None:
                self._said.put_nowait(reply.data)

    async def read_some(self) -> bytes:
        return await self._said.get()

    async def close(self) -> None:
        self._session = None


class Probe:
    """A driver with its simulator; open inside `async with`."""

    def __init__(self, name: str, **settings: object) -> None:
        simulated = MODELS[name]
        assert isinstance(simulated, WireModel)
        self.name, self.clock = name, SteppedClock()
        self.simulator: Any = simulated.make(self.clock, 3, {})
        self.driver: Instrument = connect(model(name), "memory", settings, transport=Direct(self.simulator))

    async def __aenter__(self) -> Probe:
        await self.driver.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.driver.close()


class ProbeClient(WorkedClient):
    """Readings and commands of "electrometer-1" are those of a probe's driver; `beams`: nC of each channel by step."""

    def __init__(self, connection: Any, probe: Probe, beams: Mapping[str, Mapping[int, float]]) -> None:
        super().__init__(connection)
        self.probe, self.beams = probe, beams
        self.says["electrometer-1"] = {**published(probe.name), "serial": "electrometer-1"}

    async def command(self, instrument: str, name: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        waited = self.wait_s.get(str(parameters.get("step")), 0.0) if name == "begin" else 0.0
        if instrument == "electrometer-1":
            self.probe.clock.advance(waited)
        if instrument == "electrometer-1" and name in self.probe.driver.commands():
            self.asked.append((instrument, name))
            return (await self.probe.driver.run_command(name, {})).result
        return await super().command(instrument, name, parameters)

    async def during(self, step: Any) -> None:
        """The beam begins half a second after the marker, as a person presses the button."""
        if step.instrument != "electrometer-1":
            await super().during(step)
            return
        await self.polled(2)
        for channel, nc in self.beams.get(step.id, {}).items():
            self.probe.simulator.inputs[channel - 1].expose(nc * 1e-9, step.duration_s or BEAM_S)
        lasts_s = 2.0 if step.kind == "threshold" else step.duration_s or BEAM_S
        await self.polled(int(lasts_s / POLLED_S) + 2)

    def idle(self, instrument: str) -> None:
        """What lies outside the markers is no part of these cases."""

    async def polled(self, times: int) -> None:
        entries: list[dict[str, Any]] = []
        for _ in range(times):
            self.probe.clock.advance(POLLED_S)
            self.ahead_s += POLLED_S
            entries += self.entries(await self.probe.driver.take())
        self.put("electrometer-1", entries)

    def entries(self, readings: Sequence[Reading]) -> list[dict[str, Any]]:
        assert all(each.kind == "scalar" for each in readings), readings
        return [{**parse(reading_body(each)), "time": self.now()} for each in readings]
