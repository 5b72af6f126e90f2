"""Risø BIN and BINX: every version at its offsets, axes, and what a file holds that is no sound record."""

from __future__ import annotations

import io
import struct

import pytest
from risoe_files import COUNTS, SIZES, place, regions, risoe

from drivers.errors import Misuse
from drivers.files import FileReadings, options_of, parse_file, sniff, stream_file
from drivers.files.bin_layout import LAYOUTS
from drivers.files.risoe_bin import LEFT_OUT, RISOE_BIN, WORDS, RisoeOptions, detect
from drivers.reading import Flag, Sample

VERSIONS = tuple(SIZES)


def parsed(*records: bytes, **options: str) -> FileReadings:
    """A file of these records."""
    return parse_file("x.binx", b"".join(records), options, RISOE_BIN)


def only(*records: bytes) -> Sample:
    """The one readout of a file that holds nothing else."""
    found = parsed(*records)
    assert (found.rejected, len(found.samples)) == ([], 1)
    return found.samples[0]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_record_of_every_version(version: int) -> None:
    data = risoe(version, RUN=2, SET=4, DTYPE=6, LIGHTSOURCE=4, LIGHTPOWER=90.0, IRR_TIME=2000.0, SYSTEMID=82)
    sample = only(data)
    assert sniff(data) is RISOE_BIN
    assert (sample.kind, sample.mode, sample.value, sample.unit) == ("glow-curve", "TL", 23.0, "{counts}")
    assert (sample.element, sample.clock, sample.raw) == ("chips/3", "2026-06-01T09:02:15", data)
    assert sample.axes["signal"].values == COUNTS
    wanted = {
        "VERSION": str(version), "RUN": "2", "SET": "4", "POSITION": "3", "DTYPE": "Dose", "LIGHTSOURCE": "blue diodes",
        "LIGHTPOWER": "90", "IRR_TIME": "2000", "SYSTEMID": "82", "SAMPLE": "chips", "RATE": "5", "HIGH": "8",
    }  # fmt: skip
    assert sample.attributes | wanted == sample.attributes


@pytest.mark.parametrize(
    ("version", "name"), [(5, "DEADTIME"), (6, "DEADTIME"), (7, "DETECTOR_ID"), (8, "DETECTOR_ID")]
)
def test_the_last_fields_of_a_header_are_where_they_belong(version: int, name: str) -> None:
    said = only(risoe(version, XRF_DEADTIMEF=0.5, **{name: 3})).attributes
    assert (said["XRF_DEADTIMEF"], said[name]) == ("0.5", "3")


@pytest.mark.parametrize("version", [4, 5, 6, 7, 8])
def test_a_glow_curve_has_the_temperature_of_its_ramp_plateau_and_second_ramp(version: int) -> None:
    sample = only(risoe(version))
    assert sample.axes["temperature"].unit == "Cel"
    assert sample.axes["temperature"].values == (2.0, 4.0, 4.0, 8.0)
    assert (sample.flags, sample.note) == ((), None)


def test_version_3_has_one_ramp() -> None:
    assert only(risoe(3)).axes["temperature"].values == (2.0, 4.0, 6.0, 8.0)


def test_a_converter_that_leaves_the_pieces_out_is_flagged() -> None:
    sample = only(risoe(8, TOLDELAY=0, TOLON=0, TOLOFF=0))
    assert sample.axes["temperature"].values == (2.0, 4.0, 6.0, 8.0)
    assert sample.flags == (Flag.NON_CONFORMING,)
    assert sample.note == "TOLDELAY, TOLON and TOLOFF are 0: the temperature is a ramp from LOW to HIGH"


@pytest.mark.parametrize("pieces", [(2, 1, 2), (5, -1, 0), (1, 0, 0)])
def test_pieces_that_are_not_the_points_give_no_temperature(pieces: tuple[int, int, int]) -> None:
    sample = only(risoe(8, TOLDELAY=pieces[0], TOLON=pieces[1], TOLOFF=pieces[2]))
    assert set(sample.axes) == {"signal"}
    assert sample.flags == (Flag.NON_CONFORMING, Flag.INCOMPLETE)
    assert sample.value == 23.0


def test_light_stimulation_is_a_curve_over_time() -> None:
    sample = only(risoe(8, LTYPE=1, HIGH=40.0))
    assert (sample.kind, sample.mode) == ("curve", "OSL")
    assert sample.axes["time"].unit == "s"
    assert sample.axes["time"].values == (10.0, 20.0, 30.0, 40.0)


def test_types_whose_axis_nobody_tells_have_none() -> None:
    for ltype, mode in ((5, "TOL"), (6, "TRPOSL"), (9, "USER"), (13, "XRF")):
        sample = only(risoe(8, LTYPE=ltype))
        assert (sample.mode, set(sample.axes)) == (mode, {"signal"})


def test_in_version_3_infrared_stimulation_has_no_type_of_its_own() -> None:
    assert only(risoe(3, LTYPE=1, LIGHTSOURCE=2)).mode == "IRSL"
    assert only(risoe(4, LTYPE=1, LIGHTSOURCE=2)).mode == "OSL"


def test_an_unknown_type_is_rejected_and_the_next_record_used() -> None:
    found = parsed(risoe(8, LTYPE=14), risoe(8, POSITION=4))
    assert [s.element for s in found.samples] == ["chips/4"]
    assert found.rejected[0].reason == "x.binx, record 1 (byte 0): its LTYPE is 14; known are 0 to 13."


def test_what_stands_behind_a_text_is_no_part_of_it() -> None:
    sample = only(risoe(8, garbage=b"\x00\xffold", SAMPLE="a\xdf"))
    assert sample.element == "a\xdf/3"


def test_nothing_that_can_name_a_person_is_given() -> None:
    said = only(risoe(8, USER="somebody", COMMENT="private", FNAME="C:\\somebody")).attributes
    assert not [text for text in said.values() if "somebody" in text or "private" in text]


@pytest.mark.parametrize("version", LAYOUTS)
def test_each_field_of_a_header_is_told_by_itself_and_in_its_order(version: int) -> None:
    """What neighbouring records have alike is written out once: one byte that differs must show all the same."""
    layout = LAYOUTS[version]
    usual = parsed(risoe(version)).samples[0].attributes
    for name, code in layout.codes.items():
        if name in LEFT_OUT or code.endswith("p"):
            continue
        record = bytearray(risoe(version))
        struct.pack_into(f"<{code}", record, layout.offsets[name], version if name == "VERSION" else 5)
        said = parsed(bytes(record)).samples[0].attributes
        assert said.keys() == usual.keys() | {name}
        if name != "VERSION":
            assert said[name] == dict(enumerate(WORDS.get(name, ()))).get(5, "5")
        assert said | {name: usual.get(name, "")} == usual | {name: usual.get(name, "")}
        assert list(said) == [each for each in layout.names if each in said]


def test_a_temperature_that_was_never_written_is_left_out() -> None:
    assert "MEASTEMP" not in only(risoe(6, MEASTEMP=-20960)).attributes
    assert only(risoe(6, MEASTEMP=24)).attributes["MEASTEMP"] == "24"


@pytest.mark.parametrize(
    ("date", "time", "clock"),
    [
        ("290513", "110257", "2013-05-29T11:02:57"), ("010399", "000000", "1999-03-01T00:00:00"),
        ("310226", "110257", None), ("290513", "250000", None), ("", "110257", None), ("2905\xb2\xb3", "110257", None),
        ("290513", "", "2013-05-29T00:00:00"),
    ],
)  # fmt: skip
def test_the_readers_clock(date: str, time: str, clock: str | None) -> None:
    assert only(risoe(8, DATE=date, TIME=time)).clock == clock


@pytest.mark.parametrize(
    ("element_from", "element"), [("sample-position", "chips/3/17"), ("sample", "chips"), ("position", "3/17")]
)
def test_which_text_stands_for_the_dosimeter(element_from: str, element: str) -> None:
    assert parsed(risoe(8, GRAIN=17), element_from=element_from).samples[0].element == element
    with pytest.raises(Misuse, match="Option element_from of risoe-bin"):
        options_of(RISOE_BIN, {"element_from": "user"})


def test_a_file_of_mixed_versions() -> None:
    found = parsed(*(risoe(version, POSITION=version) for version in VERSIONS))
    assert [s.element for s in found.samples] == [f"chips/{version}" for version in VERSIONS]
    assert [s.origin["offset"] for s in found.samples] == [0, 288, 576, 1015, 1478, 1941]
    assert found.rejected == []


def test_regions_of_interest_and_unknown_types_of_record_are_noted() -> None:
    strange = bytearray(risoe(8))
    strange[14] = 77
    found = parsed(risoe(8), regions(3), bytes(strange), risoe(8, POSITION=4))
    assert [s.element for s in found.samples] == ["chips/3", "chips/4"]
    assert found.notes == ["record 2: 3 regions of interest, no readout", "record 3: type 77, passed over, no readout"]
    assert sniff(regions(1) + risoe(8)) is RISOE_BIN


def test_a_record_without_points_has_no_value() -> None:
    found = parsed(risoe(8, ()), risoe(8))
    assert len(found.samples) == 1
    (rejected,) = found.rejected
    assert rejected.reason == "x.binx, record 1 (byte 0): a TL record without points."
    assert (rejected.flags, rejected.piece.raw, rejected.may_complete) == ((Flag.INCOMPLETE,), risoe(8, ()), False)


def test_counts_of_nothing_but_zeros_are_a_readout() -> None:
    assert only(risoe(8, (0, 0, 0, 0))).value == 0.0


def test_a_record_that_stands_twice_is_read_once_and_flagged() -> None:
    found = parsed(risoe(8), risoe(8, POSITION=4, previous=523), risoe(8, previous=523))
    assert [s.element for s in found.samples] == ["chips/3", "chips/4"]
    (rejected,) = found.rejected
    assert (
        rejected.reason == "x.binx, record 3 (byte 1046): it is record 1 once more, byte for byte, and not read twice."
    )
    assert rejected.flags == (Flag.NON_CONFORMING,)
    assert rejected.piece.raw == risoe(8, previous=523)


def test_a_record_has_the_same_name_behind_another_one() -> None:
    alone, behind = only(risoe(8)), parsed(risoe(6), risoe(8, previous=463)).samples[1]
    assert alone.origin["sha256"] == behind.origin["sha256"]
    assert only(risoe(3)).origin["sha256"] == parsed(risoe(3, previous=9)).samples[0].origin["sha256"]


@pytest.mark.parametrize("left", [1, 2, 10, 400, 506, 522])
def test_a_last_record_that_is_cut_may_be_completed(left: int) -> None:
    found = parsed(risoe(8), risoe(8, POSITION=4)[:left])
    assert len(found.samples) == 1
    (rejected,) = found.rejected
    assert (rejected.may_complete, rejected.flags) == (True, (Flag.INCOMPLETE,))
    assert rejected.piece.raw == risoe(8, POSITION=4)[:left]


def test_a_cut_record_says_how_much_is_left_and_is_named_by_its_beginning() -> None:
    data = risoe(8)
    found = parsed(risoe(6), data[:510])
    assert "it has 523 bytes by its LENGTH, 510 are left in the file." in found.rejected[0].reason
    grown = parsed(risoe(6), data[:515]).rejected[0]
    assert found.rejected[0].piece.identity == grown.piece.identity
    assert detect(data[:100]), "a first record that is still being written"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("damage", ["version", "length", "points", "huge"])
def test_behind_a_broken_record_the_sound_ones_are_used(version: int, damage: str) -> None:
    broken = bytearray(risoe(version, POSITION=4))
    if damage == "version":
        broken[:2] = b"\x01\x00"
    elif damage == "length":
        broken[2] ^= 1
    elif version < 5:
        struct.pack_into("<H", broken, 6, 9 if damage == "points" else 65535)
    else:
        struct.pack_into("<i", broken, 10, 9 if damage == "points" else 2**31 - 1)
    after = risoe(version, POSITION=5), risoe(version, POSITION=6)
    found = parsed(risoe(version), bytes(broken), *after)
    assert [s.element for s in found.samples] == ["chips/3", "chips/5", "chips/6"]
    (rejected,) = found.rejected
    assert (rejected.piece.raw, rejected.may_complete) == (bytes(broken), False)
    assert found.samples[1].origin["offset"] == 2 * len(broken)


def test_a_length_beyond_the_end_does_not_swallow_what_follows() -> None:
    broken = bytearray(risoe(8))
    struct.pack_into("<ii", broken, 2, 507 + 4000, 0)
    struct.pack_into("<i", broken, 10, 1000)
    found = parsed(bytes(broken), risoe(8, POSITION=5))
    assert [s.element for s in found.samples] == ["chips/5"]
    assert "it has 4507 bytes by its LENGTH, 1046 are left in the file" in found.rejected[0].reason
    assert detect(bytes(broken) + risoe(8))
    assert detect(b"\xff\xff" + risoe(8))


def test_a_negative_count_is_not_believed() -> None:
    found = parsed(risoe(8, (5, -1)))
    assert found.samples == []
    assert found.rejected[0].flags == (Flag.NOT_A_NUMBER,)


@pytest.mark.parametrize("name", ["LOW", "HIGH", "AN_TEMP"])
def test_an_axis_that_is_no_number_rejects_its_record(name: str) -> None:
    found = parsed(risoe(8, **{name: float("nan")}), risoe(8))
    assert len(found.samples) == 1
    assert found.rejected[0].flags == (Flag.NOT_A_NUMBER,)


def test_other_numbers_that_are_none_are_left_out() -> None:
    assert "NORM1" not in only(risoe(8, NORM1=float("inf"))).attributes
    assert only(risoe(8, NORM1=2.5)).attributes["NORM1"] == "2.5"


@pytest.mark.parametrize(
    "data", [b"", b"\x08", b"\x08\x00", b"\x03\x00abcdefgh" * 90, b"\x05\x00" * 900, b"text" * 200, b"\x00" * 2000]
)
def test_what_is_no_such_file_is_not_taken_for_one(data: bytes) -> None:
    assert not detect(data)


def test_rubbish_without_end_is_given_up_with_its_beginning() -> None:
    found = parsed(risoe(8), b"\x01" * 3_200_000, risoe(8, POSITION=4))
    assert len(found.samples) == 1
    (rejected,) = found.rejected
    assert (
        "3200523 bytes): its version is 257; known are 3 to 8; in 2097152 bytes behind it is no record"
        in rejected.reason
    )
    assert len(rejected.piece.raw) == 128 * 1024


def test_a_stream_gives_the_same_as_the_whole_in_any_chunks() -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, 100))

    data = risoe(8) + regions(2) + b"\x00\x01" + risoe(6) + risoe(8, POSITION=4)[:300]
    whole = parsed(data)
    given = list(stream_file("x.binx", Slow(data), RisoeOptions(), RISOE_BIN))
    assert [each for each in given if isinstance(each, Sample)] == whole.samples
    assert [each for each in given if isinstance(each, str)] == whole.notes
    assert [str(each) for each in given if not isinstance(each, Sample | str)] == list(map(str, whole.rejected))
    assert len(given) == 5


def test_offsets_of_the_tables_agree_with_the_sizes() -> None:
    assert place(8, "XRF_DEADTIMEF") == (420, "f")
    assert place(5, "XRF_DEADTIMEF") == (415, "f")
