"""JSON files of TL-DOS, written here with the keys that were observed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from drivers.files import FileReadings, Rejected, parse_file, sniff
from drivers.files.tl_dos import TL_DOS, detect
from drivers.reading import Flag, Sample

READ: dict[str, Any] = {
    "CurrCount": [0, 1, 0], "HeaterTemp": 307.20001220703125, "ID": [0, 1, 2], "IDTrans": 2, "NumValSets": 3,
    "PhCount": [2, 9, 4], "det_name": "R19410", "meas_comment": "private", "meas_date": "2019-04-30T14:48:44.835",
    "meas_id": "RaD", "meas_magazineNumber": "110 C", "meas_tag": "somebody", "readoutConfig_tRTemp": 300,
    "tDelta": 0.005119999870657921, "time_sec": [0.00512, 0.01024, 0.01536], "uPMT": [18938, 18938, 18937],
}  # fmt: skip


def parsed(**changed: Any) -> FileReadings:
    """The file with something changed; None takes a key out."""
    said = {key: value for key, value in (READ | changed).items() if value is not None}
    return parse_file("x.json", json.dumps(said, indent=4).encode(), format=TL_DOS)


def only(**changed: Any) -> Sample:
    """Its one readout."""
    found = parsed(**changed)
    assert (found.rejected, len(found.samples)) == ([], 1)
    return found.samples[0]


def refused(**changed: Any) -> Rejected:
    """Why there is none."""
    found = parsed(**changed)
    assert found.samples == []
    (rejected,) = found.rejected
    return rejected


def test_a_readout_over_time() -> None:
    sample = only()
    assert (sample.kind, sample.mode, sample.value, sample.unit) == ("glow-curve", "TL", 15.0, "{counts}")
    assert (sample.element, sample.clock, sample.role) == ("R19410", "2019-04-30T14:48:44.835", "sample")
    assert {name: (a.unit, a.values) for name, a in sample.axes.items()} == {
        "time": ("s", (0.00512, 0.01024, 0.01536)), "signal": ("{counts}", (2, 9, 4)),
        "current-counts": ("{counts}", (0, 1, 0)),
    }  # fmt: skip
    assert sample.attributes == {
        "HeaterTemp": "307.2", "IDTrans": "2", "NumValSets": "3", "meas_id": "RaD", "meas_magazineNumber": "110 C",
        "readoutConfig_tRTemp": "300", "tDelta": "0.00512",
    }  # fmt: skip
    assert sniff(sample.raw) is TL_DOS


def test_the_reference_light_is_no_dosimeter() -> None:
    sample = only(meas_id="PMTref", det_name="")
    assert (sample.role, sample.element) == ("reference-light", None)


def test_without_current_counts_there_are_none() -> None:
    assert "current-counts" not in only(CurrCount=None).axes
    assert "current-counts" not in only(CurrCount=[1]).axes


@pytest.mark.parametrize(
    ("changed", "said", "flags"),
    [
        ({"meas_id": "Blank"}, "x.json: its meas_id is 'Blank'; known are RaD, PMTref.", ()),
        ({"meas_id": None}, "its meas_id is 'None'", ()),
        ({"meas_id": ["RaD"]}, "its meas_id is", ()),
        ({"NumValSets": 4}, "it has 3 counts, and 4 by its NumValSets", (Flag.INCOMPLETE,)),
        ({"time_sec": [1, 2]}, "it has 3 counts and 2 times", (Flag.INCOMPLETE,)),
        ({"time_sec": [1, 3, 2]}, "its time_sec goes back", ()),
        ({"time_sec": [1, 3, "4"]}, "its time_sec has something that is no number", (Flag.NOT_A_NUMBER,)),
        ({"time_sec": [1, 3, 1e300]}, "its time_sec has a number that is too large", (Flag.NOT_A_NUMBER,)),
        ({"PhCount": [1, 2, -3]}, "its PhCount has something that is no number of counts", (Flag.NOT_A_NUMBER,)),
        ({"PhCount": [1, 2.5, 3]}, "its PhCount has something that is no number of counts", (Flag.NOT_A_NUMBER,)),
        ({"PhCount": [1, True, 3]}, "its PhCount has something that is no number", (Flag.NOT_A_NUMBER,)),
        ({"PhCount": [1, float("nan"), 3]}, "it has NaN where a number belongs", (Flag.NOT_A_NUMBER,)),
        ({"PhCount": [], "NumValSets": 0}, "its PhCount is empty", (Flag.INCOMPLETE,)),
        ({"PhCount": 3}, "its PhCount is no list of at most 20000 numbers", ()),
        ({"det_name": " "}, "its det_name, the dosimeter, is empty", (Flag.INCOMPLETE,)),
        ({"det_name": "\udcff"}, "a text in it has half of a surrogate pair", ()),
    ],
)
def test_what_is_not_believed(changed: dict[str, Any], said: str, flags: tuple[Flag, ...]) -> None:
    rejected = refused(**changed)
    assert said in rejected.reason
    assert (rejected.flags, rejected.may_complete) == (flags, False)


def test_a_file_that_is_being_written_is_waited_for() -> None:
    data = json.dumps(READ).encode()
    (rejected,) = parse_file("x.json", data[:-1]).rejected
    assert rejected.may_complete
    assert rejected.reason.startswith("x.json: it is no JSON (")


@pytest.mark.parametrize("date", [None, 5, "2019-02-30T14:48:44", "30.04.2019"])
def test_a_date_that_is_none_is_no_clock(date: object) -> None:
    assert only(meas_date=date).clock is None


@pytest.mark.parametrize("data", [b"", b"{}", b'["PhCount"]', b'x{"PhCount"'])
def test_what_is_no_such_file_is_not_taken_for_one(data: bytes) -> None:
    assert not detect(data)
    assert detect(b'\xef\xbb\xbf {"PhCount": []}')
