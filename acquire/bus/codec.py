"""Validating readings quickly: a msgspec struct of the same declaration as the contract's model (declared.py).

A reading takes pydantic some 9 µs and msgspec less than 1 (measured), and the store validates every single one. The
struct refuses at least what the model refuses in strict mode; what it refuses is then shown to the model, which gives
the reason or the verdict (tests/acquire/bus/test_codec.py holds them together).
"""

from __future__ import annotations

from typing import Any

import msgspec

from acquire.bus.declared import struct_of
from drivers import Also, Axis, Reading

ReadingStruct = struct_of(Reading, {Axis: struct_of(Axis), Also: struct_of(Also)})

reading_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(ReadingStruct)
"""Decodes a ReadingEntry; raises msgspec.DecodeError or ValidationError for anything else."""

encode_reading = msgspec.json.Encoder(order="deterministic").encode
"""Canonical JSON of a ReadingStruct. Where it differs from what was decoded, that was not canonical, or held more."""
