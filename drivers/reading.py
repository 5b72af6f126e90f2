"""What an instrument said, once: the Sample that a driver gives, and the frozen Reading that is made of it.

A reading carries its value, unit, quality flags, both clocks and the raw bytes it was parsed from, together, from the
wire to the store. An overload or a sentinel is a flag and no number: ``value`` is None then.
"""

from __future__ import annotations

import base64
import math
from enum import StrEnum

import msgspec


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


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """One column of an array reading: values in the UCUM unit, in the order measured."""

    unit: str
    values: tuple[float, ...]


class Also(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A further quantity that came in the same reply (rate beside integral, detector voltage, humidity)."""

    value: float | None = None
    unit: str


class Sample(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a driver or a file format gives: what the instrument said, without the host's clocks.

    quantity, unit  as the model declares them; UCUM unit
    value           None where a flag forbids a number; of an array, its sum over all channels
    kind            "scalar", "glow-curve" or "curve" (any other array)
    role            "sample", or for reader quality control "pmt-noise", "reference-light", "background"
    u               standard uncertainty in the same unit, only where the instrument states one
    channel         the input, where the model declares several
    range, mode     as they were in force for this sample, never as they were configured
    elapsed_s       the instrument's own running clock in seconds, from a zero of its own
    clock           the instrument's calendar clock as it states it (no time zone), ISO 8601
    element         dosimeter id as the reader states it; element_index 1..4 on a card with several
    axes            of an array: name ("time", "temperature", "signal", "wavelength", ...) to Axis
    attributes      of a reader's record: what else it says of itself, as text (step number, detection window, ...)
    origin          of a file: name, SHA-256, byte offset and length
    raw             exactly the bytes it was parsed from; empty: the reply that the engine heard
    """

    quantity: str
    unit: str
    value: float | None = None
    kind: str = "scalar"
    role: str = "sample"
    u: float | None = None
    flags: tuple[Flag, ...] = ()
    elapsed_s: float | None = None
    clock: str | None = None
    channel: str | None = None
    range: str | None = None
    mode: str | None = None
    element: str | None = None
    element_index: int | None = None
    also: dict[str, Also] = {}
    axes: dict[str, Axis] = {}
    attributes: dict[str, str] = {}
    origin: dict[str, str | int] = {}
    note: str | None = None
    raw: bytes = b""

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

    kind            as of a sample, or "unparsed": the raw bytes are kept, nothing is believed
    time            host clock, UTC, ISO 8601 with microseconds; monotonic_s beside it for intervals
    """

    kind: str
    raw: bytes
    time: str
    monotonic_s: float


def at_host(sample: Sample, raw: bytes, time: str, monotonic_s: float, *flags: Flag) -> Reading:
    """The reading of a sample; its own raw bytes, or else `raw`. flags: what the host adds, beside the sample's own."""
    said = {name: getattr(sample, name) for name in sample.__struct_fields__}
    own = {"raw": sample.raw or raw, "time": time, "monotonic_s": monotonic_s, "flags": (*sample.flags, *flags)}
    return Reading(**said | own)


def raw_as_text(raw: bytes) -> tuple[str, str]:
    """The raw bytes as JSON can hold them: (text, "text") where they are UTF-8, else (base64, "base64")."""
    try:
        return raw.decode("utf-8"), "text"
    except UnicodeDecodeError:
        return base64.b64encode(raw).decode("ascii"), "base64"


def raw_from_text(text: str, encoding: str) -> bytes:
    """The raw bytes again from what raw_as_text gave. Raises ValueError for base64 that is broken."""
    return base64.b64decode(text) if encoding == "base64" else text.encode("utf-8")


def to_jsonable(reading: Reading) -> dict[str, object]:
    """The reading as a plain dictionary for JSON: defaults left out, raw as text or base64 with its encoding named."""
    fields: dict[str, object] = msgspec.to_builtins(reading, builtin_types=(bytes,))
    text, encoding = raw_as_text(reading.raw)
    fields["raw"] = text
    if encoding != "text":
        fields["raw_encoding"] = encoding
    return fields
