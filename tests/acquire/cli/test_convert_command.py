"""acquire convert: a file in another format, whole or not at all, over nothing that is there, and what it tells."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest
from command_line import Said, acquire

from drivers.files import parse_file
from simulators import serve

sys.path.append(str(Path(__file__).parents[2] / "drivers" / "files"))

from reader_files import GOOD, HEAT, export, record, xsyg
from risoe_files import risoe

PAGE = Path(__file__).parents[3] / "docs" / "file-formats.md"


def convert(folder: Path, *words: str) -> Said:
    return acquire("convert", *words, cwd=folder)


def names(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


def test_a_file_is_there_and_what_it_does_not_say_is_told(tmp_path: Path) -> None:
    (tmp_path / "disc.xsyg").write_text(xsyg(GOOD, record(kind="irradiation")))
    done = convert(tmp_path, "disc.xsyg", "-o", "disc.xlum")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "disc.xlum: 1 readout.",
        "disc.xsyg, record 2: irradiation, no readout.",
        "Of the readout it does not say what their records have as protocol, recordName, sequenceName.",
        "Comments, users and paths are not carried over: they can name a person.",
        "XLUM gives times as UTC (Z): the reader's clock, whose zone nobody told, stands there as it was.",
    ]
    assert names(tmp_path) == {"disc.xsyg", "disc.xlum"}
    assert "somebody" not in (tmp_path / "disc.xlum").read_text()


def test_what_is_there_is_left_unless_it_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.ASC").write_bytes(export(1))
    (tmp_path / "b.ASC").write_bytes(b"mine")
    done = convert(tmp_path, "a.ASC", "-o", "b.ASC")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "There is a file b.ASC already; it is left as it is (--force writes over it).\n"
    assert (tmp_path / "b.ASC").read_bytes() == b"mine"
    assert convert(tmp_path, "a.ASC", "-o", "b.ASC", "--force").returncode == 0
    assert parse_file("b", (tmp_path / "b.ASC").read_bytes()).samples
    assert names(tmp_path) == {"a.ASC", "b.ASC"}


@pytest.mark.parametrize("name", ["a.ASC", "other.ASC"])
def test_the_readers_original_is_never_written_over(tmp_path: Path, name: str) -> None:
    data = export(1)
    (tmp_path / "a.ASC").write_bytes(data)
    os.link(tmp_path / "a.ASC", tmp_path / "link.ASC")
    (tmp_path / "other.ASC").symlink_to("a.ASC")
    for output in (name, "link.ASC"):
        done = convert(tmp_path, "a.ASC", "-o", output, "--force")
        assert done.stderr == f"{output} is the file itself; the reader's original is left as it is.\n"
    assert (tmp_path / "a.ASC").read_bytes() == data


def test_a_file_of_which_some_cannot_be_written_is_refused_or_written_without_them(tmp_path: Path) -> None:
    (tmp_path / "a.binx").write_bytes(risoe(8, RATE=5.0, AN_TIME=1.0) + risoe(8, counts=()) + risoe(8, POSITION=4))
    done = convert(tmp_path, "a.binx", "-o", "a.xlum")
    assert done.returncode == 1
    assert "record 2 (byte 523): a TL record without points." in done.stderr
    assert "Readout 2 (chips/4)" in done.stderr  # of the second that was read, with no time to be computed
    assert done.stderr.endswith("Nothing was written; --leave-out writes the rest (1 readout).\n")
    assert names(tmp_path) == {"a.binx"}
    told = json.loads(convert(tmp_path, "a.binx", "-o", "a.xlum", "--leave-out", "--json").stdout)
    assert (told["readouts"], len(told["left_out"]), told["read_with"]) == (1, 2, {})
    assert told["bytes"] == (tmp_path / "a.xlum").stat().st_size


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("none.binx", "-o", "a.xlum"), 1, "none.binx cannot be read: No such file or directory."),
        (("t.txt", "-o", "a.xlum"), 1, "t.txt is no reader file that is known here; known are "),
        (("e.xsyg", "-o", "a.xlum"), 1, "e.xsyg, record 1: a record of type TL without a measured detector curve."),
        (("a.ASC", "-o", "a.csv"), 2, "'.csv' is the end of no file that is written; there are .binx, .xsyg, .xlum"),
        (("a.ASC", "-o", "a"), 2, "'' is the end of no file that is written"),
        (("a.ASC", "-o", "a.binx", "--version", "5"), 2, "Version 5 of BINX is not written; there are 6, 7, 8."),
        (("a.ASC", "-o", "a.binx", "--format", "nix"), 2, "There is no file format 'nix'; there are "),
        (("a.ASC", "-o", "a.binx", "--option", "x=1"), 2, "'x=1' is no option of a file format; write key=value"),
        (("a.ASC", "-o", "no/a.ASC"), 1, "no/a.ASC cannot be written: No such file or directory."),
        (("a.ASC", "-o", "a.binx"), 1, "a.ASC cannot be written as risoe-bin. Readout 1 (1) has no whole counts, as a"),
        (("a.ASC", "-o", "a.xlum", "--largest-mb", "0.0001"), 1, "a.ASC is larger than 0.0001 MB and is not read;"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_no_file(
    tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    (tmp_path / "t.txt").write_text("hello")
    (tmp_path / "e.xsyg").write_text(xsyg(record(HEAT)))
    (tmp_path / "a.ASC").write_bytes(export(1))
    there = names(tmp_path)
    done = convert(tmp_path, *words)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert names(tmp_path) == there


def test_the_example_of_the_page(tmp_path: Path) -> None:
    """Its commands and its answer, on the files of simulated readers."""
    page = PAGE.read_text().partition("## Convert")[2].partition("\n## ")[0]
    asyncio.run(dropped(tmp_path, "risoe-bin", 8))
    asyncio.run(dropped(tmp_path, "xsyg", 1))
    ((disc,), (chip,)) = list(tmp_path.glob("*.binx")), list(tmp_path.glob("*.xsyg"))
    disc.rename(tmp_path / "disc.binx")
    chip.rename(tmp_path / "chip.xsyg")
    for words in re.findall(r"(?m)^ {4}acquire convert (.*)$", page):
        done = convert(tmp_path, *words.split())
        assert done.returncode == 0, done.stderr
    (answer,) = re.findall(r"(?s)```text\n(.*?)```", page)
    assert done.stdout == answer
    read = acquire("import", "disc.xlum", "disc-6.binx", "chip.xlum", "--json", cwd=tmp_path)
    assert [each["readouts"] for each in json.loads(read.stdout)["files"]] == [8, 8, 1]


async def dropped(folder: Path, model: str, tray: int) -> None:
    await (await serve(model, f"dir:{folder}", seed=5, options={"tray": tray})).close()
