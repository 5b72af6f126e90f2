"""BINX files as the project writes them: the bytes of the published structure, and what does not fit is refused."""

from __future__ import annotations

import io

import pytest
from risoe_files import COUNTS, USUAL, risoe

from drivers.errors import Misuse
from drivers.files.bin_records import BinRecord, walk
from drivers.files.bin_writing import written
from drivers.files.risoe_bin import RISOE_BIN, RisoeOptions

TEXTS = {"SAMPLE", "DATE", "TIME"}


@pytest.mark.parametrize("version", [6, 7, 8])
def test_a_record_byte_for_byte(version: int) -> None:
    fields = {**USUAL, "LTYPE": 1, "FNAME": "a\xe4", "DEADTIME": 0.25, "TIMESINCEIRR": -1}
    rectype = {"RECTYPE": 1} if version == 8 else {}
    made = list(written([(version, fields | rectype, COUNTS), (version, fields | rectype, (1,))]))
    assert made[0] == risoe(version, **fields)
    assert made[1] == risoe(version, (1,), previous=len(made[0]), **fields)


def test_what_was_read_is_written_again() -> None:
    first, second = risoe(6, USER="x", COMMENT="y"), risoe(8, (1, 2), SAMPLE="chips 2", DETECTOR_ID=2)
    data = first + risoe(8, (1, 2), previous=len(first), SAMPLE="chips 2", DETECTOR_ID=2)
    read = [each for each in walk(io.BytesIO(data)) if isinstance(each, BinRecord)]
    again = written((each.layout.version, each.header._asdict(), each.counts) for each in read)
    assert b"".join(again) == data
    assert len(second) == len(read[1].raw)


def test_what_is_written_is_read() -> None:
    data = b"".join(written([(7, {"LTYPE": 1, "HIGH": 4.0, "SAMPLE": "dots"}, (9, 4, 2, 1))]))
    (sample,) = RISOE_BIN.parse("x", data, RisoeOptions()).samples
    assert (sample.element, sample.mode, sample.value) == ("dots/0", "OSL", 16.0)
    assert sample.axes["time"].values == (1.0, 2.0, 3.0, 4.0)


@pytest.mark.parametrize(
    ("version", "fields", "counts", "said"),
    [
        (5, {}, (1,), "Record 1: version 5 is not written; there are 6, 7, 8."),
        (6, {"DETECTOR_ID": 1}, (1,), "Record 1: version 6 has no field DETECTOR_ID; it has VERSION, LENGTH,"),
        (8, {"SAMPLE": "x" * 21}, (1,), "Record 1: SAMPLE has 21 characters; there is room for 20."),
        (8, {"SAMPLE": "\u20ac"}, (1,), "Record 1: SAMPLE holds a character that is not Latin-1."),
        (8, {"POSITION": 40000}, (1,), "Record 1: POSITION cannot be 40000"),
        (8, {"POSITION": "3"}, (1,), "Record 1: POSITION cannot be '3'"),
        (8, {"LOW": 1e300}, (1,), "Record 1: LOW cannot be 1e+300"),
        (8, {}, (2**31,), "Record 1: a count is no whole number of 32 bits"),
        (8, {}, (0,) * 65536, "Record 1 has 65536 counts; at most 65535 are written."),
    ],
)
def test_what_does_not_fit_is_refused(version: int, fields: dict, counts: tuple[int, ...], said: str) -> None:
    with pytest.raises(Misuse) as refused:
        list(written([(version, fields, counts)]))
    assert str(refused.value).startswith(said)
