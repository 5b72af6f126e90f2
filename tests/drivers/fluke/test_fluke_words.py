"""The grammar of a 4000M+: the manual's forms are understood, and nothing else is a number."""

from __future__ import annotations

import pytest

from drivers import Garbled
from drivers.fluke import words

FIRST = b"+6.900E+01 +8.034E+01 +1.234E+02 +1.000E-01 3"
PEAKS = b"+8.100E+01 +8.050E+01 +7.990E+01"
SHAPE = words.ExposureReply()


@pytest.mark.parametrize("between", [b" ", b"\r\n"])
def test_an_exposure_with_its_peaks_whatever_stands_between_them_and_however_it_is_cut(between: bytes) -> None:
    whole = b"\r\n" + FIRST + b"\r\n" + PEAKS.replace(b" ", between) + b"\r\n"
    for cut in range(len(whole) - 1):
        assert SHAPE.find(whole[:cut]) is None
    found = SHAPE.find(whole)
    assert found is not None
    assert whole[found[1] :] in (b"", b"\n")
    assert words.parse_exposure(found[0]) == words.Exposure(69.0, 80.34, 123.4, 0.1, (81.0, 80.5, 79.9))


def test_without_peaks_the_line_is_all() -> None:
    found = SHAPE.find(b"+0.000E+00 +0.000E+00 +0.000E+00 +0.000E+00 0\r\n\r\n")
    assert found is not None
    exposure = words.parse_exposure(found[0])
    assert (exposure.happened, exposure.peaks_kv) == (False, ())


def test_a_line_of_another_kind_is_given_alone_to_be_refused() -> None:
    found = SHAPE.find(b"READY\r\n" + FIRST)
    assert found == (b"READY", 6)
    with pytest.raises(Garbled):
        words.parse_exposure(b"READY")


@pytest.mark.parametrize(
    "line",
    [
        FIRST, FIRST + b"\r\n" + PEAKS + b" +8.000E+01", FIRST.replace(b" 3", b" 03"), FIRST.replace(b" 3", b" +3"),
        FIRST.replace(b"+1.234E+02", b"-1.234E+02"), FIRST.replace(b"+1.234", b"+1,234"),
        FIRST.replace(b"+1.234", b"1.234"), FIRST.replace(b"+1.234", b"+1.23"),
    ],
)  # fmt: skip
def test_what_has_not_the_form_is_no_exposure(line: bytes) -> None:
    with pytest.raises(Garbled):
        words.parse_exposure(line)


@pytest.mark.parametrize(
    ("good", "bad"), [(b"+8.034E+01", b"+8.034E+02"), (b"+1.234E+02", b"+1.234E+07"), (b"+1.000E-01", b"+1.000E+09")]
)
def test_what_it_cannot_measure_is_a_damaged_number(good: bytes, bad: bytes) -> None:
    assert words.parse_exposure(FIRST + b"\r\n" + PEAKS).happened
    with pytest.raises(Garbled):
        words.parse_exposure(FIRST.replace(good, bad) + b"\r\n" + PEAKS)


@pytest.mark.parametrize("line", [b"0", b"6", b"-1", b"03", b"3.0", b"ERROR", b"", b"3 3"])
def test_what_is_no_setting_of_the_filter_wheel(line: bytes) -> None:
    assert words.parse_filter(b"3") == 3
    with pytest.raises(Garbled):
        words.parse_filter(line)


def test_the_status_of_the_manuals_example() -> None:
    assert words.parse_status(b"9") == ["ion chamber integrator offset too high", "ion chamber integrator failure"]
    assert words.parse_status(b"0") == []
    with pytest.raises(Garbled):
        words.parse_status(b"64")


def test_ten_points_and_no_other_number() -> None:
    lines = [b"%d %d" % (n, -n) for n in range(10)]
    assert words.parse_points(b"\n".join(lines))[9] == (9, -9)
    for wrong in (lines[:9], [*lines[:9], b"1"], [*lines[:9], b"1 x"]):
        with pytest.raises(Garbled):
            words.parse_points(b"\n".join(wrong))
