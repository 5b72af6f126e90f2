"""Helios `.osl` files, written here as one was observed: points, settings, what is missing and what is refused."""

from __future__ import annotations

import pytest

from drivers.files import FileReadings, Rejected, parse_file
from drivers.reading import Flag, Sample

HEADING = '"Index", "t[s]", "J", "Jcorr", "Jphd", "dt[s]", "T[K]", "ILed[A]"\n'
POINTS = (
    "00000000, 0000.100, 01000400, 01002000, 16000.000, 000.100, 000.0, 0.048\n"
    "00000001, 0000.200, 00800300, 00801500, 16300.000, 000.100, 000.0, 0.051\n"
    "00000002, 0000.300, 00600200, 00601000, 16300.000, 000.100, 000.0, 0.063\n"
)
SETTINGS = (
    '"LED DC amplitude: 0.05 [A]"\n"LED AC amplitude: 0 [A]"\n"Mode: CW Spectrum separation"\n"Samples: 1000"\n'
    '"SW version: 11.05.2018 18:04:26"\n"Helios version: 2.1 [07.05.2018 20:45:19]"\n'
)
WHOLE = HEADING + POINTS + SETTINGS


def parsed(text: str) -> FileReadings:
    return parse_file("x.osl", text.encode())


def only(text: str) -> Sample:
    found = parsed(text)
    assert (found.format, found.rejected, len(found.samples)) == ("helios", [], 1)
    return found.samples[0]


def refused(text: str) -> Rejected:
    found = parsed(text)
    assert (found.samples, len(found.rejected)) == ([], 1)
    return found.rejected[0]


def test_a_decay_has_its_columns_and_no_unit_that_nobody_states() -> None:
    sample = only(WHOLE)
    assert (sample.kind, sample.mode, sample.value, sample.unit, sample.element) == ("curve", "OSL", 2400900, "1", None)
    assert sample.quantity == "osl-signal"
    assert {name: (a.unit, a.values) for name, a in sample.axes.items()} == {
        "time": ("s", (0.1, 0.2, 0.3)), "signal": ("1", (1000400, 800300, 600200)),
        "signal-corrected": ("1", (1002000, 801500, 601000)), "photodiode": ("1", (16000, 16300, 16300)),
        "led-current": ("A", (0.048, 0.051, 0.063)),
    }  # fmt: skip
    assert sample.attributes["led-dc-amplitude"] == "0.05 [A]"
    assert sample.attributes["sw-version"] == "11.05.2018 18:04:26"
    assert sample.raw == WHOLE.encode()


def test_somebodys_words_stay_in_the_bytes_and_make_no_other_readout() -> None:
    with_words = only(WHOLE + '"for Jane Doe"\n')
    assert "Jane" not in repr(with_words.attributes) + str(with_words.note)
    assert with_words.origin["sha256"] == only(WHOLE.replace("\n", "\r\n")).origin["sha256"]


def test_other_light_is_called_by_its_mode_and_a_temperature_that_was_measured_is_given() -> None:
    assert only(WHOLE.replace("CW Spectrum separation", "LM")).mode == "LM"
    assert only(WHOLE.replace("AC amplitude: 0 [A]", "AC amplitude: 0.01 [A]")).mode == "CW Spectrum separation"
    warm = only(WHOLE.replace("000.0, 0.051", "298.5, 0.051"))
    assert warm.axes["temperature"].values == (0.0, 298.5, 0.0)


@pytest.mark.parametrize("cut", [1, 20, len(SETTINGS), len(SETTINGS) + 10])
def test_a_file_that_is_still_written_is_waited_for(cut: int) -> None:
    rejected = refused(WHOLE[:-cut])
    assert (rejected.may_complete, rejected.piece.identity) == (True, refused(WHOLE[:-30]).piece.identity)


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("00000001, ", "00000002, ", "not the point 1 with 8 cells"),
        (", 0.051", "", "not the point 1 with 8 cells"),
        ("00800300", "1e300", "line 3 has '1e300' where a number belongs"),
        ("00800300", "nan", "line 3 has 'nan' where a number belongs"),
        ("0000.200", "0000.100", "its times do not grow"),
        ('"Samples: 1000"', "Samples", "line 8 is 'Samples', neither a point nor a setting"),
        (POINTS, "", "it has 0 points; from 1 to 100000 are read"),
    ],
)
def test_what_is_not_of_its_form_is_refused(was: str, now: str, said: str) -> None:
    rejected = refused(WHOLE.replace(was, now))
    assert said in rejected.reason
    assert not rejected.may_complete


def test_a_row_behind_the_settings_is_none() -> None:
    assert "neither a point nor a setting" in refused(WHOLE + POINTS.splitlines()[0] + "\n").reason


def test_a_value_that_is_not_a_number_is_flagged() -> None:
    assert refused(WHOLE.replace("00800300", "inf")).flags == (Flag.NOT_A_NUMBER,)
