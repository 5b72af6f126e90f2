"""A simulated 12-channel diode electrometer that speaks DX12, a protocol invented for this project.

Source: docs/invented-protocols.md, and nothing else.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence

from simulators.clock import Clock
from simulators.instrument import CommandInfo, Reply, State
from simulators.model import WireModel
from simulators.probes.probe import Probe

CHANNELS = 12
RATE_HZ = 20
ZERO_S = 2.0
FULL_SCALE_C = {"LOW": 50e-9, "HIGH": 5e-6}
FULL_SCALE_A = {"LOW": 100e-9, "HIGH": 10e-6}
CURRENT_OVER_S = 1 / RATE_HZ
OFFSETS_A = 4e-15  # of every input before it is zeroed; invented as all the rest
# A field of the beam over the patient: what the neighbours of a diode get of it falls with their distance.
SHARES = (1.0, 0.14, 0.05, 0.02, 0.01, 0.008, 0.006, 0.005, 0.004, 0.003, 0.002, 0.001)


class Refused(Exception):
    """The request is answered with an error of this number."""


class SimulatedDiode12(Probe):
    """The instrument behind the wire."""

    model = "diode-electrometer-12"

    def __init__(self, clock: Clock, seed: int = 0, serial: str = "0012345", shares: Sequence[float] = SHARES) -> None:
        super().__init__(clock, seed, shares)
        if len(self.shares) != CHANNELS:
            raise ValueError(f"shares has {len(self.shares)} numbers; allowed are {CHANNELS}, one a channel.")
        self.name, self.serial = "DX12", serial
        self.power_cycle()
        self._answers: dict[str, Callable[[], str]] = {
            "ID?": lambda: f"{self.name} {self.serial} 1.03",
            "RANGE?": lambda: f"RANGE {self.range}",
            "RANGE LOW": lambda: self._set_range("LOW"),
            "RANGE HIGH": lambda: self._set_range("HIGH"),
            "RESET": self._reset,
            "HOLD": self._hold,
        }

    def power_cycle(self) -> None:
        """No range, no integral; the offsets are as on the first day."""
        self.range = "NONE"
        self.begun_s: float | None = None
        self.held_s: float | None = None
        self.from_c = [0.0] * CHANNELS
        self.exceeded = [False] * CHANNELS
        self.offset_a = OFFSETS_A
        self.zeroing_until_s = 0.0

    async def reply(self, request: str) -> Reply:
        """One reply with its check."""
        try:
            text = await self._answer(request)
        except Refused as error:
            text = f"ERR {error}"
        return Reply(with_check(text.encode()) + self.terminator, measurement=text.startswith("M "))

    async def _answer(self, request: str) -> str:
        if self.clock.now() < self.zeroing_until_s and request != "ID?":
            raise Refused("03")
        if request == "ZERO":
            return await self._zero()
        if request == "M?":
            return await self._measured()
        if request in self._answers:
            return self._answers[request]()
        raise Refused("02" if request.startswith("RANGE ") else "01")

    async def _zero(self) -> str:
        self.zeroing_until_s = self.clock.now() + ZERO_S
        await self.clock.sleep_until(self.zeroing_until_s)
        self.offset_a = 0.0
        return "ZERO OK"

    async def _measured(self) -> str:
        if self.range == "NONE" or self.begun_s is None:
            raise Refused("04")
        number = int(self.clock.now() * RATE_HZ + 1e-6) + 1
        await self.clock.sleep_until(number / RATE_HZ)
        now = number / RATE_HZ
        until = now if self.held_s is None else self.held_s
        parts = [self._channel(n, now, until) for n in range(CHANNELS)]
        state = "RUN" if self.held_s is None else "HLD"
        return f"M {number % 100000:05d},{state},{self.range},{min(until - self.begun_s, 99999.99):08.2f}" + "".join(
            parts
        )

    def _channel(self, channel: int, now: float, until: float) -> str:
        charge = self._total_c(channel, until) - self.from_c[channel]
        before = self._total_c(channel, now - CURRENT_OVER_S)
        current = (self._total_c(channel, now) - before) / CURRENT_OVER_S
        full_c, full_a = FULL_SCALE_C[self.range], FULL_SCALE_A[self.range]
        self.exceeded[channel] |= abs(charge) > full_c or abs(current) > full_a
        if self.exceeded[channel]:
            return ";+9.9999E-01,+9.9999E-01,OL"
        return f";{number_text(charge)},{number_text(current)},{'LO' if abs(charge) < full_c / 1e4 else 'OK'}"

    def _total_c(self, channel: int, when: float) -> float:
        return self.collected_c(channel, when) + self.offset_a * when

    def _set_range(self, name: str) -> str:
        self._reset()
        self.range = name
        return f"RANGE {name}"

    def _reset(self) -> str:
        now = self.clock.now()
        self.begun_s, self.held_s = now, None
        self.from_c = [self._total_c(n, now) for n in range(CHANNELS)]
        self.exceeded = [False] * CHANNELS
        return "RESET OK"

    def _hold(self) -> str:
        if self.begun_s is None:
            raise Refused("04")
        self.held_s = self.clock.now() if self.held_s is None else self.held_s
        return "HOLD OK"

    # --- what the faults need to know -------------------------------------------------------------------------------

    @property
    def banner(self) -> bytes:
        return with_check(b"DX12 READY") + b"\r\n"

    def is_identification(self, request: bytes) -> bool:
        return request == b"ID?"

    def become(self, other: str) -> None:
        if other == "device":
            self.name = "DX24"
        else:
            self.serial = str(int(self.serial) + 1).zfill(7)

    def front_panel(self, what: str | None = None) -> None:
        self.range = "HIGH" if self.range == "LOW" else "LOW"

    def busy(self) -> bytes:
        return with_check(b"ERR 03") + b"\r\n"

    def stray_line(self) -> bytes:
        return with_check(b"BATTERY LOW") + b"\r\n"

    def sentinels(self, reply: bytes) -> list[bytes]:
        """Special values in the place of the first channel's charge, each with the check that belongs to it."""
        head, first, *others = reply.strip().rpartition(b"*")[0].split(b";")
        charge, current, _ = first.split(b",")
        forms = [
            (b"+9.9E37", current, b"OK"), (b"NAN", current, b"OK"), (charge.replace(b".", b","), current, b"OK"),
            (b"-0.0000E-09", current, b"LO"), (b"+9.9999E-01", b"+9.9999E-01", b"OL"), (charge, current, b"OL"),
        ]  # fmt: skip
        return [with_check(b";".join([head, b",".join(each), *others])) + b"\r\n" for each in forms]

    def commands(self) -> Sequence[CommandInfo]:
        """Every request, as the page lists it."""
        asked = [CommandInfo(each, sets=False, asks=True, simulated=True) for each in ("ID?", "RANGE?", "M?")]
        return asked + [
            CommandInfo(each, sets=True, asks=False, simulated=True)
            for each in ("RANGE LOW", "RANGE HIGH", "RESET", "HOLD", "ZERO")
        ]

    def state(self) -> State:
        now = self.clock.now()
        charges = [self._total_c(n, now) - self.from_c[n] for n in range(CHANNELS)]
        return {
            "model": self.model, "serial": self.serial, "emitted": self.emitted, "range": self.range,
            "held": self.held_s is not None, "charge_c": charges, "time_s": now,
        }  # fmt: skip


def with_check(text: bytes) -> bytes:
    """The text, `*`, and the exclusive or of its bytes in two hexadecimal capitals."""
    return b"%s*%02X" % (text, functools.reduce(operator.xor, text, 0))


def number_text(value: float) -> str:
    """`+1.2345E-09`; what is too small for two digits of exponent is zero."""
    return f"{value:+.4E}" if abs(value) >= 1e-30 else "+0.0000E-09"


MODEL = WireModel(
    model=SimulatedDiode12.model,
    title="12-channel diode electrometer (invented protocol DX12)",
    assumed=("everything: the protocol DX12 is invented, no real instrument speaks it",),
    options=("serial", "shares"),
    make=lambda clock, seed, options: SimulatedDiode12(clock, seed, **options),
)
