"""The journal of a drop folder: tried before the first file is read, and never the reason for storing a card twice."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from reader_files import GLOW, GOOD, HEAT, curve, export, folder_at, record, xsyg

from drivers import LinkDown
from drivers.files import FolderInstrument, FolderSettings, check_folder
from drivers.files.xsyg import XSYG
from drivers.reading import Reading


async def given(folder: FolderInstrument) -> list[Reading]:
    """What a look gives, confirmed."""
    readings = list(await folder.take())
    await folder.confirm()
    return readings


def missing(path: Path) -> Path:
    """A journal in a folder that is not there."""
    return path / "nowhere" / "taken"


def a_folder(path: Path) -> Path:
    """A folder where the journal should be."""
    (path / "taken.d").mkdir()
    return path / "taken.d"


def under_a_file(path: Path) -> Path:
    """A file where its folder should be."""
    (path / "file").touch()
    return path / "file" / "taken"


def a_pipe(path: Path) -> Path:
    """A FIFO, which an open would wait for."""
    os.mkfifo(path / "pipe")
    return path / "pipe"


NOT_WRITABLE = [missing, a_folder, under_a_file, a_pipe, lambda path: Path("/dev/full")]


@pytest.mark.parametrize("place", NOT_WRITABLE)
async def test_a_journal_that_cannot_be_written_is_refused_before_a_file_is_read(tmp_path: Path, place: object) -> None:
    journal = place(tmp_path)  # type: ignore[operator]
    folder = folder_at(tmp_path, journal=journal)
    (tmp_path / "in" / "a.ASC").write_bytes(export(1))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(LinkDown, match=r"cannot be written .*set `journal` to a place that can be written") as error:
        await folder.open()
    assert str(journal) in str(error.value)
    assert check_folder(folder.settings, tmp_path / "in") == [str(error.value)]
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("call", ["write", "fsync"])
async def test_the_trial_writes_and_syncs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"drivers.files.journal.os.{call}", full)
    with pytest.raises(LinkDown, match="No space left on device"):
        await folder_at(tmp_path).open()


def test_a_check_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    assert check_folder(FolderSettings(), tmp_path / "in") == []
    assert sorted(tmp_path.iterdir()) == [tmp_path / "in"]
    torn = tmp_path / "torn"
    torn.write_bytes(b"abc")
    assert check_folder(FolderSettings(journal=torn), tmp_path / "in") == []
    assert torn.read_bytes() == b"abc"


def test_a_check_names_a_missing_folder(tmp_path: Path) -> None:
    assert check_folder(FolderSettings(journal=tmp_path / "j"), tmp_path / "in") == [
        f"There is no folder {tmp_path / 'in'}; make it, or mend the resource."
    ]


async def test_the_journal_lies_beside_the_folder_unless_it_is_told(tmp_path: Path) -> None:
    folder = folder_at(tmp_path, journal=None)
    await folder.open()
    assert (tmp_path / ".in.taken").read_bytes() == b""


async def test_a_journal_in_the_folder_is_no_readers_file(tmp_path: Path) -> None:
    folder = folder_at(tmp_path, journal=tmp_path / "in" / "journal.txt")
    await folder.open()
    (tmp_path / "in" / "a.ASC").write_bytes(export(1))
    assert [len(await given(folder)) for _ in range(3)] == [1, 0, 0]


async def test_what_is_in_the_spool_is_not_read_again_when_the_journal_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was stored 26 times in 20 s."""
    folder = folder_at(tmp_path)
    await folder.open()
    (tmp_path / "in" / "a.ASC").write_bytes(export(1))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("drivers.files.journal.os.fsync", full)
    assert len(await given(folder)) == 1
    (notice,) = await given(folder)
    assert (notice.kind, notice.value) == ("unparsed", None)
    assert "No space left on device" in str(notice.note)
    (tmp_path / "in" / "a.ASC").write_bytes(export(1, 2))
    assert [r.element for r in await given(folder)] == ["2"]
    assert await given(folder) == []
    assert (tmp_path / "taken").read_bytes() == b""
    again = folder_at(tmp_path)
    with pytest.raises(LinkDown):
        await again.open()
    monkeypatch.undo()
    await again.open()
    assert await given(again) == []
    assert len((tmp_path / "taken").read_bytes().split()) == 2


async def test_a_journal_that_works_again_is_written_and_a_new_failure_is_told_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_at(tmp_path)
    await folder.open()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for card in (1, 2):
        (tmp_path / "in" / "a.ASC").write_bytes(export(card))
        with monkeypatch.context() as broken:
            broken.setattr("drivers.files.journal.os.fsync", full)
            assert [len(await given(folder)) for _ in range(3)] == [1, 1, 0]
        assert await given(folder) == []
        assert len((tmp_path / "taken").read_bytes().split()) == card


async def test_a_line_that_a_power_cut_has_torn_spoils_no_other(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    await folder.open()
    (tmp_path / "in" / "a.ASC").write_bytes(export(1))
    await given(folder)
    journal = tmp_path / "taken"
    journal.write_bytes(journal.read_bytes() + b"0a1b\xff")
    folder = folder_at(tmp_path)
    await folder.open()
    assert journal.read_bytes().endswith(b"0a1b\xff\n")
    (tmp_path / "in" / "a.ASC").write_bytes(export(1, 2))
    assert [r.element for r in await given(folder)] == ["2"]
    folder = folder_at(tmp_path)
    await folder.open()
    assert await given(folder) == []


async def test_a_journal_is_one_key_a_line(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    await folder.open()
    for cards in ((1,), (1, 2), (1, 2, 3)):
        (tmp_path / "in" / "a.ASC").write_bytes(export(*cards))
        await given(folder)
        await folder_at(tmp_path).open()
    assert [len(each) for each in (tmp_path / "taken").read_bytes().split(b"\n")] == [64, 64, 64, 0]


async def test_a_journal_torn_while_the_folder_is_open_spoils_no_other(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    await folder.open()
    (tmp_path / "taken").write_bytes(b"0a1b")
    (tmp_path / "in" / "a.ASC").write_bytes(export(1))
    await given(folder)
    assert (tmp_path / "taken").read_bytes().startswith(b"0a1b\n")


def released_key(raw: bytes, n: int = 1, index: int | None = 2, name: str = "") -> str:
    """What 0.1.0 wrote for a record: its line end was part of its name."""
    record_name = f"{hashlib.sha256(raw).hexdigest()}/{index}"
    return hashlib.sha256(f"{name}/{record_name}/{n}".encode()).hexdigest()


@pytest.mark.parametrize("then", ["\r\n", "\n", ""])
@pytest.mark.parametrize("now", ["\r\n", "\n", ""])
async def test_what_an_earlier_version_took_is_not_stored_again(tmp_path: Path, then: str, now: str) -> None:
    (tmp_path / "taken").write_text(released_key(export(1, end=then)) + "\n")
    folder = folder_at(tmp_path)
    await folder.open()
    (tmp_path / "in" / "a.ASC").write_bytes(export(1, end=now) + (b"" if now == "" else export(2)))
    assert [r.element for r in await given(folder)] == ([] if now == "" else ["2"])


async def test_a_rejected_line_of_an_earlier_version_is_not_told_again(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text(released_key(b'"M6600", 2\r\n', 1, None, "a.ASC") + "\n")
    folder = folder_at(tmp_path)
    await folder.open()
    (tmp_path / "in" / "a.ASC").write_bytes(export(1) + b'"M6600", 2\r\n')
    assert [r.element for r in await given(folder)] == ["1"]


async def test_of_a_record_that_an_earlier_version_took_the_second_detector_is_new(tmp_path: Path) -> None:
    two = record(GLOW, curve("0.1,1;0.4,2", 'detector="NIR50"'), HEAT)
    (tmp_path / "taken").write_text("".join(released_key(t.encode(), 1, None) + "\n" for t in (two, GOOD)))
    folder = folder_at(tmp_path, XSYG)
    await folder.open()
    (tmp_path / "in" / "a.xsyg").write_text(xsyg(two, GOOD))
    assert [r.channel for r in await given(folder)] == ["NIR50"]
