"""Files of formats that stream: read in stretches, in bounded memory, each record once whatever becomes of the file."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from reader_files import Clock, export, folder_at
from risoe_files import regions, risoe
from typer.testing import CliRunner

from acquire.cli.main import app
from drivers import Misuse
from drivers.files import FolderInstrument, Format, NoOptions, Rejected, parse_file, stream_file
from drivers.files.bin_records import walk
from drivers.files.records import new
from drivers.files.risoe_bin import RISOE_BIN
from drivers.files.winrems import WINREMS
from drivers.model import Quantity
from drivers.reading import Flag, Reading, Sample


async def given(folder: FolderInstrument) -> list[Reading]:
    """What a look gives, confirmed."""
    readings = list(await folder.take())
    await folder.confirm()
    return readings


async def opened(path: Path, clock: Clock | None = None, **settings: object) -> FolderInstrument:
    """A drop folder of BIN and BINX files that is open."""
    folder = folder_at(path, RISOE_BIN, clock, **settings)
    await folder.open()
    return folder


def positions(readings: list[Reading]) -> list[str]:
    """The last part of the dosimeters' names, "?" for what is not believed."""
    return [(each.element or "/?").rpartition("/")[2] for each in readings]


def discs(*numbers: int) -> bytes:
    """A record for each position."""
    return b"".join(risoe(8, POSITION=n) for n in numbers)


def held_open(path: Path) -> list[str]:
    """The files of a folder that this process has open."""
    targets = []
    for link in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the folder itself was open, and is no more
            targets.append(str(link.readlink()))
    return [each for each in targets if each.startswith(str(path))]


@pytest.fixture
def two_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.files.folder.ENOUGH", 2)


@pytest.mark.usefixtures("two_at_a_time")
async def test_a_large_file_comes_in_stretches_and_is_let_go(tmp_path: Path) -> None:
    folder = await opened(tmp_path)
    file = tmp_path / "in" / "a.binx"
    file.write_bytes(discs(1, 2, 3, 4, 5))
    (tmp_path / "in" / "b.binx").write_bytes(discs(6))
    assert positions(await given(folder)) == ["1", "2"]
    assert held_open(file) == [str(file)]
    assert positions(await given(folder)) == ["3", "4"]
    assert positions(await given(folder)) == ["5", "6"]
    assert held_open(file) == []
    assert await given(folder) == []
    assert await given(await opened(tmp_path)) == []


@pytest.mark.usefixtures("two_at_a_time")
@pytest.mark.parametrize("how", ["close", "recover", "unlink"])
async def test_a_file_half_given_is_let_go_when_it_must_be(tmp_path: Path, how: str) -> None:
    folder = await opened(tmp_path)
    file = tmp_path / "in" / "a.binx"
    file.write_bytes(discs(1, 2, 3))
    await given(folder)
    if how == "unlink":
        file.unlink()
        assert await given(folder) == []
    else:
        await getattr(folder, how)()
    assert held_open(file) == []


@pytest.mark.usefixtures("two_at_a_time")
async def test_what_was_not_confirmed_comes_again_when_it_is_opened_anew(tmp_path: Path) -> None:
    folder = await opened(tmp_path)
    (tmp_path / "in" / "a.binx").write_bytes(discs(1, 2, 3, 4))
    assert positions(await given(folder)) == ["1", "2"]
    assert positions(list(await folder.take())) == ["3", "4"]
    await folder.recover()
    assert positions(await given(folder)) == ["3", "4"]


@pytest.mark.usefixtures("two_at_a_time")
async def test_a_file_that_grows_while_it_is_half_given_gives_each_record_once(tmp_path: Path) -> None:
    folder = await opened(tmp_path)
    file = tmp_path / "in" / "a.binx"
    file.write_bytes(discs(1, 2, 3))
    assert positions(await given(folder)) == ["1", "2"]
    with file.open("ab") as more:
        more.write(discs(4))
    assert positions(await given(folder)) == ["3", "4"]
    assert await given(folder) == []


async def test_what_was_written_while_it_was_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = await opened(tmp_path)
    file = tmp_path / "in" / "a.binx"
    file.write_bytes(discs(1))

    def written_into(*arguments: object) -> Iterator[object]:
        yield from stream_file(*arguments)  # type: ignore[arg-type]
        with file.open("ab") as more:
            more.write(discs(2))

    monkeypatch.setattr("drivers.files.stretches.stream_file", written_into)
    assert await given(folder) == []
    monkeypatch.undo()
    assert positions(await given(folder)) == ["1", "2"]


async def test_a_record_being_written_is_waited_for_and_told_when_it_does_not_come(tmp_path: Path) -> None:
    clock = Clock()
    folder = await opened(tmp_path, clock, give_up_s=60)
    file = tmp_path / "in" / "a.binx"
    file.write_bytes(discs(1, 2)[:-1])
    assert positions(await given(folder)) == ["1"]
    clock.step(59)
    assert await given(folder) == []
    clock.step(2)
    (told,) = await given(folder)
    assert (told.kind, told.flags, told.raw) == ("unparsed", (Flag.UNPARSED, Flag.INCOMPLETE), discs(2)[:-1])
    file.write_bytes(discs(1, 2, 3))
    assert positions(await given(folder)) == ["2", "3"]


async def test_a_record_that_stands_twice_is_told_once(tmp_path: Path) -> None:
    folder = await opened(tmp_path)
    (tmp_path / "in" / "a.binx").write_bytes(discs(1, 1))
    assert positions(await given(folder)) == ["1", "?"]
    (tmp_path / "in" / "copy.binx").write_bytes(discs(1, 1, 2))
    assert positions(await given(folder)) == ["2"]


async def test_an_empty_file_and_a_strangers_are_told(tmp_path: Path) -> None:
    folder = await opened(tmp_path, give_up_s=0)
    (tmp_path / "in" / "a.binx").write_bytes(b"")
    (tmp_path / "in" / "b.ASC").write_bytes(export(1))
    said = sorted(str(each.note) for each in await given(folder))
    assert said[0] == "a.binx is empty."
    assert said[1].startswith("b.ASC is not a risoe-bin file but looks like winrems.")


async def test_a_file_that_cannot_be_read_further_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*arguments: object) -> Iterator[object]:
        raise OSError(5, "Input/output error")
        yield

    folder = await opened(tmp_path)
    (tmp_path / "in" / "a.binx").write_bytes(discs(1))
    monkeypatch.setattr("drivers.files.stretches.stream_file", breaks)
    assert [each.note for each in await given(folder)] == ["a.binx cannot be read: Input/output error."]
    assert await given(folder) == []
    assert held_open(tmp_path / "in") == []


def of(*pieces: object, fails: Exception | None = None) -> Format:
    """A format whose stream gives these and then may fail."""

    def stream(*_: object) -> Iterator[object]:
        yield from pieces
        if fails:
            raise fails

    return Format(
        name="odd", vendor="x", title="x", quantities=(Quantity("counts", "1"),), detect=lambda data: True,
        parse=lambda name, data, options: new(name, "odd", data), stream=stream,  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_stream_that_fails_gives_what_it_had_and_a_sentence() -> None:
    fine = Sample(quantity="counts", unit="1", value=1.0, raw=b"1")
    first, second = stream_file("a", io.BytesIO(b"1"), NoOptions(), of(fine, fails=ZeroDivisionError("no")))
    assert isinstance(first, Sample)
    assert first.origin["file"] == "a"
    assert isinstance(second, Rejected)
    assert second.reason == "a cannot be read further: the format odd failed (ZeroDivisionError: no)."


def test_what_a_stream_gives_wrong_is_rejected_by_itself() -> None:
    bad = Sample(quantity="counts", unit="1", u=float("nan"), raw=b"1")
    given = list(stream_file("a", io.BytesIO(b"1"), NoOptions(), of("a note", bad, 5)))
    assert given[0] == "a note"
    assert [each.reason for each in given[1:] if isinstance(each, Rejected)] == [
        "a, reading 1: a number in it is not finite.",
        "a, reading 1: the format gave a int where a Sample belongs.",
    ]


def test_a_format_without_a_stream_is_read_as_a_whole() -> None:
    with pytest.raises(Misuse, match="winrems reads a file as a whole"):
        list(stream_file("a", io.BytesIO(export(1)), NoOptions(), WINREMS))


def test_import_reads_it_record_by_record(tmp_path: Path) -> None:
    file = tmp_path / "a.binx"
    file.write_bytes(discs(1) + regions(1) + discs(2) + risoe(6, POSITION=3)[:-2])
    arguments = ["import", str(file), "--json", "--option", "element_from=position"]
    said = json.loads(CliRunner().invoke(app, arguments).stdout)
    assert [(f["file"], f["format"], f["readouts"], f["rejected"]) for f in said["files"]] == [
        ("a.binx", "risoe-bin", 2, 1)
    ]
    assert said["files"][0]["notes"] == ["record 2: 1 regions of interest, no readout"]
    assert [(r["element"], r["kind"], r["points"], r["sum"]) for r in said["readouts"]] == [
        ("1", "glow-curve", 4, 23.0), ("2", "glow-curve", 4, 23.0),
    ]  # fmt: skip


def test_import_of_a_file_of_another_format_than_told(tmp_path: Path) -> None:
    file = tmp_path / "a.ASC"
    file.write_bytes(export(1))
    said = json.loads(CliRunner().invoke(app, ["import", str(file), "--json", "--format", "risoe-bin"]).stdout)
    assert said["files"][0]["reason"] == "a.ASC is not a risoe-bin file but looks like winrems."


def test_a_large_file_is_walked_in_little_memory() -> None:
    one = risoe(8, tuple(range(9999)))
    whole = io.BytesIO(one * 500)
    tracemalloc.start()
    try:
        assert sum(1 for _ in walk(whole)) == 500
        assert tracemalloc.get_traced_memory()[1] < 8e6, "of 20 MB"
    finally:
        tracemalloc.stop()


def test_the_whole_and_the_stream_are_one() -> None:
    data = discs(1, 2)
    assert parse_file("a", data).samples == list(stream_file("a", io.BytesIO(data), RISOE_BIN.options(), RISOE_BIN))
