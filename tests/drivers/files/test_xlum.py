"""XLUM: curves as the format's description has them, read, and written again so that the same is read."""

from __future__ import annotations

import base64

import pytest

from drivers import Misuse
from drivers.files import FileReadings, Rejected, parse_file, sniff
from drivers.files.xlum import XLUM, detect
from drivers.files.xlum_writing import written
from drivers.reading import Axis, Flag, Sample

SIGNAL = "100 210 320.5"


def curve(text: str = SIGNAL, *, t: str = "1 2 3", unit: str = "cts", **more: str) -> str:
    """One curve element."""
    said = {
        "component": "PMT", "startDate": "2021-02-14T22:57:12.0Z", "curveType": "measured", "xValues": "0",
        "tValues": t, "vUnit": unit, "tUnit": "s", "detectionWindow": "375", "filter": "NA", "comment": "private",
        "state": "NA",
    } | more  # fmt: skip
    attributes = "".join(f' {key}="{value}"' for key, value in said.items())
    return f"<curve{attributes}>\n {text}\n</curve>"


def heater(text: str = "293 303 313", *, unit: str = "K", **more: str) -> str:
    """The measured temperature."""
    return curve(text, unit=unit, component="thermocouple", **more)


def record(*curves: str, kind: str = "TL", state: str = "NA") -> str:
    """One record element."""
    said = f'recordType="{kind}" sequenceStepNumber="4" sampleCondition="NA" state="{state}"'
    return f"<record {said}>{''.join(curves)}</record>"


def xlum(*records: str) -> str:
    """A file of one sample with one sequence."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<xlum xmlns:xlum="http://xlum.r-luminescence.org" author="somebody">\n'
        '<sample name="chips" mineral="LiF" comment="private">'
        '<sequence position="3" fileName="somebody.seq" readerSN="17" readerName="NA">'
        f"{''.join(records)}</sequence></sample></xlum>"
    )


def parsed(*records: str) -> FileReadings:
    """A file of these records."""
    return parse_file("x.xlum", xlum(*records).encode())


def only(*records: str) -> Sample:
    """The one readout of a file that holds nothing else."""
    found = parsed(*records)
    assert (found.format, found.rejected, len(found.samples)) == ("xlum", [], 1)
    return found.samples[0]


def refused(*records: str) -> Rejected:
    """The only rejected record of a file that gives nothing else."""
    found = parsed(*records)
    assert found.samples == []
    (rejected,) = found.rejected
    return rejected


def test_a_glow_curve_with_the_temperature_beside_it() -> None:
    sample = only(record(heater(), curve()))
    assert (sample.kind, sample.mode, sample.value, sample.unit) == ("glow-curve", "TL", 630.5, "{counts}")
    assert (sample.element, sample.channel, sample.clock) == ("chips/3", "PMT", "2021-02-14T22:57:12.0")
    assert {name: (a.unit, a.values) for name, a in sample.axes.items()} == {
        "time": ("s", (1, 2, 3)), "signal": ("{counts}", (100, 210, 320.5)), "temperature": ("K", (293, 303, 313)),
    }  # fmt: skip
    assert sample.attributes == {
        "recordType": "TL", "sequenceStepNumber": "4", "component": "PMT", "detectionWindow": "375", "position": "3",
        "readerSN": "17", "mineral": "LiF",
    }  # fmt: skip
    assert sample.raw.startswith(b"<record ")
    assert sample.raw.endswith(b"</record>")


def test_a_curve_over_time_and_one_of_another_detector() -> None:
    found = parsed(record(curve(), curve("1 2 3", component="NIR"), kind="OSL"))
    assert [(s.kind, s.mode, s.channel, s.value) for s in found.samples] == [
        ("curve", "OSL", "PMT", 630.5), ("curve", "OSL", "NIR", 6.0),
    ]  # fmt: skip


def test_values_in_base64() -> None:
    assert only(record(curve(base64.b64encode(SIGNAL.encode()).decode()), kind="OSL")).value == 630.5


def test_a_temperature_at_other_times_is_not_interpolated() -> None:
    axes = only(record(curve(), heater("20 30", t="1 3", unit="°C"))).axes
    assert (axes["heater-time"].values, axes["heater-temperature"].values) == ((1, 3), (20, 30))
    assert axes["heater-temperature"].unit == "Cel"
    assert "temperature" not in axes


def test_a_glow_curve_without_a_temperature_is_incomplete() -> None:
    assert only(record(curve())).flags == (Flag.INCOMPLETE,)
    assert only(record(curve(), kind="OSL")).flags == ()


def test_what_is_no_curve_of_counts_is_noted() -> None:
    found = parsed(
        record(kind="irradiation"), record(curve(curveType="predefined")), record(curve(unit="V"), kind="RF")
    )
    assert (found.samples, found.rejected) == ([], [])
    assert found.notes == [
        "record 1: irradiation, no measured curve of counts",
        "record 2: TL, no measured curve of counts",
        "record 3: RF, no measured curve of counts",
    ]


@pytest.mark.parametrize(
    ("broken", "said", "flags"),
    [
        (record(curve("100 NA 3")), "its curve has 'NA', which stands for a missing value", (Flag.NOT_A_NUMBER,)),
        (record(curve("100 inf 3")), "its curve has 'inf', which is no number", (Flag.NOT_A_NUMBER,)),
        (record(curve("1 2 1e300")), "its curve has '1e300', which is too large", (Flag.NOT_A_NUMBER,)),
        (record(curve("1 2")), "its curve has 2 values at 3 times", (Flag.INCOMPLETE,)),
        (record(curve("")), "its curve is empty", (Flag.INCOMPLETE,)),
        (record(curve(t="1 3 2")), "the times of its curve go back", ()),
        (record(curve(tUnit="ms")), "the times of its curve are in 'ms', not in s", ()),
        (
            record(curve(xValues="400 410", xUnit="")),
            "a spectrum whose xValues are in '', not in nm: it is not read, since there are programs that write"
            " wavelengths as times and tell no unit of x",
            (),
        ),
        (record(curve(xValues="1 2", yValues="1 2")), "it is of a camera, whose pictures are not read", ()),
        (
            record(curve(xValues="400 410", xUnit="nm")),
            "its curve has 3 values at 3 times and 2 wavelengths",
            (Flag.INCOMPLETE,),
        ),
        (record(curve(), heater("x")), "its curve has 'x', which is no number", (Flag.NOT_A_NUMBER,)),
        (record(curve(), state="started"), "it is 'started', not 'finished': no value", (Flag.INCOMPLETE,)),
        (record(curve(state="aborted")), "its curve is 'aborted', not 'finished': no value", (Flag.INCOMPLETE,)),
    ],
)
def test_what_is_not_sound_rejects_its_record_and_no_other(broken: str, said: str, flags: tuple[Flag, ...]) -> None:
    found = parsed(broken, record(curve(), heater()))
    assert len(found.samples) == 1
    (rejected,) = found.rejected
    assert rejected.reason == f"x.xlum, record 1: {said}."
    assert rejected.flags == flags
    assert rejected.may_complete == ("started" in said)


def test_spectra_stand_one_after_the_other_with_the_wavelength_running_first() -> None:
    counts = "5 6 7 8 9 10"  # two wavelengths at three times: figure 3.1 of the specification
    spectra = only(
        record(curve(counts, component="spectrometer", xValues="468 470", xUnit="nm", yValues="0"), heater())
    )
    assert {name: (each.unit, each.values) for name, each in spectra.axes.items()} == {
        "time": ("s", (1, 2, 3)),
        "wavelength": ("nm", (468, 470)),
        "spectrum": ("{counts}", (5, 6, 7, 8, 9, 10)),
        "temperature": ("K", (293, 303, 313)),
    }
    assert (spectra.kind, spectra.value, spectra.channel) == ("curve", 45.0, "spectrometer")


def test_a_file_without_a_record_says_so_and_may_get_one() -> None:
    rejected = refused()
    assert rejected.reason == "x.xlum has no record: there is nothing in it to read."
    assert rejected.may_complete


def test_a_file_that_is_being_written_is_waited_for() -> None:
    (rejected,) = parse_file("x.xlum", xlum(record(curve()))[:-9].encode()).rejected
    assert rejected.may_complete
    assert rejected.reason.startswith("x.xlum is not an XLUM file that can be read:")


@pytest.mark.parametrize("date", ["NA", "2021-02-30T22:57:12Z", "yesterday"])
def test_a_date_that_is_none_is_no_clock(date: str) -> None:
    assert only(record(curve(startDate=date), kind="OSL")).clock is None


@pytest.mark.parametrize("text", ["", "<xlumx>", "<Sample/>", "xlum"])
def test_what_is_no_such_file_is_not_taken_for_one(text: str) -> None:
    assert not detect(text.encode())
    assert sniff(xlum().encode()) is XLUM


# --- written ----------------------------------------------------------------------------------------------------------


def test_a_curve_byte_for_byte() -> None:
    sample = only(record(curve("1 2.5 3", startDate="NA"), kind="OSL"))
    text = written([sample], "A & B").decode()
    assert text.splitlines()[1].endswith('flavour="generic" author="A &amp; B" license="Copyright" doi="NA">')
    assert text.splitlines()[5:] == [
        '    <curve component="PMT" startDate="NA" curveType="measured" duration="3" offset="0" xValues="0" yValues="0"'
        ' tValues="1 2 3" xLabel="NA" yLabel="NA" tLabel="time" vLabel="luminescence" xUnit="NA" yUnit="NA" vUnit="cts"'
        ' tUnit="s" detectionWindow="375" filter="NA" comment="NA" state="finished" parentID="NA">',
        "     1 2.5 3", "    </curve>", "   </record>", "  </sequence>", " </sample>", "</xlum>",
    ]  # fmt: skip


def test_what_is_written_is_read_and_written_the_same() -> None:
    given = parsed(record(curve(), heater()), record(curve("9 8 7"), kind="OSL")).samples
    document = written(given, "a clinic")
    again = parse_file("again.xlum", document).samples
    assert [(s.element, s.mode, s.value, s.clock, s.axes) for s in again] == [
        (s.element, s.mode, s.value, s.clock, s.axes) for s in given
    ]
    assert written(again, "a clinic") == document


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ({"signal": Axis(unit="{counts}", values=(1,))}, "Readout 1 (D1) has no time in s and counts beside it"),
        (
            {"signal": Axis(unit="C", values=(1,)), "time": Axis(unit="s", values=(1,))},
            "Readout 1 (D1) has no time in s and counts beside it",
        ),
        (
            {
                "signal": Axis(unit="{counts}", values=(1,)), "time": Axis(unit="s", values=(1,)),
                "temperature": Axis(unit="1", values=(1,)),
            },
            "Readout 1 (D1) has a temperature in '1'; K and Cel are written.",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_refused(axes: dict[str, Axis], said: str) -> None:
    with pytest.raises(Misuse) as error:
        written([Sample(quantity="counts", unit="{counts}", element="D1", axes=axes, raw=b"x")], "a")
    assert str(error.value).startswith(said)
