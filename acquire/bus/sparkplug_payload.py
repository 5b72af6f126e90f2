"""Payloads of Sparkplug B, in protobuf's wire format: the few fields an edge node of readings needs.

Field numbers and types are those of the Sparkplug B schema (Eclipse Sparkplug specification 3.0, chapter 6.4.1). Pure:
metrics in, bytes out, and the names and booleans of a command back. Tests have Eclipse Tahu's own library read it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types


class DataType(IntEnum):
    """Of a metric's value."""

    INT64 = 4
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12


@dataclass(frozen=True, slots=True)
class Metric:
    """One value at one time (ms since 1970, UTC). None is null: there is no value now. `unit` is told in births."""

    name: str
    datatype: DataType
    value: int | float | bool | str | None
    timestamp_ms: int
    unit: str | None = None


def encode(timestamp_ms: int, seq: int | None, metrics: Sequence[Metric]) -> bytes:
    """A payload; `seq` is left out of a death certificate of the node."""
    parts = [_varint_field(1, timestamp_ms)]
    parts += [_bytes_field(2, _metric(each)) for each in metrics]
    if seq is not None:
        parts.append(_varint_field(3, seq))
    return b"".join(parts)


def booleans(payload: bytes) -> dict[str, bool]:
    """Name to value of the boolean metrics of a command. Raises ValueError for what is no protobuf."""
    found = {}
    for number, body in _fields(payload):
        if number == 2 and isinstance(body, bytes):
            fields = dict(_fields(body))
            name, value = fields.get(1), fields.get(14)
            if isinstance(name, bytes) and isinstance(value, int):
                found[name.decode("utf-8")] = bool(value)
    return found


def _metric(metric: Metric) -> bytes:
    parts = [_text_field(1, metric.name), _varint_field(3, metric.timestamp_ms), _varint_field(4, metric.datatype)]
    if metric.value is None:
        parts.append(_varint_field(7, 1))
    if metric.unit is not None:
        parts.append(_bytes_field(9, _unit(metric.unit)))
    if metric.value is not None:
        parts.append(_value(metric.datatype, metric.value))
    return b"".join(parts)


def _unit(unit: str) -> bytes:
    """A property set of one property, engUnit."""
    value = _varint_field(1, DataType.STRING) + _text_field(8, unit)
    return _text_field(1, "engUnit") + _bytes_field(2, value)


def _value(datatype: DataType, value: float | str) -> bytes:
    if datatype is DataType.STRING:
        return _text_field(15, str(value))
    if datatype is DataType.DOUBLE:
        return _key(13, FIXED64) + struct.pack("<d", value)
    return _varint_field(14 if datatype is DataType.BOOLEAN else 11, int(value))


def _key(number: int, wire_type: int) -> bytes:
    return _varint(number << 3 | wire_type)


def _varint_field(number: int, value: int) -> bytes:
    return _key(number, VARINT) + _varint(value)


def _bytes_field(number: int, value: bytes) -> bytes:
    return _key(number, BYTES) + _varint(len(value)) + value


def _text_field(number: int, value: str) -> bytes:
    return _bytes_field(number, value.encode("utf-8"))


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; a negative number as 64 bits of two's complement."""
    value &= 2**64 - 1
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*made, value])


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        number, wire_type = key >> 3, key & 7
        if wire_type == VARINT:
            value, at = _read_varint(data, at)
            yield number, value
            continue
        if wire_type == BYTES:
            length, at = _read_varint(data, at)
        elif wire_type in (FIXED64, FIXED32):
            length = 8 if wire_type == FIXED64 else 4
        else:
            raise ValueError(f"wire type {wire_type} is not known")
        if at + length > len(data):
            raise ValueError("it ends within a field")
        yield number, data[at : at + length]
        at += length


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError("it ends within a number")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number is longer than 64 bits")
