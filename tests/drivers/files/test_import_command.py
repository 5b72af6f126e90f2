"""acquire import: one bad file does not stop the others, and what a readout says of itself is shown."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from reader_files import GLOW, GOOD, HEAT, curve, export, record, xsyg
from typer.testing import CliRunner

from acquire.cli.main import app
from acquire.errors import Refused
from drivers import Misuse


def run(*arguments: str | Path) -> Result:
    """`acquire import` in this process."""
    return CliRunner().invoke(app, ["import", *map(str, arguments)])


def data(*arguments: str | Path) -> Any:
    """Its JSON."""
    return json.loads(run(*arguments, "--json").stdout)


def test_one_bad_file_does_not_stop_the_others(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "text").write_text("hello")
    (tmp_path / "nan.xsyg").write_text(xsyg(record(curve("0.1,NaN"), HEAT)))
    (tmp_path / "good.ASC").write_bytes(export(1))
    (tmp_path / "link").symlink_to(tmp_path / "good.ASC")
    names = ("missing", "pipe", "text", "nan.xsyg", "good.ASC", "link")
    said = data(*(tmp_path / name for name in names))
    assert [(f["format"], f["readouts"], f["rejected"]) for f in said["files"]] == [
        (None, 0, 1), (None, 0, 1), (None, 0, 1), ("xsyg", 0, 1), ("winrems", 1, 0), ("winrems", 1, 0),
    ]  # fmt: skip
    reasons = [str(f["reason"]) for f in said["files"]]
    for reason, words in zip(
        reasons,
        ("cannot be read: No such file", "pipe is a pipe", "no reader file", "no finite number", "None", "None"),
        strict=True,
    ):
        assert words in reason
    assert said["files"][0]["file"] == str(tmp_path / "missing")
    assert said["files"][4]["file"] == "good.ASC"


def test_detector_flags_and_attributes_are_shown(tmp_path: Path) -> None:
    (tmp_path / "a.xsyg").write_text(
        xsyg(record(GLOW, curve("0.1,1;0.4,2", 'detector="NIR50"')), record(kind="irradiation"))
    )
    said = data(tmp_path / "a.xsyg")
    assert said["files"][0]["notes"] == ["record 2: irradiation, no readout"]
    assert [(r["channel"], r["points"], r["sum"]) for r in said["readouts"]] == [("UVVIS", 4, 23.0), ("NIR50", 2, 3.0)]
    assert said["readouts"][0]["flags"] == ["incomplete"]
    assert said["readouts"][0]["attributes"]["recordType"] == "TL"
    shown = run(tmp_path / "a.xsyg").stdout
    assert "NIR50" in shown


def test_an_option_goes_to_the_formats_that_declare_it(tmp_path: Path) -> None:
    (tmp_path / "a.xsyg").write_text(xsyg(GOOD))
    (tmp_path / "b.ASC").write_bytes(export(1))
    said = data(tmp_path / "a.xsyg", tmp_path / "b.ASC", "--option", "element_from=record-name")
    assert [r["element"] for r in said["readouts"]] == ["r", "1.2"]


@pytest.mark.parametrize(
    ("arguments", "kind", "sentence"),
    [
        (["--option", "size=1"], Misuse, "'size=1' is no option of a file format; write key=value, the keys are "),
        (["--option", "element_from"], Misuse, "'element_from' is no option"),
        (["--option", "element_from=x"], Misuse, "Option element_from of xsyg: "),
        (["--format", "none"], Misuse, "There is no file format 'none'; there are column-map, daybreak,"),
        (["--format", "winrems"], Refused, "No readout was found in these files."),
        (["--largest-mb", "0.0001"], Refused, "No readout was found in these files."),
    ],
)  # fmt: skip
def test_wrong_arguments_and_no_readout_are_told(
    tmp_path: Path, arguments: list[str], kind: type[Exception], sentence: str
) -> None:
    (tmp_path / "a.xsyg").write_text(xsyg(GOOD))
    done = run(tmp_path / "a.xsyg", *arguments)
    assert isinstance(done.exception, kind)
    assert str(done.exception).startswith(sentence)


def test_a_name_that_is_not_utf_8_is_shown_escaped(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xfc.ASC")
    path.write_bytes(export(1))
    assert data(path)["files"][0]["file"] == "\\xfc.ASC"
