"""WinREMS exports: what a line must look like to be believed, code pages and line ends, and what names a record."""

from __future__ import annotations

import pytest
from reader_files import MICRO, export, line

from drivers.files import parse_file
from drivers.files.winrems import detect
from drivers.reading import Flag, Sample


def one(text: str | bytes) -> Sample:
    """The only sample of a file."""
    found = parse_file("x.ASC", text if isinstance(text, bytes) else text.encode())
    assert found.rejected == []
    (sample,) = found.samples
    return sample


def why(text: str | bytes) -> str:
    """The only reason of a file of which nothing is believed."""
    found = parse_file("x.ASC", text if isinstance(text, bytes) else text.encode())
    assert found.samples == []
    (rejected,) = found.rejected
    assert rejected.piece.raw == (text if isinstance(text, bytes) else text.encode())
    return rejected.reason


def test_a_line_gives_what_stands_in_it() -> None:
    raw = export(501)
    sample = one(raw)
    assert (sample.quantity, sample.unit, sample.value) == ("charge", "C", 80955 * 1e-12)
    assert (sample.kind, sample.role, sample.element, sample.element_index) == ("scalar", "sample", "501", 2)
    assert (sample.clock, sample.raw, sample.flags) == ("2026-06-01T09:02:15", raw, ())
    assert {name: each.value for name, each in sample.also.items()} == {"file-rcf": 0.0, "file-ecc": 0.0}
    assert (sample.origin["file"], sample.origin["offset"], sample.origin["length"]) == ("x.ASC", 0, len(raw))


def test_every_active_element_is_a_sample_with_its_own_triple() -> None:
    text = line(f4="1", f6="1", f7="1", f17="2.500E+1", f18="0.987", f19="11", f28="44")
    found = parse_file("x.ASC", text.encode())
    assert [(s.element_index, s.value) for s in found.samples] == [
        (1, 11 * 1e-12), (2, 80955 * 1e-12), (3, 78584 * 1e-12), (4, 44 * 1e-12),
    ]  # fmt: skip
    assert {name: each.value for name, each in found.samples[0].also.items()} == {"file-rcf": 25.0, "file-ecc": 0.987}


@pytest.mark.parametrize(("mark", "role"), [("P", "pmt-noise"), ("R", "reference-light")])
def test_a_quality_line_is_of_no_dosimeter(mark: str, role: str) -> None:
    sample = one(line(0, f16=f'"{mark}"'))
    assert (sample.role, sample.element) == (role, None)


def test_a_line_without_an_active_element_is_noted() -> None:
    found = parse_file("x.ASC", line(f5="0").encode())
    assert (found.samples, found.rejected, found.notes) == ([], [], ["line 1: no element is active"])


@pytest.mark.parametrize(
    ("unit", "scale"), [("pC", 1e-12), ("nC", 1e-9), ("uC", 1e-6), (MICRO + "C", 1e-6), ("\u03bcC", 1e-6)]
)
def test_units(unit: str, scale: float) -> None:
    assert one(line(f29=f'"{unit}"')).value == 80955 * scale


@pytest.mark.parametrize("time", ["90215", "090215"])
def test_a_time_may_lack_its_leading_zero(time: str) -> None:
    assert one(line(f13=time)).clock == "2026-06-01T09:02:15"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"f4": "2"}, "field 4 is '2', not 0 or 1"),
        ({"f5": "y"}, "field 5 is 'y', not 0 or 1"),
        ({"f6": ""}, "field 6 is '', not 0 or 1"),
        ({"f7": "01"}, "field 7 is '01', not 0 or 1"),
        ({"f12": "2026-06-01"}, "field 12 is '2026-06-01', not a date YYYYMMDD"),
        ({"f12": "20260631"}, "fields 12 and 13, 20260631 090215, are no date and time"),
        ({"f13": "09:02"}, "field 13 is '09:02', not a time HHMMSS"),
        ({"f13": "250000"}, "are no date and time"),
        ({"f14": ""}, "field 14 is '', not the number of a dosimeter"),
        ({"f14": "M\u00fcller"}, "field 14 is 'M\\xfcller'"),
        ({"f16": '"X"'}, "field 16 is 'X', not blank (dosimeter), P (PMT noise) or R (reference light)"),
        ({"f20": "1"}, "field 20 is '1', not a factor such as 1.000E+0"),
        ({"f20": "1.000E+999"}, "field 20 is '1.000E+999'"),
        ({"f20": "nan"}, "field 20 is 'nan'"),
        ({"f21": "inf"}, "field 21 is 'inf', not a factor such as 1.000"),
        ({"f21": "1"}, "field 21 is '1'"),
        ({"f22": "80.955"}, "field 22 is '80.955', not a number of at most 12 digits without decimals"),
        ({"f22": "-5"}, "field 22 is '-5'"),
        ({"f22": "+5"}, "field 22 is '+5'"),
        ({"f22": "80_955"}, "field 22 is '80_955'"),
        ({"f22": "\u0663\u0664"}, "field 22 is '\\u0663\\u0664'"),
        ({"f22": "1E5"}, "field 22 is '1E5'"),
        ({"f22": ""}, "field 22 is ''"),
        ({"f22": "9" * 400}, "of 400 characters, not a number"),
        ({"f29": '"mGy"'}, "field 29 is 'mGy', not a unit; known are pC, nC"),
        ({"f29": ""}, "field 29 is ''"),
        ({"f15": '"a"b'}, "not a line of comma-separated text"),
    ],
)
def test_what_a_field_must_look_like(fields: dict[str, str], said: str) -> None:
    assert said in why(line(**fields))


@pytest.mark.parametrize("model", ["6600", "M66\u0660", "m6600", "M", "M6600B"])
def test_a_line_of_no_reader_model_is_rejected(model: str) -> None:
    found = parse_file("x.ASC", (line(1) + "\n" + line(2, f1=f'"{model}"')).encode())
    assert [s.element for s in found.samples] == ["1"]
    assert f"field 1 is {model!a}, not a reader model such as M6600" in found.rejected[0].reason


@pytest.mark.parametrize(("field", "flagged"), [("f22", True), ("f20", True), ("f21", True), ("f12", False)])
def test_what_is_no_number_is_flagged_so(field: str, flagged: bool) -> None:
    (rejected,) = parse_file("x.ASC", line(**{field: "nan"}).encode()).rejected
    assert rejected.flags == ((Flag.NOT_A_NUMBER,) if flagged else ())


@pytest.mark.parametrize("field", ["f2", "f3", "f8", "f9", "f10", "f11", "f15", "f17", "f19", "f25", "f28"])
def test_a_field_that_is_not_used_may_hold_anything(field: str) -> None:
    assert one(line(**{field: '"M\u00fcller"'}).encode("cp1252")).value == 80955 * 1e-12


def test_a_comma_in_a_number_never_shifts_a_value_into_place() -> None:
    """Decimal commas made 1e-12 C and 0.0 C of 8.1e-8 C, thousands commas 8e-11 C."""
    factor = {f"f{n}": "1,000E+0" for n in (17, 20, 23, 26)} | {f"f{n}": "1,000" for n in (18, 21, 24, 27)}
    assert "field 17 is '1', not a factor such as 1.000E+0; there are 37 fields" in why(line(**factor))
    assert "field 17 is '1'" in why(line(f4="1", f5="0", **factor))
    assert "field 23 is '955'" in why(line(response="80,955"))
    assert "field 29 is '584'" in why(line(f28="78,584"))


def test_more_fields_are_believed_where_every_one_has_its_form() -> None:
    sample = one(line() + ', "more", 1')
    assert (sample.value, sample.flags) == (80955 * 1e-12, (Flag.NON_CONFORMING,))


@pytest.mark.parametrize("field", [f"f{n}" for n in (*range(2, 11), *range(17, 29))])
def test_more_fields_are_believed_only_where_every_one_has_its_form(field: str) -> None:
    assert f"field {field[1:]} is 'x'" in why(line(**{field: "x"}) + ", 1")


def test_fewer_fields_are_a_cut_line() -> None:
    assert "28 fields where WinREMS writes 29" in why(line().rpartition(",")[0])


@pytest.mark.parametrize(("end", "waits"), [("", True), ("\n", False), ("\r\n", False), ("\r", False)])
def test_a_line_without_its_end_may_complete(end: str, waits: bool) -> None:
    (rejected,) = parse_file("x.ASC", (line()[:60] + end).encode()).rejected
    assert rejected.may_complete is waits


def test_one_bad_line_does_not_stop_the_others() -> None:
    text = "\r\n".join([line(1), line(2, "x"), "", line(3), "\x1a"])
    found = parse_file("x.ASC", text.encode())
    assert [s.element for s in found.samples] == ["1", "3"]
    assert [r.reason[:24] for r in found.rejected] == ["x.ASC, line 2 (byte 180)"]


@pytest.mark.parametrize("end", ["\r\n", "\n", "", "\r", "\x1a", "  \r\n", "\t\n", "\r\n\x1a"])
def test_a_record_is_the_same_record_whatever_its_line_end(end: str) -> None:
    found = parse_file("x.ASC", (line() + end).encode())
    assert found.samples[0].origin["sha256"] == one(line()).origin["sha256"]
    assert one(line(502)).origin["sha256"] != one(line()).origin["sha256"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_other_encodings_are_read_and_name_the_same_records(encoding: str) -> None:
    text = line(1) + "\r\n" + line(2) + "\r\n"
    data = text.encode(encoding)
    found = parse_file("x.ASC", data)
    assert found.rejected == []
    assert [s.element for s in found.samples] == ["1", "2"]
    plain = parse_file("x.ASC", text.encode())
    assert [s.origin["sha256"] for s in found.samples] == [s.origin["sha256"] for s in plain.samples]
    for sample in found.samples:
        begin, length = int(sample.origin["offset"]), int(sample.origin["length"])
        assert data[begin : begin + length] == sample.raw


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_half_of_a_surrogate_pair_is_read_as_its_code(encoding: str) -> None:
    text = line(1, f2="\ud9a1") + "\r\n" + line(2, f1='"M66\ud9a100"')
    found = parse_file("x.ASC", text.encode(encoding, "surrogatepass"))
    assert [(s.element, s.reader) for s in found.samples] == [("1", "M6600 \\ud9a1")]
    (wrong,) = found.rejected
    assert "'M66\\\\ud9a100', not a reader model" in wrong.reason
    assert wrong.piece.raw == text.rpartition("\n")[2].encode(encoding, "surrogatepass"), (
        "its bytes are kept as they are"
    )


def test_half_a_unit_of_utf_16_at_the_end_is_waited_for() -> None:
    data = (line(1) + "\r\n" + line(2)[:40]).encode("utf-16")[:-1]
    found = parse_file("x.ASC", data)
    assert [s.element for s in found.samples] == ["1"]
    assert [r.may_complete for r in found.rejected] == [True]


def test_the_micro_sign_of_windows_is_read() -> None:
    assert one(line(f29=f'"{MICRO}C"').encode("cp1252")).value == 80955 * 1e-6


@pytest.mark.parametrize(
    ("data", "is_one"),
    [
        (b'"M6600", 1', True),
        (b'\xef\xbb\xbf"M6600",1', True),
        (b'half a line\r\n"M6600", 1', True),
        (b'"Mx", 1', False),
        (b'x "M6600", 1', False),
        (b'"M6600"; 1', False),
        (b"", False),
        (b"\xff\xfe\x00", False),
    ],
)
def test_recognised_by_how_a_line_begins(data: bytes, is_one: bool) -> None:
    assert detect(data) is is_one
