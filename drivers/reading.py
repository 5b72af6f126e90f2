"""What an instrument said, once: the Sample that a driver gives, and the frozen Reading that is made of it.

This is the one place where the fields of a reading are written down: the contract's model and schema, the store's
decoder and the bytes that are kept follow (acquire/bus/declared.py). A new field is a line here, with a default.

A reading carries its value, unit, quality flags, both clocks and the raw bytes it was parsed from, together, from the
wire to the store. An overload or a sentinel is a flag and no number: ``value`` is None then.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class Flag(StrEnum):
    """Quality flags; a reading may carry several. Those in NO_VALUE forbid a number."""

    OVERLOAD = "overload"
    UNDERLOAD = "underload"
    OUT_OF_LIMIT = "out-of-limit"
    ZERO_CHECK = "zero-check"
    RELATIVE = "relative"  # the instrument subtracted a reference of its own (REL)
    UNCALIBRATED = "uncalibrated"
    HV_FAULT = "hv-fault"
    LOW_SIGNAL = "low-signal"
    SAFETY_WARNING = "safety-warning"
    SETTLING = "settling"  # too early after a change (voltage, range), by what the instrument itself states
    BUSY = "busy"  # the instrument is zeroing, testing itself or starting
    NOT_A_NUMBER = "not-a-number"
    UNPARSED = "unparsed"  # the raw bytes are kept, nothing is believed
    STALE = "stale"  # converted before a change of the instrument: the bytes are kept, nothing is believed
    INCOMPLETE = "incomplete"  # part of what the format promises is missing
    CHANGED_BY_HAND = "changed-by-hand"  # mode, range or unit differ from what the daemon set
    UNKNOWN_STATUS = "unknown-status"  # the instrument set a bit that no document explains
    NON_CONFORMING = "non-conforming"  # the file breaks its own format where it does not matter
    CLOCK_STEP = "clock-step"  # the host's calendar clock was set, or the host slept, since the reading before


NO_VALUE = frozenset(
    {Flag.OVERLOAD, Flag.OUT_OF_LIMIT, Flag.ZERO_CHECK, Flag.HV_FAULT, Flag.NOT_A_NUMBER, Flag.UNPARSED, Flag.STALE}
)


def says(text: str) -> Meta:
    """What a field says; the contract's schema has it as its description."""
    return Meta(description=text)


Kind = Literal["scalar", "glow-curve", "curve", "unparsed"]
KIND = says('"curve" is any array but a glow curve; of "unparsed" the raw bytes are kept, nothing is believed')
RAW = says("the bytes this was parsed from, as text or base64")
ROLES = (
    '"sample" (the readout of a dosimeter), "pmt-noise", "reference-light", "background", "blank", "preheat", "anneal"'
)
RUN = "the reader's run, as its own record states it: one text for one run, and no other run has it"
NotNegative = Annotated[float, Meta(ge=0)]


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """One column of an array reading: values in the UCUM unit, in the order measured."""

    unit: str
    values: tuple[float, ...]


class Also(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A further quantity that came in the same reply (rate beside integral, detector voltage, humidity)."""

    unit: str
    value: float | None = None


class Sample(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a driver or a file format gives: what the instrument said, without the host's clocks.

    range and mode are as they were in force for this sample, never as they were configured. Empty raw bytes stand for
    the reply that the engine heard.
    """

    kind: Annotated[Kind, KIND] = "scalar"
    quantity: Annotated[str, says('"charge", "current", "voltage", "dose", "dose-rate", "counts", ...')]
    unit: Annotated[str, says("UCUM")]
    value: Annotated[float | None, says("absent where a flag forbids a number; of an array, its sum")] = None
    u: Annotated[NotNegative | None, says("standard uncertainty stated by the instrument, same unit")] = None
    role: Annotated[str, says(ROLES)] = "sample"
    flags: Annotated[tuple[Flag, ...], says("quality flags; what each means is in docs/bus.md")] = ()
    elapsed_s: Annotated[float | None, says("the instrument's own running clock, from a zero of its own")] = None
    clock: Annotated[str | None, says("the instrument's calendar clock, ISO 8601, no time zone")] = None
    channel: Annotated[str | None, says("the input, of an instrument with several")] = None
    range: Annotated[str | None, says("as it was in force")] = None
    mode: Annotated[str | None, says("as it was in force")] = None
    element: Annotated[str | None, says("dosimeter id as the reader states it")] = None
    element_index: Annotated[int | None, says("1 to 4, on a card with several elements")] = None
    position: Annotated[str | None, says("where in the reader it lay: disk, tray or magazine place, as stated")] = None
    run: Annotated[str | None, says(RUN)] = None
    reader: Annotated[str | None, says("which reader, as its own record states it: model, unit, serial number")] = None
    software: Annotated[str | None, says("version of the reader's software, as its own record states it")] = None
    also: Annotated[dict[str, Also], says("further quantities of the same reply, by name")] = {}
    attributes: Annotated[dict[str, str], says("what else a reader's record says of itself")] = {}
    note: Annotated[str | None, says("a sentence of the driver, or why nothing is believed")] = None
    axes: Annotated[dict[str, Axis], says('columns of an array by name: "time", "temperature", "signal", ...')] = {}
    origin: Annotated[dict[str, str | int], says("of a file: name, SHA-256, byte offset and length")] = {}
    raw: Annotated[bytes, RAW] = b""

    def __post_init__(self) -> None:
        """Refuse the one thing that must never happen: a number beside a flag that forbids it."""
        if self.value is None:
            return
        if self.flags and not NO_VALUE.isdisjoint(self.flags):
            raise ValueError(f"a reading flagged {', '.join(self.flags)} must not carry the value {self.value!r}")
        if not math.isfinite(self.value):
            raise ValueError("a reading's value must be finite; use Flag.NOT_A_NUMBER and no value")


class Reading(Sample, frozen=True, kw_only=True, omit_defaults=True):
    """A sample with the host's clocks and its bytes: what the engine makes of it, once, and the store keeps.

    It is also the declaration of the bus contract's entry: of these fields acquire.bus makes schema and decoder. There
    raw is text, and raw_encoding says how it is to be understood; in a Reading raw is always the bytes.
    """

    kind: Annotated[Kind, KIND]
    raw: Annotated[bytes, RAW]
    raw_encoding: Literal["text", "base64"] = "text"
    time: Annotated[str, says("host clock, UTC, ISO 8601")]
    monotonic_s: Annotated[float, says("host's monotonic clock, for intervals only")]


def at_host(sample: Sample, raw: bytes, time: str, monotonic_s: float, *flags: Flag) -> Reading:
    """The reading of a sample; its own raw bytes, or else `raw`. flags: what the host adds, beside the sample's own."""
    own = {"raw": sample.raw or raw, "time": time, "monotonic_s": monotonic_s, "flags": (*sample.flags, *flags)}
    return Reading(**msgspec.structs.asdict(sample) | own)
