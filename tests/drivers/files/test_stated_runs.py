"""What formats state of the run, the place in the reader, the reader itself and its software; and what they do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from reader_files import GLOW, HEAT, curve, export, record, xsyg
from risoe_files import risoe
from typer.testing import CliRunner

from acquire.cli.main import app
from drivers.files import formats, parse_file
from drivers.reading import Sample

SAMPLE = 'startDate="20260601090000" lexsygID="14-16-01-0008" lexStudioVersion="Lexstudio2 v1.4.9" user='
XLUM = (
    '<xlum><sample name="S1"><sequence position="4" readerName="lexsyg" readerSN="8" software="LexStudio 2">'
    '<record recordType="{kind}"><curve curveType="measured" vUnit="cts" tUnit="s" tValues="0.1 0.2">6 7</curve>'
    "</record></sequence></sample></xlum>"
)
DAYBREAK = (
    "ReaderID=TLINFO.DTA\nReaderType=2200\nSample=chips\n[NewRecord]\nDisk=3\nDataType={kind}\nPoints=2\n"
    "0;  20;  6;  valid\n1;  21;  7;  valid\n"
)


def first(content: str | bytes, **options: str) -> Sample:
    data = content.encode() if isinstance(content, str) else content
    return parse_file("a", data, options, formats()["column-map"] if options else None).samples[0]


def said(sample: Sample) -> tuple[str | None, ...]:
    return sample.run, sample.position, sample.reader, sample.software


@pytest.mark.parametrize(
    ("sample", "told"),
    [
        (first(export(1)), (None, None, "M6600 1", None)),
        (first(risoe(6, SYSTEMID=82, POSITION=3)), (None, "3", "system 82", None)),
        (first(risoe(4, SYSTEMID=0, POSITION=3, GRAIN=7, SEQUENCE="SAR")), (None, "3/7", None, None)),
        (
            first(xsyg(record(GLOW, HEAT)).replace("user=", SAMPLE)),
            ("14-16-01-0008 20260601090000", "3", "14-16-01-0008", "Lexstudio2 v1.4.9"),
        ),
        (first(xsyg(record(GLOW, HEAT))), (None, "3", None, None)),
        (first(XLUM.format(kind="TL")), (None, "4", "lexsyg 8", "LexStudio 2")),
        (first(DAYBREAK.format(kind="TL")), (None, "3", "2200 TLINFO.DTA", None)),
        (
            first("dot,pmt,tray,load\nD1,48211,7,23\n", element="dot", value="pmt", unit="{counts}", position="tray",
                  run="load"),
            ("23", "7", None, None),
        ),
    ],
)  # fmt: skip
def test_a_readout_says_where_it_lay_and_of_which_run_and_reader_it_is(sample: Sample, told: Any) -> None:
    assert said(sample) == told


@pytest.mark.parametrize(("content", "kind"), [(XLUM, "PREHEAT_TL"), (DAYBREAK, "PREHEAT TL")])
def test_a_preheat_is_no_readout(content: str, kind: str) -> None:
    assert first(content.format(kind=kind)).role == "preheat"
    assert first(content.format(kind="TL")).role == "sample"


def test_the_heating_that_was_programmed_stands_beside_the_one_that_was_measured() -> None:
    programmed = curve("0,25;47,260;57,260", 'stimulator="heating element"', kind="predefined")
    axes = first(xsyg(record(GLOW, programmed, HEAT))).axes
    assert axes["programmed-time"].values == (0, 47, 57)
    assert (axes["programmed-temperature"].unit, axes["programmed-temperature"].values) == ("Cel", (25, 260, 260))
    assert axes["temperature"].values == (25, 30, 35, 40)
    broken = curve("0,25;47,NaN", 'stimulator="heating element"', kind="predefined")
    assert "programmed-time" not in first(xsyg(record(GLOW, broken, HEAT))).axes


def test_import_shows_the_run_and_what_is_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.xsyg").write_text(xsyg(record(GLOW, HEAT)).replace("user=", SAMPLE))
    (tmp_path / "b.txt").write_text(DAYBREAK.format(kind="PREHEAT TL"))
    done = CliRunner().invoke(app, ["import", str(tmp_path / "a.xsyg"), str(tmp_path / "b.txt"), "--json"])
    glow, preheat = json.loads(done.stdout)["readouts"]
    assert (glow["run"], glow["position"]) == ("14-16-01-0008 20260601090000", "3")
    assert (glow["reader"], glow["software"], glow["kind"]) == ("14-16-01-0008", "Lexstudio2 v1.4.9", "glow-curve")
    assert "record" not in glow
    assert (preheat["record"], preheat["kind"]) == ("preheat", "glow-curve")
    assert "run" not in preheat
