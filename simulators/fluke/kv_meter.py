"""A Victoreen 4000M+ (operators manual, appendix B): single characters in, integers and reals out.

A detector's exposure is one of the X-ray tube; its charge in nC is its dose in mR, which is invented, as are tube
voltage, ripple and waveform.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import ClassVar

from simulators.beam import gauss
from simulators.clock import Clock
from simulators.instrument import Clear, Instrument, Reply, Request, Session, State
from simulators.model import WireModel

END, ESCAPE = b"\r\n", 0x1B
COMMANDS = b"FDSO"
POINTS, PREPARES_S = 10, 1.1
KV = {1: 34.0, 2: 48.0, 3: 70.0, 4: 95.0, 5: 125.0}
PEAKS = 3
NO_EXPOSURE = "+0.000E+00 +0.000E+00 +0.000E+00 +0.000E+00 0"


@dataclass(frozen=True)
class KvMeterOptions:
    """filter: 1 to 5. every_s: a tube that exposes by itself so often (simulated seconds); 0 never."""

    filter: int = 3
    every_s: float = 0.0

    def __post_init__(self) -> None:
        if self.filter not in KV:
            raise ValueError(f"filter {self.filter!r} is not allowed; it is 1 to 5")


class SimulatedKvMeter(Instrument):
    """One device. It keeps the data of the last exposure only."""

    model = "fluke-4000m-plus"
    front_panel_acts: ClassVar[Sequence[str]] = ("filter", "range")

    def __init__(self, clock: Clock, seed: int, options: KvMeterOptions) -> None:
        super().__init__(clock, seed)
        self.options = options
        self.is_another = False
        self.power_cycle()

    def power_cycle(self) -> None:
        self.filter, self.sensitivity = self.options.filter, "high"
        self.status, self.on_since_s = 0, self.clock.now()
        self.waveform = False

    def open_session(self) -> Session:
        return KvMeterSession(self)

    def exposures(self) -> tuple[int, float, float]:
        """Number, charge in C and time in s of the last exposure that has ended; number 0: none."""
        now, every_s = self.clock.now(), self.options.every_s
        if every_s and (number := int((now - self.on_since_s) / every_s)):
            return number, self.detector.mean_current(now - every_s, now) * every_s, every_s / 2
        ended = [each for each in self.detector.exposures if self.on_since_s <= each.end_s <= now]
        last = max(ended, key=lambda each: each.end_s, default=None)
        return (len(ended), last.charge_c, last.end_s - last.start_s) if last else (0, 0.0, 0.0)

    def data(self) -> bytes:
        """The reply to D."""
        number, charge_c, time_s = self.exposures()
        if not number:
            return NO_EXPOSURE.encode() + END
        kv = KV[self.filter] + gauss(self.seed, "kv", number, 0.5)
        peaks = [kv + gauss(self.seed, "peak", number * PEAKS + n, 0.2) for n in range(PEAKS)]
        first = f"{kv - 1:+.3E} {kv:+.3E} {abs(charge_c) * 1e9:+.3E} {time_s:+.3E} {PEAKS}"
        return first.encode() + END + " ".join(f"{each:+.3E}" for each in peaks).encode() + END

    def points(self, first: int) -> bytes:
        """Ten lines of the waveforms A and B."""
        return b"".join(b"%d %d" % (1000 + n % 100, 600 + n % 60) + END for n in range(first, first + POINTS))

    # --- what the faults need to know -----------------------------------------------------------------------------

    @property
    def banner(self) -> bytes:
        return b""

    def is_identification(self, request: bytes) -> bool:
        return request == b"F"

    def become(self, other: str) -> None:
        """Another device answers something else; another 4000M+ says nothing that would tell it from this one."""
        self.is_another = other == "device"

    def front_panel(self, what: str | None = None) -> None:
        act = what or self.front_panel_acts[0]
        if act not in self.front_panel_acts:
            raise ValueError(f"nobody can turn {act!r} on {self.model}; there is {', '.join(self.front_panel_acts)}")
        if act == "filter":
            self.filter = self.filter % len(KV) + 1
        else:
            self.sensitivity = "low" if self.sensitivity == "high" else "high"

    def busy(self) -> bytes:
        """Assumed: while it exposes it does not answer."""
        return b""

    def stray_line(self) -> bytes:
        return b"READY" + END

    def sentinels(self, reply: bytes) -> list[bytes]:
        first, _, rest = reply.partition(END)
        words = first.split(b" ")
        special = (b"+9.999E+99", b"-1.000E+00", b"-0.000E+00", b"+1,234E+00", b"*********")
        return [b" ".join([*words[:2], each, *words[3:]]) + END + rest for each in special]

    def back_doors(self) -> Mapping[str, Callable[[object], None]]:
        return {
            "status": lambda value: setattr(self, "status", int(str(value))),
            "filter": lambda value: setattr(self, "filter", KvMeterOptions(int(str(value))).filter),
            "leakage_a": lambda value: setattr(self.detector, "leakage_a", float(str(value))),
        }

    def state(self) -> State:
        return {
            "model": self.model, "filter": self.filter, "range": self.sensitivity, "emitted": self.emitted,
            "exposures": self.exposures()[0], "time_s": self.clock.now(),
        }  # fmt: skip


class KvMeterSession(Session):
    """Characters one by one. W changes how those after it are read: an index up to CR, until ESC."""

    def __init__(self, device: SimulatedKvMeter) -> None:
        self._device, self._index = device, bytearray()

    def feed(self, data: bytes) -> list[Request | Clear]:
        events: list[Request | Clear] = []
        for byte in data:
            if self._device.waveform:
                events += self._in_waveform(byte)
            elif byte == ord("W"):
                self._device.waveform = True
                self._index.clear()
            elif byte in COMMANDS:
                events.append(Request(bytes([byte])))
        return events

    def _in_waveform(self, byte: int) -> list[Request | Clear]:
        if byte == ESCAPE:
            self._device.waveform = False
        elif byte == ord("\r"):
            index, wanted = bytes(self._index), self._index.isdigit()
            self._index.clear()
            return [Request(b"W" + index)] if wanted else []
        elif len(self._index) < 6:
            self._index.append(byte)
        return []

    async def answer(self, request: bytes) -> Reply | None:
        device = self._device
        if device.is_another:
            return Reply(b"ERROR" + END)
        if request == b"F":
            return Reply(b"%d" % device.filter + END)
        if request == b"D":
            return Reply(device.data(), measurement=True)
        if request.startswith(b"W"):
            return Reply(device.points(int(request[1:])), measurement=True)
        await device.clock.sleep_until(device.clock.now() + PREPARES_S)
        return Reply(b"%d" % device.status + END)


MODEL = WireModel(
    model="fluke-4000m-plus",
    title="Fluke (Victoreen) 4000M+ X-ray test device",
    assumed=(
        "dose is 1 mR for each nC of the detector; tube voltage, peaks and waveform are invented",
        "before the first exposure all data are zero",
        "peaks stand on one line with blanks between them",
        "characters that are no command are ignored; it does not answer while it exposes",
    ),
    options=tuple(each.name for each in fields(KvMeterOptions)),
    make=lambda clock, seed, options: SimulatedKvMeter(clock, seed, KvMeterOptions(**options)),
)
