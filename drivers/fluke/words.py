"""What a 4000M+ says, pure: integers, reals, the data of an exposure, ten points of a waveform.

Source: 4000M+ operators manual, appendix B (p. B-1 to B-3): an integer has no sign unless it is negative and no leading
zeros, a real is written as +8.034E+01, and a blank or CR LF stands between two of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from drivers.errors import Garbled
from drivers.strict_numbers import decimal, whole

FILTERS = {1: "27-42 kV", 2: "35-60 kV", 3: "50-85 kV", 4: "70-120 kV", 5: "100-155 kV"}  # table B-1
STATUS = (  # table B-2, from bit 0
    "ion chamber integrator offset too high", "channel A offset too high", "channel B offset too high",
    "ion chamber integrator failure", "channel A amplifier failure", "channel B amplifier failure",
)  # fmt: skip
POINTS = 10
MOST_KV = 200.0  # the filters end at 155 kV; what lies beyond this is a damaged reply
MOST_MR, MOST_S = 1e6, 1e5  # ours: what lies beyond is a damaged exponent
MOST_PEAKS = 1000

_REAL = re.compile(rb"[+-]\d\.\d{3}E[+-]\d{2}")
_INTEGER = re.compile(rb"0|-?[1-9]\d{0,4}")
_FIRST = re.compile(rb"[ \r\n\0]*([^ \r\n\0][^\r\n]*)[\r\n]")


@dataclass(frozen=True, slots=True)
class Exposure:
    """The reply to D: kV effective and average, dose in mR, time in s, kV of each peak."""

    kv_effective: float
    kv_average: float
    dose_mr: float
    time_s: float
    peaks_kv: tuple[float, ...]

    @property
    def happened(self) -> bool:
        """Whether there is anything but zeros in it."""
        return any((self.kv_effective, self.kv_average, self.dose_mr, self.time_s))


@dataclass(frozen=True, slots=True)
class ExposureReply:
    """A line whose fifth number says how many peaks follow; where the first line is none of that kind, it alone."""

    def find(self, buffer: bytes) -> tuple[bytes, int] | None:
        """The reply as it came, without what ends it."""
        first = _FIRST.match(buffer)
        if first is None:
            return None
        fields = first[1].split()
        count = whole(fields[4].decode()) if len(fields) == 5 and _INTEGER.fullmatch(fields[4]) else -1
        if not 0 < count <= MOST_PEAKS:
            return first[1], first.end()
        rest = re.compile(rb"[ \r\n]*[^ \r\n]+(?:[ \r\n]+[^ \r\n]+){%d} *(?=[\r\n])" % (count - 1))
        found = rest.match(buffer, first.end())
        return None if found is None else (buffer[first.start(1) : found.end()].rstrip(b" "), found.end() + 1)


def parse_exposure(reply: bytes) -> Exposure:
    """Reply to D. Raises Garbled."""
    fields = reply.split()
    if len(fields) < 5:
        raise Garbled("The reply to D is no exposure.", reply)
    count = _integer(fields[4], reply)
    reals = [_real(each, reply) for each in (*fields[:4], *fields[5:])]
    if count != len(fields) - 5:
        raise Garbled(f"{count} peaks were announced and {len(fields) - 5} came.", reply)
    if any(each > MOST_KV for each in (*reals[:2], *reals[4:])):
        raise Garbled(f"A tube voltage over {MOST_KV:g} kV is none that it measures.", reply)
    if reals[2] > MOST_MR or reals[3] > MOST_S:
        raise Garbled(f"{reals[2]:g} mR in {reals[3]:g} s is no exposure.", reply)
    return Exposure(reals[0], reals[1], reals[2], reals[3], tuple(reals[4:]))


def parse_filter(line: bytes) -> int:
    """Reply to F: 1 to 5. Raises Garbled for what is no setting of the filter wheel."""
    found = _integer(line.strip(), line)
    if found not in FILTERS:
        raise Garbled(f"{found} is no setting of the filter wheel.", line)
    return found


def parse_status(line: bytes) -> list[str]:
    """Reply to S and O: what is wrong, by table B-2; nothing where it is ready. Raises Garbled."""
    bits = _integer(line.strip(), line)
    if not 0 <= bits < 1 << len(STATUS):
        raise Garbled(f"{bits} is no status from 0 to 63.", line)
    return [text for n, text in enumerate(STATUS) if bits & 1 << n]


def parse_points(lines: bytes) -> list[tuple[float, float]]:
    """Ten lines of the waveforms, A and B. Raises Garbled."""
    rows = [line.split() for line in lines.split(b"\n")]
    if len(rows) != POINTS or any(len(row) != 2 for row in rows):
        raise Garbled("Ten pairs of numbers were expected.", lines)
    return [(_number(a, lines), _number(b, lines)) for a, b in rows]


def _integer(field: bytes, reply: bytes) -> int:
    if not _INTEGER.fullmatch(field):
        raise Garbled("An integer was expected.", reply)
    return whole(field.decode())


def _real(field: bytes, reply: bytes) -> float:
    if not _REAL.fullmatch(field) or decimal(field.decode()) < 0:
        raise Garbled("A real such as +8.034E+01, not below zero, was expected.", reply)
    return decimal(field.decode())


def _number(field: bytes, reply: bytes) -> float:
    if not _REAL.fullmatch(field) and not _INTEGER.fullmatch(field):
        raise Garbled("An integer or a real was expected.", reply)
    return decimal(field.decode())
