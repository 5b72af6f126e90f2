"""XSYG: what the format and a record say of themselves, and what is told of a record that gives no value."""

from __future__ import annotations

import pytest
from reader_files import GLOW, GOOD, HEAT, curve, record, xsyg

from drivers.files import FileReadings, Rejected, options_of, parse_file
from drivers.files.xsyg import XSYG, XsygOptions, detect
from drivers.model import Quantity
from drivers.reading import Flag

BARE = f'<Sample><Sequence><Record recordType="RF">{GLOW}</Record></Sequence></Sample>'


def parsed(*records: str, encoding: str = "utf-8") -> FileReadings:
    """A file of these records."""
    return parse_file("x.xsyg", xsyg(*records, declared="").encode(encoding))


def refused(*records: str, encoding: str = "utf-8") -> Rejected:
    """The only rejected piece of a file that gives nothing else."""
    found = parsed(*records, encoding=encoding)
    assert found.samples == []
    (rejected,) = found.rejected
    return rejected


def test_what_the_format_says_of_itself() -> None:
    assert XSYG.name == "xsyg"
    assert XSYG.quantities == (Quantity("counts", "{counts}", "elements"),)
    assert parsed(GOOD).format == "xsyg"


def test_the_element_is_the_position_unless_it_is_told() -> None:
    assert XsygOptions().element_from == "sample-position"
    assert options_of(XSYG, {"element_from": "sample-position"}) == XsygOptions()


def test_what_says_nothing_of_itself_has_no_attributes() -> None:
    (sample,) = parse_file("x.xsyg", BARE.encode()).samples
    assert sample.attributes == {"recordType": "RF"}
    assert (sample.element, sample.clock, sample.flags) == ("/", None, ())


def test_a_record_without_a_name_names_no_element() -> None:
    (sample,) = parse_file("x.xsyg", BARE.encode(), {"element_from": "record-name"}).samples
    assert sample.element == ""


@pytest.mark.parametrize("kind", ["TL", "OSL", "IRSL"])
def test_a_readout_without_a_detector_is_rejected_and_no_note(kind: str) -> None:
    assert f"a record of type {kind} without a measured detector curve" in refused(record(kind=kind)).reason
    assert parsed(record(kind=kind)).notes == []


@pytest.mark.parametrize("kind", ["TLX", "bleaching", "pause"])
def test_any_other_record_without_a_detector_is_a_note(kind: str) -> None:
    found = parsed(record(kind=kind))
    assert (found.rejected, found.notes) == ([], [f"record 1: {kind}, no readout"])


def test_the_heater_is_found_among_other_stimulators() -> None:
    light = curve("0.1,90;0.2,90;0.3,90;0.4,90", 'stimulator="IR LEDs"')
    (sample,) = parsed(record(GLOW, light, HEAT)).samples
    assert sample.axes["temperature"].values == (25, 30, 35, 40)
    (without,) = parsed(record(GLOW, light)).samples
    assert (without.flags, sorted(without.axes)) == ((Flag.INCOMPLETE,), ["signal", "time"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (record(GLOW, HEAT, state="started"), "record 1: it is 'started', not 'finished': no value."),
        (
            record(curve("0.1,6", state="started"), HEAT),
            "record 1, detector UVVIS: its curve is 'started', not 'finished': no value.",
        ),
    ],
    ids=["record", "curve"],
)
def test_what_is_unfinished_is_named(text: str, said: str) -> None:
    assert refused(text).reason == f"x.xsyg, {said}"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_an_unfinished_record_is_named_by_its_opening_tag(encoding: str) -> None:
    tag = record(state="started").partition(">")[0]
    rejected = refused(record(GLOW, HEAT, state="started"), encoding=encoding)
    assert rejected.piece.identity == b"unfinished " + tag.encode()
    assert rejected.piece.raw == record(GLOW, HEAT, state="started").encode(encoding)


def test_a_rejected_record_that_is_finished_is_named_by_all_of_it() -> None:
    """Two records of one opening tag with different faults are told both."""
    found = parsed(record(curve("0.1,NaN"), HEAT), record(curve("0.2,NaN"), HEAT))
    assert [each.piece.identity for each in found.rejected] == [None, None]
    assert found.rejected[0].piece.digest != found.rejected[1].piece.digest


@pytest.mark.parametrize(
    ("data", "is_one"), [(b"<Sample/>", True), (b"<Sample\n", True), (b"<Samples ", False), (b"<a> Sample>", False)]
)
def test_recognised_by_the_whole_name_of_its_element(data: bytes, is_one: bool) -> None:
    assert detect(data) is is_one


def test_a_sequence_without_a_record_says_so_and_may_get_one() -> None:
    rejected = refused()
    assert rejected.reason == "x.xsyg has no Record: there is nothing in it to read."
    assert rejected.may_complete
