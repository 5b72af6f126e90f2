"""What both invented probes have: several inputs in one beam, and one line of text for each request."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from simulators.beam import Detector
from simulators.clock import Clock
from simulators.instrument import Clear, Instrument, LineFramer, Reply, Request, Session

LONGEST_REQUEST = 40


class Probe(Instrument):
    """`inputs` are the detectors one by one; each also gets its share of what `detector` collects."""

    def __init__(self, clock: Clock, seed: int, shares: Sequence[float]) -> None:
        super().__init__(clock, seed)
        self.shares = [float(each) for each in shares]
        self.inputs = [Detector(clock) for _ in self.shares]

    def collected_c(self, channel: int, when: float) -> float:
        """Charge in C that input `channel` (from 0) has collected by simulated second `when`."""
        return self.inputs[channel].charge(when) + self.shares[channel] * self.detector.charge(when)

    def open_session(self) -> Session:
        """A client has connected."""
        return _Asked(self)

    @abstractmethod
    async def reply(self, request: str) -> Reply:
        """The answer to one request; there always is one."""

    def back_doors(self) -> Mapping[str, Callable[[object], None]]:
        """`shares`: of the common detector's charge, a list of one number an input. `expose`: one input by itself."""
        return {
            "leakage_a": lambda value: setattr(self.detector, "leakage_a", float(str(value))),
            "shares": self._share,
            "expose": self._expose,
        }

    def _share(self, value: object) -> None:
        if not isinstance(value, list) or len(value) != len(self.inputs):
            raise ValueError(f"shares is a list of {len(self.inputs)} numbers, not {value!r}.")
        self.shares = [float(each) for each in value]

    def _expose(self, value: object) -> None:
        """{"channel": 1, "charge_c": 1e-9, "duration_s": 2}"""
        given: dict[str, Any] = dict(value) if isinstance(value, dict) else {}
        number = int(given.get("channel", 0))
        if not 1 <= number <= len(self.inputs):
            raise ValueError(f"expose takes a channel of 1 to {len(self.inputs)}, charge_c and duration_s.")
        self.inputs[number - 1].expose(float(given["charge_c"]), float(given["duration_s"]))


class _Asked(Session):
    def __init__(self, probe: Probe) -> None:
        self._probe, self._framer = probe, LineFramer(LONGEST_REQUEST)

    def feed(self, data: bytes) -> list[Request | Clear]:
        return self._framer.feed(data)

    async def answer(self, request: bytes) -> Reply | None:
        return await self._probe.reply(request.decode("latin-1"))
