"""Readouts written as another format: what is read again is what was there, or a sentence says what is not."""

from __future__ import annotations

import io
import struct
from typing import Any

import msgspec
import pytest
from reader_files import GLOW, GOOD, curve, export, heater, line, record, xsyg
from risoe_files import risoe

from drivers.errors import Misuse
from drivers.files import parse_file
from drivers.files.bin_records import BinRecord, walk
from drivers.files.converting import NAMES_PEOPLE, Converted, converted
from drivers.files.targets import target
from drivers.reading import Also, Axis, Flag, Sample

EVEN = xsyg(record(GLOW, heater("0.1,25.0;0.2,25.5;0.3,26.0;0.4,26.5")))
OSL = xsyg(record(curve("30.1,9;30.2,8;30.3,7"), kind="OSL"))


def into(suffix: str, source: str | bytes, version: int = 8, **options: str) -> Converted:
    data = source.encode() if isinstance(source, str) else source
    return converted(parse_file("a", data, options).samples, target(suffix, version))


def read(made: Converted) -> list[Sample]:
    found = parse_file("it", made.data, made.read_with)
    assert found.rejected == []
    return found.samples


def counted(**more: Any) -> Sample:
    """A glow curve of two points, of nothing but what is given."""
    axes = {
        "time": Axis(unit="s", values=(1, 2)), "temperature": Axis(unit="Cel", values=(30, 35)),
        "signal": Axis(unit="{counts}", values=(6, 7)),
    }  # fmt: skip
    usual = Sample(
        kind="glow-curve", quantity="counts", unit="{counts}", value=13.0, mode="TL", element="D1", raw=b"x", axes=axes
    )
    return msgspec.structs.replace(usual, **more)


def written(sample: Sample, suffix: str) -> Converted:
    return converted([sample], target(suffix))


@pytest.mark.parametrize("version", [6, 7, 8])
@pytest.mark.parametrize("source", [4, 5, 6, 7, 8])
def test_a_bin_record_in_another_version_keeps_every_field_that_the_version_has(source: int, version: int) -> None:
    said = {"TOLDELAY": 2, "RATE": 5.0, "SYSTEMID": 82, "DTYPE": 6, "IRR_TIME": 3.1, "USER": "somebody", "COMMENT": "x"}
    if source < 5:
        del said["IRR_TIME"]  # in a unit of its own
    made = into(".binx", risoe(source, **said), version)  # type: ignore[arg-type]
    (was,), (now,) = parse_file("a", risoe(source, **said)).samples, read(made)  # type: ignore[arg-type]
    assert now.raw[0] == version
    assert (now.axes, now.value, now.clock, now.element, now.reader) == (
        was.axes, was.value, was.clock, was.element, was.reader,
    )  # fmt: skip
    kept = set(was.attributes) - ({"IRR_UNIT"} if source < 5 else set())
    assert {name: now.attributes[name] for name in kept} == {name: was.attributes[name] for name in kept} | {
        "VERSION": str(version)
    }
    assert set(now.attributes) - kept <= {"TIMESINCEIRR"}
    assert b"somebody" not in made.data
    assert NAMES_PEOPLE in made.not_said


def test_what_a_version_has_no_field_for_is_named() -> None:
    made = into(".binx", risoe(8, DETECTOR_ID=2, LOWERFILTER_ID=3), version=6)
    assert made.not_said[0] == "Of the readout it does not say what their records have as DETECTOR_ID, LOWERFILTER_ID."
    old = into(".binx", risoe(4, SEQUENCE="SAR", IRR_TIME=2.0))
    assert "IRR_TIME, IRR_UNIT, SEQUENCE" in old.not_said[0]  # in Gy, as 0 has it: version 8 knows seconds alone
    (record_of,) = (each for each in walk(io.BytesIO(old.data)) if isinstance(each, BinRecord))
    assert record_of.header.IRR_TIME == 0


def test_the_same_version_is_the_same_but_for_what_can_name_a_person() -> None:
    data = risoe(8, TOLDELAY=2, RATE=5.0)
    again = bytearray(into(".binx", data).data)
    assert bytes(again) == data


def test_infrared_stimulation_of_version_3_has_a_type_of_its_own_later() -> None:
    made = into(".binx", risoe(3, LTYPE=1, LIGHTSOURCE=2))
    assert [each.mode for each in read(made)] == ["IRSL"]


@pytest.mark.parametrize(("suffix", "source"), [
    (".xsyg", xsyg(GOOD, record(curve("9,8;9.5,7"), kind="OSL"))), (".asc", export(1, 2)), (".binx", risoe(8)),
    (".asc", f"{line(5, f16=chr(34) + 'P' + chr(34), f3='0', f14='0', f8=chr(34) + '0' + chr(34))}\r\n{line(7)}\r\n"),
])  # fmt: skip
def test_what_was_written_once_is_written_the_same_again(suffix: str, source: str | bytes) -> None:
    once = into(suffix, source)
    assert once.left_out == ()
    assert into(suffix, once.data).data == once.data


def test_an_export_of_winrems_is_written_byte_for_byte() -> None:
    inactive = {"f23": "1.000E+0", "f24": "1.000", "f25": "0"}
    check = {"f3": "0", "f14": "0", "f16": '"P"', "f8": '"0"', "f4": "1", "f6": "1", "f7": "1"}
    data = "".join(f"{each}\r\n" for each in (line(**check), line(501, **inactive), line(502, **inactive))).encode()
    made = into(".ASC", data)
    assert made.data == data
    assert made.not_said == (NAMES_PEOPLE,)
    assert made.said_by_itself == ()


def test_the_elements_of_a_card_stand_in_one_line_and_one_that_comes_again_in_another() -> None:
    both = line(501, f4="0", f5="1", f6="1")
    made = into(".asc", f"{both}\r\n{both}\r\n")
    assert len(made.data.splitlines()) == 2
    assert [each.element_index for each in read(made)] == [2, 3, 2, 3]


@pytest.mark.parametrize("unit", ["pC", "nC", "uC"])
def test_a_charge_is_written_in_the_unit_in_which_it_is_a_whole_number(unit: str) -> None:
    source = line(501, f29=f'"{unit}"', f22="80955", f5="1") + "\r\n"
    (was,), (now,) = parse_file("a", source.encode()).samples, read(into(".asc", source))
    assert was.value == now.value


def test_xsyg_to_xlum_and_back_keeps_the_heaters_own_trace_and_counts_of_each_detector() -> None:
    source = xsyg(record(GLOW, curve("0.1,1;0.4,2", 'detector="NIR50"'), heater("0.1,25;0.25,33;0.4,40")))
    made = into(".xlum", source)
    there, back = read(made), read(into(".xsyg", made.data))
    was = parse_file("a", source.encode()).samples
    for each in (there, back):
        assert [(s.channel, s.value, s.element, s.clock) for s in each] == [
            (s.channel, s.value, s.element, s.clock) for s in was
        ]
        assert [s.axes["heater-temperature"] for s in each] == [s.axes["heater-temperature"] for s in was]
    assert "Of all 2 readouts it does not say the axis temperature." in made.not_said
    assert "XLUM gives times as UTC" in made.said_by_itself[-1]
    assert [s.axes["temperature"] for s in back] == [s.axes["temperature"] for s in was]


def test_even_times_and_temperatures_become_a_record_of_risoe_and_others_are_refused() -> None:
    made = into(".binx", EVEN)
    (now,) = read(made)
    assert now.axes["temperature"].values == (25.0, 25.5, 26.0, 26.5)
    assert (now.element, now.value) == ("S1/3", 23.0)
    assert any("DTYPE Natural" in each for each in made.said_by_itself), "Risø has no way not to say it"
    (light,) = read(into(".binx", OSL))
    assert light.axes["time"].values == pytest.approx((30.1, 30.2, 30.3), abs=3e-5)
    with pytest.raises(Misuse, match=r"Readout 1 \(S1/3\): its temperatures are not even"):
        into(".binx", xsyg(record(GLOW, heater("0.1,25.0;0.2,25.5;0.3,26.0;0.4,26.6"))))


def test_times_of_a_risoe_ramp_with_a_plateau_come_from_its_own_fields() -> None:
    made = into(".xlum", risoe(8, RATE=2.0, AN_TIME=10.0))  # 0 to 4 °C, 10 s, to 8 °C
    (now,) = read(made)
    assert now.axes["time"].values == (1, 2, 12, 14)
    assert now.axes["temperature"].values == (2, 4, 4, 8)
    assert "The times of the readout are computed from their records' LOW, RATE and AN_TIME." in made.said_by_itself


@pytest.mark.parametrize("fields", [{"RATE": 0.0}, {"RATE": 5.0, "AN_TIME": 0.0}, {
    "RATE": 5.0, "TOLDELAY": 0, "TOLON": 0, "TOLOFF": 0,
}])  # fmt: skip
def test_times_that_a_risoe_record_does_not_tell_are_not_made_up(fields: dict[str, float]) -> None:
    with pytest.raises(Misuse, match=r"Readout 1 \(chips/3\) has no time in s and counts beside it"):
        into(".xlum", risoe(8, **fields))


@pytest.mark.parametrize(
    ("sample", "suffix", "said"),
    [
        (counted(role="pmt-noise"), ".xsyg", "would be read back with another role, so it is not written."),
        (counted(role="blank"), ".binx", "would be read back with another role, so it is not written."),
        (counted(mode="RF-heated"), ".binx", "is a RF-heated; BINX has TL, OSL,"),
        (counted(mode=None), ".xsyg", "does not say what was done (TL, OSL), as XSYG needs."),
        (counted(element="D" * 21), ".binx", "SAMPLE has 21 characters; there is room for 20."),
        (counted(element="\u4e2d"), ".binx", "SAMPLE holds a character that is not Latin-1."),
        (counted(clock="2075-01-01T00:00:00"), ".binx", "another clock"),
        (counted(quantity="dose", unit="Gy"), ".asc", "is no charge, and an .ASC file holds nothing else."),
        (counted(quantity="charge", unit="C", value=1e-9), ".asc", "does not say which element of a card it is"),
        (
            counted(axes={**counted().axes, "signal": Axis(unit="{counts}", values=(6.5, 6.5))}), ".binx",
            "has no whole counts, as a BINX record needs.",
        ),
    ],
)  # fmt: skip
def test_what_another_format_cannot_say_is_refused(sample: Sample, suffix: str, said: str) -> None:
    with pytest.raises(Misuse) as refused:
        written(sample, suffix)
    assert said in str(refused.value)
    assert str(refused.value).endswith(".")


CHARGE = {
    "kind": "scalar", "quantity": "charge", "unit": "C", "value": 5 * 1e-12, "mode": None, "axes": {},
    "element": "501", "element_index": 2, "reader": "M6600 1", "clock": "2026-06-01T09:00:00",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"element": "T-014"}, "names a card by a number of at most 12 digits."),
        ({"reader": "microSTAR"}, "does not name its reader as .ASC files do"),
        ({"clock": None}, "does not say when it was read."),
        ({"value": 1.5e-12}, "are no whole pC, nC or uC"),
        ({"value": -1e-12}, "are no whole pC, nC or uC"),
        ({"role": "preheat"}, "is a preheat, for which an .ASC file has no kind of line."),
    ],
)
def test_a_line_of_winrems_is_never_completed_by_guesses(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(Misuse) as refused:
        written(counted(**CHARGE | changed), ".ASC")
    assert said in str(refused.value)


def test_factors_that_nobody_told_are_those_that_say_none_and_are_named() -> None:
    made = written(counted(**CHARGE), ".asc")
    assert "Of the readout it says file-rcf 0, which the source does not." in made.said_by_itself
    factors = {"file-rcf": Also(value=1.25, unit="1"), "file-ecc": Also(value=1.062, unit="1")}
    assert read(written(counted(**CHARGE, also=factors), ".asc"))[0].also == factors
    with pytest.raises(Misuse, match="would be read back with another file-ecc"):
        written(counted(**CHARGE, also=factors | {"file-ecc": Also(value=1.0625, unit="1")}), ".asc")


def test_elements_that_are_no_sample_and_position_are_found_again_as_the_sentence_says() -> None:
    for suffix, option in ((".xsyg", "record-name"), (".binx", "sample")):
        made = converted([counted(), counted(element="D2")], target(suffix))
        assert [each.element for each in read(made)] == ["D1", "D2"]
        assert f"read with --option element_from={option}." in made.said_by_itself[-1]
    made = converted([counted(), counted(element="D2")], target(".xlum"))
    assert [each.element for each in read(made)] == ["D1", "D2"]
    assert made.read_with == {}


def test_names_that_no_file_of_the_format_gives_back_are_refused() -> None:
    with pytest.raises(Misuse, match=r"^Not every dosimeter would have its name in a xlum file: /0 would be 0\.$"):
        written(counted(element="/0", position="0"), ".xlum")


def test_one_that_cannot_be_written_keeps_no_other_from_it_and_is_named_by_its_number() -> None:
    made = converted([counted(), counted(role="blank"), counted(element="D3")], target(".xsyg"))
    assert made.readouts == 2
    assert made.left_out == ("Readout 2 (D1) would be read back with another role, so it is not written.",)


def test_two_that_are_the_same_to_the_last_byte_are_not_written_as_records_that_are_read_once() -> None:
    with pytest.raises(Misuse, match=r"It cannot be written so that it is read again: it, record 2 .* once more"):
        converted([counted(), counted()], target(".binx"))
    assert converted([counted(), counted()], target(".xlum")).readouts == 2


def test_nothing_is_no_file() -> None:
    with pytest.raises(Misuse, match="There is no readout in it"):
        converted([], target(".ASC"))


def test_a_second_is_the_finest_that_xsyg_says() -> None:
    made = written(counted(clock="2026-06-01T09:00:00.250"), ".xsyg")
    assert "Of the readout it does not say the parts of a second of their clock." in made.not_said
    assert read(made)[0].clock == "2026-06-01T09:00:00"
    assert not any("second" in each for each in written(counted(clock="2026-06-01T09:00:00.0"), ".xsyg").not_said)


def test_flags_that_a_file_cannot_carry_are_named() -> None:
    made = written(counted(flags=(Flag.NON_CONFORMING,)), ".xsyg")
    assert "Of the readout it does not say that they are flagged non-conforming." in made.not_said


def test_kelvin_are_written_as_degrees_where_the_format_has_no_others() -> None:
    heat = Axis(unit="K", values=(300.15, 305.15))
    (now,) = read(written(counted(axes={**counted().axes, "temperature": heat}), ".xsyg"))
    assert now.axes["temperature"] == Axis(unit="Cel", values=(27, 32))


def test_an_end_of_a_name_that_is_none_and_a_version_that_is_none_are_refused() -> None:
    with pytest.raises(Misuse, match=r"'\.csv' is the end of no file that is written; there are \.binx, \.xsyg,"):
        target(".csv")
    with pytest.raises(Misuse, match="Version 5 of BINX is not written; there are 6, 7, 8"):
        target(".binx", 5)


def test_a_record_of_risoe_byte_by_byte_from_a_readout() -> None:
    made = written(counted(clock="2026-06-01T09:05:07", reader="system 94", position="3", element="chips/3"), ".binx")
    assert struct.unpack_from("<Hiii", made.data) == (8, 515, 0, 2)
    assert made.data[29:35] == b"\x05chips"
    assert made.data[265:279] == b"\x06090507\x06010626"
    assert struct.unpack_from("<fff", made.data, 330) == (25.0, 35.0, 0.0)  # LOW, HIGH; RATE is not told
    assert struct.unpack_from("<ii", made.data, 507) == (6, 7)
