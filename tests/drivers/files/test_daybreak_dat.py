"""Binary DAT files of Daybreak, byte by byte by the published layout."""

from __future__ import annotations

import struct

import pytest
from risoe_files import risoe

from drivers.files import FileReadings, parse_file, sniff
from drivers.files.daybreak_dat import DAYBREAK_DAT, detect
from drivers.reading import Flag, Sample

DAY = 105 << 9 | 22 << 4 | 2  # 22 February 2005


def dat(
    d1: int = 0,
    counts: tuple[float, ...] = (318, 34, 37),
    *,
    special: bytes = bytes(8),
    maxpt: int = 4,
    day: int = DAY,
    npt: int | None = None,
) -> bytes:
    """One record of disk 2."""
    head = struct.pack("<6h", len(counts) if npt is None else npt, 5, 1, 2, d1, maxpt) + bytes((0, 0, 1, 0, 1, 0))
    numbers = struct.pack("<8d", 0.0, 4.5, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0) + special
    texts = b"".join(bytes([len(text)]) + text.ljust(7, b"\xf7") for text in (b"", b"Gy/min", b"", b"none", *[b""] * 3))
    points = struct.pack(f"<{maxpt + 1}d", 9e9, *counts, *[7.0] * (maxpt - len(counts)))
    record = head + numbers + texts + struct.pack("<H", day) + b"\x07private" + bytes(34) + points
    assert len(record) == 190 + 8 * (maxpt + 1)
    return record


def parsed(*records: bytes) -> FileReadings:
    """A file of these records."""
    return parse_file("x.DAT", b"".join(records), format=DAYBREAK_DAT)


def only(*records: bytes) -> Sample:
    """The one readout of a file that holds nothing else."""
    found = parsed(*records)
    assert (found.rejected, len(found.samples)) == ([], 1)
    return found.samples[0]


def test_a_glow_curve() -> None:
    sample = only(dat())
    assert sniff(dat()) is DAYBREAK_DAT
    assert (sample.kind, sample.mode, sample.value, sample.unit) == ("glow-curve", "TL", 389.0, "{counts}")
    assert (sample.element, sample.clock) == ("2", "2005-02-22")
    assert sample.axes["signal"].values == (318, 34, 37)
    assert (sample.axes["temperature"].unit, sample.axes["temperature"].values) == ("Cel", (5.0, 10.0, 15.0))
    assert sample.attributes == {
        "NRUN": "1", "NDISK": "2", "RAMPRATE": "4.5", "BRATE": "1", "ARATE": "1", "BRUNIT": "Gy/min", "BFILTER": "none",
    }  # fmt: skip
    assert sample.raw == dat()


def test_a_curve_over_time_in_stretches() -> None:
    sample = only(dat(2818, (1, 2, 3, 4), special=b"\x02\x00\x01\x01\x00\x00\x00\x23"))
    assert (sample.kind, sample.mode) == ("curve", "OSL")
    assert sample.axes["time"].values == (0.01, 0.02, 1.02, 11.02)
    assert sample.attributes["temperature"] == "35 Cel"


def test_what_is_no_readout_is_noted() -> None:
    found = parsed(dat(1500), dat(10000), dat(20000), dat(4200), dat())
    assert len(found.samples) == 1
    assert found.notes == [
        "record 1: bleach, no readout", "record 2: irradiation, no readout", "record 3: missing, no readout",
        "record 4: device 42, which is not known, no readout",
    ]  # fmt: skip


def test_stretches_that_are_not_the_points_reject_their_record() -> None:
    found = parsed(dat(2818, (1, 2, 3), special=b"\x02\0\0\0\0\0\0\0"), dat())
    assert len(found.samples) == 1
    assert found.rejected[0].reason == "x.DAT, record 1 (byte 0): its stretches have 2 points, it has 3."
    assert found.rejected[0].flags == (Flag.INCOMPLETE,)


@pytest.mark.parametrize("number", [-1.0, float("nan"), float("inf"), 1e300])
def test_a_number_that_is_none_of_counts_rejects_its_record(number: float) -> None:
    found = parsed(dat(counts=(1, number, 2)), dat())
    assert len(found.samples) == 1
    assert found.rejected[0].flags == (Flag.NOT_A_NUMBER,)


def test_a_record_without_points_has_no_value() -> None:
    assert parsed(dat(counts=()), dat()).rejected[0].reason == "x.DAT, record 1 (byte 0): TL without points."


@pytest.mark.parametrize("left", [120, 200, 229])
def test_a_last_record_that_is_cut_may_be_completed(left: int) -> None:
    found = parsed(dat(), dat()[:left])
    assert len(found.samples) == 1
    (rejected,) = found.rejected
    assert (rejected.may_complete, rejected.flags, rejected.piece.raw) == (True, (Flag.INCOMPLETE,), dat()[:left])


def test_what_is_not_of_the_layout_ends_the_file() -> None:
    found = parsed(dat(), dat(), b"\xff" * 400)
    assert len(found.samples) == 2
    (rejected,) = found.rejected
    assert rejected.reason == "x.DAT, record 3 (byte 460): it is not of this layout, and nothing behind it is read."


def test_years_before_1950_are_of_this_century() -> None:
    assert only(dat(day=5 << 9 | 22 << 4 | 2)).clock == "2033-02-22"


@pytest.mark.parametrize(
    "data",
    [
        b"", bytes(500), dat()[:180], dat(day=0), dat(npt=5), dat() + b"\xff" * 400, risoe(8, SET=1, RUN=1),
        risoe(3), risoe(6, SET=1),
    ],
)  # fmt: skip
def test_what_is_no_such_file_is_not_taken_for_one(data: bytes) -> None:
    assert not detect(data)
