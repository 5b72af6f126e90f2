"""From what was heard to readings: the host's clocks, the raw bytes, and what is not believed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from drivers.model import Model
from drivers.reading import Flag, Reading, Sample, at_host


def host_clock() -> tuple[str, float]:
    """UTC as ISO 8601 with microseconds, and the monotonic clock in seconds, of now."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"), time.monotonic()


def readings_of(model: Model, channels: Sequence[str], samples: Sequence[Sample], raw: bytes) -> list[Reading]:
    """Readings of samples that were just heard; one that the model does not declare is kept and not believed."""
    stamp, monotonic_s = host_clock()
    made = []
    for sample in samples:
        wrong = undeclared(model, channels, sample)
        if wrong is None:
            made.append(at_host(sample, raw, stamp, monotonic_s))
        else:
            made.append(unparsed(model, sample.raw or raw, wrong))
    return made


def undeclared(model: Model, channels: Sequence[str], sample: Sample) -> str | None:
    """What is wrong with a sample by its model's declaration: quantity, unit, channel. None: nothing."""
    declared = model.quantity(sample.quantity)
    if declared is None:
        return f"The driver gave {sample.quantity}, which {model.name} does not declare."
    if sample.unit != declared.unit:
        return f"The driver gave {sample.quantity} in {sample.unit}; {model.name} declares {declared.unit}."
    if channels and sample.channel not in channels:
        return f"The driver gave channel {sample.channel}; {model.name} has {', '.join(channels)}."
    if not channels and sample.channel is not None:
        return f"The driver gave channel {sample.channel}; {model.name} declares none."
    return None


def unparsed(model: Model, raw: bytes, why: str, *flags: Flag) -> Reading:
    """The bytes of something that is not believed, with the sentence that says why, and further flags."""
    stamp, monotonic_s = host_clock()
    first = model.quantities[0]
    return Reading(
        kind="unparsed", quantity=first.name, unit=first.unit, flags=(Flag.UNPARSED, *flags), raw=raw, time=stamp,
        monotonic_s=monotonic_s, note=why,
    )  # fmt: skip
