"""Fluke (Victoreen) 4000M+ X-ray test device: one reading for each exposure.

It keeps the data of its last exposure and says them as often as it is asked. Only data that differ from those before
are a reading; what it kept from before it was opened is none. It cannot say who it is: it is known by its filter wheel.

Source: operators manual, appendix B. Commands are single characters, nothing ends them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from drivers.commands import Done, command
from drivers.driver import Driver, WireSettings
from drivers.errors import Declined
from drivers.fluke import words
from drivers.fluke.words import Exposure, ExposureReply
from drivers.instrument import Identity
from drivers.model import Model, Quantity, Verified
from drivers.reading import Also, Axis, Sample
from drivers.replies import Lines
from drivers.settings import Settings

ESCAPE = b"\x1b"
DATA = ExposureReply()
TARGETS = {"tungsten": b"S", "molybdenum": b"O"}
PREPARES_S = 2.0  # "slightly more than one second" (manual p. B-2)


class KvMeterSettings(WireSettings):
    """It is asked for new data once a second unless told otherwise."""

    poll_interval_s: float = Field(1.0, ge=0, le=60)


class PrepareParameters(Settings):
    """The anode of the tube."""

    target: Literal["tungsten", "molybdenum"]


class WaveformParameters(Settings):
    """first: index of the first point; ten come."""

    first: int = Field(0, ge=0, le=32767)


class KvMeter(Driver[KvMeterSettings]):
    """A 4000M+."""

    def __init__(self, wire: Any, settings: KvMeterSettings) -> None:
        super().__init__(wire, settings)
        self._last: Exposure | None = None
        self._sends_waveform = False

    async def identify(self) -> Identity:
        """It has no name and no number: what answers F with a setting of the filter wheel is taken for one."""
        await self._end_waveform()
        await self.wire.ask(b"F", words.parse_filter)
        return Identity("Fluke", "4000M+", "", "", self.wire.heard[-1])

    async def set_up(self) -> None:
        """What it still has from before is no reading of ours."""
        self._last = await self._data()

    async def read_back(self) -> Mapping[str, Any]:
        """The range of the filter wheel."""
        return {"filter": words.FILTERS[await self.wire.ask(b"F", words.parse_filter)]}

    async def take(self) -> Sequence[Sample]:
        """The last exposure, if it is another one than before."""
        found = await self._data()
        raw = self.wire.heard[-1]
        if found == self._last or not found.happened:
            return ()
        filter_ = words.FILTERS[await self.wire.ask(b"F", words.parse_filter)]
        self._last = found
        return self._samples(found, raw, filter_)

    @command("prepare", "Measure offsets and get ready for an exposure", PrepareParameters)
    async def prepare(self, p: PrepareParameters) -> Mapping[str, Any]:
        """Takes about a second. Raises Declined with what it found wrong."""
        wrong = await self.wire.ask(
            TARGETS[p.target], words.parse_status, timeout_s=self.settings.timeout_s + PREPARES_S
        )
        if wrong:
            raise Declined(f"{self.wire.name} is not ready for an exposure: {', '.join(wrong)}.")
        return {"target": p.target}

    @command("waveform", "Ten points of both radiation waveforms", WaveformParameters, passive=True)
    async def waveform(self, p: WaveformParameters) -> Done:
        """The points go into the stream as a curve of channels A and B."""
        self._sends_waveform = True
        points = await self.wire.ask(b"W%d\r" % p.first, words.parse_points, Lines(words.POINTS))
        raw = self.wire.heard[-1]
        await self._end_waveform()
        axes = {
            "index": Axis(unit="1", values=tuple(float(p.first + n) for n in range(len(points)))),
            "A": Axis(unit="1", values=tuple(a for a, _ in points)),
            "B": Axis(unit="1", values=tuple(b for _, b in points)),
        }
        return Done({"points": len(points)}, [Sample(kind="curve", quantity="waveform", unit="1", raw=raw, axes=axes)])

    async def _end_waveform(self) -> None:
        if self._sends_waveform:
            await self.wire.send(ESCAPE)
            self._sends_waveform = False

    async def _data(self) -> Exposure:
        return await self.wire.ask(b"D", words.parse_exposure, DATA)

    def _samples(self, found: Exposure, raw: bytes, filter_: str) -> list[Sample]:
        also = {
            "tube-voltage-effective": Also(value=found.kv_effective, unit="kV"),
            "tube-voltage-average": Also(value=found.kv_average, unit="kV"),
            "exposure-time": Also(value=found.time_s, unit="s"),
        }
        exposure = Sample(quantity="exposure", unit="mR", value=found.dose_mr, raw=raw, also=also, range=filter_)
        if not found.peaks_kv:
            return [exposure]
        axes = {"peak": Axis(unit="kV", values=found.peaks_kv)}
        return [exposure, Sample(kind="curve", quantity="tube-voltage", unit="kV", raw=raw, axes=axes, range=filter_)]


FLUKE_4000M_PLUS = Model(
    name="fluke-4000m-plus", vendor="Fluke", title="Fluke (Victoreen) 4000M+ X-ray test device",
    transports=("serial", "tcp"),
    quantities=(Quantity("exposure", "mR"), Quantity("tube-voltage", "kV"), Quantity("waveform", "1")),
    settings=KvMeterSettings, driver=KvMeter, answers=r"4000M\+",
    verified=(
        Verified("4000M+ operators manual, appendix B", "commands, numbers, filter and status tables", "document"),
        Verified("the project's own simulator", "exposures, peaks, waveforms, preparation, faults"),
    ),
    assumed=(
        "dose is in mR and time in s, as the manual's names for them suggest; how it says air kerma is not documented",
        "peaks stand on the line after the data, with blanks or line ends between them",
        "before the first exposure all its data are zero",
        "two exposures that agree in every digit cannot be told from one",
        "any instrument that answers F with 1 to 5 is taken for it: it has no name and no serial number",
        "the points of a waveform are integers or reals of no unit",
        "while it exposes it may not answer; that is a gap and no reading",
    ),
)  # fmt: skip
