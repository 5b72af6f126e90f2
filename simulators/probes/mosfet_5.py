"""A simulated 5-channel MOSFET reader that speaks MR5, a protocol invented for this project.

Source: docs/invented-protocols.md. What the page leaves to the sensors (their first thresholds, how far one rises, how
it falls back afterwards) is invented here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from simulators.clock import Clock
from simulators.instrument import CommandInfo, Reply, State
from simulators.model import WireModel
from simulators.probes.probe import Probe

CHANNELS = 5
REPLY_S = 0.02
LONGEST_WAIT_S = 600
LIFE_MV = 20000.0
MV_PER_C = 1e10  # of the detector behind a sensor: 33 nC stand for a rise of 330 mV
OVERSHOOT, FALLS_BACK_S = 0.01, 20.0
SENSORS = ("MF-1", "MF-2", "MF-3", "MF-4", "MF-5")
START_MV = (5210.0, 19780.0, 6412.0, 7033.5, 10120.0)
SENSITIVITY = {"STD": 1.0, "HIGH": 3.0, "OFF": 0.0}


class SimulatedMosfet5(Probe):
    """The reader behind the wire. A sensor "-" has no id of its own, "" is not plugged in."""

    model = "mosfet-reader-5"

    def __init__(
        self, clock: Clock, seed: int = 0, serial: str = "0507", sensors: Sequence[str] = SENSORS,
        start_mv: Sequence[float] = START_MV,
    ) -> None:  # fmt: skip
        super().__init__(clock, seed, [1.0] * CHANNELS)
        if len(sensors) != CHANNELS or len(start_mv) != CHANNELS:
            raise ValueError(f"sensors and start_mv have {CHANNELS} entries, one a channel.")
        self.name, self.serial = "MR5", serial
        self.sensors, self.threshold_mv = list(sensors), [float(each) for each in start_mv]
        self._counted_c = [0.0] * CHANNELS
        self.power_cycle()

    def power_cycle(self) -> None:
        """What the sensors hold stays in them."""
        self.bias, self.wait_s, self.cleared_s = "OFF", 0, self.clock.now()

    async def reply(self, request: str) -> Reply:
        """One line; every request takes 20 ms."""
        await self.clock.sleep_until(self.clock.now() + REPLY_S)
        self._catch_up()
        text = self._answer(request)
        return Reply(text.encode() + self.terminator, measurement=text.startswith("VT "))

    def _answer(self, request: str) -> str:
        word, blank, given = request.partition(" ")
        plain = {
            "WHO": lambda: f"{self.name} {self.serial} V2.1",
            "BIAS": lambda: f"BIAS {self.bias}",
            "WAIT": lambda: f"WAIT {self.wait_s:03d}",
            "CLEAR": self._clear,
        }
        with_value = {"BIAS": self._set_bias, "WAIT": self._set_wait, "VT": self._asked_threshold}
        if not blank:
            return plain[word]() if word in plain else "?1"
        return with_value[word](given) if word in with_value else "?1"

    def _clear(self) -> str:
        self.cleared_s = self.clock.now()
        return "CLEAR OK"

    def _set_bias(self, given: str) -> str:
        if given not in ("STD", "HIGH"):
            return "?2"
        self.bias = given
        return f"BIAS {given}"

    def _set_wait(self, given: str) -> str:
        if not re.fullmatch("[0-9]{1,4}", given) or int(given) > LONGEST_WAIT_S:
            return "?2"
        self.wait_s = int(given)
        return f"WAIT {self.wait_s:03d}"

    def _asked_threshold(self, given: str) -> str:
        return self._threshold(int(given) - 1) if re.fullmatch("[1-5]", given) else "?2"

    def _threshold(self, channel: int) -> str:
        sensor = self.sensors[channel]
        if not sensor:
            return f"VT {channel + 1} - PRE -----.- 0000 NS"
        risen_s = self._since_beam_s(channel)
        level = self.threshold_mv[channel] + self._still_too_high_mv(channel, risen_s)
        when, drift = ("PRE", 0) if risen_s is None else ("POS", min(int(risen_s), 9999))
        if level > LIFE_MV:
            return f"VT {channel + 1} {sensor} {when} -----.- {drift:04d} OV"
        status = "WT" if risen_s is not None and risen_s < self.wait_s else "OK"
        return f"VT {channel + 1} {sensor} {when} {level:07.1f} {drift:04d} {status}"

    def _beams(self, channel: int) -> list[tuple[float, float]]:
        """Begin and end (simulated s) of the beams since the clearing."""
        now, every = self.clock.now(), [*self.inputs[channel].exposures, *self.detector.exposures]
        return [(each.start_s, each.end_s) for each in every if self.cleared_s <= each.start_s < now]

    def _since_beam_s(self, channel: int) -> float | None:
        """Seconds since the threshold rose last; None before the beam."""
        ends = [end for _, end in self._beams(channel)]
        return max(0.0, self.clock.now() - max(ends)) if ends else None

    def _still_too_high_mv(self, channel: int, risen_s: float | None) -> float:
        if risen_s is None:
            return 0.0
        first = min(start for start, _ in self._beams(channel))
        risen_c = self.collected_c(channel, self.clock.now()) - self.collected_c(channel, first)
        return OVERSHOOT * MV_PER_C * risen_c * math.exp(-risen_s / FALLS_BACK_S)

    def _catch_up(self) -> None:
        """What was collected since the last look has raised the thresholds, by the bias that was on."""
        now, factor = self.clock.now(), SENSITIVITY[self.bias]
        for channel in range(CHANNELS):
            collected = self.collected_c(channel, now)
            self.threshold_mv[channel] += factor * MV_PER_C * (collected - self._counted_c[channel])
            self._counted_c[channel] = collected

    # --- what the faults need to know -------------------------------------------------------------------------------

    @property
    def banner(self) -> bytes:
        return b"MR5 SELF TEST OK\r\n"

    def is_identification(self, request: bytes) -> bool:
        return request == b"WHO"

    def become(self, other: str) -> None:
        if other == "device":
            self.name = "MR2"
        else:
            self.serial = str(int(self.serial) + 1).zfill(4)

    def front_panel(self, what: str | None = None) -> None:
        self.bias = "HIGH" if self.bias == "STD" else "STD"

    def busy(self) -> bytes:
        return b"?3\r\n"

    def stray_line(self) -> bytes:
        return b"BATTERY LOW\r\n"

    def sentinels(self, reply: bytes) -> list[bytes]:
        """Special values in the place of the threshold."""
        words = reply.split(b" ")
        special = (b"+9.9E37", b"NAN", words[4].replace(b".", b","), b"-0000.0", b"-----.-")
        return [b" ".join([*words[:4], each, *words[5:]]) for each in special] + [
            b" ".join([*words[:-1], each]) for each in (b"OV\r\n", b"NS\r\n")
        ]

    def commands(self) -> Sequence[CommandInfo]:
        """Every request, as the page lists it."""
        both = [CommandInfo(each, sets=True, asks=True, simulated=True) for each in ("BIAS", "WAIT")]
        return [
            CommandInfo("WHO", sets=False, asks=True, simulated=True), *both,
            CommandInfo("CLEAR", sets=True, asks=False, simulated=True),
            CommandInfo("VT", sets=False, asks=True, simulated=True),
        ]  # fmt: skip

    def state(self) -> State:
        self._catch_up()
        return {
            "model": self.model, "serial": self.serial, "emitted": self.emitted, "bias": self.bias,
            "wait_s": self.wait_s, "threshold_mv": list(self.threshold_mv), "time_s": self.clock.now(),
        }  # fmt: skip


MODEL = WireModel(
    model=SimulatedMosfet5.model,
    title="5-channel MOSFET reader (invented protocol MR5)",
    assumed=("everything: the protocol MR5 is invented, no real instrument speaks it",),
    options=("serial", "sensors", "start_mv"),
    make=lambda clock, seed, options: SimulatedMosfet5(clock, seed, **options),
)
