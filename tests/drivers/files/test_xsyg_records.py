"""XSYG: what a record must be to give a value, what it says of itself, and its columns."""

from __future__ import annotations

import pytest
from reader_files import GLOW, GOOD, HEAT, curve, heater, record, xsyg

from acquire.instruments.entries import LARGEST_BODY, reading_body
from drivers.files import FileReadings, Piece, Rejected, parse_file
from drivers.files.xsyg import detect
from drivers.reading import Flag, Sample, at_host


def parsed(*records: str) -> FileReadings:
    """A file of these records."""
    return parse_file("x.xsyg", xsyg(*records).encode())


def one(*records: str) -> Sample:
    """The only sample of a file that rejects nothing."""
    found = parsed(*records)
    assert found.rejected == []
    (sample,) = found.samples
    return sample


def spectrum(text: str, table: str = "468;470.5") -> str:
    return curve(text, f'detector="Spectrometer" wavelengthTable="{table}"')


def test_spectra_are_a_curve_of_their_own_and_no_glow_curve() -> None:
    text = record(spectrum("0.1,[5|6];0.2,[7|-1]; "), heater("0.1,25;0.2,26"), GLOW)
    found = parse_file("x.xsyg", xsyg(text).encode())
    assert found.rejected == []
    spectra, glow = found.samples
    assert (spectra.kind, spectra.mode, spectra.channel, spectra.value, spectra.flags) == (
        "curve", "TL", "Spectrometer", 17.0, (),
    )  # fmt: skip
    assert {name: (each.unit, each.values) for name, each in spectra.axes.items()} == {
        "time": ("s", (0.1, 0.2)),
        "wavelength": ("nm", (468, 470.5)),
        "spectrum": ("{counts}", (5, 6, 7, -1)),
        "temperature": ("Cel", (25, 26)),
    }
    assert glow.kind == "glow-curve"
    assert "signal" in glow.axes


def refused(*records: str) -> Rejected:
    """The only rejected piece of a file that gives nothing else."""
    found = parsed(*records)
    assert found.samples == []
    (rejected,) = found.rejected
    return rejected


def test_a_record_gives_its_curve_and_its_sum() -> None:
    sample = one(GOOD)
    assert (sample.kind, sample.quantity, sample.unit, sample.value) == ("glow-curve", "counts", "{counts}", 23.0)
    assert (sample.element, sample.channel, sample.mode) == ("S1/3", "UVVIS", "TL")
    assert (sample.clock, sample.flags, sample.raw.decode()) == ("2026-06-01T09:01:00", (), GOOD)
    data = xsyg(GOOD).encode()
    begin, length = int(sample.origin["offset"]), int(sample.origin["length"])
    assert data[begin : begin + length] == sample.raw


def test_the_record_name_can_stand_for_the_element() -> None:
    (sample,) = parse_file("x.xsyg", xsyg(GOOD).encode(), {"element_from": "record-name"}).samples
    assert sample.element == "r"


@pytest.mark.parametrize("date", ["", "2026060109010", "20260631090100", "2026-06-01 09:01", "\u0662" * 14])
def test_a_clock_that_is_none_is_left_out(date: str) -> None:
    assert one(GOOD.replace("20260601090100", date)).clock is None
    assert one(GOOD.replace(' startDate="20260601090100"', "")).clock is None


def test_every_measured_detector_is_a_sample_of_its_own() -> None:
    found = parsed(record(GLOW, curve("0.1,100;0.2,200", 'detector="NIR50"'), HEAT))
    assert [(s.channel, s.value) for s in found.samples] == [("UVVIS", 23.0), ("NIR50", 300.0)]


def test_one_detector_that_cannot_be_read_does_not_stop_the_other() -> None:
    found = parsed(record(curve("0.1,NaN"), curve("0.1,100;0.4,200", 'detector="NIR50"'), HEAT))
    assert [s.channel for s in found.samples] == ["NIR50"]
    assert found.rejected[0].reason == (
        "x.xsyg, record 1, detector UVVIS: its detector curve has 'NaN', which is no finite number."
    )


def test_curves_that_were_not_measured_are_no_readings() -> None:
    assert one(record(GLOW, curve("0.1,1", kind="predefined"), curve("0.1,1", kind="simulated"), HEAT)).value == 23.0


def test_preheat_and_readout_are_told_apart_by_their_attributes() -> None:
    more = (
        'sequenceStepNumber="{}" sampleCondition="Natural" metaIrrType="beta" metaIrrDuration="10"'
        ' filterCombination="BG39" detectionWindow="365" comment="private"'
    )
    first, second = parsed(record(GLOW, HEAT, more=more.format(1)), record(GLOW, HEAT, more=more.format(2))).samples
    assert first.attributes == {
        "recordType": "TL", "sequenceStepNumber": "1", "state": "finished", "sampleCondition": "Natural",
        "metaIrrType": "beta", "metaIrrDuration": "10", "filterCombination": "BG39", "detectionWindow": "365",
        "recordName": "r", "sequenceName": "s", "protocol": "SAR", "position": "3",
    }  # fmt: skip
    assert second.attributes["sequenceStepNumber"] == "2"


def test_which_reader_it_was_and_with_which_software() -> None:
    said = 'lexsygID="00-00-00-0001" lexStudioVersion="v1" firmwareVersion="2.0" sampleCarrier="disc"'
    text = xsyg(record(GLOW, HEAT, more='endDate="20260601090200"'), declared="").replace(
        "<Sample ", f"<Sample {said} "
    )
    text = text.replace("<Sequence ", '<Sequence mineral="LiF" ')
    (sample,) = parse_file("x.xsyg", text.encode()).samples
    told = {
        "lexsygID": "00-00-00-0001", "lexStudioVersion": "v1", "firmwareVersion": "2.0", "sampleCarrier": "disc",
        "mineral": "LiF", "endDate": "20260601090200",
    }  # fmt: skip
    assert sample.attributes | told == sample.attributes


def test_nothing_personal_is_among_the_attributes() -> None:
    said = str(one(record(GLOW, HEAT, more='comment="private"')).attributes)
    assert not any(word in said for word in ("somebody", "private", "C:"))


@pytest.mark.parametrize(
    ("state", "waits"), [("started", True), ("running", True), ("Finished", True), ("aborted", False)]
)
@pytest.mark.parametrize(
    "build",
    [
        lambda state: record(GLOW, HEAT, state=state),
        lambda state: record(curve("0.1,6;0.2,7", state=state), HEAT),
        lambda state: record(GLOW, heater("0.1,25;0.4,30", state=state)),
    ],
    ids=["record", "curve", "heater"],
)
def test_what_is_not_finished_gives_no_value(state: str, waits: bool, build: object) -> None:
    """A curve of 60 % gave 2.09 cGy where the finished one gives 2.77."""
    rejected = refused(build(state))  # type: ignore[operator]
    assert rejected.flags == (Flag.INCOMPLETE,)
    assert rejected.may_complete is waits
    assert f"is '{state}', not 'finished': no value" in rejected.reason


def test_an_unfinished_record_does_not_stop_the_others_and_is_another_record_than_the_finished_one() -> None:
    found = parsed(record(GLOW, HEAT, state="started", kind=None), GOOD)
    assert [s.value for s in found.samples] == [23.0]
    assert found.rejected[0].piece.digest != found.samples[0].origin["sha256"]


def test_what_says_nothing_of_its_state_is_taken_as_it_is() -> None:
    assert one(record(curve("0.1,6;0.4,7", state=None), heater("0.1,25;0.4,26", state=None), state=None)).value == 13.0


@pytest.mark.parametrize("number", ["NaN", "nan", "-inf", "Infinity", "1e999", "9" * 400, "-1e999"])
@pytest.mark.parametrize("where", ["time", "counts", "heater"])
def test_a_number_that_is_not_finite_is_rejected_and_flagged(number: str, where: str) -> None:
    """A NaN of the heater arrived as null inside the temperature axis."""
    text = f"{number},1;0.2,2" if where == "time" else f"0.1,{number};0.2,2"
    rejected = refused(record(GLOW, heater(text)) if where == "heater" else record(curve(text), HEAT))
    assert rejected.flags == (Flag.NOT_A_NUMBER,)
    assert "which is no finite number" in rejected.reason


@pytest.mark.parametrize(
    "number", ["1_000", "\u0663", "0x10", "1,5", "", "5.", ".5", "1 0", "--1", "1e", "+", "1e1000"]
)
def test_a_number_is_believed_in_its_documented_form_only(number: str) -> None:
    rejected = refused(record(curve(f"0.1,{number};0.2,2"), HEAT))
    assert rejected.flags == ()
    assert "where a number belongs" in rejected.reason


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([record(GLOW, HEAT, kind=None)], "record 1: it has no recordType."),
        ([record(HEAT)], "record 1: a record of type TL without a measured detector curve."),
        ([record(HEAT, kind="OSL")], "record 1: a record of type OSL without a measured detector curve."),
        ([record(spectrum("0.1,[1|2|3]"))], "a spectrum of its spectrometer curve has 3 counts at 2 wavelengths."),
        ([record(spectrum("0.1,[1|2]", ""))], "a spectrum of its spectrometer curve has 2 counts at 0 wavelengths."),
        ([record(spectrum("0.1,5"))], "its spectrometer curve has '5' where a spectrum [c|c|...] belongs."),
        ([record(spectrum("0.1,[1|x]"))], "its spectrometer curve has 'x' where a number belongs."),
        ([record(spectrum("0.2,[1|2];0.1,[1|2]"))], "the times of its spectrometer curve go back."),
        ([record(spectrum(" "))], "its spectrometer curve is empty."),
        ([record(curve(""), HEAT)], "its detector curve is empty."),
        ([record(GLOW, heater(" ; "))], "its heater curve is empty."),
        ([record(curve("0.1 6"), HEAT)], "its detector curve has '0.1 6' where a pair x,y belongs."),
        ([record(curve("0.2,6;0.1,7"), HEAT)], "the times of its detector curve go back."),
        ([record(GLOW, heater("0.2,6;0.1,7"))], "the times of its heater curve go back."),
        ([record(GLOW, heater("7,25;8,30"))], "its heater trace lies outside the time of its detector."),
        ([record(curve("0.1,1e308;0.2,1e308"), HEAT)], "the sum of its counts is no finite number."),
        ([record(spectrum("0.1,[1e308|1e308]"))], "the sum of its counts is no finite number."),
    ],
)
def test_what_is_rejected_and_why(records: list[str], said: str) -> None:
    rejected = refused(*records)
    assert rejected.reason.endswith(said)
    assert not rejected.may_complete


def test_records_without_a_readout_are_noted() -> None:
    found = parsed(record(kind="irradiation", state="started"), GOOD)
    assert (len(found.samples), found.notes) == (1, ["record 1: irradiation, no readout"])


def test_another_measured_record_is_a_curve_without_temperature() -> None:
    sample = one(record(GLOW, HEAT, kind="RF"))
    assert (sample.kind, sample.mode, sorted(sample.axes)) == ("curve", "RF", ["signal", "time"])


def test_a_glow_curve_without_a_heater_is_incomplete_and_keeps_its_counts() -> None:
    sample = one(record(GLOW))
    assert (sample.value, sample.flags) == (23.0, (Flag.INCOMPLETE,))


def columns(sample: Sample) -> dict[str, tuple[float, ...]]:
    """The axes as plain numbers."""
    return {name: each.values for name, each in sample.axes.items()}


SIGNAL = {"time": (0.1, 0.2, 0.3, 0.4), "signal": (6, 7, 5, 5)}


@pytest.mark.parametrize(
    ("trace", "more"),
    [
        ("0.1,25;0.2,30;0.3,35;0.4,40", {"temperature": (25, 30, 35, 40)}),
        (
            "0.1,20;0.4,50",
            {"heater-time": (0.1, 0.4), "heater-temperature": (20, 50), "temperature": (20, 30, 40, 50)},
        ),
        (
            "0,10;0.2,30;0.3,40;0.9,99",
            {
                "heater-time": (0, 0.2, 0.3, 0.9),
                "heater-temperature": (10, 30, 40, 99),
                "temperature": (30, 30, 40, 40),
            },
        ),
        (
            "0.11,25;0.22,30;0.33,35;0.41,40",
            {
                "heater-time": (0.11, 0.22, 0.33, 0.41),
                "heater-temperature": (25, 30, 35, 40),
                "temperature": (25, 30, 35, 40),
            },
        ),
        (
            "0.1,1;0.15,2;0.2,3;0.25,4;0.3,5;0.4,7",
            {
                "heater-time": (0.1, 0.15, 0.2, 0.25, 0.3, 0.4),
                "heater-temperature": (1, 2, 3, 4, 5, 7),
                "temperature": (1, 3, 5, 7),
            },
        ),
    ],
    ids=["same times", "fewer", "fewer inside", "as many at other times", "more"],
)
def test_temperature_stands_at_the_times_of_the_signal(trace: str, more: dict[str, tuple[float, ...]]) -> None:
    found = columns(one(record(GLOW, heater(trace))))
    assert found == {name: pytest.approx(values, abs=5e-4) for name, values in (SIGNAL | more).items()}


def long_record(points: int, shift: int = 0) -> str:
    """A record of so many points in both channels, with counts and times of many digits."""
    counts = ";".join(f"{0.1 * n:.1f},{1000000 + 397 * n % 8999999}" for n in range(1, points + 1))
    trace = ";".join(f"{0.1 * n + 0.01 * shift:.{1 + shift}f},{20 + n % 33000 / 100:.2f}" for n in range(1, points + 1))
    return record(curve(counts), heater(trace))


def body(sample: Sample) -> bytes:
    """As it goes into the spool and onto the bus."""
    return reading_body(at_host(sample, sample.raw, "2026-06-01T09:00:00.000000Z", 1.0))


def test_a_glow_curve_of_twenty_thousand_points_fits_onto_the_bus() -> None:
    sample = one(long_record(20_000))
    assert [len(each.values) for each in sample.axes.values()] == [20_000] * 3
    assert len(body(sample)) < LARGEST_BODY == 1_044_480


@pytest.mark.parametrize(("points", "is_there"), [(100, True), (16_000, False)])
def test_what_can_be_computed_again_is_left_out_of_a_long_record(points: int, is_there: bool) -> None:
    sample = one(long_record(points, shift=1))
    assert ("temperature" in sample.axes) is is_there
    assert {"time", "signal", "heater-time", "heater-temperature"} <= set(sample.axes)
    assert len(body(sample)) < LARGEST_BODY


DOCTYPE = '<!DOCTYPE Sample [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("text", "said", "waits"),
    [
        (xsyg(GOOD).replace("</Sample>", ""), "no element found", True),
        (xsyg(GOOD)[:200], "x.xsyg is not an XSYG file that can be read", True),
        (xsyg(GOOD, declared=DOCTYPE), "a document type or XML entities", False),
        (xsyg(GOOD, declared='<!DOCTYPE Sample SYSTEM "file:///etc/passwd">'), "a document type", False),
        (xsyg(GOOD, declared='<?xml version="1.0" encoding="klingon"?>'), "unknown encoding", False),
        ("<Sample/>", "x.xsyg has no Sequence: there is nothing in it to read.", False),
    ],
)
def test_a_file_that_is_no_xsyg_is_rejected_whole(text: str, said: str, waits: bool) -> None:
    found = parse_file("x.xsyg", text.encode())
    assert found.samples == []
    assert [said in each.reason for each in found.rejected] == [True]
    assert found.rejected[0].may_complete is waits
    assert found.rejected[0].piece == Piece(0, text.encode())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_other_encodings_are_read_and_name_the_same_records(encoding: str) -> None:
    text = xsyg(record(GLOW, HEAT, more='comment="M\u00fcller"'), GOOD, declared="")
    data = text.encode(encoding)
    found, plain = parse_file("x.xsyg", data), parse_file("x.xsyg", text.encode())
    assert found.rejected == []
    assert [s.value for s in found.samples] == [23.0, 23.0]
    assert [s.origin["sha256"] for s in found.samples] == [s.origin["sha256"] for s in plain.samples]
    for sample in found.samples:
        begin, length = int(sample.origin["offset"]), int(sample.origin["length"])
        assert data[begin : begin + length] == sample.raw


def test_a_file_of_windows_that_calls_itself_utf_8_is_read_and_flagged() -> None:
    text = xsyg(record(GLOW, HEAT, more='comment="M\u00fcller"'))
    (sample,) = parse_file("x.xsyg", text.encode("cp1252")).samples
    assert (sample.value, sample.flags) == (23.0, (Flag.NON_CONFORMING,))


def test_half_a_file_of_utf_16_is_waited_for() -> None:
    found = parse_file("x.xsyg", xsyg(GOOD).encode("utf-16")[:-1])
    assert [(each.may_complete, "is none" in each.reason) for each in found.rejected] == [(True, True)]


def test_a_record_is_the_same_record_with_other_line_ends() -> None:
    lines = record("\n", GLOW, "\n", HEAT, "\n")
    assert "\n" in lines
    assert one(lines).origin["sha256"] == one(lines.replace("\n", "\r\n")).origin["sha256"]


@pytest.mark.parametrize(
    ("data", "is_one"),
    [
        (b"<Sample state='x'>", True),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<Sample>", True),
        (b"<!-- a -->" * 100 + b"<Sample>", True),
        (b"<Samples>", False),
        (b"</Sample>", False),
        (b"<xlum><sample>", False),
        (b"text <Sample>", False),
        (b"", False),
    ],
)
def test_recognised_by_its_first_element(data: bytes, is_one: bool) -> None:
    assert detect(data) is is_one
